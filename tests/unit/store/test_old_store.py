"""A store of an older schema opens, loses nothing but what changed its meaning, and says what that was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.unit.run.test_plan_report import results
from visualprm_eval.cli import main
from visualprm_eval.core.errors import StoreError
from visualprm_eval.core.types import Spec, Verdict, canonical_json, digest, text_id
from visualprm_eval.run.stored_critics import stored_critics
from visualprm_eval.stages.experiment import Experiment
from visualprm_eval.stages.grade.metric_notes import known_figure
from visualprm_eval.store import Store, schema
from visualprm_eval.store.package_versions import recorded_versions
from visualprm_eval.store.repairs import came_empty

JUDGE = Spec(
    "scoring",
    {"critic": "judge", "wording of the request": "x", "tries": 3, "max_steps": 12, "judge": {"policy": "gpt"}},
)
THOUGHTS = f"""
INSERT INTO scores VALUES (900, '{JUDGE.id}', 'toy0000000000000', 'bc3c336287e4cced9ddbdcc9b124ac08', NULL, '[1.0]',
    '["<think>it could be"]', 1.8e9, NULL);
INSERT INTO specs VALUES (900, '{(NOTE_1 := Spec("checkpoint", {"versions for": JUDGE.id, "packages": "one"})).id}',
    'checkpoint', '{canonical_json(dict(NOTE_1.settings))}', 1.8e9);
INSERT INTO specs VALUES (901, '{(NOTE_2 := Spec("checkpoint", {"versions for": JUDGE.id, "packages": "two"})).id}',
    'checkpoint', '{canonical_json(dict(NOTE_2.settings))}', 1.9e9);
"""
DUMP = Path(__file__).parent / "data" / "store_schema5.sql"
COUNTED = ("problems", "texts", "candidates", "scores", "verdicts", "judge_replies", "host_figures")


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
        found = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}
        keys = db.execute("SELECT kind, count(*) FROM specs WHERE kind <> 'checkpoint' GROUP BY kind")
        return found | dict(keys)


def test_nothing_is_missing_after_the_upgrade(old: Path) -> None:
    before = counts(old)
    Store.open(old).close()
    assert counts(old) == before


def test_scores_of_texts_with_thoughts_have_the_key_of_thoughts(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.executescript(THOUGHTS)
    with Store.open(old) as store:
        scored = Spec("scoring", {**JUDGE.settings, "thoughts": "score"})
        assert scored in store.specs("scoring")
        assert {text for _, text in store.scores(scored.id, ["toy0000000000000"])} == {
            "bc3c336287e4cced9ddbdcc9b124ac08"
        }
        assert len(store.scores(JUDGE.id, ["toy0000000000000", "toy0000000000001", "toy0000000000002"])) == 3
        assert recorded_versions(store)[scored.id] == "one; then two"
        assert store.verify() == []
    assert "1 scores of texts with thoughts are those of --thoughts score now" in capsys.readouterr().err


def test_verdicts_on_final_answers_are_given_anew(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    final = Spec("grading", {"benchmark": "Toy", "prediction": "final", "host": "1", "judge": "exact_matching"})
    with closing(sqlite3.connect(old, isolation_level=None)) as db:
        db.execute(
            "INSERT INTO specs VALUES (902, ?, 'grading', ?, 1.8e9)", (final.id, canonical_json(dict(final.settings)))
        )
        db.execute(
            "INSERT INTO verdicts (spec_id, problem_id, text_id, value, created_at) VALUES (?, ?, ?, 1.0, 0)",
            (final.id, TOY[0], RIGHT),
        )
    with Store.open(old) as store:
        assert store.verdicts(final.id, TOY) == {}
        assert store.verdicts(GRADING, TOY)[TOY[0], RIGHT] == Verdict(1.0), "whole texts are what they were"
    assert "1 verdicts on final answers" in capsys.readouterr().err


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


# Notes, names and figures ----------------------------------------------------------------------------------------


def test_notes_are_carried_over(store: Store) -> None:
    assert store.last_note("origin", "DemoWorld") == {"total": 360}
    assert store.last_note("unheeded prompts", "DemoWorld") == ["cot", "direct", "host"]
    assert dict(store.notes("checkpoint"))["8d565fc67c21489336e555de4bdf071b"]["source"] == "checkpoints/step1000/hf"
    assert store.last_note("metric", "6b22a43359903012")["host metric"] == "acc"
    assert "torch 2.15.0" in recorded_versions(store)["08145adae47fe9ee"]
    assert store.specs("checkpoint") == []


def test_reward_models_have_the_names_of_the_last_run(store: Store) -> None:
    found = {label: spec.id for label, spec in stored_critics(store).scorings.items() if "@" in label}
    assert found == {
        "visualprm@step1000": "32b08ff2885a1dc6", "visualorm@step1000": "c5e0a4615dbd86d6",
        "visualprm@step2000": "632105d5cf93a2b0", "visualorm@step2000": "63d1aab217a8ccf0",
    }  # fmt: skip


def test_a_report_shows_what_was_finished(old: Path) -> None:
    Store.open(old).close()
    rows = [row for row in results(old.parent, data=("DemoWorld",)).rows if row.k == 4]
    assert {row.reranker for row in rows} > {"visualprm@step1000", "visualprm@step2000", "visualorm@step2000", "oracle"}
    assert None not in {row.value for row in rows}


DEMO = "08145adae47fe9ee"
"""The key of verdicts on DemoWorld."""


def figure_of(path: Path) -> float | None:
    """The host's figure of a table of picks, as a run asks the store for it."""
    with Store.open(path) as store:
        grading = next(spec for spec in store.specs("grading") if spec.id == DEMO)
        problems = store.current_problems("DemoWorld")
        experiment = cast("Experiment", SimpleNamespace(benchmark=SimpleNamespace(problems=problems), grading=grading))
        return known_figure(store, experiment, {problem.index: f"text of {problem.index}" for problem in problems[:2]})


@pytest.fixture
def with_figure(old: Path) -> Path:
    """The same store with a figure of a table of picks of two problems, as it was kept then."""
    with closing(sqlite3.connect(old)) as db, db:
        rows = db.execute("SELECT row_index FROM problems WHERE benchmark = 'DemoWorld' ORDER BY position LIMIT 2")
        texts = sorted((index, text_id(f"text of {index}")) for (index,) in rows)
        db.execute("INSERT INTO host_figures VALUES (?, ?, 42.0, 1.0)", (DEMO, digest(texts)))
        db.execute("INSERT INTO host_figures VALUES (?, 'reference answers', 100.0, 1.0)", (DEMO,))
    return old


def test_figures_of_known_problems_are_found(with_figure: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert figure_of(with_figure) == 42.0
    assert "dropped" not in capsys.readouterr().err
    with Store.open(with_figure) as store:  # The file changes: one of the two is another problem now.
        changed = store.current_problems("DemoWorld")[0]
        store.put_problems([replace(changed, id="newer", answer="other")])
    assert figure_of(with_figure) is None
    with Store.open(with_figure) as store:
        store.put_problems([changed])
    assert figure_of(with_figure) == 42.0


def test_figures_of_rows_that_changed_are_dropped(with_figure: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = '{"grading": "08145adae47fe9ee", "host metric": "Overall", "whole tables": %s, "verdicts": true}'
    with closing(sqlite3.connect(with_figure)) as db, db:
        columns = "benchmark, row_index, split, parts, answer, choices, created_at, row_groups"
        db.execute(
            f"INSERT INTO problems (id, {columns}) SELECT 'newer', {columns} FROM problems "
            "WHERE benchmark = 'DemoWorld' ORDER BY position LIMIT 1"
        )
        for number, whole in enumerate(("false", "true")):
            db.execute("INSERT INTO specs VALUES (NULL, ?, 'checkpoint', ?, 2.0)", (f"note{number}", note % whole))
    before = counts(with_figure)
    assert figure_of(with_figure) is None
    assert "6 of the host's figures of whole tables dropped" in capsys.readouterr().err
    assert counts(with_figure) == {**before, "host_figures": before["host_figures"] - 6}
    with Store.open(with_figure) as store:
        assert [said["whole tables"] for _, said in store.notes("metric", DEMO)] == [False]
        assert store.greatest_host_figure(DEMO) == 100.0, "that of the reference answers is of no row's text"
        assert store.verify() == []


def test_a_report_brings_an_older_store_up_to_date(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StoreError, match="open it for writing once"):
        Store.open(old, write=False)
    assert main(["report", "--work-dir", str(old.parent)]) == 0
    assert "store brought up to schema" in capsys.readouterr().err
    with Store.open(old, write=False) as store:
        assert store.verify() == []
