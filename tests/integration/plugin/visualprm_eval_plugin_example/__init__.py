"""A reranker that likes short texts and a critic that counts digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visualprm_eval import CriticOptions, Pool, Problem, Reranker, StepScores, split_steps


@dataclass(frozen=True)
class Shortest(Reranker):
    """Picks the shortest text."""

    def utilities(self, pool: Pool) -> NDArray[np.float64]:
        return -np.array([len(text) for text in pool.texts], dtype=np.float64)


@dataclass(frozen=True)
class Digits:
    """Scores a step by its number of digits."""

    score_range = (0, None)
    """From 0 on."""

    options: CriticOptions

    def settings(self) -> Mapping[str, object]:
        return {"critic": "digits", "max_steps": self.options.max_steps}

    def split(self, text: str) -> list[str]:
        return split_steps(text, self.options.max_steps)

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        return [
            StepScores(tuple(float(sum(map(str.isdigit, step))) for step in steps), tuple(steps)) for _, steps in items
        ]


def make_digits(options: CriticOptions) -> Digits:
    return Digits(options)
