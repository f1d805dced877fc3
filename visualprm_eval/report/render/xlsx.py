"""Sheets of a workbook: their looks, and tables written row by row (openpyxl's write-only mode)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any

from openpyxl import Workbook
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties

from visualprm_eval.report.render.xlsx_cells import ColumnCells, safe_cell

MAX_SHEET_ROWS = 1_048_576
LINE_HEIGHT = 15.0
_MOST_LINES = 20
"""Of a row whose height is reckoned from its texts; spreadsheets allow 409 points."""

HEADER, HEADER_RIGHT, TITLE, BANNER = "header", "header on the right", "title", "banner"
PLAIN, WRAPPED, COUNT, SCORE = "plain", "wrapped", "count", "score"
PERCENT, GAIN, QUIET = "percent value", "gain in points", "withheld value"
CORRELATION, CHANCE = "correlation", "chance"
_NUMBERS = {
    COUNT: "#,##0", SCORE: "0.0000", PERCENT: "0.0", GAIN: "+0.0;-0.0;0.0", CORRELATION: "+0.00;-0.00;0.00",
    CHANCE: '[<0.0001]"< 0.0001"_);0.0000_)',
}  # fmt: skip
_GREEN, _RED = PatternFill(bgColor="D8F0E3"), PatternFill(bgColor="F9DDD3")


def add_styles(book: Workbook) -> None:
    """The looks of all cells; made anew for each workbook, because openpyxl binds them to one."""
    font, bold = Font(name="Calibri", size=11), Font(name="Calibri", size=11, bold=True)
    quiet = Font(name="Calibri", size=11, italic=True, color="7F7F7F")
    text, wrapped = Alignment(vertical="top"), Alignment("left", "top", wrap_text=True)
    # The indent keeps a number from the text of the next column.
    right, right_wrapped = Alignment("right", "top", indent=1), Alignment("right", "top", wrap_text=True, indent=1)
    styles = [
        NamedStyle(HEADER, bold, alignment=wrapped),
        NamedStyle(HEADER_RIGHT, bold, alignment=right_wrapped),
        NamedStyle(TITLE, bold, alignment=text),
        NamedStyle(BANNER, Font(name="Calibri", size=11, bold=True, color="A8321A"), alignment=text),
        NamedStyle(PLAIN, font, alignment=text),
        NamedStyle(WRAPPED, font, alignment=wrapped),
        NamedStyle(QUIET, quiet, alignment=right),
        *(NamedStyle(name, font, number_format=shown, alignment=right) for name, shown in _NUMBERS.items()),
    ]
    for header in styles[:2]:
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
        return HEADER_RIGHT if self.style in _NUMBERS else HEADER


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the workbook.

    Attributes:
        title: The title of its sheet.
        fields: Its columns.
        rows: Its rows, each with one value per column.
        frozen: How many columns stay in sight when a reader moves to the right.
        row_height: In points; ``None`` for as many lines as its wrapped texts take.
        gains: Which columns are a difference with the ends of its interval, for its colours, see :func:`gain_rules`.
    """

    title: str
    fields: Sequence[Field]
    rows: Iterable[Sequence[object]]
    frozen: int = 0
    row_height: float | None = None
    gains: Sequence[tuple[int, int, int]] = ()


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
        sheet.print_title_rows = f"{top + 1}:{top + 1}"
        if banner:
            sheet.append([safe_cell(banner, sheet, BANNER)])
        append_header(sheet, top + 1, fields)
        used = top + 1
        rows = () if row is None else chain([row], islice(source, max_rows - used - 1))
        heights = partial(_height, table)
        used += append_rows(sheet, rows, [field.style for field in fields], first=used + 1, height=heights)
        row = next(source, None)
        sheet.auto_filter.ref = f"A{top + 1}:{get_column_letter(len(fields))}{used}"
        for columns in table.gains:
            gain, low, high = (get_column_letter(column + 1) for column in columns)
            gain_rules(sheet, gain, low, high, (top + 2, used))
        sheet.close()
        if row is None:
            return
        number += 1


def append_rows(
    sheet: Any,
    rows: Iterable[Sequence[object]],
    styles: Sequence[str],
    *,
    first: int,
    height: Callable[[Sequence[object]], float | None] = lambda _: None,
) -> int:
    """Writes rows to a sheet.

    Args:
        sheet: A write-only sheet with ``first`` - 1 rows.
        rows: Values, each row as long as ``styles``, see ``xlsx_cells.safe_cell``.
        styles: The names of the columns' styles.
        first: The number of the first row, from 1.
        height: Of a row, in points; ``None`` lets the program that shows the sheet choose.

    Returns:
        How many rows were written.
    """
    columns = [ColumnCells(sheet, style) for style in styles]
    number = first - 1
    for number, row in enumerate(rows, first):
        points = height(row)
        if points is not None:
            sheet.row_dimensions[number].height = points
        sheet.append([column.cell(value) for column, value in zip(columns, row, strict=True)])
        sheet.row_dimensions.pop(number, None)  # It is written; a million of them would take up memory.
    return number - first + 1


def _height(table: Table, row: Sequence[object]) -> float | None:
    """The height of a row whose wrapped texts take several lines; not every program finds it by itself."""
    if table.row_height is not None:
        return table.row_height
    fields = zip(row, table.fields, strict=True)
    texts = [(str(value), field.width) for value, field in fields if field.style == WRAPPED]
    lines = [sum(1 + int(len(line) / width) for line in text.split("\n")) for text, width in texts]
    return min(max(lines), _MOST_LINES) * LINE_HEIGHT if max(lines, default=1) > 1 else None


def new_sheet(book: Workbook, title: str, widths: Sequence[float]) -> Any:
    """A sheet with columns of the given widths, printed sideways, one page wide."""
    sheet = book.create_sheet(title)
    for place, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    return sheet


def append_header(sheet: Any, row: int, fields: Sequence[Field]) -> None:
    """Writes titles into the row that is next, two lines high: some titles need both.

    Args:
        sheet: The sheet.
        row: The number of the row.
        fields: Whose titles.
    """
    sheet.row_dimensions[row].height = 2 * LINE_HEIGHT
    sheet.append([safe_cell(field.title, sheet, field.header) for field in fields])


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
