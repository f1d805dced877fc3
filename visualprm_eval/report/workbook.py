"""``results.xlsx``: the summary, all values, every pick, the protocol and the failures.

Sheets are streamed (openpyxl's write-only mode), so that the memory does not grow with the number of picks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import chain
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from visualprm_eval.report.cells import safe_cell
from visualprm_eval.report.insight_sheets import (
    gain_rules,
    glossary_table,
    insight_tables,
    write_benchmark_sheets,
    write_curve_charts,
)
from visualprm_eval.report.published import Place, by_place
from visualprm_eval.report.sheets import COUNT as _COUNT
from visualprm_eval.report.sheets import GAIN as _GAIN
from visualprm_eval.report.sheets import HEADER as _HEADER
from visualprm_eval.report.sheets import LINE_HEIGHT as _LINE_HEIGHT
from visualprm_eval.report.sheets import MAX_SHEET_ROWS, Field, Table
from visualprm_eval.report.sheets import PERCENT as _PERCENT
from visualprm_eval.report.sheets import PLAIN as _PLAIN
from visualprm_eval.report.sheets import QUIET as _QUIET
from visualprm_eval.report.sheets import SCORE as _SCORE
from visualprm_eval.report.sheets import WRAPPED as _WRAPPED
from visualprm_eval.report.sheets import add_styles as _add_styles
from visualprm_eval.report.sheets import new_sheet as _new_sheet
from visualprm_eval.report.sheets import write_table as _write_table
from visualprm_eval.report.tables import WITHHELD, Column, Line, Summary, final_picks, reranker_label, summarise
from visualprm_eval.report.text import verdict_word
from visualprm_eval.report.tidy import COLUMNS, tidy_rows

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.comparison import Comparison
    from visualprm_eval.insight.facts import Insight, Standing
    from visualprm_eval.outcomes import Pick
    from visualprm_eval.report.results import Results
    from visualprm_eval.types import JSONValue


Ends = Mapping[tuple[str, str, str, str, int], "Standing"]
"""(policy, benchmark, split, reranker, k) to the interval there."""


def write_workbook(path: Path, results: Results, max_rows: int = MAX_SHEET_ROWS) -> None:
    """Writes the spreadsheet.

    Args:
        path: The file to write.
        results: What to show.
        max_rows: Rows that a sheet may hold; more go on in sheets called ``problems 2`` and so on.

    Raises:
        OSError: The file cannot be written.
    """
    book = Workbook(write_only=True)
    _add_styles(book)
    insight = results.insight
    _write_summary(book, summarise(results.rows), insight, by_place(results.comparisons))
    for table in insight_tables(insight):
        _write_table(book, table, max_rows, insight.banner)
    write_curve_charts(book, insight)
    write_benchmark_sheets(book, insight)
    failures = (astuple(failure) for failure in results.failures)
    # Picked texts show their first line until a reader makes the row higher.
    rows = (_pick_row(pick, insight) for pick in final_picks(results.picks))
    picks = Table("problems", _PICK_FIELDS, rows, 4, _LINE_HEIGHT)
    for table in (
        Table("all values", _VALUE_FIELDS, tidy_rows(results.rows)),
        picks,
        *_tables_on_provenance(results),
        Table("protocol", _PROTOCOL_FIELDS, flat(results.protocol)),
        Table("failures", _FAILURE_FIELDS, failures),
        glossary_table(),
    ):
        _write_table(book, table, max_rows, insight.banner)
    book.save(path)


_VALUE_WIDTHS = {"policy": 28, "benchmark": 24, "split": 12, "reranker": 24, "metric": 14, "value": 10, "note": 70}
_VALUE_STYLES = {"k": _COUNT, "value": _PERCENT, "n_problems": _COUNT, "n_failed": _COUNT}
_VALUE_FIELDS = tuple(Field(title, _VALUE_WIDTHS.get(title, 12), _VALUE_STYLES.get(title, _PLAIN)) for title in COLUMNS)
_PICK_FIELDS = (
    Field("policy", 18),
    Field("benchmark", 18),
    Field("split", 8),
    Field("index", 8),
    Field("question", 50, _WRAPPED),
    Field("reference answer", 20, _WRAPPED),
    Field("reranker", 22),
    Field("k", 6, _COUNT),
    Field("rank (from 0)", 9, _COUNT),
    Field("final answer", 20, _WRAPPED),
    Field("verdict", 17),
    Field("critic", 14),
    Field("response score (mean)", 12, _SCORE),
    Field("step scores", 34),
    Field("picked text", 90, _WRAPPED),
    Field("right candidates", 16),
)
_PROTOCOL_FIELDS = (Field("key", 44), Field("value", 100, _WRAPPED))
_COMPARISON_FIELDS = (
    *(Field(title, _VALUE_WIDTHS[title]) for title in ("policy", "benchmark", "split", "reranker")),
    Field("k", 6, _COUNT),
    Field("ours", 10, _PERCENT),
    Field("published", 11, _PERCENT),
    Field("difference", 11, _GAIN),
    Field("source", 28),
    Field("not the same", 60),
)
_FAILURE_FIELDS = (
    Field("stage", 10),
    Field("benchmark", 24),
    Field("index", 12),
    Field("rank (from 0)", 9, _COUNT),
    Field("message", 110),
)


def _tables_on_provenance(results: Results) -> Iterator[Table]:
    """Published figures beside ours, and the protocol of every value, where there are any."""
    if results.comparisons:
        yield Table("published", _COMPARISON_FIELDS, map(_comparison_row, results.comparisons), 4)
    if results.fingerprints:
        fields = tuple(Field(name, 60 if name == "packages" else 18) for name in results.fingerprints[0])
        yield Table("fingerprints", fields, (tuple(each.values()) for each in results.fingerprints), 2)


def _comparison_row(each: Comparison) -> tuple[object, ...]:
    row = each.row
    return (
        row.policy, row.benchmark, row.split, row.reranker, row.k, row.value, each.published, each.difference,
        each.source, each.remark or None,
    )  # fmt: skip


def _pick_row(pick: Pick, insight: Insight) -> tuple[object, ...]:
    scores = pick.step_scores
    tally = insight.tallies.get((pick.policy, pick.benchmark, pick.problem_id))
    return (
        pick.policy, pick.benchmark, pick.split, pick.index, pick.question,
        pick.answer, pick.reranker, pick.k, pick.rank,
        pick.final_answer, pick.note or verdict_word(pick.verdict),
        pick.critic, math.fsum(scores) / len(scores) if scores else None,
        None if scores is None else "  ".join(f"{score:.4f}" for score in scores), pick.text,
        None if tally is None else f"{tally.right} of {tally.usable}",
    )  # fmt: skip


def flat(value: Mapping[str, JSONValue], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Nested settings as dotted keys; lists of plain values as one text."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from flat(item, f"{name}.")
        elif isinstance(item, list | tuple) and all(isinstance(part, str | int | float) for part in item):
            yield name, ", ".join(map(str, item))
        elif isinstance(item, str | int | float):
            yield name, item
        else:
            yield name, json.dumps(item, ensure_ascii=False, default=str)


_GROUP = (
    Field("value", 10, _PERCENT),
    Field("gain", 9, _GAIN),
    Field("problems", 11, _COUNT),
    Field("failed", 9, _COUNT),
    Field("gain from", 10, _GAIN),
    Field("gain to", 10, _GAIN),
)
_COMPARED = (Field("published", 10, _PERCENT), Field("difference", 10, _GAIN))


def _write_summary(book: Workbook, summary: Summary, insight: Insight, published: Mapping[Place, Comparison]) -> None:
    """One line per policy and reranker; for each benchmark the value, the gain, the problems and the failed ones.

    A benchmark with published figures has two more columns for them.
    """
    top = 1 if insight.banner else 0
    ends = {(row.policy, row.benchmark, row.split, row.reranker, row.k): row for row in insight.standings}
    compared = {place[1] for place in published}
    groups = [_GROUP + (_COMPARED if column in compared else ()) for column in summary.columns]
    fields = [Field("policy", 28), Field("reranker", 26), Field("k", 6, _COUNT), *chain.from_iterable(groups)]
    sheet = _new_sheet(book, "summary", [field.width for field in fields])
    sheet.freeze_panes = f"D{top + 3}"
    if insight.banner:
        sheet.append([safe_cell(insight.banner, sheet, _QUIET)])
    titles = [""] * len(fields)
    start = 3
    for column, group in zip(summary.columns, groups, strict=True):
        titles[start] = f"{column.title}\n{column.metric}"
        last = get_column_letter(start + len(group))
        sheet.merged_cells.add(f"{get_column_letter(start + 1)}{top + 1}:{last}{top + 1}")
        gain, low, high = (get_column_letter(start + offset) for offset in (2, 5, 6))
        gain_rules(sheet, gain, low, high, (top + 3, top + 2 + len(summary.lines)))
        start += len(group)
    sheet.append([safe_cell(title, sheet, _HEADER) for title in titles])
    sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
    for line in summary.lines:
        sheet.append(_summary_cells(sheet, line, summary.columns, ends, published))
    sheet.auto_filter.ref = f"A{top + 2}:{get_column_letter(len(fields))}{top + 2 + len(summary.lines)}"
    for remark in ("", *_REMARKS, *([_PUBLISHED_REMARK] if published else [])):
        sheet.append([safe_cell(remark, sheet, _PLAIN)])
    sheet.close()


_REMARKS = (
    "Values in percent at the largest k; gain in points over pass@1 (the reranker first) on the same problems.",
    "Gain from and gain to are the ends of its 95% interval; green where above 0, red below, pale where it has 0.",
    "Failed problems are left out for every reranker alike; a value that too many failures make unsound is withheld.",
    "All values with their notes: sheet all values. Every problem with every pick: sheet problems.",
)
_PUBLISHED_REMARK = (
    "Difference: ours less published, in points; where the two are not of the same thing the words say what differs "
    "(all of it: sheet published)."
)


def _summary_cells(
    sheet: Any, line: Line, columns: Sequence[Column], ends: Ends, published: Mapping[Place, Comparison]
) -> list[Any]:
    cells = [safe_cell(value, sheet, _PLAIN) for value in (line.policy, reranker_label(line.reranker))]
    cells.append(safe_cell(line.k, sheet, _COUNT))
    compared = {place[1] for place in published}
    for column in columns:
        cells += _value_cells(sheet, line, column, ends)
        if column in compared:
            cells += _published_cells(sheet, published.get((line.policy, column, line.reranker, line.k)))
    return cells


def _value_cells(sheet: Any, line: Line, column: Column, ends: Ends) -> list[Any]:
    if column not in line.cells:
        return [None] * len(_GROUP)
    row, gain = line.cells[column].row, line.cells[column].gain
    withheld = row.value is None
    end = ends.get((row.policy, row.benchmark, row.split, row.reranker, row.k))
    problems = f"{row.n_problems} of {row.n_total}" if row.is_partial else row.n_problems
    return [
        safe_cell(WITHHELD if withheld else row.value, sheet, _QUIET if withheld else _PERCENT),
        safe_cell(gain, sheet, _GAIN),
        safe_cell(problems, sheet, _COUNT),
        safe_cell(row.n_failed, sheet, _COUNT),
        *(safe_cell(value if gain is not None else None, sheet, _GAIN) for value in _ends(end)),
    ]


def _published_cells(sheet: Any, comparison: Comparison | None) -> list[Any]:
    if comparison is None:
        return [None, None]
    shown = safe_cell(comparison.difference, sheet, _GAIN)
    if comparison.remark:
        shown = safe_cell(comparison.remark, sheet, _QUIET)
    return [safe_cell(comparison.published, sheet, _PERCENT), shown]


def _ends(standing: Standing | None) -> tuple[float | None, float | None]:
    """The interval of a gain."""
    return (None, None) if standing is None else (standing.gain_low, standing.gain_high)
