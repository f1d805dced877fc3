"""The command line as a user calls it.

In this process where possible, since its host process is started once; else in a process of its own.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from visualprm_eval.cli import main

ROOT = Path(__file__).resolve().parents[2]

Run = Callable[..., str]
Rows = list[dict[str, str]]


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(ROOT / "run.py"), *map(str, arguments)]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``run.py``'s command line in this process and returns what it printed."""

    def call(*arguments: str | Path, status: int = 0) -> str:
        got = main(["run", *map(str, arguments)])
        printed = capsys.readouterr()
        output = printed.out + printed.err
        assert got == status, f"exit {got}\n{output[-5000:]}"
        assert "Traceback" not in output
        return output

    return call


def read_rows(work_dir: Path) -> Rows:
    with (work_dir / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def value(rows: Rows, reranker: str, k: int, benchmark: str = "DemoWorld") -> float:
    found = [r for r in rows if (r["reranker"], r["k"], r["benchmark"]) == (reranker, str(k), benchmark)]
    assert len(found) == 1, f"{len(found)} rows for {reranker} at k = {k}"
    return float(found[0]["value"])
