"""From verdicts to insight: exact curves over k, intervals, paired comparisons, and where a reranker loses.

All of this is arithmetic on what the store holds: no model, no judge. ``visualprm_eval.grid`` arranges candidates as
arrays, ``curves`` and ``subsets`` turn them into values over k, ``intervals``, ``paired`` and ``chance`` say how sure
those are, ``diagnostics`` looks for what was lost; ``finals`` are the picks of a split, ``gains`` their values over a
baseline, ``overalls`` means of these over benchmarks, ``pairs`` compares rerankers two by two, ``rows`` is what else
there is to show, and ``study`` puts it all together.
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
