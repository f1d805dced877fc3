"""Points of curves over k with intervals: of a split, and of the mean over a policy's benchmarks.

The mean is what figure 4 of the VisualPRM paper shows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from visualprm_eval.core.groups import grouped
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats.best_of_k import DRAWN_SUBSETS, curve_ks, estimates
from visualprm_eval.evaluate.stats.bootstrap import interval, percentiles
from visualprm_eval.evaluate.stats.final_picks import Finals
from visualprm_eval.evaluate.stats.rows import CurvePoint, Standing
from visualprm_eval.evaluate.withheld import why_withheld
from visualprm_eval.tasks import SUITES, TASKS

MEAN_OF_BENCHMARKS = "mean of the benchmarks"
MEAN_OF_SUITE = "mean of the paper's seven benchmarks"
"""The metric of a mean over what the papers' overall is the mean of, each benchmark by its published metric."""

PointKey = tuple[str, str, str, str, int]
"""Policy, benchmark, split, reranker and k."""
Resample = npt.NDArray[np.float32]
"""The value of a point in each bootstrap resample, [B]; benchmarks are resampled independently of each other."""


def curve_points(finals: Finals) -> tuple[list[CurvePoint], dict[PointKey, Resample]]:
    """Curves of all rerankers of a split with intervals; all ends come from the same resamples, which come along.

    There is no point at a k at which values are withheld.
    """
    picks, grid = finals.picks, finals.grid
    curve = {
        (*picks.place, reranker.name, estimate.k): estimate
        for reranker in picks.asked
        for estimate in estimates(grid, reranker, picks.measure)
    }
    with_ends = set(curve_ks(grid.n))
    marked = [key for key in curve if key[-1] in with_ends]
    ends: dict[PointKey, tuple[float | None, float | None]] = {}
    kept: dict[PointKey, Resample] = {}
    resamples = picks.measure.resampled(np.stack([curve[key].rows for key in marked], axis=1)) if marked else None
    if resamples is not None:
        lows, highs = (each.tolist() for each in percentiles(resamples))
        ends = dict(zip(marked, zip(lows, highs, strict=True), strict=True))
        kept = dict(zip(marked, resamples.T.astype(np.float32), strict=True))
    withheld = {k: why_withheld(finals.whole, k) for k in {key[-1] for key in curve}}
    points = [
        CurvePoint(
            *key, finals.study.metric, one.estimator, one.value, *ends.get(key, (None, None)),
            one.sampling_error, one.prefix, picks.note, len(finals.whole),
        )
        for key, one in curve.items()
        if not (withheld[key[-1]] or math.isnan(one.value) or math.isnan(one.prefix))  # As in the table of results.
    ]  # fmt: skip
    return points, kept


def overall_points(
    points: Sequence[CurvePoint],
    standings: Sequence[Standing],
    resamples: Mapping[PointKey, Resample],
    thin: Collection[tuple[str, str, int]] = (),
) -> Iterator[CurvePoint]:
    """The plain mean over the benchmarks of each policy at every k that all of them have.

    Args:
        points: Of single benchmarks.
        standings: Values at k = N; only what has an overall one has a curve.
        resamples: Where intervals come from.
        thin: Policy, benchmark and k where too many candidates were left out for a mean.
    """
    by_policy = grouped(standings, lambda row: row.policy)
    benchmarks = {policy: {row.benchmark for row in rows} - {OVERALL} for policy, rows in by_policy.items()}
    lines: dict[tuple[str, str], dict[int, list[CurvePoint]]] = {}
    for point in points:
        lines.setdefault((point.policy, point.reranker), {}).setdefault(point.k, []).append(point)
    for row in standings:
        line = lines.get((row.policy, row.reranker), {}) if row.benchmark == OVERALL else {}
        for k in sorted(line):
            whole = len(line[k]) == len(benchmarks[row.policy])
            if whole and not any((one.policy, one.benchmark, k) in thin for one in line[k]):
                yield replace(_mean(line[k], resamples), note=row.note)


def _mean(points: Sequence[CurvePoint], resamples: Mapping[PointKey, Resample]) -> CurvePoint:
    """The mean of points of one policy, reranker and k, one of each benchmark."""
    drawn = any(one.estimator == DRAWN_SUBSETS for one in points)
    known = [resamples[key] for one in points if (key := (*one.place, one.reranker, one.k)) in resamples]
    low, high = interval(np.mean(known, axis=0, dtype=np.float64) if len(known) == len(points) else None)
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
