"""Empty replies in real outputs: MathVista's, graded by a stand-in that gives the official extractions."""

from __future__ import annotations

import csv
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from visualprm_eval.cli import main

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason=f"needs the real files in {REAL}")
MODEL, ROWS, EMPTY = "claude", 447, 8


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the stand-in."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(REAL / "judge_stub.py"), str(port)], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def test_a_pool_with_empty_replies_has_a_value(judge: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines = (REAL / "MathVista_MINI_outputs.jsonl").read_text("utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["model"] == MODEL][:ROWS]
    empty = rows[:: ROWS // EMPTY][:EMPTY]
    for place, row in enumerate(empty):
        row["response"] = ("", " \n", "<think>It could be 7")[place % 3]
    pack = tmp_path / "outputs.jsonl"
    pack.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    status = main(
        ["run", "--candidates", str(pack), "--candidate-fields", "index=index", "text=response", "policy=model",
         "--data", "MathVista", "--data-dir", str(REAL), "--limit", str(ROWS), "-n", "1", "--reranker", "first",
         "--judge", "judge", "--judge-base-url", judge, "--judge-key", "none", "--work-dir", str(tmp_path / "out")]
    )  # fmt: skip
    assert status == 0
    with (tmp_path / "out" / "results.csv").open(encoding="utf-8", newline="") as file:
        found = {row["reranker"]: row for row in csv.DictReader(file)}["first"]
    assert (found["n_problems"], found["n_failed"]) == (str(ROWS), "0")
    assert f"{EMPTY} of {ROWS} candidates are empty replies" in found["note"]
    questions = pd.read_csv(REAL / "MathVista_MINI.tsv", sep="\t", usecols=["index", "question"]).set_index("index")
    official = {
        (question, text): right
        for question, text, _, right, _ in json.loads((REAL / "official.json").read_text())["MathVista_MINI"]
    }
    keys = [(questions["question"][row["index"]], row["response"]) for row in rows]
    assert sum(key in official for key in keys) >= ROWS - EMPTY - 1, "one row has no official extraction"
    right = sum(bool(official.get(key)) for key in keys)
    assert float(found["value"]) == pytest.approx(100 * right / ROWS, abs=0.5)
