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
from tests.servers import Answer, Seen, Server, completion, failure, listing, sociable
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


def test_equal_samples_of_a_small_run_are_told_also_when_it_is_resumed(run: Run, tmp_path: Path) -> None:
    arguments = ["--model", "m", "--data", "DemoWorld", "--limit", "2", "--reranker", "oracle", "--work-dir", tmp_path]
    said = "all samples of each problem are equal (4 repeat another) at a temperature above 0"
    with Server(lambda seen: completion(*["The answer is 4."] * seen.n)) as server:
        assert f"warning: m on DemoWorld: {said}" in run(*arguments, "-n", "3", "--base-url", server.url)
        assert {said in row["note"] for row in read_rows(tmp_path)} == {True}
        assert f"warning: m on DemoWorld: {said}" in run(*arguments, "-n", "3", "--base-url", server.url)
        assert len(server.requests) == 2, "what the store holds counts"
        server.answer = lambda seen: completion(*["The answer is 5."] * seen.n)
        assert "are equal" not in run(*arguments, "-n", "4", "--base-url", server.url)
    assert "are equal" not in (tmp_path / "results.csv").read_text("utf-8")


@pytest.mark.parametrize("limit", ["1", "2", "20"])
def test_a_policy_that_never_works_stops_the_run_and_leaves_nothing(run: Run, tmp_path: Path, limit: str) -> None:
    arguments = ["--model", "m", "--data", "DemoWorld", "--limit", limit, "-n", "2", "--work-dir", tmp_path]
    with Server(lambda _: failure(400, "no model m here")) as server:
        output = run(*arguments, "--reranker", "oracle", "--base-url", server.url, status=2)
        assert "no model m here" in output
        assert len(server.requests) < 12
        server.answer = numbered
        run(*arguments, "--reranker", "oracle", "--base-url", server.url)
    assert "failed" not in (tmp_path / "results.csv").read_text("utf-8").partition("\n")[2]


def test_errors_of_endpoints_are_one_line(run: Run, tmp_path: Path) -> None:
    arguments = ("--model", "m", "--data", "DemoWorld", "--limit", "1", "-n", "2", "--work-dir", tmp_path)
    with Server(lambda seen: failure(401, f"Incorrect key: {KEY}")) as server:
        output = run(*arguments, "--base-url", server.url, "--key", KEY, "--stages", "sample", status=2)
    assert "error: m: no endpoint is left to ask" in output and "Incorrect key: [key]" in output
    assert KEY not in output and KEY.encode() not in contents(tmp_path)


SAMPLE = ("--data", "DemoWorld", "--limit", "2", "-n", "2", "--stages", "sample")


def keys(work_dir: Path) -> list[dict[str, object]]:
    with Store.open(work_dir / "store.sqlite", write=False) as store:
        return [dict(spec.settings) for spec in store.specs("sampling")]


def no_top_k(seen: Seen) -> Answer:
    refused = "top_k" in seen.body and not seen.path.endswith("/models")
    return failure(400, "Unknown parameter: 'top_k'.") if refused else sociable(seen)


def test_the_key_says_what_a_server_refuses_and_is_found_again_without_it(run: Run, tmp_path: Path) -> None:
    """A server that refuses top_k; the same, gone; then one that takes it."""
    arguments = ("--model", "m", *SAMPLE, "--work-dir", tmp_path)
    with Server(numbered, no_top_k) as server:
        output = run(*arguments, "--base-url", server.url)
        assert "refuses top_k" in output
        assert {seen.body.get("top_k") for seen in server.requests} == {None}
        (key,) = keys(tmp_path)
        assert (key["top_k"], key["repetition_penalty"], key["temperature"]) == ("server's own", 1.0, 0.7)
        contacts, url = len(server.contacts), server.url
        run(*arguments, "--base-url", server.url)
        assert len(server.contacts) == contacts, "nothing lacks"
    run(*arguments, "--base-url", url)  # It is gone, and not missed.
    assert "sample: 0 candidates" in run(*arguments, "--base-url", url, "-n", "2", "--dry-run")
    run(*arguments, "--base-url", url, "-n", "3", status=2)
    run("--model", "m", *SAMPLE, "--work-dir", tmp_path, "--engine", "endpoint", "--stages", "score", "report",
        "--reranker", "oracle")  # fmt: skip
    with Server(numbered) as other:
        output = run(*arguments, "--base-url", other.url, "-n", "3")
        assert "4 stored candidates of m are not used" in output
        assert "top_k: theirs server's own, here -1" in output
        assert len(other.requests) == 2 and {seen.n for seen in other.requests} == {3}
    assert [key["top_k"] for key in keys(tmp_path)] == ["server's own", -1]


def test_what_was_asked_for_and_is_refused_is_an_error_before_samples(run: Run, tmp_path: Path) -> None:
    def fixed(seen: Seen) -> Answer:
        refused = "temperature" in seen.body
        said = "Unsupported value: 'temperature' does not support 0 with this model."
        return failure(400, said) if refused else sociable(seen)

    with Server(numbered, fixed) as server:
        arguments = ("--model", "m", *SAMPLE, "--base-url", server.url)
        output = run(*arguments, "--work-dir", tmp_path / "a", "--temperature", "0.6", status=2)
        assert "refuses what --temperature asked for" in output
        output = run(*arguments, "--work-dir", tmp_path / "b", "--reranker", "greedy", status=2)
        assert "the reranker greedy asks for temperature 0" in output
        assert server.requests == []
        run(*arguments, "--work-dir", tmp_path / "c")
        assert keys(tmp_path / "c")[0]["temperature"] == "server's own"


def test_a_server_is_missed_before_anything_is_loaded(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with Server(contact=lambda seen: listing("qwen")) as server:
        for url, model, said in ((dead, "m", "cannot be reached"), (server.url, "qwenn", "did you mean qwen?")):
            program = (
                "import sys\nfrom visualprm_eval.cli import main\n"
                f"status = main(['run', '--model', {model!r}, '--data', 'DemoWorld', '--base-url', {url!r}, "
                f"'--work-dir', {str(tmp_path)!r}])\n"
                "print(status, [name for name in ('torch', 'vlmeval') if name in sys.modules])"
            )
            command = [sys.executable, "-c", program]
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
            assert done.stdout.strip() == "2 []", done.stderr
            assert done.stderr.count("\n") == 2 and url in done.stderr and said in done.stderr


def test_a_judge_of_steps_that_is_gone_is_missed_only_where_it_is_needed(run: Run, tmp_path: Path) -> None:
    verdicts = '{"steps": [{"step": 1, "reason": "r", "correct": true}]}'
    arguments = ("--model", "m", "--data", "DemoWorld", "--limit", "2", "--work-dir", tmp_path)
    arguments += ("--reranker", "judge:j", "--stages", "sample", "score")
    with Server(numbered) as server:
        with Server(lambda seen: completion(verdicts), no_top_k) as judge:
            urls = ("--base-url", server.url, "--critic-base-url", judge.url)
            run(*arguments, *urls, "-n", "2")
            assert len(judge.requests) == 4 and not any("top_k" in seen.body for seen in judge.requests)
            contacts = len(judge.contacts)
            run(*arguments, *urls, "-n", "2")
            assert len(judge.contacts) == contacts, "it has nothing more to score"
        asked = len(server.requests)
        run(*arguments, *urls, "-n", "2")  # It is gone, and not missed.
        assert "j: " in run(*arguments, *urls, "-n", "3", status=2)
        assert len(server.requests) == asked, "it is missed before samples are paid for"
    with Store.open(tmp_path / "store.sqlite", write=False) as store:
        (spec,) = store.specs("scoring")
    assert spec.settings["judge"]["top_k"] == "server's own" and spec.settings["judge"]["repetition_penalty"] == 1.0


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
