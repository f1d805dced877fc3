"""What an evaluation comes to: values, and the picks behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from visualprm_eval.core.types import JSONValue
from visualprm_eval.tasks.primary_figures import LOWER

OVERALL = "overall"
"""The benchmark's name in rows that stand for all benchmarks."""
INCOMPLETE = "incomplete: "
"""How the note of a value begins that is withheld since something is still to be done."""
WITHOUT_CRITIC = "withheld without its critic: "
"""How the note of a value begins whose critic has too few scores; no other value suffers from that."""
MAX_LEFT_OUT = 0.01
"""The greatest part of a benchmark's candidates that may have failed for its value to count in an overall."""


def lacks_too_many(n_left_out: int, total: int) -> bool:
    """Whether too many of a value's candidates were left out for it to count in an overall."""
    return n_left_out > MAX_LEFT_OUT * total


@dataclass(frozen=True, slots=True)
class SplitRow:
    """A row about a policy on a split of a benchmark.

    Attributes:
        policy: Who wrote the candidates.
        benchmark: The benchmark's name, or ``OVERALL``.
        split: Its split, ``""`` when it has one only.
    """

    policy: str
    benchmark: str
    split: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What rows of the same policy and split have in common."""
        return self.policy, self.benchmark, self.split


@dataclass(frozen=True, slots=True)
class RerankerRow(SplitRow):
    """Such a row about the best of k by one reranker.

    Attributes:
        reranker: The reranker's label.
        k: Best of how many.
    """

    reranker: str
    k: int


@dataclass(frozen=True, slots=True)
class ResultRow(RerankerRow):
    """One number of the results.

    Attributes:
        metric: The metric's name.
        value: In percent; ``None`` when it is withheld, for which ``note`` gives the reason.
        n_problems: P, the problems of this run, those left out included.
        n_failed: How many of them were left out.
        note: What a reader of the value must know.
        n_total: How many problems the whole benchmark has; ``None`` when nobody knows.
        protocol: A digest of how the value came about, see ``visualprm_eval.run.protocol``; ``""`` without one.
        n_left_out: How many of the first k candidates of all problems failed, so that nobody could pick them.
        critics: Labels of the critics that shaped the pool: a candidate needs a score of each.
    """

    metric: str
    value: float | None
    n_problems: int
    n_failed: int
    note: str = ""
    n_total: int | None = None
    protocol: str = ""
    n_left_out: int = 0
    critics: tuple[str, ...] = ()

    @property
    def lacks_too_many(self) -> bool:
        """Whether too many of its candidates were left out for the value to count in an overall."""
        return lacks_too_many(self.n_left_out, self.k * self.n_problems)

    @property
    def is_partial(self) -> bool:
        """Whether the benchmark has more problems than the value is of."""
        return self.n_total is not None and self.n_total > self.n_problems


@dataclass(frozen=True, slots=True)
class Pick(RerankerRow):
    """What one reranker chose for one problem, or why it could not choose.

    Attributes:
        problem_id: ``Problem.id``.
        index: The host's index of the problem.
        question: The prompt's text.
        answer: The reference answer.
        rank: The rank of the chosen candidate; ``None`` when there was nothing to choose from.
        text: What it says; ``""`` when there was nothing to choose from.
        critic: The label of the critic whose scores follow: the reranker's own, or the first one in play for a reranker
            without a critic; ``None`` when there is none.
        step_scores: What that critic said of the text, [T]; ``None`` without one.
        verdict: 1.0 right, 0.0 wrong (or the host's fraction); ``None`` when it was not graded.
        final_answer: Its vote; ``None`` when it has no answer.
        note: Why there was nothing to choose from; ``""`` when there was.
    """

    problem_id: str
    index: str
    question: str
    answer: str
    rank: int | None = None
    text: str = ""
    critic: str | None = None
    step_scores: tuple[float, ...] | None = None
    verdict: float | None = None
    final_answer: str | None = None
    note: str = ""


Fingerprint = Mapping[str, JSONValue]


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that could not be sampled, scored or graded.

    Attributes:
        stage: ``"sample"``, ``"score"`` or ``"grade"``.
        benchmark: The benchmark's name in the host.
        index: The host's index of the problem.
        rank: The candidate's place among the samples of its problem, from 0; ``None`` when the whole problem failed.
        message: What happened.
    """

    stage: str
    benchmark: str
    index: str
    rank: int | None
    message: str


def gained(row: ResultRow, base: ResultRow) -> float | None:
    """How much better one value is than another, in points; ``None`` where either is withheld."""
    if row.value is None or base.value is None:
        return None
    return base.value - row.value if LOWER in row.metric else row.value - base.value
