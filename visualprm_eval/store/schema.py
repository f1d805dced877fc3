"""The tables of the store and the ordered steps that lead to them.

Rows are addressed by content (``Spec.id``, ``Problem.id``, ``text_id``), so that equal facts meet whoever wrote them.
Every migration ends with one transaction; what takes long comes before it, in chunks. The table ``migrations`` lists
those applied, and ``PRAGMA user_version`` is the last of them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import tell
from visualprm_eval.store.repairs import REPAIRS_TO_6, servers_own_settings
from visualprm_eval.store.upgrade_scores import OF_TEXT, SWAP_SCORES, count_lists, draft_scores, transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from visualprm_eval.store.repairs import Repair

APPLICATION_ID = 0x5650524D  # "VPRM": how SQLite (and `file`) tell a store from any other database


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema.

    Attributes:
        version: Its place in the order, from 1.
        name: What it does, for people.
        statements: SQL statements, run in one transaction.
        repairs: What runs after them, in the same transaction; what they say is printed when it is done.
        before: What runs before them, in transactions of its own. Until the statements ran, the former schema is whole.
    """

    version: int
    name: str
    statements: tuple[str, ...]
    repairs: tuple[Repair, ...] = ()
    before: Callable[[sqlite3.Connection], None] | None = None


_SPECS = """
CREATE TABLE specs (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('sampling', 'scoring', 'grading', 'checkpoint')),
    settings TEXT NOT NULL, created_at REAL NOT NULL
)"""

_PROBLEMS = """
CREATE TABLE problems (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    benchmark TEXT NOT NULL, row_index TEXT NOT NULL, split TEXT NOT NULL,
    parts TEXT NOT NULL, answer TEXT NOT NULL, choices TEXT NOT NULL, created_at REAL NOT NULL
)"""

_TEXTS = "CREATE TABLE texts (position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, value TEXT NOT NULL)"

# Candidates and verdicts are short rows: WITHOUT ROWID keeps them in the order in which they are read. Scores are
# long (they held the steps), which such tables store badly.
_CANDIDATES = """
CREATE TABLE candidates (
    spec_id TEXT NOT NULL REFERENCES specs (id), problem_id TEXT NOT NULL REFERENCES problems (id),
    rank INTEGER NOT NULL CHECK (rank >= 0), text_id TEXT NOT NULL REFERENCES texts (id),
    error TEXT, finish TEXT NOT NULL, tokens INTEGER, seconds REAL, created_at REAL NOT NULL,
    PRIMARY KEY (spec_id, problem_id, rank)
) WITHOUT ROWID"""

_SCORES = f"""
CREATE TABLE scores (
    position INTEGER PRIMARY KEY, {OF_TEXT}, error TEXT,
    step_scores TEXT NOT NULL, steps TEXT NOT NULL, created_at REAL NOT NULL,
    UNIQUE (spec_id, problem_id, text_id)
)"""

_VERDICTS = f"""
CREATE TABLE verdicts (
    {OF_TEXT}, error TEXT, value REAL, created_at REAL NOT NULL,
    PRIMARY KEY (spec_id, problem_id, text_id),
    CHECK ((value IS NULL) = (error IS NOT NULL))
) WITHOUT ROWID"""

# What judges replied, by the content of the request: replies are paid for one by one, verdicts come table by table.
_REPLIES = """
CREATE TABLE judge_replies (
    request TEXT NOT NULL, attempt INTEGER NOT NULL CHECK (attempt >= 0), reply TEXT NOT NULL, created_at REAL NOT NULL,
    PRIMARY KEY (request, attempt)
) WITHOUT ROWID"""

_BY_BENCHMARK = "CREATE INDEX problems_by_benchmark ON problems (benchmark, position)"

# What the reply cost that a candidate came with; on the first candidate of each reply, NULL on the others.
_USAGE = (
    "ALTER TABLE candidates ADD COLUMN prompt_tokens INTEGER",
    "ALTER TABLE candidates ADD COLUMN completion_tokens INTEGER",
)

# What the row belongs to in benchmarks whose metric groups rows, as JSON; NULL in stores of older versions.
_GROUPS = "ALTER TABLE problems ADD COLUMN row_groups TEXT"

# The host's own figure of a whole table of picks: not a fact, but too dear to ask a judge for it twice.
_FIGURES = """
CREATE TABLE host_figures (
    grading_id TEXT NOT NULL, selection TEXT NOT NULL, figure REAL NOT NULL, created_at REAL NOT NULL,
    PRIMARY KEY (grading_id, selection)
) WITHOUT ROWID"""

# Each text's share of the time that its scores or its verdict took; NULL in stores of older versions.
_SECONDS = ("ALTER TABLE scores ADD COLUMN seconds REAL", "ALTER TABLE verdicts ADD COLUMN seconds REAL")

# What is good to know beside facts. Of what was said of a subject the greatest created_at was said last.
_NOTES = """
CREATE TABLE notes (
    position INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,
    value TEXT NOT NULL CHECK (json_valid(value)), created_at REAL NOT NULL,
    UNIQUE (kind, subject, value)
)"""

# What math-verify said of two formulas, so that votes depend on no machine's load, and a report needs no library.
_EQUALITIES = """
CREATE TABLE answer_equalities (
    version TEXT NOT NULL, one TEXT NOT NULL, other TEXT NOT NULL,
    equal INTEGER NOT NULL CHECK (equal IN (0, 1)), created_at REAL NOT NULL,
    PRIMARY KEY (version, one, other)
) WITHOUT ROWID"""

# What the host makes of problems for policies, for machines without it; pictures are files of the work dir.
_PROMPTS = """
CREATE TABLE prompts (
    position INTEGER PRIMARY KEY, problem_id TEXT NOT NULL, prompt TEXT NOT NULL,
    wording TEXT NOT NULL, parts TEXT NOT NULL, shown TEXT NOT NULL, created_at REAL NOT NULL,
    UNIQUE (problem_id, prompt)
)"""

# What came of a model's thoughts beside the text of a candidate: long as texts are, so it stands among them.
_REASONING = "ALTER TABLE candidates ADD COLUMN reasoning_id TEXT REFERENCES texts (id)"

MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "specs, problems, texts and facts",
              (_SPECS, _PROBLEMS, _BY_BENCHMARK, _TEXTS, _CANDIDATES, _SCORES, _VERDICTS)),
    Migration(2, "replies of judges", (_REPLIES,)),
    Migration(3, "token usage of candidates", _USAGE),
    Migration(4, "groups of rows and the host's figures", (_GROUPS, _FIGURES)),
    Migration(5, "seconds of scores and verdicts", _SECONDS),
    Migration(6, "notes, and facts that changed their meaning", (_NOTES, _EQUALITIES), REPAIRS_TO_6),
    Migration(7, "lists of steps, and prompts", (*SWAP_SCORES, _PROMPTS), (count_lists,), before=draft_scores),
    Migration(8, "reasoning beside texts, and what servers chose", (_REASONING,), (servers_own_settings,)),
)  # fmt: skip

_APPLIED = """
CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL)"""


def latest_version() -> int:
    """The schema version that this code reads and writes."""
    return MIGRATIONS[-1].version


def version(db: sqlite3.Connection) -> int:
    """The schema version of an open file; 0 before the first migration."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def migrate(db: sqlite3.Connection) -> None:
    """Applies, in order, every migration that the file has not seen.

    Args:
        db: A connection in autocommit mode that may write.
    """
    for migration in MIGRATIONS:
        if migration.version <= version(db):
            continue
        if migration.before is not None:
            migration.before(db)
        with transaction(db):
            db.execute(_APPLIED)
            for statement in migration.statements:
                db.execute(statement)
            done = [said for repair in migration.repairs if (said := repair(db))]
            db.execute("INSERT INTO migrations VALUES (?, ?, ?)", (migration.version, migration.name, time.time()))
            db.execute(f"PRAGMA user_version = {migration.version}")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for said in done:
            tell(f"store brought up to schema {migration.version}: {said}")
