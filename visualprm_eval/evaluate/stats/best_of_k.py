"""One reranker's curve over k: the expected value over subsets and the value from the first k candidates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.candidate_grid import FloatArray, Grid
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.stats.closed_form import curve_ks, expected_best, mean_value
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.evaluate.stats.subsets import draw_subsets, values_in_subsets

__all__ = ["ALL_SUBSETS", "DRAWN_SUBSETS", "MEAN", "PASS_AT_K", "Estimate", "estimates"]

ALL_SUBSETS = "exact over all subsets"
PASS_AT_K = "unbiased pass@k"  # noqa: S105 - no password
MEAN = "mean of all candidates"
DRAWN_SUBSETS = "mean over drawn subsets"
_BATCHES = 10
"""Batches of drawn subsets whose spread tells the sampling error."""


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
