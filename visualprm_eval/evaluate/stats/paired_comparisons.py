"""Two rerankers on the same problems: of one sampling, of two work dirs, or of one sample at temperature 0 and of N.

Two that pick are tested by flipping the signs of their differences. A mean of candidates is no pick: what it is
compared with is tested against picks by chance. Nothing is tested against an upper bound, which looks at verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.groups import grouped
from visualprm_eval.evaluate.rerankers import First, Reranker
from visualprm_eval.evaluate.stats.bootstrap import interval
from visualprm_eval.evaluate.stats.gains import Pairing, Split
from visualprm_eval.evaluate.stats.paired_tests import holm, sign_flip_test
from visualprm_eval.evaluate.stats.rows import Comparison

_SIDES = ("self-consistency",)
"""Baselines beside the mean and the first candidate, in the order in which comparisons name them."""


@dataclass(frozen=True)
class Side:
    """One reranker of a split.

    Attributes:
        label: What the comparison calls it.
        split: The values of all rerankers there.
        column: Which of them it is.
    """

    label: str
    split: Split
    column: int


def side_of(split: Split, name: str, label: str) -> Side:
    """One of the rerankers of a split.

    Args:
        split: The values of all of them.
        name: Its name.
        label: What the comparison calls it.
    """
    return Side(label, split, [reranker.name for reranker in split.asked].index(name))


def compare(first: Side, second: Side) -> Comparison:
    """Compares two sides on the problems that both have; the row is of the first one's policy and split.

    Args:
        first: The one that a positive difference speaks for.
        second: The other.

    Raises:
        ConfigError: They have no problem in common.
    """
    pairing = Pairing.of(first.split, second.split, second.column, [first.column])
    if pairing is None:
        raise ConfigError(
            f"{first.label} and {second.label} have no problem of {first.split.place[1]} in common: "
            "was the benchmark's data or prompt changed in between?"
        )
    return replace(_compared(pairing, 0), reranker=first.label, baseline=second.label)


def _compared(pairing: Pairing, place: int) -> Comparison:
    """One of the rerankers of a pairing against the other split's."""
    split, other, draws = pairing.split, pairing.other, pairing.resamples
    moved = pairing.values[:, place] - pairing.values[:, -1]
    p = _p_value(pairing, place)
    return Comparison(
        *split.place, split.rerankers[pairing.columns[place]].name, split.n, other.rerankers[pairing.column].name,
        float(pairing.differences[place]), *interval(None if draws is None else draws[:, place]), p, p,
        int((moved > 0).sum()), int((moved < 0).sum()), len(moved), split.note,
        None if split.n == other.n else other.n,
    )  # fmt: skip


def _p_value(pairing: Pairing, place: int) -> float | None:
    """The test of one of the differences; ``None`` of one between two means, and of one to an upper bound."""
    sides = [(pairing.split, pairing.columns[place]), (pairing.other, pairing.column)]
    rerankers = [split.rerankers[column] for split, column in sides]
    if any("verdicts" in reranker.needs for reranker in rerankers) or math.isnan(pairing.differences[place]):
        return None
    values = pairing.values[:, [place, -1]]
    means = [number for number, reranker in enumerate(rerankers) if reranker.expectation]
    if not means:
        parts = pairing.measure.by_group(values)
        return 1.0 if parts is None else sign_flip_test(parts[0][:, 0] - parts[0][:, 1])
    mean, picks = sides[means[0]][0], values[:, 1 - means[0]]
    if len(means) == 2 or mean.chance is None:
        return None
    chance = mean.chance
    if pairing.split.measure is not pairing.other.measure:  # The picks are not from these candidates.
        places = {problem.id: row for row, problem in enumerate(mean.measure.problems)}
        rows = np.array([places[problem.id] for problem in pairing.measure.problems])
        chance = chance.joined_by(picks, pairing.measure, rows)
    return chance.p_value(pairing.measure.value(picks))


def corrected(rows: Iterable[Comparison]) -> list[Comparison]:
    """The rows with p-values corrected for all of them together; those without a test stay without."""
    rows = list(rows)
    p_values = iter(holm([row.p for row in rows if row.p is not None]))
    return [row if row.p is None else replace(row, p_corrected=next(p_values)) for row in rows]


def by_baseline(rows: Iterable[Comparison]) -> list[Comparison]:
    """The rows with p-values corrected for all that are compared with the same baseline on the same split."""
    families = grouped(rows, lambda row: (*row.place, row.baseline))
    return [row for family in families.values() for row in corrected(family)]


def comparisons(split: Split, *, with_mean: bool) -> Iterator[Comparison]:
    """Every pair of rerankers but those with an upper bound; each with its p-value as it is.

    Args:
        split: Their picks.
        with_mean: Whether the mean of all samples is one of them though nobody asked for it.
    """
    shown = range(len(split.rerankers) if with_mean else split.n_asked)
    columns = [column for column in shown if "verdicts" not in split.rerankers[column].needs]
    columns.sort(key=lambda column: _seniority(split.rerankers[column]))
    for number, baseline in enumerate(columns, 1):
        pairing = Pairing.of(split, split, baseline, columns[number:])
        if pairing is not None:
            yield from (_compared(pairing, place) for place in range(len(pairing.columns)))


def _seniority(reranker: Reranker) -> tuple[bool, bool, bool]:
    """Baselines come first: the mean, then the first candidate, then the plain vote."""
    return not reranker.expectation, type(reranker) is not First, reranker.name not in _SIDES


def beside_greedy(sampled: Split, greedy: Split, *, with_mean: bool) -> Iterator[Comparison]:
    """Every reranker that picks against the policy's sample at temperature 0, and that one against the mean.

    Args:
        sampled: The picks from N candidates.
        greedy: One sample at temperature 0, which published pass@1 figures are of.
        with_mean: As for :func:`comparisons`.
    """
    for column, reranker in enumerate(sampled.rerankers[: None if with_mean else sampled.n_asked]):
        if reranker.expectation:
            pairing = Pairing.of(greedy, sampled, column, [0])
        else:
            pairing = Pairing.of(sampled, greedy, 0, [column])
        if "verdicts" in reranker.needs or pairing is None or math.isnan(pairing.differences[0]):
            continue
        yield replace(_compared(pairing, 0), note=sampled.note)
