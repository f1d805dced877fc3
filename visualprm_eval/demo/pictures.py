"""Pictures of the training scenes as the models see them, and what each image token should know of its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from visualprm_eval.demo.draw import picture
from visualprm_eval.demo.world import COLOURS, KINDS, Item, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENS_PER_SIDE = 4
"""A picture becomes 4 x 4 image tokens of 28 x 28 pixels."""
TARGET_SIZES = (len(COLOURS) + 1, len(KINDS) + 1, 10, 10)
"""Number of classes of each of a token's four facts: colour, kind, first and second number; class 0 is nothing."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Pictures:
    """Pictures of many scenes, kept as bytes [n, H, W, 3] and normalised when asked for.

    Args:
        scenes: The scenes in order.
    """

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self._bytes = torch.from_numpy(np.stack([np.asarray(picture(scene)) for scene in scenes]))
        self._mean, self._std = torch.tensor(_MEAN), torch.tensor(_STD)

    def pixels(self, indices: Sequence[int]) -> torch.Tensor:
        """Normalised pixels of some pictures, float32 [n, 3, H, W]: one tile each, equal to ``prm.images.tiles``."""
        chosen = self._bytes[list(indices)].float() / 255
        return ((chosen - self._mean) / self._std).permute(0, 3, 1, 2)


def token_facts(scene: Scene) -> NDArray[np.int64]:
    """What each image token should know, [16, 4]: the class of every fact of ``TARGET_SIZES``.

    A shape is known by its own cell, a die by the four cells of its quarter, a bar by its whole column; a field by all
    cells that it covers (of two fields in a cell the one that covers more).
    """
    side = TOKENS_PER_SIDE
    facts = np.zeros((side, side, 4), np.int64)
    covered = np.zeros((side, side), np.int64)
    for item in scene.items:
        colour = COLOURS.index(item.colour) + 1
        (x, y), (one, two) = item.place, item.size
        if scene.family == "shapes":
            facts[y, x] = (colour, KINDS.index(item.kind) + 1, 0, 0)
        elif scene.family == "bars":
            facts[:, x] = (colour, 0, two, 0)
        elif scene.family == "dice":
            facts[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] = (colour, 0, one, 0)
        else:
            squares = _squares_per_token(item)
            facts[squares > covered] = (colour, 0, one, two)
            covered = np.maximum(covered, squares)
    return facts.reshape(side * side, 4)


def _squares_per_token(field: Item) -> NDArray[np.int64]:
    """How many of the 2 x 2 squares of every image token a field covers, [4, 4]."""
    (x, y), (width, height) = field.place, field.size
    paper = np.zeros((2 * TOKENS_PER_SIDE, 2 * TOKENS_PER_SIDE), np.int64)
    paper[y : y + height, x : x + width] = 1
    squares: NDArray[np.int64] = paper.reshape(TOKENS_PER_SIDE, 2, TOKENS_PER_SIDE, 2).sum((1, 3))
    return squares
