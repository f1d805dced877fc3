"""Rerankers: arithmetic that picks one candidate out of one problem's pool.

What loads weights or calls an API is a critic; what only computes is a reranker. A reranker gives every candidate a
number and the greatest wins; ties go to the lowest rank, everywhere.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from visualprm_eval.core.errors import ConfigError, VisualPRMEvalError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "AGGREGATES",
    "First",
    "FloatArray",
    "Greedy",
    "Oracle",
    "Pool",
    "Random",
    "Reranker",
    "SelfConsistency",
    "StepAggregate",
    "WeightedVote",
    "aggregate",
    "pick",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """The candidates of one problem that every reranker chooses from, by ascending rank.

    Attributes:
        problem_id: ``Problem.id``.
        ranks: Their ranks, ascending and distinct, [N]; failed candidates leave gaps.
        texts: What the policy wrote, [N].
        answers: Their votes, ``None`` for an abstention, [N].
        scores: Critic label to the step scores of each candidate, [N][T].
        verdicts: 1.0 right, 0.0 wrong (or the host's fraction), [N]; ``None`` unless all were graded.

    Raises:
        ValueError: The sizes differ or the ranks do not ascend.
    """

    problem_id: str
    ranks: tuple[int, ...]
    texts: tuple[str, ...]
    answers: tuple[str | None, ...]
    scores: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    verdicts: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        columns: list[Sequence[Any]] = [self.texts, self.answers, *self.scores.values()]
        if self.verdicts is not None:
            columns.append(self.verdicts)
        if any(len(column) != len(self.ranks) for column in columns):
            raise ValueError(f"pool of problem {self.problem_id}: its columns differ in length")
        if any(low >= high for low, high in zip(self.ranks, self.ranks[1:], strict=False)):
            raise ValueError(f"pool of problem {self.problem_id}: ranks {self.ranks} do not ascend")

    def __len__(self) -> int:
        """N, the number of candidates."""
        return len(self.ranks)

    def head(self, k: int) -> Pool:
        """The candidates with a rank below ``k``: what the pool would be had only ``k`` been sampled."""
        n = sum(rank < k for rank in self.ranks)
        return Pool(
            self.problem_id,
            self.ranks[:n],
            self.texts[:n],
            self.answers[:n],
            {label: scores[:n] for label, scores in self.scores.items()},
            None if self.verdicts is None else self.verdicts[:n],
        )


@dataclass(frozen=True)
class Reranker(ABC):
    """Base of all rerankers; a third party's class derives from it.

    Attributes:
        name: The label in results, such as ``"visualprm:min@B"``.
        critic: The label of the critic whose step scores it reads, ``None`` when it reads none.
        needs: What it reads of a pool: any of ``"scores"``, ``"answers"``, ``"verdicts"``. Of ours only the oracle
            needs verdicts, so that leakage is visible.
        expectation: It stands for a uniform choice: its value is the mean over the pool, and it has no pick.
        pointwise: A candidate's number does not depend on the rest of the pool, so that the expected best-of-k over all
            subsets has a closed form.
    """

    name: str
    critic: str | None = None
    needs: ClassVar[frozenset[str]] = frozenset()
    expectation: ClassVar[bool] = False
    pointwise: ClassVar[bool] = False

    @abstractmethod
    def utilities(self, pool: Pool) -> FloatArray:
        """A number per candidate, [N]; the greatest is picked, NaN never."""

    def _step_scores(self, pool: Pool) -> tuple[tuple[float, ...], ...]:
        """Step scores of its critic, [N][T]."""
        if self.critic is None:
            raise ConfigError(f"reranker {self.name!r} reads scores but was given no critic; name one when building it")
        return pool.scores[self.critic]


def pick(reranker: Reranker, pool: Pool) -> int | None:
    """The place in the pool of the candidate that a reranker picks.

    A reranker that does not declare that it needs verdicts does not get to see them.

    Args:
        reranker: Any reranker.
        pool: At least one candidate.

    Returns:
        An index into the pool's columns: the greatest utility, the lowest rank among equals; ``None`` for an
        expectation.

    Raises:
        ConfigError: The reranker raises, does not give one number per candidate, or gives NaN for all of them.
    """
    if reranker.expectation:
        return None
    seen = pool if "verdicts" in reranker.needs else replace(pool, verdicts=None)
    utilities = _utilities(reranker, seen)
    numbers = np.flatnonzero(~np.isnan(utilities))
    if utilities.shape != (len(pool),) or not len(numbers):
        raise ConfigError(
            f"reranker {reranker.name!r} must give one number for each of the {len(pool)} candidates of problem "
            f"{pool.problem_id}; it gave {utilities!r}. Leave it out or correct it"
        )
    return int(numbers[np.argmax(utilities[numbers])])  # the first of equals, and the pool ascends by rank


def _utilities(reranker: Reranker, pool: Pool) -> FloatArray:
    """What a reranker gives, as numbers; an error of a third party's code names the reranker and the problem."""
    try:
        return np.asarray(reranker.utilities(pool), dtype=np.float64)
    except VisualPRMEvalError:
        raise
    except Exception as error:
        raise ConfigError(
            f"reranker {reranker.name!r} failed on problem {pool.problem_id}: {type(error).__name__}: {error}; "
            "leave it out or correct it"
        ) from error


def _mean(scores: Sequence[float]) -> float:
    """The mean; its sum is rounded once, so that the order of the steps does not decide a tie."""
    return math.fsum(scores) / len(scores)


def _product(scores: Sequence[float]) -> float:
    """The product; sorted for the same reason."""
    return math.prod(sorted(scores))


AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": _mean,
    "min": min,
    "max": max,
    "last": lambda scores: scores[-1],
    "product": _product,
}
"""How step scores, [T], become the score of a response."""


def aggregate(name: str, scores: Sequence[float]) -> float:
    """The score of a response from its step scores, [T]; NaN when there is no step or one of them is NaN."""
    # A sum that is a number has no NaN in it, and is soon made.
    if not scores or (math.isnan(sum(scores)) and any(map(math.isnan, scores))):
        return math.nan
    return float(AGGREGATES[name](scores))


@dataclass(frozen=True)
class First(Reranker):
    """The lowest rank: pass@1, the policy without best-of-N."""

    def utilities(self, pool: Pool) -> FloatArray:
        """All equal, so that the tie rule decides."""
        return np.zeros(len(pool))


@dataclass(frozen=True)
class Greedy(First):
    """One sample at temperature 0, which is what published pass@1 figures are of; a sampling of its own.

    It picks from no pool of others: the run draws its sample beside the N.
    """


@dataclass(frozen=True)
class Random(Reranker):
    """A uniform choice, as its expectation: the mean over the candidates, without the noise of drawing one."""

    expectation: ClassVar[bool] = True

    def utilities(self, pool: Pool) -> FloatArray:
        """All equal: nobody is preferred."""
        return np.zeros(len(pool))


@dataclass(frozen=True)
class StepAggregate(Reranker):
    """The greatest mean (min, max, last, product) of a critic's step scores.

    Attributes:
        how: A key of ``AGGREGATES``.
    """

    how: str = "mean"
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    pointwise: ClassVar[bool] = True

    def utilities(self, pool: Pool) -> FloatArray:
        """The score of each response, [N]."""
        found = self._step_scores(pool)
        if all(found) and not math.isnan(sum(map(sum, found))):  # No NaN among them, as it should be: the short way.
            return np.array(list(map(AGGREGATES[self.how], found)), dtype=np.float64)
        return np.array([aggregate(self.how, scores) for scores in found], dtype=np.float64)


@dataclass(frozen=True)
class SelfConsistency(Reranker):
    """The lowest-ranked candidate of the answer with the most votes.

    Of equally strong answers the one with the lowest rank wins. Who has no answer abstains, and wins only when all do.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"answers"})

    def utilities(self, pool: Pool) -> FloatArray:
        """Votes for each candidate's answer, [N]; 0 for an abstention."""
        votes = {answer: len(members) for answer, members in _groups(pool).items()}
        return np.array([0 if answer is None else votes[answer] for answer in pool.answers], dtype=np.float64)


@dataclass(frozen=True)
class WeightedVote(Reranker):
    """The best-scored candidate of the answer with the greatest sum of scores.

    Each vote weighs the mean step score of its candidate. Ties between answers and within the winning one go to the
    lowest rank. Who has no answer abstains, and wins only when all do: then the lowest rank, whatever its score.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"answers", "scores"})

    def utilities(self, pool: Pool) -> FloatArray:
        """The scores of the winning answer's candidates and minus infinity for all others, [N]."""
        weights = [aggregate("mean", scores) for scores in self._step_scores(pool)]
        groups = list(_groups(pool).values())
        if not groups:
            return np.zeros(len(pool))
        # max keeps the first of equals, and groups come in the order of their lowest ranks.
        winners = max(groups, key=lambda members: math.fsum(weights[member] for member in members))
        utilities = np.full(len(pool), -np.inf)
        utilities[winners] = [weights[member] for member in winners]
        return utilities


@dataclass(frozen=True)
class Oracle(Reranker):
    """A right candidate if there is one: pass@k, the ceiling of every reranker."""

    needs: ClassVar[frozenset[str]] = frozenset({"verdicts"})
    pointwise: ClassVar[bool] = True

    def utilities(self, pool: Pool) -> FloatArray:
        """The verdicts, [N]."""
        if pool.verdicts is None:
            raise ConfigError(f"reranker {self.name!r} needs the verdicts of all candidates; grade with --grade all")
        return np.array(pool.verdicts, dtype=np.float64)


def _groups(pool: Pool) -> dict[str, list[int]]:
    """Answers to the places of their candidates, in the order of their lowest ranks; abstentions left out."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, answer in enumerate(pool.answers):
        if answer is not None:
            groups[answer].append(place)
    return dict(groups)
