"""Rerankers: arithmetic that picks one candidate out of each problem's pool.

What loads weights or calls an API is a critic; what only computes is a reranker. A reranker gives every candidate a
number and the greatest wins; ties go to the lowest rank, everywhere.

Ours are arithmetic on arrays over many problems at once. A third party's class may be so too, or give the numbers of
one pool after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from visualprm_eval.core.errors import ConfigError, VisualPRMEvalError
from visualprm_eval.core.words import counted
from visualprm_eval.evaluate.candidate_grid import Grid, Pool
from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray, exact_sums

_LOWEST = -np.finfo(np.float64).max
_BATCH = 100_000
"""Candidates whose votes are counted at once: few enough for a processor's cache."""


@dataclass(frozen=True)
class Reranker:
    """Base of all rerankers; a third party's class derives from it.

    It gives either :meth:`utilities`, the numbers of one pool, or :meth:`in_subsets`, picks as arithmetic on arrays; a
    pointwise one gives :meth:`scores` in place of the latter.

    Attributes:
        name: The label in results, such as ``"visualprm:min@B"``.
        critic: The label of the critic whose step scores it reads, ``None`` when it reads none.
        needs: What it reads of a pool: any of ``"scores"``, ``"answers"``, ``"verdicts"``. Of ours only the oracle
            needs verdicts, so that leakage is visible.
        expectation: It stands for a uniform choice: its value is the mean over the pool, and it has no pick.
        pointwise: A candidate's number does not depend on the rest of the pool, so that the expected best-of-k over all
            subsets has a closed form.
        blind: It prefers nobody, so that its expected value over all subsets is the mean over the pool.
    """

    name: str
    critic: str | None = None
    needs: ClassVar[frozenset[str]] = frozenset()
    expectation: ClassVar[bool] = False
    pointwise: ClassVar[bool] = False
    blind: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if "scores" in self.needs and self.critic is None:
            raise ConfigError(f"reranker {self.name!r} reads scores but was given no critic; name one when building it")

    def __init_subclass__(cls) -> None:
        """A class that gives the numbers of one pool alone means these, even where it derives from one of ours."""
        if "utilities" in cls.__dict__:
            for name in {"scores", "in_subsets"} - cls.__dict__.keys():
                setattr(cls, name, getattr(Reranker, name))

    @property
    def needs_all_verdicts(self) -> bool:
        """Whether its value needs the verdicts of all candidates."""
        return self.expectation or "verdicts" in self.needs

    @property
    def is_array(self) -> bool:
        """Whether its picks are arithmetic on arrays, so that many subsets cost little."""
        return type(self).in_subsets is not Reranker.in_subsets

    def utilities(self, pool: Pool) -> FloatArray:
        """A number per candidate of one problem, [N]; the greatest is picked, NaN never."""
        raise NotImplementedError(f"{type(self).__name__} gives neither utilities nor in_subsets")

    def scores(self, grid: Grid) -> FloatArray:
        """A number per candidate of many problems, [P, N], of a pointwise reranker; NaN is never picked.

        Raises:
            ConfigError: A third party's reranker raises or breaks its contract.
        """
        scores = np.full(grid.usable.shape, np.nan)
        for row, pool in enumerate(grid.pools):
            if len(pool):
                scores[row, list(pool.ranks)] = _checked_utilities(self, pool)
        return scores

    def in_subsets(self, grid: Grid, subsets: IntArray) -> IntArray:
        """The rank of what it picks from each subset, [P, R]; -1 where that holds no usable candidate.

        Args:
            grid: P problems.
            subsets: Ascending ranks, [R, k].

        Raises:
            ConfigError: A third party's reranker raises or breaks its contract.
        """
        ranks = np.full((len(grid), len(subsets)), -1, dtype=np.int64)
        if self.pointwise:
            keys = self._keys(grid)
            for column, subset in enumerate(subsets):
                drawn = keys[:, subset]
                places = np.argmax(drawn, axis=1)  # the first of equals
                ranks[:, column] = np.where(np.isneginf(drawn.max(axis=1)), -1, subset[places])
            return ranks
        for column, subset in enumerate(subsets.tolist()):
            for row, whole in enumerate(grid.pools):
                if len(pool := whole.only(subset)):
                    utilities = _checked_utilities(self, pool)
                    numbers = np.flatnonzero(~np.isnan(utilities))
                    ranks[row, column] = pool.ranks[numbers[np.argmax(utilities[numbers])]]  # the first of equals
        return ranks

    def in_prefixes(self, grid: Grid, ks: Sequence[int]) -> IntArray:
        """The rank of what it picks from the first k candidates, [P, K].

        It is -1 where there is nothing to choose from, and may be so where not all is known of the first k.
        """
        if self.pointwise:
            with _named_errors(self, counted(len(grid), "problem")):
                keys = self._keys(grid)
            best = np.maximum.accumulate(keys, axis=1)
            if (best[:, np.array(ks) - 1] == _LOWEST).any():
                raise ConfigError(
                    f"reranker {self.name!r} gives no number at all for some pool. Leave it out or correct it"
                )
            places = np.zeros(keys.shape, dtype=np.int64)
            # Only what is greater than all before it takes their place: the first of equals stays.
            places[:, 1:] = np.where(keys[:, 1:] > best[:, :-1], np.arange(1, grid.n), 0)
            return np.where(np.isneginf(best), -1, np.maximum.accumulate(places, axis=1))[:, np.array(ks) - 1]
        ranks = np.full((len(grid), len(ks)), -1, dtype=np.int64)
        for column, k in enumerate(ks):
            complete = grid.complete(k)
            part = grid if complete.all() else grid.take(complete)
            with _named_errors(self, counted(len(part), "problem")):
                ranks[complete, column] = self.in_subsets(part, np.arange(k)[None, :])[:, 0]
        return ranks

    def _keys(self, grid: Grid) -> FloatArray:
        """What decides the picks of a pointwise reranker, [P, N]: NaN comes after all numbers, and gaps after it."""
        scores = self.scores(grid)
        numbers = np.where(np.isnan(scores), _LOWEST, np.maximum(scores, np.nextafter(_LOWEST, 0)))
        return np.where(grid.usable, numbers, -np.inf)


def _checked_utilities(reranker: Reranker, pool: Pool) -> FloatArray:
    """What a reranker gives for one pool, [N]; who does not declare that it needs verdicts does not get to see them."""
    seen = pool if "verdicts" in reranker.needs else replace(pool, verdicts=None)
    with _named_errors(reranker, f"problem {pool.problem_id}"):
        utilities = np.asarray(reranker.utilities(seen), dtype=np.float64)
    if utilities.shape != (len(pool),) or np.isnan(utilities).all():
        raise ConfigError(
            f"reranker {reranker.name!r} must give one number for each of {counted(len(pool), 'candidate')} of problem "
            f"{pool.problem_id}; it gave {utilities!r}. Leave it out or correct it"
        )
    return utilities


@contextmanager
def _named_errors(reranker: Reranker, where: str) -> Iterator[None]:
    """An error of a third party's code names the reranker and where it happened."""
    try:
        yield
    except VisualPRMEvalError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"reranker {reranker.name!r} failed on {where}: {type(error).__name__}: {error}; leave it out or correct it"
        ) from error


def pick(reranker: Reranker, pool: Pool) -> int | None:
    """The place in the pool of the candidate that a reranker picks.

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
    grid = Grid.of_pool(pool)
    (rank,) = reranker.in_subsets(grid, np.arange(grid.n)[None, :])[0].tolist()
    return pool.ranks.index(rank)


class First(Reranker):
    """The lowest rank: pass@1, the policy without best-of-N."""

    pointwise = True
    blind = True

    def scores(self, grid: Grid) -> FloatArray:
        """All equal, so that the tie rule decides, [P, N]."""
        return np.zeros(grid.usable.shape)


class Greedy(First):
    """One sample at temperature 0, which is what published pass@1 figures are of; a sampling of its own.

    It picks from no pool of others: the run draws its sample beside the N.
    """


class Random(Reranker):
    """A uniform choice, as its expectation: the mean over the candidates, without the noise of drawing one."""

    expectation = True
    blind = True


@dataclass(frozen=True)
class StepAggregate(Reranker):
    """The greatest mean (min, max, last, product) of a critic's step scores.

    Attributes:
        how: A key of ``AGGREGATES``.
    """

    how: str = "mean"
    needs: ClassVar[frozenset[str]] = frozenset({"scores"})
    pointwise: ClassVar[bool] = True

    def scores(self, grid: Grid) -> FloatArray:
        """The score of each response, [P, N]."""
        return grid.responses(self.critic, self.how)


class SelfConsistency(Reranker):
    """The lowest-ranked candidate of the answer with the most votes.

    Of equally strong answers the one with the lowest rank wins. Who has no answer abstains, and wins only when all do.
    """

    needs = frozenset({"answers"})

    def weights(self, grid: Grid) -> FloatArray | None:
        """What each vote weighs, [P, N]; ``None`` where all are equal."""
        del grid
        return None

    def in_subsets(self, grid: Grid, subsets: IntArray) -> IntArray:
        """The rank of what it picks from each subset, [P, R]."""
        weights = self.weights(grid)
        n_answers = int(grid.votes.max(initial=-1)) + 1
        # Abstentions and gaps count as two answers more, which come after all others.
        codes = np.where(grid.votes >= 0, grid.votes, np.where(grid.usable, n_answers, n_answers + 1))
        ranks = np.empty((len(grid), len(subsets)), dtype=np.int64)
        for rows in _batches(len(grid), subsets.size):
            drawn = codes[rows].take(subsets, axis=1).reshape(-1, subsets.shape[1])
            drawn_weights = None if weights is None else weights[rows].take(subsets, axis=1).reshape(drawn.shape)
            places = _winners(drawn, drawn_weights, n_answers)
            chosen = subsets[np.arange(len(places)) % len(subsets), places]
            is_gap = drawn[np.arange(len(places)), places] > n_answers
            ranks[rows] = np.where(is_gap, -1, chosen).reshape(-1, len(subsets))
        return ranks


class WeightedVote(SelfConsistency):
    """The best-scored candidate of the answer with the greatest sum of scores.

    Each vote weighs the mean step score of its candidate. Ties between answers and within the winning one go to the
    lowest rank. Who has no answer abstains, and wins only when all do: then the lowest rank, whatever its score.
    """

    needs = frozenset({"answers", "scores"})

    def weights(self, grid: Grid) -> FloatArray:
        """What each vote weighs, [P, N]."""
        return grid.responses(self.critic, "mean")


class Oracle(Reranker):
    """A right candidate if there is one: pass@k, the ceiling of every reranker."""

    needs = frozenset({"verdicts"})
    pointwise = True

    def scores(self, grid: Grid) -> FloatArray:
        """The verdicts, [P, N]."""
        if not grid.graded:
            raise ConfigError(f"reranker {self.name!r} needs the verdicts of all candidates; grade with --grade all")
        return grid.verdicts


def _winners(codes: IntArray, weights: FloatArray | None, n_answers: int) -> IntArray:
    """The place of the pick in each row of votes, [M, k] to [M]; the first place where nothing is usable.

    Args:
        codes: The answer of each candidate, [M, k]; ``n_answers`` for an abstention, one more for a gap.
        weights: What the votes weigh, [M, k]; ``None`` where all are equal.
        n_answers: How many answers there may be.
    """
    width = n_answers + 2
    groups = (codes + width * np.arange(len(codes))[:, None]).ravel()
    if weights is None:
        sums = np.bincount(groups, minlength=width * len(codes)).astype(np.float64)
    else:
        sums = exact_sums(np.where(codes < n_answers, weights, 0.0).ravel(), groups, width * len(codes))
    support = sums.reshape(-1, width)
    # Abstentions come after every answer, whatever its weight, and gaps after those.
    support[:, n_answers:] = (_LOWEST, -np.inf)
    places: IntArray = np.argmax(np.take_along_axis(support, codes, axis=1), axis=1)  # the first of equals
    if weights is None:
        return places
    winners = np.take_along_axis(codes, places[:, None], axis=1)
    best = np.argmax(np.where(codes == winners, weights, -np.inf), axis=1)
    return np.where(winners[:, 0] < n_answers, best, places)


def _batches(count: int, size: int) -> Iterator[slice]:
    """Slices of ``count`` rows such that each covers some ``_BATCH`` numbers."""
    step = max(1, _BATCH // max(1, size))
    yield from (slice(start, start + step) for start in range(0, count, step))
