"""Random checkpoints of given shapes in memory, and questions with given numbers of tokens for them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from visualprm_eval.engine.config import INTERNLM2, CheckpointConfig, LanguageConfig, VisionConfig
from visualprm_eval.engine.prompt import ImageSlot, PromptFormat

if TYPE_CHECKING:
    import torch

    from visualprm_eval.engine.checkpoint import LoadedCheckpoint
    from visualprm_eval.engine.tokenizer import Tokenizer

GRIDS = {1: (1, 1), 3: (2, 1), 5: (2, 2), 7: (3, 2), 10: (3, 3), 13: (4, 3)}
"""Columns and rows of a picture that is cut into so many tiles, thumbnail included."""
OPENING_TOKENS, ENDING_TOKENS, STEPS = 130, 350, 10
"""Tokens of system message and question, of each solution, and steps of it."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A shape to measure.

    Attributes:
        vision: The image encoder.
        language: The language model.
        dtype: Number type.
    """

    vision: VisionConfig
    language: LanguageConfig
    dtype: str

    @property
    def config(self) -> CheckpointConfig:
        """As a checkpoint; the system message is short, since the tokenizer is the demo's."""
        return CheckpointConfig(self.vision, self.language, system_message="1")


PRESETS = {
    "tiny": Preset(
        VisionConfig(64, 2, 2, 128, 112, 14), LanguageConfig(INTERNLM2, 2048, 64, 2, 4, 2, 128, 4096), "float32"
    ),
    "mid": Preset(
        VisionConfig(256, 4, 4, 1024, 448, 14), LanguageConfig(INTERNLM2, 8192, 512, 6, 8, 2, 1408, 32768), "float32"
    ),
    "8b": Preset(
        VisionConfig(1024, 24, 16, 4096, 448, 14),
        LanguageConfig(INTERNLM2, 92553, 4096, 32, 32, 8, 14336, 32768),
        "bfloat16",
    ),
}
"""Shapes by name; ``8b`` is that of OpenGVLab/VisualPRM-8B."""


def random_checkpoint(preset: Preset, device: str, dtype: str = "auto", attn: str = "auto") -> LoadedCheckpoint:
    """A checkpoint with random weights, made on the device itself.

    Args:
        preset: Its shape.
        device: As for ``load_checkpoint``.
        dtype: ``"auto"`` is the preset's.
        attn: As for ``load_checkpoint``.

    Raises:
        ConfigError: When an option is unknown, or the device is not there.
    """
    import torch

    from visualprm_eval.engine.checkpoint import LoadedCheckpoint
    from visualprm_eval.engine.devices import resolve_device, resolve_dtype
    from visualprm_eval.engine.hf_model import build_empty_model
    from visualprm_eval.engine.tokenizer import IMAGE_CONTEXT, load_tokenizer
    from visualprm_eval.tasks.demo_world.assets import demo_path

    target = resolve_device(device)
    number_type = resolve_dtype(preset.dtype if dtype == "auto" else dtype, target)
    tokenizer = load_tokenizer(demo_path("prm"))
    model = build_empty_model(preset.config, tokenizer.id_of(IMAGE_CONTEXT), attn)
    random = torch.Generator(target).manual_seed(0)
    state = {
        name: _random_weight(name, parameter.shape, random).to(number_type)
        for name, parameter in model.named_parameters()
    }
    model.load_state_dict(state, strict=True, assign=True)
    model.to(target)
    return LoadedCheckpoint(model.eval().requires_grad_(requires_grad=False), tokenizer, preset.config, Path("random"))


def _random_weight(name: str, shape: torch.Size, random: torch.Generator) -> torch.Tensor:
    """Matrices that keep the size of what they are given; norms and scales of one."""
    import torch

    if len(shape) == 1:
        fill = 0.0 if name.endswith("bias") else 1.0
        return torch.full(shape, fill, device=random.device)
    fan_in = shape[1:].numel() if "position" not in name and "cls_token" not in name else 1
    scale = 1.0 if "embed" in name and "patch" not in name else fan_in**-0.5
    return torch.randn(shape, generator=random, device=random.device).mul_(scale)


@dataclass(frozen=True, slots=True)
class Material:
    """A question with a picture and many solutions.

    Attributes:
        question: The question.
        picture: A PNG file.
        solutions: Steps of each solution.
    """

    question: str
    picture: bytes
    solutions: list[list[str]]


def material(config: CheckpointConfig, tokenizer: Tokenizer, tiles: int, number: int) -> Material:
    """Digits (each is a token), so that the numbers of tokens are as wanted.

    Args:
        config: The checkpoint.
        tokenizer: Its tokenizer.
        tiles: Tiles of the picture, one of ``GRIDS``.
        number: Solutions.
    """
    random = np.random.default_rng(tiles)

    def digits(count: int) -> str:
        return "".join(map(str, random.integers(0, 10, count)))

    form = PromptFormat(tokenizer, config)
    slot = ImageSlot(tiles)
    least = form.prm([slot, "\n", ""], ["1"] * STEPS).positions
    image_tokens = tiles * config.tokens_per_tile
    question = digits(OPENING_TOKENS - (_opening(form, slot) - image_tokens))
    spare = ENDING_TOKENS - (least[-1] + 1 - _opening(form, slot))
    sizes = [1 + spare // STEPS + (place < spare % STEPS) for place in range(STEPS)]
    solutions = [[digits(size) for size in sizes] for _ in range(number)]
    columns, rows = GRIDS[tiles]
    side = config.image_size
    coarse = random.integers(0, 256, (8 * rows, 8 * columns, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(coarse).resize((side * columns, side * rows), Image.Resampling.BICUBIC).save(file, "png")
    return Material(question, file.getvalue(), solutions)


def _opening(form: PromptFormat, slot: ImageSlot) -> int:
    """Tokens before the solution of a prompt with an empty question."""
    one, other = (form.prm([slot, "\n", ""], [step]).ids for step in ("1", "2"))
    return next(place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b)
