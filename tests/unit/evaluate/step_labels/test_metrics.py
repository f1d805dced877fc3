"""Every metric against scikit-learn on random data, and against hand-made cases."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import calibration
from sklearn import metrics as sk

from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.metrics import Ranking


def roc_auc(correct, scores) -> float:
    return float(Ranking(correct, scores).roc_auc(np.ones(len(scores))))


def average_precision(correct, scores) -> float:
    return float(Ranking(correct, scores).average_precision(np.ones(len(scores))))


def random_case(seed: int, n: int = 400):
    rng = np.random.default_rng(seed)
    correct = rng.random(n) < 0.65
    # Coarse, so that many scores are equal.
    scores = np.round(np.clip(0.25 * correct + rng.random(n) * 0.8, 0, 1), 2)
    return correct, scores, scores > 0.5


@pytest.mark.parametrize("seed", range(5))
def test_counted_metrics_agree_with_scikit_learn(seed: int) -> None:
    correct, _, said = random_case(seed)
    counts = metrics.confusion(correct, said).sum(axis=0)
    assert counts.tolist() == sk.confusion_matrix(correct, said, labels=[True, False]).ravel().tolist()
    assert metrics.f1_correct(counts) == pytest.approx(sk.f1_score(correct, said))
    assert metrics.f1_incorrect(counts) == pytest.approx(sk.f1_score(~correct, ~said))
    assert metrics.macro_f1(counts) == pytest.approx(sk.f1_score(correct, said, average="macro"))
    assert metrics.balanced_accuracy(counts) == pytest.approx(sk.balanced_accuracy_score(correct, said))


@pytest.mark.parametrize("seed", range(5))
def test_ranked_metrics_agree_with_scikit_learn(seed: int) -> None:
    correct, scores, _ = random_case(seed)
    assert roc_auc(correct, scores) == pytest.approx(sk.roc_auc_score(~correct, -scores))
    assert average_precision(correct, scores) == pytest.approx(sk.average_precision_score(~correct, -scores))


@pytest.mark.parametrize("seed", range(3))
def test_weights_count_steps_as_often_as_they_say(seed: int) -> None:
    correct, scores, _ = random_case(seed, 60)
    weights = np.random.default_rng(seed).integers(0, 4, (3, 60)).astype(np.float64)
    ranking = Ranking(correct, scores)
    auc, precision = ranking.roc_auc(weights), ranking.average_precision(weights)
    for row, weight in enumerate(weights):
        assert auc[row] == pytest.approx(sk.roc_auc_score(~correct, -scores, sample_weight=weight))
        assert precision[row] == pytest.approx(sk.average_precision_score(~correct, -scores, sample_weight=weight))


@pytest.mark.parametrize("seed", range(3))
def test_reliability_agrees_with_scikit_learn(seed: int) -> None:
    correct, scores, _ = random_case(seed)
    part, mean = calibration.calibration_curve(correct, scores, n_bins=10)
    rows = metrics.reliability(correct, scores)
    assert [row[4] for row in rows] == pytest.approx(part.tolist())
    assert [row[3] for row in rows] == pytest.approx(mean.tolist())
    assert sum(row[2] for row in rows) == len(scores)
    expected = sum(row[2] * abs(row[3] - row[4]) for row in rows) / len(scores)
    assert metrics.calibration_error(correct, scores) == pytest.approx(expected)


def test_a_case_by_hand() -> None:
    correct = np.array([True, True, True, False, False])
    said = np.array([True, True, False, False, True])
    counts = metrics.confusion(correct, said).sum(axis=0)
    assert counts.tolist() == [2, 1, 1, 1]
    assert metrics.f1_correct(counts) == pytest.approx(4 / 6)
    assert metrics.f1_incorrect(counts) == pytest.approx(2 / 4)
    assert metrics.macro_f1(counts) == pytest.approx(7 / 12)
    assert metrics.balanced_accuracy(counts) == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_scores_that_tell_nothing_and_all() -> None:
    correct = np.array([True, False, True, False])
    assert roc_auc(correct, np.full(4, 0.3)) == 0.5
    assert average_precision(correct, np.full(4, 0.3)) == 0.5
    assert roc_auc(correct, np.array([0.9, 0.1, 0.8, 0.2])) == 1.0
    assert average_precision(correct, np.array([0.9, 0.1, 0.8, 0.2])) == 1.0
    assert roc_auc(correct, np.array([0.1, 0.9, 0.2, 0.8])) == 0.0


def test_a_class_that_is_missing_gives_no_value() -> None:
    """scikit-learn gives 0 or warns; here a value without meaning is none."""
    only = np.ones(3, np.bool_)
    counts = metrics.confusion(only, only).sum(axis=0)
    assert metrics.f1_correct(counts) == 1.0
    assert np.isnan(metrics.f1_incorrect(counts))
    assert np.isnan(metrics.macro_f1(counts))
    assert np.isnan(metrics.balanced_accuracy(counts))
    assert np.isnan(roc_auc(only, np.array([0.1, 0.2, 0.3])))
    assert np.isnan(average_precision(only, np.array([0.1, 0.2, 0.3])))
    none = np.array([], np.bool_)
    assert np.isnan(metrics.calibration_error(none, np.array([])))


def test_counts_of_many_at_a_time() -> None:
    correct, _, said = random_case(1)
    each = metrics.confusion(correct, said)
    stacked = np.stack([each[:200].sum(axis=0), each[200:].sum(axis=0)])
    assert metrics.macro_f1(stacked).tolist() == [float(metrics.macro_f1(row)) for row in stacked]


@pytest.mark.parametrize(
    ("labels", "said", "counts"),
    [
        ("++-", "++-", [1, 1, 0, 0]),
        ("++-", "+--", [1, 0, 0, 0]),
        ("++-", "+++", [1, 0, 0, 0]),
        ("+-+", "+-+", [1, 1, 0, 0]),
        ("+++", "+++", [0, 0, 1, 1]),
        ("+++", "++-", [0, 0, 1, 0]),
        ("", "", [0, 0, 0, 0]),
    ],
)
def test_first_errors(labels: str, said: str, counts: list[int]) -> None:
    arrays = [np.array([sign == "+" for sign in text], np.bool_) for text in (labels, said)]
    assert metrics.first_error_counts(*arrays).tolist() == counts


def test_first_error_metrics_and_their_mean() -> None:
    counts = np.array([4, 1, 10, 5])
    assert metrics.first_error_accuracy(counts) == 0.25
    assert metrics.no_error_accuracy(counts) == 0.5
    assert metrics.first_error_f1(counts) == pytest.approx(1 / 3)
    assert metrics.first_error_f1(np.array([4, 0, 10, 0])) == 0.0
    assert np.isnan(metrics.first_error_f1(np.array([0, 0, 10, 5])))
