"""Figures as PNG and SVG: curves over k with intervals, gains over the baseline, distributions of step scores."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from io import BytesIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats.best_of_k import DRAWN_SUBSETS, MEAN
from visualprm_eval.report.render.plots import Look, lines, literal, looks
from visualprm_eval.report.tables.summary import FIRST, reranker_label

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.rows import CurvePoint, Insight, PublishedPoint, Standing, StepScoreHistogram

__all__ = ["FIGURES", "FORMATS", "draw_figures"]

FIGURES = ("curves", "gains", "scores")
"""Names of the files."""
FORMATS = ("png", "svg")
_COLUMNS = 3
_MOST_PANELS = 36
_WIDTH_BELOW = 84
"""Characters of a line below the panels, which fit below a single one."""
_PUBLISHED: Mapping[str, Any] = {"markersize": 7, "markerfacecolor": "white", "markeredgewidth": 1.5}
_RIGHT, _WRONG = "#0072B2", "#D55E00"


def draw_figures(insight: Insight) -> dict[str, dict[str, bytes]]:
    """Draws what there is something to draw of.

    Args:
        insight: What to show.

    Returns:
        ``FIGURES`` that there is something to draw of, each as the bytes of a file per format.
    """
    makers: Mapping[str, tuple[Callable[[Any], Any], Any]] = {
        "curves": (partial(_curves, published=insight.published), insight.points),
        "gains": (_gains, [row for row in insight.standings if row.gain is not None and not row.is_bound]),
        "scores": (_scores, [one for one in insight.histograms if sum(one.right) + sum(one.wrong)]),
    }
    found: dict[str, dict[str, bytes]] = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # A name may hold signs that no font here has.
        for name, (make, rows) in makers.items():
            if rows:
                figure = make(rows)
                if insight.missing:
                    _say_below(figure, "unfinished: the report says what is missing", color="#A8321A")
                elif insight.unheard:
                    _say_below(figure, "without a critic: the report says which and why", color="#A8321A")
                found[name] = {kind: _saved(figure, kind) for kind in FORMATS}
    return found


def _saved(figure: Any, kind: str) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = BytesIO()
    canvas = FigureCanvasSVG(figure) if kind == "svg" else FigureCanvasAgg(figure)
    # The same results make the same file.
    with rc_context({"svg.hashsalt": "visualprm_eval"}):
        canvas.print_figure(stream, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return stream.getvalue()


def _panels(count: int, width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure with a grid of empty panels."""
    from matplotlib.figure import Figure

    columns = min(_COLUMNS, count)
    rows = math.ceil(count / columns)
    size = (max(6.4, width * columns), height * rows + 0.7)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[count:]:
        axis.set_axis_off()
    for axis in axes[:count]:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#E3E3E3", linewidth=0.8)
        axis.set_axisbelow(True)
    return figure, axes


def _grouped(rows: Sequence[Any], key: Callable[[Any], Any]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _say_below(figure: Any, remark: str, color: str = "#444444") -> None:
    """Puts a remark below the panels, below what stands there."""
    said = "\n".join(filter(None, (figure.get_supxlabel(), remark)))
    figure.supxlabel(said, fontsize=9, color=color)


def _first(count: int) -> str:
    """What is said of panels that are left out."""
    return f"the first {_MOST_PANELS:,} of {count:,} panels" if count > _MOST_PANELS else ""


def _title(row: CurvePoint | Standing) -> str:
    return lines(f"{row.benchmark} {row.split}".rstrip(), row.note, row.policy, width=44)


def _place(row: CurvePoint | PublishedPoint) -> tuple[str, str, str]:
    return row.policy, row.benchmark, row.split


def _looks_of(rows: Sequence[CurvePoint | Standing]) -> dict[str, Look]:
    names = dict.fromkeys(row.reranker for row in rows)
    return looks(sorted(names, key=lambda name: name != FIRST))


def _legend(figure: Any, table: Mapping[str, Look], columns: int, *, published: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=look.color, marker=look.marker, linestyle=look.linestyle, linewidth=1.8, markersize=5)
        for look in table.values()
    ]
    labels = [literal(reranker_label(name)) for name in table]
    if published:
        handles.append(Line2D([], [], color="#444444", marker="o", linestyle="", **_PUBLISHED))
        labels.append("published")
    figure.legend(handles, labels, loc="outside upper left", ncols=min(2 * columns, len(labels)), frameon=False)


def _curves(points: Sequence[CurvePoint], published: Sequence[PublishedPoint] = ()) -> Any:
    """Expected values with their intervals as bands, published ones as hollow marks; the axis of k is logarithmic."""
    # Means come first, so that many benchmarks leave room for them.
    panels = _grouped(sorted(points, key=lambda point: point.benchmark != OVERALL), _place)
    table = _looks_of(points)
    figure, axes = _panels(min(len(panels), _MOST_PANELS), 4.6, 3.6)
    for axis, (place, own) in zip(axes, panels.items(), strict=False):
        axis.set_title(_title(own[0]), loc="left", fontsize=10)
        for name, line in _grouped(own, lambda point: point.reranker).items():
            _line(axis, line, table[name])
        for point in published:
            if _place(point) == place:
                look = table[point.reranker]
                axis.plot(point.k, point.value, look.marker or "o", color=look.color, zorder=4, **_PUBLISHED)
        n = max(point.k for point in own)
        ticks = _ticks(n)
        axis.set_xscale("log", base=2)
        axis.set_xticks(ticks, [str(k) for k in ticks])
        axis.minorticks_off()
        axis.set_xlabel("k (of N candidates)")
        axis.set_ylabel(f"{literal(own[0].metric)} (%)")
    _legend(figure, table, min(_COLUMNS, len(panels)), published=bool(published))
    _say_below(figure, _estimated(points))
    sources = dict.fromkeys(point.source for point in published)
    _say_below(figure, f"published: of the whole benchmark, {'; '.join(map(literal, sources))}" if sources else "")
    _say_below(figure, _first(len(panels)))
    return figure


def _estimated(points: Sequence[CurvePoint]) -> str:
    """Over what the lines are means: all subsets of k of the N candidates, but for some rerankers."""
    names = _grouped(points, lambda point: point.estimator)
    others = {
        DRAWN_SUBSETS: "at some k over subsets drawn with a seed",
        MEAN: "the mean of all N candidates at any k, one line",
    }
    said = ["lines: mean over all subsets of k of the N candidates"] if names.keys() - others.keys() else []
    for estimator, meaning in others.items():
        found = dict.fromkeys(literal(reranker_label(point.reranker)) for point in names.get(estimator, ()))
        if found:
            said.append(f"{', '.join(found)}: {meaning}")
    return "\n".join(line for one in said for line in wrap(one, _WIDTH_BELOW, break_on_hyphens=False))


def _ticks(n: int) -> list[int]:
    """Powers of two below N, and N."""
    return [2**power for power in range(n.bit_length()) if 2**power < n] + [n]


def _line(axis: Any, line: Sequence[CurvePoint], look: Look) -> None:
    ks = [point.k for point in line]
    # With few k every one is marked, with many those of the axis.
    marked = [place for place, k in enumerate(ks) if len(ks) <= 16 or k in _ticks(ks[-1])]
    axis.plot(
        ks, [point.value for point in line], color=look.color, linestyle=look.linestyle, linewidth=1.8,
        marker=look.marker, markevery=marked, markersize=4.5, zorder=3,
    )  # fmt: skip
    ends = [(point.k, point.low, point.high) for point in line if point.low is not None and point.high is not None]
    if ends and look.marker:  # Reference lines stand back.
        where, lows, highs = zip(*ends, strict=True)
        axis.fill_between(where, lows, highs, color=look.color, alpha=0.1, linewidth=0)


def _gains(rows: Sequence[Standing]) -> Any:
    """A bar per reranker and benchmark with its interval; the bar of a gain that is not shown is pale."""
    panels = _grouped(rows, lambda row: row.policy)
    table = _looks_of(rows)
    # A remark takes a second line.
    height = 0.45 if any(row.note for row in rows) or len({row.baseline for row in rows}) > 1 else 0.3
    most = max(map(len, panels.values()))
    figure, axes = _panels(min(len(panels), _MOST_PANELS), 4.8, max(3.0, height * most + 1))
    for axis, (policy, own) in zip(axes, panels.items(), strict=False):
        axis.grid(axis="y", visible=False)
        axis.grid(axis="x", color="#E3E3E3", linewidth=0.8)
        axis.set_title(lines(policy), loc="right", fontsize=10)  # Labels leave no room on the left.
        axis.axvline(0, color="#444444", linewidth=1)
        for place, row in enumerate(own):
            gain = row.gain or 0.0
            axis.barh(place, gain, color=table[row.reranker].color, alpha=1.0 if row.gain_is_shown else 0.35)
            if row.gain_low is not None and row.gain_high is not None:
                axis.plot([row.gain_low, row.gain_high], [place, place], color="#222222", linewidth=1.2, marker="|")
        several = len({row.benchmark + row.split for row in own}) > 1
        mixed = len({row.baseline for row in own}) > 1
        axis.set_yticks(range(len(own)), [_bar_label(row, named=several, over=mixed) for row in own], fontsize=9)
        axis.set_ylim(most - 0.4, -0.6)  # From above, bars of all panels equally thick.
        kinds = list(dict.fromkeys(row.baseline for row in own))
        over = kinds[0] if len(kinds) == 1 else "the baseline named"
        axis.set_xlabel(f"gain over {over} in points\n95% interval (pale: contains 0, or none: not tested)")
    _say_below(figure, _first(len(panels)))
    return figure


def _bar_label(row: Standing, *, named: bool, over: bool) -> str:
    place = OVERALL if row.benchmark == OVERALL else f"{row.benchmark} {row.split}".rstrip()
    label = literal(f"{row.reranker}, {place}" if named else row.reranker)
    remarks = ", ".join(filter(None, (f"over {row.baseline}" if over else "", row.note)))
    return f"{label}\n{literal(remarks)}" if remarks else label


def _scores(rows: Sequence[StepScoreHistogram]) -> Any:
    """The distribution of step scores, right candidates against wrong ones, each as parts of its own."""
    from matplotlib.patches import Patch

    figure, axes = _panels(min(len(rows), _MOST_PANELS), 4.2, 3.2)
    for axis, row in zip(axes, rows, strict=False):
        for counts, color in ((row.wrong, _WRONG), (row.right, _RIGHT)):
            total = sum(counts)
            parts = [count / total if total else 0.0 for count in counts]
            axis.stairs(parts, row.edges, fill=True, color=color, alpha=0.35)
            axis.stairs(parts, row.edges, color=color, linewidth=1.5)
        counted = f"steps of wrong: {sum(row.wrong):,}, of right: {sum(row.right):,}"
        axis.set_title(lines(row.critic, row.benchmark, row.policy, counted, width=40), loc="left", fontsize=10)
        axis.set_xlabel("step score")
        axis.set_ylabel("part of the steps")
    patches = [Patch(color=_WRONG, alpha=0.5), Patch(color=_RIGHT, alpha=0.5)]
    labels = ["steps of wrong candidates", "steps of right candidates"]
    figure.legend(patches, labels, loc="outside upper left", ncols=2, frameon=False)
    _say_below(figure, _first(len(rows)))
    return figure
