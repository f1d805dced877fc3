"""What is examined: one policy on one benchmark, and the picks of all rerankers on one split of it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import FloatArray
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.result_rows import INCOMPLETE, MAX_LEFT_OUT
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.evaluate.study import Study
from visualprm_eval.evaluate.withheld import why_withheld
from visualprm_eval.tasks.base import UNJUDGED

_OF_PROBLEMS = " problems"


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
        if study.n_total is not None and self.n_problems == len(study.columns) < study.n_total:
            said.append(f"{self.n_problems:,} of {study.n_total:,}{_OF_PROBLEMS}")
        return ", ".join(said)


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
        return grid.mean_worth(grid.n)
    return grid.worth(reranker.in_prefixes(grid, [grid.n]))[:, 0]
