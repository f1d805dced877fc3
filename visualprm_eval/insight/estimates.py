"""One reranker's curve over k: the expected value over subsets and the value from the first k candidates."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.insight.curves import curve_ks, expected_best, mean_value
from visualprm_eval.insight.grid import FloatArray, Grid
from visualprm_eval.insight.measure import Measure
from visualprm_eval.insight.subsets import draw_subsets, first_ranks, values_in_subsets
from visualprm_eval.rerankers import First, Oracle, Reranker

__all__ = ["ALL_SUBSETS", "DRAWN_SUBSETS", "FIRST_CANDIDATES", "MEAN", "PASS_AT_K", "Estimate", "estimates"]

ALL_SUBSETS = "exact over all subsets"
PASS_AT_K = "unbiased pass@k"  # noqa: S105 - no password
MEAN = "mean of all candidates"
DRAWN_SUBSETS = "mean over drawn subsets"
FIRST_CANDIDATES = "first k candidates"
_GROUPED_DRAWS = 32
"""Subsets per k where a metric has to be worked out for each of them."""


@dataclass(frozen=True)
class Estimate:
    """The value at one k.

    Attributes:
        k: Best of how many.
        estimator: How the value was estimated.
        value: In percent.
        rows: The expectation for each problem, or ``None`` where only the whole has one, [P].
        sampling_error: Standard error from drawing subsets, in points.
        prefix: The value from the first k candidates, in percent.
    """

    k: int
    estimator: str
    value: float
    rows: FloatArray | None
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
    if isinstance(reranker, First):
        return [_of_prefix(grid, reranker, measure, k) for k in curve_ks(grid.n)]
    if not measure.is_row_mean:
        return [_of_draws(grid, reranker, measure, k, seed) for k in curve_ks(grid.n)]
    if reranker.expectation:
        return _closed(grid, reranker, measure, np.tile(mean_value(grid.verdicts, grid.usable)[:, None], grid.n), MEAN)
    if reranker.pointwise:
        ks = range(1, grid.n + 1)
        rows = expected_best(grid.utilities(reranker), grid.verdicts, grid.usable, ks)
        return _closed(grid, reranker, measure, rows, PASS_AT_K if isinstance(reranker, Oracle) else ALL_SUBSETS)
    return [_of_subsets(grid, reranker, measure, k, seed) for k in curve_ks(grid.n)]


def _closed(grid: Grid, reranker: Reranker, measure: Measure, rows: FloatArray, estimator: str) -> list[Estimate]:
    """Every k at once, from expectations of each problem, [P, N]."""
    means = 100 * rows.mean(axis=0)
    prefixes = _prefixes(grid, reranker, measure, range(1, grid.n + 1))
    return [
        Estimate(k, estimator, float(means[k - 1]), rows[:, k - 1], 0.0, prefix) for k, prefix in enumerate(prefixes, 1)
    ]


def _of_prefix(grid: Grid, reranker: Reranker, measure: Measure, k: int) -> Estimate:
    (prefix,) = _prefixes(grid, reranker, measure, [k])
    rows = values_in_subsets(grid, reranker, first_ranks(k))[:, 0]
    known = None if np.isnan(rows).any() else rows
    return Estimate(k, FIRST_CANDIDATES, prefix, known, 0.0, prefix)


def _of_subsets(grid: Grid, reranker: Reranker, measure: Measure, k: int, seed: int) -> Estimate:
    """Row means of what has no closed form; at k = 1 every reranker is a random pick."""
    (prefix,) = _prefixes(grid, reranker, measure, [k])
    if k == 1:
        rows = mean_value(grid.verdicts, grid.usable)
        return Estimate(k, ALL_SUBSETS, 100 * float(rows.mean()), rows, 0.0, prefix)
    subsets, exhaustive = draw_subsets(grid.n, k, len(grid), seed)
    values = values_in_subsets(grid, reranker, subsets)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Mean of empty slice")
        rows = np.nanmean(values, axis=1)
    rows = np.where(np.isnan(rows), mean_value(grid.verdicts, grid.usable), rows)
    error = 0.0
    if not exhaustive:  # Whole draws differ from each other by chance alone.
        error = 100 * float(np.nanmean(values, axis=0).std(ddof=1)) / math.sqrt(len(subsets))
    estimator = ALL_SUBSETS if exhaustive else DRAWN_SUBSETS
    return Estimate(k, estimator, 100 * float(rows.mean()), rows, error, prefix)


def _of_draws(grid: Grid, reranker: Reranker, measure: Measure, k: int, seed: int) -> Estimate:
    """A metric that is no row mean, worked out for each draw of a subset per problem, and averaged over draws."""
    (prefix,) = _prefixes(grid, reranker, measure, [k])
    values = _drawn_values(grid, reranker, 1 if reranker.expectation else k, seed)
    numbers = [measure.value(column) for column in values.T]
    error = float(np.std(numbers, ddof=1)) / math.sqrt(len(numbers)) if len(numbers) > 1 else 0.0
    estimator = DRAWN_SUBSETS if len(numbers) > 1 else ALL_SUBSETS
    return Estimate(k, estimator, math.fsum(numbers) / len(numbers), None, error, prefix)


def _drawn_values(grid: Grid, reranker: Reranker, k: int, seed: int) -> FloatArray:
    """The verdict of the pick from a subset per problem, independent between problems, [P, R]."""
    if k == grid.n:
        return values_in_subsets(grid, reranker, first_ranks(k))
    subsets, _ = draw_subsets(grid.n, k, len(grid), seed)
    rng = np.random.default_rng([seed, grid.n, k])
    chosen = subsets[rng.permutation(len(subsets))[:_GROUPED_DRAWS]]
    # A random pick is what any reranker gets from subsets of one.
    values = values_in_subsets(grid, First("random") if reranker.expectation else reranker, chosen)
    for row in values:
        known = row[~np.isnan(row)]
        row[:] = rng.permutation(np.where(np.isnan(row), rng.choice(known), row)) if len(known) else row
    return values


def _prefixes(grid: Grid, reranker: Reranker, measure: Measure, ks: Sequence[int]) -> list[float]:
    """Values from the first k candidates; problems without a usable one among them are left out."""
    found: list[float] = []
    for k in ks:
        if reranker.expectation:
            usable = grid.usable[:, :k]
            some = usable.any(axis=1)
            rows = np.full(len(grid), np.nan)
            rows[some] = mean_value(grid.verdicts[some, :k], usable[some])
        else:
            rows = values_in_subsets(grid, reranker, first_ranks(k))[:, 0]
        found.append(math.nan if np.isnan(rows).all() else measure.value(rows))
    return found
