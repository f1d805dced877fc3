"""When scores are said not to tell right from wrong: never for want of problems, never of a weak critic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from visualprm_eval.evaluate.stats import Insight
from visualprm_eval.evaluate.stats.discernment import FEWEST, NEAR, discernment

SEEDS = range(20)


def found(seed, problems, area, *, n=8, hard=0.0):
    """Of scores whose area within problems is known, and that go with how easy a problem is."""
    draw = np.random.default_rng(seed)
    easy = draw.uniform(0.2, 0.8, (problems, 1))
    verdicts = (draw.random((problems, n)) < easy).astype(float)
    scores = draw.normal(size=(problems, n)) + verdicts * np.sqrt(2) * norm.ppf(area) + hard * easy
    return discernment(scores, verdicts, np.ones((problems, n), bool), np.arange(problems), seed=seed)


def told(problems, area, **others):
    """In how many of the seeds there is a warning."""
    return sum(found(seed, problems, area, **others).at_chance for seed in SEEDS)


def test_chance_is_told_where_problems_are_many():
    assert told(1_000, 0.5) >= 0.9 * len(SEEDS)
    assert told(1_000, 0.5, hard=5.0) >= 0.9 * len(SEEDS)
    assert told(400, 0.4) == len(SEEDS)  # The wrong way round.


@pytest.mark.parametrize("problems", [1, 5, 20])
def test_few_problems_are_no_sign(problems):
    for area in (0.4, 0.5, 0.6):
        assert told(problems, area) == 0


@pytest.mark.parametrize(
    ("problems", "area"), [(40, 0.57), (100, 0.56), (300, 0.55), (1_000, 0.55), (3_000, 0.53), (300, 0.7)]
)
def test_weak_critics_are_left_alone(problems, area):
    assert told(problems, area) <= 1


def test_equal_scores_need_some_problems():
    for problems in (FEWEST - 1, FEWEST):
        verdicts = np.tile([0.0, 1.0], (problems, 1))
        same = discernment(np.zeros((problems, 2)), verdicts, np.ones((problems, 2), bool), np.arange(problems))
        assert (same.within, same.low, same.high, same.pooled) == (0.5, 0.5, 0.5, 0.5)
        assert same.at_chance == (problems >= FEWEST)


def test_pooled_is_over_all_candidates_of_these_problems():
    draw = np.random.default_rng(3)
    verdicts, usable = draw.choice([0.0, 1.0, 0.5], (30, 6)), draw.random((30, 6)) < 0.8
    scores = draw.integers(0, 4, (30, 6)) / 4
    decided = usable & (verdicts != 0.5)
    both = [len(set(row[kept])) == 2 for row, kept in zip(verdicts, decided, strict=True)]
    kept = decided & np.array(both)[:, None]
    each = discernment(scores, verdicts, usable, np.arange(30))
    assert each.problems == sum(both)
    assert each.pooled == pytest.approx(roc_auc_score(verdicts[kept], scores[kept]))
    assert each.low < each.within < each.high
    assert found(0, 1_000, 0.5, hard=5.0).pooled > NEAR


def test_problems_are_resampled_by_group():
    """Ten copies of each problem say no more than one."""
    draw = np.random.default_rng(1)
    verdicts, scores = np.tile([0.0, 0.0, 1.0, 1.0], (60, 1)), draw.random((60, 4))
    one = discernment(scores, verdicts, np.ones((60, 4), bool), np.arange(60))
    copies = [np.repeat(each, 10, axis=0) for each in (scores, verdicts)]
    ten = discernment(*copies, np.ones((600, 4), bool), np.repeat(np.arange(60), 10))
    assert (ten.low, ten.high) == pytest.approx((one.low, one.high))
    assert discernment(np.ones((2, 2)), np.ones((2, 2)), np.ones((2, 2), bool), np.arange(2)) is None


def test_it_stands_on_every_page():
    banner = Insight(at_chance=("P on B: by visualprm so and so",)).banner
    assert banner.startswith("WARNING: scores do not tell right from wrong")
    assert banner.endswith("no reward model would: P on B: by visualprm so and so.")
