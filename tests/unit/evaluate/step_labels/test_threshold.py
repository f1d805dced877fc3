from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from visualprm_eval.evaluate.step_labels.threshold import cross_validate, f1_curve, folds_of


def case(seed: int = 0, n: int = 300):
    rng = np.random.default_rng(seed)
    correct = rng.random(n) < 0.6
    scores = np.round(np.clip(0.3 * correct + 0.7 * rng.random(n), 0, 1), 2)
    groups = [f"question {k // 3}" for k in range(n)]
    return correct, scores, groups


def test_every_threshold_has_the_value_that_scikit_learn_gives() -> None:
    correct, scores, _ = case()
    curve = f1_curve(correct, scores)
    assert len(curve.thresholds) == len(set(scores)) + 1
    assert (np.diff(curve.thresholds) > 0).all()
    for threshold, value in list(zip(curve.thresholds, curve.macro_f1, strict=True))[:: len(curve.thresholds) // 10]:
        expected = f1_score(correct, scores > threshold, average="macro", zero_division=0)
        assert value == pytest.approx(expected)


def test_no_other_threshold_is_better_than_the_best() -> None:
    correct, scores, _ = case(3)
    curve = f1_curve(correct, scores)
    best = f1_score(correct, scores > curve.best, average="macro")
    assert best == pytest.approx(np.nanmax(curve.macro_f1))
    assert all(
        f1_score(correct, scores > t, average="macro", zero_division=0) <= best + 1e-12 for t in np.linspace(0, 1, 301)
    )


def test_the_ends_call_all_steps_the_same() -> None:
    correct, scores = np.array([True, False, True]), np.array([0.2, 0.2, 0.9])
    curve = f1_curve(correct, scores)
    assert curve.counts[0].tolist() == [2, 0, 1, 0]
    assert curve.counts[-1].tolist() == [0, 2, 0, 1]
    assert [int((scores > t).sum()) for t in curve.thresholds] == [3, 1, 0]


def test_neighbouring_floats_are_told_apart() -> None:
    low = 0.5
    high = np.nextafter(low, 1)
    curve = f1_curve(np.array([False, True]), np.array([low, high]))
    assert low <= curve.best < high
    assert np.nanmax(curve.macro_f1) == 1.0


def test_a_question_is_in_one_fold_whatever_the_order() -> None:
    groups = case()[2]
    folds = folds_of(groups, 5, seed=1)
    assert all(len({fold for fold, group in zip(folds, groups, strict=True) if group == g}) == 1 for g in set(groups))
    assert set(np.bincount(folds)) <= {60}
    backwards = folds_of(groups[::-1], 5, seed=1)[::-1]
    assert folds.tolist() == backwards.tolist()
    assert folds.tolist() != folds_of(groups, 5, seed=2).tolist()


@pytest.mark.parametrize("fold", range(5))
def test_a_fold_s_threshold_does_not_see_it(fold: int) -> None:
    """Whatever stands in a fold, its own threshold stays; those of the others move."""
    correct, scores, groups = case()
    before = cross_validate(correct, scores, groups)
    assert before is not None
    inside = before.folds == fold
    turned = np.where(inside, ~correct, correct)
    moved = np.where(inside, scores / 3, scores)
    after = cross_validate(turned, moved, groups)
    assert after is not None
    assert after.thresholds[fold] == before.thresholds[fold]
    assert after.thresholds != before.thresholds
    assert after.verdicts[inside].tolist() == (moved[inside] > before.thresholds[fold]).tolist()


def test_too_few_questions() -> None:
    correct, scores, _ = case(n=6)
    assert cross_validate(correct, scores, ["one"] * 6) is None
    two = cross_validate(correct, scores, ["one"] * 3 + ["two"] * 3)
    assert two is None or len(two.thresholds) == 2
    assert cross_validate(np.ones(6, np.bool_), scores, list("abcdef")) is None
