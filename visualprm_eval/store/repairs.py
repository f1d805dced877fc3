"""Facts of older stores whose meaning changed: each repair touches those alone, counts them and says so.

A repair runs inside its migration's transaction, once. It may rewrite facts or drop them; a dropped fact is missing, so
that the next run makes it anew. Nothing that was paid for is dropped where it can be rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from visualprm_eval.store.codec import unpack_text
from visualprm_eval.thoughts import after_thoughts

if TYPE_CHECKING:
    import sqlite3

__all__ = ["REPAIRS_TO_6", "Repair", "came_empty"]

Repair = Callable[["sqlite3.Connection"], str]
"""What it did with how many facts, as a sentence; ``""`` when there were none."""

_CAME_EMPTY = re.compile(
    r"the policy wrote nothing|the model refused: .*|the model wrote nothing(?! \((?:[^)]*, )?content is (?!null)).*",
    re.DOTALL,
)


def came_empty(error: str) -> bool:
    """Whether an error of a candidate, as former versions wrote it, is about a reply that came and is empty."""
    return _CAME_EMPTY.fullmatch(error) is not None


def empty_replies(db: sqlite3.Connection) -> str:
    """Candidates that were failures because the policy wrote nothing, or refused, are empty replies."""
    rows = db.execute("SELECT spec_id, problem_id, rank, error, finish FROM candidates WHERE error IS NOT NULL")
    found = [
        (finish or ("refusal" if error.startswith("the model refused") else ""), *key)
        for *key, error, finish in ((*row[:3], unpack_text(row[3]), row[4]) for row in rows)
        if came_empty(error)
    ]
    update = "UPDATE candidates SET error = NULL, finish = ? WHERE spec_id = ? AND problem_id = ? AND rank = ?"
    db.executemany(update, found)
    if not found:
        return ""
    return f"{len(found):,} candidates whose policy wrote nothing are empty replies now, which are wrong, not failures"


_GRADED_WITH_THOUGHTS = """
SELECT DISTINCT v.spec_id FROM verdicts v JOIN thoughtful USING (text_id)
UNION
SELECT s.id FROM specs s WHERE s.kind = 'grading' AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.spec_id = s.id)
AND json_extract(CAST(s.settings AS TEXT), '$.benchmark') IN (
    SELECT CAST(p.benchmark AS TEXT) FROM candidates c JOIN thoughtful USING (text_id)
    JOIN problems p ON p.id = c.problem_id
)"""
"""Gradings of which a verdict, or a table without verdicts on single texts, may be of a text with thoughts."""


def verdicts_with_thoughts(db: sqlite3.Connection) -> str:
    """Verdicts on texts that were graded with their thoughts go, and the host's figures of tables that held such."""
    texts = ((text_id, unpack_text(value)) for text_id, value in db.execute("SELECT id, value FROM texts"))
    thoughtful = [(text_id,) for text_id, text in texts if after_thoughts(text) != text]
    db.execute("CREATE TEMP TABLE thoughtful (text_id TEXT PRIMARY KEY)")
    db.executemany("INSERT INTO thoughtful VALUES (?)", thoughtful)
    gradings = db.execute(_GRADED_WITH_THOUGHTS).fetchall()
    verdicts = db.execute("DELETE FROM verdicts WHERE text_id IN (SELECT text_id FROM thoughtful)").rowcount
    figures = max(
        0,
        db.executemany(
            "DELETE FROM host_figures WHERE grading_id = ? AND selection <> 'reference answers'", gradings
        ).rowcount,
    )
    db.execute("DROP TABLE thoughtful")
    if not verdicts and not figures:
        return ""
    return (
        f"{verdicts:,} verdicts on texts that were graded with their thoughts, and {figures:,} of the host's figures "
        "of whole tables that may hold such texts, are dropped: the next run grades what follows the thoughts"
    )


REPAIRS_TO_6: tuple[Repair, ...] = (empty_replies, verdicts_with_thoughts)
