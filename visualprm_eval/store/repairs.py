"""Facts of older stores whose meaning changed: each repair touches those alone, counts them and says so.

A repair runs inside its migration's transaction, once. It may rewrite facts or drop them; a dropped fact is missing, so
that the next run makes it anew. Nothing that was paid for is dropped where it can be rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.config import GIVEN, NEUTRAL, SERVERS_OWN
from visualprm_eval.core.markup import shorn
from visualprm_eval.core.thoughts import SCORED, after_thoughts
from visualprm_eval.core.types import Spec, digest
from visualprm_eval.store import codec, queries
from visualprm_eval.store.codec import unpack_text
from visualprm_eval.store.sound import SCORE_RANGE

if TYPE_CHECKING:
    import sqlite3

Repair = Callable[["sqlite3.Connection"], str]
"""What it did with how many facts, as a sentence; ``""`` when there were none."""

_CAME_EMPTY = re.compile(
    r"the policy wrote nothing|the model refused: .*|the model wrote nothing(?! \((?:[^)]*, )?content is (?!null)).*",
    re.DOTALL,
)


def _specs(db: sqlite3.Connection, kind: str) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Key, settings and time of the specs of a kind, oldest first; of damaged ones the audit tells."""
    query = "SELECT id, settings, created_at FROM specs WHERE kind = ? ORDER BY position"
    for key, stored, created_at in db.execute(query, (kind,)).fetchall():
        with suppress(*codec.UNREADABLE):
            if isinstance(settings := codec.unpack_json(stored), dict):
                yield key, settings, created_at


def _told(sentence: str, *counts: int) -> str:
    """A sentence with how many facts it is about; ``""`` where there were none."""
    return sentence.format(*(f"{count:,}" for count in counts)) if any(counts) else ""


def _dropped(db: sqlite3.Connection, query: str, keys: Sequence[Sequence[Any]]) -> int:
    """How many rows a query drops for some keys."""
    return max(0, db.executemany(query, keys).rowcount)  # It is -1 where there are no keys.


def came_empty(error: str) -> bool:
    """Whether an error of a candidate, as former versions wrote it, is about a reply that came and is empty."""
    return _CAME_EMPTY.fullmatch(error) is not None


def empty_replies(db: sqlite3.Connection) -> str:
    """Candidates that were failures because the policy wrote nothing, or refused, are empty replies."""
    query = "SELECT spec_id, problem_id, rank, error, finish FROM candidates WHERE error IS NOT NULL"
    found = []
    for *key, stored, finish in db.execute(query):
        if came_empty(error := unpack_text(stored)):
            found.append((finish or ("refusal" if error.startswith("the model refused") else ""), *key))
    update = "UPDATE candidates SET error = NULL, finish = ? WHERE spec_id = ? AND problem_id = ? AND rank = ?"
    db.executemany(update, found)
    return _told("{} candidates whose policy wrote nothing are empty replies now, which are wrong, not failures",
                 len(found))  # fmt: skip


_GRADED_WITH_THOUGHTS = """
SELECT DISTINCT v.spec_id FROM verdicts v JOIN thoughtful USING (text_id)
UNION
SELECT s.id FROM specs s WHERE s.kind = 'grading' AND NOT EXISTS (SELECT 1 FROM verdicts v WHERE v.spec_id = s.id)
AND json_extract(CAST(s.settings AS TEXT), '$.benchmark') IN (
    SELECT CAST(p.benchmark AS TEXT) FROM candidates c JOIN thoughtful USING (text_id)
    JOIN problems p ON p.id = c.problem_id
)"""
"""Gradings of which a verdict, or a table without verdicts on single texts, may be of a text with thoughts."""


_DROP_FIGURES = "DELETE FROM host_figures WHERE grading_id = ? AND selection <> 'reference answers'"


def _note_thoughtful(db: sqlite3.Connection) -> bool:
    """Lists the texts with thoughts in a temporary table; whether there are any."""
    texts = ((text_id, unpack_text(value)) for text_id, value in db.execute("SELECT id, value FROM texts"))
    thoughtful = [(text_id,) for text_id, text in texts if after_thoughts(text) != text]
    db.execute("CREATE TEMP TABLE IF NOT EXISTS thoughtful (text_id TEXT PRIMARY KEY)")
    db.executemany("INSERT OR IGNORE INTO thoughtful VALUES (?)", thoughtful)
    return bool(thoughtful)


def verdicts_with_thoughts(db: sqlite3.Connection) -> str:
    """Verdicts on texts that were graded with their thoughts go, and the host's figures of tables that held such."""
    if not _note_thoughtful(db):
        return ""
    gradings = db.execute(_GRADED_WITH_THOUGHTS).fetchall()
    verdicts = db.execute("DELETE FROM verdicts WHERE text_id IN (SELECT text_id FROM thoughtful)").rowcount
    figures = _dropped(db, _DROP_FIGURES, gradings)
    db.execute("DROP TABLE thoughtful")
    return _told(
        "{} verdicts on texts that were graded with their thoughts, and {} of the host's figures of whole tables that "
        "may hold such texts, are dropped: the next run grades what follows the thoughts", verdicts, figures,
    )  # fmt: skip


_OURS = frozenset({"visualprm", "visualorm", "judge"})
"""Critics whose scores are from 0 to 1."""

_EXTREMES = """
SELECT min(each.value), max(each.value), count(DISTINCT s.position)
FROM scores AS s, json_each(CASE WHEN json_valid(s.step_scores) THEN s.step_scores ELSE '[]' END) AS each
WHERE s.spec_id = ? AND s.error IS NULL AND each.type IN ('integer', 'real')"""


def declare_ranges(db: sqlite3.Connection) -> str:
    """Scores of third parties' critics beyond 0 to 1, which no key spoke of, get a key that does."""
    db.execute("PRAGMA defer_foreign_keys = ON")  # Until the scores have followed their spec.
    critics: dict[str, int] = {}
    for spec_id, settings, _ in _specs(db, "scoring"):
        low, high, count = db.execute(_EXTREMES, (spec_id,)).fetchone()
        if settings.get("critic") in _OURS or SCORE_RANGE in settings or not count or (low >= 0 and high <= 1):
            continue
        bounds = [0.0 if low >= 0 else None, 1.0 if high <= 1 else None]
        declared = Spec("scoring", {**settings, SCORE_RANGE: bounds})
        _rename_spec(db, spec_id, declared)
        db.execute("UPDATE scores SET spec_id = ? WHERE spec_id = ?", (declared.id, spec_id))
        critics[str(settings.get("critic"))] = count
    told = ", ".join(f"{critic} {count:,}" for critic, count in critics.items())
    return told and (
        f"scores beyond 0 to 1 now stand under a key that says so (texts of {told}); "
        f"let the critic declare its {SCORE_RANGE}"
    )


_NO_JUDGE = (None, "default", "exact_matching")
"""What the settings of a grading without a judge have in the place of one."""


def misread_replies(db: sqlite3.Connection) -> str:
    """Verdicts from a judge's thoughts or mark-up go; its replies, which are read otherwise now, stay.

    No reply says which verdict came of it, but a verdict is younger than the replies that it came of. So where there
    are such replies the verdicts go that judges helped to since the oldest of them, and the host's figures of these.
    """
    rows = db.execute("SELECT created_at, reply FROM judge_replies")
    since = [created_at for created_at, reply in rows if _is_read_otherwise(unpack_text(reply))]
    if not since:
        return ""
    judged = [(key, min(since)) for key, settings, _ in _specs(db, "grading") if settings.get("judge") not in _NO_JUDGE]
    verdicts = _dropped(db, "DELETE FROM verdicts WHERE spec_id = ? AND created_at >= ?", judged)
    figures = _dropped(db, f"{_DROP_FIGURES} AND created_at >= ?", judged)
    return _told(
        f"{len(since):,} replies of judges hold thoughts or mark-up that were taken for the answer; {{}} verdicts and "
        "{} of the host's figures since then are dropped: the next run makes them from the stored replies",
        verdicts, figures,
    )  # fmt: skip


def _is_read_otherwise(reply: str) -> bool:
    """Whether a grader gets something else of a reply than the reply."""
    # A judge of steps was always read without its fences; a full stop never mattered.
    is_dressed = '"steps"' not in reply and shorn(reply) != reply.strip().rstrip(".,;:。")
    return is_dressed or after_thoughts(reply) != reply


_Note = tuple[str, str, Any]
"""Kind, subject and value."""


def carry_notes(db: sqlite3.Connection) -> str:
    """Notes were specs of a kind of their own; they move to their table, and the labels of critics become names."""
    moved = 0
    for spec_id, settings, created_at in _specs(db, "checkpoint"):
        notes: list[_Note] = []
        with suppress(*codec.UNREADABLE):  # Damage, which the audit tells of.
            notes = list(_as_notes(settings))
        for note in notes:
            db.execute(queries.PUT_NOTE, codec.note_row(*note, created_at))
        if notes and not db.execute(queries.HAS_FACTS, [spec_id] * 3).fetchone()[0]:
            db.execute("DELETE FROM specs WHERE id = ?", (spec_id,))
            moved += 1
    return _told("{} notes moved to a table of their own", moved)


def _as_notes(old: Mapping[str, Any]) -> Iterator[_Note]:
    match old:
        case {"source": source, "fingerprint": fingerprint}:
            yield "checkpoint", fingerprint, {"source": source, "revision": old.get("revision")}
        case {"grading": grading, **said}:
            yield "metric", grading, said
        case {"benchmark": benchmark, **origin}:
            yield "origin", benchmark, origin
        case {"prompt of": benchmark, "asked for in vain": unheeded}:
            yield "unheeded prompts", benchmark, unheeded
        case {"versions for": key, "packages": packages}:
            yield "versions", key, packages
        case {"rerankers": rerankers, "scorings": scorings}:
            yield "asked", "", {"rerankers": rerankers, "scorings": scorings}
            for label, key in scorings.items():
                if name := label.partition("@")[2]:
                    yield "name", key, {"name": name, "given": True}


def drop_figures_of_unknown_rows(db: sqlite3.Connection) -> str:
    """Drops figures of the host that are of no known table, with what followed from them.

    They were kept by the index of each row, whatever the row said. Where no row of a benchmark changed they are of the
    problems that there are.
    """
    dropped = 0
    for key, settings, _ in _specs(db, "grading"):
        benchmark = str(settings.get("benchmark", ""))
        query = "SELECT id, row_index FROM problems WHERE benchmark = ? ORDER BY position"
        problems = db.execute(query, (codec.pack_text(benchmark),)).fetchall()
        query = "SELECT count(*) FROM host_figures WHERE grading_id = ? AND selection <> 'reference answers'"
        ((count,),) = db.execute(query, (key,))
        if not count:
            continue
        if len({index for _, index in problems}) == len(problems):
            ids = [each for each, _ in problems]
            db.execute(queries.PUT_NOTE, codec.note_row("figures by index", key, ids, 0.0))
            query = "UPDATE host_figures SET selection = selection || '-' || ? WHERE grading_id = ? AND selection <> ?"
            db.execute(query, (digest(ids), key, "reference answers"))
            continue
        db.execute(_DROP_FIGURES, (key,))
        # Whether a mean over the rows is the metric is found out anew, where there are verdicts to take it over.
        db.execute(
            "DELETE FROM notes WHERE kind = 'metric' AND subject = ? AND json_extract(value, '$.verdicts') "
            "AND json_extract(value, '$.\"whole tables\"')",
            (key,),
        )
        dropped += count
    return _told(
        "{} of the host's figures of whole tables dropped, since it is not known which rows they are of; "
        "the next run with the stage grade asks for them again", dropped,
    )  # fmt: skip


def scores_with_thoughts(db: sqlite3.Connection) -> str:
    """Scores of texts with thoughts get the key of ``--thoughts score``: that is how they were made."""
    if not _note_thoughtful(db):
        return ""
    moved = 0
    for key, settings, created_at in _specs(db, "scoring"):
        if settings.get("steps") == GIVEN:  # labelled steps are scored as they are
            continue
        scored = Spec("scoring", {**settings, **SCORED})
        db.execute(queries.PUT_SPEC, codec.spec_row(scored, created_at))
        moved += db.execute(_MOVE_SCORES, (scored.id, key)).rowcount
        if not db.execute(queries.HAS_FACTS, (scored.id,) * 3).fetchone()[0]:
            db.execute("DELETE FROM specs WHERE id = ?", (scored.id,))
            continue
        db.execute(_COPY_VERSIONS, (scored.id, key))
    db.execute("DROP TABLE thoughtful")
    return _told(
        "{} scores of texts with thoughts are those of --thoughts score now; without it critics read what "
        "follows the thoughts, and score these texts again", moved,
    )  # fmt: skip


def verdicts_on_final_answers(db: sqlite3.Connection) -> str:
    """Verdicts on final answers go, since texts are read by other rules now; judges' replies to equal requests stay."""
    gradings = [(key,) for key, settings, _ in _specs(db, "grading") if settings.get("prediction") == "final"]
    verdicts = _dropped(db, "DELETE FROM verdicts WHERE spec_id = ?", gradings)
    figures = _dropped(db, _DROP_FIGURES, gradings)
    return _told(
        "{} verdicts on final answers, and {} of the host's figures of them, are dropped: texts are read by other "
        "rules now. The next run grades them again and asks judges only about what differs", verdicts, figures,
    )  # fmt: skip


_COPY_VERSIONS = """
INSERT INTO notes (kind, subject, value, created_at)
SELECT kind, ?, value, created_at FROM notes WHERE kind = 'versions' AND subject = ? ORDER BY position"""
_MOVE_SCORES = """
UPDATE scores SET spec_id = ? WHERE spec_id = ? AND text_id IN (SELECT text_id FROM thoughtful)"""


_AT_SERVERS = "endpoint"


def servers_own_settings(db: sqlite3.Connection) -> str:
    """Keys of what was made at servers say that these chose what requests did not speak of then."""
    db.execute("PRAGMA defer_foreign_keys = ON")  # Until the facts have followed their spec.
    own = dict.fromkeys(NEUTRAL, SERVERS_OWN)
    moved = 0
    for table, kind in (("candidates", "sampling"), ("scores", "scoring")):
        for key, settings, _ in _specs(db, kind):
            asked = settings if kind == "sampling" else settings.get("judge")
            if not isinstance(asked, dict) or asked.get("engine") != _AT_SERVERS or asked.keys() & own.keys():
                continue
            told = {**asked, **own}
            new = Spec(kind, told if kind == "sampling" else {**settings, "judge": told})
            _rename_spec(db, key, new)
            moved += db.execute(f"UPDATE {table} SET spec_id = ? WHERE spec_id = ?", (new.id, key)).rowcount  # noqa: S608
    return _told(
        f"the keys of {{}} candidates and scores from servers say now that {' and '.join(own)} were the server's own, "
        "which requests did not set then", moved,
    )  # fmt: skip


def _rename_spec(db: sqlite3.Connection, key: str, spec: Spec) -> None:
    """Gives a spec other settings, and notes its new key; facts have to follow."""
    settings = codec.pack_json(dict(spec.settings))
    db.execute("UPDATE specs SET id = ?, settings = ? WHERE id = ?", (spec.id, settings, key))
    db.execute("UPDATE notes SET subject = ? WHERE subject = ?", (spec.id, key))
    query = "UPDATE notes SET subject = ? || substr(subject, ?) WHERE kind = 'scope' AND substr(subject, 1, ?) = ?"
    db.execute(query, (spec.id, len(key) + 1, len(key) + 1, f"{key} "))
    db.execute("UPDATE notes SET value = replace(value, ?, ?) WHERE kind = 'asked'", (key, spec.id))


REPAIRS_TO_6: tuple[Repair, ...] = (
    carry_notes, empty_replies, verdicts_with_thoughts, declare_ranges, misread_replies, verdicts_on_final_answers,
    scores_with_thoughts, drop_figures_of_unknown_rows,
)  # fmt: skip
