"""What config.json says in transformers' own InternVL layout, whose repositories' names end in ``-hf``.

The same models under other names: what is read becomes the same ``CheckpointConfig``, and the conversation is that of
the original, whose weights these are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.core.loading import loading
from visualprm_eval.core.types import JSONValue
from visualprm_eval.engine.config import (
    INTERNLM2,
    LANGUAGE,
    QWEN2,
    VISION,
    CheckpointConfig,
    LanguageConfig,
    VisionConfig,
)
from visualprm_eval.engine.json_section import Section

_LANGUAGE_MODELS = {"llama": INTERNLM2, "qwen2": QWEN2}
"""Language models of transformers to the originals that they stand for."""

_RENAMED = (
    (re.compile(r"^language_model\.lm_head\."), "lm_head."),
    (re.compile(r"^language_model\.model\."), "model.language_model."),
    (re.compile(r"^(vision_tower|multi_modal_projector)\."), r"model.\1."),
)
"""Files are written with the names of transformers 4.52; its classes have had others since."""


def native_name(name: str) -> str:
    """A tensor's name in transformers' present class, from its name in a file of any version."""
    for pattern, replacement in _RENAMED:
        name = pattern.sub(replacement, name)
    return name


def parse_hf_config(raw: Mapping[str, JSONValue], where: str) -> CheckpointConfig:
    """Checks and freezes the content of config.json.

    Args:
        raw: The parsed JSON, of ``model_type`` ``internvl``.
        where: What messages call it.

    Raises:
        CheckpointError: When a key is missing, or the model is one that we would compute wrongly.
    """
    with loading("transformers", "transformers"):
        from transformers import InternVLConfig

    try:
        # Files leave out what is the class's default.
        full = InternVLConfig.from_dict(dict(raw)).to_dict()
    except Exception as error:  # The class checks types with errors of several libraries.
        raise CheckpointError(f"{where} is no configuration of InternVL ({error}); download it again") from error
    top = Section(full, where)
    top.expect(downsample_ratio=0.5, vision_feature_layer=-1, projector_hidden_act="gelu")
    top.expect(vision_feature_select_strategy="default")
    vision = _parse_vision(top.section("vision_config"))
    return CheckpointConfig(
        vision=vision,
        language=_parse_language(top.section("text_config"), tied=top.get("tie_word_embeddings", bool, default=False)),
        dtype=str(raw.get("dtype") or raw.get("torch_dtype") or "float32").removeprefix("torch."),
        native_names=True,
    )


def _parse_vision(section: Section) -> VisionConfig:
    section.expect(["model_type"], model_type="internvl_vision", hidden_act="gelu", num_channels=3)
    section.expect(use_mean_pooling=True, use_mask_token=False, use_absolute_position_embeddings=True)
    return section.read(
        VISION,
        image_size=_side(section, "image_size"),
        patch_size=_side(section, "patch_size"),
        qkv_bias=section.get("attention_bias", bool, default=False),
        qk_normalization=section.get("use_qk_norm", bool, default=False),
    )


def _side(section: Section, key: str) -> int:
    """The side of a square, which may be given as two equal sides."""
    value = section.raw.get(key)
    sides = {value} if isinstance(value, int) else set(value) if isinstance(value, list) else set()
    if len(sides) != 1 or not isinstance(side := sides.pop(), int) or side < 1:
        raise CheckpointError(f"{section.where}: vision_config.{key} is {value!r}; expected the side of a square")
    return side


def _parse_language(section: Section, *, tied: bool) -> LanguageConfig:
    kind = section.get("model_type", str)
    if kind not in _LANGUAGE_MODELS:
        raise CheckpointError(
            f"{section.where}: the language model is {kind!r}; the native engine has {', '.join(_LANGUAGE_MODELS)}. "
            "Use it through transformers' own class: --model hf:PATH_OR_ID"
        )
    section.expect(hidden_act="silu", use_sliding_window=False, mlp_bias=False)
    rope = section.raw.get("rope_parameters") or section.raw.get("rope_scaling") or {}
    if rope.get("rope_type", rope.get("type", "default")) not in {"default", "dynamic"}:
        raise CheckpointError(f"{section.where}: text_config has rotary scaling {rope!r}; only dynamic is implemented")
    config = section.read(
        LANGUAGE,
        architecture=_LANGUAGE_MODELS[kind],
        rope_theta=rope.get("rope_theta", section.raw.get("rope_theta")),
        bias=section.get("attention_bias", bool, default=False) if kind == "llama" else False,
        tie_word_embeddings=tied,
    )
    section.expect(head_dim=config.head_size)
    return config
