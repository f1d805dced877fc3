"""Two rerankers on the same problems: of one sampling, of two work dirs, or of one sample at temperature 0 and of N.

Two that pick are tested by flipping the signs of their differences. A mean of candidates is no pick: what it is
compared with is tested against picks by chance. Nothing is tested against an upper bound, which looks at verdicts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.evaluate.candidate_grid import FloatArray
from visualprm_eval.evaluate.rerankers import First, Reranker
from visualprm_eval.evaluate.stats.chance import ChancePicks
from visualprm_eval.evaluate.stats.final_picks import Finals
from visualprm_eval.evaluate.stats.gains import Split, interval
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.evaluate.stats.paired_tests import holm, sign_flip_test
from visualprm_eval.evaluate.stats.rows import Comparison

__all__ = ["Side", "beside_greedy", "by_baseline", "compare", "comparisons", "corrected", "side_of", "sides_of"]

_SIDES = ("self-consistency",)
"""Baselines beside the mean and the first candidate, in the order in which comparisons name them."""


@dataclass(frozen=True)
class Side:
    """What one reranker is worth on each problem of a benchmark.

    Attributes:
        label: What the comparison calls it.
        values: Problem id to the verdict of the pick, from 0 to 1.
        measure: The benchmark's number over these problems.
        k: Best of how many.
        chance: Picks by chance from its pools, if it is the mean of those; ``None`` for what picks.
        is_bound: Whether it looks at verdicts.
    """

    label: str
    values: Mapping[str, float]
    measure: Measure
    k: int
    chance: ChancePicks | None = None
    is_bound: bool = False


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
    numbers = (measure.value(values[:, 0]), measure.value(values[:, 1]))
    resamples = measure.resampled(values)
    low, high = interval(None if resamples is None else resamples[:, 0] - resamples[:, 1])
    p: float | None = None
    if not (first.is_bound or second.is_bound or math.isnan(sum(numbers))):
        if first.chance is None and second.chance is None:
            parts = measure.by_group(values)
            p = 1.0 if parts is None else sign_flip_test(parts[0][:, 0] - parts[0][:, 1])
        elif first.chance is None:
            p = _against_chance(second, measure, values[:, 0], is_own=first.measure is second.measure)
        elif second.chance is None:
            p = _against_chance(first, measure, values[:, 1], is_own=first.measure is second.measure)
    moved = values[:, 0] - values[:, 1]
    return Comparison(
        policy, benchmark, split, first.k, first.label, second.label, numbers[0] - numbers[1], low, high, p, p,
        int((moved > 0).sum()), int((moved < 0).sum()), len(problems),
        baseline_k=None if first.k == second.k else second.k,
    )  # fmt: skip


def _against_chance(mean: Side, measure: Measure, values: FloatArray, *, is_own: bool) -> float | None:
    """The test of picks, by what they are worth, [P], against picks by chance.

    Args:
        mean: The mean of candidates.
        measure: The benchmark's number over the problems that both sides have, [P].
        values: What the picks on these are worth.
        is_own: Whether they are picks from these candidates.
    """
    if mean.chance is None:
        return None
    number = measure.value(values)
    if is_own:
        return mean.chance.p_value(number)
    places = {problem.id: row for row, problem in enumerate(mean.measure.problems)}
    rows = np.array([places[problem.id] for problem in measure.problems])
    return mean.chance.joined_by(values, measure, rows).p_value(number)


def corrected(rows: Iterable[Comparison]) -> list[Comparison]:
    """The rows with p-values corrected for all of them together; those without a test stay without."""
    rows = list(rows)
    tested = [place for place, row in enumerate(rows) if row.p is not None]
    for place, p in zip(tested, holm([rows[place].p or 0.0 for place in tested]), strict=True):
        rows[place] = replace(rows[place], p_corrected=p)
    return rows


def side_of(found: Finals, name: str, label: str) -> Side:
    """What one of the rerankers of a split is worth.

    Args:
        found: The picks of all of them.
        name: Its name.
        label: What the comparison calls it.
    """
    column = [one.name for one in found.rerankers].index(name)
    return replace(sides_of(Split.of(found))[column], label=label)


def sides_of(split: Split) -> list[Side]:
    """What each reranker of a split is worth."""
    ids = [problem.id for problem in split.measure.problems]
    return [
        Side(
            one.name, dict(zip(ids, column, strict=True)), split.measure, split.n,
            split.chance if one.expectation else None, "verdicts" in one.needs,
        )
        for one, column in zip(split.rerankers, split.values.T.tolist(), strict=True)
    ]  # fmt: skip


def comparisons(split: Split, *, with_mean: bool) -> Iterator[Comparison]:
    """Every pair of rerankers but those with an upper bound; each with its p-value as it is.

    Args:
        split: Their picks.
        with_mean: Whether the mean of all samples is one of them though nobody asked for it.
    """
    shown = range(len(split.rerankers) if with_mean else split.n_asked)
    places = [place for place in shown if "verdicts" not in split.rerankers[place].needs]
    places.sort(key=lambda place: _seniority(split.rerankers[place]))
    for baseline, place in combinations(places, 2):
        draws = split.resamples
        ends = interval(None if draws is None else draws[:, place] - draws[:, baseline])
        rows = split.values[:, place] - split.values[:, baseline]
        yield Comparison(
            *split.place, split.n, split.rerankers[place].name, split.rerankers[baseline].name,
            float(split.numbers[place] - split.numbers[baseline]), *ends, p := _tested(split, place, baseline), p,
            int((rows > 0).sum()), int((rows < 0).sum()), len(rows), note=split.note,
        )  # fmt: skip


def _seniority(reranker: Reranker) -> tuple[bool, bool, bool]:
    """Baselines come first: the mean, then the first candidate, then the plain vote."""
    return not reranker.expectation, type(reranker) is not First, reranker.name not in _SIDES


def _tested(split: Split, place: int, baseline: int) -> float | None:
    """The p-value of a difference; ``None`` of one between two means."""
    picks = [each for each in (place, baseline) if not split.rerankers[each].expectation]
    if len(picks) == 2:
        parts = split.measure.by_group(split.values[:, [place, baseline]])
        return 1.0 if parts is None else sign_flip_test(parts[0][:, 0] - parts[0][:, 1])
    return split.chance.p_value(float(split.numbers[picks[0]])) if picks and split.chance is not None else None


def beside_greedy(sampled: Split, greedy: Split, *, with_mean: bool) -> Iterator[Comparison]:
    """Every reranker that picks against the policy's sample at temperature 0, and that one against the mean.

    Args:
        sampled: The picks from N candidates.
        greedy: One sample at temperature 0, which published pass@1 figures are of.
        with_mean: As for :func:`comparisons`.
    """
    baseline = sides_of(greedy)[0]
    for side in sides_of(sampled)[: None if with_mean else sampled.n_asked]:
        if side.is_bound or not side.values.keys() & baseline.values.keys():
            continue
        pair = (side, baseline) if side.chance is None else (baseline, side)
        row = replace(compare(*pair, *sampled.place), note=sampled.note)
        if not math.isnan(row.difference):
            yield row


def by_baseline(rows: Iterable[Comparison]) -> list[Comparison]:
    """The rows with p-values corrected for all that are compared with the same baseline on the same split."""
    families: dict[tuple[str, ...], list[Comparison]] = {}
    for row in rows:
        families.setdefault((row.policy, row.benchmark, row.split, row.baseline), []).append(row)
    return [row for family in families.values() for row in corrected(family)]
