"""The examination of policies on benchmarks: from the facts of the store to everything that the reports show."""

from __future__ import annotations

import gc
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from visualprm_eval.evaluate import MAX_FAILED, Metric, row_mean
from visualprm_eval.insight import facts as shown
from visualprm_eval.insight.counts import costs_of, missing_of, texts_of
from visualprm_eval.insight.curves import curve_ks, mean_value
from visualprm_eval.insight.diagnostics import (
    centred_ranks,
    mean_correlation,
    pool_facts,
    ranking,
    step_scores,
    tied_share,
)
from visualprm_eval.insight.estimates import estimates
from visualprm_eval.insight.grid import FloatArray, Grid
from visualprm_eval.insight.intervals import percentiles
from visualprm_eval.insight.measure import GroupKey, Measure
from visualprm_eval.insight.paired import holm, sign_flip_test
from visualprm_eval.insight.subsets import first_ranks, values_in_subsets
from visualprm_eval.outcomes import OVERALL
from visualprm_eval.pools import AnswerFn, Case, ProblemFacts, needs_all_verdicts, verdict_value
from visualprm_eval.registry import needed_critics
from visualprm_eval.rerankers import (
    First,
    Greedy,
    Oracle,
    Reranker,
    SelfConsistency,
    StepAggregate,
    WeightedVote,
    pick,
)
from visualprm_eval.tasks.base import UNJUDGED
from visualprm_eval.types import text_id

__all__ = ["Examiner", "Finals", "Study", "examine", "finals"]

_OF_PROBLEMS = " problems"
_SIDES = ("self-consistency",)
"""Baselines beside the first candidate, in the order in which comparisons name them."""
_OURS = (First, Greedy, StepAggregate, SelfConsistency, WeightedVote, Oracle)
"""Whose picks can be worked out for all problems at once."""


@dataclass(frozen=True)
class Study:
    """One policy on one benchmark, with all that is known of it.

    Attributes:
        policy: The policy's name.
        benchmark: The benchmark's name.
        metric: The metric's name.
        facts: What is known of each problem, [P].
        rerankers: Who picks.
        n: N, candidates per problem.
        answer: The local answer of a text, for votes.
        grade_all: Whether all texts are graded, or only picks; curves over subsets need all.
        aggregate: How the values of problems become the benchmark's number.
        group: Which problems the benchmark groups; ``None`` where each stands for itself.
        n_total: How many problems the whole benchmark has; ``None`` when nobody knows.
    """

    policy: str
    benchmark: str
    metric: str
    facts: Sequence[ProblemFacts]
    rerankers: Sequence[Reranker]
    n: int
    answer: AnswerFn
    grade_all: bool
    aggregate: Metric = row_mean
    group: GroupKey | None = None
    n_total: int | None = None


@dataclass(frozen=True)
class Finals:
    """The picks at k = N of one split, for all its rerankers on the same problems.

    Attributes:
        study: Whose.
        split: The split.
        cases: The problems that have something to choose from, [P].
        measure: The benchmark's number over them.
        rerankers: Those that have a value, [R].
        values: What each pick is worth, from 0 to 1, [P, R].
        n_problems: All problems of the split, failed ones included.
        grid: The candidates as arrays; ``None`` where only picks are graded.
    """

    study: Study
    split: str
    cases: Sequence[Case]
    measure: Measure
    rerankers: Sequence[Reranker]
    values: FloatArray
    n_problems: int
    grid: Grid | None = None

    @property
    def note(self) -> str:
        """What must be said wherever a number of it stands: how it was graded, and of how many of the problems."""
        study, said = self.study, []
        if UNJUDGED in study.metric:
            said.append(UNJUDGED)
        if study.n_total is not None and self.n_problems == len(study.facts) < study.n_total:
            said.append(f"{self.n_problems:,} of {study.n_total:,}{_OF_PROBLEMS}")
        return ", ".join(said)


def finals(study: Study) -> Iterator[Finals | str]:
    """The picks of each split at k = N; a sentence instead where too much failed or is not graded."""
    splits: dict[str, list[ProblemFacts]] = {}
    for each in study.facts:
        splits.setdefault(each.problem.split, []).append(each)
    for split, facts in splits.items():
        where = f"{study.policy} on {study.benchmark} {split}".rstrip()
        cases = [Case.of(one, study.rerankers, [study.n], study.answer, grade_all=study.grade_all) for one in facts]
        if not all(case.complete(study.n) for case in cases):
            continue  # What is lacking is counted elsewhere.
        kept = [case for case in cases if len(case.pool)]
        if (len(cases) - len(kept)) / len(cases) > MAX_FAILED:
            yield f"{where}: {len(cases) - len(kept):,} of {len(cases):,} problems failed"
            continue
        rerankers = [one for one in study.rerankers if study.grade_all or not needs_all_verdicts(one)]
        grid = Grid.of([case.pool for case in kept], study.n) if study.grade_all else None
        columns = [_worths(kept, grid, one) for one in rerankers]
        values = np.array(columns, dtype=np.float64).reshape(len(rerankers), -1).T
        if np.isnan(values).any():
            yield f"{where}: {int(np.isnan(values).sum()):,} picks are not graded"
            continue
        seed = zlib.crc32(f"{study.benchmark}\n{split}".encode())
        measure = Measure([case.facts.problem for case in kept], study.aggregate, study.group, seed)
        if kept and np.isnan(measure.value(values[:, 0])):
            yield f"{where}: the metric has nothing to be taken over"
            continue
        yield Finals(study, split, kept, measure, rerankers, values, len(cases), grid)


def _worths(cases: Sequence[Case], grid: Grid | None, reranker: Reranker) -> FloatArray | list[float]:
    """The verdict of each problem's pick, [P]; third parties' rerankers are asked one by one."""
    if grid is not None and type(reranker) in _OURS:
        return values_in_subsets(grid, reranker, first_ranks(grid.n))[:, 0]
    return [_worth(case, reranker) for case in cases]


def _worth(case: Case, reranker: Reranker) -> float:
    """The verdict of the pick from a problem's whole pool."""
    place = pick(reranker, case.pool)
    if place is None:
        return float(np.mean(case.pool.verdicts or (np.nan,)))
    return verdict_value(case.facts, text_id(case.pool.texts[place]))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Lets Python's search for cyclic garbage rest: millions of tuples make it search again and again for nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def examine(studies: Iterable[Study]) -> shown.Insight:
    """Works out curves, intervals, comparisons and diagnoses.

    Args:
        studies: All policies on all benchmarks of a run; overalls are means over a policy's benchmarks.

    Returns:
        What the reports show. Where something is missing its values are, and so are all overalls.
    """
    examiner = Examiner()
    for study in studies:
        examiner.add(study)
    return examiner.insight()


class Examiner:
    """Takes one study after the other, so that their facts need not be in memory together."""

    def __init__(self) -> None:
        self.points: list[shown.CurvePoint] = []
        self.standings: list[shown.Standing] = []
        self.comparisons: list[shown.Comparison] = []
        self.diagnoses: list[shown.Diagnosis] = []
        self.pools: list[shown.PoolFacts] = []
        self.histograms: list[shown.StepScoreHistogram] = []
        self.costs: list[shown.Cost] = []
        self.missing: list[str] = []
        self.tallies: dict[tuple[str, str, str], shown.Tally] = {}
        self._unfinished: set[str] = set()
        self._resamples: dict[tuple[str, str, str], FloatArray] = {}

    def add(self, study: Study) -> None:
        """Examines one policy on one benchmark."""
        with _uncollected():
            self._add(study)

    def _add(self, study: Study) -> None:
        texts = texts_of(study.facts, study.n)
        self.costs += costs_of(study.policy, study.benchmark, texts, study.n)
        critics = needed_critics(study.rerankers)
        missing = list(missing_of(study.policy, study.benchmark, texts, study.n, critics, grade_all=study.grade_all))
        for found in finals(study):
            if isinstance(found, str):
                missing.append(found)
            elif found.cases:
                self._take(found)
        if missing:
            self._unfinished.add(study.policy)
            self.missing += missing

    def _take(self, found: Finals) -> None:
        """Examines one split."""
        study = found.study
        resamples = found.measure.resampled(found.values)
        numbers = np.array([found.measure.value(column) for column in found.values.T])
        note = found.note
        self.standings += [replace(row, note=note) for row in _standings(found, numbers, resamples)]
        self.comparisons += [replace(row, note=note) for row in _comparisons(found, numbers, resamples)]
        if resamples is not None:
            for column, reranker in enumerate(found.rerankers):
                self._resamples[study.policy, f"{study.benchmark}\n{found.split}", reranker.name] = resamples[:, column]
        grid = found.grid
        if grid is None:
            return
        for case in found.cases:
            verdicts = case.pool.verdicts or ()
            tally = shown.Tally(len(verdicts), sum(verdict == 1 for verdict in verdicts))
            self.tallies[study.policy, study.benchmark, case.facts.problem.id] = tally
        if study.n == 1:
            return  # One candidate leaves nothing to choose.
        self.points += [replace(row, note=note) for row in _points(found, grid)]
        pool = pool_facts(grid, study.policy, study.benchmark, found.split, found.n_problems)
        self.pools.append(replace(pool, note=note))
        self.diagnoses += [replace(row, note=note) for row in _diagnoses(found, grid, numbers)]
        where = (study.policy, f"{study.benchmark} {found.split}".rstrip() + (f" ({note})" if note else ""))
        self.histograms += [step_scores([grid], critic, *where) for critic in needed_critics(study.rerankers)]

    def insight(self) -> shown.Insight:
        """All rows, with overalls of the policies for which nothing is missing."""
        finished = [row for row in self.standings if row.policy not in self._unfinished]
        overall = _overalls(finished, self._resamples)
        return shown.Insight(
            tuple(self.points), (*self.standings, *overall), tuple(self.comparisons), tuple(self.diagnoses),
            tuple(self.pools), tuple(self.histograms), tuple(self.costs), tuple(dict.fromkeys(self.missing)),
            self.tallies,
        )  # fmt: skip


def _standings(found: Finals, numbers: FloatArray, resamples: FloatArray | None) -> Iterator[shown.Standing]:
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


def _interval(resamples: FloatArray | None) -> tuple[float | None, float | None]:
    if resamples is None:
        return None, None
    low, high = percentiles(resamples[:, None])
    return float(low[0]), float(high[0])


def _comparisons(found: Finals, numbers: FloatArray, resamples: FloatArray | None) -> list[shown.Comparison]:
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


def _points(found: Finals, grid: Grid) -> list[shown.CurvePoint]:
    """Curves of all rerankers with intervals; all ends come from the same resamples."""
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
    known = [rows[place][1].rows for place in columns]
    stacked = [each for each in known if each is not None]
    if stacked and (resamples := found.measure.resampled(np.stack(stacked, axis=1))) is not None:
        lows, highs = percentiles(resamples)
        ends = {place: (float(lows[at]), float(highs[at])) for at, place in enumerate(columns)}
    points: list[shown.CurvePoint] = []
    for place, (reranker, one) in enumerate(rows):
        low, high = ends.get(place, (None, None))
        points.append(
            shown.CurvePoint(
                study.policy, study.benchmark, found.split, study.metric, reranker.name, one.k, one.estimator,
                one.value, low, high, one.sampling_error, one.prefix,
            )
        )  # fmt: skip
    return points


def _diagnoses(found: Finals, grid: Grid, numbers: FloatArray) -> Iterator[shown.Diagnosis]:
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
        texts = self.grid.spread([[len(text) for text in pool.texts] for pool in self.grid.pools])
        return centred_ranks(texts, self.grid.usable)

    @cached_property
    def position(self) -> list[FloatArray]:
        """By the candidates' ranks."""
        places = np.broadcast_to(np.arange(self.grid.n, dtype=np.float64), self.grid.usable.shape)
        return centred_ranks(places, self.grid.usable)

    def steps(self, critic: str) -> list[FloatArray]:
        """By the number of a critic's steps."""
        if critic not in self._of_steps:
            counts = self.grid.spread([[len(each) for each in pool.scores[critic]] for pool in self.grid.pools])
            self._of_steps[critic] = centred_ranks(counts, self.grid.usable)
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


def _overalls(
    standings: Sequence[shown.Standing], resamples: dict[tuple[str, str, str], FloatArray]
) -> Iterator[shown.Standing]:
    """Plain means over the benchmarks of each policy, for rerankers that have a value on each of them at one N."""
    for policy in dict.fromkeys(row.policy for row in standings):
        rows = [row for row in standings if row.policy == policy]
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
