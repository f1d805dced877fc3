"""Pictures of the training scenes as the models see them, and what each image token should know of its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from visualprm_eval.engine.images import IMAGENET_MEAN, IMAGENET_STD
from visualprm_eval.tasks.demo_world.draw import picture
from visualprm_eval.tasks.demo_world.world import COLOURS, Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENS_PER_SIDE = 4
"""A picture becomes 4 x 4 image tokens of 28 x 28 pixels."""
TARGET_SIZES = (len(COLOURS), 10)
"""Number of classes of each of a token's two facts: colour and value."""


class Pictures:
    """Pictures of many scenes, kept as bytes [n, H, W, 3] and normalised when asked for.

    Args:
        scenes: The scenes in order.
    """

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self._bytes = torch.from_numpy(np.stack([np.asarray(picture(scene)) for scene in scenes]))
        self._mean, self._std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)

    def pixels(self, indices: Sequence[int]) -> torch.Tensor:
        """Normalised pixels of some pictures, float32 [n, 3, H, W]: one tile each, equal to ``engine.images.tiles``."""
        chosen = self._bytes[list(indices)].float() / 255
        return ((chosen - self._mean) / self._std).permute(0, 3, 1, 2)


def token_facts(scene: Scene) -> NDArray[np.int64]:
    """What each image token should know, [16, 2]: the class of every fact of ``TARGET_SIZES``.

    A die is known by the four cells of its quarter, a bar by its whole column.
    """
    side = TOKENS_PER_SIDE
    facts = np.zeros((side, side, len(TARGET_SIZES)), np.int64)
    for item in scene.items:
        (x, y), fact = item.place, (COLOURS.index(item.colour), item.value)
        if scene.family == "bars":
            facts[:, x] = fact
        else:
            facts[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] = fact
    return facts.reshape(side * side, len(TARGET_SIZES))
