"""Rows of a streamed sheet as XML: what openpyxl makes of cells, without an object for each of a million of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from openpyxl.cell import WriteOnlyCell
from openpyxl.utils import get_column_letter
from openpyxl.xml.functions import fromstring

from visualprm_eval.report.cells import begins_like_a_formula, number_text, safe_text

if TYPE_CHECKING:
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

__all__ = ["append_rows"]

_ROWS_AT_ONCE = 200


def append_rows(
    sheet: WriteOnlyWorksheet,
    rows: Iterable[Sequence[object]],
    styles: Sequence[str],
    *,
    first: int,
    height: Callable[[Sequence[object]], float | None] = lambda _: None,
) -> int:
    """Writes rows to a sheet; nothing can be appended to it afterwards.

    Args:
        sheet: A write-only sheet with ``first`` - 1 rows.
        rows: Values, each row as long as ``styles``, see ``cells.safe_cell``.
        styles: The names of the columns' styles.
        first: The number of the first row, from 1.
        height: Of a row, in points; ``None`` lets the program that shows the sheet choose.

    Returns:
        How many rows were written.
    """
    columns = [_Column(sheet, place, style) for place, style in enumerate(styles, 1)]
    # openpyxl hands its open file to what writes a row; here a row is made of elements that stand for many.
    sheet._values_to_row = lambda elements, _: elements  # noqa: SLF001
    sheet._writer.write_row = lambda file, elements, _: [file.write(element) for element in elements]  # noqa: SLF001
    count = 0
    for made in _batched(rows, columns, first, height):
        elements = list(fromstring(f"<rows>{''.join(made)}</rows>"))
        sheet.append(elements)
        count += len(elements)
    return count


def _batched(
    rows: Iterable[Sequence[object]],
    columns: Sequence[_Column],
    first: int,
    height: Callable[[Sequence[object]], float | None],
) -> Iterator[list[str]]:
    made: list[str] = []
    for number, row in enumerate(rows, first):
        cells = [column.cell(number, value) for column, value in zip(columns, row, strict=True) if value is not None]
        points = height(row)
        end = "" if points is None else f' ht="{points:g}" customHeight="1"'
        made.append(f'<row r="{number}"{end}>{"".join(cells)}</row>')
        if len(made) == _ROWS_AT_ONCE:
            yield made
            made = []
    if made:
        yield made


class _Column:
    """One column of a sheet: how its cells begin."""

    def __init__(self, sheet: WriteOnlyWorksheet, place: int, style: str) -> None:
        self._sheet, self._style = sheet, style
        self._letter, self._plain = get_column_letter(place), int(self._model().style_id)

    def _model(self) -> Any:
        """An empty cell of the column's style."""
        cell: Any = WriteOnlyCell(self._sheet)
        cell.style = self._style
        return cell

    @cached_property
    def _quoted(self) -> int:
        """The style of texts that carry the mark of a leading apostrophe; a workbook lists what it uses."""
        cell = self._model()
        cell.quotePrefix = True
        return int(cell.style_id)

    def cell(self, row: int, value: object) -> str:
        """The element of a value, see ``cells.safe_cell``."""
        number = number_text(value)
        if number is not None:
            kind = "b" if isinstance(value, bool) else "n"
            return f'<c r="{self._letter}{row}" s="{self._plain}" t="{kind}"><v>{number}</v></c>'
        text = safe_text(value if isinstance(value, str) else str(value))
        style = self._quoted if begins_like_a_formula(text) else self._plain
        start = f'<c r="{self._letter}{row}" s="{style}" t="inlineStr">'
        if not text:
            return f"{start}</c>"
        space = ' xml:space="preserve"' if text != text.strip() else ""
        return f"{start}<is><t{space}>{escape(text)}</t></is></c>"
