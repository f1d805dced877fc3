"""Facts of other stores into this one, as they stand there: with their times, and in one transaction of the caller.

Rows are addressed by content, so equal facts of two stores are one fact. A success takes the place of a failure. Two
successes that say different things are a contradiction, and then nothing is taken over at all.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import StoreConflictError
from visualprm_eval.store import codec, queries
from visualprm_eval.store.tables import REPLIES, TABLES, Row, Table

Advance = Callable[[int], None]
Source = tuple[Path, sqlite3.Connection]

_CHUNK = 2000  # rows that are in memory at a time
_SHOWN = 3  # contradictions that a message tells

# Texts that facts of the wanted problems refer to; ``wanted`` is the table that ``facts`` fills.
_OF_WANTED = "IN (SELECT problem_id FROM wanted)"
_TEXTS_OF_WANTED = " UNION ".join(
    f"SELECT text_id FROM {name} WHERE problem_id {_OF_WANTED}"  # noqa: S608 - names of our own tables
    for name in ("candidates", "scores", "verdicts")
)
_TEXTS_OF_WANTED += f" UNION SELECT reasoning_id FROM candidates WHERE problem_id {_OF_WANTED}"  # noqa: S608
_LISTS_OF_WANTED = f"SELECT step_list FROM scores WHERE problem_id {_OF_WANTED}"  # noqa: S608

# What is read of a column that is of no use in another store, see ``queries.RECEIVED``.
_SENT = {"step_list": "(SELECT l.digest FROM step_lists AS l WHERE l.position = step_list)"}


def count_rows(source: sqlite3.Connection) -> int:
    """How many rows :func:`absorb` will look at, all problems wanted."""
    return sum(source.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in TABLES)  # noqa: S608


def absorb(
    db: sqlite3.Connection, target: Path, sources: Sequence[Source], *, only_wanted: bool, advance: Advance
) -> dict[str, int]:
    """Takes over what ``db`` lacks.

    Args:
        db: The store that grows, inside of a transaction of the caller.
        target: Its file, for messages.
        sources: Files and connections of the others; each is read as it is at this moment.
        only_wanted: Only facts of the problems in the sources' temporary tables ``wanted``.
        advance: Told how many rows were looked at.

    Returns:
        How many rows each table gained or had a failure replaced in.

    Raises:
        StoreConflictError: When two stores contradict each other.
    """
    tables = [table.in_file(db) for table in TABLES]
    gained = dict.fromkeys((table.name for table in tables), 0)
    for place, (path, source) in enumerate(sources):
        with _snapshot(source):
            for table in tables:
                incoming = _rows(source, table, only_wanted=only_wanted)
                while rows := list(islice(incoming, _CHUNK)):
                    _fill(db, table, rows)
                    _refuse_contradictions(db, table, path, [*sources[:place], (target, db)])
                    gained[table.name] += max(db.execute(_insertion(table)).rowcount, 0)
                    advance(len(rows))
    return gained


@contextmanager
def _snapshot(source: sqlite3.Connection) -> Iterator[None]:
    """One state of a source, though somebody may be writing to it."""
    source.execute("BEGIN")
    try:
        yield
    finally:
        source.rollback()


def _rows(source: sqlite3.Connection, table: Table, *, only_wanted: bool) -> Iterator[Row]:
    where = ""
    if only_wanted and table.name == REPLIES:  # Nobody grades there.
        return
    if only_wanted and table.name == "texts":
        where = f"WHERE id IN ({_TEXTS_OF_WANTED})"
    elif only_wanted and table.name == "step_lists":
        where = f"WHERE position IN ({_LISTS_OF_WANTED})"
    elif only_wanted and table.problem_column is not None:
        where = f"WHERE {table.problem_column} {_OF_WANTED}"
    columns = ", ".join(_SENT.get(column, column) for column in table.columns)
    yield from source.execute(f"SELECT {columns} FROM {table.name} {where} ORDER BY {table.order}")  # noqa: S608


def _fill(db: sqlite3.Connection, table: Table, rows: Iterable[Row]) -> None:
    """A temporary table of the same columns; without types, so that values stay what they are."""
    marks = ", ".join(queries.RECEIVED.get(column, "?") for column in table.columns)
    db.execute(f"CREATE TEMP TABLE IF NOT EXISTS incoming_{table.name} ({', '.join(table.columns)})")
    db.execute(f"DELETE FROM incoming_{table.name}")  # noqa: S608
    db.executemany(f"INSERT INTO incoming_{table.name} VALUES ({marks})", rows)  # noqa: S608


def _insertion(table: Table) -> str:
    """New rows are added; a failure gives way to a success, and to nothing else: merging again changes nothing."""
    failed = "error IS NOT NULL AND excluded.error IS NULL" if "error" in table.columns else None
    where = "excluded.created_at > created_at" if table.latest else failed
    return queries.put(table.name, " ".join(table.columns), " ".join(table.key), where, f"incoming_{table.name}")


def _refuse_contradictions(db: sqlite3.Connection, table: Table, path: Path, known: Sequence[Source]) -> None:
    found = list(_contradictions(db, table)) if table.telling else []
    if not found:
        return
    told = []
    for there, new in found[:_SHOWN]:
        there_said, new_said = table.shown(_decoded(db, table, there), _decoded(db, table, new))
        origin = next(file for file, source in known if _holds(source, table, there))
        told.append(f"  {_fact(db, table, new)}: {there_said} in {origin}, {new_said} in {path}")
    more = "  and more\n" if len(found) > _SHOWN else ""
    raise StoreConflictError(
        f"the stores contradict each other; nothing was merged into {known[-1][0]}:\n" + "\n".join(told) + f"\n{more}"
        "Facts of one key must agree. Leave one of these files out, or give its facts a key of their own where they "
        "are made (another --seed for samples)."
    )


def _contradictions(db: sqlite3.Connection, table: Table) -> Iterator[tuple[Row, Row]]:
    """Stored and incoming rows of one key that cannot both be true."""
    columns = [f"{side}.{column}" for side in ("s", "i") for column in table.columns]
    same = " AND ".join(f"s.{column} = i.{column}" for column in table.key)
    differ = " OR ".join(f"s.{column} IS NOT i.{column}" for column in table.telling)
    both = "AND s.error IS NULL AND i.error IS NULL" if "error" in table.columns else ""
    width = len(table.columns)
    query = (
        f"SELECT {', '.join(columns)} FROM incoming_{table.name} AS i "  # noqa: S608
        f"CROSS JOIN {table.name} AS s ON {same} WHERE ({differ}) {both}"
    )
    for row in db.execute(query).fetchall():
        there, new = row[:width], row[width:]
        if not table.agree(_decoded(db, table, there), _decoded(db, table, new)):
            yield there, new


def _decoded(db: sqlite3.Connection, table: Table, row: Row) -> dict[str, Any]:
    """A row by column, with what a comparison needs beside it: the spec's settings, the candidate's text, the steps."""
    values = dict(zip(table.columns, row, strict=True))
    if "spec_id" in values:
        values["settings"] = _settings(db, values["spec_id"])
    if table.name == "candidates":
        values["text"] = codec.unpack_text(_text(db, values["text_id"]))
    if "step_list" in values:
        query = "SELECT steps FROM step_lists WHERE position = ?"
        (steps,) = db.execute(query, (values["step_list"],)).fetchone()
        values["steps"] = codec.steps_of(steps, codec.unpack_text(_text(db, values["text_id"])))
    return values


def _fact(db: sqlite3.Connection, table: Table, row: Row) -> str:
    """What a row is about, for people."""
    values = dict(zip(table.columns, row, strict=True))
    about = [table.what]
    if table.name == "candidates":
        about.append(f"of rank {values['rank']}")
    elif "text_id" in values:
        about.append(f"of the text {_excerpt(codec.unpack_text(_text(db, values['text_id'])))}")
    elif table.problem_column is None:
        about.append(str(values["id"]))
    if table.problem_column is not None:
        query = "SELECT benchmark, row_index FROM problems WHERE id = ?"
        problem = db.execute(query, (values[table.problem_column],)).fetchone()
        if problem is not None:
            about.append(f"{'' if table.name == 'problems' else 'for problem '}{' '.join(map(str, problem))}")
    if "spec_id" in values:
        settings = _settings(db, values["spec_id"])
        name = settings.get("policy") or settings.get("critic") or settings.get("judge")
        about.append(f"(by {name}, key {values['spec_id']})")
    return " ".join(about)


def _settings(db: sqlite3.Connection, spec_id: str) -> Mapping[str, Any]:
    row = db.execute("SELECT settings FROM specs WHERE id = ?", (spec_id,)).fetchone()
    settings: Mapping[str, Any] = {} if row is None else codec.unpack_json(row[0])
    return settings


def _text(db: sqlite3.Connection, text_id: str) -> Any:
    row = db.execute("SELECT value FROM texts WHERE id = ?", (text_id,)).fetchone()
    return "" if row is None else row[0]


def _holds(source: sqlite3.Connection, table: Table, row: Row) -> bool:
    """Whether a store has this very row; the one that grows has it in any case."""
    values = dict(zip(table.columns, row, strict=True))
    # The time of their storing tells which list of steps scores have: it is elsewhere in each store.
    columns = ["created_at" if column == "step_list" else column for column in (*table.key, *table.telling)]
    same = " AND ".join(f"{column} IS ?" for column in columns)
    query = f"SELECT 1 FROM {table.name} WHERE {same}"  # noqa: S608
    return source.execute(query, [values[column] for column in columns]).fetchone() is not None


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
