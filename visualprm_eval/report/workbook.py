"""``results.xlsx``: the summary, all values, every pick, the protocol and the failures.

Sheets are streamed (openpyxl's write-only mode), so that the memory does not grow with the number of picks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from visualprm_eval.report.cells import safe_cell
from visualprm_eval.report.tables import WITHHELD, Column, Line, Summary, final_picks, reranker_label, summarise
from visualprm_eval.report.text import verdict_word
from visualprm_eval.report.tidy import COLUMNS, tidy_rows

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.outcomes import Pick
    from visualprm_eval.report.results import Results
    from visualprm_eval.types import JSONValue

MAX_SHEET_ROWS = 1_048_576
_LINE_HEIGHT = 15.0

_HEADER, _HEADER_RIGHT, _HEADER_CENTRED = "header", "header on the right", "header in the middle"
_PLAIN, _WRAPPED, _COUNT, _SCORE = "plain", "wrapped", "count", "score"
_PERCENT, _GAIN, _QUIET = "percent value", "gain in points", "withheld value"
_HEADERS = {_COUNT: _HEADER_CENTRED, _SCORE: _HEADER_CENTRED, _PERCENT: _HEADER_RIGHT, _GAIN: _HEADER_RIGHT}


def _add_styles(book: Workbook) -> None:
    """The looks of all cells; made anew for each workbook, because openpyxl binds them to one."""
    font, bold = Font(name="Calibri", size=11), Font(name="Calibri", size=11, bold=True)
    quiet = Font(name="Calibri", size=11, italic=True, color="7F7F7F")
    text, wrapped = Alignment(vertical="top"), Alignment("left", "top", wrap_text=True)
    right, centred = Alignment("right", "top"), Alignment("center", "top", wrap_text=True)
    styles = [
        NamedStyle(_HEADER, bold, alignment=wrapped),
        NamedStyle(_HEADER_RIGHT, bold, alignment=Alignment("right", "top", wrap_text=True)),
        NamedStyle(_HEADER_CENTRED, bold, alignment=centred),
        NamedStyle(_PLAIN, font, alignment=text),
        NamedStyle(_WRAPPED, font, alignment=wrapped),
        NamedStyle(_COUNT, font, number_format="0", alignment=centred),
        NamedStyle(_SCORE, font, number_format="0.0000", alignment=centred),
        NamedStyle(_PERCENT, font, number_format="0.0", alignment=right),
        NamedStyle(_GAIN, font, number_format="+0.0;[Red]-0.0;0.0", alignment=right),
        NamedStyle(_QUIET, quiet, alignment=right),
    ]
    for header in styles[:3]:
        header.fill, header.border = PatternFill("solid", fgColor="E7ECF2"), Border(bottom=Side("thin", color="7F7F7F"))
    for style in styles:
        book.add_named_style(style)


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a sheet: its title, its width in characters and the look of its cells."""

    title: str
    width: float
    style: str = _PLAIN

    @property
    def header(self) -> str:
        """The look of its title, which stands where the numbers below it stand."""
        return _HEADERS.get(self.style, _HEADER)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the workbook.

    Attributes:
        title: The title of its sheet.
        fields: Its columns.
        rows: Its rows, each with one value per column.
        frozen: How many columns stay in sight when a reader moves to the right.
        row_height: In points; ``None`` lets the program that shows the sheet choose.
    """

    title: str
    fields: Sequence[Field]
    rows: Iterable[Sequence[object]]
    frozen: int = 0
    row_height: float | None = None


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
    _write_summary(book, summarise(results.rows))
    failures = (astuple(failure) for failure in results.failures)
    # Picked texts show their first line until a reader makes the row higher.
    picks = Table("problems", _PICK_FIELDS, map(_pick_row, final_picks(results.picks)), 4, _LINE_HEIGHT)
    for table in (
        Table("all values", _VALUE_FIELDS, tidy_rows(results.rows)),
        picks,
        Table("protocol", _PROTOCOL_FIELDS, flat(results.protocol)),
        Table("failures", _FAILURE_FIELDS, failures),
    ):
        _write_table(book, table, max_rows)
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
)
_PROTOCOL_FIELDS = (Field("key", 44), Field("value", 100, _WRAPPED))
_FAILURE_FIELDS = (
    Field("stage", 10),
    Field("benchmark", 24),
    Field("index", 12),
    Field("rank (from 0)", 9, _COUNT),
    Field("message", 110),
)


def _write_table(book: Workbook, table: Table, max_rows: int) -> None:
    """Writes one table with a frozen header and filters, in as many sheets as its rows need."""
    fields, source = table.fields, iter(table.rows)
    row = next(source, None)
    number = 1
    while True:
        title = table.title if number == 1 else f"{table.title} {number}"
        sheet = _new_sheet(book, title, [field.width for field in fields])
        sheet.freeze_panes = f"{get_column_letter(table.frozen + 1)}2"
        sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
        used = 1
        while row is not None and used < max_rows:
            used += 1
            if table.row_height is not None:
                sheet.row_dimensions[used].height = table.row_height
            sheet.append([safe_cell(value, sheet, field.style) for value, field in zip(row, fields, strict=True)])
            sheet.row_dimensions.pop(used, None)  # It is written; a million of them would take up memory.
            row = next(source, None)
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(fields))}{used}"
        sheet.close()
        if row is None:
            return
        number += 1


def _new_sheet(book: Workbook, title: str, widths: Sequence[float]) -> Any:
    """A sheet with columns of the given widths."""
    sheet = book.create_sheet(title)
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.row_dimensions[1].height = 2 * _LINE_HEIGHT
    # Printed sideways, as many pages long as it takes but one page wide.
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def _pick_row(pick: Pick) -> tuple[object, ...]:
    scores = pick.step_scores
    return (
        pick.policy, pick.benchmark, pick.split, pick.index, pick.question,
        pick.answer, pick.reranker, pick.k, pick.rank,
        pick.final_answer, pick.note or verdict_word(pick.verdict),
        pick.critic, math.fsum(scores) / len(scores) if scores else None,
        None if scores is None else "  ".join(f"{score:.4f}" for score in scores), pick.text,
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


def _write_summary(book: Workbook, summary: Summary) -> None:
    """One line per policy and reranker; for each benchmark the value, the gain, the problems and the failed ones."""
    group = (
        Field("value", 10, _PERCENT),
        Field("gain", 9, _GAIN),
        Field("problems", 11, _COUNT),
        Field("failed", 9, _COUNT),
    )
    fields = [Field("policy", 28), Field("reranker", 26), Field("k", 6, _COUNT), *group * len(summary.columns)]
    sheet = _new_sheet(book, "summary", [field.width for field in fields])
    sheet.freeze_panes = "D3"
    titles = [""] * len(fields)
    for place, column in enumerate(summary.columns):
        start = 3 + len(group) * place
        titles[start] = f"{column.title}\n{column.metric}"
        sheet.merged_cells.add(f"{get_column_letter(start + 1)}1:{get_column_letter(start + len(group))}1")
    sheet.append([safe_cell(title, sheet, _HEADER) for title in titles])
    sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
    for line in summary.lines:
        sheet.append(_summary_cells(sheet, line, summary.columns))
    sheet.auto_filter.ref = f"A2:{get_column_letter(len(fields))}{2 + len(summary.lines)}"
    for remark in ("", *_REMARKS):
        sheet.append([safe_cell(remark, sheet, _PLAIN)])
    sheet.close()


_REMARKS = (
    "Values in percent at the largest k; gain in points over pass@1 (the reranker first) on the same problems.",
    "Failed problems are left out for every reranker alike; a value that too many failures make unsound is withheld.",
    "All values with their notes: sheet all values. Every problem with every pick: sheet problems.",
)


def _summary_cells(sheet: Any, line: Line, columns: Sequence[Column]) -> list[Any]:
    cells = [safe_cell(value, sheet, _PLAIN) for value in (line.policy, reranker_label(line.reranker))]
    cells.append(safe_cell(line.k, sheet, _COUNT))
    for column in columns:
        if column not in line.cells:
            cells += [None] * 4
            continue
        row, gain = line.cells[column].row, line.cells[column].gain
        withheld = row.value is None
        cells.append(safe_cell(WITHHELD if withheld else row.value, sheet, _QUIET if withheld else _PERCENT))
        cells.append(safe_cell(gain, sheet, _GAIN))
        cells += [safe_cell(row.n_problems, sheet, _COUNT), safe_cell(row.n_failed, sheet, _COUNT)]
    return cells
