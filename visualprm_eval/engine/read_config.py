"""Reading and writing config.json of a checkpoint in the OpenGVLab layout."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.core.json_rows import cut_off
from visualprm_eval.core.types import JSONValue
from visualprm_eval.engine.checkpoint_folder import transformers_sibling
from visualprm_eval.engine.config import (
    HF_MODEL_TYPE,
    INTERNLM2,
    LANGUAGE,
    MODEL_TYPE,
    QWEN2,
    TEMPLATE,
    TEMPLATES,
    VISION,
    VISION_MODEL_TYPE,
    CheckpointConfig,
    LanguageConfig,
    VisionConfig,
)
from visualprm_eval.engine.json_section import Section, read_object

_LANGUAGE_MODEL_TYPES = {INTERNLM2: "internlm2", QWEN2: "qwen2"}


def read_config(directory: Path) -> CheckpointConfig:
    """Reads config.json of a checkpoint.

    Raises:
        CheckpointError: When the file is missing or malformed, or describes a model that we do not know.
    """
    path = directory / "config.json"
    raw = read_object(
        path, CheckpointError, f"{directory}: no config.json; expected a checkpoint in the OpenGVLab layout"
    )
    return parse_config(raw, str(path))


def names_reward_model(directory: Path) -> bool:
    """Whether config.json names the class of a reward model, as VisualPRM's does.

    Weights do not tell: a reward model has the same tensors as the chat model that it was trained from.

    Raises:
        CheckpointError: When the file is missing or malformed.
    """
    raw = read_object(directory / "config.json", CheckpointError, f"{directory}: no config.json")
    return "Reward" in json.dumps([raw.get("architectures"), raw.get("auto_map")])


def parse_config(raw: Mapping[str, JSONValue], where: str = "config.json") -> CheckpointConfig:
    """Checks and freezes the content of config.json.

    Args:
        raw: The parsed JSON.
        where: What messages call it.

    Raises:
        CheckpointError: When a key is missing, or the model is one that we would compute wrongly.
    """
    if raw.get("model_type") == HF_MODEL_TYPE:
        from visualprm_eval.engine.hf_config import parse_hf_config

        return parse_hf_config(raw, where)
    top = Section(raw, where)
    # What the file says it is comes first, so that another model's file is not blamed for missing keys.
    if (kind := top.get("model_type", object)) != MODEL_TYPE:
        raise CheckpointError(
            f"{where}: model_type is {kind!r}; expected a checkpoint of InternVL2, 2.5 or 3 in OpenGVLab's own layout "
            "or transformers'. A policy of another family runs in transformers' own class: --model hf:PATH_OR_ID"
        )
    if lora := {key: raw[key] for key in ("use_llm_lora", "use_backbone_lora") if raw.get(key)}:
        raise CheckpointError(
            f"{where} has {lora}: the weights of its adapters stand apart; merge them first (tools/merge_lora.py of "
            "InternVL's own code does) and pass the merged folder"
        )
    vision = _parse_vision(top.section("vision_config"))
    language = _parse_language(top.section("llm_config"))
    template = top.get("template", str)
    if template not in TEMPLATES:
        top.expect(template=TEMPLATE)
    top.expect(["ps_version"], ps_version="v2", select_layer=-1, pad2square=False, downsample_ratio=0.5)
    top.expect(force_image_size=vision.image_size)
    if (vision.image_size // vision.patch_size) % 2:
        raise CheckpointError(f"{where}: an odd number of patches per side cannot be halved by the pixel shuffle")
    return CheckpointConfig(
        vision=vision,
        language=language,
        max_tiles=top.get("max_dynamic_patch", int, 12),
        min_tiles=top.get("min_dynamic_patch", int, 1),
        use_thumbnail=top.get("use_thumbnail", bool, True),
        dynamic_tiles=top.get("dynamic_image_size", bool, True),
        system_message=top.get("system_message", str, TEMPLATES[template]),
        dtype=str(raw.get("torch_dtype") or raw.get("dtype") or "float32"),
        template=template,
    )


def config_json(config: CheckpointConfig, architecture: str = "InternVLChatModel") -> dict[str, JSONValue]:
    """The content of config.json in the OpenGVLab layout; the inverse of ``parse_config``.

    Args:
        config: The checkpoint.
        architecture: Name of the original's class, ``"InternVLRewardModel"`` for a reward model.
    """
    language = asdict(config.language)
    name = language.pop("architecture")
    if name == QWEN2:
        del language["bias"]
    llm_type = _LANGUAGE_MODEL_TYPES[name]
    return {
        "architectures": [architecture],
        "model_type": MODEL_TYPE,
        "template": config.template,
        "ps_version": "v2",
        "select_layer": -1,
        "downsample_ratio": config.downsample_ratio,
        "dynamic_image_size": config.dynamic_tiles,
        "force_image_size": config.image_size,
        "min_dynamic_patch": config.min_tiles,
        "max_dynamic_patch": config.max_tiles,
        "use_thumbnail": config.use_thumbnail,
        "pad2square": False,
        "system_message": config.system_message,
        "tie_word_embeddings": config.language.tie_word_embeddings,
        "torch_dtype": config.dtype,
        "llm_config": {"architectures": [name], "model_type": llm_type, "hidden_act": "silu", **language},
        "vision_config": {
            "architectures": ["InternVisionModel"],
            "model_type": VISION_MODEL_TYPE,
            "hidden_act": "gelu",
            "num_channels": 3,
            **asdict(config.vision),
        },
    }


def _parse_vision(section: Section) -> VisionConfig:
    section.expect(["model_type"], model_type=VISION_MODEL_TYPE, hidden_act="gelu", num_channels=3)
    config = section.read(
        VISION, ("qkv_bias", "qk_normalization"), norm_type=section.raw.get("norm_type") or "rms_norm"
    )
    if config.qk_normalization and config.layer_norm_eps != 1e-6:
        # transformers' class has this number fixed in the norms of queries and keys.
        section.expect(layer_norm_eps=1e-6)
    return config


def _parse_language(section: Section) -> LanguageConfig:
    names = section.get("architectures", list)
    if len(names) != 1 or names[0] not in tuple(_LANGUAGE_MODEL_TYPES):
        sibling = transformers_sibling(str(Path(section.where).parent))
        way = f"by transformers' own class, --model hf:{sibling} (the same weights), " if sibling else ""
        raise CheckpointError(
            f"{section.where}: unknown language model {cut_off(repr(names))}; expected one of "
            f"{', '.join(_LANGUAGE_MODEL_TYPES)}. "
            f"A policy may run otherwise: {way}by its own code, --engine host --allow-remote-code with the host's name "
            "of it, or behind a server, --base-url"
        )
    section.expect(hidden_act="silu", use_sliding_window=False)
    _check_rope(section)
    bias = section.get("bias", bool) if names[0] == INTERNLM2 else False
    config = section.read(LANGUAGE, ("rms_norm_eps", "rope_theta"), architecture=names[0], bias=bias)
    if config.hidden_size % config.num_attention_heads or config.num_attention_heads % config.num_key_value_heads:
        raise CheckpointError(f"{section.where}: the sizes of llm_config do not divide into heads and groups of heads")
    return config


def _check_rope(section: Section) -> None:
    """Dynamic scaling acts beyond ``max_position_embeddings`` only, which no prompt may exceed; others act always."""
    scaling = section.raw.get("rope_scaling")
    kind = None if scaling is None else scaling.get("rope_type", scaling.get("type"))
    if kind not in {None, "default", "dynamic"}:
        raise CheckpointError(
            f"{section.where}: llm_config.rope_scaling has type {kind!r}; only dynamic scaling is implemented"
        )
