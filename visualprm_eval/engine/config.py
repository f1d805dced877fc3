"""What config.json of a checkpoint in the OpenGVLab layout says, checked and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, TypeAdapter

Size = Annotated[int, Field(strict=True, gt=0)]
MODEL_TYPE = "internvl_chat"
VISION_MODEL_TYPE = "intern_vit_6b"
HF_MODEL_TYPE = "internvl"
"""What transformers' own layout (repositories whose names end in ``-hf``) calls itself."""
TEMPLATE = "internvl2_5"
INTERNLM2 = "InternLM2ForCausalLM"
QWEN2 = "Qwen2ForCausalLM"

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

    hidden_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    intermediate_size: Size
    image_size: Size
    patch_size: Size
    norm_type: Literal["layer_norm", "rms_norm"] = "layer_norm"
    layer_norm_eps: StrictFloat = 1e-6
    qkv_bias: StrictBool = True
    qk_normalization: StrictBool = False


@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """The language model; attributes are named as in ``llm_config`` of config.json.

    Attributes:
        architecture: ``INTERNLM2`` or ``QWEN2``.
        bias: Whether InternLM2's attention has biases; without meaning for Qwen2.
    """

    architecture: str
    vocab_size: Size
    hidden_size: Size
    num_hidden_layers: Size
    num_attention_heads: Size
    num_key_value_heads: Size
    intermediate_size: Size
    max_position_embeddings: Size
    rms_norm_eps: StrictFloat = 1e-6
    rope_theta: StrictFloat = 1e6
    bias: StrictBool = False
    tie_word_embeddings: StrictBool = False

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_attention_heads


VISION = TypeAdapter(VisionConfig)
LANGUAGE = TypeAdapter(LanguageConfig)


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
