"""From which score on a step counts as correct: all thresholds, the best one, and one that saw no test data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.core.types import digest
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray
from visualprm_eval.evaluate.step_labels.metrics import Ranking, macro_f1

FOLDS = 5


@dataclass(frozen=True)
class Curve:
    """Counts at every threshold that makes a difference.

    Attributes:
        thresholds: Ascending, [M]; between neighbouring scores, and at both ends.
        counts: Counts [M, 4] as of ``metrics.confusion`` when steps above the threshold are called correct.
    """

    thresholds: FloatArray
    counts: IntArray

    @property
    def macro_f1(self) -> FloatArray:
        """Macro F1 at every threshold, [M]."""
        return macro_f1(self.counts)

    @property
    def best(self) -> float:
        """The threshold of the greatest macro F1, the lowest of equals; NaN where no threshold gives a value."""
        values = self.macro_f1
        return float("nan") if np.isnan(values).all() else float(self.thresholds[np.nanargmax(values)])

    @property
    def greatest(self) -> float:
        """The greatest macro F1; NaN where no threshold gives a value."""
        return float(np.fmax.reduce(self.macro_f1))


def f1_curve(correct: BoolArray, scores: FloatArray) -> Curve:
    """Counts at all thresholds.

    Args:
        correct: The labels, [n] with n >= 1.
        scores: The scores, [n].
    """
    ranking = Ranking(correct, scores)
    values = scores[ranking.order][ranking.ends]
    # What lies at or below a threshold is called incorrect: nothing at the first one, all at the last.
    incorrect, right = (np.append(0, below) for below in ranking.cumulated(np.ones(len(scores))))
    counts = np.stack([right[-1] - right, right, incorrect[-1] - incorrect, incorrect], axis=-1)
    first = np.nextafter(values[:1], -np.inf)
    # Of two neighbouring floats the middle may be the upper one, which has to stay above the threshold.
    middles = np.minimum((values[:-1] + values[1:]) / 2, np.nextafter(values[1:], -np.inf))
    return Curve(np.concatenate([first, middles, values[-1:]]), counts.astype(np.int64))


@dataclass(frozen=True)
class CrossValidated:
    """Verdicts of thresholds that were chosen without the steps that they judge.

    Attributes:
        verdicts: What each step is called, [n].
        folds: The fold of each step, [n].
        thresholds: The threshold of each fold, chosen on all others.
    """

    verdicts: BoolArray
    folds: IntArray
    thresholds: tuple[float, ...]


def folds_of(groups: Sequence[str], folds: int, seed: int) -> IntArray:
    """Deals groups to folds of like size, so that all members of a group are in one fold.

    Args:
        groups: The group of each step, such as its question, [n].
        folds: Number of folds.
        seed: Another one deals differently; the order of the steps makes no difference.

    Returns:
        The fold of each step, [n].
    """
    shuffled = sorted(set(groups), key=lambda group: digest([seed, group]))
    fold = {group: place % folds for place, group in enumerate(shuffled)}
    return np.array([fold[group] for group in groups], np.int64)


def cross_validate(
    correct: BoolArray, scores: FloatArray, groups: Sequence[str], *, folds: int = FOLDS, seed: int = 0
) -> CrossValidated | None:
    """Judges the steps of every fold by the threshold that is best on all other folds.

    Args:
        correct: The labels, [n].
        scores: The scores, [n].
        groups: The group of each step, [n]; a group is never in two folds.
        folds: Number of folds; fewer groups than that make as many folds as there are groups.
        seed: Deals the groups.

    Returns:
        The verdicts; ``None`` with fewer than two groups, or when the steps outside of some fold
        are all correct or all incorrect.
    """
    folds = min(folds, len(set(groups)))
    if folds < 2:
        return None
    place = folds_of(groups, folds, seed)
    verdicts = np.zeros(len(scores), np.bool_)
    thresholds = []
    for fold in range(folds):
        test = place == fold
        if len(np.unique(correct[~test])) < 2:
            return None
        best = f1_curve(correct[~test], scores[~test]).best
        verdicts[test] = scores[test] > best
        thresholds.append(best)
    return CrossValidated(verdicts, place, tuple(thresholds))
