"""A store whose scores hold their steps is brought up to date in chunks, and reports the same."""

from __future__ import annotations

import csv
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.store.schema6 import GRADING, HOSTILE, ORM, PRM, PROBLEMS, PROMPTS, fill, write_prompts
from visualprm_eval.cli import EXIT_OK, main
from visualprm_eval.core.errors import StoreDamagedError, StoreError
from visualprm_eval.core.types import Prompt, StepScores, text_id
from visualprm_eval.stages.sample.prompts import absorb_prompt_files
from visualprm_eval.store import STORE_FILE, Store, schema, upgrade_scores
from visualprm_eval.store.soundness import open_sound

DUMP = Path(__file__).parent / "data" / "store_schema6.sql"
IDS = [problem.id for problem in PROBLEMS]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The file of a store of schema 6, made by the code of then."""
    path = tmp_path / "old" / STORE_FILE
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(DUMP.read_text("utf-8"))
    return path


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def facts(path: Path) -> dict[str, Any]:
    with Store.open(path) as store:
        assert store.verify() == []
        return {
            "prm": store.scores(PRM.id, IDS), "orm": store.scores(ORM.id, IDS),
            "verdicts": store.verdicts(GRADING.id, IDS), "equalities": store.equalities(),
            "notes": [store.notes(kind) for kind in ("checkpoint", "versions", "scope", "asked", "problems")],
        }  # fmt: skip


def old_scores(path: Path) -> list[tuple[Any, ...]]:
    with database(path) as db:
        return db.execute("SELECT * FROM scores ORDER BY position").fetchall()


def test_an_old_store_says_the_same(old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "new")
    assert facts(old) == facts(tmp_path / "new" / STORE_FILE)
    said = capsys.readouterr().err
    assert "94 scores refer to 5 lists of steps" in said
    tables = []
    for folder in (old.parent, tmp_path / "new"):
        assert main(["report", "--work-dir", str(folder)]) == EXIT_OK
        with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
            tables.append(list(csv.reader(file)))
    assert tables[0] == tables[1]
    assert len(tables[0]) > 10


def test_both_stores_have_one_schema(old: Path, tmp_path: Path) -> None:
    Store.open(old).close()
    Store.open(tmp_path / "new.sqlite").close()
    schemas = []
    for path in (old, tmp_path / "new.sqlite"):
        with database(path) as db:
            schemas.append(set(db.execute("SELECT type, name, tbl_name FROM sqlite_master")))
    assert schemas[0] == schemas[1]


def test_steps_of_failures_and_hostile_ones_are_kept(old: Path) -> None:
    with Store.open(old) as store:
        found = store.scores(PRM.id, IDS)
        assert found["id5", text_id(HOSTILE)].steps == (HOSTILE,)
        (failed,) = [outcome for outcome in found.values() if outcome.error]
    assert failed == StepScores((), ("Step 0 of 4.", r"\boxed{\sqrt{12}}"), "CUDA out of memory")


KILLED = """
import os, signal, sys
from pathlib import Path
from visualprm_eval.store import Store, upgrade_scores
upgrade_scores._CHUNK = 10
copy, chunks = upgrade_scores._copy, 0
def _copy(db, start, end):
    global chunks
    if chunks == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    chunks += 1
    copy(db, start, end)
upgrade_scores._copy = _copy
Store.open(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("chunks", [0, 4])
def test_a_killed_upgrade_leaves_the_old_store_whole_and_is_gone_on_with(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], chunks: int
) -> None:
    before = old_scores(old)
    done = subprocess.run([sys.executable, "-c", KILLED, str(old), str(chunks)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert old_scores(old) == before
    with database(old) as db:
        assert schema.version(db) == 6
        assert db.execute("SELECT count(*) FROM scores_draft").fetchone() == (10 * chunks,)
        # An older version goes on with the store and succeeds where something had failed.
        db.execute("UPDATE scores SET error = NULL, step_scores = '[0.5, 0.5]' WHERE error IS NOT NULL")
    monkeypatch.setattr(upgrade_scores, "_CHUNK", 10)
    with Store.open(old) as store:
        assert "upgrade of the store (goes on when stopped): 94/94" in capsys.readouterr().err
        assert store.verify() == []
        found = {**store.scores(PRM.id, IDS), **store.scores(ORM.id, IDS)}
        assert not any(outcome.error for outcome in found.values())
        assert len(store.scores(PRM.id, IDS)) + len(store.scores(ORM.id, IDS)) == len(before)
    fill(tmp_path / "new")
    new = facts(tmp_path / "new" / STORE_FILE)
    changed = [key for key, outcome in facts(old)["prm"].items() if outcome != new["prm"][key]]
    assert changed == [key for key, outcome in new["prm"].items() if outcome.error]


def test_room_on_the_disk_is_looked_for_first(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoreError, match=rf"up to 0\.\d MB of free space in {old.parent}, where there are 0\.0 MB"):
        Store.open(old)
    with database(old) as db:
        assert schema.version(db) == 6
        assert not db.execute("SELECT * FROM sqlite_master WHERE name = 'step_lists'").fetchall()
    monkeypatch.undo()
    Store.open(old).close()


def test_prompts_beside_an_old_store_are_taken_over(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_prompts(old.parent)
    (path.parent / "Other.cot.json").write_text("{", encoding="utf-8")
    for _ in range(2):
        with Store.open(old) as store:
            absorb_prompt_files(store, old.parent)
            assert store.verify() == []
            found = store.prompts("Bench", "cot")
    assert list(found) == IDS
    assert found["id3"] == Prompt("w1", PROMPTS["put"]["id3"], None)
    assert found["id4"].shown == PROMPTS["shown"]["id4"]
    said = capsys.readouterr().err
    assert said.count(f"note: 12 prompts of Bench (cot) moved from {path} to the store") == 1
    assert f"{path.parent}/Other.cot.json cannot be read and stays" in said
    assert [file.name for file in path.parent.iterdir()] == ["Other.cot.json"]
    (path.parent / "Other.cot.json").unlink()
    with Store.open(old) as store:
        absorb_prompt_files(store, old.parent)
    assert not path.parent.exists()


def test_damage_of_an_old_store_is_told_after_the_upgrade(old: Path) -> None:
    with database(old) as db:
        db.execute("UPDATE scores SET text_id = 'none' WHERE position = 1")
        db.execute("UPDATE scores SET steps = CAST(X'5B22FF225D' AS TEXT) WHERE position = 2")
        db.execute("UPDATE scores SET steps = 7 WHERE position = 3")
    with pytest.raises(StoreDamagedError) as told:
        open_sound(old, write=True)
    assert "1 row of scores refers to texts that are not there" in str(told.value)
    assert str(told.value).count("they cannot be read") == 3, "without a text there are no steps"
