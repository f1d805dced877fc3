"""A critic's values for any weights of the samples.

A value is asked for with weights: ones give the value itself, a resample's counts give one of the bootstrap. Samples
whose scoring failed are left out, and in the metrics called "failures wrong" all their labelled steps count as wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray
from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment, Part
from visualprm_eval.evaluate.step_labels.metrics import Ranking

STEP_WEIGHTED, PLAIN_MEAN = "step-weighted", "plain mean"
"""Two overalls beside the pooled one, which is the paper's: means of the sources' values."""

Values = dict[tuple[str, str], FloatArray]
"""Values over resamples [B] by split and metric."""


def values_of(assessment: Assessment, weights: FloatArray, names: Iterable[str] | None = None) -> Values:
    """Values of every source and of the three overalls.

    Args:
        assessment: The critic's word.
        weights: How often each sample counts, [B, S].
        names: The metrics; ``None`` for all.

    Returns:
        By split and metric, from 0 to 1, [B]; NaN where a metric has no value.
    """
    found: Values = {}
    steps = assessment.counts.sum(axis=-1)
    shares = np.stack([weights[:, part.inside] @ steps[part.inside] for part in assessment.sources])
    for name in METRICS if names is None else names:
        of_sources = [METRICS[name](assessment, part, weights) for part in assessment.sources]
        found |= {(part.name, name): value for part, value in zip(assessment.sources, of_sources, strict=True)}
        found[POOLED, name] = METRICS[name](assessment, assessment.whole, weights)
        found |= {(split, name): value for split, value in overalls(np.stack(of_sources), shares).items()}
    return found


def overalls(values: FloatArray, steps: FloatArray) -> dict[str, FloatArray]:
    """Two means of the sources' values.

    Args:
        values: [sources, B].
        steps: The number of labelled steps of each source, [sources, B].

    Returns:
        The mean weighted by steps, and the plain mean, [B] each; NaN where a source has no value.
    """
    total = steps.sum(axis=0)
    weighted = (values * steps).sum(axis=0)
    return {
        STEP_WEIGHTED: np.divide(weighted, total, out=np.full(total.shape, np.nan), where=total != 0),
        PLAIN_MEAN: values.mean(axis=0),
    }


Metric = Callable[[Assessment, Part, FloatArray], FloatArray]
"""A value of a part of the samples for weights [B, S]: [B]."""


def _counted(of: Callable[[FloatArray], FloatArray], counts: Callable[[Assessment], IntArray | None]) -> Metric:
    """A metric that is a function of counts that add up."""

    def metric(assessment: Assessment, part: Part, weights: FloatArray) -> FloatArray:
        each = counts(assessment)
        if each is None:
            return np.full(len(weights), np.nan)
        return of(weights[:, part.inside] @ each[part.inside].astype(np.float64))

    return metric


def _ranked(of: Callable[[Ranking, FloatArray], FloatArray]) -> Metric:
    """A metric of the order of scores."""

    def metric(assessment: Assessment, part: Part, weights: FloatArray) -> FloatArray:
        places, ranking = assessment.ranking(part)
        if not len(places):
            return np.full(len(weights), np.nan)
        return of(ranking, weights[:, assessment.sample_of[places]])

    return metric


def _cross_validated(assessment: Assessment) -> IntArray | None:
    found = assessment.cross_validated
    return None if found is None else assessment.counts_of(found.verdicts)


MACRO_F1 = "macro F1"
CROSS_VALIDATED = "macro F1, cross-validated threshold"

COUNTED: Mapping[str, Metric] = {
    MACRO_F1: _counted(metrics.macro_f1, lambda one: one.counts),
    "F1 correct": _counted(metrics.f1_correct, lambda one: one.counts),
    "F1 incorrect": _counted(metrics.f1_incorrect, lambda one: one.counts),
    "balanced accuracy": _counted(metrics.balanced_accuracy, lambda one: one.counts),
}
"""Metrics of the verdicts at a critic's threshold."""

METRICS: Mapping[str, Metric] = {
    **COUNTED,
    "AUROC": _ranked(Ranking.roc_auc),
    "average precision": _ranked(Ranking.average_precision),
    "first-error accuracy": _counted(metrics.first_error_accuracy, lambda one: one.first_errors),
    "no-error accuracy": _counted(metrics.no_error_accuracy, lambda one: one.first_errors),
    "first-error F1": _counted(metrics.first_error_f1, lambda one: one.first_errors),
    "macro F1, failures wrong": _counted(metrics.macro_f1, lambda one: one.counts_wrong),
    "F1 correct, failures wrong": _counted(metrics.f1_correct, lambda one: one.counts_wrong),
    "F1 incorrect, failures wrong": _counted(metrics.f1_incorrect, lambda one: one.counts_wrong),
    CROSS_VALIDATED: _counted(metrics.macro_f1, _cross_validated),
}
"""All metrics that every split has, by their plain names. AUROC and average precision are those of incorrect steps."""
