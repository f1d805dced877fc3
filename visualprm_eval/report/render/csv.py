"""``results.csv``: one value per line, of the first k candidates; ``curves.csv``: expected values beside them.

Gains stand at the largest k of each reranker, with what they are over.

Numbers are written with all their digits, but for the noise of percentages and points: 29.1 for 29.099999999999998,
which is 100 times 0.291. An empty value is a withheld one. Spreadsheet programs run text that begins like a formula, so
text that begins with one of ``= + - @`` (or their full-width forms), a tab, a line feed or an apostrophe gets an
apostrophe in front, in every column. Because the apostrophe itself is among them, removing one leading apostrophe gives
back the text, whatever it was. Characters that no document may hold, or that turn a line around, are spelled as
escapes; others that nobody sees stay, since this is data.
"""

from __future__ import annotations

import csv
import io
import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import visible_text
from visualprm_eval.core.words import digits

if TYPE_CHECKING:
    from visualprm_eval.report.table import Kind, Table

_PERCENT = frozenset({"percent", "gain", "end"})
"""Kinds of numbers that are 100 times something."""
_NOISE_ULPS = 4
"""What a product or a difference of rounded numbers may be off, in units of the last place."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_field(value: object, kind: Kind = "name") -> str:
    """A value as a field of the CSV file: digits for numbers, ``""`` for ``None``, harmless text for text."""
    if value is None:
        return ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        number, short = float(value), digits(float(value))
        is_noise = kind in _PERCENT and abs(float(short) - number) <= _NOISE_ULPS * math.ulp(number)
        return short if is_noise else repr(number)
    text = visible_text(str(value))
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def render(table: Table) -> str:
    """A table as the text of a CSV file."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(csv_field(column.title) for column in table.columns)
    kinds = [column.kind for column in table.columns]
    writer.writerows([csv_field(*cell) for cell in zip(row, kinds, strict=True)] for row in table.rows)
    return stream.getvalue()
