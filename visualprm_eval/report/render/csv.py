"""``results.csv``: one value per line, of the first k candidates; ``curves.csv``: expected values beside them.

Gains stand at the largest k of each reranker, with what they are over.

Numbers are written with all their digits; an empty value is a withheld one. Spreadsheet programs run text that begins
like a formula, so text that begins with one of ``= + - @`` (or their full-width forms), a tab, a line feed or an
apostrophe gets an apostrophe in front, in every column. Because the apostrophe itself is among them, removing one
leading apostrophe gives back the text, whatever it was. Characters that no document may hold, or that turn a line
around, are spelled as escapes; others that nobody sees stay, since this is data.
"""

from __future__ import annotations

import csv
import io
from numbers import Integral, Real
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import visible_text

if TYPE_CHECKING:
    from visualprm_eval.report.table import Table

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_field(value: object) -> str:
    """A value as a field of the CSV file: digits for numbers, ``""`` for ``None``, harmless text for text."""
    if value is None:
        return ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    text = visible_text(str(value))
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def render(table: Table) -> str:
    """A table as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(csv_field(column.title) for column in table.columns)
    writer.writerows([csv_field(value) for value in row] for row in table.rows)
    return stream.getvalue()
