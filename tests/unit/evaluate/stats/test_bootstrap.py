"""Intervals against scipy, statsmodels and plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.weightstats import DescrStatsW

from visualprm_eval.evaluate.stats.bootstrap import (
    group_numbers,
    interval,
    percentiles,
    replicates,
    resample_counts,
    tail_p,
)

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
    monkeypatch.setattr("visualprm_eval.evaluate.stats.bootstrap._CHUNK", 1)
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


@settings(deadline=None, max_examples=25)
@given(st.integers(5, 60), st.floats(0.05, 0.95), st.integers(0, 1000))
def test_an_interval_of_verdicts_has_the_ends_of_a_binomial(n, chance, seed):
    """Resampled means of right and wrong are binomial; a drawn end may lie at the next count."""
    verdicts = (np.random.default_rng(seed).random(n) < chance).astype(float)
    low, high = percentiles(replicates(verdicts[:, None], np.ones(n), seed=seed))
    binomial = stats.binom(n, verdicts.mean())
    for end, level in ((low[0], 0.025), (high[0], 0.975)):
        # With 2,000 draws the part below an end is within four standard errors of what it should be.
        slack = 4 * np.sqrt(level * (1 - level) / 2000)
        assert binomial.ppf(level - slack if level > slack else 0.001) <= round(n * end, 6)
        assert round(n * end, 6) <= binomial.ppf(min(level + slack, 0.999))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 8), min_size=2, max_size=5), st.integers(0, 1000))
def test_resamples_are_distributed_as_all_ways_to_draw(eighths, seed):
    values = np.array(eighths) / 8
    ways = np.array([np.mean(way) for way in itertools.product(values, repeat=len(values))])
    drawn = replicates(values[:, None], np.ones(len(values)), draws=4000, seed=seed)[:, 0]
    for bar in np.unique(np.round(ways, 9)):
        # Four and a half standard errors of a part of 4,000 draws are 0.036 at most.
        assert np.mean(drawn <= bar + 1e-6) == pytest.approx(np.mean(ways <= bar + 1e-6), abs=0.036)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_a_difference_is_scipys_paired_one(seed):
    draw = np.random.default_rng(seed)
    ours = (draw.random(150) < 0.6).astype(float)
    theirs = np.where(draw.random(150) < 0.7, ours, draw.random(150) < 0.4)
    both = replicates(np.stack([ours, theirs], axis=1), np.ones(150), draws=10_000)
    low, high = percentiles(both[:, :1] - both[:, 1:])
    found = stats.bootstrap(
        (ours, theirs), lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis), paired=True,
        vectorized=True, method="percentile", n_resamples=10_000, rng=seed,
    ).confidence_interval  # fmt: skip
    assert (low[0], high[0]) == (pytest.approx(found.low, abs=0.008), pytest.approx(found.high, abs=0.008))


@pytest.mark.parametrize("seed", range(3))
def test_resamples_spread_as_the_standard_error_of_a_mean(seed):
    values = np.random.default_rng(seed).random(200)
    spread = replicates(values[:, None], np.ones(200), draws=8000, seed=seed).std()
    about = DescrStatsW(values)
    # Of the resampled mean the variance is that of the values over n, which statsmodels divides by n - 1.
    assert spread == pytest.approx(about.std_mean * np.sqrt(199 / 200), rel=0.04)
    low, high = percentiles(replicates(values[:, None], np.ones(200), draws=8000, seed=seed))
    assert (low[0], high[0]) == pytest.approx(about.zconfint_mean(), abs=0.15 * about.std_mean)


@pytest.mark.parametrize("seed", range(3))
def test_groups_spread_as_the_cluster_robust_standard_error(seed):
    """For a mean over problems that come in groups of unequal size, statsmodels has the error of many groups."""
    draw = np.random.default_rng(seed)
    groups = np.repeat(np.arange(150), draw.integers(1, 7, 150))
    values = (draw.random(len(groups)) < draw.uniform(0.1, 0.9, 150)[groups]).astype(float)
    sums, sizes = np.bincount(groups, values)[:, None], np.bincount(groups).astype(float)
    spread = replicates(sums, sizes, draws=8000, seed=seed).std()
    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    assert spread == pytest.approx(fit.bse[0], rel=0.05)
    assert spread > 1.2 * OLS(values, np.ones(len(values))).fit().bse[0], "groups weigh more than their problems alone"


def test_resamples_have_the_size_of_the_sample_and_repeat_with_the_seed():
    first = np.concatenate(list(resample_counts(20, draws=120, seed=1, together=50)))
    assert first.shape == (120, 20)
    assert set(first.sum(axis=1)) == {20.0}
    assert (first == np.concatenate(list(resample_counts(20, draws=120, seed=1)))).all()
    assert (first != np.concatenate(list(resample_counts(20, draws=120, seed=2)))).any()


def test_no_interval_where_a_resample_has_no_value():
    assert interval(np.array([0.5, np.nan])) == (None, None)
    assert interval(None) == (None, None)
    assert tail_p(np.array([0.5, np.nan])) is None


def test_the_part_of_resamples_beyond_no_difference():
    assert tail_p(np.full(999, 0.1)) == pytest.approx(0.002)
    assert tail_p(np.zeros(999)) == 1.0
    assert tail_p(np.concatenate([np.full(500, 0.1), np.full(499, -0.1)])) == pytest.approx(1.0)
