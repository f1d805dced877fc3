"""Ranks started by `torchrun` share the bundled world: the same table, also when one of them is killed."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Rows, Run, read_rows
from visualprm_eval.cli import main

DEMO = ("--demo", "--limit", "12", "-n", "4", "--reranker", "greedy", "visualprm", "oracle")
SLOWLY = ("--batch-size", "2", "--token-budget", "1024")
DEADLINE_S = 900

Facts = set[tuple[object, ...]]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The table of a single process that nobody disturbed."""
    work_dir = tmp_path_factory.mktemp("single")
    assert main(["run", *DEMO, "--work-dir", str(work_dir)]) == 0
    return read_rows(work_dir)


def torchrun(*command: str | Path) -> subprocess.Popen[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.Popen(
        [*launcher, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def stored(path: Path) -> Facts:
    """Candidates and scores with the times of their storing."""
    if not path.exists():
        return set()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return {
            *db.execute("SELECT problem_id, rank, text_id, created_at FROM candidates"),
            *db.execute("SELECT problem_id, spec_id, text_id, created_at FROM scores"),
        }


def test_two_ranks_end_with_the_table_of_one(expected: Rows, tmp_path: Path) -> None:
    process = torchrun("run.py", *DEMO, "--work-dir", tmp_path)
    output = process.communicate(timeout=DEADLINE_S)[0]
    assert process.returncode == 0, output[-5000:]
    assert read_rows(tmp_path) == expected
    for rank in (0, 1):
        assert f"[rank {rank}] sample demo-policy on DemoWorld: 24/24" in output
    assert not list(tmp_path.glob("*rank*"))


def test_a_killed_rank_costs_nothing_that_was_stored(run: Run, expected: Rows, tmp_path: Path) -> None:
    # The ranks' problems come from the store, and they need not import the host, which keeps this test short.
    assert main(["export-problems", "--data", "DemoWorld", "--limit", "12", "-o", str(tmp_path)]) == 0
    process = torchrun("-m", "tests.blocked", "vlmeval", "run", *DEMO, *SLOWLY, "--stages", "sample", "score",
                       "--work-dir", tmp_path)  # fmt: skip
    ranks = [tmp_path / f"store.rank{rank}.sqlite" for rank in (0, 1)]
    deadline = time.monotonic() + DEADLINE_S
    while len(stored(ranks[1])) < 4:
        assert process.poll() is None, process.communicate()[0][-5000:]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(json.loads((tmp_path / "ranks" / "rank1.json").read_text())["pid"], signal.SIGKILL)
    output = process.communicate(timeout=DEADLINE_S)[0]
    assert process.returncode not in {0, None}, output[-5000:]
    left = set().union(*map(stored, ranks))
    run(*DEMO, "--work-dir", tmp_path)
    assert left < stored(tmp_path / "store.sqlite"), "it was killed in the middle, and nothing is made twice"
    assert read_rows(tmp_path) == expected
    assert not list(tmp_path.glob("*rank*"))
