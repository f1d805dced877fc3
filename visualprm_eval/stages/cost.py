"""What reading and writing may cost, estimated without asking anybody: what all estimates take for granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import CheckpointError
from visualprm_eval.core.pictures import size_of
from visualprm_eval.engine.images import choose_grid, count_tiles
from visualprm_eval.engine.read_config import read_config

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.stages.checkpoint_source import CheckpointSource

CHARACTERS_PER_TOKEN = 4
"""Of English text, by common tokenizers."""
QUESTION_CHARACTERS = 235
"""Of a question that is not here: the mean of the 304 of MathVision_MINI (238) and of 500 of MathVista_MINI (229)."""
PICTURE_TILES = 6.2
"""Of a picture that is not here, one to a question: the mean of the 304 of MathVision_MINI as InternVL cuts them."""

STEP_CHARACTERS = 100
"""Of a step that is not here: means of public outputs to MathVision_MINI (115) and MathVista_MINI (93)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What some work may cost.

    Attributes:
        requests: Requests, when every reply can be read; for a model that runs here, prompts.
        prompt_tokens: Tokens to read.
        reply_tokens: Tokens to write when replies are as long as they mostly are; ``None`` when nobody knows how long.
        most_reply_tokens: Most tokens that may be written.
    """

    requests: int = 0
    prompt_tokens: int = 0
    reply_tokens: int | None = 0
    most_reply_tokens: int = 0

    def __add__(self, other: Estimate) -> Estimate:
        written = (self.reply_tokens, other.reply_tokens)
        return Estimate(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            None if written[0] is None or written[1] is None else written[0] + written[1],
            self.most_reply_tokens + other.most_reply_tokens,
        )


@dataclass(frozen=True, slots=True)
class Tiling:
    """How a model of InternVL's family cuts pictures; other models read them otherwise.

    Attributes:
        side: Of a tile, in pixels.
        tokens: Of a tile.
        fewest: Fewest tiles, thumbnail not counted.
        most: Most tiles, thumbnail not counted.
        thumbnail: Whether a picture of several tiles gets one more of the whole.
    """

    side: int = 448
    tokens: int = 256
    fewest: int = 1
    most: int = 12
    thumbnail: bool = True

    @classmethod
    def of(cls, checkpoint: CheckpointSource) -> Tiling:
        """That of a checkpoint in the InternVL layout, where it is on this machine; else that of most."""
        if not checkpoint.at_hand:
            return cls()
        try:
            config = read_config(Path(checkpoint.location))
        except CheckpointError:  # The run's own look at it tells.
            return cls()
        fewest, most = (config.min_tiles, config.max_tiles) if config.dynamic_tiles else (1, 1)
        return cls(config.image_size, config.tokens_per_tile, fewest, most, config.use_thumbnail)

    def picture_tokens(self, size: tuple[int, int] | None) -> int:
        """Tokens of a picture of this width and height; of one that is not here where they are not known."""
        if size is None:
            return round(self.tokens * PICTURE_TILES)
        return self.tokens * count_tiles(choose_grid(*size, self.side, self.fewest, self.most), self.thumbnail)


INTERNVL = Tiling()
"""That of VisualPRM-8B and of InternVL2.5 and 3."""


@dataclass(frozen=True)
class Questions:
    """How much there is to read of questions with their pictures.

    Attributes:
        problems: Problems by id.
        sizes: Width and height of pictures by their files, where these are not here.
        expected: Whether only the number of the problems is known.
    """

    problems: Mapping[str, Problem]
    sizes: Mapping[str, tuple[int, int]]
    expected: bool = False

    @classmethod
    def of(cls, benchmark: Benchmark) -> Questions:
        """Those of a benchmark."""
        return cls({each.id: each for each in benchmark.problems}, benchmark.sizes, benchmark.expected)

    def tokens(self, problem_id: str, tiling: Tiling = INTERNVL) -> int:
        """Tokens of a question and its pictures."""
        return tokens_in(self.characters(problem_id)) + self.picture_tokens(problem_id, tiling)

    def characters(self, problem_id: str) -> int:
        """Of the text of a question."""
        return QUESTION_CHARACTERS if self.expected else len(self.problems[problem_id].question)

    def picture_tokens(self, problem_id: str, tiling: Tiling = INTERNVL) -> int:
        """Tokens of the pictures of a question."""
        if self.expected:
            return tiling.picture_tokens(None)
        images = self.problems[problem_id].images
        return sum(tiling.picture_tokens(self.sizes.get(image) or _size(image)) for image in images)


def tokens_in(characters: float) -> int:
    """How many tokens so many characters are, roughly."""
    return round(characters / CHARACTERS_PER_TOKEN)


@cache
def _size(image: str) -> tuple[int, int] | None:
    return size_of(Path(image))
