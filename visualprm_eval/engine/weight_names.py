"""Names and shapes of weights: OpenGVLab's layout on one side, transformers' InternVL classes on the other.

Checked number by number against the original code; see tests/golden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from visualprm_eval.engine.config import INTERNLM2, CheckpointConfig, LanguageConfig

if TYPE_CHECKING:
    from torch import Tensor

NativeNames = tuple[str, ...]
"""Where a tensor of the checkpoint goes: one name, or those of queries, keys and values when they are stored as one."""

HEAD = "lm_head.weight"
EMBEDDINGS = "model.language_model.embed_tokens.weight"


def weight_table(config: CheckpointConfig) -> dict[str, NativeNames]:
    """Every tensor that a checkpoint must have, and where each goes.

    Returns:
        Original names to native names; the native names are all parameters of the native model.
    """
    table = dict(_vision_table(config))
    for old, new in (("0", "layer_norm"), ("1", "linear_1"), ("3", "linear_2")):
        for kind in ("weight", "bias"):
            table[f"mlp1.{old}.{kind}"] = (f"model.multi_modal_projector.{new}.{kind}",)
    language = config.language
    table.update(_internlm2_table(language) if language.architecture == INTERNLM2 else _qwen2_table(language))
    return table


def split_tensor(name: str, tensor: Tensor, config: CheckpointConfig) -> tuple[Tensor, ...]:
    """Cuts one tensor of the checkpoint into the native model's.

    Args:
        name: Its original name.
        tensor: Its value.
        config: The checkpoint.

    Returns:
        One tensor per native name of ``weight_table``; views of ``tensor`` where nothing is rearranged.
    """
    if ".attn.qkv." in name:
        rows = config.vision.hidden_size
        return tensor[:rows], tensor[rows : 2 * rows], tensor[2 * rows :]
    if ".wqkv." in name:
        return _split_groups(tensor, config.language)
    return (tensor,)


def join_tensors(name: str, parts: tuple[Tensor, ...], config: CheckpointConfig) -> Tensor:
    """The inverse of ``split_tensor``."""
    import torch

    if ".attn.qkv." in name:
        return torch.cat(parts)
    if ".wqkv." in name:
        return _join_groups(parts, config.language)
    return parts[0]


def to_original(state: Mapping[str, Tensor], config: CheckpointConfig) -> dict[str, Tensor]:
    """The tensors of a checkpoint file from a native model's state.

    Args:
        state: ``model.state_dict()``.
        config: The checkpoint.
    """
    return {
        name: join_tensors(name, tuple(state[native] for native in natives), config)
        for name, natives in weight_table(config).items()
    }


def _split_groups(fused: Tensor, language: LanguageConfig) -> tuple[Tensor, Tensor, Tensor]:
    """InternLM2 stores a group's queries, then its key, then its value; groups follow each other."""
    groups, size = language.num_key_value_heads, language.head_size
    queries = language.num_attention_heads // groups
    view = fused.reshape(groups, queries + 2, size, *fused.shape[1:])
    return (view[:, :queries].flatten(0, 2), view[:, queries].flatten(0, 1), view[:, queries + 1].flatten(0, 1))


def _join_groups(parts: tuple[Tensor, ...], language: LanguageConfig) -> Tensor:
    import torch

    groups, size = language.num_key_value_heads, language.head_size
    views = [part.reshape(groups, -1, size, *part.shape[1:]) for part in parts]
    return torch.cat(views, dim=1).flatten(0, 2)


def _vision_table(config: CheckpointConfig) -> Iterator[tuple[str, NativeNames]]:
    vision = config.vision
    source, target = "vision_model.embeddings", "model.vision_tower.embeddings"
    yield f"{source}.class_embedding", (f"{target}.cls_token",)
    yield f"{source}.position_embedding", (f"{target}.position_embeddings",)
    for kind in ("weight", "bias"):
        yield f"{source}.patch_embedding.{kind}", (f"{target}.patch_embeddings.projection.{kind}",)
    pairs = [("ls1", "lambda_1"), ("ls2", "lambda_2")]
    modules = [("attn.proj", "attention.projection_layer"), ("mlp.fc1", "mlp.fc1"), ("mlp.fc2", "mlp.fc2")]
    pairs += [(f"{old}.{kind}", f"{new}.{kind}") for old, new in modules for kind in ("weight", "bias")]
    norms = [("norm1", "layernorm_before"), ("norm2", "layernorm_after")]
    norm_kinds = ("weight", "bias") if vision.norm_type == "layer_norm" else ("weight",)
    pairs += [(f"{old}.{kind}", f"{new}.{kind}") for old, new in norms for kind in norm_kinds]
    if vision.qk_normalization:
        pairs += [(f"attn.{norm}.weight", f"attention.{norm}.weight") for norm in ("q_norm", "k_norm")]
    for layer in range(vision.num_hidden_layers):
        old_layer, new_layer = f"vision_model.encoder.layers.{layer}", f"model.vision_tower.encoder.layer.{layer}"
        for old, new in pairs:
            yield f"{old_layer}.{old}", (f"{new_layer}.{new}",)
        for kind in ("weight", "bias") if vision.qkv_bias else ("weight",):
            yield f"{old_layer}.attn.qkv.{kind}", tuple(f"{new_layer}.attention.{x}_proj.{kind}" for x in "qkv")


def _internlm2_table(language: LanguageConfig) -> Iterator[tuple[str, NativeNames]]:
    yield "language_model.model.tok_embeddings.weight", (EMBEDDINGS,)
    yield "language_model.model.norm.weight", ("model.language_model.norm.weight",)
    yield "language_model.output.weight", (HEAD,)
    pairs = [
        ("feed_forward.w1.weight", "mlp.gate_proj.weight"),
        ("feed_forward.w3.weight", "mlp.up_proj.weight"),
        ("feed_forward.w2.weight", "mlp.down_proj.weight"),
        ("attention_norm.weight", "input_layernorm.weight"),
        ("ffn_norm.weight", "post_attention_layernorm.weight"),
    ]
    for layer in range(language.num_hidden_layers):
        source, target = f"language_model.model.layers.{layer}", f"model.language_model.layers.{layer}"
        for old, new in pairs:
            yield f"{source}.{old}", (f"{target}.{new}",)
        for kind in ("weight", "bias") if language.bias else ("weight",):
            yield f"{source}.attention.wqkv.{kind}", tuple(f"{target}.self_attn.{x}_proj.{kind}" for x in "qkv")
            yield f"{source}.attention.wo.{kind}", (f"{target}.self_attn.o_proj.{kind}",)


def _qwen2_table(language: LanguageConfig) -> Iterator[tuple[str, NativeNames]]:
    yield "language_model.model.embed_tokens.weight", (EMBEDDINGS,)
    yield "language_model.model.norm.weight", ("model.language_model.norm.weight",)
    yield "language_model.lm_head.weight", (HEAD,)
    names = [f"self_attn.{x}_proj.{kind}" for x in "qkv" for kind in ("weight", "bias")]
    names += ["self_attn.o_proj.weight", "input_layernorm.weight", "post_attention_layernorm.weight"]
    names += [f"mlp.{x}_proj.weight" for x in ("gate", "up", "down")]
    for layer in range(language.num_hidden_layers):
        for name in names:
            yield f"language_model.model.layers.{layer}.{name}", (f"model.language_model.layers.{layer}.{name}",)
