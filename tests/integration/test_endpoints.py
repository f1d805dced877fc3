"""Policies behind endpoints by the command line: a scripted server, and transformers' own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.integration.conftest import Run, read_rows
from tests.integration.tiny import tiny_vlm
from tests.servers import Answer, Seen, Server, completion, failure
from visualprm_eval.cli import main
from visualprm_eval.store import Store

KEY = "sk-integration-0123456789"


def contents(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.rglob("*") if file.is_file())


def protocol(work_dir: Path) -> dict[object, object]:
    sheet = load_workbook(work_dir / "results.xlsx", read_only=True)["protocol"]
    return {row[0]: row[1] for row in sheet.iter_rows(values_only=True)}


def numbered(seen: Seen) -> Answer:
    """Different samples, the last of which was cut."""
    finish = "length" if seen.n == 1 else "stop"
    return completion(
        *(f"{seen.body['seed']} is {k}. The answer is \\boxed{{{k}}}." for k in range(seen.n)), finish=finish
    )


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_whole_way_with_a_key_that_is_nowhere(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY if how == "environment" else "sk-another")
    key = ["--key", KEY] if how == "option" else []
    arguments = ["--model", "org/policy", "--data", "DemoWorld", "--limit", "5", "--reranker", "oracle"]
    arguments += ["--work-dir", str(tmp_path)]
    with Server(numbered) as server:
        output = run(*arguments, "-n", "4", "--base-url", server.url, *key, "--temperature", "1", "--max-tokens", "50")
        assert len(server.requests) == 5
        assert {seen.headers["authorization"] for seen in server.requests} == {f"Bearer {KEY}"}
        assert {
            (seen.body["model"], seen.body["temperature"], seen.body["max_tokens"]) for seen in server.requests
        } == {("org/policy", 1.0, 50)}
        assert all("image_url" in json.dumps(seen.body["messages"]) for seen in server.requests)
        assert "500 prompt tokens and 200 completion tokens for 20 candidates" in output
        more = run(*arguments, "-n", "5", "--base-url", server.url, *key, "--temperature", "1", "--max-tokens", "50")
    assert [seen.n for seen in server.requests] == [4] * 5 + [1] * 5, "what is stored is not drawn again"
    assert "5 of 5 candidates were cut at the token limit" in more
    # Elsewhere, without the server: the address is no part of the key of samples.
    run(*arguments, "-n", "5", "--engine", "endpoint", "--stages", "report", "--temperature", "1", "--max-tokens", "50")
    rows = read_rows(tmp_path)
    assert {row["policy"] for row in rows} == {"policy"}
    assert {row["note"] for row in rows if row["k"] == "5"} == {
        "5 of 360 problems; 5 of 25 candidates cut at the token limit"
    }
    known = protocol(tmp_path)
    assert known["policy on DemoWorld: token usage.prompt_tokens"] == 1000
    assert known["policy on DemoWorld: token usage.completion_tokens"] == 250
    assert known["policy on DemoWorld: cut at the token limit"] == "5 of 25 candidates"
    for held in (contents(tmp_path), output.encode(), more.encode()):
        assert KEY.encode() not in held


def test_reasoning_beside_a_text_is_kept_and_told(run: Run, tmp_path: Path) -> None:
    def thoughtful(seen: Seen) -> Answer:
        """The second sample was cut while the model thought."""
        choices = [
            {"message": {"content": "The answer is \\boxed{4}.", "reasoning_content": "Let me count."}},
            {"message": {"content": None, "reasoning": "Let me count ag"}, "finish_reason": "length"},
        ]
        return Answer(body=json.dumps({"choices": choices[: seen.n]}).encode())

    arguments = ["--model", "m", "--data", "DemoWorld", "--limit", "2", "-n", "2", "--reranker", "oracle"]
    with Server(thoughtful) as server:
        output = run(*arguments, "--base-url", server.url, "--work-dir", tmp_path)
    assert "4 of 4 candidates came with reasoning beside the text" in output
    assert "2 of 4 candidates are empty replies" in output
    known = protocol(tmp_path)
    assert known["m on DemoWorld: reasoning beside the text"].startswith("4 of 4 candidates; it is kept")
    assert known["m on DemoWorld: empty replies"].startswith("2 of 4")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count('"h":[[0,"Let me count."]]') == 2 and page.count('"h":[[1,"Let me count ag"]]') == 2
    assert main(["export-candidates", "--work-dir", str(tmp_path), "-o", str(tmp_path / "pack.jsonl")]) == 0
    again = ["--candidates", tmp_path / "pack.jsonl", *arguments[2:6], "--reranker", "oracle"]
    run(*again, "--work-dir", tmp_path / "b")
    assert protocol(tmp_path / "b")["m on DemoWorld: reasoning beside the text"].startswith("4 of 4 candidates")


def test_errors_of_endpoints_are_one_line(run: Run, tmp_path: Path) -> None:
    arguments = ("--model", "m", "--data", "DemoWorld", "--limit", "1", "-n", "2", "--work-dir", tmp_path)
    with Server(lambda seen: failure(401, f"Incorrect key: {KEY}")) as server:
        output = run(*arguments, "--base-url", server.url, "--key", KEY, "--stages", "sample", status=2)
    assert "error: m: no endpoint is left to ask" in output and "Incorrect key: [key]" in output
    assert KEY not in output and KEY.encode() not in contents(tmp_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address and the model's name of ``transformers serve`` with a tiny random Qwen2.5-VL.

    It is the real server that needs least: transformers is here anyway, fastapi and uvicorn are small and pure Python,
    and it serves a checkpoint directory on a CPU, pictures included. It knows no ``n``.
    """
    directory = tmp_path_factory.mktemp("tiny")
    model = tiny_vlm(directory / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(model), "--device", "cpu"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    log = directory / "log"
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as server:
        try:
            wait_for(port, server, log)
            yield f"http://127.0.0.1:{port}/v1", str(model)
        finally:
            server.kill()


def wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return


def test_a_real_server(run: Run, tmp_path: Path, served: tuple[str, str]) -> None:
    url, model = served
    arguments = ["--model", f"tiny={model}", "--data", "DemoWorld", "--limit", "2", "-n", "3", "--base-url", url]
    arguments += ["--max-tokens", "6", "--temperature", "1.5", "--stages", "sample", "--api-nproc", "1"]
    output = run(*arguments, "--work-dir", tmp_path / "a")
    assert "gives one sample per request" in output, "transformers serve knows no n"
    first, again = stored(tmp_path / "a"), None
    assert len(first) == 6
    assert all(error is None and finish in {"stop", "length"} and tokens <= 6 for _, error, finish, tokens in first)
    assert len({text for text, *_ in first}) > 1, "samples differ"
    run(*arguments, "--work-dir", tmp_path / "b")
    again = stored(tmp_path / "b")
    assert again == first, "seeds reach the server"
    run(*arguments, "--work-dir", tmp_path / "c", "--seed", "1")
    assert stored(tmp_path / "c") != first


def stored(work_dir: Path) -> list[tuple[str, str | None, str, int]]:
    with Store.open(work_dir / "store.sqlite", write=False) as store:
        (spec,) = store.specs("sampling")
        found = store.candidates(spec.id, [problem.id for problem in store.problems("DemoWorld")])
    return [(one.text, one.error, one.finish, one.tokens or 0) for mine in found.values() for one in mine]
