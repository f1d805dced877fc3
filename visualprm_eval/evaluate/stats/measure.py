"""From the values of problems to a benchmark's number, whole or in resamples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visualprm_eval.core.types import Problem
from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray
from visualprm_eval.evaluate.stats.bootstrap import group_numbers, replicates
from visualprm_eval.evaluate.study import GroupKey, Metric
from visualprm_eval.tasks.base import row_mean


@dataclass(frozen=True)
class Measure:
    """A benchmark's number over given problems.

    Attributes:
        problems: P problems.
        aggregate: How their values become the benchmark's number; the mean over rows unless the task says otherwise.
        group: Which problems belong together; ``None`` where each stands for itself.
        seed: Of the resamples; the same for all that is compared.
    """

    problems: Sequence[Problem]
    aggregate: Metric = row_mean
    group: GroupKey | None = None
    seed: int = 0

    @cached_property
    def groups(self) -> IntArray:
        """The number of each problem's group, [P]."""
        if self.group is None:
            return np.arange(len(self.problems), dtype=np.int64)
        return group_numbers([self.group(problem) for problem in self.problems])

    @cached_property
    def members(self) -> list[IntArray]:
        """The problems of each group, by their places."""
        order = np.argsort(self.groups, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.groups))[:-1])

    def value(self, values: FloatArray) -> float:
        """The number in percent; problems whose value is NaN are left out.

        A value between 0 and 1 is a chance, independent of those of other problems, and a task's metric makes the
        expected number of such (``Task.aggregate``). So expectations of single problems are all that it takes.

        Args:
            values: From 0 to 1, [P].
        """
        kept = ~np.isnan(values)
        if self.aggregate is row_mean:  # It does not look at the problems.
            return 100 * row_mean((), values[kept].tolist())
        problems = [problem for problem, keep in zip(self.problems, kept, strict=True) if keep]
        return 100 * self.aggregate(problems, values[kept].tolist())

    def by_group(self, values: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """What each group adds to the numbers, [G, Q], and to their denominators, [G].

        Args:
            values: Q values per problem, [P, Q].

        Returns:
            ``None`` for a metric that is no mean over groups: no group can be resampled then.
        """
        if self.aggregate is row_mean and self.group is None:
            return values, np.ones(len(values))
        if self.aggregate is row_mean:
            sums = np.zeros((int(self.groups.max()) + 1, values.shape[1]))
            np.add.at(sums, self.groups, values)
            return sums, np.bincount(self.groups).astype(np.float64)
        parts = np.array([[self.part(members, column[members]) for column in values.T] for members in self.members])
        counts = ~np.isnan(parts).any(axis=1)  # A group of which a part is lacking does not count, and is not drawn.
        parts = parts[counts]
        whole = self.aggregate(list(self.problems), values[:, 0].tolist())
        if not len(parts) or not math.isclose(float(parts[:, 0].mean()), whole, abs_tol=1e-9):
            return None
        return parts, np.ones(len(parts))

    def part(self, members: IntArray, values: FloatArray) -> float:
        """The number over one of :attr:`members` alone, from 0 to 1, by the values of its problems."""
        return self.aggregate([self.problems[member] for member in members], values.tolist())

    def resampled(self, values: FloatArray) -> FloatArray | None:
        """The numbers in percent over resampled groups, [B, Q]; ``None`` where groups cannot be resampled."""
        parts = self.by_group(values)
        return None if parts is None else 100 * replicates(*parts, seed=self.seed)
