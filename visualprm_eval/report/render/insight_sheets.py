"""Sheets of ``results.xlsx``: intervals, curves with native charts, a sheet per benchmark, stages, the glossary."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from openpyxl.chart import Reference, ScatterChart, Series
from openpyxl.utils import get_column_letter

from visualprm_eval.evaluate.stats.closed_form import curve_ks
from visualprm_eval.report.render.drawing import looks
from visualprm_eval.report.render.text import visible_text
from visualprm_eval.report.render.xlsx import (
    BANNER,
    CHANCE,
    CORRELATION,
    COUNT,
    GAIN,
    PERCENT,
    PLAIN,
    TITLE,
    WRAPPED,
    Field,
    Table,
    append_header,
    gain_rules,
    new_sheet,
)
from visualprm_eval.report.render.xlsx_cells import safe_cell
from visualprm_eval.report.tables import statistics as views
from visualprm_eval.report.tables.glossary import GLOSSARY
from visualprm_eval.report.tables.summary import FIRST, reranker_label

if TYPE_CHECKING:
    from openpyxl import Workbook

    from visualprm_eval.evaluate.stats.rows import CurvePoint, Insight
    from visualprm_eval.report.table import Table as View

__all__ = ["glossary_table", "insight_tables", "write_benchmark_sheets", "write_curve_charts"]

_LOOKS: dict[str, tuple[str, float]] = {
    "name": (PLAIN, 10), "words": (PLAIN, 10),
    "count": (COUNT, 12), "percent": (PERCENT, 12), "gain": (GAIN, 12), "chance": (CHANCE, 12),
    "correlation": (CORRELATION, 12), "seconds": (COUNT, 12),
}  # fmt: skip
_WIDEST_NAME = 48
_CHART_ROWS = 24
_TITLE_LENGTH = 31


def _fields(view: View) -> list[Field]:
    """Names have the room that the longest of them needs, within limits."""
    fields = []
    for place, (title, kind, *_) in enumerate(view.columns):
        style, width = _LOOKS[kind]
        if style == PLAIN:
            width = min(_WIDEST_NAME, 2 + max([width, len(title), *(len(str(row[place])) for row in view.rows)]))
        elif any(row[place] == views.NOT_RECORDED for row in view.rows):
            width = max(width, len(views.NOT_RECORDED) + 2)
        fields.append(Field(title, width, style))
    return fields


def insight_tables(insight: Insight) -> Iterator[Table]:
    """The tables that have a sheet of their own and something in it."""
    made = {
        "intervals": views.values(insight.standings),
        "curves": views.curve_points(insight.points),
        "comparisons": views.comparisons(insight.comparisons),
        "stages": views.costs(insight.costs),
    }
    for title, view in made.items():
        if view.rows:
            names = [column.title for column in view.columns]
            frozen = 1 + (names.index("reranker") if "reranker" in names else 1)
            yield Table(title, _fields(view), view.rows, frozen, gains=_gains(view))


def _gains(view: View) -> list[tuple[int, int, int]]:
    """Where a view has a difference and, in the next two columns, the ends of its interval."""
    kinds = [column.kind for column in view.columns]
    return [(place, place + 1, place + 2) for place in range(len(kinds)) if kinds[place : place + 3] == ["gain"] * 3]


def glossary_table() -> Table:
    """What the words mean."""
    return Table("glossary", (Field("word", 30), Field("meaning", 110, WRAPPED)), list(GLOSSARY.items()), 1)


def write_benchmark_sheets(book: Workbook, insight: Insight) -> None:
    """A sheet per benchmark, in turn its values, candidates, where rerankers lose, comparisons, stages."""
    titles = {sheet.title.lower() for sheet in book.worksheets}
    for name in views.benchmark_names(insight):
        stack = views.benchmark_tables(insight, name)
        title = _sheet_title(name, titles)
        titles.add(title.lower())
        _write_stack(book, title, stack, insight.banner)


def _sheet_title(name: str, taken: set[str]) -> str:
    """A title that spreadsheets allow: 31 characters, no brackets, slashes, colons and wildcards, no two alike."""
    clean = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", name).strip("'") or "benchmark"
    title, number = clean[:_TITLE_LENGTH], 2
    while title.lower() in taken:
        end = f" ({number})"
        title, number = clean[: _TITLE_LENGTH - len(end)] + end, number + 1
    return title


def _write_stack(book: Workbook, title: str, stack: Sequence[View], banner: str) -> None:
    widths: list[float] = []
    for view in stack:
        fields = _fields(view)
        for place, field in enumerate(fields):
            # A text in the last column has room beyond it; it would make numbers of other tables stand far away.
            width = 12 if field.style == PLAIN and place == len(fields) - 1 else field.width
            widths[place : place + 1] = [max([width, *widths[place : place + 1]])]
    sheet = new_sheet(book, title, widths)
    used = 0
    if banner:
        sheet.append([safe_cell(banner, sheet, BANNER)])
        used = 1
    for number, view in enumerate(stack):
        fields = _fields(view)
        if number == 0:  # A sheet has one frozen place, and one filter.
            sheet.freeze_panes = f"D{used + 3}"
            sheet.auto_filter.ref = f"A{used + 2}:{get_column_letter(len(fields))}{used + 2 + len(list(view.rows))}"
        sheet.append([safe_cell(view.title, sheet, TITLE)])
        append_header(sheet, used + 2, fields)
        for row in view.rows:
            sheet.append([safe_cell(value, sheet, field.style) for value, field in zip(row, fields, strict=True)])
        for columns in _gains(view):
            gain, low, high = (get_column_letter(column + 1) for column in columns)
            gain_rules(sheet, gain, low, high, (used + 3, used + 2 + len(list(view.rows))))
        sheet.append([])
        used += 3 + len(list(view.rows))
    sheet.close()


def write_curve_charts(book: Workbook, insight: Insight) -> None:
    """A sheet of native charts: a block of expected values per policy and benchmark, and a chart beside it."""
    blocks: dict[str, list[CurvePoint]] = {}
    for point in insight.points:
        blocks.setdefault(_place(point), []).append(point)
    if not blocks:
        return
    most = max(len({point.reranker for point in block}) for block in blocks.values())
    sheet = new_sheet(book, "curve charts", [10.0, *[20.0] * most])
    sheet.freeze_panes = "B1"
    table = looks(sorted(dict.fromkeys(p.reranker for p in insight.points), key=lambda name: name != FIRST))
    used = 0
    if insight.banner:
        sheet.append([safe_cell(insight.banner, sheet, BANNER)])
        used = 1
    for place, block in blocks.items():
        names = list(dict.fromkeys(point.reranker for point in block))
        values = {(point.reranker, point.k): point.value for point in block}
        ks = curve_ks(max(point.k for point in block))
        sheet.append([safe_cell(place, sheet, TITLE)])
        titles = [Field("k", 0, COUNT), *(Field(reranker_label(name), 0, PERCENT) for name in names)]
        append_header(sheet, used + 2, titles)
        for k in ks:
            row: list[object] = [values.get((name, k)) for name in names]
            sheet.append([safe_cell(k, sheet, COUNT), *(safe_cell(value, sheet, PERCENT) for value in row)])
        chart = _chart(sheet, used + 2, len(ks), names, table)
        chart.title = visible_text(place)[:120]
        known = [value for value in values.values() if not math.isnan(value)]
        chart.x_axis.scaling.max = max(2, *ks)
        chart.y_axis.scaling.min = max(0, 5 * math.floor(min(known, default=0) / 5) - 5)
        chart.y_axis.scaling.max = min(100, 5 * math.ceil(max(known, default=100) / 5) + 5)
        sheet.add_chart(chart, f"{get_column_letter(most + 3)}{used + 1}")
        rows = max(len(ks) + 3, _CHART_ROWS)
        for _ in range(rows - len(ks) - 2):
            sheet.append([])
        used += rows
    sheet.close()


def _place(point: CurvePoint) -> str:
    note = f" ({point.note})" if point.note else ""
    return f"{point.policy} on {point.benchmark} {point.split}".rstrip() + note


def _chart(sheet: Any, header: int, n_ks: int, names: Sequence[str], table: Any) -> ScatterChart:
    """Lines over a logarithmic axis of k, coloured as in the figures."""
    chart = ScatterChart()
    chart.style, chart.width, chart.height = 2, 22, 11
    chart.x_axis.title, chart.y_axis.title = "k", "expected value (%)"
    chart.x_axis.scaling.logBase, chart.x_axis.scaling.min, chart.x_axis.majorUnit = 2, 1, 2
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.number_format, chart.y_axis.number_format = "0", "0"
    chart.x_axis.majorGridlines = None
    chart.legend.position = "r"
    ks = Reference(sheet, min_col=1, min_row=header + 1, max_row=header + n_ks)
    for place, name in enumerate(names):
        values = Reference(sheet, min_col=place + 2, min_row=header, max_row=header + n_ks)
        series = Series(values, ks, title_from_data=True)
        series.marker.symbol, series.smooth = "none", False
        series.graphicalProperties.line.solidFill = table[name].color.lstrip("#")
        series.graphicalProperties.line.width = 22_000
        if table[name].linestyle != "-":
            series.graphicalProperties.line.dashStyle = "dash"
        chart.series.append(series)
    return chart
