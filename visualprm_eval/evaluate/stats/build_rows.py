"""What there is to show of the candidates of one split: points of curves, and where rerankers lose."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from visualprm_eval.evaluate.candidate_grid import FloatArray, Grid
from visualprm_eval.evaluate.rerankers import Oracle, StepAggregate
from visualprm_eval.evaluate.stats import rows as shown
from visualprm_eval.evaluate.stats.best_of_k import estimates
from visualprm_eval.evaluate.stats.bootstrap import percentiles
from visualprm_eval.evaluate.stats.closed_form import curve_ks, mean_value
from visualprm_eval.evaluate.stats.diagnostics import (
    centred_ranks,
    mean_correlation,
    ranking,
    tied_share,
)
from visualprm_eval.evaluate.stats.final_picks import Finals
from visualprm_eval.evaluate.stats.overall_curves import Place, Resample


def points(found: Finals, grid: Grid) -> tuple[list[shown.CurvePoint], dict[Place, Resample]]:
    """Curves of all rerankers with intervals; all ends come from the same resamples, which come along.

    There is no point at a k at which values are withheld.
    """
    study, marked = found.study, set(curve_ks(grid.n))
    rows = [
        (reranker, estimate)
        for reranker in found.rerankers
        for estimate in estimates(grid, reranker, found.measure)
    ]  # fmt: skip
    columns = [place for place, (_, estimate) in enumerate(rows) if estimate.k in marked]
    ends: dict[int, tuple[float, float]] = {}
    drawn: dict[int, Resample] = {}
    stacked = [rows[place][1].rows for place in columns]
    if stacked and (resamples := found.measure.resampled(np.stack(stacked, axis=1))) is not None:
        lows, highs = percentiles(resamples)
        ends = {place: (float(lows[at]), float(highs[at])) for at, place in enumerate(columns)}
        drawn = {place: resamples[:, at].astype(np.float32) for at, place in enumerate(columns)}
    points: list[shown.CurvePoint] = []
    refused = {one.k: found.why_withheld(one.k) for _, one in rows}
    for place, (reranker, one) in enumerate(rows):
        if refused[one.k] or math.isnan(one.value) or math.isnan(one.prefix):
            continue  # As in the table of results.
        low, high = ends.get(place, (None, None))
        points.append(
            shown.CurvePoint(
                study.policy, study.benchmark, found.split, study.metric, reranker.name, one.k, one.estimator,
                one.value, low, high, one.sampling_error, one.prefix,
            )
        )  # fmt: skip
    names = {
        place: (study.policy, study.benchmark, found.split, rows[place][0].name, rows[place][1].k) for place in drawn
    }
    return points, {names[place]: values for place, values in drawn.items()}


def diagnoses(found: Finals, grid: Grid, numbers: FloatArray) -> Iterator[shown.Diagnosis]:
    """Where each reranker loses: what the oracle would gain, ties, and what its scores go along with.

    Args:
        found: The picks.
        grid: All candidates.
        numbers: The value of each reranker, in percent, [R].
    """
    study = found.study
    oracle = grid.worth(Oracle("oracle").in_prefixes(grid, [grid.n]))[:, 0]
    ranks = _Ranks(grid)
    best, chance = found.measure.value(oracle), found.measure.value(mean_value(grid.verdicts, grid.usable))
    for place, reranker in enumerate(found.rerankers):
        if isinstance(reranker, Oracle):
            continue
        solvable = oracle == 1
        missed = None if reranker.expectation else int((solvable & (found.values[:, place] < 1)).sum())
        gap = best - float(numbers[place])
        recovered = None if best - chance < 1e-9 else 100 * (float(numbers[place]) - chance) / (best - chance)
        row = shown.Diagnosis(
            study.policy, study.benchmark, found.split, reranker.name, study.n, best, gap, int(solvable.sum()), missed,
            recovered,
        )  # fmt: skip
        yield _with_scores(row, ranks, reranker) if isinstance(reranker, StepAggregate) else row


@dataclass(frozen=True)
class _Ranks:
    """What scores may go with, as ranks within problems, each worked out once.

    Attributes:
        grid: Of which candidates.
    """

    grid: Grid
    _of_steps: dict[str, list[FloatArray]] = field(default_factory=dict)

    @cached_property
    def length(self) -> list[FloatArray]:
        """By characters of the text."""
        lengths = np.fromiter(map(len, self.grid.columns.values), np.float64, len(self.grid.columns.values))
        return centred_ranks(self.grid.spread(lengths), self.grid.usable)

    @cached_property
    def position(self) -> list[FloatArray]:
        """By the candidates' ranks."""
        places = np.broadcast_to(np.arange(self.grid.n, dtype=np.float64), self.grid.usable.shape)
        return centred_ranks(places, self.grid.usable)

    def steps(self, critic: str) -> list[FloatArray]:
        """By the number of a critic's steps."""
        if critic not in self._of_steps:
            counts = self.grid.columns.said[critic].sizes.astype(np.float64)
            self._of_steps[critic] = centred_ranks(self.grid.spread(counts), self.grid.usable)
        return self._of_steps[critic]


def _with_scores(row: shown.Diagnosis, ranks: _Ranks, reranker: StepAggregate) -> shown.Diagnosis:
    """What the scores of a critic go with."""
    grid, scores = ranks.grid, reranker.scores(ranks.grid)
    own = centred_ranks(scores, grid.usable)
    hits = ranking(scores, grid.verdicts, grid.usable)
    return replace(
        row,
        ties=100 * tied_share(grid, scores),
        ranking=None if hits is None else 100 * hits,
        with_length=mean_correlation(own, ranks.length),
        with_steps=mean_correlation(own, ranks.steps(reranker.critic or "")),
        with_position=mean_correlation(own, ranks.position),
    )
