"""What rerankers pick out of many problems at once: from the first k candidates, or from any subsets of them.

Our own rerankers are arithmetic on arrays here, and pick what ``rerankers.pick`` picks from each pool. Third parties'
are asked pool by pool.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray, group_sums, segment_sums
from visualprm_eval.evaluate.rerankers import (
    First,
    Greedy,
    Oracle,
    Pool,
    Reranker,
    SelfConsistency,
    StepAggregate,
    WeightedVote,
    pick,
)

__all__ = ["first_ranks", "leaders", "mean_worth", "ranks_from_first", "ranks_in_subsets", "subpool", "worth"]

_BY_UTILITY = (First, Greedy, StepAggregate, Oracle)
_BY_VOTE = (SelfConsistency, WeightedVote)
_BATCH = 100_000


def first_ranks(k: int) -> IntArray:
    """The one subset that a published best-of-k is of: the first k candidates, [1, k]."""
    return np.arange(k, dtype=np.int64)[None, :]


def ranks_from_first(grid: Grid, reranker: Reranker, k: int) -> IntArray:
    """The rank of what a reranker picks from the first k candidates of each problem, [P].

    It is -1 where there is nothing to choose from, and may be so where not all is known of the first k.

    Raises:
        ConfigError: A third party's reranker raises or does not give one number per candidate.
    """
    if type(reranker) in _BY_UTILITY:
        return leaders(grid, reranker)[:, k - 1]
    if type(reranker) in _BY_VOTE:
        return _by_vote(grid, reranker, first_ranks(k))[:, 0]
    ranks = np.full(len(grid), -1, dtype=np.int64)
    for row in np.flatnonzero(grid.complete(k)).tolist():
        head = grid.pools[row].head(k)
        place = pick(reranker, head) if len(head) else None
        ranks[row] = -1 if place is None else head.ranks[place]
    return ranks


def worth(grid: Grid, ranks: IntArray) -> FloatArray:
    """The verdicts of the candidates of these ranks, [P, R]; NaN for -1 and where there is no verdict."""
    values: FloatArray = np.take_along_axis(grid.verdicts, np.maximum(ranks, 0), axis=1)
    return np.where(ranks < 0, np.nan, values)


def mean_worth(grid: Grid, k: int) -> FloatArray:
    """What a random pick from the first k candidates is worth on average, [P]; NaN where there is none to pick."""
    usable = grid.usable[:, :k]
    sizes = usable.sum(axis=1)
    sums = segment_sums(grid.verdicts[:, :k][usable], np.append(0, np.cumsum(sizes)))
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), np.nan)


def leaders(grid: Grid, reranker: Reranker) -> IntArray:
    """The rank of what a reranker picks from the first k candidates, for every k from 1 to N, [P, N]; -1 for nothing.

    Args:
        grid: P problems.
        reranker: ``First``, or one that is pointwise.
    """
    if reranker in grid.leaders:
        return grid.leaders[reranker]
    keys = _keys(grid, reranker)
    best = np.maximum.accumulate(keys, axis=1)
    places = np.zeros(keys.shape, dtype=np.int64)
    # Only what is greater than all before it takes their place: the first of equals stays.
    places[:, 1:] = np.where(keys[:, 1:] > best[:, :-1], np.arange(1, grid.n), 0)
    ranks: IntArray = np.where(np.isneginf(best), -1, np.maximum.accumulate(places, axis=1))
    grid.leaders[reranker] = ranks
    return ranks


def ranks_in_subsets(grid: Grid, reranker: Reranker, subsets: IntArray) -> IntArray:
    """The rank of what a reranker picks from each subset, [P, R]; -1 where it holds no usable candidate.

    Args:
        grid: P problems.
        reranker: Any that picks.
        subsets: Ascending ranks, [R, k].
    """
    if isinstance(reranker, First) or reranker.pointwise:
        return _by_utility(_keys(grid, reranker), subsets)
    if type(reranker) in _BY_VOTE:
        return _by_vote(grid, reranker, subsets)
    return _one_by_one(grid, reranker, subsets)


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


def _one_by_one(grid: Grid, reranker: Reranker, subsets: IntArray) -> IntArray:
    ranks = np.full((len(grid), len(subsets)), -1, dtype=np.int64)
    for column, subset in enumerate(subsets):
        members = frozenset(subset.tolist())
        for row, pool in enumerate(grid.pools):
            head = subpool(pool, members)
            place = pick(reranker, head) if len(head) else None
            ranks[row, column] = -1 if place is None else head.ranks[place]
    return ranks


def _by_utility(keys: FloatArray, subsets: IntArray) -> IntArray:
    """Picks by scores that do not depend on the rest of the pool."""
    ranks = np.empty((len(keys), len(subsets)), dtype=np.int64)
    for column, subset in enumerate(subsets):
        own = keys[:, subset]
        places = np.argmax(own, axis=1)  # the first of equals, and subsets ascend by rank
        ranks[:, column] = np.where(np.isneginf(own[np.arange(len(own)), places]), -1, subset[places])
    return ranks


def _keys(grid: Grid, reranker: Reranker) -> FloatArray:
    """What decides a pick, [P, N]: a usable candidate of minus infinity still goes before a gap."""
    utilities = np.zeros(grid.usable.shape) if isinstance(reranker, First) else grid.utilities(reranker)
    keys: FloatArray = np.where(grid.usable, np.maximum(utilities, -np.finfo(np.float64).max), -np.inf)
    return keys


def _by_vote(grid: Grid, reranker: Reranker, subsets: IntArray) -> IntArray:
    """Picks by votes: counted ones, or weighted ones whose winner is the best-scored of the winning answer."""
    weights = None
    if type(reranker) is WeightedVote:
        weights = grid.utilities(StepAggregate(reranker.name, reranker.critic))
    ranks = np.empty((len(grid), len(subsets)), dtype=np.int64)
    n_answers = int(grid.votes.max(initial=-1)) + 1
    # Abstentions and gaps count as two answers more, which come after all others.
    codes = np.where(grid.votes >= 0, grid.votes, np.where(grid.usable, n_answers, n_answers + 1))
    columns = subsets.ravel()
    for rows in _batches(len(grid), subsets.size):
        shape = (-1, subsets.shape[1])
        drawn = codes[rows].take(columns, axis=1).reshape(shape)
        own = None if weights is None else weights[rows].take(columns, axis=1).reshape(shape)
        places = _winners(drawn, own, n_answers)
        found = subsets[np.arange(len(places)) % len(subsets), places]
        ranks[rows] = np.where(np.take_along_axis(drawn, places[:, None], axis=1)[:, 0] > n_answers, -1, found).reshape(
            -1, len(subsets)
        )
    return ranks


def _winners(codes: IntArray, weights: FloatArray | None, n_answers: int) -> IntArray:
    """The place of the pick in each row of candidates, [M, k] to [M]; the first place where nothing is usable."""
    width = n_answers + 2
    if weights is None:
        cells = codes + width * np.arange(len(codes))[:, None]
        support = np.bincount(cells.ravel(), minlength=width * len(codes)).astype(np.float64).reshape(-1, width)
    else:
        support = group_sums(np.where(codes < n_answers, weights, 0.0), codes, width)
    # Abstentions come after every answer, whatever its weight, and gaps after those.
    support[:, n_answers:] = (-np.finfo(np.float64).max, -np.inf)
    places: IntArray = np.argmax(np.take_along_axis(support, codes, axis=1), axis=1)  # the first of equals
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
