"""Ranks as processes, with a policy that costs nothing: what they share, and what becomes of it when one dies."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.run.ranks import team as teams
from visualprm_eval.run.ranks import work
from visualprm_eval.run.ranks.launch import Launch
from visualprm_eval.run.ranks.team import Team
from visualprm_eval.store import Store

ROOT = Path(__file__).resolve().parents[4]
N_PROBLEMS, N = 12, 3
DEADLINE_S = 60
MODULES = "torch,transformers,vlmeval"

Facts = set[tuple[object, ...]]


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_problems(
            [Problem("B", str(i), "", (Part("text", "How many?"),), "3", f"p{i}") for i in range(N_PROBLEMS)]
        )
    return tmp_path


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def start(work_dir: Path, rank: int | None, *arguments: str, size: int = 2, pause_s: float = 0.0, run_id: str = "1"):
    """A rank as `torchrun` would start it (each time with another parent or id), or a plain run."""
    command = [sys.executable, "-m", "tests.blocked", MODULES, "--fake-policy", "run", "--model", "P", "--data", "B",
               "-n", str(N), "--prompt", "host", "--work-dir", str(work_dir),
               *(arguments or ("--stages", "sample"))]  # fmt: skip
    counts = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": size}
    told = {} if rank is None else {name: str(value) for name, value in counts.items()}
    told["TORCHELASTIC_RUN_ID"] = run_id
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **told, "FAKE_PAUSE_S": str(pause_s)},
    )  # fmt: skip


def end(process: subprocess.Popen[str], status: int = 0) -> str:
    output = process.communicate(timeout=DEADLINE_S)[0]
    assert process.returncode == status, output
    return output


def facts(path: Path) -> Facts:
    if not path.exists():
        return set()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return set(db.execute("SELECT problem_id, rank, text_id, created_at FROM candidates"))


def wait_for(work_dir: Path, rank: int, count: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while len(facts(work_dir / f"store.rank{rank}.sqlite")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def complete(work_dir: Path) -> Facts:
    """Every candidate is there, and nothing of the ranks."""
    assert {path.name for path in work_dir.iterdir()} <= {"store.sqlite", "store.sqlite.lock", "store.sqlite-wal",
                                                          "store.sqlite-shm"}  # fmt: skip
    with Store.open(work_dir / "store.sqlite") as store:
        assert store.verify() == []
    found = facts(work_dir / "store.sqlite")
    assert len(found) == N_PROBLEMS * N
    return found


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_share_the_work(work_dir: Path, processes: list, size: int) -> None:
    processes += [start(work_dir, rank, size=size) for rank in reversed(range(size))]
    outputs = [end(process) for process in processes]
    complete(work_dir)
    each = N_PROBLEMS * N // size
    for rank, output in zip(reversed(range(size)), outputs, strict=True):
        assert f"[rank {rank}] sample P on B: {each}/{each}" in output


def test_nothing_to_do_is_no_work(work_dir: Path, processes: list) -> None:
    end(start(work_dir, None))
    before = complete(work_dir)
    processes += [start(work_dir, rank) for rank in (0, 1)]
    assert "sample P" not in "".join(map(end, processes))
    assert complete(work_dir) == before


def test_what_is_missing_is_dealt_evenly(work_dir: Path, processes: list) -> None:
    end(start(work_dir, None, "--stages", "sample", "--limit", "6"))
    processes += [start(work_dir, rank) for rank in (0, 1)]
    assert all("9/9" in end(process) for process in processes), "half of the other six problems each"
    complete(work_dir)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_that_dies_strands_nobody(work_dir: Path, processes: list, victim: int) -> None:
    processes += [start(work_dir, rank, pause_s=0.1) for rank in (0, 1)]
    wait_for(work_dir, victim, 3)
    processes[victim].send_signal(signal.SIGKILL)
    output = end(processes[1 - victim], status=2 if victim == 1 else 0)
    if victim == 1:
        assert "error: rank 1 of 2 ended early" in output
        assert not list(work_dir.glob("store.rank*")), "what it had stored is taken over at once"
    kept = {fact for path in work_dir.glob("store*.sqlite") for fact in facts(path)}
    assert len(kept) >= N_PROBLEMS * N // 2 + 3
    end(start(work_dir, None))
    assert kept <= complete(work_dir), "nothing is made twice"


def test_all_are_killed_and_ranks_start_again(work_dir: Path, processes: list) -> None:
    processes += [start(work_dir, rank, pause_s=0.1) for rank in (0, 1)]
    for rank in (0, 1):
        wait_for(work_dir, rank, 2)
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.wait()
    kept = facts(work_dir / "store.rank0.sqlite") | facts(work_dir / "store.rank1.sqlite")
    assert len(kept) >= 4
    again = [start(work_dir, rank, run_id="2") for rank in (0, 1)]
    processes += again
    output = "".join(map(end, again))
    assert "taken over from the ranks of an earlier run" in output
    assert kept <= complete(work_dir)


def test_a_dry_run_counts_leftovers_and_leaves_them(work_dir: Path, processes: list) -> None:
    processes.append(start(work_dir, 0, size=2, pause_s=0.1))
    processes.append(start(work_dir, 1, size=2, pause_s=0.1))
    wait_for(work_dir, 0, 2)
    for process in processes:
        process.kill()
        process.wait()
    left = {rank: facts(work_dir / f"store.rank{rank}.sqlite") for rank in (0, 1)}
    missing = N_PROBLEMS * N - len(left[0] | left[1])
    assert f"sample: {missing} candidates" in end(start(work_dir, None, "--stages", "sample", "--dry-run"))
    assert left == {rank: facts(work_dir / f"store.rank{rank}.sqlite") for rank in (0, 1)}


def test_an_error_of_rank_0_ends_all(work_dir: Path, processes: list) -> None:
    processes += [start(work_dir, rank, "--stages", "sample", "--limit", "0") for rank in (0, 1)]
    assert all("--limit 0" in end(process, status=2) for process in processes)
    lock = Store.open(work_dir / "store.sqlite")
    again = [start(work_dir, rank, run_id="2") for rank in (0, 1)]
    processes += again
    try:
        assert "is being written by" in end(again[0], status=2)
        assert "rank 0 ended before it dealt the work" in end(again[1], status=2)
    finally:
        lock.close()


def test_a_rank_that_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "STARTUP_S", 0.2)
    with Team(Launch(0, 3, "token"), tmp_path) as team, Team(Launch(2, 3, "token"), tmp_path) as other:
        other.done()
        assert team.wait_for_others() == [1]


def test_a_rank_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "HANG_S", 0.3)
    with Team(Launch(0, 2, "token"), tmp_path) as team, Team(Launch(1, 2, "token"), tmp_path):
        begin = time.time()
        with pytest.raises(teams.RanksError, match=rf"rank 1 of 2 \(process {os.getpid()}\) lives and has stored"):
            team.wait_for_others(lambda _: begin + 0.5)
        assert time.time() - begin > 0.8, "what it stored meanwhile counts"


def test_a_rank_that_stands_still_for_a_while_is_waited_for(work_dir: Path, processes: list) -> None:
    processes += [start(work_dir, rank, pause_s=0.1) for rank in (0, 1)]
    wait_for(work_dir, 1, 2)
    processes[1].send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    stored = facts(work_dir / "store.rank1.sqlite")
    assert 0 < time.time() - work._last_stored(work_dir, 1) < DEADLINE_S
    assert work._last_stored(work_dir, 7) == 0
    # It goes on after all; who waited for it did not give up early.
    processes[1].send_signal(signal.SIGCONT)
    outputs = [end(process) for process in processes]
    assert "36/36" not in outputs[0] and stored <= complete(work_dir)


def test_what_another_start_left_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "STARTUP_S", 0.2)
    with Team(Launch(0, 2, "old"), tmp_path) as team:
        team.publish({"problems": []})
    with Team(Launch(1, 2, "old"), tmp_path) as team:
        team.done()
        assert team.plan()["problems"] == []
    with Team(Launch(1, 2, "new"), tmp_path) as team, pytest.raises(teams.RanksError, match="rank 0 ended"):
        team.plan()
    (tmp_path / "ranks" / "rank1.json").write_text("{not json")
    with Team(Launch(0, 2, "new"), tmp_path) as team:
        assert team.wait_for_others() == [1]


def test_an_orphan_of_an_earlier_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "_JOIN_S", 0.2)
    with Team(Launch(1, 2, "old"), tmp_path):
        said = json.loads((tmp_path / "ranks" / "rank1.json").read_text())
        assert said["pid"] == os.getpid()
        with pytest.raises(teams.RanksError, match=f"still at work .*process {os.getpid()}"):
            Team(Launch(1, 2, "new"), tmp_path)
