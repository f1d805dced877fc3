from __future__ import annotations

import numpy as np
import pytest

from visualprm_eval.evaluate.stats.step_label_bootstrap import difference, draws, interval


def test_resamples_have_the_size_of_the_sample_and_repeat_with_the_seed() -> None:
    first = np.concatenate(list(draws(20, seed=1, repeats=120)))
    assert first.shape == (120, 20)
    assert set(first.sum(axis=1)) == {20.0}
    assert (first == np.concatenate(list(draws(20, seed=1, repeats=120)))).all()
    assert (first != np.concatenate(list(draws(20, seed=2, repeats=120)))).any()


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    means = np.concatenate([weights @ values / 400 for weights in draws(400, seed=0, repeats=2000)])
    low, high = interval(means)
    error = values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.2 * error)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.2 * error)


def test_no_interval_where_a_resample_has_no_value() -> None:
    assert interval(np.array([0.5, np.nan])) is None
    assert interval(np.array([])) is None
    assert difference(0.1, np.array([0.5, np.nan]), np.array([0.4, 0.4])) is None


def test_differences() -> None:
    better = difference(0.1, np.full(999, 0.6), np.full(999, 0.5))
    assert better.p == pytest.approx(0.002)
    assert (better.low, better.high) == (pytest.approx(0.1), pytest.approx(0.1))
    same = difference(0.0, np.full(999, 0.6), np.full(999, 0.6))
    assert same.p == 1.0
    sides = np.concatenate([np.full(500, 0.1), np.full(499, -0.1)])
    assert difference(0.0, sides, np.zeros(999)).p == pytest.approx(1.0)
