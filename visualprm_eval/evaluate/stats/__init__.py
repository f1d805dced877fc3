"""From verdicts to insight: exact curves over k, intervals, paired comparisons, and where a reranker loses.

All of this is arithmetic on what the store holds: no model, no judge. ``evaluate.candidate_grid`` arranges candidates
as arrays, ``best_of_k`` turns them into values over k, ``curve_points`` into curves; ``bootstrap``, ``paired_tests``
and ``chance`` say how sure those are, also for ``evaluate.step_labels``; ``diagnostics`` looks for what was lost;
``final_picks`` are the picks of a split, ``gains`` their values over a baseline, ``overalls`` means of these over
benchmarks, ``paired_comparisons`` compares rerankers two by two, ``rows`` is what there is to show, and ``examine``
puts it all together.
"""

from __future__ import annotations

from visualprm_eval.evaluate.stats.examine import Examiner, examine
from visualprm_eval.evaluate.stats.rows import (
    Comparison,
    Cost,
    CurvePoint,
    Diagnosis,
    Insight,
    Standing,
    StepScoreHistogram,
)
from visualprm_eval.evaluate.study import Study

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
