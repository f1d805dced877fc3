"""What a benchmark needs beyond the host's data: which text is graded, how answers are read, which number counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from visualprm_eval.answers import answer as local_answer
from visualprm_eval.answers import final_answer

__all__ = ["EXACT_MATCHING", "Task"]

EXACT_MATCHING = "exact_matching"
"""The host's name of grading without a judge."""


@dataclass(frozen=True, slots=True)
class Task:
    """One benchmark.

    Attributes:
        name: What results call it.
        host_dataset: The host's name of the dataset.
        metric: The metric's plain name; ``"accuracy"`` is the mean over the rows.
        needs_judge: Whether the host cannot grade it without a language model.
        judge: The judge that the host takes when none is named.
        prediction: What the host's grader gets of a text: its final answer (all of it where there is none), or all.
        answer: The local answer of a text, for votes: text and options to a canonical answer, ``None`` without one.
        note: What a user should know about how it is graded, ``""`` when there is nothing.
    """

    name: str
    host_dataset: str
    metric: str = "accuracy"
    needs_judge: bool = False
    judge: str = EXACT_MATCHING
    prediction: Literal["final", "raw"] = "raw"
    answer: Callable[[str, Mapping[str, str]], str | None] = local_answer
    note: str = ""

    def shown(self, text: str) -> str:
        """What the host's grader gets of a text."""
        if self.prediction == "raw":
            return text
        return final_answer(text) or text
