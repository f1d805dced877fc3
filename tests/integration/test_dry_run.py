"""Dry runs: what they tell is what a run asks, they need no files, and they leave nothing."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT, Run
from tests.servers import Answer, Seen, Server, completion
from visualprm_eval.core import folders
from visualprm_eval.tasks import SUITES, TASKS

FACTOR = 2.0
"""By how much estimated tokens may be off from those of a tokenizer that cuts words and marks."""
STORE_5 = ROOT / "tests" / "unit" / "store" / "data" / "store_schema5.sql"


def snapshot(folder: Path) -> dict[Path, bytes | None]:
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def numbers(plan: str, pattern: str) -> list[int]:
    found = re.search(pattern, plan)
    assert found is not None, f"{pattern} in\n{plan}"
    return [int(number.replace(",", "")) for number in found.groups()]


def words(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def steps_judged(seen: Seen) -> Answer:
    number = int(re.search(r"The solution has (\d+) step", seen.text)[1])  # type: ignore[index]
    return completion(json.dumps({"steps": [{"step": place + 1, "correct": True} for place in range(number)]}))


def world(seen: Seen) -> Answer:
    """A policy that writes two steps, and a judge of steps, at one address."""
    if "checking a solution" in seen.text:
        return steps_judged(seen)
    seed = seen.body.get("seed")
    return completion(*(f"Red is {seed}.\n\nThe answer is \\boxed{{{place}}}." for place in range(seen.n)))


def test_requests_are_those_of_the_run(run: Run, tmp_path: Path) -> None:
    with Server(world) as server:
        arguments = ["--model", "org/policy", "--data", "DemoWorld", "--limit", "5", "-n", "3",
                     "--base-url", server.url, "--reranker", "judge:judge", "oracle", "--max-tokens", "50",
                     "--work-dir", str(tmp_path / "out")]  # fmt: skip
        plan = run(*arguments, "--dry-run")
        assert server.requests == [] and not (tmp_path / "out").exists()
        requests, each = numbers(plan, r"([\d,]+) requests \(([\d,]+) where the server gives one sample per request")
        (judged,) = numbers(plan, r"at most ([\d,]+) requests, about")
        (read,) = numbers(plan, r"prompts to read\), about ([\d,]+) tokens to read and at most 750 to write\n")
        assert (requests, each, judged) == (5, 15, 15)

        run(*arguments, "--stages", "sample")
        asked = [seen for seen in server.requests if "image_url" in json.dumps(seen.body)]
        assert len(asked) == requests
        text_read = sum(words(seen.text) for seen in asked)
        pictures = 5 * 256  # Pictures of one tile.
        assert text_read + pictures <= FACTOR * read and read <= FACTOR * (text_read + pictures)

        server.requests.clear()
        plan = run(*arguments, "--dry-run")
        assert "sample: 0 candidates" in plan
        requests, read = numbers(
            plan, r"    ([\d,]+) requests, about ([\d,]+) tokens to read and at most 61,440 to write"
        )
        assert server.requests == []
        run(*arguments, "--stages", "score")
        asked = [seen for seen in server.requests if "image_url" in json.dumps(seen.body)]
        assert len(asked) == requests == 15
        text_read = sum(words(seen.text) for seen in asked) + 15 * 256
        assert text_read <= FACTOR * read and read <= FACTOR * text_read

        more = run(*arguments, "-n", "4", "--dry-run")
        assert "5 requests, " in more and "about 50 if they are as long as stored ones" in more, "10 of 10 tokens each"
        assert "judge:judge: 0 stored texts, and at most 5 new ones" in more


def test_a_reply_that_is_stored_is_not_counted(run: Run, tmp_path: Path) -> None:
    """Of a judge that is broken off, replies are stored one by one, before its scores are."""
    arguments = ["--data", "DemoProcessBench", "--critic", "judge", "--limit", "6", "--work-dir", str(tmp_path / "out")]
    with Server(steps_judged) as server:
        arguments += ["--base-url", server.url]
        plan = run(*arguments, "--dry-run")
        assert server.requests == []
        (solutions,) = numbers(plan, r"score with judge: ([\d,]+) solutions")
        requests, read = numbers(plan, r"    ([\d,]+) requests, about ([\d,]+) tokens to read")
        run(*arguments)
        asked = [seen for seen in server.requests if "image_url" in json.dumps(seen.body)]
        assert len(asked) == requests == solutions == 6
        text_read = sum(words(seen.text) for seen in asked) + 6 * 256
        assert text_read <= FACTOR * read and read <= FACTOR * text_read
        with closing(sqlite3.connect(tmp_path / "out" / "store.sqlite")) as db, db:
            db.execute("DELETE FROM scores")
        plan = run(*arguments, "--dry-run")
        assert "score with judge: 6 solutions" in plan and "requests" not in plan.partition("solutions")[2]


def test_no_files_no_host_no_network(tmp_path: Path) -> None:
    (home := tmp_path / "home").mkdir()
    code = (
        "import sys, socket\n"
        "def refuse(*_, **__): raise AssertionError('a network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "from visualprm_eval.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "assert not {'torch', 'vlmeval', 'transformers'} & set(sys.modules), 'heavy imports'\n"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--model", "policy", "--base-url", "http://127.0.0.1:9/v1", "--suite",
         "table2", "--reranker", "visualprm", "judge:other", "greedy", "--dry-run", "--work-dir",
         str(tmp_path / "out")],
        capture_output=True, text=True, check=False, cwd=ROOT, env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(home.iterdir()) == [] and not (tmp_path / "out").exists()
    for name in SUITES["table2"]:
        size = f"{TASKS[name].size:,}"
        assert f"{name}.tsv is missing" in done.stdout and f"it is known to have {size} problems" in done.stdout
        assert f"policy on {name}, {size} problems x 8, by its known size:" in done.stdout
        assert f"policy on {name} (greedy), {size} problems x 1" in done.stdout
    assert "in all, sample policy: 20,378 requests, " in done.stdout, "10,189 problems, and each greedily"


def test_what_has_no_known_size_is_told_and_left_out(run: Run, tmp_path: Path) -> None:
    try:
        plan = run("--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--data", "HallusionBench", "MMMU",
                   "--data-dir", tmp_path, "--limit", "7", "--dry-run", "--work-dir", tmp_path / "out")  # fmt: skip
    finally:
        folders.use_data_dir(None)
    assert "HallusionBench.tsv is missing" in plan
    assert "how many problems it has is not known here: this plan is made without it" in plan
    assert "m on MMMU_DEV_VAL, 7 problems x 8, by its known size:" in plan
    assert "m on HallusionBench" not in plan


def test_nothing_is_written_where_files_are(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither pictures nor links; and problems are those of a run, whose pictures are written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    common = ["--demo", "--limit", "4", "-n", "2", "--reranker", "oracle", "--work-dir", tmp_path / "out"]
    before = snapshot(tmp_path)
    assert "sample: 8 candidates" in run(*common, "--dry-run")
    assert snapshot(tmp_path) == before
    run(*common)
    before = snapshot(tmp_path)
    plan = run(*common, "--dry-run")
    assert "sample: 0 candidates" in plan and "grade: 0 stored texts" in plan
    assert snapshot(tmp_path) == before


def test_a_store_of_an_older_schema_is_planned_from_a_copy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with closing(sqlite3.connect(tmp_path / "out" / "store.sqlite", isolation_level=None)) as db:
        db.executescript(STORE_5.read_text("utf-8"))
    before = snapshot(tmp_path)
    plan = run("--demo", "--limit", "2", "--dry-run", "--work-dir", tmp_path / "out")
    assert "is of an older schema: what follows is of a copy" in plan and "sample: " in plan
    assert snapshot(tmp_path) == before


def test_released_labels_are_planned_from_their_published_counts(run: Run, tmp_path: Path) -> None:
    try:
        plan = run("--data", "VisualProcessBench", "--critic", "visualprm", "judge", "random", "--data-dir", tmp_path,
                   "--base-url", "http://127.0.0.1:9/v1", "--dry-run", "--work-dir", tmp_path / "out")  # fmt: skip
    finally:
        folders.use_data_dir(None)
    assert "score with visualprm: 2,866 solutions of 9.4 steps" in plan
    assert "at most 2,866 requests, about " in plan
    assert list(tmp_path.iterdir()) == []
