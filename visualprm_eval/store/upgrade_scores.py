"""Scores that held their steps are copied to a table that refers to lists of steps: in chunks, beside the old one.

The old table stays whole until all of it is copied. Killed at any moment, the next opening goes on with what lacks.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import StoreError
from visualprm_eval.core.progress import track
from visualprm_eval.store import codec, queries

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_CHUNK = 20_000

OF_TEXT = """spec_id TEXT NOT NULL REFERENCES specs (id), problem_id TEXT NOT NULL REFERENCES problems (id),
    text_id TEXT NOT NULL REFERENCES texts (id)"""

_LISTS = """
CREATE TABLE IF NOT EXISTS step_lists (
    position INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, steps TEXT NOT NULL
)"""

_DRAFT = f"""
CREATE TABLE IF NOT EXISTS scores_draft (
    position INTEGER PRIMARY KEY, {OF_TEXT}, error TEXT, step_scores TEXT NOT NULL,
    step_list INTEGER NOT NULL REFERENCES step_lists (position), created_at REAL NOT NULL, seconds REAL,
    UNIQUE (spec_id, problem_id, text_id)
)"""

# An older version, which knows no draft, may have tried failures again after a killed upgrade.
_FORGET_FAILURES = "DELETE FROM scores_draft WHERE error IS NOT NULL"

_NEXT_CHUNK = """
SELECT max(position), count(*) FROM (SELECT position FROM scores WHERE position > ? ORDER BY position LIMIT ?)"""

# Of texts whose bytes are damaged the audit shall tell, so nothing is decoded by SQLite.
_LACKING = """
SELECT s.position, CAST(s.steps AS BLOB), CAST((SELECT t.value FROM texts AS t WHERE t.id = s.text_id) AS BLOB)
FROM scores AS s WHERE s.position > ? AND s.position <= ?
AND NOT EXISTS (SELECT 1 FROM scores_draft AS d WHERE d.position = s.position)"""
_COPY = """
INSERT INTO scores_draft SELECT s.position, s.spec_id, s.problem_id, s.text_id, s.error, s.step_scores,
    (SELECT l.position FROM step_lists AS l WHERE l.digest = ?), s.created_at, s.seconds
FROM scores AS s WHERE s.position = ?"""

SWAP_SCORES = ("DROP TABLE scores", "ALTER TABLE scores_draft RENAME TO scores")


def draft_scores(db: sqlite3.Connection) -> None:
    """Copies what is not copied yet, chunk after chunk, each in a transaction of its own.

    Raises:
        StoreError: There is not enough room on the disk; nothing was changed.
    """
    if total := _value(db, "SELECT count(*) FROM scores"):
        _check_space(db, total)
    for statement in (_LISTS, _DRAFT, _FORGET_FAILURES):
        db.execute(statement)
    start = 0
    with track("upgrade of the store (goes on when stopped)", total) if total > _CHUNK else nullcontext() as tracker:
        while (chunk := db.execute(_NEXT_CHUNK, (start, _CHUNK)).fetchone())[1]:
            _copy(db, start, chunk[0])
            start = chunk[0]
            if tracker is not None:
                tracker.advance(chunk[1])


def _copy(db: sqlite3.Connection, start: int, end: int) -> None:
    """The rows after one position up to another."""
    with transaction(db):
        rows = [(position, *_step_list(steps, text)) for position, steps, text in db.execute(_LACKING, (start, end))]
        db.executemany(queries.PUT_STEP_LIST, ((digest, steps) for _, digest, steps in rows))
        db.executemany(_COPY, ((digest, position) for position, digest, _ in rows))


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All of it is kept and synced to the disk, or, on any exception, nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


def _step_list(stored: bytes, text: bytes | None) -> tuple[bytes, codec.SQLText]:
    """The row of a list of steps; what cannot be read stays as it is."""
    with suppress(ValueError):
        steps = codec.unpack_json(stored)
        if isinstance(steps, list) and all(isinstance(step, str) for step in steps):
            return codec.step_list_row(steps, codec.unpack_text(text or b""))
    return codec.digest_of_steps(stored), stored


def _check_space(db: sqlite3.Connection, total: int) -> None:
    """Looks whether the disk holds a copy: at most as much as the store takes now."""
    path, size = Path(db.execute("PRAGMA database_list").fetchone()[2]), _value(db, "PRAGMA page_size")
    is_begun = _value(db, "SELECT count(*) FROM sqlite_master WHERE name = 'scores_draft'")
    done = _value(db, "SELECT count(*) FROM scores_draft") if is_begun else 0
    free_pages = _value(db, "PRAGMA freelist_count")
    used = (_value(db, "PRAGMA page_count") - free_pages) * size
    needed = used * (total - done) // total - free_pages * size
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise StoreError(
            f"{path} is of an older schema; to bring it up to date takes up to {needed / 1e6:,.1f} MB of free space in "
            f"{path.parent}, where there are {free / 1e6:,.1f} MB. Nothing was changed; make room, or move the work "
            "dir to another disk, and run again"
        )


def _value(db: sqlite3.Connection, query: str) -> int:
    return int(db.execute(query).fetchone()[0])


def count_lists(db: sqlite3.Connection) -> str:
    """How many lists of steps the scores share; ``""`` when there are no scores."""
    scores, lists = (_value(db, f"SELECT count(*) FROM {table}") for table in ("scores", "step_lists"))  # noqa: S608
    if not scores:
        return ""
    return (
        f"{scores:,} scores refer to {lists:,} lists of steps, which each score held itself before; new facts use the "
        "room that this gives back (`sqlite3 FILE VACUUM` makes the file smaller)"
    )
