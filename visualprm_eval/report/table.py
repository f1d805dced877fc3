"""The one model of a table: its title, its columns and what they hold, its rows, and what must be said of them.

Renderers (terminal, Markdown, HTML, spreadsheet, CSV) know nothing of what a table shows: the kinds of its columns
decide how they format, align and colour it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, NamedTuple

Kind = Literal[
    "name",
    "text",
    "message",
    "words",
    "count",
    "score",
    "percent",
    "gain",
    "end",
    "chance",
    "correlation",
    "seconds",
    "value",
]
"""What a column holds: a name; a text of several lines; an error's message, which pages cut; what a test comes to in
words; a number of a kind, such as a gain or an end of its interval; or values with their gains in one text
(:class:`Stacked`)."""
Fields = Mapping[str, tuple[Kind, str | Callable[[Any], object]]]
"""Titles of columns to kinds, and to the attribute that stands there or what works the value out of a row."""
NUMBERS = frozenset({"count", "score", "percent", "gain", "end", "chance", "correlation", "seconds", "value"})
"""Kinds that stand on the right; words in their columns, such as "not recorded", stand back."""
ABSENT = "–"
"""What pages show for ``None``."""
WITHHELD = "withheld"
PLACE_COLUMNS = frozenset({"policy", "benchmark", "split", "note"})
"""Titles of the columns that say what a row is of, and what must be said of its numbers."""


class Column(NamedTuple):
    """A column.

    Attributes:
        title: Its title; what follows a line feed stands back.
        kind: What it holds.
        width: In characters, in a spreadsheet; 0 for what its kind and its longest name need.
        group: What stands above it and its neighbours of the same group, in a spreadsheet; ``""`` for nothing.
        is_detail: Whether a spreadsheet may fold it away.
    """

    title: str
    kind: Kind = "name"
    width: float = 0.0
    group: str = ""
    is_detail: bool = False


class Stacked(NamedTuple):
    """A value as text, and what stands below it in small print."""

    text: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Attributes:
        title: What it is called; ``""`` where what stands around it says so.
        columns: Its columns.
        rows: A value per column; ``None`` where there is none, words where a number is unknown.
        notes: What must be known to read it.
        name: Its sheet's name in a spreadsheet.
        frozen: How many columns stay in sight when a spreadsheet is moved to the right; terminals fold none of them.
        is_grouped: Whether rows that begin alike are a group, whose first cell need not be repeated.
        is_folded: Whether a page shows it only when asked to.
        is_flat: Whether rows of a spreadsheet are one line high, however long their texts are.
    """

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    notes: Sequence[str] = ()
    name: str = ""
    frozen: int = 0
    is_grouped: bool = False
    is_folded: bool = False
    is_flat: bool = False


def of_fields(
    rows: Iterable[Any], fields: Fields, title: str = "", *, unknown: str | None = None, **more: Any
) -> Table:
    """A table of records.

    Args:
        rows: The records.
        fields: Its columns; a value that is not a number counts as none.
        title: Its title.
        unknown: What stands for ``None``.
        more: Other attributes of the table.
    """
    sources = [attrgetter(source) if isinstance(source, str) else source for _, source in fields.values()]
    cells = [[_known(source(row), unknown) for source in sources] for row in rows]
    return Table(title, [Column(name, kind) for name, (kind, _) in fields.items()], cells, **more)


def _known(value: object, unknown: str | None) -> object:
    return unknown if value is None or (isinstance(value, float) and math.isnan(value)) else value


def columns(*pairs: tuple[str, Kind]) -> tuple[Column, ...]:
    """Columns of titles and kinds."""
    return tuple(Column(title, kind) for title, kind in pairs)


def filled(*tables: Table) -> list[Table]:
    """Those of the tables that have rows."""
    return [table for table in tables if table.rows]


def by_place(table: Table) -> list[Table]:
    """A table per policy, benchmark, split and note, which its title names instead of columns."""
    titles = [column.title for column in table.columns]
    kept = [number for number, title in enumerate(titles) if title not in PLACE_COLUMNS]
    parts: dict[str, list[list[object]]] = {}
    for row in table.rows:
        values = dict(zip(titles, row, strict=True))
        title = f"{values['policy']} on {values['benchmark']} {values.get('split', '')}".rstrip()
        title += f" ({values['note']})" if values.get("note") else ""
        parts.setdefault(title, []).append([row[number] for number in kept])
    chosen = [table.columns[number] for number in kept]
    return [Table(title, chosen, rows, is_folded=len(parts) > 1) for title, rows in parts.items()]
