"""``results.png``: accuracy against k, one panel per policy and benchmark."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.tables.summary import FIRST, Column, Curve, column_titles, curves, reranker_label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from visualprm_eval.report.results import Results

# Okabe and Ito's colours, which people with any common colour vision tell apart, less the pale yellow.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
_MARKERS = "osD^vPX*"
_MAX_COLUMNS = 4
_MAX_PIXELS = 30_000  # Along a side; Agg draws no more than 65,535.


@dataclass(frozen=True, slots=True)
class Look:
    """How a reranker's line is drawn, in every panel alike."""

    color: str
    marker: str
    linestyle: Literal["-", "--", ":", "-."]


# Reference lines stand back: what no reranker did, and what none can beat.
_REFERENCES = {
    FIRST: Look("#444444", "", "--"),
    "random": Look("#777777", "", ":"),
    "oracle": Look("#000000", "", "-."),
}


def looks(rerankers: Sequence[str]) -> dict[str, Look]:
    """A look of its own for every reranker: colour and marker differ, so that either is enough to tell."""
    table: dict[str, Look] = {}
    for name in rerankers:
        place = len(table.keys() - _REFERENCES.keys())
        own = Look(_COLOURS[place % len(_COLOURS)], _MARKERS[place % len(_MARKERS)], "-")
        table[name] = _REFERENCES.get(name, own)
    return table


def literal(text: str) -> str:
    """Text that matplotlib shows as it stands: no formula between dollars, no label hidden by a leading underscore."""
    line = one_line(text, 48).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line


def lines(*texts: str, width: int = 40) -> str:
    """Texts below one another, shown literally; one that is wider than a panel takes several lines."""
    return "\n".join(literal(line) for text in texts for line in wrap(one_line(text, 3 * width), width))


def write_plot(path: Path, results: Results) -> None:
    """Draws the curves; a withheld value leaves a gap.

    Args:
        path: The PNG file to write.
        results: What to show.

    Raises:
        OSError: The file cannot be written.
    """
    # Not pyplot: neither the backend nor the figures of the calling program are touched.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # A name may hold signs that no font here has.
        figure = _figure(curves(results.rows))
        dpi = min(150.0, _MAX_PIXELS / max(figure.get_size_inches()))
        FigureCanvasAgg(figure).print_figure(path, format="png", dpi=dpi)


def _figure(all_curves: Sequence[Curve]) -> Any:
    from matplotlib.figure import Figure

    panels: dict[str, dict[Column, list[Curve]]] = {}
    for curve in all_curves:
        panels.setdefault(curve.policy, {}).setdefault(curve.column, []).append(curve)
    titles = column_titles(tuple(dict.fromkeys(curve.column for curve in all_curves)))
    columns = min(_MAX_COLUMNS, max(1, *map(len, panels.values()), 1))
    bands = [math.ceil(len(own) / columns) for own in panels.values()]  # Rows of panels for each policy.
    rows = max(1, sum(bands))
    table = looks(sorted(dict.fromkeys(c.reranker for c in all_curves), key=lambda name: name != FIRST))
    size = (max(6.8, 4.0 * columns), 3.2 * rows + 0.8)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    top = 0
    for (policy, own), band in zip(panels.items(), bands, strict=True):
        for axis, (column, chosen) in zip(axes[top : top + band].flat, own.items(), strict=False):
            _panel(axis, chosen, table)
            heading = [titles[column], policy] if len(panels) > 1 or len(titles) == 1 else [titles[column]]
            heading[1:1] = dict.fromkeys(curve.part for curve in chosen if curve.part)
            axis.set_title(lines(*heading), loc="left", fontsize=10)
        top += band
    if not panels:
        axes[0, 0].text(0.5, 0.5, "no values", ha="center", va="center", transform=axes[0, 0].transAxes)
    if rows * columns == 1 and panels:
        _label_ends(axes[0, 0], all_curves, table)
    else:
        _legend(figure, table, columns * 2)
    return figure


def _panel(axis: Any, chosen: Sequence[Curve], table: Mapping[str, Look]) -> None:
    """Draws one benchmark: k on a logarithmic axis with a tick at every k that was evaluated."""
    axis.set_axis_on()
    for curve in chosen:
        look = table[curve.reranker]
        values = [math.nan if value is None else value for value in curve.points.values()]
        lone = len(values) - sum(map(math.isnan, values)) == 1  # One point draws no line.
        axis.plot(
            list(curve.points), values, color=look.color, linestyle=look.linestyle, linewidth=1.8,
            marker=look.marker or ("_" if lone else ""), markersize=12 if lone and not look.marker else 5.5,
            clip_on=False, zorder=2 if look.marker else 1.5,
        )  # fmt: skip
    ks = sorted({k for curve in chosen for k in curve.points})
    axis.set_xscale("log", base=2)
    axis.set_xticks(ks, [str(k) for k in ks])
    axis.minorticks_off()
    axis.set_xlabel("k (the first k candidates)")
    axis.set_ylabel("mean (%)" if chosen[0].column.benchmark == OVERALL else f"{literal(chosen[0].column.metric)} (%)")
    axis.grid(axis="y", color="#E3E3E3", linewidth=0.8)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    if all(value is None for curve in chosen for value in curve.points.values()):
        axis.set_yticks([])
        axis.text(0.5, 0.5, "all values withheld", ha="center", va="center", transform=axis.transAxes, color="#777777")


def _legend(figure: Any, table: Mapping[str, Look], columns: int) -> None:
    """One legend for all panels, above them."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=look.color, marker=look.marker, linestyle=look.linestyle, linewidth=1.8, markersize=5.5)
        for look in table.values()
    ]
    labels = [literal(reranker_label(name)) for name in table]
    if labels:
        figure.legend(handles, labels, loc="outside upper left", ncols=min(columns, len(labels)), frameon=False)


def _label_ends(axis: Any, chosen: Sequence[Curve], table: Mapping[str, Look]) -> None:
    """Names each line where it ends, with its last value; close ends are moved apart."""
    ends = [(max(k for k in c.points if c.points[k] is not None), c) for c in chosen if any_value(c)]
    ends.sort(key=lambda end: end[1].points[end[0]] or 0.0)
    heights = [curve.points[k] or 0.0 for k, curve in ends]
    low, high = axis.get_ylim()
    right = max((k for curve in chosen for k in curve.points), default=1)
    for (_, curve), value, height in zip(ends, heights, spread(heights, 0.055 * (high - low)), strict=True):
        axis.annotate(
            f"{literal(reranker_label(curve.reranker))}  {value:.1f}", (right, height), xytext=(10, 0),
            textcoords="offset points", va="center", fontsize=9, color=table[curve.reranker].color,
            annotation_clip=False,
        )  # fmt: skip


def any_value(curve: Curve) -> bool:
    """Whether a curve has a value that is not withheld."""
    return any(value is not None for value in curve.points.values())


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Moves growing heights as little as it takes for neighbours to stand ``gap`` apart, in the same order."""
    blocks: list[list[float]] = []

    def centre(block: Sequence[float]) -> float:
        return sum(block) / len(block)

    for height in heights:
        blocks.append([height])
        while len(blocks) > 1 and centre(blocks[-1]) - centre(blocks[-2]) < gap * len(blocks[-2] + blocks[-1]) / 2:
            last = blocks.pop()
            blocks[-1] += last
    return [centre(block) + gap * (place - (len(block) - 1) / 2) for block in blocks for place in range(len(block))]
