"""The examination of policies on benchmarks: from the facts of the store to everything that the reports show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from visualprm_eval.core.baselines import FIRST, GREEDY, MEAN, ROWS, chosen
from visualprm_eval.core.words import part_of, verb
from visualprm_eval.evaluate.abstentions import MANY, abstaining, is_vote
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.result_rows import INCOMPLETE, WITHOUT_CRITIC, ResultRow, lacks_too_many
from visualprm_eval.evaluate.stats import rows as shown
from visualprm_eval.evaluate.stats.coverage import costs_of, missing_of
from visualprm_eval.evaluate.stats.curve_points import PointKey, Resample, curve_points, overall_points
from visualprm_eval.evaluate.stats.diagnostics import diagnoses, pool_facts, step_scores
from visualprm_eval.evaluate.stats.discernment import scores_at_chance
from visualprm_eval.evaluate.stats.final_picks import Finals, finals
from visualprm_eval.evaluate.stats.gains import Gains, Place, WholeTables
from visualprm_eval.evaluate.stats.overalls import overall_baselines, overall_means, overalls
from visualprm_eval.evaluate.stats.paired_comparisons import beside_greedy, by_baseline, comparisons
from visualprm_eval.evaluate.study import Study


def examine(studies: Iterable[Study], baseline: str | None = None) -> shown.Insight:
    """Works out curves, intervals, comparisons and diagnoses.

    Args:
        studies: All policies on all benchmarks of a run; overalls are means over a policy's benchmarks.
        baseline: What gains are measured against, one of ``BASELINES``; ``None`` for the first of these that a
            policy has on a benchmark.

    Returns:
        What the reports show. Where something is missing its values are, and so are all overalls.
    """
    examiner = Examiner(baseline)
    for study in studies:
        examiner.add(study)
    return examiner.insight()


class Examiner:
    """Takes one study after the other, so that their facts need not be in memory together.

    Args:
        baseline: What gains are measured against, see :func:`examine`.
    """

    def __init__(self, baseline: str | None = None) -> None:
        self.baseline = baseline
        self.points: list[shown.CurvePoint] = []
        self.diagnoses: list[shown.Diagnosis] = []
        self.pools: list[shown.PoolFacts] = []
        self.histograms: list[shown.StepScoreHistogram] = []
        self.costs: list[shown.Cost] = []
        self.missing: list[str] = []
        self.unheard: list[str] = []
        self._thin: set[tuple[str, str, int]] = set()
        self.tallies: dict[tuple[str, str, str], shown.Tally] = {}
        self._unfinished: set[str] = set()
        self._places: dict[Place, Gains | WholeTables] = {}
        self._known: dict[Place, dict[str, int]] = {}
        self._lost: dict[tuple[str, str], str] = {}
        self._curves: dict[PointKey, Resample] = {}
        self.abstaining: list[str] = []
        self.at_chance: list[str] = []

    def add(self, study: Study) -> None:
        """Examines one policy on one benchmark."""
        missing = self._look_at(study, grade_all=study.grade_all)
        self._note_rows(study, {problem.split for problem in study.columns.problems})
        for split in finals(study):
            if isinstance(split, str):
                missing.append(split)
            else:
                self._take(split)
        self._note_missing(study, missing)

    def add_values(self, study: Study, results: Iterable[ResultRow]) -> None:
        """Takes the values of a policy on a benchmark that are no means of verdicts: nothing else can be worked out.

        Args:
            study: The policy and the benchmark.
            results: Its values at any k; those at the largest count.
        """
        missing = self._look_at(study, grade_all=False)
        results = list(results)
        largest = max((row.k for row in results), default=0)  # Below N where smaller k were asked for alone.
        for row in results:
            if row.k < largest:
                continue
            if row.value is None and row.note.startswith(INCOMPLETE) and not missing:
                missing.append(f"{study.policy} on {study.benchmark} {row.split}".rstrip() + f": {row.note}")
            self._look_at_failures(row.place, row.n_left_out, row.k * row.n_problems)
            self._note_rows(study, {row.split})
            tables = self._places.setdefault(row.place, WholeTables())
            if isinstance(tables, WholeTables):
                tables.rows[row.reranker] = row
        self._note_missing(study, missing)

    def _look_at(self, study: Study, *, grade_all: bool) -> list[str]:
        """Notes what stages took and which rows say little or nothing; returns what is missing."""
        where = f"{study.policy} on {study.benchmark}"
        self.costs += costs_of(study)
        # Rows are withheld for want of a critic; all others have theirs.
        self.unheard += [f"{where}: {reason.removeprefix(WITHOUT_CRITIC)}" for reason in study.lost.values()]
        if any(map(is_vote, study.rerankers)):
            count, total = abstaining(study.columns, study.answer, study.n)
            if count > MANY * total:
                share = f"{count:,} of {total:,} {verb(count, 'abstains', 'abstain')} ({100 * count / total:.1f}%)"
                self.abstaining.append(f"{where}: {share}, since no answer is found in {verb(count, 'it', 'them')}")
        return list(missing_of(study, grade_all=grade_all))

    def _note_missing(self, study: Study, missing: Sequence[str]) -> None:
        self.missing += missing
        self._unfinished |= {study.policy} if missing else set()

    def _note_rows(self, study: Study, splits: Iterable[str]) -> None:
        """Remembers which rows there are that may be a baseline, be it that nothing is finished."""
        for split in splits:
            known = self._known.setdefault((study.policy, study.benchmark, split), {})
            known |= {kind: study.n for one in study.rerankers for kind in (FIRST, GREEDY) if one.name == ROWS[kind]}

    def _look_at_failures(self, place: Place, n_left_out: int, total: int) -> None:
        """Remembers where too many candidates failed for an overall."""
        if lacks_too_many(n_left_out, total):
            where = "{} on {} {}".format(*place).rstrip()
            self._lost[place[0], where] = f"{where}: {part_of(n_left_out, total, 'candidate')} cannot be picked"

    def _take(self, split: Finals) -> None:
        """Examines one split."""
        study, grid = split.study, split.grid
        self._look_at_failures(split.picks.place, *split.left_out(study.n))
        gains = self._places.setdefault(split.picks.place, Gains())
        if isinstance(gains, Gains):
            gains.take(split.picks)
        if not study.grade_all:
            return
        usables, rights = grid.usable.sum(axis=1).tolist(), (grid.verdicts == 1).sum(axis=1).tolist()
        for problem, usable, right in zip(grid.problems, usables, rights, strict=True):
            self.tallies[study.policy, study.benchmark, problem.id] = shown.Tally(usable, right)
        if study.n == 1:
            return  # One candidate leaves nothing to choose.
        points, resampled = curve_points(split)
        self.points += points
        self._curves |= resampled
        thin = {point.k for point in points if lacks_too_many(*split.left_out(point.k))}
        self._thin |= {(study.policy, study.benchmark, k) for k in thin}
        self.pools.append(pool_facts(split))
        self.diagnoses += diagnoses(split)
        self.at_chance += scores_at_chance(split)
        critics = [critic for critic in needed_critics(study.rerankers) if critic in grid.critics]
        self.histograms += [step_scores(split, critic) for critic in critics]

    def insight(self, unfinished: Collection[str] = ()) -> shown.Insight:
        """All rows, with overalls of the policies for which nothing is missing.

        Args:
            unfinished: Policies of which anything else is withheld, at whatever k.
        """
        refused = self._unfinished | {policy for policy, _ in self._lost} | set(unfinished)
        finished = {place: each for place, each in self._places.items() if place[0] not in refused}
        baselines = {place: self._baseline(place) for place in self._known}
        standings = [row for place, each in self._places.items() for row, *_ in each.standings(baselines[place].kind)]
        means = {place: each.mean for place, each in self._places.items() if each.mean is not None and each.n > 1}
        baselines |= overall_baselines(self._places, self.baseline)
        means |= overall_means(finished)
        benchmarks = {(one.policy, one.benchmark) for one in self.costs}
        several = {policy for policy, count in Counter(policy for policy, _ in benchmarks).items() if count > 1}
        lost = tuple(said for (policy, _), said in self._lost.items() if policy in several)
        standings += overalls(finished, baselines)
        points = (*self.points, *overall_points(self.points, standings, self._curves, self._thin))
        return shown.Insight(
            points, tuple(standings), tuple(self._comparisons(baselines)), tuple(self.diagnoses), tuple(self.pools),
            tuple(self.histograms), tuple(self.costs), tuple(dict.fromkeys(self.missing)), self.tallies,
            lost=lost, baselines=baselines, means=means, unheard=tuple(self.unheard),
            abstaining=tuple(self.abstaining), at_chance=tuple(self.at_chance),
        )  # fmt: skip

    def _baseline(self, place: Place) -> shown.Baseline:
        """What the gains of a place are measured against; of rows at a smaller k where it is unfinished."""
        each, rows = self._places.get(place), self._known[place]
        kinds = set(rows) if each is None else each.kinds
        n = max(rows.values(), default=1) if each is None else each.n
        return shown.Baseline(chosen(self.baseline, kinds, n), self.baseline)

    def _comparisons(self, baselines: Mapping[Place, shown.Baseline]) -> Iterator[shown.Comparison]:
        for place, each in self._places.items():
            if not isinstance(each, Gains) or each.sampled is None:
                continue
            with_mean = baselines[place].kind == MEAN
            rows = list(comparisons(each.sampled, with_mean=with_mean))
            if each.greedy is not None:
                rows += beside_greedy(each.sampled, each.greedy, with_mean=with_mean)
            yield from by_baseline(rows)
