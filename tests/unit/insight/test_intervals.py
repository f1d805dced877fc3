"""Intervals and paired tests against scipy and plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from visualprm_eval.insight.intervals import group_numbers, percentiles, replicates
from visualprm_eval.insight.paired import holm, sign_flip_test

RIGHT = (np.random.default_rng(5).random(200) < 0.4).astype(float)


def test_an_interval_is_that_of_scipy():
    low, high = percentiles(replicates(RIGHT[:, None], np.ones(200), draws=20_000))
    theirs = stats.bootstrap((RIGHT,), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    assert low[0] == pytest.approx(theirs.low, abs=0.006)
    assert high[0] == pytest.approx(theirs.high, abs=0.006)


def test_the_same_seed_resamples_the_same_problems():
    other = 1 - RIGHT
    together = replicates(np.stack([RIGHT, other], axis=1), np.ones(200), draws=50)
    np.testing.assert_allclose(together.sum(axis=1), 1)
    np.testing.assert_array_equal(together[:, :1], replicates(RIGHT[:, None], np.ones(200), draws=50))
    assert not np.array_equal(together, replicates(np.stack([RIGHT, other], axis=1), np.ones(200), draws=50, seed=1))


def test_chunks_change_nothing(monkeypatch):
    whole = replicates(RIGHT[:, None], np.ones(200), draws=30)
    monkeypatch.setattr("visualprm_eval.insight.intervals._CHUNK", 1)
    np.testing.assert_array_equal(replicates(RIGHT[:, None], np.ones(200), draws=30), whole)


def test_groups_are_resampled_as_a_whole():
    # Ten copies of each problem are no more evidence than the problem itself.
    copies = np.repeat(RIGHT[:40], 10)
    groups = group_numbers([f"g{i // 10}" for i in range(400)])
    sums = np.bincount(groups, copies)[:, None]
    low, high = percentiles(replicates(sums, np.bincount(groups).astype(float)))
    alone = percentiles(replicates(RIGHT[:40, None], np.ones(40)))
    assert (low[0], high[0]) == (pytest.approx(alone[0][0]), pytest.approx(alone[1][0]))


def test_groups_of_unequal_size_weigh_by_their_problems():
    sums, sizes = np.array([[1.0], [3.0], [0.0]]), np.array([1.0, 3.0, 4.0])
    values = replicates(sums, sizes, draws=500, seed=2)
    assert set(np.round(values[:, 0], 12)) <= {
        round((a + b + c) / (sizes[i] + sizes[j] + sizes[k]), 12)
        for i, a in enumerate(sums[:, 0])
        for j, b in enumerate(sums[:, 0])
        for k, c in enumerate(sums[:, 0])
    }


def test_an_interval_covers_the_truth_as_often_as_it_says():
    draw = np.random.default_rng(11)
    covered = 0
    for seed in range(200):
        sample = (draw.random(150) < 0.4).astype(float)[:, None]
        low, high = percentiles(replicates(sample, np.ones(150), draws=400, seed=seed))
        covered += low[0] <= 0.4 <= high[0]
    assert 0.90 <= covered / 200 <= 0.985


@pytest.mark.parametrize(("better", "worse"), [(10, 2), (3, 3), (0, 5), (40, 20), (1, 0)])
def test_right_or_wrong_is_mcnemars_exact_test(better, worse):
    differences = np.array([1.0] * better + [-1.0] * worse + [0.0] * 50)
    assert sign_flip_test(differences) == pytest.approx(stats.binomtest(better, better + worse).pvalue)


def test_fractions_are_scipys_permutation_test():
    draw = np.random.default_rng(3)
    few = draw.normal(0.4, 1, 10)
    exact = stats.permutation_test((few,), np.sum, permutation_type="samples", n_resamples=np.inf).pvalue
    assert sign_flip_test(few) == pytest.approx(exact)
    many = draw.normal(0.15, 1, 120)
    drawn = stats.permutation_test(
        (many,), lambda x, axis: np.sum(x, axis=axis), permutation_type="samples", n_resamples=20_000, vectorized=True,
        rng=4,
    ).pvalue  # fmt: skip
    assert sign_flip_test(many) == pytest.approx(drawn, abs=0.012)


def test_nothing_moved_is_no_evidence():
    assert sign_flip_test(np.zeros(9)) == 1.0


def test_p_values_without_a_difference_are_uniform():
    draw = np.random.default_rng(8)
    small = sum(sign_flip_test(draw.normal(0, 1, 40)) <= 0.05 for _ in range(200))
    assert small <= 22  # 10 are expected; more than 22 in 200 happen once in some thousand runs


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


def test_holm_is_never_below_the_false_discovery_rate_nor_above_bonferroni():
    p_values = np.random.default_rng(2).random(12) ** 3
    adjusted = np.array(holm(list(p_values)))
    assert (adjusted >= stats.false_discovery_control(p_values) - 1e-12).all()
    assert (adjusted <= np.minimum(1, 12 * p_values) + 1e-12).all()
