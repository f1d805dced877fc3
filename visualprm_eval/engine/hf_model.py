"""The same model in transformers' own classes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import torch
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    LlamaConfig,
    Qwen2Config,
)

from visualprm_eval.core.errors import CheckpointError, ConfigError
from visualprm_eval.engine.config import INTERNLM2, CheckpointConfig, LanguageConfig, VisionConfig

if TYPE_CHECKING:
    from transformers import PretrainedConfig

ATTENTION_KINDS = ("auto", "eager", "sdpa", "flash_attention_2")


def build_model(
    config: CheckpointConfig, image_token_id: int, attn: str = "auto"
) -> InternVLForConditionalGeneration:  # fmt: skip
    """A model with random weights, ready to be trained or filled.

    Args:
        config: What to build.
        image_token_id: Id of ``<IMG_CONTEXT>``.
        attn: ``"eager"``, ``"sdpa"`` or ``"flash_attention_2"``; ``"auto"`` takes sdpa.

    Raises:
        ConfigError: When ``attn`` is something else.
    """
    if attn not in ATTENTION_KINDS:
        raise ConfigError(f"unknown attention {attn!r}; expected one of {', '.join(ATTENTION_KINDS)}")
    model = InternVLForConditionalGeneration(native_config(config, image_token_id))
    model.set_attn_implementation("sdpa" if attn == "auto" else attn)
    return model


def build_empty_model(config: CheckpointConfig, image_token_id: int, attn: str) -> InternVLForConditionalGeneration:
    """A model whose parameters take no memory and must be assigned; its buffers hold their values.

    Raises:
        ConfigError: When ``attn`` is unknown.
        CheckpointError: When a buffer would stay empty.
    """
    with torch.device("meta"):
        model = build_model(config, image_token_id, attn)
    # Rotary frequencies are buffers that no checkpoint stores: made again, outside of the meta device.
    language_model = model.model.language_model
    language_model.rotary_emb = type(language_model.rotary_emb)(language_model.config)
    empty = [name for name, buffer in model.named_buffers() if buffer.is_meta]
    if empty:
        raise CheckpointError(f"this version of transformers has buffers that we cannot fill: {', '.join(empty)}")
    return model


def native_config(config: CheckpointConfig, image_token_id: int) -> InternVLConfig:
    """The configuration of transformers' class.

    Args:
        config: The checkpoint.
        image_token_id: Id of ``<IMG_CONTEXT>``.
    """
    return InternVLConfig(
        vision_config=_vision_config(config.vision),
        text_config=_text_config(config.language),
        image_token_id=image_token_id,
        image_seq_length=config.tokens_per_tile,
        downsample_ratio=config.downsample_ratio,
        vision_feature_layer=-1,
        # The class ties by default.
        tie_word_embeddings=config.language.tie_word_embeddings,
    )


def _vision_config(vision: VisionConfig) -> InternVLVisionConfig:
    fields = asdict(vision)
    return InternVLVisionConfig(
        attention_bias=fields.pop("qkv_bias"),
        use_qk_norm=fields.pop("qk_normalization"),
        hidden_act="gelu",
        # Leaves out a final norm, which the original has not.
        use_mean_pooling=True,
        **fields,
    )


def _text_config(language: LanguageConfig) -> PretrainedConfig:
    fields = asdict(language)
    architecture, bias = fields.pop("architecture"), fields.pop("bias")
    fields |= {
        # Dynamic scaling is left out: it acts beyond max_position_embeddings only, and no prompt may be longer.
        "rope_parameters": {"rope_type": "default", "rope_theta": fields.pop("rope_theta")},
        # Prompts end where we say; defaults of the class are another vocabulary's ids.
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id")),
    }
    if architecture == INTERNLM2:
        return LlamaConfig(**fields, hidden_act="silu", attention_bias=bias, mlp_bias=False)
    return Qwen2Config(**fields, hidden_act="silu", use_sliding_window=False)
