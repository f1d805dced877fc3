"""The drawing kit of all figures: panels, looks of rerankers and critics, titles, axes of k, legends, files."""

from __future__ import annotations

import math
import warnings
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from textwrap import wrap
from typing import Any, Literal

from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import part_of

FORMATS = ("png", "svg")
MOST_PANELS = 36
_COLUMNS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """How a reranker or a critic is drawn, in every figure of every run alike."""

    color: str
    marker: str
    linestyle: Literal["-", "--", ":", "-."] = "-"

    def line(self, **changes: Any) -> dict[str, Any]:
        """The arguments of a line that matplotlib draws."""
        style = {"color": self.color, "marker": self.marker, "linestyle": self.linestyle, "linewidth": 1.8}
        return {**style, "markersize": 5, **changes}


# Okabe and Ito's colours, which people with any common colour vision tell apart, less the pale yellow. Reference lines
# stand back: what no reranker did, and what none can beat.
_KNOWN = {
    "first": Look("#444444", "", "--"),
    "random": Look("#777777", "", ":"),
    "oracle": Look("#000000", "", "-."),
    "all-correct": Look("#444444", "", "--"),
    "visualprm": Look("#0072B2", "o"),
    "self-consistency": Look("#D55E00", "s"),
    "weighted-vote": Look("#009E73", "D"),
    "visualorm": Look("#CC79A7", "^"),
    "visualprm:min": Look("#56B4E9", "v"),
    "greedy": Look("#E69F00", "P"),
}
# Paul Tol's muted colours for all other names. Numbers of colours and of markers have no common factor: all pairs
# differ, and neighbours differ in both.
_COLOURS = ("#882255", "#332288", "#117733", "#999933", "#661100")
_MARKERS = "X*p<>hdH"
_OTHERS = [Look(_COLOURS[number % 5], _MARKERS[number % 8]) for number in range(40)]


def looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each name; it depends on the name alone, unless two unknown names would look alike in one figure."""
    table: dict[str, Look] = {}
    names = list(dict.fromkeys(names))
    for name in sorted(names):
        start = zlib.crc32(name.encode("utf-8", "backslashreplace")) % len(_OTHERS)
        ordered = [_KNOWN[name]] if name in _KNOWN else _OTHERS[start:] + _OTHERS[:start]
        table[name] = next((look for look in ordered if look not in table.values()), ordered[0])
    return {name: table[name] for name in names}


def literal(text: str, width: int = 48) -> str:
    """Text that matplotlib shows as it stands: no formula between dollars, no label hidden by a leading underscore."""
    line = one_line(text, width).replace("$", r"\$")
    return f" {line}" if line.startswith("_") else line


def titled(axis: Any, *texts: str, width: int = 40, loc: str = "left") -> None:
    """Puts texts below one another over a panel; one that is wider than the panel takes several lines."""
    lines = [literal(line) for text in texts for line in wrap(one_line(text, 3 * width), width)]
    axis.set_title("\n".join(lines), loc=loc, fontsize=10)


def panel_grid(count: int, width: float, height: float) -> tuple[Any, list[Any]]:
    """A figure with a grid of empty panels, as many as there may be; it says how many are left out.

    Args:
        count: Panels that are wanted.
        width: Of each, in inches.
        height: The same.
    """
    # Not pyplot: neither the backend nor the figures of the calling program are touched.
    from matplotlib.figure import Figure

    shown = min(count, MOST_PANELS)
    columns = min(_COLUMNS, shown)
    rows = math.ceil(shown / columns)
    size = (max(6.4, width * columns), height * rows + 0.7)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[shown:]:
        axis.set_axis_off()
    for axis in axes[:shown]:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#E3E3E3", linewidth=0.8)
        axis.set_axisbelow(True)
    if count > shown:
        note_below(figure, f"the first {part_of(shown, count, 'panel')}")
    return figure, axes[:shown]


def k_axis(axis: Any, ticks: Sequence[int], label: str) -> None:
    """Makes the axis of k logarithmic."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(ticks, [str(k) for k in ticks])
    axis.minorticks_off()
    axis.set_xlabel(label)


def legend(figure: Any, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """One legend for all panels, above them."""
    if labels:
        columns = 2 * figure.axes[0].get_subplotspec().get_gridspec().ncols
        figure.legend(handles, labels, loc="outside upper left", ncols=min(columns, len(labels)), frameon=False)


def note_below(figure: Any, note: str, color: str = "#444444") -> None:
    """Puts a note below the panels, below what stands there."""
    figure.supxlabel("\n".join(filter(None, (figure.get_supxlabel(), note))), fontsize=9, color=color)


def rendered(figures: Mapping[str, Any], formats: Sequence[str] = FORMATS) -> dict[str, dict[str, bytes]]:
    """The figures by name, each as the bytes of a file per format; the same figure makes the same file."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    files: dict[str, dict[str, bytes]] = {}
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "visualprm_eval"}):
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # A name may hold signs that no font here has.
        for name, figure in figures.items():
            for kind in formats:
                stream = BytesIO()
                canvas = FigureCanvasSVG(figure) if kind == "svg" else FigureCanvasAgg(figure)
                canvas.print_figure(stream, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
                files.setdefault(name, {})[kind] = stream.getvalue()
    return files
