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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.types import Problem
from visualprm_eval.evaluate.abstentions import abstained, is_vote
from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fact_columns import Columns
from visualprm_eval.evaluate.fsum_arrays import BoolArray, IntArray
from visualprm_eval.evaluate.overall import overall_rows
from visualprm_eval.evaluate.pools import ProblemFacts, arranged, build_pool, needs_all_verdicts, picked_texts
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.result_rows import INCOMPLETE, OVERALL, Pick, ResultRow
from visualprm_eval.evaluate.vectorized_picks import mean_worth, ranks_from_first, worth
from visualprm_eval.evaluate.withheld import MAX_FAILED, lost_critics, why_withheld
from visualprm_eval.tasks.base import no_remark, row_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from visualprm_eval.evaluate.pools import AnswerFn
    from visualprm_eval.evaluate.rerankers import Reranker

__all__ = [
    "MAX_FAILED",
    "OVERALL",
    "Metric",
    "Pick",
    "ProblemFacts",
    "ResultRow",
    "TableFigure",
    "build_pool",
    "evaluate_benchmark",
    "overall_rows",
    "picked_texts",
    "row_mean",
]

Metric = Callable[[Sequence[Problem], Sequence[float]], float]
"""Problems, [P], and the value of each, [P] from 0 to 1, to the benchmark's number from 0 to 1."""

TableFigure = Callable[[Mapping[str, str]], float | None]
"""Picked texts, by the index of their problem, to the host's figure of them as one table, in percent."""

_NO_VERDICTS = "needs verdicts on single texts, which do not make this metric"
_LACKING = f"{INCOMPLETE}candidates, scores or verdicts are lacking"


def evaluate_benchmark(
    facts: Sequence[ProblemFacts] | Columns,
    rerankers: Sequence[Reranker],
    ks: Iterable[int],
    answer: AnswerFn,
    *,
    policy: str,
    benchmark: str,
    metric: str,
    grade_all: bool,
    aggregate: Metric = row_mean,
    remark: Callable[[Sequence[Problem]], str] = no_remark,
    n_total: int | None = None,
    picks_at: Collection[int] | None = None,
    whole: TableFigure | None = None,
    matched: bool = False,
    n: int | None = None,
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark.

    Args:
        facts: What is known of each problem, [P].
        rerankers: All rerankers of the run; a candidate must have the scores of all their critics.
        ks: Best of how many.
        answer: The local answer of a text.
        policy: The policy's name.
        benchmark: The benchmark's name.
        metric: The metric's name.
        grade_all: Whether all texts were graded, or only what :func:`picked_texts` names.
        aggregate: How the values of the problems become the benchmark's number.
        remark: What must be said of that number over the problems that it is taken over.
        n_total: How many problems the whole benchmark has; ``None`` when nobody knows.
        picks_at: The k at which picks are told; ``None`` for all.
        whole: Where values come from when verdicts on single texts do not make them; asked once for each table of picks
            that is complete.
        matched: Whether texts are graded by exact matching where a judge is usual: a value is marked where most of them
            have no final answer.
        n: N, where there are more candidates than the largest k; what all of them wrote tells which critics count.

    Returns:
        A row per split, reranker and k, and a pick per such row and problem of those rerankers that pick.
    """
    sizes = sorted(set(ks))
    told = sizes if picks_at is None else picks_at
    columns, critics = Columns.of(facts), needed_critics(rerankers)
    lost = lost_critics(columns, critics, n or sizes[-1])
    critics = [label for label in critics if label not in lost]
    critic = next(iter(critics), None)
    grid = arranged(columns, rerankers, critics, sizes, answer, grade_all=grade_all)
    splits: dict[str, list[int]] = {}
    for place, problem in enumerate(grid.problems):
        splits.setdefault(problem.split, []).append(place)
    total = n_total if len(splits) == 1 else None
    parts = {split: grid if len(splits) == 1 else grid.take(np.array(places)) for split, places in splits.items()}
    rounds = [
        _Round(
            policy, benchmark, split, metric, k, part, critic, lost, grade_all, aggregate, remark, total, whole, matched
        )
        for split, part in parts.items()
        for k in sizes
    ]
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    for reranker in rerankers:
        for each_round in rounds:
            values, ranks = each_round.outcomes(reranker)
            rows.append(each_round.row(reranker, values, ranks))
            if ranks is not None and each_round.k in told:
                picks.extend(each_round.picks(reranker, ranks))
    return rows, picks


@dataclass(frozen=True)
class _Round:
    """All problems of one split at one k.

    Attributes:
        grid: Its problems, [P].
        critic: Whose step scores picks show when their reranker has no critic.
        lost: Critics that are not in play, and why.
    """

    policy: str
    benchmark: str
    split: str
    metric: str
    k: int
    grid: Grid
    critic: str | None
    lost: Mapping[str, str]
    grade_all: bool
    aggregate: Metric
    remark: Callable[[Sequence[Problem]], str]
    n_total: int | None
    whole: TableFigure | None
    matched: bool

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
    def kept(self) -> list[Problem]:
        """The problems that have something to choose from."""
        return [self.grid.problems[place] for place in np.flatnonzero(self.sizes).tolist()]

    def outcomes(self, reranker: Reranker) -> tuple[list[float], IntArray | None]:
        """The value of each problem in ``kept``, NaN where a verdict is missing, and the rank of each pick, [P].

        A rank is -1 where nothing can be chosen; there are none of an expectation, nor of what needs verdicts that are
        not asked for.
        """
        if (needs_all_verdicts(reranker) and not self.grade_all) or reranker.critic in self.lost:
            return [], None
        places = np.flatnonzero(self.sizes)
        if reranker.expectation:
            return mean_worth(self.grid, self.k)[places].tolist(), None
        ranks = np.where(self.sizes > 0, ranks_from_first(self.grid, reranker, self.k), -1)
        return worth(self.grid, ranks[:, None])[places, 0].tolist(), ranks

    def picks(self, reranker: Reranker, ranks: IntArray) -> Iterator[Pick]:
        """What a reranker chose for each problem, [P], by the ranks of its picks."""
        columns, critic = self.grid.columns, reranker.critic or self.critic
        answers, said = columns.answers(self.grid.answer), columns.said.get(critic or "")
        texts = self.grid.texts[np.arange(len(ranks)), ranks].tolist()
        values = np.append(columns.graded.values, np.nan)[texts].tolist()
        for problem, rank, text, value, complete in zip(
            self.grid.problems, ranks.tolist(), texts, values, self.complete.tolist(), strict=True
        ):
            if rank < 0:
                note = f"failed: none of the first {self.k} candidates can be used" if complete else _LACKING
                yield self._no_pick(reranker, problem, note)
                continue
            yield replace(
                self._no_pick(reranker, problem, note=""),
                rank=rank,
                text=columns.values[text],
                critic=critic,
                step_scores=None if said is None else said.steps(text),
                verdict=None if math.isnan(value) else value,
                final_answer=answers[text],
            )

    def _no_pick(self, reranker: Reranker, problem: Problem, note: str) -> Pick:
        return Pick(
            policy=self.policy,
            benchmark=self.benchmark,
            split=self.split,
            problem_id=problem.id,
            index=problem.index,
            question=problem.question,
            answer=problem.answer,
            reranker=reranker.name,
            k=self.k,
            rank=None,
            text="",
            critic=None,
            step_scores=None,
            verdict=None,
            final_answer=None,
            note=note,
        )

    def row(self, reranker: Reranker, values: Sequence[float], ranks: IntArray | None) -> ResultRow:
        """The benchmark's number from the values of its problems or from the picks, or why there is none."""
        n_problems, n_kept, n_incomplete = len(self.grid), len(self.kept), int((~self.complete).sum())
        n_failed = n_problems - n_incomplete - n_kept
        n_ungraded = sum(map(math.isnan, values))
        value: float | None = None
        if lost := self.lost.get(reranker.critic or ""):
            note = lost
        elif refused := why_withheld(self.grid, self.k):
            note = refused
        elif needs_all_verdicts(reranker) and not self.grade_all:
            note = "needs --grade all" if self.whole is None else _NO_VERDICTS
        elif self.whole is not None:
            value, note = self._figure(ranks)
        elif n_ungraded:
            note = f"{INCOMPLETE}{n_ungraded:,} of {n_kept:,} picks are not graded"
        else:
            value, note = self._counted(values)
        if value is not None and is_vote(reranker):
            note = "; ".join(filter(None, (note, self.abstained)))
        return ResultRow(
            policy=self.policy,
            benchmark=self.benchmark,
            split=self.split,
            reranker=reranker.name,
            k=self.k,
            metric=self.metric,
            value=value,
            n_problems=n_problems,
            n_failed=n_failed,
            note=note,
            n_total=self.n_total,
            n_left_out=0 if n_incomplete else self.n_left_out,
            critics=self.grid.critics,
        )

    def _figure(self, ranks: IntArray | None) -> tuple[float | None, str]:
        """The host's figure of the picks as one table, by their ranks, and what must be said of it."""
        found = [] if ranks is None else zip(self.grid.problems, ranks.tolist(), self.grid.texts, strict=True)
        texts = {problem.index: self.grid.columns.values[own[rank]] for problem, rank, own in found if rank >= 0}
        number = None if self.whole is None else self.whole(texts)
        if number is None:
            return None, f"{INCOMPLETE}the host has not evaluated this table of picks"
        return number, self._note(self.remark(self.kept))

    def _counted(self, values: Sequence[float]) -> tuple[float | None, str]:
        """The number, and what must be said of it."""
        number, remark = self.aggregate(self.kept, values), self.remark(self.kept)
        if math.isnan(number):
            return None, f"withheld: {'; '.join(filter(None, (remark, 'the metric has nothing to be taken over')))}"
        return 100 * number, self._note(remark)

    def _note(self, remark: str) -> str:
        """What must be said of a number beside its metric's own remark."""
        partial = self.n_total is not None and self.n_total > len(self.grid)
        subset = f"{len(self.grid):,} of {self.n_total:,} problems" if partial else ""
        unread = self.grid.unread_remark(self.k) if self.matched else ""
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
