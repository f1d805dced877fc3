"""What config.json of a checkpoint in the OpenGVLab layout says, checked and frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from visualprm_eval.errors import CheckpointError
from visualprm_eval.prm.section import Section
from visualprm_eval.types import JSONValue

MODEL_TYPE = "internvl_chat"
VISION_MODEL_TYPE = "intern_vit_6b"
HF_MODEL_TYPE = "internvl"
"""What transformers' own layout (repositories whose names end in ``-hf``) calls itself."""
TEMPLATE = "internvl2_5"
INTERNLM2 = "InternLM2ForCausalLM"
QWEN2 = "Qwen2ForCausalLM"
_NORM_TYPES = ("layer_norm", "rms_norm")
_LANGUAGE_MODEL_TYPES = {INTERNLM2: "internlm2", QWEN2: "qwen2"}

SYSTEM_MESSAGE = (
    "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"
)
"""System message of the template ``internvl2_5`` (github.com/OpenGVLab/InternVL, conversation.py)."""
_SYSTEM_MESSAGE_2 = (
    "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。"
)
TEMPLATES = {TEMPLATE: SYSTEM_MESSAGE, "internlm2-chat": _SYSTEM_MESSAGE_2, "Hermes-2": _SYSTEM_MESSAGE_2}
"""Templates of chat models to their system messages: InternVL2.5 and 3, then the two of InternVL2."""


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """The image encoder (InternViT); attributes are named as in ``vision_config`` of config.json."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    image_size: int
    patch_size: int
    norm_type: str = "layer_norm"
    layer_norm_eps: float = 1e-6
    qkv_bias: bool = True
    qk_normalization: bool = False


@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """The language model; attributes are named as in ``llm_config`` of config.json.

    Attributes:
        architecture: ``INTERNLM2`` or ``QWEN2``.
        bias: Whether InternLM2's attention has biases; without meaning for Qwen2.
    """

    architecture: str
    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    max_position_embeddings: int
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6
    bias: bool = False
    tie_word_embeddings: bool = False

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads


@dataclass(frozen=True, slots=True)
class CheckpointConfig:
    """A whole checkpoint.

    Attributes:
        vision: The image encoder.
        language: The language model.
        downsample_ratio: Side of the feature map after pixel shuffle over the side before it.
        max_tiles: Most tiles that an image is cut into, thumbnail not counted.
        min_tiles: Fewest tiles that an image is cut into.
        use_thumbnail: Whether an image of several tiles gets a thumbnail of the whole.
        dynamic_tiles: Whether images are cut at all; if not, each is resized to one tile.
        system_message: What the conversation begins with.
        dtype: Name of the number type that the weights are stored in, for information.
        template: How the conversation is written: a key of ``TEMPLATES``.
        native_names: Whether the weights have the names of transformers' own classes.
    """

    vision: VisionConfig
    language: LanguageConfig
    downsample_ratio: float = 0.5
    max_tiles: int = 12
    min_tiles: int = 1
    use_thumbnail: bool = True
    dynamic_tiles: bool = True
    system_message: str = SYSTEM_MESSAGE
    dtype: str = "float32"
    template: str = TEMPLATE
    native_names: bool = False

    @property
    def turn_gap(self) -> str:
        """What stands between two turns; InternVL2 has nothing there."""
        return "\n" if self.template == TEMPLATE else ""

    @property
    def image_size(self) -> int:
        """Side of a tile in pixels."""
        return self.vision.image_size

    @property
    def tokens_per_tile(self) -> int:
        """Number of ``<IMG_CONTEXT>`` tokens that one tile takes."""
        side = int(self.vision.image_size // self.vision.patch_size * self.downsample_ratio)
        return side * side


def read_config(directory: Path) -> CheckpointConfig:
    """Reads config.json of a checkpoint.

    Raises:
        CheckpointError: When the file is missing or malformed, or describes a model that we do not know.
    """
    path = directory / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{directory}: no config.json; expected a checkpoint in the OpenGVLab layout") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read as JSON ({error}); download the checkpoint again") from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path} holds no JSON object; expected the configuration of a model")
    return parse_config(raw, str(path))


def parse_config(raw: Mapping[str, JSONValue], where: str = "config.json") -> CheckpointConfig:
    """Checks and freezes the content of config.json.

    Args:
        raw: The parsed JSON.
        where: What messages call it.

    Raises:
        CheckpointError: When a key is missing, or the model is one that we would compute wrongly.
    """
    if raw.get("model_type") == HF_MODEL_TYPE:
        from visualprm_eval.prm.hf_config import parse_hf_config

        return parse_hf_config(raw, where)
    top = Section(raw, where)
    # What the file says it is comes first, so that another model's file is not blamed for missing keys.
    top.expect("model_type", MODEL_TYPE)
    vision = _parse_vision(top.section("vision_config"))
    language = _parse_language(top.section("llm_config"))
    template = top.get("template", str)
    if template not in TEMPLATES:
        top.expect("template", TEMPLATE)
    top.expect("ps_version", "v2")
    top.expect("select_layer", -1, default=-1)
    top.expect("pad2square", wanted=False, default=False)
    top.expect("downsample_ratio", 0.5, default=0.5)
    top.expect("force_image_size", vision.image_size, default=None, or_none=True)
    config = CheckpointConfig(
        vision=vision,
        language=language,
        downsample_ratio=0.5,
        max_tiles=top.get("max_dynamic_patch", int, 12),
        min_tiles=top.get("min_dynamic_patch", int, 1),
        use_thumbnail=top.get("use_thumbnail", bool, True),
        dynamic_tiles=top.get("dynamic_image_size", bool, True),
        system_message=top.get("system_message", str, TEMPLATES[template]),
        dtype=str(raw.get("torch_dtype") or raw.get("dtype") or "float32"),
        template=template,
    )
    if (vision.image_size // vision.patch_size) % 2:
        raise CheckpointError(f"{where}: an odd number of patches per side cannot be halved by the pixel shuffle")
    return config


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
    section.expect("model_type", VISION_MODEL_TYPE)
    section.expect("hidden_act", "gelu", default="gelu")
    section.expect("num_channels", 3, default=3)
    norm_type = section.get("norm_type", str, "rms_norm")
    if norm_type not in _NORM_TYPES:
        raise CheckpointError(f"{section.where}: vision_config.norm_type is {norm_type!r}; expected {_NORM_TYPES}")
    config = VisionConfig(
        hidden_size=section.size("hidden_size"),
        num_hidden_layers=section.size("num_hidden_layers"),
        num_attention_heads=section.size("num_attention_heads"),
        intermediate_size=section.size("intermediate_size"),
        image_size=section.size("image_size"),
        patch_size=section.size("patch_size"),
        norm_type=norm_type,
        layer_norm_eps=section.get("layer_norm_eps", float, 1e-6),
        qkv_bias=section.get("qkv_bias", bool),
        qk_normalization=section.get("qk_normalization", bool),
    )
    if config.qk_normalization and config.layer_norm_eps != 1e-6:
        # transformers' class has this number fixed in the norms of queries and keys.
        section.expect("layer_norm_eps", 1e-6)
    return config


def _parse_language(section: Section) -> LanguageConfig:
    names = section.get("architectures", list)
    if len(names) != 1 or names[0] not in _LANGUAGE_MODEL_TYPES:
        raise CheckpointError(
            f"{section.where}: unknown language model {names!r}; expected one of {', '.join(_LANGUAGE_MODEL_TYPES)}. "
            "A policy may run otherwise: --engine host --allow-remote-code with the host's name of it, or hf:PATH_OR_ID"
        )
    section.expect("hidden_act", "silu", default="silu")
    _check_rope(section)
    section.expect("use_sliding_window", wanted=False, default=False)
    config = LanguageConfig(
        architecture=names[0],
        vocab_size=section.size("vocab_size"),
        hidden_size=section.size("hidden_size"),
        num_hidden_layers=section.size("num_hidden_layers"),
        num_attention_heads=section.size("num_attention_heads"),
        num_key_value_heads=section.size("num_key_value_heads"),
        intermediate_size=section.size("intermediate_size"),
        max_position_embeddings=section.size("max_position_embeddings"),
        rms_norm_eps=section.get("rms_norm_eps", float),
        rope_theta=section.get("rope_theta", float),
        bias=section.get("bias", bool) if names[0] == INTERNLM2 else False,
        tie_word_embeddings=section.get("tie_word_embeddings", bool, False),
    )
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
