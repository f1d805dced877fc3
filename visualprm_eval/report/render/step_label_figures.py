"""The figures: F1 against the threshold, reliability, and how often steps are wrong by their place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.plots import looks
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.tables.step_labels import PARTIAL, STEP_GROUPS

__all__ = ["figures"]

Draw = Callable[[Path], None]
_MOST_POINTS = 2000
_AREA = 90
"""Of the mark of the bin with most steps, in square points."""
"""Points of a curve; more cannot be seen."""


def figures(results: ProcessResults) -> tuple[Draw | None, Draw | None, Draw | None]:
    """What draws each figure into a PNG file; ``None`` where there is nothing to draw."""
    table = looks([one.opinion.critic for one in results.assessments])
    curves = [one for one in results.assessments if one.curve is not None]
    sure = [one for one in results.assessments if one.is_probability]
    steps = [one for one in results.assessments if len(one.correct)]
    name = results.process_set.name + (f" ({PARTIAL})" if results.remarks else "")

    def thresholds(axis: Any) -> None:
        for one in curves:
            if one.curve is None:
                continue
            chosen = np.unique(np.linspace(0, len(one.curve.thresholds) - 1, _MOST_POINTS).astype(int))
            look, at = table[one.opinion.critic], one.curve.thresholds[chosen]
            axis.plot(at, 100 * one.curve.macro_f1[chosen], color=look.color, label=_literal(one.opinion.critic))
            axis.axvline(one.opinion.threshold, color="#777777", linestyle=":")
        axis.set_xlabel("threshold: a step above it is called correct (dotted: the one in use)")
        axis.set_ylabel("macro F1, pooled (%)")

    def reliability(axis: Any) -> None:
        axis.plot([0, 1], [0, 100], color="#777777", linestyle=":")
        for one in sure:
            rows = metrics.reliability(one.correct, one.scores)
            error, look = metrics.calibration_error(one.correct, one.scores), table[one.opinion.critic]
            means, parts = [row[3] for row in rows], [100 * row[4] for row in rows]
            # A bin of a few steps says little.
            most = max(row[2] for row in rows)
            areas = [_AREA * max(row[2] / most, 0.04) for row in rows]
            label = f"{_literal(one.opinion.critic)} (ECE {100 * error:.1f})"
            axis.plot(means, parts, color=look.color, linewidth=1.2, label=label)
            axis.scatter(means, parts, areas, color=look.color, marker=look.marker or "o", zorder=3)
        axis.set_xlabel("mean score of the steps in a bin (area: how many they are)")
        axis.set_ylabel("of them correct (%)")

    def errors(axis: Any) -> None:
        one = max(steps, key=lambda each: len(each.correct))
        places = [step for step in STEP_GROUPS if (one.step_of == step).any()]
        rates = [100 * float((~one.correct[one.step_of == step]).mean()) for step in places]
        axis.bar(places, rates, color="#B8C4D0", label="labelled incorrect")
        for each in steps:
            said = [100 * float((~each.verdicts[each.step_of == s]).mean()) if (each.step_of == s).any() else np.nan
                    for s in places]  # fmt: skip
            look = table[each.opinion.critic]
            axis.plot(places, said, color=look.color, marker=look.marker or ".", label=_literal(each.opinion.critic))
        axis.set_xticks(places)
        axis.set_xlabel("place of the step in its solution")
        axis.set_ylabel("incorrect, and called so (%)")

    return (
        _drawing(f"{name}: F1 against the threshold", thresholds) if curves else None,
        _drawing(f"{name}: reliability", reliability) if sure else None,
        _drawing(f"{name}: errors by place", errors) if steps else None,
    )


def _drawing(title: str, fill: Callable[[Any], None]) -> Draw:
    def draw(path: Path) -> None:
        # Not pyplot: neither the backend nor the figures of the calling program are touched.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 4.4), layout="constrained", facecolor="white")
        axis = figure.subplots()
        fill(axis)
        axis.set_title(_literal(title, 72), loc="left", fontsize=10)
        axis.grid(axis="y", color="#E3E3E3", linewidth=0.8)
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=9)
        FigureCanvasAgg(figure).print_figure(path, format="png", dpi=150)

    return draw


def _literal(text: str, width: int = 48) -> str:
    """Text that matplotlib shows as it stands: no formula between dollars, no label hidden by an underscore."""
    line = one_line(text, width).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line
