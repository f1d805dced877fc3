"""The examination of policies on benchmarks: from the facts of the store to everything that the reports show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from visualprm_eval.columns import Columns
from visualprm_eval.grid import FloatArray
from visualprm_eval.insight import facts as shown
from visualprm_eval.insight import rows
from visualprm_eval.insight.counts import costs_of, missing_of
from visualprm_eval.insight.diagnostics import (
    pool_facts,
    step_scores,
)
from visualprm_eval.insight.finals import Finals, Study, finals
from visualprm_eval.insight.overall_curves import Place, Resample, overall_points
from visualprm_eval.insight.pairs import Picks, beside_greedy, picks_of
from visualprm_eval.outcomes import INCOMPLETE, MAX_LEFT_OUT, ResultRow
from visualprm_eval.registry import needed_critics

__all__ = ["Examiner", "examine"]


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
        self._picks: list[Picks] = []
        self._lost: dict[tuple[str, str], str] = {}
        self._resamples: dict[tuple[str, str, str], FloatArray] = {}
        self._curves: dict[Place, Resample] = {}

    def add(self, study: Study) -> None:
        """Examines one policy on one benchmark."""
        columns = Columns.of(study.facts)
        self.costs += costs_of(study.policy, study.benchmark, columns, study.n)
        critics = needed_critics(study.rerankers)
        missing = list(missing_of(study.policy, study.benchmark, columns, study.n, critics, grade_all=study.grade_all))
        for found in finals(replace(study, facts=columns)):
            if isinstance(found, str):
                missing.append(found)
            elif len(found.grid):
                self._take(found)
        if missing:
            self._unfinished.add(study.policy)
            self.missing += missing

    def add_values(self, study: Study, results: Iterable[ResultRow]) -> None:
        """Takes the values of a policy on a benchmark that are no means of verdicts: nothing else can be worked out.

        Args:
            study: The policy and the benchmark.
            results: Its values at any k; those at the largest count.
        """
        columns, critics = Columns.of(study.facts), needed_critics(study.rerankers)
        self.costs += costs_of(study.policy, study.benchmark, columns, study.n)
        missing = list(missing_of(study.policy, study.benchmark, columns, study.n, critics, grade_all=False))
        results = list(results)
        largest = max((row.k for row in results), default=0)  # Below N where smaller k were asked for alone.
        results = [row for row in results if row.k == largest]
        for row in results:
            if row.value is None and row.note.startswith(INCOMPLETE) and not missing:
                missing.append(f"{study.policy} on {study.benchmark} {row.split}".rstrip() + f": {row.note}")
            self._look_at_failures(study, row.split, row.n_left_out, row.k * row.n_problems)
        if missing:
            self._unfinished.add(study.policy)
            self.missing += missing
        self.standings += rows.whole_standings(study, results)

    def _look_at_failures(self, study: Study, split: str, n_left_out: int, total: int) -> None:
        """Remembers where too many candidates failed for an overall."""
        if n_left_out > MAX_LEFT_OUT * total:
            where = f"{study.policy} on {study.benchmark} {split}".rstrip()
            self._lost[study.policy, where] = f"{where}: {n_left_out:,} of {total:,} candidates cannot be picked"

    def _take(self, found: Finals) -> None:
        """Examines one split."""
        study = found.study
        self._look_at_failures(study, found.split, found.n_left_out, study.n * found.n_problems)
        self._picks.append(picks_of(found))
        resamples = found.measure.resampled(found.values)
        numbers = np.array([found.measure.value(column) for column in found.values.T])
        note = found.note
        self.standings += [replace(row, note=note) for row in rows.standings(found, numbers, resamples)]
        self.comparisons += [replace(row, note=note) for row in rows.comparisons(found, numbers, resamples)]
        if resamples is not None:
            for column, reranker in enumerate(found.rerankers):
                self._resamples[study.policy, f"{study.benchmark}\n{found.split}", reranker.name] = resamples[:, column]
        grid = found.grid
        if not study.grade_all:
            return
        usables, rights = grid.usable.sum(axis=1).tolist(), (grid.verdicts == 1).sum(axis=1).tolist()
        for problem, usable, right in zip(grid.problems, usables, rights, strict=True):
            self.tallies[study.policy, study.benchmark, problem.id] = shown.Tally(usable, right)
        if study.n == 1:
            return  # One candidate leaves nothing to choose.
        points, resampled = rows.points(found, grid)
        self.points += [replace(row, note=note, n_problems=found.n_problems) for row in points]
        self._curves |= resampled
        pool = pool_facts(grid, study.policy, study.benchmark, found.split, found.n_problems)
        self.pools.append(replace(pool, note=note))
        self.diagnoses += [replace(row, note=note) for row in rows.diagnoses(found, grid, numbers)]
        where = (study.policy, f"{study.benchmark} {found.split}".rstrip() + (f" ({note})" if note else ""))
        self.histograms += [step_scores(grid, critic, *where) for critic in needed_critics(study.rerankers)]

    def insight(self) -> shown.Insight:
        """All rows, with overalls of the policies for which nothing is missing."""
        refused = self._unfinished | {policy for policy, _ in self._lost}
        finished = [row for row in self.standings if row.policy not in refused]
        benchmarks = {(one.policy, one.benchmark) for one in self.costs}
        several = {policy for policy, count in Counter(policy for policy, _ in benchmarks).items() if count > 1}
        lost = tuple(said for (policy, _), said in self._lost.items() if policy in several)
        standings = (*self.standings, *rows.overalls(finished, self._resamples))
        points = (*self.points, *overall_points(self.points, standings, self._curves))
        comparisons = (*self.comparisons, *beside_greedy(self._picks))
        return shown.Insight(
            points, standings, comparisons, tuple(self.diagnoses), tuple(self.pools),
            tuple(self.histograms), tuple(self.costs), tuple(dict.fromkeys(self.missing)), self.tallies,
            lost=lost,
        )  # fmt: skip
