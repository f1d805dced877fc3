"""Kill -9 at any moment, run again: the run goes on, repeats nothing, and ends with the same table."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Run, command, read_rows
from visualprm_eval.cli import main

ARGUMENTS = ("--demo", "--limit", "40", "-n", "4", "--batch-size", "8", "--token-budget", "2048")
DEADLINE_S = 900


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """The table of a run that nobody disturbed, with other batch sizes."""
    work_dir = tmp_path_factory.mktemp("undisturbed")
    assert main(["run", "--demo", "--limit", "40", "-n", "4", "--work-dir", str(work_dir)]) == 0
    return read_rows(work_dir)


def test_kill_and_resume_ends_with_the_same_table(run: Run, expected: list[dict[str, str]], tmp_path: Path) -> None:
    # Who samples or scores finds the problems here and need not import the host, which keeps this test short.
    assert main(["export-problems", "--data", "DemoWorld", "--limit", "40", "-o", str(tmp_path)]) == 0
    hostless = [sys.executable, "-m", "tests.blocked", "vlmeval", "run", *ARGUMENTS, "--stages", "sample", "score"]
    killed_with = []
    for program, table, at_least in (
        (hostless, "candidates", 24),
        (hostless, "candidates", 100),
        (hostless, "scores", 1),
        (command(*ARGUMENTS), "verdicts", 1),
    ):
        before = stored(tmp_path)
        kill_when([*program, "--work-dir", str(tmp_path)], tmp_path, table, at_least)
        after = stored(tmp_path)
        killed_with.append(sum(map(len, after.values())))
        for name, rows in before.items():
            assert rows <= after[name], f"a restart changed or lost {name}"
    assert killed_with == sorted(killed_with)
    survivors = stored(tmp_path)
    run(*ARGUMENTS, "--work-dir", tmp_path)
    finished = stored(tmp_path)
    assert all(survivors[name] <= finished[name] for name in survivors), "what was stored must not be made again"
    assert read_rows(tmp_path) == expected


def test_a_second_writer_is_refused(run: Run, tmp_path: Path) -> None:
    from visualprm_eval.store import Store

    with Store.open(tmp_path / "store.sqlite"):
        output = run("--demo", "--limit", "1", "--work-dir", tmp_path, status=2)
    assert f"process {os.getpid()}" in output


def kill_when(program: list[str], work_dir: Path, table: str, at_least: int) -> None:
    """Starts a run and kills it as soon as a table holds so many rows."""
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + DEADLINE_S
        while process.poll() is None and len(stored(work_dir).get(table, ())) < at_least:
            assert time.monotonic() < deadline, f"no {at_least} {table} within {DEADLINE_S} s"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"


def stored(work_dir: Path) -> dict[str, set[tuple[object, ...]]]:
    """Every stored fact with the time of its storing."""
    path = work_dir / "store.sqlite"
    if not path.exists():
        return {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        try:
            tables = ("candidates", "scores", "verdicts")
            return {table: set(db.execute(f"SELECT * FROM {table}").fetchall()) for table in tables}
        except sqlite3.OperationalError:  # The tables are about to be made.
            return {}
