"""A judge behind a local address, through the command line: what it replied is paid for once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.material import JudgeServer, mcq_rows, write_tsv
from tests.integration.conftest import ROOT, Run, command, read_rows, value

PROBLEMS = 6
NO_PROXY = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "")


@pytest.fixture
def server() -> Iterator[JudgeServer]:
    judge = JudgeServer()
    yield judge
    judge.close()


@pytest.fixture
def arguments(server: JudgeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """A run over a pack whose texts only the judge can read; every problem has two, right and wrong."""
    for name, empty in NO_PROXY.items():
        monkeypatch.setenv(name, empty)
    folder = tmp_path / "LMUData"
    folder.mkdir()
    monkeypatch.setenv("LMUData", str(folder))
    rows = [{name: cell for name, cell in row.items() if name != "split"} for row in mcq_rows("ABCDAB")]
    write_tsv(folder / "Tiny.tsv", rows)
    records = [
        {"benchmark": "Tiny", "index": str(row["index"]), "rank": rank, "text": text, "policy": "P"}
        for row in rows
        for rank, text in enumerate((f"like fruit number {row['index']}, maybe", f"unlike {row['index']}, surely"))
    ]
    pack = tmp_path / "pack.jsonl"
    pack.write_text("".join(json.dumps(record) + "\n" for record in records))
    return ["--candidates", pack, "--data", "Tiny", "--reranker", "oracle", "--judge", "local", "--judge-base-url",
            server.url, "--judge-key", "sk-x", "--judge-retry", "1", "--judge-api-nproc", "2"]  # fmt: skip


def letter(text: str) -> str:
    """What a judge says that knows the fruit of every problem."""
    for index, right in enumerate("ABCDAB"):
        if f"like fruit number {index}" in text:
            return right
        if f"unlike {index}" in text:
            return "A" if right != "A" else "B"
    return "OK"


def texts_asked(server: JudgeServer) -> list[str]:
    """The texts that the judge was asked about, one entry per request."""
    said = [json.dumps(body) for _, body in server.requests]
    names = [f"like fruit number {i}, maybe" for i in range(PROBLEMS)] + [
        f"unlike {i}, surely" for i in range(PROBLEMS)
    ]
    return [name for one in said for name in names if name in one]


def test_a_kill_in_the_middle_of_a_table_costs_no_reply(
    run: Run, server: JudgeServer, arguments: list[str | Path], tmp_path: Path
) -> None:
    enough = threading.Event()

    def reply(text: str) -> str:
        if len(texts_asked(server)) > 4:  # The table has six rows.
            enough.set()
            time.sleep(2)
        return letter(text)

    server.reply = reply
    work_dir = tmp_path / "out"
    with subprocess.Popen(
        command(*arguments, "--work-dir", work_dir), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        assert enough.wait(900)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    in_flight = 2
    paid = texts_asked(server)[:4]
    server.requests.clear()
    server.reply = letter
    run(*arguments, "--work-dir", work_dir)
    asked = texts_asked(server)
    assert len(asked) == len(set(asked))
    assert len(set(asked) & set(paid)) <= in_flight - 1, "what was answered before the kill is not asked again"
    assert len(asked) + len(paid) <= 2 * PROBLEMS + in_flight
    rows = read_rows(work_dir)
    assert value(rows, "oracle", 2, "Tiny") == 100
    server.requests.clear()
    run(*arguments, "--work-dir", work_dir)
    assert server.requests == [], "with all verdicts there the judge need not even be"


def test_retry_failed_asks_anew(run: Run, server: JudgeServer, arguments: list[str | Path], tmp_path: Path) -> None:
    server.reply = lambda text: "I cannot tell" if "fruit number 3" in text else letter(text)
    output = run(*arguments, "--work-dir", tmp_path / "out")
    assert "gave no reply that can be read" in output
    server.requests.clear()
    server.reply = letter
    run(*arguments, "--work-dir", tmp_path / "out")
    assert texts_asked(server) == []
    run(*arguments, "--work-dir", tmp_path / "out", "--retry-failed")
    assert texts_asked(server) == ["like fruit number 3, maybe"]
    assert value(read_rows(tmp_path / "out"), "first", 2, "Tiny") == 100


def test_the_key_is_in_no_file(run: Run, server: JudgeServer, arguments: list[str | Path], tmp_path: Path) -> None:
    server.reply = lambda text: "I cannot tell" if "fruit number 3" in text else letter(text)
    arguments[arguments.index("sk-x")] = "sk-very-secret"
    output = run(*arguments, "--work-dir", tmp_path / "out", "--verbose")
    assert "sk-very-secret" not in output
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {"host.log", "store.sqlite", "results.xlsx"} <= {path.name for path in files}
    assert not [path for path in files if b"sk-very-secret" in path.read_bytes()]
    assert os.environ.get("OPENAI_API_KEY") != "sk-very-secret"
