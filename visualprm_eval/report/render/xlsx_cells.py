"""Spreadsheet cells that survive whatever a model writes.

Excel's limits: https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3; the ``_xHHHH_`` escapes are
ST_Xstring of ECMA-376, part 1, 22.9.2.19.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from functools import cached_property
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from openpyxl.cell import WriteOnlyCell

from visualprm_eval.core.visible import visible_name, visible_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

MAX_CELL_UNITS = 32_767
_LEADING = ("=", "+", "-", "@", "\t", "\n", "'")
_ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def utf16_units(text: str) -> int:
    """The length of a visible text as Excel counts it: a character beyond U+FFFF (most emoji) counts twice."""
    return len(text.encode("utf-16-le")) // 2


def _escape(text: str) -> str:
    """Keeps Excel from reading ``_x0041_`` as the letter A."""
    return _ESCAPE_LIKE.sub("_x005F_", text)


def safe_text(text: str, visible: Callable[[str], str] = visible_text) -> str:
    """The content of a text cell: visible characters only, no escape that Excel would decode, within Excel's limit.

    A text that is too long ends with a mark that says how many characters were cut.

    Args:
        text: The text.
        visible: What makes its characters visible: ``visible_text`` for prose, ``visible_name`` for the rest.
    """
    shown = visible(text)
    escaped = _escape(shown) if "_x" in shown else shown
    if len(escaped) <= MAX_CELL_UNITS // 2 or utf16_units(escaped) <= MAX_CELL_UNITS:
        return escaped
    # The mark and the escapes take room as well: search for the first length that does not fit.
    lengths = range(1, MAX_CELL_UNITS + 1)
    return _cut(shown, bisect_right(lengths, MAX_CELL_UNITS, key=lambda units: utf16_units(_cut(shown, units))))


def _cut(shown: str, units: int) -> str:
    """The first ``units`` UTF-16 units of a text, escaped, with a mark that tells what is missing."""
    kept = shown[:units].encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")  # No half of a character.
    return f"{_escape(kept)}\n[... {len(shown) - len(kept)} characters cut here; the store keeps the whole text]"


def safe_cell(value: object, sheet: WriteOnlyWorksheet | None = None, style: str | None = None) -> Any:
    """A cell of a write-only sheet that shows a value as it is.

    Text is stored as text, whatever it looks like: no formula, no error value, no number, no link. Text that Excel
    would read as a formula on editing carries the mark of a leading apostrophe (``quotePrefix``). Numbers and truth
    values stay what they are; those that a sheet cannot hold (not finite) become text.

    Args:
        value: Text, a number, a truth value or ``None``; anything else is shown as its ``str``.
        sheet: The sheet that the cell goes to; needed when the cell has a style.
        style: The name of one of the workbook's styles.

    Returns:
        The cell; ``None`` (an empty cell) for ``None``.
    """
    return ColumnCells(sheet, style).cell(value)


class ColumnCells:
    """The cells of one column of a write-only sheet, see :func:`safe_cell`: one object that each row changes.

    A write-only sheet writes a row when it is appended and keeps none of its cells; making an object for each of a
    million of them would take longer than writing them.

    Args:
        sheet: The sheet that the cells go to; needed when they have a style.
        style: The name of one of the workbook's styles.
        text_style: That of texts, where it is another.
        is_prose: Whether texts are prose, not names and messages.
    """

    def __init__(
        self, sheet: WriteOnlyWorksheet | None, style: str | None, text_style: str | None = None, *,
        is_prose: bool = False,
    ) -> None:  # fmt: skip
        self._sheet, self._text_style = sheet, text_style or style
        self._visible = visible_text if is_prose else visible_name
        self._number = self._new(style)

    def _new(self, style: str | None) -> Any:
        cell: Any = WriteOnlyCell(self._sheet)
        if style is not None:
            cell.style = style
        return cell

    @cached_property
    def _text(self) -> Any:
        return self._new(self._text_style)

    @cached_property
    def _quoted(self) -> Any:
        """With the mark of a leading apostrophe; a workbook lists the styles that it uses."""
        cell = self._new(self._text_style)
        cell.quotePrefix = True
        return cell

    def cell(self, value: object) -> Any:
        """The cell of a value, good until the next one is asked for; ``None`` for ``None``."""
        if value is None:
            return None
        if not isinstance(value, str) and isinstance(value, Real) and _storable(value):
            self._number.value = value
            return self._number
        text = safe_text(value if isinstance(value, str) else str(value), self._visible)
        cell = self._quoted if text.startswith(_LEADING) else self._text  # Excel would read a formula on editing.
        cell._value, cell.data_type = text, "s"  # noqa: SLF001  (the property would guess formulas and cut the text)
        return cell


def _storable(value: Real) -> bool:
    """Whether a sheet's 64-bit floats hold the number."""
    if isinstance(value, Integral):
        return abs(int(value)) <= 2**53
    return math.isfinite(value)
