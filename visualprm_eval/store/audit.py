"""Looking for damage: what SQLite can check of itself, and what only this package knows about its facts.

What the values of each column must be is in ``columns_checked``; here is what holds between them.
"""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.types import text_id
from visualprm_eval.core.words import counted, verb
from visualprm_eval.store import codec, queries, schema, sound
from visualprm_eval.store.codec import unpack_text
from visualprm_eval.store.columns_checked import TEXT_KEY, odd_values, place
from visualprm_eval.store.shapes import odd_notes, odd_problems, odd_prompts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ROWS_AT_ONCE = 4_000
_FACTS = (("candidates", "sampling"), ("scores", "scoring"), ("verdicts", "grading"))
_UNMET = ("SQLite: CHECK constraint failed", "SQLite: NULL value")
"""How SQLite tells of a row that a table should not have; it does not say which."""


def findings(db: sqlite3.Connection) -> list[str]:
    """One sentence per problem found, with its table and row; what SQLite itself finds broken is not looked into.

    All of it is looked at as it is at one moment, though somebody may be writing to it.
    """
    broken = list(_structure(db))
    unmet = [line for line in broken if line.startswith(_UNMET)]
    if len(unmet) < len(broken):
        return broken
    decoding = db.text_factory
    db.execute("SAVEPOINT audit")  # Which may stand inside of a transaction.
    try:
        db.text_factory = _decoded
        return [finding for check in CHECKS for finding in check(db)] or unmet
    finally:
        db.text_factory = decoding
        db.execute("RELEASE audit")


def _decoded(stored: bytes) -> str | bytes:
    """A text as SQLite has it; one that is no UTF-8 stays bytes, which are found to be no text."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


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


def _specs(db: sqlite3.Connection) -> Iterator[str]:
    for spec_id, kind, settings in db.execute("SELECT id, kind, settings FROM specs"):
        try:
            spec = codec.spec_of(kind, settings)
            sound.range_of(spec.settings)
            if spec.id != spec_id:
                yield f"spec {spec_id} does not fit its settings"
        except codec.UNREADABLE as error:
            yield f"the settings of spec {spec_id} cannot be read: {error}"


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
        yield f"{counted(count, 'row')} of {table} {verb(count, 'refers', 'refer')} to {parent} that are not there"


def _is_text(stored_id: str, value: codec.SQLText) -> bool:
    with suppress(UnicodeDecodeError, AttributeError):
        return text_id(unpack_text(value)) == stored_id
    return False


def _refers_beyond(db: sqlite3.Connection, table: str, texts: set[str]) -> bool:
    """Whether rows of a table refer to what is not there; sooner told than by SQLite's look-up of every single one."""
    lacking = "SELECT 1 FROM scores WHERE step_list NOT IN (SELECT position FROM step_lists)"
    if table == "scores" and db.execute(lacking).fetchone() is not None:
        return True
    specs, problems = ({key for (key,) in db.execute(f"SELECT id FROM {parent}")} for parent in ("specs", "problems"))  # noqa: S608
    pairs = db.execute(f"SELECT spec_id, problem_id FROM {table} GROUP BY spec_id, problem_id")  # noqa: S608
    if any(spec not in specs or problem not in problems for spec, problem in pairs):
        return True
    query = f"SELECT text_id FROM {table}"  # noqa: S608
    if table == "candidates":
        query += " UNION ALL SELECT reasoning_id FROM candidates WHERE reasoning_id IS NOT NULL"
    found = _rows(db, query)
    return not all(texts.issuperset([key for (key,) in rows]) for rows in found)


def _rows(db: sqlite3.Connection, query: str) -> Iterator[list[tuple[Any, ...]]]:
    cursor = db.execute(query)
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        yield rows


def _kinds(db: sqlite3.Connection) -> Iterator[str]:
    for table, kind in _FACTS:
        query = f"SELECT DISTINCT spec_id FROM {table} WHERE spec_id IN (SELECT id FROM specs WHERE kind <> ?)"  # noqa: S608
        for (spec_id,) in db.execute(query, (kind,)):
            yield f"{table} of spec {spec_id}, which is not a {kind}"


def _ranks(db: sqlite3.Connection) -> Iterator[str]:
    """Samplings in which a rank is out of proportion; what is no rank at all is told elsewhere."""
    query = (
        "SELECT spec_id, max(greatest), max(count) FROM (SELECT spec_id, max(rank) AS greatest, count(*) AS count "
        "FROM candidates WHERE typeof(rank) = 'integer' GROUP BY spec_id, problem_id) GROUP BY spec_id"
    )
    for spec_id, greatest, fullest in db.execute(query).fetchall():
        if greatest < sound.RANK_LIMIT and sound.is_too_far(greatest, fullest):
            found = db.execute("SELECT problem_id FROM candidates WHERE spec_id = ? AND rank = ?", (spec_id, greatest))
            yield (
                f"candidates of spec {spec_id}, problem {found.fetchone()[0]}: rank {greatest:,}, though no problem "
                f"has more than {fullest:,}"
            )


def _scores(db: sqlite3.Connection) -> Iterator[str]:
    """Numbers and steps of all texts, some thousands parsed at a time; where anything is odd, one by one."""
    counts: dict[int, int] = {}
    query = "SELECT position, digest, steps, coalesce(json_valid(steps), 0) FROM step_lists"
    for rows in _rows(db, query):
        yield from _count_steps(rows, counts)
    ranges = _ranges(db)
    columns = "spec_id, problem_id, text_id, error, step_scores"
    query = f"SELECT step_list, {columns}, coalesce(json_valid(step_scores), 0) FROM scores WHERE error IS NULL"  # noqa: S608
    odd = f"SELECT {columns}, {queries.STEPS}, {queries.STEPS_TEXT} FROM scores WHERE "  # noqa: S608
    for rows in _rows(db, query):
        if not _all_sound(rows, counts, ranges):
            keys = "(spec_id, problem_id, text_id) = (?, ?, ?)"
            yield from _odd_scores([db.execute(odd + keys, row[1:4]).fetchone() for row in rows], ranges)
    yield from _odd_scores(db.execute(odd + "error IS NOT NULL").fetchall(), ranges)


def _count_steps(rows: Sequence[tuple[Any, ...]], counts: dict[int, int]) -> Iterator[str]:
    """Adds how many steps each list has that is sound; tells of those that were changed."""
    positions, digests, stored, valid = zip(*rows, strict=True)
    for position, digest, steps in zip(positions, digests, stored, strict=True):
        if not isinstance(steps, str | bytes) or codec.digest_of_steps(steps) != digest:
            yield f"list of steps {position} is not what was stored"
    if all(valid) and set(map(type, stored)) == {str}:
        for position, steps in zip(positions, json.loads(f"[{','.join(stored)}]"), strict=True):
            kinds = set(map(type, steps)) if isinstance(steps, list) else {None}
            if kinds <= {str} or (kinds == {int} and len(steps) % 2 == 0):
                counts[position] = len(steps) if kinds <= {str} else len(steps) // 2


def _ranges(db: sqlite3.Connection) -> dict[str, sound.ScoreRange]:
    """The range of each scoring that declares a sound one; what is wrong with the others is told of their specs."""
    ranges = {}
    for spec_id, settings in db.execute("SELECT id, settings FROM specs WHERE kind = 'scoring'"):
        with suppress(*codec.UNREADABLE):
            ranges[spec_id] = sound.range_of(codec.unpack_json(settings))
    return ranges


def _all_sound(
    rows: Sequence[tuple[Any, ...]], counts: Mapping[int, int], ranges: Mapping[str, sound.ScoreRange]
) -> bool:
    """Whether all is well with the scores of some texts, as far as one look at all of them can tell."""
    step_lists, specs, _, _, _, numbers, valid = zip(*rows, strict=True)
    if not all(valid) or set(map(type, numbers)) != {str}:
        return False
    found = json.loads(f"[{','.join(numbers)}]")
    if set(map(type, found)) != {list} or not all(found):
        return False
    if any(counts.get(step_list) not in {0, len(one)} for step_list, one in zip(step_lists, found, strict=True)):
        return False
    flat = list(chain.from_iterable(found))
    lows, highs = zip(*(ranges.get(spec, sound.UNIT) for spec in set(specs)), strict=True)
    if not set(map(type, flat)) <= {float, int}:
        return False
    # A sum is finite only if all of it is; what is not slips past comparisons.
    return math.isfinite(sum(flat)) and not sound.wrong_with_numbers((min(flat), max(flat)), (max(lows), min(highs)))


def _odd_scores(rows: Sequence[tuple[Any, ...]], ranges: Mapping[str, sound.ScoreRange]) -> Iterator[str]:
    for *key, error, numbers, steps, text in rows:
        if wrong := _wrong_with(numbers, (steps, text), ranges.get(key[0], sound.UNIT), failed=error is not None):
            yield f"scores of {place(TEXT_KEY.values(), key)}: {wrong}"


def _wrong_with(
    step_scores: codec.SQLText, stored: tuple[codec.SQLText, codec.SQLText], allowed: sound.ScoreRange, *, failed: bool
) -> str:
    """What is wrong with the scores of one text; ``""`` for nothing."""
    try:
        numbers, steps = codec.unpack_json(step_scores), codec.steps_of(stored[0], unpack_text(stored[1]))
    except codec.UNREADABLE as error:
        return f"they cannot be read ({error})"
    return sound.wrong_with_scores(numbers, steps, allowed, failed=failed)


CHECKS = (
    _migrations, _specs, _texts_and_references, odd_problems, _kinds, odd_values, _ranks, _scores, odd_notes,
    odd_prompts,
)  # fmt: skip
"""All of them, in the order in which they tell; a table that comes with a migration gets its own here."""
