"""Figures of best-of-N: curves over k with intervals, gains over the baseline, step scores; ``results.png``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.config import default_ks
from visualprm_eval.core.groups import grouped
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats.best_of_k import DRAWN_SUBSETS, MEAN
from visualprm_eval.report.render.drawing import (
    Look,
    k_axis,
    legend,
    literal,
    looks,
    note_below,
    panel_grid,
    rendered,
    titled,
)
from visualprm_eval.report.tables.summary import FIRST, Curve, column_titles, curves, reranker_label

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.rows import CurvePoint, Insight, PublishedPoint, Standing, StepScoreHistogram
    from visualprm_eval.report.results import Results

FIGURES = ("curves", "gains", "scores")
"""Names of the files."""
_WIDTH_BELOW = 84
"""Characters of a line below the panels, which fit below a single one."""
_PUBLISHED: Mapping[str, Any] = {"linestyle": "", "markersize": 7, "markerfacecolor": "white", "markeredgewidth": 1.5}
_RIGHT, _WRONG = "#0072B2", "#D55E00"


def draw_figures(insight: Insight) -> dict[str, dict[str, bytes]]:
    """Draws what there is something to draw of.

    Returns:
        ``FIGURES`` that there is something to draw of, each as the bytes of a file per format.
    """
    figures = {}
    if insight.points:
        figures["curves"] = _curves(insight.points, insight.published)
    if gains := [row for row in insight.standings if row.gain is not None and not row.is_bound]:
        figures["gains"] = _gains(gains)
    if histograms := [row for row in insight.histograms if sum(row.right) + sum(row.wrong)]:
        figures["scores"] = _scores(histograms)
    warning = "without a critic: the report says which and why" if insight.unheard else ""
    warning = "unfinished: the report says what is missing" if insight.missing else warning
    for figure in figures.values() if warning else ():
        note_below(figure, warning, color="#A8321A")
    return rendered(figures)


def draw_values(results: Results) -> bytes:
    """``results.png``: values from the first k candidates, a panel per policy and benchmark."""
    return rendered({"results": _values(curves(results.rows))}, ("png",))["results"]["png"]


def _values(all_curves: Sequence[Curve]) -> Any:
    """Values from the first k candidates at every k that was evaluated; a withheld one leaves a gap."""
    panels = grouped(all_curves, lambda curve: (curve.policy, curve.column))
    titles = column_titles(tuple(dict.fromkeys(column for _, column in panels)))
    table = _looks([curve.reranker for curve in all_curves])
    figure, axes = panel_grid(max(1, len(panels)), 4.0, 3.2)
    for axis, ((policy, column), lines) in zip(axes, panels.items(), strict=False):
        titled(axis, titles[column], *dict.fromkeys(curve.part for curve in lines if curve.part), policy)
        for curve in lines:
            values = [math.nan if value is None else value for value in curve.points.values()]
            _line(axis, list(curve.points), values, table[curve.reranker])
        k_axis(axis, sorted({k for curve in lines for k in curve.points}), "k (the first k candidates)")
        axis.set_ylabel("mean (%)" if column.benchmark == OVERALL else f"{literal(column.metric)} (%)")
        if all(value is None for curve in lines for value in curve.points.values()):
            axis.set_yticks([])
            axis.text(0.5, 0.5, "all values withheld", ha="center", transform=axis.transAxes, color="#777777")
    if not panels:
        axes[0].text(0.5, 0.5, "no values", ha="center", transform=axes[0].transAxes)
    _legend(figure, table, published=False)
    return figure


def _line(axis: Any, ks: Sequence[int], values: Sequence[float], look: Look) -> None:
    # With few k every one is marked, with many those of the axis; one point draws no line.
    marked = [place for place, k in enumerate(ks) if len(ks) <= 16 or k in default_ks(ks[-1])]
    lone = {"marker": "_", "markersize": 12} if len(values) - sum(map(math.isnan, values)) == 1 else {}
    style = look.line() if look.marker else look.line(**lone)
    axis.plot(ks, values, **style, markevery=marked, zorder=3 if look.marker else 2.5)


def _looks(names: Sequence[str]) -> dict[str, Look]:
    return looks(sorted(dict.fromkeys(names), key=lambda name: name != FIRST))


def _legend(figure: Any, table: dict[str, Look], *, published: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], **look.line()) for look in table.values()]
    labels = [literal(reranker_label(name)) for name in table]
    if published:
        handles.append(Line2D([], [], color="#444444", marker="o", **_PUBLISHED))
        labels.append("published")
    legend(figure, handles, labels)


def _curves(points: Sequence[CurvePoint], published: Sequence[PublishedPoint] = ()) -> Any:
    """Expected values with their intervals as bands, published ones as hollow marks; the axis of k is logarithmic."""
    # Means come first, so that many benchmarks leave room for them.
    panels = grouped(sorted(points, key=lambda point: point.benchmark != OVERALL), lambda row: row.place)
    table = _looks([point.reranker for point in points])
    figure, axes = panel_grid(len(panels), 4.6, 3.6)
    for axis, (place, members) in zip(axes, panels.items(), strict=False):
        first = members[0]
        titled(axis, f"{first.benchmark} {first.split}".rstrip(), first.note, first.policy, width=44)
        for name, line in grouped(members, lambda point: point.reranker).items():
            _line(axis, [point.k for point in line], [point.value for point in line], table[name])
            ends = [(point.k, point.low, point.high) for point in line if point.low is not None]
            if ends and table[name].marker:  # Reference lines stand back.
                axis.fill_between(*zip(*ends, strict=True), color=table[name].color, alpha=0.1, linewidth=0)
        for point in published:
            if point.place == place:
                look = table[point.reranker]
                axis.plot(point.k, point.value, marker=look.marker or "o", color=look.color, zorder=4, **_PUBLISHED)
        k_axis(axis, default_ks(max(point.k for point in members)), "k (of N candidates)")
        axis.set_ylabel(f"{literal(first.metric)} (%)")
    _legend(figure, table, published=bool(published))
    note_below(figure, _estimated(points))
    sources = dict.fromkeys(literal(point.source) for point in published)
    note_below(figure, f"published: of the whole benchmark, {'; '.join(sources)}" if sources else "")
    return figure


def _estimated(points: Sequence[CurvePoint]) -> str:
    """Over what the lines are means: all subsets of k of the N candidates, but for some rerankers."""
    names = grouped(points, lambda point: point.estimator)
    others = {
        DRAWN_SUBSETS: "at some k over subsets drawn with a seed",
        MEAN: "the mean of all N candidates at any k, one line",
    }
    notes = ["lines: mean over all subsets of k of the N candidates"] if names.keys() - others.keys() else []
    for estimator, meaning in others.items():
        if labels := dict.fromkeys(literal(reranker_label(point.reranker)) for point in names.get(estimator, ())):
            notes.append(f"{', '.join(labels)}: {meaning}")
    return "\n".join(line for note in notes for line in wrap(note, _WIDTH_BELOW, break_on_hyphens=False))


def _gains(rows: Sequence[Standing]) -> Any:
    """A bar per reranker and benchmark with its interval; the bar of a gain that is not shown is pale."""
    panels = grouped(rows, lambda row: row.policy)
    table = _looks([row.reranker for row in rows])
    # A remark takes a second line.
    height = 0.45 if any(row.note for row in rows) or len({row.baseline for row in rows}) > 1 else 0.3
    most = max(map(len, panels.values()))
    figure, axes = panel_grid(len(panels), 4.8, max(3.0, height * most + 1))
    for axis, (policy, bars) in zip(axes, panels.items(), strict=False):
        axis.grid(axis="y", visible=False)
        axis.grid(axis="x", color="#E3E3E3", linewidth=0.8)
        titled(axis, policy, loc="right")  # Labels leave no room on the left.
        axis.axvline(0, color="#444444", linewidth=1)
        for place, row in enumerate(bars):
            axis.barh(place, row.gain, color=table[row.reranker].color, alpha=1.0 if row.gain_is_shown else 0.35)
            if row.gain_low is not None:
                axis.plot([row.gain_low, row.gain_high], [place, place], color="#222222", linewidth=1.2, marker="|")
        several = len({row.benchmark + row.split for row in bars}) > 1
        kinds = list(dict.fromkeys(row.baseline for row in bars))
        labels = [_bar_label(row, named=several, over=len(kinds) > 1) for row in bars]
        axis.set_yticks(range(len(bars)), labels, fontsize=9)
        axis.set_ylim(most - 0.4, -0.6)  # From above, bars of all panels equally thick.
        over = kinds[0] if len(kinds) == 1 else "the baseline named"
        axis.set_xlabel(f"gain over {over} in points\n95% interval (pale: contains 0, or none: not tested)")
    return figure


def _bar_label(row: Standing, *, named: bool, over: bool) -> str:
    label = literal(f"{row.reranker}, {row.benchmark} {row.split}".rstrip() if named else row.reranker)
    remarks = ", ".join(filter(None, (f"over {row.baseline}" if over else "", row.note)))
    return f"{label}\n{literal(remarks)}" if remarks else label


def _scores(rows: Sequence[StepScoreHistogram]) -> Any:
    """The distribution of step scores, right candidates against wrong ones, each as parts of its own."""
    from matplotlib.patches import Patch

    figure, axes = panel_grid(len(rows), 4.2, 3.2)
    for axis, row in zip(axes, rows, strict=False):
        for counts, color in ((row.wrong, _WRONG), (row.right, _RIGHT)):
            parts = [count / max(1, sum(counts)) for count in counts]
            axis.stairs(parts, row.edges, fill=True, color=color, alpha=0.35)
            axis.stairs(parts, row.edges, color=color, linewidth=1.5)
        counted = f"steps of wrong: {sum(row.wrong):,}, of right: {sum(row.right):,}"
        titled(axis, row.critic, row.benchmark, row.policy, counted)
        axis.set_xlabel("step score")
        axis.set_ylabel("part of the steps")
    patches = [Patch(color=color, alpha=0.5) for color in (_WRONG, _RIGHT)]
    legend(figure, patches, ["steps of wrong candidates", "steps of right candidates"])
    return figure
