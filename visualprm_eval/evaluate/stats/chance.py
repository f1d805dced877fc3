"""What picking by chance is worth: of each problem one candidate, each as likely as the others.

The expectation is the mean of all samples. Whether a reranker does better than that is a question to its picks alone:
how likely do picks by chance, from the same pools, come to its value? No problem is drawn again, and no sign flipped: a
mean is no pick whose difference could as well have gone the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.tasks.base import row_mean

_DRAWS = 20_000
_WHOLE_DRAWS = 2_000
"""Where the metric is no mean over groups, so that each draw takes a look at the whole table."""
_CHUNK = 4_000_000
_CODES = 2**62
_SAME = 1e-7
"""Points by which numbers may differ that rounding alone sets apart."""


def poisson_binomial(chances: FloatArray) -> FloatArray:
    """How likely each number of hits is, [P + 1], of P independent trials that hit with these chances, [P]."""
    likely = np.ones(1)
    for chance in chances.tolist():
        # Sums of what is positive: tails keep their digits.
        likely = np.append(likely * (1 - chance), 0.0) + np.append(0.0, likely * chance)
    return likely


@dataclass(frozen=True)
class ChancePicks:
    """Picks by chance from given pools.

    Attributes:
        verdicts: From 0 to 1, [P, N]; NaN where nothing can be picked; at least one per problem.
        measure: The benchmark's number over these problems.
    """

    verdicts: FloatArray
    measure: Measure

    def joined_by(self, values: FloatArray, measure: Measure, rows: IntArray) -> ChancePicks:
        """The same on some of the problems, with a sample that is from elsewhere among the candidates.

        Were it a sample like the others, it could as well be any of the N + 1. (Without it in the pools one wrong
        sample beside N right ones would be beyond all chance.)

        Args:
            values: What that sample of each of these problems is worth, [P].
            measure: The benchmark's number over them.
            rows: Their places here, [P].
        """
        return ChancePicks(np.column_stack([self.verdicts[rows], values]), measure)

    def p_value(self, number: float) -> float:
        """How often chance comes to a number at least as far out.

        Twice the smaller of two chances, that of at least this number and that of at most this number; 1 at most. The
        chances are exact where the metric is the mean over rows that are right or wrong; else picks are drawn with a
        seed, and the observed ones count as one draw more.

        Args:
            number: The benchmark's number over a reranker's picks, in percent.
        """
        numbers, likely, observed = self._outcomes
        tails = (likely[numbers >= number - _SAME].sum(), likely[numbers <= number + _SAME].sum())
        return min(1.0, 2 * (observed + float(min(tails))))

    @cached_property
    def _outcomes(self) -> tuple[FloatArray, FloatArray, float]:
        """What picks by chance come to, in percent, how likely each number is, and the weight of the observed one."""
        known = ~np.isnan(self.verdicts)
        if self.measure.aggregate is row_mean and np.isin(self.verdicts[known], (0.0, 1.0)).all():
            chances = np.where(known, self.verdicts, 0.0).sum(axis=1) / known.sum(axis=1)
            certain = int((chances == 1).sum())
            likely = poisson_binomial(chances[(chances > 0) & (chances < 1)])
            return 100 * (certain + np.arange(len(likely))) / len(chances), likely, 0.0
        numbers = self._drawn()
        weight = 1 / (1 + len(numbers))
        return numbers, np.full(len(numbers), weight), weight

    def _drawn(self) -> FloatArray:
        """The number over picks that are drawn, in percent, [R]."""
        rng, everybody = np.random.default_rng(self.measure.seed), np.arange(len(self.verdicts))
        if self.measure.aggregate is row_mean:
            step = max(1, _CHUNK // len(everybody))
            sizes = [min(step, _DRAWS - start) for start in range(0, _DRAWS, step)]
            return 100 * np.concatenate([self._picks(rng, everybody, size).mean(axis=1) for size in sizes])
        means = np.nanmean(self.verdicts, axis=1)
        if self.measure.by_group(means[:, None]) is None:
            drawn = (self._picks(rng, everybody, 1)[0] for _ in range(_WHOLE_DRAWS))
            return np.array([self.measure.value(picks) for picks in drawn])
        sums, count = np.zeros(_DRAWS), 0
        for members in self.measure.members:
            expected = self.measure.part(members, means[members])
            if np.isnan(expected):
                continue  # A group of which a part is lacking does not count.
            count += 1
            if expected in {0.0, 1.0}:  # No pick can change what is at either end.
                sums += expected
                continue
            worth, places = _distinct(self._picks(rng, members, _DRAWS))
            sums += np.array([self.measure.part(members, each) for each in worth])[places]
        return 100 * sums / count

    def _picks(self, rng: np.random.Generator, rows: IntArray, draws: int) -> FloatArray:
        """The verdicts of candidates drawn for some of the problems, [draws, len(rows)]."""
        ordered = np.sort(self.verdicts[rows], axis=1)  # NaN comes last.
        sizes = (~np.isnan(ordered)).sum(axis=1)
        places = (rng.random((draws, len(rows))) * sizes).astype(np.int64)
        drawn: FloatArray = ordered[np.arange(len(rows)), places]
        return drawn


def _distinct(rows: FloatArray) -> tuple[FloatArray, IntArray]:
    """The rows that differ, and which of them each row is."""
    levels = np.unique(rows)
    if len(levels) ** rows.shape[1] < _CODES:
        # One number per row is sorted much faster than rows are.
        codes = np.searchsorted(levels, rows) @ (len(levels) ** np.arange(rows.shape[1]))
        _, first, places = np.unique(codes, return_index=True, return_inverse=True)
        return rows[first], places
    worth, places = np.unique(rows, axis=0, return_inverse=True)
    return worth, places.reshape(-1)
