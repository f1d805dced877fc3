"""What scores go with, against scipy and scikit-learn, problem by problem."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from visualprm_eval.evaluate.stats.diagnostics import areas, centred_ranks, mean_correlation

SEEDS = range(12)


def within_correlation(first, second, usable):
    return mean_correlation(centred_ranks(first, usable), centred_ranks(second, usable))


def candidates(seed: int, kinds: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two coarse numbers per candidate, so that ties abound, and which candidates are usable, [P, N] each."""
    draw = np.random.default_rng(seed)
    shape = (int(draw.integers(1, 25)), int(draw.integers(2, 12)))
    usable = draw.random(shape) < draw.choice([0.3, 0.8, 1.0])
    usable[~usable.any(axis=1), 0] = True  # No problem is without a candidate.
    first = draw.integers(0, draw.integers(2, 7), shape) / 4
    return np.where(usable, first, -np.inf), np.where(usable, draw.choice(kinds, shape), np.nan), usable


@pytest.mark.parametrize("seed", SEEDS)
def test_correlation_is_the_mean_of_spearmans_within_problems(seed):
    first, second, usable = candidates(seed, (0.0, 1.0, 2.0, 3.5))
    expected = [
        stats.spearmanr(x[kept], y[kept]).statistic
        for x, y, kept in zip(first, second, usable, strict=True)
        if len(set(x[kept])) > 1 and len(set(y[kept])) > 1
    ]
    found = within_correlation(first, second, usable)
    assert found == (pytest.approx(np.mean(expected), abs=1e-12) if expected else None)


@pytest.mark.parametrize("seed", SEEDS)
def test_areas_are_those_under_roc_curves(seed):
    scores, verdicts, usable = candidates(seed, (0.0, 1.0, 1.0, 0.5))
    expected, ranks, places = [], [], []
    for place, (score, verdict, kept) in enumerate(zip(scores, verdicts, usable, strict=True)):
        decided = kept & np.isin(verdict, (0.0, 1.0))  # A half is neither right nor wrong.
        right, wrong = score[decided & (verdict == 1)], score[decided & (verdict == 0)]
        if len(right) and len(wrong):
            places.append(place)
            expected.append(roc_auc_score(verdict[decided], score[decided]))
            ranks.append(stats.mannwhitneyu(right, wrong).statistic / (len(right) * len(wrong)))
    assert expected == pytest.approx(ranks)
    found = dict(zip(*(each.tolist() for each in areas(scores, verdicts, usable)), strict=True))
    assert found == pytest.approx(dict(zip(places, expected, strict=True)), abs=1e-12)


def test_nothing_varies():
    every = np.ones((3, 4), dtype=bool)
    assert within_correlation(np.zeros((3, 4)), np.arange(12.0).reshape(3, 4), every) is None
    assert not len(areas(np.arange(12.0).reshape(3, 4), np.ones((3, 4)), every)[0])
