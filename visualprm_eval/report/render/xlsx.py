"""Sheets of a workbook: their looks, and tables written row by row (openpyxl's write-only mode)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import chain, count, islice
from textwrap import wrap
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.writer.excel import ExcelWriter

from visualprm_eval.core.visible import one_line
from visualprm_eval.report.render.xlsx_cells import ColumnCells, safe_cell
from visualprm_eval.report.table import Kind, Table

MAX_SHEET_ROWS = 1_048_576
LINE_HEIGHT = 15.0
_MOST_LINES = 20
"""Of a row whose height is reckoned from its texts; spreadsheets allow 409 points."""

HEADER, HEADER_RIGHT, TITLE, BANNER = "header", "header on the right", "title", "banner"
PLAIN, WRAPPED, QUIET = "plain", "wrapped", "quiet"
_POINTS = "+0.0;-0.0;0.0"
_NUMBERS: Mapping[Kind, str] = {
    "count": "#,##0", "seconds": "#,##0", "score": "0.0000", "percent": "0.0", "gain": _POINTS, "end": _POINTS,
    "correlation": "+0.00;-0.00;0.00", "chance": '[<0.0001]"< 0.0001"_);0.0000_)',
}  # fmt: skip
"""Number formats; a colour in them would stand before that of a rule."""
_WIDTH, _WIDEST, _WIDEST_TEXT = 12.0, 48.0, 100.0
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_SHEET_TITLE = 31
_GREEN, _RED = PatternFill(bgColor="D8F0E3"), PatternFill(bgColor="F9DDD3")
_QUIET_FONT = Font(italic=True, color="7F7F7F")


def new_book() -> Workbook:
    """An empty workbook with the looks of all cells, made anew for each, because openpyxl binds them to one."""
    book = Workbook(write_only=True)
    calibri = partial(Font, name="Calibri", size=11)
    font, bold = calibri(), calibri(bold=True)
    text, wrapped = Alignment(vertical="top"), Alignment("left", "top", wrap_text=True)
    # The indent keeps a number from the text of the next column.
    right, right_wrapped = Alignment("right", "top", indent=1), Alignment("right", "top", wrap_text=True, indent=1)
    fill, border = PatternFill("solid", fgColor="E7ECF2"), Border(bottom=Side("thin", color="7F7F7F"))
    for style in (
        NamedStyle(HEADER, bold, fill, border, wrapped),
        NamedStyle(HEADER_RIGHT, bold, fill, border, right_wrapped),
        NamedStyle(TITLE, bold, alignment=text),
        NamedStyle(BANNER, calibri(bold=True, color="A8321A"), alignment=text),
        NamedStyle(PLAIN, font, alignment=text),
        NamedStyle(WRAPPED, font, alignment=wrapped),
        NamedStyle(QUIET, calibri(italic=True, color="7F7F7F"), alignment=right),
        *(NamedStyle(_style(kind), font, number_format=shown, alignment=right) for kind, shown in _NUMBERS.items()),
    ):
        book.add_named_style(style)
    return book


def saved(book: Workbook) -> bytes:
    """A workbook as the content of a file."""
    stream = BytesIO()
    with _Archive(stream, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
        ExcelWriter(book, archive).save()
    return stream.getvalue()


class _Archive(ZipFile):
    """An archive whose members bear its format's first day: a machine's clock may stand before it."""

    def writestr(self, zinfo_or_arcname: Any, data: Any, *_: Any, **__: Any) -> None:
        """Adds a member."""
        member = ZipInfo(zinfo_or_arcname, _FIRST_DAY)
        member.compress_type = ZIP_DEFLATED
        super().writestr(member, data)


def _style(kind: Kind) -> str:
    """The name of the style of a column's cells; spreadsheets have styles called percent and so on already."""
    return f"{kind} cell" if kind in _NUMBERS else WRAPPED if kind == "text" else PLAIN


def write_table(book: Workbook, table: Table, max_rows: int = MAX_SHEET_ROWS, banner: str = "") -> None:
    """Writes one table with a frozen header and filters, in as many sheets as its rows need.

    Args:
        book: The workbook.
        table: The table; its name is the sheet's.
        max_rows: Rows that a sheet may hold.
        banner: What must be said above the header of each sheet, ``""`` for nothing.
    """
    widths, source = _widths(table), iter(table.rows)
    row = next(source, None)
    groups = {column.group for column in table.columns if column.group}
    header = bool(banner) + 1 + bool(groups)
    for number in count(1):
        name = table.name if number == 1 else f"{table.name} {number}"
        sheet, used = new_sheet(book, name, widths, (table.frozen, header), banner)
        for place, column in enumerate(table.columns, 1):
            if column.is_detail:
                sheet.column_dimensions[get_column_letter(place)].outlineLevel = 1
        rows = () if row is None else chain([row], islice(source, max_rows - header - 1))
        last = append_table(sheet, replace(table, rows=rows), used, widths)
        sheet.auto_filter.ref = _area(1, header, len(table.columns), last)
        sheet.print_title_rows = f"{used + 1}:{header}"
        if groups:
            sheet.print_title_cols = f"A:{get_column_letter(table.frozen)}"
            sheet.page_setup.fitToWidth = math.ceil(len(groups) / 2)
        row = next(source, None)
        sheet.close()
        if row is None:
            return


def write_stack(book: Workbook, name: str, tables: Sequence[Table], banner: str) -> None:
    """Writes tables below one another into one sheet, each below its title."""
    widths: list[float] = []
    for table in tables:
        for place, width in enumerate(_widths(table)):
            # A text in the last column has room beyond it; it would make numbers of other tables stand far away.
            is_last_name = place == len(table.columns) - 1 and table.columns[place].kind not in _NUMBERS
            widths[place : place + 1] = [max([_WIDTH if is_last_name else width, *widths[place : place + 1]])]
    sheet, used = new_sheet(book, name, widths, (3, bool(banner) + 2), banner)
    for number, table in enumerate(tables):
        sheet.append([safe_cell(table.title, sheet, TITLE)])
        last = append_table(sheet, table, used + 1, widths)
        if number == 0:  # A sheet has one frozen place, and one filter.
            sheet.auto_filter.ref = _area(1, used + 2, len(table.columns), last)
        sheet.append([])
        used = last + 1
    sheet.close()


def append_table(sheet: Any, table: Table, used: int, widths: Sequence[float]) -> int:
    """Writes a table's groups, titles, rows and notes below the rows that are used; returns the number of its last row.

    Args:
        sheet: A write-only sheet.
        table: The table.
        used: How many rows the sheet has.
        widths: Those of its columns.
    """
    columns = table.columns
    if any(column.group for column in columns):
        used += 1
        before = ["", *(column.group for column in columns)]
        titles = ["" if column.group == other else column.group for column, other in zip(columns, before, strict=False)]
        for group in filter(None, titles):
            places = [n for n, column in enumerate(columns, 1) if column.group == group]
            sheet.merged_cells.add(_area(places[0], used, places[-1], used))
        sheet.row_dimensions[used].height = 2 * LINE_HEIGHT
        sheet.append([safe_cell(title, sheet, HEADER) for title in titles])
    used += 1
    # Two lines high: some titles need both.
    lines = [len(wrap(column.title, int(widths[place]))) + bool(column.group) for place, column in enumerate(columns)]
    sheet.row_dimensions[used].height = max([2, *lines]) * LINE_HEIGHT
    heads = [HEADER_RIGHT if column.kind in _NUMBERS else HEADER for column in columns]
    sheet.append([safe_cell(column.title, sheet, head) for column, head in zip(columns, heads, strict=True)])
    texts = [(place, widths[place]) for place, column in enumerate(columns) if column.kind == "text"]
    height = partial(_height, texts, is_flat=table.is_flat)
    last = used + append_rows(sheet, table.rows, [column.kind for column in columns], first=used + 1, height=height)
    ends = [place for place, column in enumerate(columns) if column.kind == "end"]
    for low, high in zip(ends[::2], ends[1::2], strict=True):
        gain = max(place for place in range(low) if columns[place].kind == "gain")
        gain_rules(sheet, (gain + 1, low + 1, high + 1), (used + 1, last))
    for note in table.notes:
        sheet.append([safe_cell(note, sheet, PLAIN)])
    return last


def append_rows(
    sheet: Any, rows: Iterable[Sequence[object]], kinds: Sequence[Kind], *, first: int,
    height: Callable[[Sequence[object]], float | None] = lambda _: None,
) -> int:  # fmt: skip
    """Writes rows to a sheet.

    Args:
        sheet: A write-only sheet with ``first`` - 1 rows.
        rows: Values, each row as long as ``kinds``, see ``xlsx_cells.safe_cell``.
        kinds: What the columns hold; words among numbers stand back.
        first: The number of the first row, from 1.
        height: Of a row, in points; ``None`` lets the program that shows the sheet choose.

    Returns:
        How many rows were written.
    """
    columns = [
        ColumnCells(sheet, _style(kind), QUIET if kind in _NUMBERS else None, is_prose=kind == "text") for kind in kinds
    ]
    number = first - 1
    for number, row in enumerate(rows, first):
        if (points := height(row)) is not None:
            sheet.row_dimensions[number].height = points
        sheet.append([column.cell(value) for column, value in zip(columns, row, strict=True)])
        sheet.row_dimensions.pop(number, None)  # It is written; a million of them would take up memory.
    return number - first + 1


def _height(texts: Sequence[tuple[int, float]], row: Sequence[object], *, is_flat: bool) -> float | None:
    """The height of a row whose wrapped texts take several lines; not every program finds it by itself.

    Args:
        texts: Places and widths of the columns whose texts are wrapped.
        row: The row.
        is_flat: Whether it has one line anyway.
    """
    if is_flat:
        return LINE_HEIGHT
    lines = [sum(1 + int(len(line) / width) for line in str(row[place]).split("\n")) for place, width in texts]
    return min(max(lines), _MOST_LINES) * LINE_HEIGHT if max(lines, default=1) > 1 else None


def _widths(table: Table) -> list[float]:
    """Columns have the room that their longest word needs, within limits; rows made one by one are not read."""
    rows = table.rows if isinstance(table.rows, Sequence) else ()
    widths = []
    for place, column in enumerate(table.columns):
        words = [] if column.kind in _NUMBERS else [column.title]
        words += [row[place] for row in rows if isinstance(row[place], str) and not column.width]
        most = _WIDEST_TEXT if column.kind in {"text", "message"} else _WIDEST
        widths.append(column.width or min(most, max([_WIDTH, *(len(word) + 2 for word in words)])))
    return widths


def new_sheet(
    book: Workbook, name: str, widths: Sequence[float], frozen: tuple[int, int], banner: str
) -> tuple[Any, int]:
    """A sheet, printed sideways, one page wide, and how many rows it has; later it cannot be changed any more.

    Args:
        book: The workbook.
        name: Its name, made one that spreadsheets allow: 31 characters, no brackets, slashes, colons and wildcards, no
            two alike.
        widths: Those of its columns, in characters.
        frozen: How many columns and rows stay in sight.
        banner: What must be said in its first row, ``""`` for nothing.
    """
    taken = {title.lower() for title in book.sheetnames}
    clean = re.sub(r"[\[\]:*?/\\]", "_", one_line(name)).strip("'") or "benchmark"
    ends = chain([""], (f" ({number})" for number in count(2)))
    titles = (clean[: _SHEET_TITLE - len(end)] + end for end in ends)
    sheet = book.create_sheet(next(title for title in titles if title.lower() not in taken))
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = f"{get_column_letter(frozen[0] + 1)}{frozen[1] + 1}"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    if banner:
        sheet.append([safe_cell(banner, sheet, BANNER)])
    return sheet, int(bool(banner))


def _area(left: int, top: int, right: int, bottom: int) -> str:
    return f"{get_column_letter(left)}{top}:{get_column_letter(right)}{bottom}"


def gain_rules(sheet: Any, columns: tuple[int, int, int], rows: tuple[int, int]) -> None:
    """Colours a column of gains by its interval: green above 0, red below, quiet where it contains 0.

    Args:
        sheet: The sheet.
        columns: Numbers of the column, and of those of the interval's lower and upper ends.
        rows: The first and the last row.
    """
    gain, (first, last) = columns[0], rows
    if last < first:
        return
    low, high = (f"${get_column_letter(place)}{first}" for place in columns[1:])
    looks = {f"{low}>0": {"fill": _GREEN}, f"{high}<0": {"fill": _RED}, f"{low}<=0,{high}>=0": {"font": _QUIET_FONT}}
    for condition, look in looks.items():
        rule = FormulaRule([f"AND(ISNUMBER({low}),ISNUMBER({high}),{condition})"], **look)
        sheet.conditional_formatting.add(_area(gain, first, gain, last), rule)
