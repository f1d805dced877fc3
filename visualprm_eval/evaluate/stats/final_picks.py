"""What is examined: one policy on one benchmark, and the picks of all rerankers on one split of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from visualprm_eval.core.baselines import MEAN, ROWS
from visualprm_eval.core.words import counted, verb
from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import FloatArray
from visualprm_eval.evaluate.rerankers import Random, Reranker
from visualprm_eval.evaluate.result_rows import INCOMPLETE
from visualprm_eval.evaluate.stats.chance import ChancePicks
from visualprm_eval.evaluate.stats.gains import Split
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.evaluate.stats.rows import Mean
from visualprm_eval.evaluate.study import Study
from visualprm_eval.evaluate.withheld import why_withheld
from visualprm_eval.tasks.base import UNJUDGED

OF_PROBLEMS = " problems"
"""How the note of a number that is of a part of the problems ends."""


@dataclass(frozen=True)
class Finals:
    """The picks at k = N of one split, for all its rerankers on the same problems.

    Attributes:
        study: Whose.
        picks: What they are worth.
        whole: The candidates of all problems of the split.
        grid: Those of the problems that have something to choose from, [P].
    """

    study: Study
    picks: Split
    whole: Grid
    grid: Grid

    def left_out(self, k: int) -> tuple[int, int]:
        """How many of the first k candidates of all problems cannot be picked, and how many there are."""
        total = k * len(self.whole)
        return total - int(self.grid.usable[:, :k].sum()), total


def finals(study: Study) -> Iterator[Finals | str]:
    """The picks of each split at k = N; a sentence instead where too much failed or is not graded.

    Rerankers whose critic lost its rows, see ``visualprm_eval.evaluate.withheld``, are not among them.
    """
    for split, whole in study.grids([study.n]).items():
        where = f"{study.policy} on {study.benchmark} {split}".rstrip()
        if refused := why_withheld(whole, study.n):
            if not refused.startswith(INCOMPLETE):  # What is lacking is counted elsewhere.
                yield f"{where}: {refused.removeprefix('withheld: ')}"
            continue
        filled = np.flatnonzero(whole.usable.any(axis=1))
        grid = whole if len(filled) == len(whole) else whole.take(filled)
        heard = [one for one in study.rerankers if one.critic in {None, *grid.critics}]
        rerankers = [one for one in heard if study.grade_all or not one.needs_all_verdicts]
        values = np.stack([_worths(grid, one) for one in rerankers], axis=1)
        if n_ungraded := int(np.isnan(values).sum()):
            yield f"{where}: {counted(n_ungraded, 'pick')} {verb(n_ungraded, 'is', 'are')} not graded"
            continue
        seed = zlib.crc32(f"{study.benchmark}\n{split}".encode())
        measure = Measure(grid.problems, study.aggregate, study.group, seed)
        if np.isnan(measure.value(values[:, 0])):
            yield f"{where}: the metric has nothing to be taken over"
            continue
        n_asked, mean, chance = len(rerankers), None, None
        if study.grade_all:
            chance = ChancePicks(np.where(grid.usable, grid.verdicts, np.nan), measure)
            if _has_every_verdict(whole):
                worth = grid.mean_worth(grid.n)
                mean = Mean(measure.value(worth), study.n, len(whole), len(whole) - len(grid))
                if not any(isinstance(one, Random) for one in rerankers):
                    rerankers.append(Random(ROWS[MEAN]))
                    values = np.column_stack([values, worth])
        place, note = (study.policy, study.benchmark, split), _note(study, whole, grid)
        picks = Split(place, study.n, note, rerankers, n_asked, measure, values, chance, mean)
        yield Finals(study, picks, whole, grid)


def _note(study: Study, whole: Grid, grid: Grid) -> str:
    """What must be said wherever a number stands: how it was graded, and of how many of the problems."""
    is_part = study.n_total is not None and len(whole) == len(study.columns) < study.n_total
    remarks = {
        UNJUDGED: UNJUDGED in study.metric,
        "which found no final answer in most candidates": study.matched and grid.unread_remark(study.n),
        f"{len(whole):,} of {study.n_total or 0:,}{OF_PROBLEMS}": is_part,
    }
    return ", ".join(remark for remark, holds in remarks.items() if holds)


def _has_every_verdict(grid: Grid) -> bool:
    """Whether N candidates of every problem have verdicts; a critic may have failed on some of them."""
    candidates, values = grid.columns.candidates, np.append(grid.columns.graded.values, np.nan)
    counted = (candidates.ranks < grid.n) & ~np.isnan(values[candidates.texts])
    counts = np.bincount(candidates.owners[counted], minlength=len(grid.columns))
    return bool((counts[grid.rows] == grid.n).all())


def _worths(grid: Grid, reranker: Reranker) -> FloatArray:
    """The verdict of each problem's pick, [P]; a random one's on average."""
    n = grid.n
    return grid.mean_worth(n) if reranker.expectation else grid.worth(reranker.in_prefixes(grid, [n]))[:, 0]
