"""The bundled world through the whole pipeline."""

from __future__ import annotations

import importlib.metadata
import sqlite3
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.integration.conftest import ROOT, Run, read_rows, value
from visualprm_eval.cli import main


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_the_whole_world_goes_through(run: Run, work_dir: Path) -> None:
    output = run("--demo", "--work-dir", work_dir)
    rows = read_rows(work_dir)
    assert list(rows[0])[:9] == [
        "policy", "benchmark", "split", "reranker", "k", "metric", "value", "n_problems", "n_failed",
    ]  # fmt: skip
    assert {row["n_failed"] for row in rows} == {"0"}
    assert int(rows[0]["n_problems"]) >= 300
    assert 30 <= value(rows, "first", 1) <= 60
    assert "visualprm" in output


def test_best_of_n_gains(work_dir: Path) -> None:
    rows = read_rows(work_dir)
    best = value(rows, "visualprm", 8)
    assert best - value(rows, "first", 1) >= 10
    assert best - value(rows, "random", 8) >= 8


def test_properties_of_the_table(work_dir: Path) -> None:
    rows = read_rows(work_dir)
    names = {row["reranker"] for row in rows}
    assert {"first", "random", "self-consistency", "visualprm", "visualorm", "weighted-vote", "oracle"} <= names
    assert len({value(rows, name, 1) for name in names}) == 1, "with one candidate there is nothing to choose"
    for k in (1, 2, 4, 8):
        assert all(value(rows, name, k) <= value(rows, "oracle", k) for name in names)
        assert value(rows, "first", k) == value(rows, "first", 1)


def test_the_files_are_there_and_the_workbook_opens(work_dir: Path) -> None:
    assert {"results.csv", "results.xlsx", "results.md", "results.png", "store.sqlite"} <= {
        path.name for path in work_dir.iterdir()
    }
    book = openpyxl.load_workbook(work_dir / "results.xlsx")
    assert {"summary", "problems", "protocol", "failures"} <= set(book.sheetnames)


def test_a_second_run_repeats_nothing(run: Run, work_dir: Path) -> None:
    before = (work_dir / "results.csv").read_text()
    stamps = facts(work_dir)
    output = run("--demo", "--work-dir", work_dir)
    assert (work_dir / "results.csv").read_text() == before
    assert facts(work_dir) == stamps
    assert not any(line.startswith(("sample", "score", "grade")) for line in output.splitlines())


def test_a_report_from_the_store_is_of_the_same_protocols(run: Run, work_dir: Path) -> None:
    own = read_rows(work_dir)
    assert all(row["protocol"] for row in own)
    own_prints = sheet(work_dir, "fingerprints")
    names = dict.fromkeys(row["reranker"] for row in own)
    assert main(["report", "--work-dir", str(work_dir), "--reranker", *names]) == 0
    assert read_rows(work_dir) == own
    assert sheet(work_dir, "fingerprints") == own_prints
    by = {row["reranker"]: row for row in own_prints}
    assert by["visualprm"]["prompt"] == "the dataset's own (cot changes nothing there)"
    assert f"torch {importlib.metadata.version('torch')}" in by["visualprm"]["scored with"]
    assert by["visualprm"]["sampled with"] == by["visualprm"]["scored with"] == by["first"]["graded with"]


def sheet(work_dir: Path, name: str) -> list[dict[str, object]]:
    book = openpyxl.load_workbook(work_dir / "results.xlsx", read_only=True)
    head, *rows = ([cell.value for cell in row] for row in book[name].iter_rows())
    return [dict(zip(head, row, strict=True)) for row in rows]


def test_raising_n_keeps_what_is_there(run: Run, tmp_path: Path) -> None:
    common = ("--demo", "--limit", "12", "--work-dir", tmp_path)
    run(*common, "-n", "2")
    before = facts(tmp_path)
    run(*common, "-n", "4")
    after = facts(tmp_path)
    assert before["candidates"] < after["candidates"]
    assert len(after["candidates"]) == 2 * len(before["candidates"])
    assert before["scores"] <= after["scores"]
    assert before["verdicts"] <= after["verdicts"]


def test_a_report_from_the_store_shows_what_the_run_showed(run: Run, tmp_path: Path) -> None:
    run("--demo", "--limit", "4", "-n", "2", "--reranker", "visualprm:min", "oracle", "--work-dir", tmp_path)
    before = read_rows(tmp_path)
    assert main(["report", "--work-dir", str(tmp_path)]) == 0
    assert [(row["reranker"], row["value"]) for row in read_rows(tmp_path)] == [
        (row["reranker"], row["value"]) for row in before
    ]
    assert {row["reranker"] for row in before} == {"first", "visualprm:min", "oracle"}


def test_dry_run_says_what_is_missing_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    output = run("--demo", "--limit", "5", "-n", "3", "--dry-run", "--work-dir", tmp_path / "new")
    assert "sample: 15 candidates" in output
    assert not (tmp_path / "new").exists()


def facts(work_dir: Path) -> dict[str, set[tuple[object, ...]]]:
    """Everything that was paid for, with the time at which it was stored."""
    with sqlite3.connect(f"file:{work_dir / 'store.sqlite'}?mode=ro", uri=True) as db:
        tables = ("candidates", "scores", "verdicts")
        return {table: set(db.execute(f"SELECT * FROM {table}").fetchall()) for table in tables}


def test_the_hosts_own_runner_knows_our_names(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "visualprm_eval", "host", "run", "--model", "demo-policy", "--data", "DemoWorld",
         "--limit", "3", "--work-dir", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(tmp_path.rglob("demo-policy_DemoWorld*acc*")), "the host graded its own run"
