"""Looking for damage: what SQLite can check of itself, and what only this package knows about its facts."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

from visualprm_eval.store import codec, schema
from visualprm_eval.store.codec import unpack_text
from visualprm_eval.types import text_id

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS_AT_ONCE = 10_000
_FACTS = (("candidates", "sampling"), ("scores", "scoring"), ("verdicts", "grading"))


def findings(db: sqlite3.Connection) -> list[str]:
    """One sentence per problem found; what SQLite itself finds broken is not looked into further."""
    broken = list(_structure(db))
    if broken:
        return broken
    checks = (_migrations, _spec_ids, _texts_and_references, _kinds, _scores)
    return [finding for check in checks for finding in check(db)]


def _structure(db: sqlite3.Connection) -> Iterator[str]:
    try:
        yield from (f"SQLite: {line}" for (line,) in db.execute("PRAGMA quick_check") if line != "ok")
    except sqlite3.DatabaseError as error:  # so broken that SQLite gives up looking
        yield f"SQLite: {error}"


def _migrations(db: sqlite3.Connection) -> Iterator[str]:
    applied = [row[0] for row in db.execute("SELECT version FROM migrations ORDER BY version")]
    expected = list(range(1, schema.version(db) + 1))
    if applied != expected:
        yield f"migrations {applied} are listed, expected {expected}"


def _texts_and_references(db: sqlite3.Connection) -> Iterator[str]:
    known: set[str] = set()
    for rows in _rows(db, "SELECT id, value FROM texts"):
        known.update([stored_id for stored_id, _ in rows])
        for stored_id in [stored_id for stored_id, value in rows if text_id(unpack_text(value)) != stored_id]:
            yield f"text {stored_id} is not what was stored"
    if not any(_refers_beyond(db, table, known) for table, _ in _FACTS):
        return
    query = 'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent'
    for table, parent, count in db.execute(query):
        yield f"{count} rows of {table} refer to {parent} that are not there"


def _refers_beyond(db: sqlite3.Connection, table: str, texts: set[str]) -> bool:
    """Whether rows of a table refer to what is not there; sooner told than by SQLite's look-up of every single one."""
    specs, problems = ({key for (key,) in db.execute(f"SELECT id FROM {parent}")} for parent in ("specs", "problems"))  # noqa: S608
    pairs = db.execute(f"SELECT spec_id, problem_id FROM {table} GROUP BY spec_id, problem_id")  # noqa: S608
    if any(spec not in specs or problem not in problems for spec, problem in pairs):
        return True
    found = _rows(db, f"SELECT text_id FROM {table}")  # noqa: S608
    return not all(texts.issuperset([key for (key,) in rows]) for rows in found)


def _rows(db: sqlite3.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = db.execute(query)
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield rows


def _spec_ids(db: sqlite3.Connection) -> Iterator[str]:
    for spec_id, kind, settings in db.execute("SELECT id, kind, settings FROM specs"):
        if codec.spec_of(kind, settings).id != spec_id:
            yield f"spec {spec_id} does not fit its settings"


def _kinds(db: sqlite3.Connection) -> Iterator[str]:
    for table, kind in _FACTS:
        query = f"SELECT DISTINCT spec_id FROM {table} WHERE spec_id IN (SELECT id FROM specs WHERE kind <> ?)"  # noqa: S608
        for (spec_id,) in db.execute(query, (kind,)):
            yield f"{table} of spec {spec_id}, which is not a {kind}"


_ODD_SCORES = """
SELECT text_id, step_scores, steps FROM scores WHERE error IS NULL AND NOT CASE
    WHEN typeof(steps) = 'text' AND json_valid(step_scores) AND json_valid(steps)
    THEN json_array_length(step_scores) > 0 AND json_array_length(steps) IN (0, json_array_length(step_scores))
    ELSE 0 END"""
"""Scores without numbers or with another number of steps, and those that SQLite cannot read: not finite, or bytes."""


def _scores(db: sqlite3.Connection) -> Iterator[str]:
    for key, numbers, steps in db.execute(_ODD_SCORES):
        n_scores, n_steps = len(json.loads(numbers)), len(codec.unpack_json(steps))
        if not n_scores or n_steps not in (0, n_scores):
            yield f"scores of text {key}: {n_scores} numbers for {n_steps} steps"
