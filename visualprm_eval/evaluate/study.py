"""One policy on one benchmark: what is known, what rerankers may choose from, and which texts decide the results.

Where only picks are graded, a pick whose verdict failed leaves its pool and another takes its place, until no pick is a
failure. No other verdict matters: what else was ever graded changes no result.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from visualprm_eval.core.groups import grouped
from visualprm_eval.core.types import Problem
from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fact_columns import AnswerFn, Columns, ProblemFacts
from visualprm_eval.evaluate.fsum_arrays import BoolArray, IntArray
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.withheld import lost_critics
from visualprm_eval.tasks.base import no_remark, row_mean

Metric = Callable[[Sequence[Problem], Sequence[float]], float]
"""Problems, [P], and the value of each, [P] from 0 to 1, to the benchmark's number from 0 to 1."""
GroupKey = Callable[[Problem], Hashable]
"""Which group a problem belongs to, where a benchmark groups its problems."""


@dataclass(frozen=True)
class Study:
    """One policy on one benchmark: all that is known of it, and how the benchmark counts.

    Attributes:
        policy: The policy's name.
        benchmark: The benchmark's name.
        metric: The metric's name.
        facts: What is known of each problem, [P].
        rerankers: Who picks; a candidate must have the scores of all their critics.
        n: N, candidates per problem; what all of them wrote tells which critics count.
        answer: The local answer of a text, for votes.
        grade_all: Whether all texts are graded, or only what :func:`picked_texts` names; curves over subsets need all.
        aggregate: How the values of the problems become the benchmark's number.
        group: Which problems the benchmark groups; ``None`` where each stands for itself.
        n_total: How many problems the whole benchmark has; ``None`` when nobody knows.
        matched: Whether texts are graded by exact matching where a judge is usual: a value is marked where most of them
            have no final answer.
        remark: What must be said of the benchmark's number over the problems that it is taken over.
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
    remark: Callable[[Sequence[Problem]], str] = no_remark
    _known: dict[tuple[int, ...], tuple[Grid, BoolArray]] = field(
        default_factory=dict, repr=False, compare=False, init=False
    )

    @cached_property
    def columns(self) -> Columns:
        """What is known, as columns."""
        return Columns.of(self.facts)

    @cached_property
    def lost(self) -> dict[str, str]:
        """The critics that have no rows here, and why, see ``visualprm_eval.evaluate.withheld``."""
        return lost_critics(self.columns, needed_critics(self.rerankers), self.n)

    @cached_property
    def critics(self) -> list[str]:
        """Labels of the critics without whose score no candidate is in the pool, in order."""
        return [critic for critic in needed_critics(self.rerankers) if critic not in self.lost]

    @cached_property
    def choosers(self) -> list[Reranker]:
        """Who picks when only picks are graded."""
        heard = {None, *self.critics}
        return [chooser for chooser in self.rerankers if not chooser.needs_all_verdicts and chooser.critic in heard]

    def grids(self, ks: Sequence[int]) -> Mapping[str, Grid]:
        """What there is to choose from on each split.

        Args:
            ks: Best of how many, ascending; they matter where only picks are graded.
        """
        grid = self.settled(ks)[0]
        problems = self.columns.problems
        rows = grouped(range(len(problems)), lambda row: problems[row].split)
        return {split: grid if len(rows) == 1 else grid.take(np.array(part)) for split, part in rows.items()}

    def settled(self, ks: Sequence[int]) -> tuple[Grid, BoolArray]:
        """What there is to choose from, and where only picks are graded the texts that decide that, [S].

        It is worked out once.
        """
        key = tuple(ks[-1:] if self.grade_all else ks)
        if key not in self._known:
            grid = Grid.of(self.columns, self.critics, self.answer, ks[-1], graded=self.grade_all)
            self._known[key] = _settle(grid, [] if self.grade_all else self.choosers, ks)
        return self._known[key]


def picked_texts(study: Study, ks: Sequence[int]) -> set[tuple[str, str]]:
    """The texts whose verdicts decide the results when only picks are graded.

    A pick whose verdict fails leaves its pool and another takes its place, so ask again after grading until nothing
    new comes.

    Args:
        study: The policy and the benchmark.
        ks: Best of how many.

    Returns:
        Pairs of problem id and text id, whether graded already or not; picks whose verdict failed are among them.
    """
    study = replace(study, grade_all=False) if study.grade_all else study
    picked = study.settled(sorted(set(ks)))[1]
    return {study.columns.key(text) for text in np.flatnonzero(picked).tolist()}


def _settle(grid: Grid, choosers: Sequence[Reranker], ks: Sequence[int]) -> tuple[Grid, BoolArray]:
    """The grid without failed picks, and which texts were picked on the way, [S]."""
    graded = grid.columns.graded
    picked = np.zeros(len(grid.columns.values), dtype=bool)
    open_rows = np.arange(len(grid))
    while len(open_rows):
        texts = _picks(grid.take(open_rows), choosers, ks)
        is_pick = texts >= 0
        picked[texts[is_pick]] = True
        failed = is_pick & np.append(graded.failed, False)[texts]
        waiting = is_pick & ~np.append(graded.known, True)[texts]
        # Which picks come next is only certain once all of these are graded.
        again = failed.any(axis=1) & ~waiting.any(axis=1)
        gone = np.zeros(len(picked), dtype=bool)
        gone[texts[again][failed[again]]] = True
        grid, open_rows = grid.without(gone), open_rows[again]
    return grid, picked


def _picks(grid: Grid, choosers: Sequence[Reranker], ks: Sequence[int]) -> IntArray:
    """The numbers of the texts that rerankers pick from every complete k, [P, picks]; -1 for none."""
    complete = np.stack([grid.complete(k) for k in ks], axis=1)
    texts = [grid.texts_at(np.where(complete, chooser.in_prefixes(grid, ks), -1)) for chooser in choosers]
    return np.concatenate([np.full((len(grid), 1), -1, dtype=np.int64), *texts], axis=1)
