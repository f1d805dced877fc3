"""Sheets of ``results.xlsx``: intervals, curves with native charts, a sheet per benchmark, stages, the glossary."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from openpyxl.chart import Reference, ScatterChart, Series
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from visualprm_eval.insight.curves import curve_ks
from visualprm_eval.report import insight_tables as views
from visualprm_eval.report.cells import safe_cell
from visualprm_eval.report.glossary import GLOSSARY
from visualprm_eval.report.plots import looks
from visualprm_eval.report.sheets import (
    CORRELATION,
    COUNT,
    GAIN,
    HEADER,
    PERCENT,
    PLAIN,
    SCORE,
    WRAPPED,
    Field,
    Table,
    new_sheet,
)
from visualprm_eval.report.tables import BASELINE, reranker_label
from visualprm_eval.report.text import visible_text

if TYPE_CHECKING:
    from openpyxl import Workbook

    from visualprm_eval.insight.facts import CurvePoint, Insight
    from visualprm_eval.report.insight_tables import Kind, View

__all__ = ["gain_rules", "glossary_table", "insight_tables", "write_benchmark_sheets", "write_curve_charts"]

_LOOKS: dict[Kind, tuple[str, float]] = {
    "name": (PLAIN, 24), "text": (WRAPPED, 44), "count": (COUNT, 11), "percent": (PERCENT, 12), "gain": (GAIN, 11),
    "chance": (SCORE, 11), "correlation": (CORRELATION, 12), "seconds": (COUNT, 12),
}  # fmt: skip
_CHART_ROWS = 24
_TITLE_LENGTH = 31
_GREEN, _RED = PatternFill(bgColor="D8F0E3"), PatternFill(bgColor="F9DDD3")


def _fields(view: View) -> list[Field]:
    return [Field(title, _LOOKS[kind][1], _LOOKS[kind][0]) for title, kind in view.columns]


def insight_tables(insight: Insight) -> Iterator[Table]:
    """The tables that have a sheet of their own and something in it."""
    made = {
        "intervals": views.standings(insight),
        "curves": views.curve_points(insight.points),
        "comparisons": views.comparisons(insight.comparisons),
        "stages": views.costs(insight.costs),
    }
    for title, view in made.items():
        if view.rows:
            yield Table(title, _fields(view), view.rows, 3 if title != "stages" else 2)


def glossary_table() -> Table:
    """What the words mean."""
    return Table("glossary", (Field("word", 30), Field("meaning", 110, WRAPPED)), list(GLOSSARY.items()), 1)


def gain_rules(sheet: Any, gain: str, low: str, high: str, rows: tuple[int, int]) -> None:
    """Colours a column of gains by its interval: green above 0, red below, quiet where it contains 0.

    Args:
        sheet: The sheet.
        gain: The column's letter.
        low: The column of the interval's lower end.
        high: The column of its upper end.
        rows: The first and the last row.
    """
    first, last = rows
    if last < first:
        return
    place = f"{gain}{first}:{gain}{last}"
    known = f"ISNUMBER(${low}{first}),ISNUMBER(${high}{first})"
    rules = (
        FormulaRule([f"AND({known},${low}{first}>0)"], fill=_GREEN),
        FormulaRule([f"AND({known},${high}{first}<0)"], fill=_RED),
        FormulaRule([f"AND({known},${low}{first}<=0,${high}{first}>=0)"], font=Font(italic=True, color="7F7F7F")),
    )
    for rule in rules:
        sheet.conditional_formatting.add(place, rule)


def write_benchmark_sheets(book: Workbook, insight: Insight) -> None:
    """A sheet per benchmark, in turn its values, candidates, where rerankers lose, comparisons, stages."""
    titles = {sheet.title.lower() for sheet in book.worksheets}
    for name in views.benchmark_names(insight):
        stack = views.benchmark_views(insight, name)
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
        for place, field in enumerate(_fields(view)):
            widths[place : place + 1] = [max([field.width, *widths[place : place + 1]])]
    sheet = new_sheet(book, title, widths)
    used = 0
    if banner:
        sheet.append([safe_cell(banner, sheet, HEADER)])
        used = 1
    for number, view in enumerate(stack):
        fields = _fields(view)
        if number == 0:  # A sheet has one frozen place, and one filter.
            sheet.freeze_panes = f"D{used + 3}"
            sheet.auto_filter.ref = f"A{used + 2}:{get_column_letter(len(fields))}{used + 2 + len(view.rows)}"
        sheet.append([safe_cell(view.title, sheet, HEADER)])
        sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
        for row in view.rows:
            sheet.append([safe_cell(value, sheet, field.style) for value, field in zip(row, fields, strict=True)])
        sheet.append([])
        used += 3 + len(view.rows)
    sheet.close()


def write_curve_charts(book: Workbook, insight: Insight) -> None:
    """A sheet of native charts: a block of expected values per policy and benchmark, and a chart beside it."""
    blocks: dict[str, list[CurvePoint]] = {}
    for point in insight.points:
        blocks.setdefault(f"{point.policy} on {views.place_of(point)}", []).append(point)
    if not blocks:
        return
    most = max(len({point.reranker for point in block}) for block in blocks.values())
    sheet = new_sheet(book, "curve charts", [10.0, *[16.0] * most])
    sheet.freeze_panes = "B1"
    table = looks(sorted(dict.fromkeys(p.reranker for p in insight.points), key=lambda name: name != BASELINE))
    used = 0
    if insight.banner:
        sheet.append([safe_cell(insight.banner, sheet, HEADER)])
        used = 1
    for place, block in blocks.items():
        names = list(dict.fromkeys(point.reranker for point in block))
        values = {(point.reranker, point.k): point.value for point in block}
        ks = curve_ks(max(point.k for point in block))
        sheet.append([safe_cell(place, sheet, PLAIN)])
        sheet.append([safe_cell(title, sheet, HEADER) for title in ("k", *map(reranker_label, names))])
        for k in ks:
            row: list[object] = [values.get((name, k)) for name in names]
            sheet.append([safe_cell(k, sheet, COUNT), *(safe_cell(value, sheet, PERCENT) for value in row)])
        chart = _chart(sheet, used + 2, len(ks), names, table)
        chart.title = visible_text(place)[:120]
        known = [value for value in values.values() if not math.isnan(value)]
        chart.y_axis.scaling.min = max(0, 5 * math.floor(min(known, default=0) / 5) - 5)
        sheet.add_chart(chart, f"{get_column_letter(most + 3)}{used + 1}")
        rows = max(len(ks) + 3, _CHART_ROWS)
        for _ in range(rows - len(ks) - 2):
            sheet.append([])
        used += rows
    sheet.close()


def _chart(sheet: Any, header: int, n_ks: int, names: Sequence[str], table: Any) -> ScatterChart:
    """Lines over a logarithmic axis of k, coloured as in the figures."""
    chart = ScatterChart()
    chart.style, chart.width, chart.height = 2, 22, 11
    chart.x_axis.title, chart.y_axis.title = "k", "expected value (%)"
    chart.x_axis.scaling.logBase, chart.x_axis.scaling.min = 2, 1
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
