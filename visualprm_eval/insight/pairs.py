"""Picks on the same problems, paired across samplings: of two work dirs, or of one sample at temperature 0 and of N."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from visualprm_eval.errors import ConfigError
from visualprm_eval.insight.facts import Comparison
from visualprm_eval.insight.finals import Finals
from visualprm_eval.insight.intervals import percentiles
from visualprm_eval.insight.measure import Measure
from visualprm_eval.insight.paired import holm, sign_flip_test
from visualprm_eval.rerankers import Greedy, Oracle

__all__ = ["Picks", "Side", "beside_greedy", "compare", "corrected", "picks_of", "side_of"]


@dataclass(frozen=True)
class Side:
    """What one reranker is worth on each problem of a benchmark.

    Attributes:
        label: What the comparison calls it.
        values: Problem id to the verdict of the pick, from 0 to 1.
        measure: The benchmark's number over these problems.
        k: Best of how many.
    """

    label: str
    values: Mapping[str, float]
    measure: Measure
    k: int


def compare(first: Side, second: Side, policy: str, benchmark: str, split: str) -> Comparison:
    """Compares two sides on the problems that both have.

    Args:
        first: The one that a positive difference speaks for.
        second: The other.
        policy: Whose candidates, for the row.
        benchmark: Of which benchmark.
        split: Of which split.

    Raises:
        ConfigError: They have no problem in common.
    """
    problems = [one for one in first.measure.problems if one.id in second.values]
    if not problems:
        raise ConfigError(
            f"{first.label} and {second.label} have no problem of {benchmark} in common: "
            "was the benchmark's data or prompt changed in between?"
        )
    values = np.array([[side.values[one.id] for side in (first, second)] for one in problems])
    measure = replace(first.measure, problems=problems)
    difference = measure.value(values[:, 0]) - measure.value(values[:, 1])
    parts, resamples = measure.by_group(values), measure.resampled(values)
    low = high = None
    if resamples is not None:
        lows, highs = percentiles((resamples[:, 0] - resamples[:, 1])[:, None])
        low, high = float(lows[0]), float(highs[0])
    p = 1.0 if parts is None else sign_flip_test(parts[0][:, 0] - parts[0][:, 1])
    moved = values[:, 0] - values[:, 1]
    return Comparison(
        policy, benchmark, split, first.k, first.label, second.label, difference, low, high, p, p,
        int((moved > 0).sum()), int((moved < 0).sum()), len(problems),
        baseline_k=None if first.k == second.k else second.k,
    )  # fmt: skip


def corrected(rows: Sequence[Comparison]) -> list[Comparison]:
    """The rows with p-values corrected for all of them together."""
    return [replace(row, p_corrected=p) for row, p in zip(rows, holm([row.p for row in rows]), strict=True)]


def side_of(found: Finals, name: str, label: str) -> Side:
    """What one of the rerankers of a split is worth.

    Args:
        found: The picks of all of them.
        name: Its name.
        label: What the comparison calls it.
    """
    column = [one.name for one in found.rerankers].index(name)
    ids = [problem.id for problem in found.measure.problems]
    return Side(label, dict(zip(ids, found.values[:, column].tolist(), strict=True)), found.measure, found.study.n)


@dataclass(frozen=True)
class Picks:
    """What is kept of the picks on a split, to pair them with those of another sampling.

    Attributes:
        place: Policy, benchmark and split.
        note: What must be said of its numbers.
        greedy: Of one sample at temperature 0 per problem.
        sides: Each reranker but the oracle, which is none.
    """

    place: tuple[str, str, str]
    note: str
    greedy: bool
    sides: Sequence[Side]


def picks_of(found: Finals) -> Picks:
    """What :func:`beside_greedy` needs of the picks of a split."""
    place = (found.study.policy, found.study.benchmark, found.split)
    kept = [one for one in found.rerankers if not isinstance(one, Oracle)]
    greedy = bool(kept) and all(isinstance(one, Greedy) for one in kept)
    return Picks(place, found.note, greedy, [side_of(found, one.name, one.name) for one in kept])


def beside_greedy(picks: Sequence[Picks]) -> Iterator[Comparison]:
    """Every reranker against the policy's sample at temperature 0, which published pass@1 figures are of.

    Args:
        picks: Of all policies and benchmarks; those without both have no rows.

    Returns:
        The rows of a split are corrected together, as those with any other baseline.
    """
    greedy = {one.place: one.sides[0] for one in picks if one.greedy}
    for one in picks:
        baseline = greedy.get(one.place)
        if one.greedy or baseline is None:
            continue
        paired = [side for side in one.sides if side.values.keys() & baseline.values.keys()]
        rows = [replace(compare(side, baseline, *one.place), note=one.note) for side in paired]
        yield from corrected([row for row in rows if not math.isnan(row.difference)])
