"""From pools to picks and values. Pure functions; nothing is read or written here.

The rules, which hold for every reranker alike:

- A candidate without a text, without a score of any critic in play, or whose verdict failed leaves the pool, see
  ``evaluate.candidate_grid``. When only picks are graded, only verdicts of picks count, see ``evaluate.study``.
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
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from visualprm_eval.core.types import Problem
from visualprm_eval.core.words import part_of, verb
from visualprm_eval.evaluate.abstentions import abstained, is_vote
from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import BoolArray, IntArray
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.result_rows import INCOMPLETE, Pick, ResultRow
from visualprm_eval.evaluate.study import Study
from visualprm_eval.evaluate.withheld import why_withheld

TableKey = tuple[str, str, int]
"""Split, reranker and k of a table of picks."""

_NO_VERDICTS = "needs verdicts on single texts, which do not make this metric"
_NO_FIGURE = f"{INCOMPLETE}the host has not evaluated this table of picks"


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
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    for reranker, part, ranks in _selections(study, ks):
        rows.append(part.row(reranker, ranks, figures))
        if ranks is not None and (picks_at is None or part.k in picks_at):
            picks.extend(part.picks(reranker, ranks))
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
    return {
        (part.split, reranker.name, part.k): part.table(ranks)
        for reranker, part, ranks in _selections(study, ks)
        if ranks is not None and not part.refused
    }


def _selections(study: Study, ks: Iterable[int]) -> Iterator[tuple[Reranker, _Part, IntArray | None]]:
    """What each reranker picks on each split at each k: the rank for each problem, [P]; -1 where nothing can be chosen.

    There are no ranks of an expectation, of what needs verdicts that are not asked for, nor of what lost its critic.
    """
    sizes = sorted(set(ks))
    grids = study.grids(sizes)
    n_total = study.n_total if len(grids) == 1 else None
    parts = {split: [_Part(study, split, k, grid, n_total) for k in sizes] for split, grid in grids.items()}
    for reranker in study.rerankers:
        is_open = study.grade_all or not reranker.needs_all_verdicts
        picks = is_open and not reranker.expectation and reranker.critic not in study.lost
        for split, grid in grids.items():
            ranks = reranker.in_prefixes(grid, sizes) if picks else None
            for column, part in enumerate(parts[split]):
                yield reranker, part, None if ranks is None else np.where(part.sizes > 0, ranks[:, column], -1)


@dataclass(frozen=True)
class _Part:
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
    def refused(self) -> str:
        """Why there is no value, whatever reranker picks; ``""`` when there is one."""
        return why_withheld(self.grid, self.k)

    @cached_property
    def kept(self) -> list[Problem]:
        """The problems that have something to choose from."""
        return [self.grid.problems[row] for row in np.flatnonzero(self.sizes).tolist()]

    def table(self, ranks: IntArray) -> dict[str, str]:
        """The picked texts by the index of their problem."""
        texts = self.grid.texts_at(ranks[:, None])[:, 0].tolist()
        rows = zip(self.grid.problems, texts, strict=True)
        return {problem.index: self.grid.columns.values[text] for problem, text in rows if text >= 0}

    def picks(self, reranker: Reranker, ranks: IntArray) -> Iterator[Pick]:
        """What a reranker chose for each problem, [P], by the ranks of its picks."""
        columns, critic = self.grid.columns, reranker.critic or next(iter(self.study.critics), None)
        answers, said = columns.answers(self.grid.answer), columns.said.get(critic or "")
        texts = self.grid.texts_at(ranks[:, None])[:, 0].tolist()
        values = self.grid.worth(ranks[:, None])[:, 0].tolist()
        for row, (problem, rank, text, value, complete) in enumerate(
            zip(self.grid.problems, ranks.tolist(), texts, values, self.complete.tolist(), strict=True)
        ):
            about = (problem.id, problem.index, problem.question, problem.answer)
            pick = Pick(self.study.policy, self.study.benchmark, self.split, reranker.name, self.k, *about)
            if rank < 0:
                what = "the first candidate cannot" if self.k == 1 else f"none of the first {self.k} candidates can"
                note = f"failed: {what} be used"
                if not complete:
                    note = f"{INCOMPLETE}{self.grid.take(np.array([row])).lacking(self.k)} lacking"
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
        study, n_incomplete = self.study, int((~self.complete).sum())
        value: float | None = None
        if lost := study.lost.get(reranker.critic or ""):
            note = lost
        elif self.refused:
            note = self.refused
        elif reranker.needs_all_verdicts and not study.grade_all:
            note = "needs --grade all" if figures is None else _NO_VERDICTS
        elif figures is not None:
            value = figures.get((self.split, reranker.name, self.k))
            note = _NO_FIGURE if value is None else self._note(study.remark(self.kept))
        else:
            value, note = self._counted(ranks)
        if value is not None and is_vote(reranker):
            note = _joined(note, self._abstained)
        return ResultRow(
            study.policy,
            study.benchmark,
            self.split,
            reranker.name,
            self.k,
            study.metric,
            value,
            n_problems=len(self.grid),
            n_failed=len(self.grid) - n_incomplete - len(self.kept),
            note=note,
            n_total=self.n_total,
            n_left_out=0 if n_incomplete else self._n_left_out,
            critics=self.grid.critics,
        )

    def _counted(self, ranks: IntArray | None) -> tuple[float | None, str]:
        """The number from verdicts, and what must be said of it; without ranks that of an expectation."""
        worth = self.grid.mean_worth(self.k) if ranks is None else self.grid.worth(ranks[:, None])[:, 0]
        values = worth[self.sizes > 0].tolist()
        if n_ungraded := sum(map(math.isnan, values)):
            are = verb(n_ungraded, "is", "are")
            return None, f"{INCOMPLETE}{part_of(n_ungraded, len(values), 'pick')} {are} not graded"
        number, remark = self.study.aggregate(self.kept, values), self.study.remark(self.kept)
        if math.isnan(number):
            return None, f"withheld: {_joined(remark, 'the metric has nothing to be taken over')}"
        return 100 * number, self._note(remark)

    @property
    def _n_left_out(self) -> int:
        """How many of the first k candidates of all problems cannot be picked."""
        return self.k * len(self.grid) - int(self.sizes.sum())

    @cached_property
    def _abstained(self) -> str:
        """What must be said of the first k candidates beside a vote."""
        usable = self.grid.usable[:, : self.k]
        return abstained(int((usable & (self.grid.votes[:, : self.k] < 0)).sum()), int(usable.sum()))

    def _note(self, remark: str) -> str:
        """What must be said of a number beside its metric's own remark."""
        partial = self.n_total is not None and self.n_total > len(self.grid)
        subset = part_of(len(self.grid), self.n_total or 0, "problem") if partial else ""
        unread = self.grid.unread_remark(self.k) if self.study.matched else ""
        return _joined(subset, remark, self._remarks, unread)

    @cached_property
    def _remarks(self) -> str:
        """What a reader of a value must know of its candidates."""
        n_all = self.k * len(self.grid)
        n_empty = int(self.grid.empty[:, : self.k].sum())
        counts = {
            "left out": self._n_left_out,
            **{f"not scored by {critic}": self.grid.unscored(critic, self.k) for critic in self.grid.critics},
            verb(n_empty, "is an empty reply", "are empty replies"): n_empty,
            "cut at the token limit": int(self.grid.cut[:, : self.k].sum()),
        }
        return "; ".join(f"{part_of(count, n_all, 'candidate')} {what}" for what, count in counts.items() if count)


def _joined(*remarks: str) -> str:
    return "; ".join(filter(None, remarks))
