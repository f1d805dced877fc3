"""A store of an older schema opens, loses nothing but what changed its meaning, and says what that was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from visualprm_eval.store import Store, schema
from visualprm_eval.store.repairs import came_empty
from visualprm_eval.types import Spec, Verdict

DUMP = Path(__file__).parent / "data" / "store_schema5.sql"
COUNTED = ("specs", "problems", "texts", "candidates", "scores", "verdicts", "judge_replies", "host_figures")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The file of a store of schema 5."""
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(DUMP.read_text("utf-8"))
    return path


@pytest.fixture
def store(old: Path) -> Iterator[Store]:
    with Store.open(old) as opened:
        yield opened


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as db:
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}


def test_nothing_is_missing_after_the_upgrade(old: Path) -> None:
    before = counts(old)
    Store.open(old).close()
    assert counts(old) == before


def test_misread_replies_stay_and_their_verdicts_go(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that judges helped to since the first such reply; the replies of the dump are younger than its verdicts."""
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        ((first,),) = db.execute("SELECT min(created_at) FROM judge_replies WHERE request NOT LIKE 'plain%'")
        places = enumerate((first - 1, first, first + 1))
        for place, moment in places:
            db.execute("UPDATE verdicts SET created_at = ? WHERE problem_id = ?", (moment, TOY[place]))
        db.execute("UPDATE host_figures SET created_at = ?", (first + 1,))
        db.execute("UPDATE verdicts SET created_at = ? WHERE spec_id = '08145adae47fe9ee'", (first + 1,))
    before = counts(old)
    Store.open(old).close()
    said = capsys.readouterr().err
    assert "2 replies of judges hold thoughts or mark-up" in said
    assert "2 verdicts and 1 of the host's figures since then are dropped" in said
    after = counts(old)
    assert {table: before[table] - after[table] for table in COUNTED if before[table] != after[table]} == {
        "verdicts": 2, "host_figures": 1,
    }, "none of exact matching"  # fmt: skip
    with closing(sqlite3.connect(old)) as db:
        left = db.execute("SELECT problem_id FROM verdicts WHERE spec_id = ?", (GRADING,)).fetchall()
    assert left == [(TOY[0],)]


def test_no_verdict_goes_where_no_reply_was_misread(old: Path) -> None:
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute("DELETE FROM judge_replies WHERE request NOT LIKE 'plain%'")
        for place, reply in enumerate(["7.", "B", '```json\n{"steps": []}\n```', "[2007, 2008]", "\\frac{1}{2}"]):
            db.execute("INSERT INTO judge_replies VALUES (?, 0, ?, 0)", (f"request{place}", reply))
        db.execute("UPDATE judge_replies SET created_at = 0")
    before = counts(old)
    Store.open(old).close()
    assert counts(old) == before


def test_the_store_is_sound_after_the_upgrade(store: Store) -> None:
    assert store.verify() == []


def test_scores_of_third_parties_beyond_0_to_1_are_kept(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(old)) as db, db:
        (problem, text), position = db.execute("SELECT problem_id, text_id FROM verdicts").fetchone(), 10_000
        for critic, scores in (("depth", "[-3.5, 0.25]"), ("plain", "[0.5]"), ("judge", "[0.5]")):
            spec = Spec("scoring", {"critic": critic})
            db.execute(
                "INSERT INTO specs VALUES (NULL, ?, 'scoring', ?, 1)", (spec.id, json.dumps(dict(spec.settings)))
            )
            position += 1
            db.execute(
                "INSERT INTO scores VALUES (?, ?, ?, ?, NULL, ?, '[]', 1, NULL)",
                (position, spec.id, problem, text, scores),
            )
    with Store.open(old) as opened:
        said = capsys.readouterr().err
        assert "scores beyond 0 to 1 now stand under a key that says so (texts of depth 1)" in said
        declared = Spec("scoring", {"critic": "depth", "score_range": [None, 1.0]})
        specs = opened.specs("scoring")
        assert declared in specs
        assert Spec("scoring", {"critic": "plain"}) in specs, "others keep their keys"
        assert Spec("scoring", {"critic": "judge"}) in specs
        assert opened.scores(declared.id, [problem])[problem, text].scores == (-3.5, 0.25)
        assert opened.verify() == []


def test_the_upgrade_is_done_once(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.open(old).close()
    capsys.readouterr()
    Store.open(old).close()
    assert capsys.readouterr().err == ""
    with closing(sqlite3.connect(old)) as db:
        assert schema.version(db) == schema.latest_version()


# A reply that came is an answer ---------------------------------------------------------------------------------------

TOY = [f"toy000000000000{number}" for number in range(3)]
SAMPLING, GRADING = "f3e229c7b83ab909", "6b22a43359903012"
THOUGHT = "bc3c336287e4cced9ddbdcc9b124ac08"
RIGHT = "a0e75dca8fd4cb2021eec3b26ede8279"


def test_replies_that_are_empty_are_no_failures(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(old) as store:
        found = [one for each in store.candidates(SAMPLING, TOY).values() for one in each if not one.text]
    assert [(one.error, one.finish) for one in found] == [
        (None, "stop"), (None, "content_filter"), ("HTTP 500: try later", ""),
    ]  # fmt: skip
    assert "2 candidates whose policy wrote nothing are empty replies now" in capsys.readouterr().err


def graded_with_thoughts(old: Path) -> None:
    """A verdict on the text whose thought never ends."""
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO verdicts (spec_id, problem_id, text_id, value, created_at) VALUES (?, ?, ?, 1.0, 0)",
            (GRADING, TOY[0], THOUGHT),
        )


def test_verdicts_on_thoughts_go_with_the_figures_of_their_grading(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graded_with_thoughts(old)
    before = counts(old)
    with Store.open(old) as store:
        verdicts = store.verdicts(GRADING, TOY)
    assert (TOY[0], THOUGHT) not in verdicts
    assert verdicts[TOY[0], RIGHT] == Verdict(1.0), "another text of the problem keeps its verdict"
    after = counts(old)
    assert {table: before[table] - after[table] for table in COUNTED if before[table] != after[table]} == {
        "verdicts": 1, "host_figures": 1,
    }  # fmt: skip
    assert "1 verdicts on texts that were graded with their thoughts" in capsys.readouterr().err


def test_figures_of_tables_without_verdicts_go_where_a_policy_thought(old: Path) -> None:
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute("DELETE FROM verdicts WHERE spec_id = ?", (GRADING,))
    before = counts(old)
    Store.open(old).close()
    assert counts(old) == {**before, "host_figures": before["host_figures"] - 1}


@pytest.mark.parametrize(
    ("error", "empty"),
    [
        ("the policy wrote nothing", True),
        ("the model wrote nothing", True),
        ("the model wrote nothing (content is null, finish_reason stop)", True),
        ("the model wrote nothing (finish_reason length, 2 characters of reasoning and no answer)", True),
        ("the model refused: no\nway", True),
        ("the model wrote nothing (content is int, finish_reason stop)", False),
        ("the reply's choice has no message", False),
        ("HTTP 500: the model wrote nothing", False),
        ("the file has no text here", False),
    ],
)
def test_which_former_failures_were_empty_replies(error: str, empty: bool) -> None:
    assert came_empty(error) is empty
