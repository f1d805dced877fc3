"""Values and gains of one policy on one benchmark, over whichever baseline there is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

import numpy as np

from visualprm_eval.core.baselines import FIRST, GREEDY, MEAN, ROWS
from visualprm_eval.evaluate.fsum_arrays import FloatArray
from visualprm_eval.evaluate.rerankers import First, Greedy, Random, Reranker
from visualprm_eval.evaluate.result_rows import ResultRow, gained
from visualprm_eval.evaluate.stats.bootstrap import interval
from visualprm_eval.evaluate.stats.chance import ChancePicks
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.evaluate.stats.rows import Mean, Standing
from visualprm_eval.tasks.primary_figures import LOWER

Place = tuple[str, str, str]
"""Policy, benchmark and split."""


@dataclass(frozen=True, eq=False)
class Split:
    """The values of all rerankers on one split, without the candidates behind them.

    Attributes:
        place: Policy, benchmark and split.
        n: N.
        note: What must be said of its numbers.
        rerankers: Who has a value, [R]; the mean of all N samples comes last where nobody asked for it.
        n_asked: How many of these were asked for.
        measure: The benchmark's number over its problems.
        values: What each pick is worth, from 0 to 1, [P, R].
        chance: Picks by chance; ``None`` where only picks are graded.
        mean: The mean of all N samples; ``None`` where not every candidate has a verdict.
    """

    place: Place
    n: int
    note: str
    rerankers: Sequence[Reranker]
    n_asked: int
    measure: Measure
    values: FloatArray
    chance: ChancePicks | None
    mean: Mean | None

    @property
    def asked(self) -> Sequence[Reranker]:
        """The rerankers that were asked for."""
        return self.rerankers[: self.n_asked]

    @property
    def is_greedy(self) -> bool:
        """Whether it is one sample at temperature 0 per problem, beside others."""
        return all(isinstance(one, Greedy) for one in self.asked)

    @cached_property
    def numbers(self) -> FloatArray:
        """The benchmark's number of each reranker, in percent, [R]."""
        return np.array([self.measure.value(column) for column in self.values.T])

    @cached_property
    def resamples(self) -> FloatArray | None:
        """The same in bootstrap resamples, [B, R]; ``None`` where no group can be drawn."""
        return self.measure.resampled(self.values)

    def column(self, kind: str) -> int | None:
        """Which reranker's value a baseline of this kind is."""
        kinds: Mapping[str, type[Reranker]] = {MEAN: Random, FIRST: First, GREEDY: Greedy}
        if kind == MEAN and self.mean is None:
            return None
        return next((place for place, one in enumerate(self.rerankers) if type(one) is kinds[kind]), None)


@dataclass(frozen=True, eq=False)
class Pairing:
    """Rerankers of a split beside one of another sampling, or of their own, on the problems that both have.

    Attributes:
        split: Whose rerankers.
        columns: Which of them, [C].
        other: The other one's split; the same policy or work dir or another.
        column: Which of its rerankers.
        measure: The benchmark's number over the problems that both have.
        values: What each pick is worth on these, the other one's last, [P, C + 1].
    """

    split: Split
    columns: Sequence[int]
    other: Split
    column: int
    measure: Measure
    values: FloatArray

    @classmethod
    def of(cls, split: Split, other: Split, column: int, columns: Sequence[int] | None = None) -> Pairing | None:
        """Pairs all rerankers of a split, or those of some ``columns``; ``None`` without a problem in common."""
        columns = range(len(split.rerankers)) if columns is None else columns
        theirs = {problem.id: row for row, problem in enumerate(other.measure.problems)}
        rows = [row for row, problem in enumerate(split.measure.problems) if problem.id in theirs]
        problems = [split.measure.problems[row] for row in rows]
        if not problems:
            return None
        worth = other.values[[theirs[problem.id] for problem in problems], column]
        values = np.column_stack([split.values[np.ix_(rows, list(columns))], worth])
        measure = split.measure if split.measure is other.measure else replace(split.measure, problems=problems)
        return cls(split, columns, other, column, measure, values)

    @cached_property
    def differences(self) -> FloatArray:
        """How much greater each number is than the other one's, in points, [C]."""
        if self.split is self.other:
            numbers = self.split.numbers[[*self.columns, self.column]]
        else:
            numbers = np.array([self.measure.value(column) for column in self.values.T])
        return np.asarray(numbers[:-1] - numbers[-1])

    @cached_property
    def resamples(self) -> FloatArray | None:
        """The same in paired bootstrap resamples, [B, C]; ``None`` where no group can be drawn."""
        if self.split is self.other:
            draws = self.split.resamples
            return None if draws is None else draws[:, list(self.columns)] - draws[:, [self.column]]
        draws = self.measure.resampled(self.values)
        return None if draws is None else draws[:, :-1] - draws[:, -1:]


Draws = FloatArray | None


@dataclass(eq=False)
class Gains:
    """The values of a place and their gains over each kind of baseline.

    Attributes:
        sampled: The values of those who pick from the N candidates.
        greedy: The value of one sample at temperature 0.
    """

    sampled: Split | None = None
    greedy: Split | None = None
    _standings: dict[str | None, list[tuple[Standing, Draws, Draws]]] = field(default_factory=dict, init=False)

    def take(self, split: Split) -> None:
        """Adds what was worked out of one sampling."""
        setattr(self, "greedy" if split.is_greedy else "sampled", split)
        self._standings.clear()

    @property
    def n(self) -> int:
        """N."""
        return self.sampled.n if self.sampled else 1

    @property
    def mean(self) -> Mean | None:
        """The mean of all N samples, where there is one."""
        return None if self.sampled is None else self.sampled.mean

    @property
    def kinds(self) -> set[str]:
        """The baselines that there are."""
        return {kind for kind in ROWS if self._base(kind) is not None}

    def _base(self, kind: str) -> tuple[Split, int] | None:
        split = self.greedy if kind == GREEDY else self.sampled
        column = None if split is None else split.column(kind)
        return None if split is None or column is None else (split, column)

    def standings(self, kind: str | None) -> Sequence[tuple[Standing, Draws, Draws]]:
        """Every value with its interval and its gain, with the resamples of the value and of the gain, [B].

        Args:
            kind: Of the baseline; ``None`` for none.
        """
        if kind not in self._standings:
            self._standings[kind] = list(self._worked_out(kind))
        return self._standings[kind]

    def _worked_out(self, kind: str | None) -> Iterator[tuple[Standing, Draws, Draws]]:
        base = None if kind is None else self._base(kind)
        for split in filter(None, (self.greedy, self.sampled)):
            pairing = None if base is None else Pairing.of(split, *base)
            for place, reranker in enumerate(split.rerankers):
                if place >= split.n_asked and kind != MEAN:
                    continue  # Nobody asked for the mean.
                draws = None if split.resamples is None else split.resamples[:, place]
                row = Standing(
                    *split.place, reranker.name, split.n, float(split.numbers[place]), *interval(draws),
                    note=split.note, baseline=kind or "", is_bound="verdicts" in reranker.needs,
                )  # fmt: skip
                gains = None if pairing is None or pairing.resamples is None else pairing.resamples[:, place]
                if pairing is not None and (split, place) != base and not math.isnan(pairing.differences[place]):
                    row = with_gain(row, float(pairing.differences[place]), gains)
                yield row, draws, gains


def with_gain(row: Standing, gain: float, difference: Draws) -> Standing:
    """The row with its gain and that one's interval; an upper bound has none, since there is nothing to test."""
    low, high = interval(None if row.is_bound else difference)
    return replace(row, gain=gain, gain_low=low, gain_high=high)


@dataclass(eq=False)
class WholeTables:
    """The same of a place whose values are figures of whole tables: there is no mean, and nothing can be resampled.

    Attributes:
        rows: The values at the largest k, by reranker.
    """

    mean: ClassVar[None] = None
    rows: dict[str, ResultRow] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """The largest k."""
        return max((row.k for row in self.rows.values()), default=1)

    @property
    def kinds(self) -> set[str]:
        """The baselines that there are."""
        return {kind for kind in (GREEDY, FIRST) if ROWS[kind] in self.rows}

    def standings(self, kind: str | None) -> Iterator[tuple[Standing, Draws, Draws]]:
        """Every value with its gain, without resamples."""
        base = None if kind is None else self.rows.get(ROWS[kind])
        for name, row in self.rows.items():
            if row.value is None:
                continue
            gain = None if base is None or base is row else gained(row, base)
            note = "figure of a whole table" + (f", {LOWER}" if LOWER in row.metric else "")
            yield Standing(
                *row.place, name, row.k, row.value, None, None, gain, note=note, baseline=kind or "",
            ), None, None  # fmt: skip
