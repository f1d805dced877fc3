"""Figures of critics on labelled steps: F1 against the threshold, reliability, errors by place of the step."""

from __future__ import annotations

from typing import Any

import numpy as np

from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.assess import Assessment
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.drawing import legend, literal, looks, panel_grid, rendered, titled
from visualprm_eval.report.tables.step_labels import PARTIAL, STEP_GROUPS, spread

FIGURES = ("f1-threshold", "reliability", "error-by-step")
"""Names of the files."""
_MOST_POINTS = 2000
"""Points of a curve; more cannot be seen."""
_AREA = 90
"""Of the mark of the bin with most steps, in square points."""


def draw_figures(results: ProcessResults) -> dict[str, dict[str, bytes]]:
    """``FIGURES`` that there is something to draw of, each as the bytes of a file per format."""
    drawn = {
        "f1-threshold": ("F1 against the threshold", _thresholds, [a for a in results.assessments if a.curve]),
        "reliability": ("reliability", _reliability, [a for a in results.assessments if a.is_probability]),
        "error-by-step": ("errors by place", _errors, [a for a in results.assessments if len(a.correct)]),
    }
    name = results.process_set.name + (f" ({PARTIAL})" if results.remarks else "")
    table = looks(assessment.opinion.critic for assessment in results.assessments)
    figures = {}
    for file, (title, draw, assessments) in drawn.items():
        if assessments:
            figures[file], (axis,) = panel_grid(1, 7.2, 4.4)
            titled(axis, f"{name}: {title}", width=72)
            critics = [each.opinion.critic for each in assessments]
            draw(axis, assessments, [table[critic].line(label=literal(critic)) for critic in critics])
            legend(figures[file], *axis.get_legend_handles_labels())
    return rendered(figures)


def _thresholds(axis: Any, assessments: list[Assessment], styles: list[dict[str, Any]]) -> None:
    for assessment, style in zip(assessments, styles, strict=True):
        if (curve := assessment.curve) is None:
            continue
        chosen = spread(len(curve.thresholds), _MOST_POINTS)
        values = 100 * curve.macro_f1[chosen]
        axis.plot(curve.thresholds[chosen], values, **style | {"marker": ""})
        axis.axvline(assessment.opinion.threshold, color="#777777", linestyle=":")
    axis.set_xlabel("threshold: a step above it is called correct (dotted: the one in use)")
    axis.set_ylabel("macro F1, pooled (%)")


def _reliability(axis: Any, assessments: list[Assessment], styles: list[dict[str, Any]]) -> None:
    axis.plot([0, 1], [0, 100], color="#777777", linestyle=":")
    for assessment, style in zip(assessments, styles, strict=True):
        rows = metrics.reliability(assessment.correct, assessment.scores)
        error = metrics.calibration_error(assessment.correct, assessment.scores)
        means, parts = [row[3] for row in rows], [100 * row[4] for row in rows]
        most = max(row[2] for row in rows)
        areas = [_AREA * max(row[2] / most, 0.04) for row in rows]  # A bin of a few steps says little.
        label = f"{style['label']} (ECE {100 * error:.1f})"
        axis.plot(means, parts, **style | {"marker": "", "label": label})
        axis.scatter(means, parts, areas, color=style["color"], marker=style["marker"] or "o", zorder=3)
    axis.set_xlabel("mean score of the steps in a bin (area: how many they are)")
    axis.set_ylabel("of them correct (%)")


def _errors(axis: Any, assessments: list[Assessment], styles: list[dict[str, Any]]) -> None:
    labelled = max(assessments, key=lambda assessment: len(assessment.correct))
    places = [step for step in STEP_GROUPS if (labelled.step_of == step).any()]
    rates = [100 * float((~labelled.correct[labelled.step_of == step]).mean()) for step in places]
    axis.bar(places, rates, color="#B8C4D0", label="labelled incorrect")
    for assessment, style in zip(assessments, styles, strict=True):
        verdicts = [assessment.verdicts[assessment.step_of == step] for step in places]
        called = [100 * float((~steps).mean()) if len(steps) else np.nan for steps in verdicts]
        axis.plot(places, called, **style | {"marker": style["marker"] or "."})
    axis.set_xticks(places)
    axis.set_xlabel("place of the step in its solution")
    axis.set_ylabel("incorrect, and called so (%)")
