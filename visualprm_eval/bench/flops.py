"""How much work scoring takes, counted: tokens, floating-point operations, bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from visualprm_eval.engine.config import CheckpointConfig, LanguageConfig


@dataclass(frozen=True, slots=True)
class Load:
    """Candidates of one question.

    Attributes:
        tiles: Tiles of its pictures.
        shared: Tokens that all candidates begin with.
        endings: Tokens of each candidate after these.
    """

    tiles: int
    shared: int
    endings: Sequence[int]

    @property
    def card_tokens(self) -> int:
        """Tokens that the language model reads when each candidate is read whole."""
        return sum(self.shared + ending for ending in self.endings)

    @property
    def needed_tokens(self) -> int:
        """Tokens that it reads when what is shared is read once."""
        return self.shared + sum(self.endings)


def vision_flops(config: CheckpointConfig, tiles: int) -> int:
    """Operations of the image encoder and the projector."""
    vision, hidden = config.vision, config.language.hidden_size
    width, patches = vision.hidden_size, (vision.image_size // vision.patch_size) ** 2
    tokens = patches + 1
    layer = 2 * tokens * (4 * width**2 + 2 * width * vision.intermediate_size) + 4 * tokens**2 * width
    projector = 2 * config.tokens_per_tile * (4 * width * hidden + hidden**2)
    return tiles * (vision.num_hidden_layers * layer + 2 * patches * 3 * vision.patch_size**2 * width + projector)


def language_flops(language: LanguageConfig, tokens: int, context: int = 0) -> int:
    """Operations of all layers for a causal sequence that goes on after ``context`` tokens; no head."""
    hidden, keys = language.hidden_size, language.num_key_value_heads * language.head_size
    linear = 2 * tokens * (2 * hidden**2 + 2 * hidden * keys + 3 * hidden * language.intermediate_size)
    pairs = tokens * (tokens + 1) // 2 + tokens * context
    return language.num_hidden_layers * (linear + 4 * pairs * hidden)


def head_flops(language: LanguageConfig, tokens: int) -> int:
    """Operations of the vocabulary's logits."""
    return 2 * tokens * language.hidden_size * language.vocab_size


def card_language_flops(config: CheckpointConfig, load: Load) -> int:
    """Of the language model when each candidate is read whole."""
    return sum(language_flops(config.language, load.shared + ending) for ending in load.endings)


def needed_language_flops(config: CheckpointConfig, load: Load) -> int:
    """Of the language model when what is shared is read once."""
    endings = sum(language_flops(config.language, ending, load.shared) for ending in load.endings)
    return language_flops(config.language, load.shared) + endings


def card_flops(config: CheckpointConfig, load: Load) -> int:
    """The model card's way: images encoded and all logits computed for each candidate."""
    vision = len(load.endings) * vision_flops(config, load.tiles)
    return vision + card_language_flops(config, load) + head_flops(config.language, load.card_tokens)


def needed_flops(config: CheckpointConfig, load: Load) -> int:
    """What is needed: images and shared tokens once, each ending once, all layers in full."""
    return vision_flops(config, load.tiles) + needed_language_flops(config, load)


def parameters(config: CheckpointConfig) -> int:
    """Numbers that a checkpoint holds."""
    from visualprm_eval.engine.hf_model import build_empty_model

    return sum(weight.numel() for weight in build_empty_model(config, 0, "auto").parameters())


def memory(
    config: CheckpointConfig, budget: int, item_bytes: int, block_bytes: int, tiles_per_pass: int
) -> dict[str, int]:
    """Bytes that scoring takes at most on a GPU, counted; the number of candidates does not come into it.

    Args:
        config: The checkpoint.
        budget: Tokens of a pass.
        item_bytes: Bytes of a number.
        block_bytes: Bytes of one activation of the MLP.
        tiles_per_pass: Tiles that the image encoder takes at a time.

    Returns:
        ``weights``: the checkpoint; ``prefix``: keys and values of shared tokens, a budget's worth, since questions of
        one batch are kept together; ``images``: pixels and features of as many tiles as a budget has image tokens, one
        batch ahead included; ``pass``: what a pass over a budget's worth of tokens holds (hidden states, queries, keys,
        values, what was read); ``block``: what the MLP holds at a time; ``vision``: a pass of the image encoder. Never
        are they all there at the same time.
    """
    vision, language = config.vision, config.language
    hidden, keys = language.hidden_size, language.num_key_value_heads * language.head_size
    tokens = (vision.image_size // vision.patch_size) ** 2 + 1
    # Attention: hidden states, queries, own keys and values, those of prefixes joined, what was read of either part,
    # and their difference. Norms: hidden states before and after, and three copies in float32.
    attention = item_bytes * (5 * hidden + 4 * keys) + 8 * language.num_attention_heads
    norm = 2 * item_bytes * hidden + 3 * 4 * hidden
    widest = max(4 * vision.hidden_size + 3 * vision.hidden_size, vision.hidden_size + 3 * vision.intermediate_size)
    return {
        "weights": parameters(config) * item_bytes,
        "prefix": language.num_hidden_layers * 2 * keys * item_bytes * budget,
        "images": hidden * item_bytes * budget + tiles_per_pass * 3 * vision.image_size**2 * item_bytes,
        "pass": max(attention, norm) * budget,
        "block": 4 * block_bytes,
        "vision": tiles_per_pass * tokens * widest * item_bytes,
    }
