"""What is examined: one policy on one benchmark, and the picks of all rerankers on one split of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate import MAX_FAILED, Metric, row_mean
from visualprm_eval.insight.grid import FloatArray, Grid
from visualprm_eval.insight.measure import GroupKey, Measure
from visualprm_eval.insight.subsets import first_ranks, values_in_subsets
from visualprm_eval.pools import AnswerFn, Case, ProblemFacts, needs_all_verdicts, verdict_value
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

__all__ = ["Finals", "Study", "finals"]

_OF_PROBLEMS = " problems"
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
    def n_left_out(self) -> int:
        """How many candidates of all problems cannot be picked."""
        return self.study.n * self.n_problems - sum(len(case.pool) for case in self.cases)

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
