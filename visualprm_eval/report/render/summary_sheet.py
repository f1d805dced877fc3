"""The first sheet of ``results.xlsx``: policies and rerankers against benchmarks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from openpyxl.utils import get_column_letter

from visualprm_eval.report.render.text import shown
from visualprm_eval.report.render.xlsx import (
    BANNER,
    COUNT,
    GAIN,
    HEADER,
    LINE_HEIGHT,
    PERCENT,
    PLAIN,
    QUIET,
    Field,
    gain_rules,
    new_sheet,
)
from visualprm_eval.report.render.xlsx_cells import safe_cell
from visualprm_eval.report.table import WITHHELD
from visualprm_eval.report.tables.summary import Column, Line, Summary, reranker_label

if TYPE_CHECKING:
    from openpyxl import Workbook

    from visualprm_eval.evaluate.published.comparison import Comparison

Place = tuple[str, Column, str, int]
GROUP_FIELDS = (
    Field("value", 10, PERCENT),
    Field("gain", 9, GAIN),
    Field("problems", 14, COUNT),
    Field("failed", 9, COUNT),
    Field("gain from", 11, GAIN),
    Field("gain to", 11, GAIN),
)
COMPARED_FIELDS = (Field("published", 10, PERCENT), Field("difference", 10, GAIN))

_DETAILS = range(2, len(GROUP_FIELDS))
"""Columns of a group that a reader can fold away, so that values and gains of all benchmarks stand side by side."""

_REMARKS = (
    "Values in percent at the largest k; gain in points on the same problems, over the baseline that its head names.",
    "Gain from and gain to are the ends of its 95% interval; green where above 0, red below, pale where it has 0.",
    "The oracle is an upper bound, of which there is nothing to test; a gain without an interval is not tested.",
    "Failed problems are left out for every reranker alike; a value that too many failures make unsound is withheld.",
    "Problems, failures and intervals fold away: button 1 above the columns.",
    "All values with their notes: sheet all values (from the first k candidates, as published figures are).",
    "Every problem with every pick: sheet problems.",
)
_PUBLISHED_REMARK = (
    "Difference: ours less published, in points; where the two are not of the same thing the words say what differs "
    "(all of it: sheet published). What was made otherwise, such as at another temperature, stands behind it."
)


def write_summary(book: Workbook, summary: Summary, banner: str, published: Mapping[Place, Comparison]) -> None:
    """One line per policy and reranker; for each benchmark the value, the gain, its interval, problems, failed ones.

    Args:
        book: Where the sheet goes.
        summary: The values.
        banner: What must be said on top, ``""`` for nothing.
        published: Published figures; a benchmark that has some has two more columns for them.
    """
    top = 1 if banner else 0
    groups = [_group(summary.head(column)) + _compared(column, published) for column in summary.columns]
    longest = max((len(line.policy) for line in summary.lines), default=0)
    names = (Field("policy", max(28, min(longest + 2, 48))), Field("reranker", 26), Field("k", 6, COUNT))
    fields = [*names, *chain.from_iterable(groups)]
    sheet = new_sheet(book, "summary", [field.width for field in fields])
    sheet.freeze_panes = f"D{top + 3}"
    sheet.print_title_cols, sheet.print_title_rows = "A:C", f"{top + 1}:{top + 2}"
    sheet.page_setup.fitToWidth = max(1, math.ceil(len(groups) / 2))
    if banner:
        sheet.append([safe_cell(banner, sheet, BANNER)])
    titles = [""] * len(fields)
    start = 3
    for column, group in zip(summary.columns, groups, strict=True):
        titles[start] = f"{column.title}\n{column.metric}"
        first, last = get_column_letter(start + 1), get_column_letter(start + len(group))
        sheet.merged_cells.add(f"{first}{top + 1}:{last}{top + 1}")
        gain, low, high = (get_column_letter(start + offset) for offset in (2, 5, 6))
        gain_rules(sheet, gain, low, high, (top + 3, top + 2 + len(summary.lines)))
        for offset in _DETAILS:
            sheet.column_dimensions[get_column_letter(start + 1 + offset)].outlineLevel = 1
        start += len(group)
    sheet.row_dimensions[top + 1].height = 2 * LINE_HEIGHT
    sheet.append([safe_cell(title, sheet, HEADER) for title in titles])
    longest_head = max((len(summary.head(column)) for column in summary.columns), default=0)
    sheet.row_dimensions[top + 2].height = LINE_HEIGHT * max(2, math.ceil(longest_head / GROUP_FIELDS[1].width) + 1)
    sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
    for line in summary.lines:
        sheet.append(_line_cells(sheet, line, summary.columns, published))
    sheet.auto_filter.ref = f"A{top + 2}:{get_column_letter(len(fields))}{top + 2 + len(summary.lines)}"
    for remark in (
        "",
        *_REMARKS,
        *([f"Baselines: {summary.meanings}."] if summary.meanings else []),
        *([_PUBLISHED_REMARK] if published else []),
    ):
        sheet.append([safe_cell(remark, sheet, PLAIN)])
    sheet.close()


def _group(head: str) -> tuple[Field, ...]:
    """The columns of a benchmark whose gains are over what ``head`` says."""
    value, gain, *others = GROUP_FIELDS
    return value, replace(gain, title=head or gain.title), *others


def _compared(column: Column, published: Mapping[Place, Comparison]) -> tuple[Field, ...]:
    """The columns of a benchmark that has published figures; words on what differs need more room than a difference."""
    found = [each for place, each in published.items() if place[1] == column]
    if not found:
        return ()
    return Field("published", 11, PERCENT), Field("difference", 40 if any(each.remarks for each in found) else 12, GAIN)


def _line_cells(sheet: Any, line: Line, columns: Sequence[Column], published: Mapping[Place, Comparison]) -> list[Any]:
    cells = [safe_cell(value, sheet, PLAIN) for value in (line.policy, reranker_label(line.reranker))]
    cells.append(safe_cell(line.k, sheet, COUNT))
    compared = {place[1] for place in published}
    for column in columns:
        cells += _value_cells(sheet, line, column)
        if column in compared:
            cells += _published_cells(sheet, published.get((line.policy, column, line.reranker, line.k)))
    return cells


def _value_cells(sheet: Any, line: Line, column: Column) -> list[Any]:
    if column not in line.cells:
        return [None] * len(GROUP_FIELDS)
    cell = line.cells[column]
    row, gain = cell.row, "baseline" if cell.is_baseline else cell.gain
    withheld = row.value is None
    problems = f"{row.n_problems:,} of {row.n_total:,}" if row.is_partial else row.n_problems
    # Words where there are no ends: nothing has a colour then.
    interval: tuple[object, object] = cell.ends or ((cell.interval,) * 2 if cell.interval else (None, None))
    return [
        safe_cell(WITHHELD if withheld else row.value, sheet, QUIET if withheld else PERCENT),
        safe_cell(gain, sheet, QUIET if cell.is_baseline else GAIN),
        safe_cell(problems, sheet, COUNT),
        safe_cell(row.n_failed, sheet, COUNT),
        *(safe_cell(value, sheet, QUIET if isinstance(value, str) else GAIN) for value in interval),
    ]


def _published_cells(sheet: Any, comparison: Comparison | None) -> list[Any]:
    if comparison is None:
        return [None, None]
    cell = safe_cell(comparison.difference, sheet, GAIN)
    if comparison.remark:
        cell = safe_cell(comparison.remark, sheet, QUIET)
    elif comparison.difference is not None and comparison.manner:
        cell = safe_cell(f"{shown(comparison.difference, 'gain')} ({comparison.manner})", sheet, QUIET)
    return [safe_cell(comparison.published, sheet, PERCENT), cell]
