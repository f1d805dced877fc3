"""Picks from subsets of the candidates: all subsets where they are few, else some drawn with a seed.

This serves what has no closed form: votes, third parties' rerankers, and metrics that are not means over rows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from visualprm_eval.insight.grid import FloatArray, Grid, IntArray
from visualprm_eval.rerankers import First, Pool, Reranker, SelfConsistency, StepAggregate, WeightedVote, pick

__all__ = ["DRAWS", "draw_subsets", "first_ranks", "subpool", "values_in_subsets", "values_of_prefixes"]

DRAWS = 40_000
"""Picks that are drawn per k, over all problems: the sampling error of a mean over rows stays below 0.25 points, since
a verdict's standard deviation is at most one half."""
_LOOKED_AT = 1_000_000
"""Picks from all subsets, over all problems, up to which none are drawn: arithmetic on arrays does that in a moment."""
_BATCH = 100_000


def draw_subsets(n: int, k: int, n_problems: int, seed: int, *, fast: bool = True) -> tuple[IntArray, bool]:
    """Subsets of k of N ranks, each ascending.

    Args:
        n: N.
        k: Their size.
        n_problems: P: the more problems, the fewer subsets of each it takes.
        seed: What the drawn ones come from, with N and k.
        fast: Whether picks are arithmetic on arrays; rerankers that are asked subset by subset look at fewer.

    Returns:
        The subsets, [R, k], and whether they are all that there are.
    """
    draws = max(10, DRAWS // max(1, n_problems))
    if math.comb(n, k) <= (max(draws, min(DRAWS, _LOOKED_AT // max(1, n_problems))) if fast else draws):
        return np.array(list(itertools.combinations(range(n), k)), dtype=np.int64), True
    keys = np.random.default_rng([seed, n, k]).random((draws, n))
    return np.sort(np.argpartition(keys, k - 1, axis=1)[:, :k], axis=1).astype(np.int64), False


def first_ranks(k: int) -> IntArray:
    """The one subset that a published best-of-k is of: the first k candidates, [1, k]."""
    return np.arange(k, dtype=np.int64)[None, :]


def values_in_subsets(grid: Grid, reranker: Reranker, subsets: IntArray) -> FloatArray:
    """The verdict of what a reranker picks from each subset.

    Args:
        grid: P problems.
        reranker: Any that picks.
        subsets: Ascending ranks, [R, k].

    Returns:
        Verdicts, [P, R]; NaN where a subset holds no usable candidate of the problem.
    """
    # Only our own classes are known to be what the fast ways compute.
    if isinstance(reranker, First):
        return _by_utility(grid, np.zeros(grid.usable.shape), subsets)
    if reranker.pointwise:
        return _by_utility(grid, grid.utilities(reranker), subsets)
    if type(reranker) is SelfConsistency:
        return _by_vote(grid, None, subsets)
    if type(reranker) is WeightedVote and reranker.critic is not None:
        return _by_vote(grid, grid.utilities(StepAggregate(reranker.name, reranker.critic)), subsets)
    return _one_by_one(grid, reranker, subsets)


def values_of_prefixes(grid: Grid, reranker: Reranker) -> FloatArray:
    """The verdict of what a reranker picks from the first k candidates, for every k from 1 to N.

    Args:
        grid: P problems.
        reranker: ``First``, or one that is pointwise.

    Returns:
        Verdicts, [P, N]; NaN where no usable candidate is among the first k.
    """
    utilities = np.zeros(grid.usable.shape) if isinstance(reranker, First) else grid.utilities(reranker)
    keys = _keys(grid, utilities)
    best = np.maximum.accumulate(keys, axis=1)
    places = np.zeros(keys.shape, dtype=np.int64)
    # Only what is greater than all before it takes their place: the first of equals stays.
    places[:, 1:] = np.where(keys[:, 1:] > best[:, :-1], np.arange(1, grid.n), 0)
    leaders = np.maximum.accumulate(places, axis=1)
    values: FloatArray = np.take_along_axis(grid.verdicts, leaders, axis=1)
    return values


def subpool(pool: Pool, ranks: frozenset[int]) -> Pool:
    """The candidates of a pool that have one of the ranks."""
    places = [place for place, rank in enumerate(pool.ranks) if rank in ranks]
    return Pool(
        pool.problem_id,
        tuple(pool.ranks[place] for place in places),
        tuple(pool.texts[place] for place in places),
        tuple(pool.answers[place] for place in places),
        {label: tuple(scores[place] for place in places) for label, scores in pool.scores.items()},
        None if pool.verdicts is None else tuple(pool.verdicts[place] for place in places),
    )


def _one_by_one(grid: Grid, reranker: Reranker, subsets: IntArray) -> FloatArray:
    values = np.full((len(grid), len(subsets)), np.nan)
    for column, subset in enumerate(subsets):
        ranks = frozenset(subset.tolist())
        for row, pool in enumerate(grid.pools):
            head = subpool(pool, ranks)
            place = pick(reranker, head) if len(head) else None
            if place is not None and head.verdicts is not None:
                values[row, column] = head.verdicts[place]
    return values


def _by_utility(grid: Grid, utilities: FloatArray, subsets: IntArray) -> FloatArray:
    """Picks by scores that do not depend on the rest of the pool."""
    keys = _keys(grid, utilities)
    values = np.empty((len(grid), len(subsets)))
    for column, subset in enumerate(subsets):
        places = np.argmax(keys[:, subset], axis=1)  # the first of equals, and subsets ascend by rank
        values[:, column] = grid.verdicts[np.arange(len(grid)), subset[places]]
    return values


def _keys(grid: Grid, utilities: FloatArray) -> FloatArray:
    """What decides a pick: a usable candidate of minus infinity still goes before a gap."""
    keys: FloatArray = np.where(grid.usable, np.maximum(utilities, -np.finfo(np.float64).max), -np.inf)
    return keys


def _by_vote(grid: Grid, weights: FloatArray | None, subsets: IntArray) -> FloatArray:
    """Picks by votes: counted ones, or weighted ones whose winner is the best-scored of the winning answer."""
    values = np.empty((len(grid), len(subsets)))
    n_answers = int(grid.votes.max(initial=-1)) + 1
    # Abstentions and gaps count as two answers more, which come after all others.
    codes = np.where(grid.votes >= 0, grid.votes, np.where(grid.usable, n_answers, n_answers + 1))
    columns = subsets.ravel()
    for rows in _batches(len(grid), subsets.size):
        shape = (-1, subsets.shape[1])
        own = None if weights is None else weights[rows].take(columns, axis=1).reshape(shape)
        places = _winners(codes[rows].take(columns, axis=1).reshape(shape), own, n_answers)
        chosen = subsets[np.arange(len(places)) % len(subsets), places].reshape(-1, len(subsets))
        values[rows] = np.take_along_axis(grid.verdicts[rows], chosen, axis=1)
    return values


def _winners(codes: IntArray, weights: FloatArray | None, n_answers: int) -> IntArray:
    """The place of the pick in each row of candidates, [M, k] to [M]; the first place where nothing is usable."""
    width = n_answers + 2
    cells = codes + width * np.arange(len(codes))[:, None]
    flat = None if weights is None else np.where(codes < n_answers, weights, 0.0).ravel()
    support = np.bincount(cells.ravel(), flat, minlength=width * len(codes)).astype(np.float64)
    # Abstentions come after every answer, whatever its weight, and gaps after those.
    support.reshape(-1, width)[:, n_answers:] = (-np.finfo(np.float64).max, -np.inf)
    places: IntArray = np.argmax(support[cells], axis=1)  # the first of equals
    if weights is None:
        return places
    winners = np.take_along_axis(codes, places[:, None], axis=1)
    best = np.argmax(np.where(codes == winners, weights, -np.inf), axis=1)
    chosen: IntArray = np.where(winners[:, 0] < n_answers, best, places)
    return chosen


def _batches(count: int, size: int) -> Iterator[slice]:
    """Slices of ``count`` rows such that each covers some ``_BATCH`` numbers, few enough for a processor's cache."""
    step = max(1, _BATCH // max(1, size))
    yield from (slice(start, start + step) for start in range(0, count, step))
