"""Looking for damage: what SQLite can check of itself, and what only this package knows about its facts."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from visualprm_eval.store import codec, schema
from visualprm_eval.types import text_id

if TYPE_CHECKING:
    from collections.abc import Iterator

_FACTS = (("candidates", "sampling"), ("scores", "scoring"), ("verdicts", "grading"))


def findings(db: sqlite3.Connection) -> list[str]:
    """One sentence per problem found; what SQLite itself finds broken is not looked into further."""
    broken = list(_structure(db))
    if broken:
        return broken
    checks = (_migrations, _references, _spec_ids, _text_ids, _kinds, _scores)
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


def _references(db: sqlite3.Connection) -> Iterator[str]:
    query = 'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent'
    for table, parent, count in db.execute(query):
        yield f"{count} rows of {table} refer to {parent} that are not there"


def _spec_ids(db: sqlite3.Connection) -> Iterator[str]:
    for spec_id, kind, settings in db.execute("SELECT id, kind, settings FROM specs"):
        if codec.spec_of(kind, settings).id != spec_id:
            yield f"spec {spec_id} does not fit its settings"


def _text_ids(db: sqlite3.Connection) -> Iterator[str]:
    for stored_id, value in db.execute("SELECT id, value FROM texts"):
        if text_id(codec.unpack_text(value)) != stored_id:
            yield f"text {stored_id} is not what was stored"


def _kinds(db: sqlite3.Connection) -> Iterator[str]:
    for table, kind in _FACTS:
        query = f"SELECT DISTINCT spec_id FROM {table} WHERE spec_id IN (SELECT id FROM specs WHERE kind <> ?)"  # noqa: S608
        for (spec_id,) in db.execute(query, (kind,)):
            yield f"{table} of spec {spec_id}, which is not a {kind}"


def _scores(db: sqlite3.Connection) -> Iterator[str]:
    for key, numbers, steps, error in db.execute("SELECT text_id, step_scores, steps, error FROM scores"):
        n_scores, n_steps = len(json.loads(numbers)), len(codec.unpack_json(steps))
        if error is None and (not n_scores or n_steps not in (0, n_scores)):
            yield f"scores of text {key}: {n_scores} numbers for {n_steps} steps"
