"""The closed form, and picks from subsets, against plain enumeration of all subsets."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.unit import plain_rule
from tests.unit.evaluate.stats.conftest import grid_of, make_pools
from visualprm_eval.core.types import Problem
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.evaluate.rerankers import First, Pool, Reranker, SelfConsistency
from visualprm_eval.evaluate.stats.best_of_k import (
    ALL_SUBSETS,
    DRAWN_SUBSETS,
    curve_ks,
    draw_subsets,
    estimates,
    expected_best,
    mean_value,
    place_weights,
    values_in_subsets,
)
from visualprm_eval.evaluate.stats.measure import Measure
from visualprm_eval.tasks.base import row_mean

POINTWISE = build_rerankers(["visualprm", "visualprm:min", "visualprm:product", "oracle"], ["prm"])
VOTES = build_rerankers(["self-consistency", "weighted-vote"], ["prm"])


class Counting(Reranker):
    """A third party's self-consistency, which has no fast way."""

    def utilities(self, pool):
        return np.array([answer is not None and pool.answers.count(answer) for answer in pool.answers], dtype=float)


def enumerated(pool: Pool, n: int, k: int, reranker) -> list[float]:
    """What the reranker's picks are worth, subset by subset, by the plain rule."""
    rule, entries = plain_rule.rule_of(reranker), plain_rule.entries_of(pool)
    subsets = [[one for one in entries if one.rank in ranks] for ranks in itertools.combinations(range(n), k)]
    return [plain_rule.choose(rule, subset).right for subset in subsets if subset]


@pytest.mark.parametrize("reranker", POINTWISE, ids=lambda reranker: reranker.name)
def test_the_closed_form_is_the_mean_over_all_subsets(pools, n, reranker):
    grid = grid_of(pools, n)
    ks = list(range(1, n + 1))
    expected = expected_best(reranker.scores(grid), grid.verdicts, grid.usable, ks)
    for row, pool in enumerate(pools):
        for column, k in enumerate(ks):
            assert expected[row, column] == pytest.approx(np.mean(enumerated(pool, n, k, reranker)), abs=1e-12)


@pytest.mark.parametrize("reranker", [*POINTWISE, *VOTES], ids=lambda reranker: reranker.name)
def test_at_k_n_it_is_the_pick(pools, n, reranker):
    grid = grid_of(pools, n)
    picks = [value for pool in pools for value in enumerated(pool, n, n, reranker)]
    assert grid.worth(reranker.in_prefixes(grid, [n]))[:, 0].tolist() == picks
    if reranker.pointwise:
        assert expected_best(reranker.scores(grid), grid.verdicts, grid.usable, [n])[:, 0] == pytest.approx(picks)


def test_votes_of_equal_weight_are_equal_in_whatever_order_they_are_added():
    """.3 + .2 + .1 and .1 + .2 + .3 are not the same number when they are added one by one: the lowest rank wins."""
    scores = tuple((score,) for score in (0.3, 0.1, 0.2, 0.2, 0.1, 0.3))
    texts = tuple("abcdef")
    pool = Pool("p", tuple(range(6)), texts, tuple("xyxyxy"), {"visualprm": scores}, (1.0, 0.0) * 3)
    vote = VOTES[1]
    assert vote.in_prefixes(grid_of([pool], 6), [6]) == [[0]]


@pytest.mark.parametrize("reranker", [*POINTWISE, *VOTES, First("first")], ids=lambda reranker: reranker.name)
def test_values_in_subsets_are_those_of_picks(pools, n, reranker):
    grid = grid_of(pools, n)
    for k in range(1, n + 1):
        subsets, exhaustive = draw_subsets(n, k, len(pools), 0)
        assert exhaustive
        values = values_in_subsets(grid, reranker, subsets)
        for row, pool in enumerate(pools):
            known = values[row][~np.isnan(values[row])]
            assert known.tolist() == enumerated(pool, n, k, reranker)


def test_a_third_partys_reranker_is_asked_subset_by_subset(pools, n):
    grid = grid_of(pools, n)
    subsets, _ = draw_subsets(n, max(1, n - 1), len(pools), 0)
    theirs, ours = (values_in_subsets(grid, kind("x"), subsets) for kind in (Counting, SelfConsistency))
    np.testing.assert_array_equal(theirs, ours)


def test_who_declares_no_need_sees_no_verdicts():
    seen = []

    class Peeping(POINTWISE[0].__class__):
        def utilities(self, pool):
            seen.append(pool.verdicts)
            return np.zeros(len(pool))

    pool = Pool("p", (0, 1), ("x", "y"), (None, None), {"visualprm": ((0.5,), (1.0,))}, (1.0, 0.0))
    Peeping("peeping", "visualprm").scores(grid_of([pool], 2))
    assert seen == [None]


def test_pass_at_k_is_the_textbook_formula():
    for right, n in itertools.product(range(9), (8,)):
        verdicts = np.array([[1.0] * right + [0.0] * (n - right)])
        values = expected_best(verdicts, verdicts, np.ones((1, n), dtype=bool), range(1, n + 1))
        for k in range(1, n + 1):
            assert values[0, k - 1] == pytest.approx(1 - math.comb(n - right, k) / math.comb(n, k), abs=1e-14)


def test_weights_are_chances_even_for_many_candidates():
    ks = [1, 2, 3, 64, 500, 999, 1000]
    weights = place_weights(1000, ks)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-11)
    assert weights[1, 3] == pytest.approx(math.comb(996, 1) / math.comb(1000, 2), rel=1e-12)
    assert weights[3, 20] == pytest.approx(math.comb(979, 63) / math.comb(1000, 64), rel=1e-10)
    assert weights[-1].tolist() == [1.0, *[0.0] * 999]


@pytest.mark.parametrize("k", [0, 5])
def test_a_k_beyond_the_candidates_is_refused(k):
    with pytest.raises(ValueError, match="expected 1 to 4"):
        place_weights(4, [k])


def test_at_k_one_everybody_is_a_random_pick(pools, n):
    grid = grid_of(pools, n)
    means = mean_value(grid.verdicts, grid.usable)
    np.testing.assert_allclose(means, [np.mean(pool.verdicts) for pool in pools])
    for reranker in POINTWISE:
        np.testing.assert_allclose(expected_best(reranker.scores(grid), grid.verdicts, grid.usable, [1])[:, 0], means)


def test_drawn_subsets_come_from_the_seed_and_agree_with_all_subsets():
    draw = np.random.default_rng(1)
    ranks, texts = tuple(range(20)), tuple(map(str, range(20)))
    pools = [
        Pool(f"p{i}", ranks, texts, tuple(draw.choice(list("abc"), 20).tolist()), {}, tuple(draw.random(20) < 0.5))
        for i in range(30)
    ]
    grid = grid_of(pools, 20)
    subsets, exhaustive = draw_subsets(20, 5, len(pools), 3, fast=False)
    assert not exhaustive
    assert subsets.shape[1] == 5
    assert (np.diff(subsets, axis=1) > 0).all()
    np.testing.assert_array_equal(subsets, draw_subsets(20, 5, len(pools), 3, fast=False)[0])
    assert not np.array_equal(subsets, draw_subsets(20, 5, len(pools), 4, fast=False)[0])
    everything = np.array(list(itertools.combinations(range(20), 5)))
    reranker = SelfConsistency("self-consistency")
    drawn, all_of_them = (values_in_subsets(grid, reranker, each).mean() for each in (subsets, everything))
    assert drawn == pytest.approx(all_of_them, abs=0.002)


def test_votes_look_at_all_subsets_where_arrays_make_that_cheap():
    for n_problems in (600, 10_000):
        subsets, exhaustive = draw_subsets(8, 4, n_problems, 0)
        assert (len(subsets), exhaustive) == (70, True)
    assert not draw_subsets(8, 4, 10_000, 0, fast=False)[1], "who is asked subset by subset looks at fewer"
    subsets, exhaustive = draw_subsets(8, 4, 15_000, 0)
    assert (len(subsets), exhaustive) == (10, False), "beyond a million picks they are drawn"
    assert not draw_subsets(24, 12, 1, 0)[1], "nor are all subsets written down where there are millions"


def test_only_our_votes_are_known_to_be_cheap():
    pools = make_pools(700, 8, 1)
    measure = Measure([Problem("B", pool.problem_id, "", (), "", pool.problem_id) for pool in pools], row_mean, None, 0)
    ours, theirs = (
        {one.k: one.estimator for one in estimates(grid_of(pools, 8), kind("x"), measure)}
        for kind in (SelfConsistency, Counting)
    )
    assert set(ours.values()) == {ALL_SUBSETS}
    assert {k for k in theirs if theirs[k] == DRAWN_SUBSETS} == {4}


def test_curves_have_every_small_k_and_the_last():
    assert curve_ks(1) == (1,)
    assert curve_ks(8) == tuple(range(1, 9))
    assert curve_ks(128) == (*range(1, 9), 11, 16, 23, 32, 45, 64, 91, 128)
    assert curve_ks(100) == (*range(1, 9), 11, 16, 23, 32, 45, 64, 91, 100)
