"""Sheets of a workbook: their looks, and tables written row by row (openpyxl's write-only mode)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from visualprm_eval.report.cells import safe_cell

MAX_SHEET_ROWS = 1_048_576
LINE_HEIGHT = 15.0

HEADER, HEADER_RIGHT, HEADER_CENTRED = "header", "header on the right", "header in the middle"
PLAIN, WRAPPED, COUNT, SCORE = "plain", "wrapped", "count", "score"
PERCENT, GAIN, QUIET = "percent value", "gain in points", "withheld value"
CORRELATION = "correlation"
_HEADERS = {
    COUNT: HEADER_CENTRED, SCORE: HEADER_CENTRED, PERCENT: HEADER_RIGHT, GAIN: HEADER_RIGHT, CORRELATION: HEADER_RIGHT,
}  # fmt: skip


def add_styles(book: Workbook) -> None:
    """The looks of all cells; made anew for each workbook, because openpyxl binds them to one."""
    font, bold = Font(name="Calibri", size=11), Font(name="Calibri", size=11, bold=True)
    quiet = Font(name="Calibri", size=11, italic=True, color="7F7F7F")
    text, wrapped = Alignment(vertical="top"), Alignment("left", "top", wrap_text=True)
    right, centred = Alignment("right", "top"), Alignment("center", "top", wrap_text=True)
    styles = [
        NamedStyle(HEADER, bold, alignment=wrapped),
        NamedStyle(HEADER_RIGHT, bold, alignment=Alignment("right", "top", wrap_text=True)),
        NamedStyle(HEADER_CENTRED, bold, alignment=centred),
        NamedStyle(PLAIN, font, alignment=text),
        NamedStyle(WRAPPED, font, alignment=wrapped),
        NamedStyle(COUNT, font, number_format="0", alignment=centred),
        NamedStyle(SCORE, font, number_format="0.0000", alignment=centred),
        NamedStyle(PERCENT, font, number_format="0.0", alignment=right),
        NamedStyle(GAIN, font, number_format="+0.0;[Red]-0.0;0.0", alignment=right),
        NamedStyle(CORRELATION, font, number_format="+0.00;-0.00;0.00", alignment=right),
        NamedStyle(QUIET, quiet, alignment=right),
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
    style: str = PLAIN

    @property
    def header(self) -> str:
        """The look of its title, which stands where the numbers below it stand."""
        return _HEADERS.get(self.style, HEADER)


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


def write_table(book: Workbook, table: Table, max_rows: int, banner: str = "") -> None:
    """Writes one table with a frozen header and filters, in as many sheets as its rows need.

    Args:
        book: The workbook.
        table: The table.
        max_rows: Rows that a sheet may hold.
        banner: What must be said above the header of each sheet, ``""`` for nothing.
    """
    top = 1 if banner else 0
    fields, source = table.fields, iter(table.rows)
    row = next(source, None)
    number = 1
    while True:
        title = table.title if number == 1 else f"{table.title} {number}"
        sheet = new_sheet(book, title, [field.width for field in fields])
        sheet.freeze_panes = f"{get_column_letter(table.frozen + 1)}{top + 2}"
        if banner:
            sheet.append([safe_cell(banner, sheet, QUIET)])
        sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])
        used = top + 1
        while row is not None and used < max_rows:
            used += 1
            if table.row_height is not None:
                sheet.row_dimensions[used].height = table.row_height
            sheet.append([safe_cell(value, sheet, field.style) for value, field in zip(row, fields, strict=True)])
            sheet.row_dimensions.pop(used, None)  # It is written; a million of them would take up memory.
            row = next(source, None)
        sheet.auto_filter.ref = f"A{top + 1}:{get_column_letter(len(fields))}{used}"
        sheet.close()
        if row is None:
            return
        number += 1


def new_sheet(book: Workbook, title: str, widths: Sequence[float]) -> Any:
    """A sheet with columns of the given widths."""
    sheet = book.create_sheet(title)
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.row_dimensions[1].height = 2 * LINE_HEIGHT
    # Printed sideways, as many pages long as it takes but one page wide.
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet
