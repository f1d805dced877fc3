"""Picks by chance against plain enumeration of all of them, and against scipy."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.unit.evaluate.stats.test_groups import dynamath_groups, wemath_groups
from visualprm_eval.core.types import Part, Problem
from visualprm_eval.evaluate.stats.chance import ChancePicks, poisson_binomial
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.tasks import TASKS
from visualprm_eval.tasks.base import row_mean

POOLS = st.lists(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=4), min_size=1, max_size=6)


def problem(number: int, groups: dict[str, str] | None = None) -> Problem:
    return Problem("B", str(number), "", (Part("text", "?"),), "a", f"id{number}", groups=groups or {})


def chance_of(pools: list[list[float]], aggregate=row_mean, group=None, groups=None) -> ChancePicks:
    """Pools of any sizes; a gap stands for a candidate that failed."""
    verdicts = np.full((len(pools), max(map(len, pools))), np.nan)
    for row, pool in enumerate(pools):
        verdicts[row, : len(pool)] = pool
    problems = [problem(number, None if groups is None else groups[number]) for number in range(len(pools))]
    return ChancePicks(verdicts, Measure(problems, aggregate, group, seed=3))


def all_numbers(chance: ChancePicks, pools: list[list[float]]) -> Counter[float]:
    """How likely each number of the benchmark is, over every way to pick, each as likely as the others."""
    ways = math.prod(map(len, pools))
    found: Counter[float] = Counter()
    for picks in itertools.product(*pools):
        found[round(chance.measure.value(np.array(picks)), 9)] += Fraction(1, ways)
    return found


def two_sided(likely: Counter[float], number: float) -> float:
    below = sum(share for value, share in likely.items() if value <= number + 1e-9)
    above = sum(share for value, share in likely.items() if value >= number - 1e-9)
    return float(min(Fraction(1), 2 * min(below, above)))


@settings(deadline=None)
@given(POOLS, st.data())
def test_right_or_wrong_is_exact(pools, data):
    chance = chance_of(pools)
    likely = all_numbers(chance, pools)
    picks = [data.draw(st.sampled_from(pool)) for pool in pools]
    number = chance.measure.value(np.array(picks))
    assert chance.p_value(number) == pytest.approx(two_sided(likely, number), abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=40))
def test_it_is_scipys_poisson_binomial(chances):
    expected = stats.poisson_binom.pmf(np.arange(len(chances) + 1), np.array(chances)) if chances else [1.0]
    assert poisson_binomial(np.array(chances)) == pytest.approx(expected, abs=1e-12)


def test_equal_chances_are_the_binomial_distribution_far_into_its_tails():
    found, expected = poisson_binomial(np.full(60, 0.3)), stats.binom.pmf(np.arange(61), 60, 0.3)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert found[-1] < 1e-31


def test_one_in_eight_by_hand():
    # Three pools with one right candidate of two each: all three right has the chance 1/8, and as far below 1/8.
    chance = chance_of([[1.0, 0.0]] * 3 + [[1.0, 1.0], [0.0, 0.0]])
    assert chance.p_value(80.0) == pytest.approx(2 / 8)
    assert chance.p_value(20.0) == pytest.approx(2 / 8)
    assert chance.p_value(60.0) == 1.0, "more than half of all picks do as well, or as badly"


def test_pools_in_which_there_is_nothing_to_choose_show_nothing():
    assert chance_of([[1.0, 1.0], [0.0, 0.0]]).p_value(50.0) == 1.0


@pytest.mark.parametrize(("name", "groups"), [("DynaMath", dynamath_groups), ("WeMath", wemath_groups)])
def test_groups_are_simulated_close_to_all_ways_to_pick(name, groups):
    task = TASKS[name]
    pools = [[1.0, float(number % 3 == 0)] for number in range(len(groups()))]
    chance = chance_of(pools, task.aggregate, task.group, groups())
    likely = all_numbers(chance, pools)
    assert len(likely) > 2, "picks differ"
    for number in likely:
        assert chance.p_value(number) == pytest.approx(two_sided(likely, number), abs=0.02)
    again = chance_of(pools, task.aggregate, task.group, groups())
    assert [again.p_value(number) for number in likely] == [chance.p_value(number) for number in likely]
    mean = sum(number * float(share) for number, share in likely.items())
    shares = np.array([np.mean(pool) for pool in pools])
    assert chance.measure.value(shares) == pytest.approx(mean), "the metric of means is the mean of the metric"


def test_fractions_are_simulated_close_to_all_ways_to_pick():
    draw = np.random.default_rng(4)
    pools = [draw.choice([0.0, 0.25, 0.5, 1.0], size=3).tolist() for _ in range(6)]
    pools[2] = pools[2][:2]
    chance = chance_of(pools)
    likely = all_numbers(chance, pools)
    for number in likely:
        assert chance.p_value(number) == pytest.approx(two_sided(likely, number), abs=0.02)


def test_a_metric_that_is_no_mean_over_groups_is_simulated_too():
    def best(problems, values):
        return max(values)

    pools = [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    chance = chance_of(pools, best)
    assert chance.measure.by_group(np.array([[0.5], [0.0], [0.5]])) is None
    assert chance.p_value(0.0) == pytest.approx(0.5, abs=0.06)
    assert chance.p_value(100.0) == 1.0


def test_a_sample_from_elsewhere_joins_the_pools():
    """One wrong sample beside seven right ones of one problem of four is as likely the last one as any."""
    chance = chance_of([[1.0] * 7] * 4)
    values = np.array([0.0, 1.0, 1.0, 1.0])
    assert chance.p_value(75.0) == 0.0, "no pick from these pools comes to that"
    joined = chance.joined_by(values, chance.measure, np.arange(4))
    assert joined.p_value(75.0) == pytest.approx(2 / 8)


def test_picks_by_chance_are_seldom_beyond_chance():
    draw = np.random.default_rng(6)
    verdicts = (draw.random((80, 8)) < draw.random((80, 1))).astype(float)
    chance = ChancePicks(verdicts, Measure([problem(number) for number in range(80)]))
    rows = np.arange(80)
    p_values = [chance.p_value(100 * verdicts[rows, draw.integers(0, 8, 80)].mean()) for _ in range(2000)]
    assert 0.02 < np.mean(np.array(p_values) <= 0.05) <= 0.06, "at most 5%; outcomes are whole numbers of problems"
