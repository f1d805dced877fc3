"""A store of an older schema opens, loses nothing but what changed its meaning, and says what that was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from visualprm_eval.store import Store, schema

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


def test_the_store_is_sound_after_the_upgrade(store: Store) -> None:
    assert store.verify() == []


def test_the_upgrade_is_done_once(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Store.open(old).close()
    capsys.readouterr()
    Store.open(old).close()
    assert capsys.readouterr().err == ""
    with closing(sqlite3.connect(old)) as db:
        assert schema.version(db) == schema.latest_version()
