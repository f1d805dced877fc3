"""From facts to what rerankers may choose from, and, where only picks are graded, which texts those are.

Then a pick whose verdict failed leaves its pool and another takes its place, until no pick is a failure. No other
verdict matters: what else was ever graded changes no result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fact_columns import AnswerFn, Columns, ProblemFacts
from visualprm_eval.evaluate.fsum_arrays import BoolArray, IntArray
from visualprm_eval.evaluate.rerankers import Pool, Reranker
from visualprm_eval.evaluate.vectorized_picks import ranks_from_first
from visualprm_eval.evaluate.withheld import shaping_critics

__all__ = ["AnswerFn", "ProblemFacts", "arranged", "build_pool", "needs_all_verdicts", "picked_texts"]


def build_pool(facts: ProblemFacts, critics: Iterable[str], answer: AnswerFn, *, require_verdicts: bool) -> Pool:
    """The candidates of one problem that every reranker may choose from.

    Args:
        facts: What is known of the problem.
        critics: Labels of all critics in play; their order does not matter.
        answer: The local answer of a text.
        require_verdicts: A candidate whose verdict failed or is missing leaves the pool too, and the pool holds the
            verdicts. Without it no verdict matters, and the pool holds none.

    Returns:
        The pool by ascending rank, possibly empty.
    """
    columns = Columns.of([facts])
    n = int(columns.candidates.ranks.max(initial=0)) + 1
    return Grid.of(columns, critics, answer, n, graded=require_verdicts).pool(0)


def arranged(
    columns: Columns,
    rerankers: Sequence[Reranker],
    critics: Sequence[str],
    ks: Sequence[int],
    answer: AnswerFn,
    *,
    grade_all: bool,
) -> Grid:
    """What rerankers may choose from; without picks that were graded in vain where only picks are graded.

    Args:
        columns: What is known of each problem, [P].
        rerankers: All rerankers of the run; who reads another critic has no say.
        critics: Labels of the critics that shape the pool, see ``visualprm_eval.evaluate.withheld``.
        ks: Best of how many, ascending; candidates beyond the last are left out.
        answer: The local answer of a text.
        grade_all: Whether all texts are graded, or only picks.
    """
    grid = Grid.of(columns, critics, answer, ks[-1], graded=grade_all)
    return grid if grade_all else _settled(grid, rerankers, ks)[0]


def picked_texts(
    facts: Sequence[ProblemFacts] | Columns,
    rerankers: Sequence[Reranker],
    ks: Sequence[int],
    answer: AnswerFn,
    n: int | None = None,
) -> set[tuple[str, str]]:
    """The texts whose verdicts decide the results when only picks are graded.

    A pick whose verdict fails leaves its pool and another takes its place, so ask again after grading until nothing
    new comes.

    Args:
        facts: What is known of each problem.
        rerankers: All rerankers of the run; those that need all verdicts pick nothing here.
        ks: Best of how many.
        answer: The local answer of a text.
        n: N, where there are more candidates than the largest k; what all of them wrote tells which critics count.

    Returns:
        Pairs of problem id and text id, whether graded already or not; picks whose verdict failed are among them.
    """
    columns, sizes = Columns.of(facts), sorted(set(ks))
    critics = shaping_critics(columns, rerankers, n or sizes[-1])
    grid = Grid.of(columns, critics, answer, sizes[-1], graded=False)
    picked = _settled(grid, rerankers, sizes)[1]
    return {columns.key(text) for text in np.flatnonzero(picked).tolist()}


def needs_all_verdicts(reranker: Reranker) -> bool:
    """Whether a reranker's value needs the verdicts of all candidates."""
    return reranker.expectation or "verdicts" in reranker.needs


def _settled(grid: Grid, rerankers: Sequence[Reranker], ks: Sequence[int]) -> tuple[Grid, BoolArray]:
    """The grid without failed picks, and which texts were picked on the way, [S]."""
    graded = grid.columns.graded
    choosers = [one for one in rerankers if not needs_all_verdicts(one) and one.critic in {None, *grid.critics}]
    picked = np.zeros(len(grid.columns.values), dtype=bool)
    open_rows = np.arange(len(grid))
    while len(open_rows):
        chosen = _chosen(grid.take(open_rows), choosers, ks)
        there = chosen >= 0
        picked[chosen[there]] = True
        failed = there & np.append(graded.failed, False)[chosen]
        waiting = there & ~np.append(graded.known, True)[chosen]
        # Which picks come next is only certain once all of these are graded.
        again = failed.any(axis=1) & ~waiting.any(axis=1)
        gone = np.zeros(len(picked), dtype=bool)
        gone[chosen[again][failed[again]]] = True
        grid, open_rows = grid.without(gone), open_rows[again]
    return grid, picked


def _chosen(grid: Grid, choosers: Sequence[Reranker], ks: Sequence[int]) -> IntArray:
    """The numbers of the texts that rerankers pick from every complete k, [P, picks]; -1 for none."""
    columns = [np.full(len(grid), -1, dtype=np.int64)]
    for k in ks:
        complete = grid.complete(k)
        for reranker in choosers:
            ranks = np.where(complete, ranks_from_first(grid, reranker, min(k, grid.n)), -1)
            texts = grid.texts[np.arange(len(grid)), ranks]
            columns.append(np.where(ranks < 0, -1, texts))
    return np.stack(columns, axis=1)
