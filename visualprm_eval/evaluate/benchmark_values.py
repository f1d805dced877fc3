"""From pools to picks and values. Pure functions; nothing is read or written here.

The rules, which hold for every reranker alike:

- A candidate without a text, without a score of any critic in play, or whose verdict failed leaves the pool, see
  ``evaluate.candidate_grid``. When only picks are graded, only verdicts of picks count, see ``evaluate.pools``.
- A critic that lacks scores, or failed on more than 1% of the texts, is not in play: its own rows are withheld, and
  nobody else's change, see ``evaluate.withheld``.
- A problem whose pool is empty at k is left out of the values at k and counted as failed. Above 1% failed problems the
  value is withheld.
- A problem whose first k candidates were not all sampled, scored and graded yet is incomplete, and every value at k is
  withheld: nothing is averaged over what happens to exist.
- Splits of a benchmark are never mixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from visualprm_eval.core.types import Problem
from visualprm_eval.evaluate.abstentions import abstained, is_vote
from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fact_columns import AnswerFn, Columns, ProblemFacts
from visualprm_eval.evaluate.fsum_arrays import BoolArray, IntArray
from visualprm_eval.evaluate.overall import overall_rows
from visualprm_eval.evaluate.pools import arranged, build_pool, needs_all_verdicts, picked_texts
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.result_rows import INCOMPLETE, OVERALL, Pick, ResultRow
from visualprm_eval.evaluate.vectorized_picks import mean_worth, ranks_from_first, worth
from visualprm_eval.evaluate.withheld import MAX_FAILED, lost_critics, why_withheld
from visualprm_eval.tasks.base import no_remark, row_mean

__all__ = [
    "MAX_FAILED",
    "OVERALL",
    "GroupKey",
    "Metric",
    "Pick",
    "ProblemFacts",
    "ResultRow",
    "Study",
    "TableKey",
    "build_pool",
    "evaluate_benchmark",
    "overall_rows",
    "picked_tables",
    "picked_texts",
    "row_mean",
]

Metric = Callable[[Sequence[Problem], Sequence[float]], float]
"""Problems, [P], and the value of each, [P] from 0 to 1, to the benchmark's number from 0 to 1."""
GroupKey = Callable[[Problem], Hashable]
"""Which group a problem belongs to, where a benchmark groups its problems."""
TableKey = tuple[str, str, int]
"""Split, reranker and k of a table of picks."""

_NO_VERDICTS = "needs verdicts on single texts, which do not make this metric"
_NO_FIGURE = f"{INCOMPLETE}the host has not evaluated this table of picks"
_LACKING = f"{INCOMPLETE}candidates, scores or verdicts are lacking"


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
    _grids: dict[tuple[int, ...], dict[str, Grid]] = field(default_factory=dict, repr=False, compare=False, init=False)

    @cached_property
    def columns(self) -> Columns:
        """What is known, as columns."""
        return Columns.of(self.facts)

    @cached_property
    def lost(self) -> dict[str, str]:
        """The critics that have no rows here, and why, see ``visualprm_eval.evaluate.withheld``."""
        return lost_critics(self.columns, needed_critics(self.rerankers), self.n)

    @property
    def critics(self) -> list[str]:
        """Labels of the critics without whose score no candidate is in the pool, in order."""
        return [critic for critic in needed_critics(self.rerankers) if critic not in self.lost]

    def grids(self, ks: Sequence[int]) -> Mapping[str, Grid]:
        """What there is to choose from on each split.

        Args:
            ks: Best of how many, ascending; they matter where only picks are graded.
        """
        key = (ks[-1],) if self.grade_all else tuple(ks)
        if key not in self._grids:
            grid = arranged(self.columns, self.rerankers, self.critics, ks, self.answer, grade_all=self.grade_all)
            rows: dict[str, list[int]] = {}
            for row, problem in enumerate(self.columns.problems):
                rows.setdefault(problem.split, []).append(row)
            whole = len(rows) == 1
            self._grids[key] = {split: grid if whole else grid.take(np.array(part)) for split, part in rows.items()}
        return self._grids[key]


def evaluate_benchmark(
    study: Study,
    ks: Iterable[int],
    figures: Mapping[TableKey, float] | None = None,
    *,
    picks_at: Collection[int] | None = None,
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark.

    Args:
        study: The policy and the benchmark.
        ks: Best of how many.
        figures: The host's figures of tables of picks, see :func:`picked_tables`, in percent, as far as they are known;
            ``None`` where values come from verdicts on single texts.
        picks_at: The k at which picks are told; ``None`` for all.

    Returns:
        A row per split, reranker and k, and a pick per such row and problem of those rerankers that pick.
    """
    rounds = _rounds(study, ks)
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    for reranker in study.rerankers:
        for each_round in rounds:
            ranks = each_round.ranks(reranker)
            rows.append(each_round.row(reranker, ranks, figures))
            if ranks is not None and (picks_at is None or each_round.k in picks_at):
                picks.extend(each_round.picks(reranker, ranks))
    return rows, picks


def picked_tables(study: Study, ks: Iterable[int]) -> dict[TableKey, dict[str, str]]:
    """The tables of picks that values stand on, as far as all their candidates are known.

    A host that evaluates such a table, as if its texts were a model's only answers, confirms the value, or gives it
    where verdicts on single texts do not make it.

    Args:
        study: The policy and the benchmark.
        ks: Best of how many.

    Returns:
        The text of each problem by its index, for every reranker that picks, split and k.
    """
    tables: dict[TableKey, dict[str, str]] = {}
    rounds = _rounds(study, ks)
    for reranker in study.rerankers:
        for each_round in rounds:
            ranks = each_round.ranks(reranker)
            if ranks is not None and not each_round.refused:
                tables[each_round.key(reranker)] = each_round.table(ranks)
    return tables


def _rounds(study: Study, ks: Iterable[int]) -> list[_Round]:
    sizes = sorted(set(ks))
    grids = study.grids(sizes)
    n_total = study.n_total if len(grids) == 1 else None
    return [_Round(study, split, k, grid, n_total) for split, grid in grids.items() for k in sizes]


@dataclass(frozen=True)
class _Round:
    """All problems of one split at one k.

    Attributes:
        grid: Its problems, [P].
        n_total: How many problems the whole benchmark has; ``None`` where nobody knows, or splits share them.
    """

    study: Study
    split: str
    k: int
    grid: Grid
    n_total: int | None

    @cached_property
    def complete(self) -> BoolArray:
        """Of which problems all is known of the first k candidates, [P]."""
        return self.grid.complete(self.k)

    @cached_property
    def sizes(self) -> IntArray:
        """How many candidates there are to choose from, [P]; 0 where not all is known of the first k."""
        sizes: IntArray = np.where(self.complete, self.grid.usable[:, : self.k].sum(axis=1), 0)
        return sizes

    @cached_property
    def n_left_out(self) -> int:
        """How many of the first k candidates of all problems cannot be picked."""
        return self.k * len(self.grid) - int(self.sizes.sum())

    @cached_property
    def abstained(self) -> str:
        """What must be said of the first k candidates beside a vote."""
        usable = self.grid.usable[:, : self.k]
        return abstained(int((usable & (self.grid.votes[:, : self.k] < 0)).sum()), int(usable.sum()))

    @cached_property
    def refused(self) -> str:
        """Why there is no value, whatever reranker picks; ``""`` when there is one."""
        return why_withheld(self.grid, self.k)

    @cached_property
    def kept(self) -> list[Problem]:
        """The problems that have something to choose from."""
        return [self.grid.problems[place] for place in np.flatnonzero(self.sizes).tolist()]

    def key(self, reranker: Reranker) -> TableKey:
        """What the table of a reranker's picks is called."""
        return self.split, reranker.name, self.k

    def ranks(self, reranker: Reranker) -> IntArray | None:
        """The rank of what a reranker picks for each problem, [P]; -1 where nothing can be chosen.

        There are none of an expectation, of what needs verdicts that are not asked for, nor of what lost its critic.
        """
        if reranker.expectation or (needs_all_verdicts(reranker) and not self.study.grade_all):
            return None
        if reranker.critic in self.study.lost:
            return None
        return np.where(self.sizes > 0, ranks_from_first(self.grid, reranker, self.k), -1)

    def table(self, ranks: IntArray) -> dict[str, str]:
        """The picked texts by the index of their problem."""
        texts = self.grid.texts[np.arange(len(ranks)), ranks].tolist()
        rows = zip(self.grid.problems, ranks.tolist(), texts, strict=True)
        return {problem.index: self.grid.columns.values[text] for problem, rank, text in rows if rank >= 0}

    def picks(self, reranker: Reranker, ranks: IntArray) -> Iterator[Pick]:
        """What a reranker chose for each problem, [P], by the ranks of its picks."""
        columns, critic = self.grid.columns, reranker.critic or next(iter(self.study.critics), None)
        answers, said = columns.answers(self.grid.answer), columns.said.get(critic or "")
        texts = self.grid.texts[np.arange(len(ranks)), ranks].tolist()
        values = np.append(columns.graded.values, np.nan)[texts].tolist()
        for problem, rank, text, value, complete in zip(
            self.grid.problems, ranks.tolist(), texts, values, self.complete.tolist(), strict=True
        ):
            about = (problem.id, problem.index, problem.question, problem.answer, reranker.name, self.k)
            pick = Pick(self.study.policy, self.study.benchmark, self.split, *about)
            if rank < 0:
                note = f"failed: none of the first {self.k} candidates can be used" if complete else _LACKING
                yield replace(pick, note=note)
                continue
            yield replace(
                pick,
                rank=rank,
                text=columns.values[text],
                critic=critic,
                step_scores=None if said is None else said.steps(text),
                verdict=None if math.isnan(value) else value,
                final_answer=answers[text],
            )

    def row(self, reranker: Reranker, ranks: IntArray | None, figures: Mapping[TableKey, float] | None) -> ResultRow:
        """The benchmark's number from the values of its problems or from the picks, or why there is none."""
        n_problems, n_incomplete = len(self.grid), int((~self.complete).sum())
        value: float | None = None
        if lost := self.study.lost.get(reranker.critic or ""):
            note = lost
        elif self.refused:
            note = self.refused
        elif needs_all_verdicts(reranker) and not self.study.grade_all:
            note = "needs --grade all" if figures is None else _NO_VERDICTS
        elif figures is not None:
            value = figures.get(self.key(reranker))
            note = _NO_FIGURE if value is None else self._note(self.study.remark(self.kept))
        else:
            value, note = self._counted(ranks)
        if value is not None and is_vote(reranker):
            note = "; ".join(filter(None, (note, self.abstained)))
        return ResultRow(
            self.study.policy,
            self.study.benchmark,
            self.split,
            reranker.name,
            self.k,
            self.study.metric,
            value,
            n_problems,
            n_failed=n_problems - n_incomplete - len(self.kept),
            note=note,
            n_total=self.n_total,
            n_left_out=0 if n_incomplete else self.n_left_out,
            critics=self.grid.critics,
        )

    def _counted(self, ranks: IntArray | None) -> tuple[float | None, str]:
        """The number from verdicts, and what must be said of it; without ranks that of an expectation."""
        worths = mean_worth(self.grid, self.k) if ranks is None else worth(self.grid, ranks[:, None])[:, 0]
        values = worths[self.sizes > 0].tolist()
        if n_ungraded := sum(map(math.isnan, values)):
            return None, f"{INCOMPLETE}{n_ungraded:,} of {len(values):,} picks are not graded"
        number, remark = self.study.aggregate(self.kept, values), self.study.remark(self.kept)
        if math.isnan(number):
            return None, f"withheld: {'; '.join(filter(None, (remark, 'the metric has nothing to be taken over')))}"
        return 100 * number, self._note(remark)

    def _note(self, remark: str) -> str:
        """What must be said of a number beside its metric's own remark."""
        partial = self.n_total is not None and self.n_total > len(self.grid)
        subset = f"{len(self.grid):,} of {self.n_total:,} problems" if partial else ""
        unread = self.grid.unread_remark(self.k) if self.study.matched else ""
        return "; ".join(filter(None, (subset, remark, self._remarks(), unread)))

    def _remarks(self) -> str:
        """What a reader of a value must know of its candidates."""
        n_all = self.k * len(self.grid)
        counts = {
            "left out": self.n_left_out,
            **{f"not scored by {critic}": self.grid.unscored(critic, self.k) for critic in self.grid.critics},
            "are empty replies": int(self.grid.empty[:, : self.k].sum()),
            "cut at the token limit": int(self.grid.cut[:, : self.k].sum()),
        }
        return "; ".join(f"{count:,} of {n_all:,} candidates {what}" for what, count in counts.items() if count)
