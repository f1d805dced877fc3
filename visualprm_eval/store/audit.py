"""Looking for damage: what SQLite can check of itself, and what only this package knows about its facts."""

from __future__ import annotations

import json
import math
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
    checks = (_migrations, _spec_ids, _texts_and_references, _problems, _kinds, _scores)
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
        for stored_id in [stored_id for stored_id, value in rows if not _is_text(stored_id, value)]:
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
        try:
            known = codec.spec_of(kind, settings).id
        except (ValueError, TypeError) as error:
            yield f"the settings of spec {spec_id} cannot be read: {error}"
            continue
        if known != spec_id:
            yield f"spec {spec_id} does not fit its settings"


def _is_text(stored_id: str, value: codec.SQLText) -> bool:
    try:
        return text_id(unpack_text(value)) == stored_id
    except UnicodeDecodeError:
        return False


def _problems(db: sqlite3.Connection) -> Iterator[str]:
    for row in db.execute(
        "SELECT id, benchmark, row_index, split, parts, answer, choices, row_groups FROM problems"
    ):  # fmt: skip
        try:
            problem = codec.problem_of(row)
            parts = [part for one in problem.parts for part in (one.kind, one.value)]
            named = [word for known in (problem.choices, problem.groups) for pair in known.items() for word in pair]
            sound = all(isinstance(word, str) for word in (*parts, *named))
        except (ValueError, TypeError, AttributeError):
            sound = False
        if not sound:
            yield f"problem {row[0]}: its parts, options or groups cannot be read"


def _kinds(db: sqlite3.Connection) -> Iterator[str]:
    for table, kind in _FACTS:
        query = f"SELECT DISTINCT spec_id FROM {table} WHERE spec_id IN (SELECT id FROM specs WHERE kind <> ?)"  # noqa: S608
        for (spec_id,) in db.execute(query, (kind,)):
            yield f"{table} of spec {spec_id}, which is not a {kind}"


_ODD_SCORES = """
SELECT text_id, problem_id, step_scores, steps, error FROM scores WHERE error IS NOT NULL OR NOT CASE
    WHEN typeof(steps) = 'text' AND json_valid(step_scores) AND json_valid(steps)
        AND step_scores NOT GLOB '*[^]0-9., eE+[-]*' AND step_scores NOT GLOB '*[eE][+0-9]*'
    THEN json_array_length(step_scores) > 0 AND json_array_length(steps) IN (0, json_array_length(step_scores))
    ELSE 0 END"""
"""Scores that cannot be plain numbers from 0 to 1, or are of another number of steps, and those of failures: SQLite
finds them sooner than Python could look at all."""


def _scores(db: sqlite3.Connection) -> Iterator[str]:
    for key, problem, numbers, steps, error in db.execute(_ODD_SCORES):
        if finding := _wrong_with(numbers, steps, failed=error is not None):
            yield f"scores of text {key} of problem {problem}: {finding}"


def _wrong_with(step_scores: codec.SQLText, stored_steps: codec.SQLText, *, failed: bool) -> str:
    """What is wrong with the scores of one text; ``""`` for nothing."""
    try:
        numbers, steps = json.loads(step_scores), codec.unpack_json(stored_steps)
    except (ValueError, TypeError) as error:
        return f"they cannot be read ({error})"
    if not isinstance(numbers, list) or not isinstance(steps, list) or not all(isinstance(one, str) for one in steps):
        return "expected a list of numbers and a list of steps"
    if not all(_is_finite(number) for number in numbers):
        return "they are not all finite numbers"
    if not failed and (not numbers or len(steps) not in (0, len(numbers))):
        return f"{len(numbers)} numbers for {len(steps)} steps"
    return ""


def _is_finite(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
