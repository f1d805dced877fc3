"""Curves over k: the expected value of best-of-k over subsets of k of N candidates, and that of the first k.

Where a score does not depend on the rest of the pool, the expectation over all subsets has a closed form. Sort a
problem's candidates by falling score, ties by rank. The one at place i (from 0) is the best of a random subset of size
k when it is in the subset and none before it is, which has the probability C(N-1-i, k-1) / C(N, k). So the expectation
is a weighted sum, exact and without bias, and at k = N it is the pick itself. With verdicts in place of scores it is
the unbiased pass@k of Chen et al., "Evaluating Large Language Models Trained on Code" (arXiv:2107.03374).

Votes, third parties' rerankers and metrics that are no means over rows have none: subsets are gone through, all of them
where they are few, else some drawn with a seed.

Failed candidates take up places in subsets and are never picked; a subset of nothing else counts for nothing, just as a
problem without usable candidates is left out everywhere.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.stats.measure import Measure

ALL_SUBSETS = "exact over all subsets"
PASS_AT_K = "unbiased pass@k"  # noqa: S105 - no password
MEAN = "mean of all candidates"
DRAWN_SUBSETS = "mean over drawn subsets"
_BATCHES = 10
"""Batches of drawn subsets whose spread tells the sampling error."""
_ALL_UP_TO = 8
DRAWS = 40_000
"""Picks that are drawn per k, over all problems: the sampling error of a mean over rows stays below 0.25 points, since
a verdict's standard deviation is at most one half."""
_LOOKED_AT = 1_000_000
"""Picks from all subsets, over all problems, up to which none are drawn: arithmetic on arrays does that in a moment."""


@dataclass(frozen=True)
class Estimate:
    """The value at one k.

    Attributes:
        k: Best of how many.
        estimator: How the value was estimated.
        value: In percent.
        rows: The expectation for each problem, [P].
        sampling_error: Standard error from drawing subsets, in points.
        prefix: The value from the first k candidates, in percent.
    """

    k: int
    estimator: str
    value: float
    rows: FloatArray
    sampling_error: float
    prefix: float


def estimates(grid: Grid, reranker: Reranker, measure: Measure, seed: int = 0) -> list[Estimate]:
    """The curve of a reranker by growing k, up to N.

    Args:
        grid: P problems with N candidates.
        reranker: Whose picks.
        measure: The benchmark's number over these problems.
        seed: Of subsets that are drawn.

    Returns:
        Every k where there is a closed form, else those of ``curve_ks``.
    """
    if reranker.blind:  # Of any k candidates the first is any of all.
        return _closed(grid, reranker, measure, np.tile(mean_value(grid.verdicts, grid.usable)[:, None], grid.n), MEAN)
    if reranker.pointwise:
        ks = range(1, grid.n + 1)
        rows = expected_best(reranker.scores(grid), grid.verdicts, grid.usable, ks)
        return _closed(grid, reranker, measure, rows, PASS_AT_K if "verdicts" in reranker.needs else ALL_SUBSETS)
    return [_of_subsets(grid, reranker, measure, k, seed) for k in curve_ks(grid.n)]


def _closed(grid: Grid, reranker: Reranker, measure: Measure, rows: FloatArray, estimator: str) -> list[Estimate]:
    """Every k at once, from expectations of each problem, [P, N]."""
    prefixes = _prefixes(grid, reranker, measure, range(1, grid.n + 1))
    return [
        Estimate(k, estimator, measure.value(rows[:, k - 1]), rows[:, k - 1], 0.0, prefix)
        for k, prefix in enumerate(prefixes, 1)
    ]


def _of_subsets(grid: Grid, reranker: Reranker, measure: Measure, k: int, seed: int) -> Estimate:
    """What has no closed form; at k = 1 every reranker is a random pick."""
    (prefix,) = _prefixes(grid, reranker, measure, [k])
    if k == 1:
        rows = mean_value(grid.verdicts, grid.usable)
        return Estimate(k, ALL_SUBSETS, measure.value(rows), rows, 0.0, prefix)
    subsets, exhaustive = draw_subsets(grid.n, k, len(grid), seed, fast=reranker.is_array)
    values = values_in_subsets(grid, reranker, subsets)
    rows = _row_means(grid, values)
    error = 0.0
    if not exhaustive:  # Batches differ from each other by chance alone.
        batches = np.array_split(values, _BATCHES, axis=1)
        numbers = [measure.value(_row_means(grid, batch)) for batch in batches]
        error = float(np.std(numbers, ddof=1)) / math.sqrt(_BATCHES)
    estimator = ALL_SUBSETS if exhaustive else DRAWN_SUBSETS
    return Estimate(k, estimator, measure.value(rows), rows, error, prefix)


def _row_means(grid: Grid, values: FloatArray) -> FloatArray:
    """Each problem's mean over subsets, [P, R] to [P]; the mean candidate where no subset holds a usable one."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    means: FloatArray = np.where(known, values, 0.0).sum(axis=1) / np.maximum(counts, 1)
    if not counts.all():
        means = np.where(counts > 0, means, mean_value(grid.verdicts, grid.usable))
    return means


def _prefixes(grid: Grid, reranker: Reranker, measure: Measure, ks: Sequence[int]) -> list[float]:
    """Values from the first k candidates; problems without a usable one among them are left out."""
    if reranker.expectation:
        counts = np.cumsum(grid.usable, axis=1)
        sums = np.cumsum(np.where(grid.usable, grid.verdicts, 0.0), axis=1)
        table = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)[:, np.array(ks) - 1]
    else:
        table = grid.worth(reranker.in_prefixes(grid, ks))
    return [math.nan if np.isnan(rows).all() else measure.value(rows) for rows in np.ascontiguousarray(table.T)]


def curve_ks(n: int) -> tuple[int, ...]:
    """The k at which a curve has intervals and drawn values: all up to 8, then powers of the root of two, and ``n``."""
    powers = {round(2 ** (power / 2)) for power in range(2 * n.bit_length())}
    return tuple(sorted({k for k in powers | set(range(1, _ALL_UP_TO + 1)) if k < n} | {n}))


def place_weights(n: int, ks: Sequence[int]) -> FloatArray:
    """The chance of each place to be the best of a random subset, [K, N].

    Args:
        n: N.
        ks: Sizes of subsets, each from 1 to N.

    Returns:
        ``C(n-1-i, k-1) / C(n, k)`` for each k and place i, by a recurrence of products that neither overflows nor
        cancels.

    Raises:
        ValueError: A k is not from 1 to N.
    """
    if any(not 1 <= k <= n for k in ks):
        raise ValueError(f"k of {list(ks)}: expected 1 to {n}")
    sizes = np.asarray(ks, dtype=np.float64)
    weights = np.empty((len(sizes), n))
    weights[:, 0] = sizes / n
    for place in range(1, n):
        weights[:, place] = weights[:, place - 1] * np.maximum(n - sizes - place + 1, 0) / (n - place)
    return weights


def expected_best(utilities: FloatArray, verdicts: FloatArray, usable: BoolArray, ks: Sequence[int]) -> FloatArray:
    """The expected verdict of the best-scored candidate of a random subset of size k.

    Args:
        utilities: A score per candidate that does not depend on the rest of the pool, [P, N].
        verdicts: From 0 to 1, [P, N].
        usable: Which candidates can be picked, [P, N]; at least one per problem.
        ks: Sizes of subsets, each from 1 to N, [K].

    Returns:
        The expectation per problem and k, [P, K], over the subsets that hold a usable candidate.
    """
    falling = -np.where(usable & ~np.isnan(utilities), utilities, np.where(usable, -np.inf, 0.0))
    order = np.lexsort((falling, ~usable), axis=1)  # stable: ties keep the order of ranks
    ordered = np.take_along_axis(np.where(usable, verdicts, 0.0), order, axis=1)
    present = np.take_along_axis(usable, order, axis=1).astype(np.float64)
    weights = place_weights(utilities.shape[1], ks).T
    expected: FloatArray = (ordered @ weights) / (present @ weights)
    return expected


def mean_value(verdicts: FloatArray, usable: BoolArray) -> FloatArray:
    """The mean verdict of each problem's usable candidates, [P]: what a random pick gets at any k."""
    means: FloatArray = np.where(usable, verdicts, 0.0).sum(axis=1) / usable.sum(axis=1)
    return means


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


def values_in_subsets(grid: Grid, reranker: Reranker, subsets: IntArray) -> FloatArray:
    """The verdict of what a reranker picks from each subset.

    Args:
        grid: P problems.
        reranker: Any that picks.
        subsets: Ascending ranks, [R, k].

    Returns:
        Verdicts, [P, R]; NaN where a subset holds no usable candidate of the problem.
    """
    return grid.worth(reranker.in_subsets(grid, subsets))
