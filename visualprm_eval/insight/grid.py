"""The candidates of many problems as arrays, [P, N], for arithmetic that takes all problems at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from visualprm_eval.rerankers import Pool, Reranker, StepAggregate

__all__ = ["BoolArray", "FloatArray", "Grid", "IntArray"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """P problems with N candidates each, a column per rank.

    Attributes:
        pools: Who can be chosen, [P]; no pool is empty.
        usable: Whether there is a candidate to choose, [P, N]; failed ones leave gaps.
        verdicts: 1.0 right, 0.0 wrong (or the host's fraction), NaN where nothing is usable, [P, N].
        votes: A number per distinct answer of a problem, -1 for an abstention or a gap, [P, N].
    """

    pools: tuple[Pool, ...]
    usable: BoolArray = field(repr=False)
    verdicts: FloatArray = field(repr=False)
    votes: IntArray = field(repr=False)
    _utilities: dict[Reranker, FloatArray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, pools: Sequence[Pool], n: int) -> Grid:
        """Arranges pools whose candidates were all graded.

        Args:
            pools: Pools that hold verdicts and at least one candidate.
            n: N, the ranks that were sampled.

        Raises:
            ValueError: A pool is empty, has no verdicts, or a rank that is not below ``n``.
        """
        shape = (len(pools), n)
        usable, verdicts = np.zeros(shape, dtype=bool), np.full(shape, np.nan)
        votes = np.full(shape, -1, dtype=np.int64)
        for row, pool in enumerate(pools):
            if not len(pool) or pool.verdicts is None or pool.ranks[-1] >= n:
                raise ValueError(f"pool of problem {pool.problem_id}: expected graded candidates of ranks below {n}")
            ranks = list(pool.ranks)
            usable[row, ranks] = True
            verdicts[row, ranks] = pool.verdicts
            numbers: dict[str | None, int] = {None: -1}
            votes[row, ranks] = [numbers.setdefault(answer, len(numbers) - 1) for answer in pool.answers]
        return cls(tuple(pools), usable, verdicts, votes)

    @property
    def n(self) -> int:
        """N."""
        return int(self.usable.shape[1])

    def __len__(self) -> int:
        """P."""
        return len(self.pools)

    def spread(self, rows: Sequence[Sequence[float] | FloatArray], gap: float = np.nan) -> FloatArray:
        """Numbers per candidate of each pool as an array, [P, N].

        Args:
            rows: A number per candidate of each pool, [P] times the pool's size.
            gap: What stands where there is no usable candidate.
        """
        array = np.full(self.usable.shape, gap)
        for row, (pool, numbers) in enumerate(zip(self.pools, rows, strict=True)):
            array[row, list(pool.ranks)] = numbers
        return array

    def utilities(self, reranker: Reranker) -> FloatArray:
        """What a reranker gives each candidate of the whole pool, minus infinity where there is none, [P, N].

        NaN, which is never picked, counts as minus infinity too. Who does not declare that it needs verdicts sees none.
        """
        if type(reranker) is StepAggregate:
            reranker = replace(reranker, name="")  # What it is called changes no number.
        if reranker in self._utilities:
            return self._utilities[reranker]
        seen = self.pools
        if "verdicts" not in reranker.needs:
            seen = tuple(replace(pool, verdicts=None) for pool in seen)
        array = self.spread([reranker.utilities(pool) for pool in seen], -np.inf)
        self._utilities[reranker] = np.where(np.isnan(array), -np.inf, array)
        return self._utilities[reranker]
