"""What there is to show of one split: standings, comparisons, points of curves, diagnoses; and overalls of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from visualprm_eval.grid import FloatArray, Grid
from visualprm_eval.insight import facts as shown
from visualprm_eval.insight.curves import curve_ks, mean_value
from visualprm_eval.insight.diagnostics import (
    centred_ranks,
    mean_correlation,
    ranking,
    tied_share,
)
from visualprm_eval.insight.estimates import estimates
from visualprm_eval.insight.finals import Finals, Study
from visualprm_eval.insight.intervals import percentiles
from visualprm_eval.insight.overall_curves import Place, Resample, place_of
from visualprm_eval.insight.paired import holm, sign_flip_test
from visualprm_eval.insight.subsets import first_ranks, values_in_subsets
from visualprm_eval.outcomes import OVERALL, ResultRow
from visualprm_eval.overall import beyond_percent
from visualprm_eval.rerankers import (
    First,
    Oracle,
    Reranker,
    StepAggregate,
)
from visualprm_eval.tasks.base import UNJUDGED

_OF_PROBLEMS = " problems"
_SIDES = ("self-consistency",)
"""Baselines beside the first candidate, in the order in which comparisons name them."""


def standings(found: Finals, numbers: FloatArray, resamples: FloatArray | None) -> Iterator[shown.Standing]:
    """The value and the gain of every reranker with their intervals.

    Args:
        found: The picks.
        numbers: The value of each reranker, in percent, [R].
        resamples: The same in bootstrap resamples, [B, R]; ``None`` where no group can be drawn.
    """
    first = next((place for place, one in enumerate(found.rerankers) if type(one) is First), None)
    study = found.study
    for place, reranker in enumerate(found.rerankers):
        low, high = _interval(None if resamples is None else resamples[:, place])
        row = shown.Standing(
            study.policy, study.benchmark, found.split, reranker.name, study.n, float(numbers[place]), low, high
        )
        if first is not None and place != first:
            gain = None if resamples is None else resamples[:, place] - resamples[:, first]
            low, high = _interval(gain)
            row = replace(row, gain=float(numbers[place] - numbers[first]), gain_low=low, gain_high=high)
        yield row


def whole_standings(study: Study, results: Sequence[ResultRow]) -> Iterator[shown.Standing]:
    """Values and gains without intervals, of a benchmark whose values are no means over problems.

    Args:
        study: The policy and the benchmark.
        results: Its values at the largest k.
    """
    first = {row.split: row.value for row in results if row.reranker == "first"}
    for row in results:
        if row.value is None:
            continue
        base = first.get(row.split) if row.reranker != "first" else None
        gain = None if base is None else row.value - base
        yield shown.Standing(
            study.policy, study.benchmark, row.split, row.reranker, row.k, row.value, None, None, gain,
            note="figure of a whole table",
        )  # fmt: skip


def _interval(resamples: FloatArray | None) -> tuple[float | None, float | None]:
    if resamples is None:
        return None, None
    low, high = percentiles(resamples[:, None])
    return float(low[0]), float(high[0])


def comparisons(found: Finals, numbers: FloatArray, resamples: FloatArray | None) -> list[shown.Comparison]:
    """Every pair but those with the oracle, which is no reranker; Holm's correction within each baseline."""
    order = sorted(range(len(found.rerankers)), key=lambda place: _seniority(found.rerankers[place]))
    places = [place for place in order if not isinstance(found.rerankers[place], Oracle)]
    families: dict[int, list[shown.Comparison]] = {}
    for baseline, place in combinations(places, 2):
        difference = None if resamples is None else resamples[:, place] - resamples[:, baseline]
        families.setdefault(baseline, []).append(_comparison(found, numbers, place, baseline, _interval(difference)))
    rows: list[shown.Comparison] = []
    for family in families.values():
        corrected = holm([row.p for row in family])
        rows += [replace(row, p_corrected=p) for row, p in zip(family, corrected, strict=True)]
    return rows


def _seniority(reranker: Reranker) -> tuple[bool, bool, bool]:
    """Baselines come first: the first candidate, then random, then the plain vote."""
    return type(reranker) is not First, not reranker.expectation, reranker.name not in _SIDES


def _comparison(
    found: Finals, numbers: FloatArray, place: int, baseline: int, interval: tuple[float | None, float | None]
) -> shown.Comparison:
    study = found.study
    rows = found.values[:, place] - found.values[:, baseline]
    parts = found.measure.by_group(found.values[:, [place, baseline]])
    p = sign_flip_test(parts[0][:, 0] - parts[0][:, 1]) if parts is not None else 1.0
    names = (found.rerankers[place].name, found.rerankers[baseline].name)
    difference = float(numbers[place] - numbers[baseline])
    counted = (int((rows > 0).sum()), int((rows < 0).sum()), len(rows))
    return shown.Comparison(
        study.policy, study.benchmark, found.split, study.n, *names, difference, *interval, p, p, *counted
    )


def points(found: Finals, grid: Grid) -> tuple[list[shown.CurvePoint], dict[Place, Resample]]:
    """Curves of all rerankers with intervals; all ends come from the same resamples, which come along."""
    study, marked = found.study, set(curve_ks(grid.n))
    rows = [
        (reranker, estimate)
        for reranker in found.rerankers
        for estimate in estimates(grid, reranker, found.measure)
    ]  # fmt: skip
    columns = [
        place
        for place, (_, estimate) in enumerate(rows)
        if estimate.k in marked and estimate.rows is not None
    ]  # fmt: skip
    ends: dict[int, tuple[float, float]] = {}
    drawn: dict[int, Resample] = {}
    known = [rows[place][1].rows for place in columns]
    stacked = [each for each in known if each is not None]
    if stacked and (resamples := found.measure.resampled(np.stack(stacked, axis=1))) is not None:
        lows, highs = percentiles(resamples)
        ends = {place: (float(lows[at]), float(highs[at])) for at, place in enumerate(columns)}
        drawn = {place: resamples[:, at].astype(np.float32) for at, place in enumerate(columns)}
    points: list[shown.CurvePoint] = []
    for place, (reranker, one) in enumerate(rows):
        low, high = ends.get(place, (None, None))
        points.append(
            shown.CurvePoint(
                study.policy, study.benchmark, found.split, study.metric, reranker.name, one.k, one.estimator,
                one.value, low, high, one.sampling_error, one.prefix,
            )
        )  # fmt: skip
    return points, {place_of(points[place]): values for place, values in drawn.items()}


def diagnoses(found: Finals, grid: Grid, numbers: FloatArray) -> Iterator[shown.Diagnosis]:
    """Where each reranker loses: what the oracle would gain, ties, and what its scores go along with.

    Args:
        found: The picks.
        grid: All candidates.
        numbers: The value of each reranker, in percent, [R].
    """
    study = found.study
    oracle = values_in_subsets(grid, Oracle("oracle"), first_ranks(grid.n))[:, 0]
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
    grid, scores = ranks.grid, ranks.grid.utilities(reranker)
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


def overalls(
    standings: Sequence[shown.Standing], resamples: dict[tuple[str, str, str], FloatArray]
) -> Iterator[shown.Standing]:
    """Plain means over the benchmarks of each policy, for rerankers that have a value on each of them at one N.

    There is none where a benchmark counts in other units than percent.
    """
    other_units = beyond_percent((row.benchmark, row.value) for row in standings)
    for policy in dict.fromkeys(row.policy for row in standings):
        rows = [row for row in standings if row.policy == policy]
        if any(row.benchmark in other_units for row in rows):
            continue
        benchmarks = list(dict.fromkeys(row.benchmark for row in rows))
        for reranker in dict.fromkeys(row.reranker for row in rows):
            own = [row for row in rows if row.reranker == reranker]
            if len(benchmarks) < 2 or [row.benchmark for row in own] != benchmarks or len({row.k for row in own}) > 1:
                continue
            whole = [resamples.get((policy, f"{row.benchmark}\n{row.split}", reranker)) for row in own]
            first = [resamples.get((policy, f"{row.benchmark}\n{row.split}", "first")) for row in own]
            low, high = _interval(_mean(whole))
            result = replace(
                own[0], benchmark=OVERALL, split="", value=float(np.mean([row.value for row in own])), low=low,
                high=high, gain=None, gain_low=None, gain_high=None,
                note=_overall_note([row.note for row in own]),
            )  # fmt: skip
            gains = [row.gain for row in own if row.gain is not None]
            if len(gains) == len(own):
                a, b = _mean(whole), _mean(first)
                low, high = _interval(None if a is None or b is None else a - b)
                result = replace(result, gain=float(np.mean(gains)), gain_low=low, gain_high=high)
            yield result


def _overall_note(notes: Sequence[str]) -> str:
    """What must be said of a mean over benchmarks, in short: each benchmark's own number says it in full."""
    said = [UNJUDGED] if any(UNJUDGED in note for note in notes) else []
    if any(_OF_PROBLEMS in note for note in notes):
        said.append("of parts of benchmarks")
    return ", ".join(said)


def _mean(resamples: Sequence[FloatArray | None]) -> FloatArray | None:
    known = [each for each in resamples if each is not None]
    mean: FloatArray | None = np.mean(known, axis=0) if len(known) == len(resamples) else None
    return mean
