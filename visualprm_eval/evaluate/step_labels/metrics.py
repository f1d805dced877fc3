"""Metrics of step verdicts against labels: pure functions of arrays, equal to scikit-learn's where it has them.

Labels are truth values, ``True`` for a correct step; neutral steps are left out before. Verdicts are truth values too,
``True`` for "correct". Scores say how much a step is believed to be correct. Most metrics are functions of counts, and
counts of samples add up, so that bootstraps are weighted sums. A metric without a value, as an F1 of a class that is
neither there nor ever predicted, is NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray


def _ratio(above: npt.ArrayLike, below: npt.ArrayLike) -> FloatArray:
    """A quotient; NaN where the denominator is 0."""
    over, under = np.asarray(above, np.float64), np.asarray(below, np.float64)
    quotient = np.full(np.broadcast(over, under).shape, np.nan)
    np.divide(over, under, out=quotient, where=under != 0)
    return quotient


def confusion(correct: BoolArray, verdicts: BoolArray) -> IntArray:
    """What became of each step, [n, 4].

    Columns: correct and said so, correct but called incorrect, incorrect but called correct, incorrect and said so.

    Args:
        correct: The labels, [n].
        verdicts: What the critic says, [n].
    """
    columns = [correct & verdicts, correct & ~verdicts, ~correct & verdicts, ~correct & ~verdicts]
    return np.stack(columns, axis=-1).astype(np.int64)


def f1_correct(counts: npt.ArrayLike) -> FloatArray:
    """F1 with correct as the positive class; counts [..., 4] as of :func:`confusion`, summed."""
    hit, missed, false, _ = np.moveaxis(np.asarray(counts), -1, 0)
    return _ratio(2 * hit, 2 * hit + missed + false)


def f1_incorrect(counts: npt.ArrayLike) -> FloatArray:
    """F1 with incorrect as the positive class; counts [..., 4]."""
    return f1_correct(np.asarray(counts)[..., ::-1])


def macro_f1(counts: npt.ArrayLike) -> FloatArray:
    """The mean of both F1; counts [..., 4]."""
    return (f1_correct(counts) + f1_incorrect(counts)) / 2


def balanced_accuracy(counts: npt.ArrayLike) -> FloatArray:
    """The mean of the recalls of both classes; counts [..., 4]."""
    right, missed, false, found = np.moveaxis(np.asarray(counts), -1, 0)
    return (_ratio(right, right + missed) + _ratio(found, found + false)) / 2


class Ranking:
    """Steps in the order in which a critic finds them suspicious; steps of equal score stand together.

    Args:
        correct: The labels, [n].
        scores: How much each step is believed to be correct, [n].
    """

    def __init__(self, correct: BoolArray, scores: FloatArray) -> None:
        self.order = np.argsort(scores, kind="stable")
        sorted_scores = scores[self.order]
        # Where each group of equal scores ends.
        self.ends = np.flatnonzero(np.append(sorted_scores[1:] != sorted_scores[:-1], True))
        self.incorrect = ~correct[self.order]

    def cumulated(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Weight of incorrect and of correct steps up to the end of each group, [..., groups] each."""
        sorted_weights = weights[..., self.order]
        incorrect = np.cumsum(sorted_weights * self.incorrect, axis=-1)[..., self.ends]
        return incorrect, np.cumsum(sorted_weights, axis=-1)[..., self.ends] - incorrect

    def roc_auc(self, weights: FloatArray) -> FloatArray:
        """AUROC of the incorrect class for weights [..., n] of the steps: [...]."""
        incorrect, correct = self.cumulated(weights)
        new_incorrect = np.diff(incorrect, prepend=0.0, axis=-1)
        new_correct = np.diff(correct, prepend=0.0, axis=-1)
        all_incorrect, all_correct = incorrect[..., -1], correct[..., -1]
        # Each incorrect step beats the correct ones behind it, and half of those that stand with it.
        won = new_incorrect * (all_correct[..., None] - correct + new_correct / 2)
        return _ratio(won.sum(axis=-1), all_incorrect * all_correct)

    def average_precision(self, weights: FloatArray) -> FloatArray:
        """Average precision of the incorrect class for weights [..., n] of the steps: [...]."""
        incorrect, correct = self.cumulated(weights)
        precision = np.nan_to_num(_ratio(incorrect, incorrect + correct))
        gained = np.diff(incorrect, prepend=0.0, axis=-1)
        return _ratio((gained * precision).sum(axis=-1), incorrect[..., -1])


def first_error_counts(correct: BoolArray, verdicts: BoolArray) -> IntArray:
    """Whether one solution's first error is found, [4], in the manner of ProcessBench (arXiv:2412.06559).

    Columns: it has an error, and the first one is found; it has none, and none is claimed.

    Args:
        correct: The labels of its steps in order, [n].
        verdicts: What the critic says, [n].
    """
    if not len(correct):
        return np.zeros(4, np.int64)
    place, said = (len(each) if each.all() else int(np.argmin(each)) for each in (correct, verdicts))
    erring, hit = place < len(correct), place == said
    return np.array([erring, erring and hit, not erring, not erring and hit], np.int64)


def first_error_accuracy(counts: npt.ArrayLike) -> FloatArray:
    """Part of the solutions with an error whose first error is found; counts [..., 4] of :func:`first_error_counts`."""
    with_error, found, _, _ = np.moveaxis(np.asarray(counts), -1, 0)
    return _ratio(found, with_error)


def no_error_accuracy(counts: npt.ArrayLike) -> FloatArray:
    """Part of the solutions without an error in which none is claimed; counts [..., 4]."""
    _, _, without, left_alone = np.moveaxis(np.asarray(counts), -1, 0)
    return _ratio(left_alone, without)


def first_error_f1(counts: npt.ArrayLike) -> FloatArray:
    """The harmonic mean of both accuracies, 0 when both are; counts [..., 4]."""
    one, two = first_error_accuracy(counts), no_error_accuracy(counts)
    mean = _ratio(2 * one * two, one + two)
    return np.where(one + two == 0, 0.0, mean)


def reliability(correct: BoolArray, scores: FloatArray, bins: int = 10) -> list[tuple[float, float, int, float, float]]:
    """How often steps are correct whose scores lie in bins of equal width.

    Args:
        correct: The labels, [n].
        scores: Probabilities of being correct, [n].
        bins: Number of bins; a score on an edge belongs to the lower one, as in scikit-learn's calibration curve.

    Returns:
        For each bin with steps: its lower and upper edge, its number of steps, their mean score and correct part.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.searchsorted(edges[1:-1], scores)
    table = []
    for number in np.unique(place).tolist():
        inside = place == number
        means = float(scores[inside].mean()), float(correct[inside].mean())
        table.append((float(edges[number]), float(edges[number + 1]), int(inside.sum()), *means))
    return table


def calibration_error(correct: BoolArray, scores: FloatArray, bins: int = 10) -> float:
    """Expected calibration error: the gap between mean score and correct part, averaged over the steps of all bins."""
    gaps = sum(number * abs(mean - part) for _, _, number, mean, part in reliability(correct, scores, bins))
    return gaps / len(scores) if len(scores) else float("nan")
