"""From verdicts to insight: exact curves over k, intervals, paired comparisons, and where a reranker loses.

All of this is arithmetic on what the store holds: no model, no judge. ``visualprm_eval.grid`` arranges candidates as
arrays, ``curves`` and ``subsets`` turn them into values over k, ``intervals`` and ``paired`` say how sure those are,
``diagnostics`` looks for what was lost; ``finals`` are the picks of a split, ``rows`` what there is to show of them,
``pairs`` compares picks of two samplings, and ``study`` puts it all together.
"""

from __future__ import annotations

from visualprm_eval.insight.facts import Comparison, Cost, CurvePoint, Diagnosis, Insight, Standing, StepScoreHistogram
from visualprm_eval.insight.finals import Study
from visualprm_eval.insight.study import Examiner, examine

__all__ = [
    "Comparison",
    "Cost",
    "CurvePoint",
    "Diagnosis",
    "Examiner",
    "Insight",
    "Standing",
    "StepScoreHistogram",
    "Study",
    "examine",
]
