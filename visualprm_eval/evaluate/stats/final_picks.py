"""What is examined: one policy on one benchmark, and the picks of all rerankers on one split of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.benchmark_values import Metric, row_mean
from visualprm_eval.evaluate.candidate_grid import FloatArray, Grid
from visualprm_eval.evaluate.fact_columns import Columns
from visualprm_eval.evaluate.pools import AnswerFn, ProblemFacts, arranged, needs_all_verdicts
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.result_rows import INCOMPLETE, MAX_LEFT_OUT
from visualprm_eval.evaluate.stats.measure import GroupKey, Measure
from visualprm_eval.evaluate.vectorized_picks import mean_worth, ranks_from_first, worth
from visualprm_eval.evaluate.withheld import shaping_critics, why_withheld
from visualprm_eval.tasks.base import UNJUDGED

__all__ = ["Finals", "Study", "finals"]

_OF_PROBLEMS = " problems"


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
        matched: Whether texts are graded by exact matching where a judge is usual.
    """

    policy: str
    benchmark: str
    metric: str
    facts: Sequence[ProblemFacts] | Columns
    rerankers: Sequence[Reranker]
    n: int
    answer: AnswerFn
    grade_all: bool
    aggregate: Metric = row_mean
    group: GroupKey | None = None
    n_total: int | None = None
    matched: bool = False


@dataclass(frozen=True)
class Finals:
    """The picks at k = N of one split, for all its rerankers on the same problems.

    Attributes:
        study: Whose.
        split: The split.
        measure: The benchmark's number over them.
        rerankers: Those that have a value, [R].
        values: What each pick is worth, from 0 to 1, [P, R].
        n_problems: All problems of the split, failed ones included.
        grid: The candidates of the problems that have something to choose from, [P].
        has_mean: Whether every one of the N candidates of every problem has a verdict.
    """

    study: Study
    split: str
    measure: Measure
    rerankers: Sequence[Reranker]
    values: FloatArray
    n_problems: int
    grid: Grid
    has_mean: bool

    @property
    def n_left_out(self) -> int:
        """How many candidates of all problems cannot be picked."""
        return self.study.n * self.n_problems - int(self.grid.usable.sum())

    def why_withheld(self, k: int) -> str:
        """Why there is no value from the first k candidates; ``""`` when there is one."""
        return why_withheld(self.grid, k, self.n_problems - len(self.grid))

    def lacks_too_many(self, k: int) -> bool:
        """Whether too many of the first k candidates were left out for the value to count in an overall."""
        total = k * self.n_problems
        return total - int(self.grid.usable[:, :k].sum()) > MAX_LEFT_OUT * total

    @property
    def note(self) -> str:
        """What must be said wherever a number of it stands: how it was graded, and of how many of the problems."""
        study, said = self.study, []
        if UNJUDGED in study.metric:
            said.append(UNJUDGED)
        if study.matched and self.grid.unread_remark(study.n):
            said.append("which found no final answer in most candidates")
        if study.n_total is not None and self.n_problems == len(study.facts) < study.n_total:
            said.append(f"{self.n_problems:,} of {study.n_total:,}{_OF_PROBLEMS}")
        return ", ".join(said)


def finals(study: Study) -> Iterator[Finals | str]:
    """The picks of each split at k = N; a sentence instead where too much failed or is not graded.

    Rerankers whose critic lost its rows, see ``visualprm_eval.evaluate.withheld``, are not among them.
    """
    columns = Columns.of(study.facts)
    critics = shaping_critics(columns, study.rerankers, study.n)
    everything = arranged(columns, study.rerankers, critics, [study.n], study.answer, grade_all=study.grade_all)
    splits: dict[str, list[int]] = {}
    for place, problem in enumerate(columns.problems):
        splits.setdefault(problem.split, []).append(place)
    for split, places in splits.items():
        where = f"{study.policy} on {study.benchmark} {split}".rstrip()
        whole = everything if len(splits) == 1 else everything.take(np.array(places))
        if refused := why_withheld(whole, study.n):
            if not refused.startswith(INCOMPLETE):  # What is lacking is counted elsewhere.
                yield f"{where}: {refused.removeprefix('withheld: ')}"
            continue
        filled = np.flatnonzero(whole.usable.any(axis=1))
        grid = whole if len(filled) == len(whole) else whole.take(filled)
        heard = [one for one in study.rerankers if one.critic in {None, *grid.critics}]
        rerankers = [one for one in heard if study.grade_all or not needs_all_verdicts(one)]
        values = np.array([_worths(grid, one) for one in rerankers]).reshape(len(rerankers), -1).T
        if np.isnan(values).any():
            yield f"{where}: {int(np.isnan(values).sum()):,} picks are not graded"
            continue
        seed = zlib.crc32(f"{study.benchmark}\n{split}".encode())
        measure = Measure(grid.problems, study.aggregate, study.group, seed)
        if len(grid) and np.isnan(measure.value(values[:, 0])):
            yield f"{where}: the metric has nothing to be taken over"
            continue
        has_mean = study.grade_all and _has_every_verdict(whole)
        yield Finals(study, split, measure, rerankers, values, len(whole), grid, has_mean)


def _has_every_verdict(grid: Grid) -> bool:
    """Whether N candidates of every problem have verdicts; a critic may have failed on some of them."""
    candidates, values = grid.columns.candidates, np.append(grid.columns.graded.values, np.nan)
    counted = (candidates.ranks < grid.n) & ~np.isnan(values[candidates.texts])
    counts = np.bincount(candidates.owners[counted], minlength=len(grid.columns))
    return bool((counts[grid.rows] == grid.n).all())


def _worths(grid: Grid, reranker: Reranker) -> FloatArray:
    """The verdict of each problem's pick, [P]; a random one's on average."""
    if reranker.expectation:
        return mean_worth(grid, grid.n)
    return worth(grid, ranks_from_first(grid, reranker, grid.n)[:, None])[:, 0]
