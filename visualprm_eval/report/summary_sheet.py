"""The first sheet of ``results.xlsx``: policies and rerankers against benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from openpyxl.utils import get_column_letter

from visualprm_eval.report.cells import safe_cell
from visualprm_eval.report.insight_sheets import gain_rules
from visualprm_eval.report.published import Place
from visualprm_eval.report.sheets import COUNT, GAIN, HEADER, PERCENT, PLAIN, QUIET, Field, new_sheet
from visualprm_eval.report.tables import WITHHELD, Column, Line, Summary, in_points, reranker_label

if TYPE_CHECKING:
    from openpyxl import Workbook

    from visualprm_eval.comparison import Comparison
    from visualprm_eval.insight.facts import Insight, Standing

_Ends = Mapping[tuple[str, str, str, str, int], "Standing"]
"""What is known of a gain's interval, by policy, benchmark, split, reranker and k."""

_GROUP = (
    Field("value", 10, PERCENT),
    Field("gain", 9, GAIN),
    Field("problems", 11, COUNT),
    Field("failed", 9, COUNT),
    Field("gain from", 10, GAIN),
    Field("gain to", 10, GAIN),
)
_COMPARED = (Field("published", 10, PERCENT), Field("difference", 10, GAIN))

_REMARKS = (
    "Values in percent at the largest k; gain in points over pass@1 (the reranker first) on the same problems.",
    "Gain from and gain to are the ends of its 95% interval; green where above 0, red below, pale where it has 0.",
    "Failed problems are left out for every reranker alike; a value that too many failures make unsound is withheld.",
    "All values with their notes: sheet all values. Every problem with every pick: sheet problems.",
)
_PUBLISHED_REMARK = (
    "Difference: ours less published, in points; where the two are not of the same thing the words say what differs "
    "(all of it: sheet published). What was made otherwise, such as at another temperature, stands behind it."
)


def write_summary(book: Workbook, summary: Summary, insight: Insight, published: Mapping[Place, Comparison]) -> None:
    """One line per policy and reranker; for each benchmark the value, the gain, its interval, problems, failed ones.

    Args:
        book: Where the sheet goes.
        summary: The values.
        insight: Where intervals come from; its banner stands on top.
        published: Published figures; a benchmark that has some has two more columns for them.
    """
    top = 1 if insight.banner else 0
    ends = {(row.policy, row.benchmark, row.split, row.reranker, row.k): row for row in insight.standings}
    compared = {place[1] for place in published}
    groups = [_GROUP + (_COMPARED if column in compared else ()) for column in summary.columns]
    fields = [Field("policy", 28), Field("reranker", 26), Field("k", 6, COUNT), *chain.from_iterable(groups)]
    sheet = new_sheet(book, "summary", [field.width for field in fields])
    sheet.freeze_panes = f"D{top + 3}"
    if insight.banner:
        sheet.append([safe_cell(insight.banner, sheet, QUIET)])
    titles = [""] * len(fields)
    start = 3
    for column, group in zip(summary.columns, groups, strict=True):
        titles[start] = f"{column.title}\n{column.metric}"
        first, last = get_column_letter(start + 1), get_column_letter(start + len(group))
        sheet.merged_cells.add(f"{first}{top + 1}:{last}{top + 1}")
        gain, low, high = (get_column_letter(start + offset) for offset in (2, 5, 6))
        gain_rules(sheet, gain, low, high, (top + 3, top + 2 + len(summary.lines)))
        start += len(group)
    sheet.append([safe_cell(title, sheet, HEADER) for title in titles])
    sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
    for line in summary.lines:
        sheet.append(_line_cells(sheet, line, summary.columns, ends, published))
    sheet.auto_filter.ref = f"A{top + 2}:{get_column_letter(len(fields))}{top + 2 + len(summary.lines)}"
    for remark in ("", *_REMARKS, *([_PUBLISHED_REMARK] if published else [])):
        sheet.append([safe_cell(remark, sheet, PLAIN)])
    sheet.close()


def _line_cells(
    sheet: Any, line: Line, columns: Sequence[Column], ends: _Ends, published: Mapping[Place, Comparison]
) -> list[Any]:
    cells = [safe_cell(value, sheet, PLAIN) for value in (line.policy, reranker_label(line.reranker))]
    cells.append(safe_cell(line.k, sheet, COUNT))
    compared = {place[1] for place in published}
    for column in columns:
        cells += _value_cells(sheet, line, column, ends)
        if column in compared:
            cells += _published_cells(sheet, published.get((line.policy, column, line.reranker, line.k)))
    return cells


def _value_cells(sheet: Any, line: Line, column: Column, ends: _Ends) -> list[Any]:
    if column not in line.cells:
        return [None] * len(_GROUP)
    row, gain = line.cells[column].row, line.cells[column].gain
    withheld = row.value is None
    problems = f"{row.n_problems} of {row.n_total}" if row.is_partial else row.n_problems
    end = ends.get((row.policy, row.benchmark, row.split, row.reranker, row.k))
    interval = (None, None) if end is None or gain is None else (end.gain_low, end.gain_high)
    return [
        safe_cell(WITHHELD if withheld else row.value, sheet, QUIET if withheld else PERCENT),
        safe_cell(gain, sheet, GAIN),
        safe_cell(problems, sheet, COUNT),
        safe_cell(row.n_failed, sheet, COUNT),
        *(safe_cell(value, sheet, GAIN) for value in interval),
    ]


def _published_cells(sheet: Any, comparison: Comparison | None) -> list[Any]:
    if comparison is None:
        return [None, None]
    shown = safe_cell(comparison.difference, sheet, GAIN)
    if comparison.remark:
        shown = safe_cell(comparison.remark, sheet, QUIET)
    elif comparison.difference is not None and comparison.manner:
        shown = safe_cell(f"{in_points(comparison.difference)} ({comparison.manner})", sheet, QUIET)
    return [safe_cell(comparison.published, sheet, PERCENT), shown]
