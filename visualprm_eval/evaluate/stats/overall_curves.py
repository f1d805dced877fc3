"""Curves of the mean over a policy's benchmarks, which is what figure 4 of the VisualPRM paper shows."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats.best_of_k import DRAWN_SUBSETS
from visualprm_eval.evaluate.stats.bootstrap import percentiles
from visualprm_eval.evaluate.stats.rows import CurvePoint, Standing
from visualprm_eval.tasks import SUITES, TASKS

__all__ = ["MEAN_OF_BENCHMARKS", "MEAN_OF_SUITE", "Place", "Resample", "overall_points", "place_of"]

MEAN_OF_BENCHMARKS = "mean of the benchmarks"
MEAN_OF_SUITE = "mean of the paper's seven benchmarks"
"""The metric of a mean over what the papers' overall is the mean of, each benchmark by its published metric."""

Place = tuple[str, str, str, str, int]
"""Policy, benchmark, split, reranker and k."""
Resample = npt.NDArray[np.float32]
"""The value of a point in each bootstrap resample, [B]; benchmarks are resampled independently of each other."""


def place_of(point: CurvePoint) -> Place:
    """What resamples are kept by."""
    return point.policy, point.benchmark, point.split, point.reranker, point.k


def overall_points(
    points: Sequence[CurvePoint],
    standings: Sequence[Standing],
    resamples: Mapping[Place, Resample],
    thin: Collection[tuple[str, str, int]] = (),
) -> Iterator[CurvePoint]:
    """The plain mean over the benchmarks of each policy at every k that all of them have.

    Args:
        points: Of single benchmarks.
        standings: Values at k = N; only what has an overall one has a curve.
        resamples: Where intervals come from.
        thin: Policy, benchmark and k where too many candidates were left out for a mean.
    """
    benchmarks: dict[str, set[str]] = {}
    lines: dict[tuple[str, str], dict[int, list[CurvePoint]]] = {}
    for row in standings:
        benchmarks.setdefault(row.policy, set()).add(row.benchmark)
    for point in points:
        lines.setdefault((point.policy, point.reranker), {}).setdefault(point.k, []).append(point)
    for row in standings:
        line = lines.get((row.policy, row.reranker), {}) if row.benchmark == OVERALL else {}
        for k in sorted(line):
            whole = len(line[k]) == len(benchmarks[row.policy] - {OVERALL})
            if whole and not any((one.policy, one.benchmark, k) in thin for one in line[k]):
                yield replace(_mean(line[k], resamples), note=row.note)


def _mean(points: Sequence[CurvePoint], resamples: Mapping[Place, Resample]) -> CurvePoint:
    """The mean of points of one policy, reranker and k, one of each benchmark."""
    drawn = any(one.estimator == DRAWN_SUBSETS for one in points)
    known = [resamples[place] for place in map(place_of, points) if place in resamples]
    low = high = None
    if len(known) == len(points):
        lows, highs = percentiles(np.stack(known, axis=1).mean(axis=1, dtype=np.float64, keepdims=True))
        low, high = float(lows[0]), float(highs[0])
    return replace(
        points[0],
        benchmark=OVERALL,
        split="",
        metric=_metric(points),
        estimator=DRAWN_SUBSETS if drawn else points[0].estimator,
        value=math.fsum(one.value for one in points) / len(points),
        low=low,
        high=high,
        sampling_error=math.hypot(*(one.sampling_error for one in points)) / len(points),
        prefix=math.fsum(one.prefix for one in points) / len(points),
        n_problems=sum(one.n_problems for one in points),
    )


def _metric(points: Sequence[CurvePoint]) -> str:
    """What a mean is called, by what it is of."""
    suite = {name: TASKS[name].metric for name in SUITES["table2"]}
    return MEAN_OF_SUITE if {one.benchmark: one.metric for one in points} == suite else MEAN_OF_BENCHMARKS
