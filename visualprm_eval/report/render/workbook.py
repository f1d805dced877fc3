"""``results.xlsx``: the summary, statistics, curves with native charts, a sheet per benchmark, values, picks, settings.

Sheets are streamed (openpyxl's write-only mode), so that the memory does not grow with the number of picks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.chart import Reference, ScatterChart, Series
from openpyxl.utils import get_column_letter

from visualprm_eval.core.visible import visible_name
from visualprm_eval.report.render.drawing import Look, looks
from visualprm_eval.report.render.xlsx import (
    MAX_SHEET_ROWS,
    TITLE,
    append_table,
    new_book,
    new_sheet,
    saved,
    write_stack,
    write_table,
)
from visualprm_eval.report.render.xlsx_cells import safe_cell
from visualprm_eval.report.table import filled
from visualprm_eval.report.tables import records, statistics
from visualprm_eval.report.tables.glossary import glossary
from visualprm_eval.report.tables.published import published_in_full
from visualprm_eval.report.tables.summary import reranker_label, summarise
from visualprm_eval.report.tables.values import all_values, summary_in_full

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.rows import Insight
    from visualprm_eval.report.results import Results
    from visualprm_eval.report.table import Table

_CHART_ROWS = 24


def render(results: Results, max_rows: int = MAX_SHEET_ROWS) -> bytes:
    """The spreadsheet as the content of a file.

    Args:
        results: What to show.
        max_rows: Rows that a sheet may hold; more go on in sheets called ``problems 2`` and so on.
    """
    book = new_book()
    insight, banner = results.insight, results.insight.banner
    statistical = [
        statistics.values(insight.standings), statistics.curve_points(insight.points),
        statistics.comparisons(insight.comparisons), statistics.steps(insight.steps), statistics.costs(insight.costs),
    ]  # fmt: skip
    summary = summary_in_full(summarise(results.rows, insight), results.comparisons)
    for table in (summary, *filled(*statistical)):
        write_table(book, table, max_rows, banner)
    _write_charts(book, insight)
    for name in statistics.benchmark_names(insight):
        write_stack(book, name, statistics.benchmark_tables(insight, name), banner)
    provenance = [published_in_full(results.comparisons), records.fingerprints(results.fingerprints)]
    for table in (
        all_values(results.rows, insight), records.picks(results.picks, insight.tallies),
        *filled(*provenance), records.protocol(results.protocol),
        records.failures(results.failures), glossary(),
    ):  # fmt: skip
        write_table(book, table, max_rows, banner)
    return saved(book)


def _write_charts(book: Workbook, insight: Insight) -> None:
    """A sheet of native charts: a block of expected values per policy and benchmark, and a chart beside it."""
    tables = statistics.expected_tables(insight.points)
    if not tables:
        return
    most = max(len(table.columns) for table in tables)
    widths = [10.0, *[20.0] * (most - 1)]
    sheet, used = new_sheet(book, "curve charts", widths, (1, 0), insight.banner)
    names = dict.fromkeys(point.reranker for point in insight.points)
    looks_by_label = {reranker_label(name): look for name, look in looks(names).items()}
    for table in tables:
        sheet.append([safe_cell(table.title, sheet, TITLE)])
        last = append_table(sheet, table, used + 1, widths)
        sheet.add_chart(_chart(sheet, table, last, looks_by_label), f"{get_column_letter(most + 2)}{used + 1}")
        end = max(last + 1, used + _CHART_ROWS)
        for _ in range(end - last):
            sheet.append([])
        used = end
    sheet.close()


def _chart(sheet: Any, table: Table, last: int, looks_by_label: Mapping[str, Look]) -> ScatterChart:
    """Lines over a logarithmic axis of k, coloured as in the figures; the table's last row is ``last`` of the sheet."""
    rows = list(table.rows)
    values = [value for _, *row in rows for value in row if isinstance(value, float)]
    chart = ScatterChart()
    chart.title = visible_name(table.title)[:120]
    chart.style, chart.width, chart.height = 2, 22, 11
    chart.x_axis.title, chart.y_axis.title = "k", "expected value (%)"
    chart.x_axis.scaling.logBase, chart.x_axis.scaling.min, chart.x_axis.majorUnit = 2, 1, 2
    chart.x_axis.scaling.max = max(2, *(k for k, *_ in rows))
    chart.y_axis.scaling.min = max(0, 5 * math.floor(min(values, default=0) / 5) - 5)
    chart.y_axis.scaling.max = min(100, 5 * math.ceil(max(values, default=100) / 5) + 5)
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.x_axis.number_format, chart.y_axis.number_format = "0", "0"
    chart.x_axis.majorGridlines = None
    chart.legend.position = "r"
    header = last - len(rows)
    ks = Reference(sheet, min_col=1, min_row=header + 1, max_row=last)
    for place, column in enumerate(table.columns[1:], 2):
        series = Series(Reference(sheet, min_col=place, min_row=header, max_row=last), ks, title_from_data=True)
        look = looks_by_label[column.title]
        series.marker.symbol, series.smooth = "none", False
        series.graphicalProperties.line.solidFill = look.color.lstrip("#")
        series.graphicalProperties.line.width = 22_000
        if look.linestyle != "-":
            series.graphicalProperties.line.dashStyle = "dash"
        chart.series.append(series)
    return chart
