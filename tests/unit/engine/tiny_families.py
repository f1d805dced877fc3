"""Tiny random models of many families that transformers has for pictures and text, without files or processors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForImageTextToText, GenerationConfig, PreTrainedConfig

from visualprm_eval.engine.chat_model import ChatModel

_PICTURE = 300
_SMALL = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 320, "max_position_embeddings": 512,
    "moe_intermediate_size": 16, "num_experts": 4, "n_routed_experts": 4, "num_local_experts": 4,
    "num_experts_per_tok": 2, "shared_expert_intermediate_size": 16, "n_shared_experts": 1, "moe_num_experts": 4,
    "depth": 2, "num_heads": 4, "embed_dim": 32, "out_hidden_size": 32, "d_model": 32, "sliding_window": 16,
    "image_size": 28, "patch_size": 14, "projection_dim": 32, "intermediate_size_mlp": 48, "q_lora_rank": 8,
    "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4, "v_head_dim": 8, "linear_num_key_heads": 2,
    "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8, "query_pre_attn_scalar": 8,
    "mm_tokens_per_image": 4, "image_seq_length": 4, "projector_hidden_size": 32, "mlp_dim": 32, "base_channels": 32,
}  # fmt: skip
_IDS = {
    "image_token_id": _PICTURE, "image_token_index": _PICTURE, "video_token_id": 301, "video_token_index": 301,
    "vision_start_token_id": 302, "image_start_token_id": 302, "vision_end_token_id": 303, "image_end_token_id": 303,
    "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
Pictures = Callable[[int], dict[str, torch.Tensor]]


def _patches(width: int, **others: Any) -> Pictures:
    def made(count: int) -> dict[str, torch.Tensor]:
        grids = [(1, 2, 4), (1, 6, 2)][:count]
        pixels = torch.randn(sum(height * width for _, height, width in grids), *others.get("shape", (width,)))
        sides = {"image_merge_sizes": torch.tensor([2] * count)} if others.get("merge") else {}
        return {"pixel_values": pixels, "image_grid_thw": torch.tensor(grids), **sides}

    return made


def _squares(count: int) -> dict[str, torch.Tensor]:
    return {"pixel_values": torch.randn(count, 3, 28, 28)}


def _beside_each_other(count: int) -> dict[str, torch.Tensor]:
    return {"pixel_values": torch.randn(1, count, 3, 28, 28), "pixel_attention_mask": torch.ones(1, count, 28, 28).long()}  # fmt: skip  # noqa: E501


def _tiles(count: int) -> dict[str, torch.Tensor]:
    return {"pixel_values": torch.randn(count, 3, 3, 28, 28), "image_sizes": torch.tensor([[20, 56], [56, 20]][:count])}


def _padded(count: int) -> dict[str, torch.Tensor]:
    return {"pixel_values": torch.randn(count, 3, 56, 56), "image_sizes": torch.tensor([[56, 28], [28, 56]][:count])}


def _masked(count: int) -> dict[str, torch.Tensor]:
    return {**_squares(count), "pixel_mask": torch.ones(count, 28, 28, dtype=torch.bool)}


def _one_size(count: int) -> dict[str, torch.Tensor]:
    return {**_squares(count), "image_sizes": torch.tensor([[28, 28]] * count)}


def _shapes(count: int) -> dict[str, torch.Tensor]:
    mask = torch.tensor([[1] * 8 + [0] * 8, [1] * 16][:count])
    shapes = torch.tensor([[2, 4], [4, 4]][:count])
    return {"pixel_values": torch.randn(count, 16, 588), "spatial_shapes": shapes, "pixel_attention_mask": mask}


def _ratios(count: int) -> dict[str, torch.Tensor]:
    ratios, mask = torch.tensor([[1, 2][:count]]), torch.tensor([[[1, 0], [1, 1]][:count]])
    pixels = torch.randn(1, count, 2, 3, 28, 28)
    return {"pixel_values": pixels, "aspect_ratio_ids": ratios, "aspect_ratio_mask": mask}


@dataclass(frozen=True)
class Family:
    """How a family is made tiny.

    Attributes:
        pictures: Pixels of so many pictures, of different sizes where the family has such.
        config: What its configuration says besides.
        types: The name of the input that says which tokens are of a picture; ``None`` for none.
        tokens: How many tokens a picture has, where the model cannot be asked.
    """

    pictures: Pictures = _squares
    config: Mapping[str, Any] = field(default_factory=dict)
    types: str | None = None
    tokens: int | None = None


_ROPE = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0}
_TEXT = {"text_config": {"rope_parameters": _ROPE}}
_GLM = {"text_config": {"rope_parameters": {**_ROPE, "partial_rotary_factor": 1.0}}}
_QWEN2 = {**_TEXT, "vision_config": {"fullatt_block_indexes": [1], "window_size": 56}}
_QWEN3 = {**_TEXT, "vision_config": {"deepstack_visual_indexes": [1], "num_position_embeddings": 16}}
_GRIDS = _patches(1176)
_ROWS = "mm_token_type_ids"
_ANY_SIZE = {"image_grid_pinpoints": [[28, 56], [56, 28]]}
_LLAMA4 = {
    "vision_config": {"projector_input_dim": 32, "projector_output_dim": 32, "intermediate_size": 128, "vision_output_dim": 32},  # noqa: E501
    "text_config": {"layer_types": ["chunked_attention", "full_attention"], "num_local_experts": 2, "num_experts_per_tok": 1},  # noqa: E501
}  # fmt: skip
_MLLAMA = {
    "vision_config": {
        "max_num_tiles": 2, "supported_aspect_ratios": [[1, 1], [1, 2]], "num_global_layers": 1,
        "intermediate_layers_indices": [0, 1], "vision_output_dim": 96, "attention_heads": 4,
    },
    "text_config": {"cross_attention_layers": [1], "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
}  # fmt: skip
FAMILIES = {
    "aria": Family(_masked, {"projector_patch_to_query_dict": {4: 2}}),
    "aya_vision": Family(),
    "blip-2": Family(),
    "cohere2_vision": Family(),
    "cosmos3_omni": Family(_GRIDS, _QWEN3, _ROWS),
    "deepseek_vl": Family(),
    "exaone4_5": Family(_GRIDS),
    "gemma3": Family(types="token_type_ids"),
    "glm46v": Family(_GRIDS, _GLM, _ROWS),
    "glm4v": Family(_GRIDS, _GLM, _ROWS),
    "glm4v_moe": Family(_GRIDS, _GLM, _ROWS),
    "glm_ocr": Family(_GRIDS, _GLM, _ROWS),
    "got_ocr2": Family(),
    "hyperclovax_vision_v2": Family(_GRIDS),
    "idefics2": Family(_beside_each_other),
    "idefics3": Family(_beside_each_other),
    "internvl": Family(),
    "janus": Family(),
    "lfm2_vl": Family(
        _shapes, {"vision_config": {"num_patches": 16}, "text_config": {"layer_types": ["conv", "full_attention"]}}
    ),
    "lfm3_vl": Family(_GRIDS),
    "lighton_ocr": Family(_one_size),
    "llama4": Family(config=_LLAMA4, tokens=1),
    "llava": Family(),
    "llava_next": Family(_tiles, _ANY_SIZE),
    "llava_next_video": Family(_tiles, _ANY_SIZE),
    "llava_onevision": Family(_tiles, _ANY_SIZE),
    "minimax_m3_vl": Family(_GRIDS),
    "mistral3": Family(_padded, {"vision_feature_layer": -1, "vision_config": {"image_size": 56}}),
    "mllama": Family(_ratios, _MLLAMA, tokens=1),
    "ovis2": Family(),
    "paddleocr_vl": Family(_patches(588, shape=(3, 14, 14)), _TEXT, _ROWS),
    "paligemma": Family(),
    "qianfan_ocr": Family(),
    "qwen2_5_vl": Family(_GRIDS, _QWEN2, _ROWS),
    "qwen2_vl": Family(_GRIDS, {**_TEXT, "vision_config": {"hidden_size": 32}}, _ROWS),
    "qwen3_5": Family(_GRIDS, types=_ROWS),
    "qwen3_5_moe": Family(_GRIDS, types=_ROWS),
    "qwen3_vl": Family(_GRIDS, _QWEN3, _ROWS),
    "qwen3_vl_moe": Family(_GRIDS, _QWEN3, _ROWS),
    "smolvlm": Family(_beside_each_other),
    "video_llama_3": Family(_patches(588, merge=True)),
    "video_llava": Family(),
    "vipllava": Family(config={"vision_feature_layers": [-2, -1]}),
}
"""By transformers' name of the model type."""


def make_family(name: str) -> ChatModel:
    """A random model of a family, which has no processor."""
    torch.manual_seed(0)
    kind = CONFIG_MAPPING[name]
    config = kind(**_shrunk(kind, FAMILIES[name].config))
    for part in (config, config.get_text_config()):
        known = part.to_dict()
        for key, value in _IDS.items():
            if key in known:
                setattr(part, key, value)
    model = AutoModelForImageTextToText.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.3)
    model.generation_config = GenerationConfig(eos_token_id=[2], pad_token_id=0, do_sample=False)
    return ChatModel(model, SimpleNamespace(tokenizer=None), (2,), 512, None)


def _shrunk(kind: type[PreTrainedConfig], said: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a configuration of a kind small, its parts included."""
    plain = kind()
    known = plain.to_dict()
    made: dict[str, Any] = {key: value for key, value in _SMALL.items() if isinstance(known.get(key), int)}
    made |= {key: _SMALL[key] for key in ("head_dim", "num_key_value_heads") if key in known}
    for key in ("layer_types", "mlp_layer_types"):
        if known.get(key):
            made[key] = (list(dict.fromkeys(known[key])) * 2)[:2]
    for name in kind.sub_configs:
        part = type(getattr(plain, name, None))
        if issubclass(part, PreTrainedConfig):
            made[name] = {**_shrunk(part, said.get(name, {})), "model_type": part.model_type}
    return {**made, **{key: value for key, value in said.items() if not isinstance(made.get(key), dict)}}


def family_inputs(name: str, chat: ChatModel, count: int) -> dict[str, torch.Tensor]:
    """A prompt with so many pictures, of different sizes where the family has such."""
    family = FAMILIES[name]
    torch.manual_seed(1)
    pixels = family.pictures(count)
    sizes = [family.tokens] * count if family.tokens else _sizes(chat.model, pixels, count)
    ids, types = [1, 10, 11], [0, 0, 0]
    for size in sizes:
        ids += [302, *[_PICTURE] * size, 303, 20]
        types += [0, *[1] * size, 0, 0]
    ids += [30, 31, 32]
    types += [0, 0, 0]
    inputs = {"input_ids": torch.tensor([ids]), "attention_mask": torch.ones(1, len(ids)).long(), **pixels}
    if name == "mllama":
        inputs["cross_attention_mask"] = torch.ones(1, len(ids), count, 2).long()
    return inputs if family.types is None else {**inputs, family.types: torch.tensor([types])}


@torch.no_grad()
def _sizes(model: Any, pixels: Mapping[str, torch.Tensor], count: int) -> list[int]:
    """How many tokens each picture has."""
    found = getattr(model, "model", model).get_image_features(**pixels, return_dict=True).pooler_output
    sizes = [each.flatten(0, -2).shape[0] for each in found]
    return sizes if len(sizes) == count else [sum(sizes) // count] * count
