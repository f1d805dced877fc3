"""What dies in the host's process costs one text; it ends with who asks; the main process never has the host."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.material import JudgeServer, mcq_rows, write_tsv
from tests.integration.conftest import ROOT, Run, command, read_rows, value
from visualprm_eval.core.errors import HostDiedError, HostError
from visualprm_eval.host import toolkit
from visualprm_eval.run import pipeline
from visualprm_eval.store import STORE_FILE, Store

LETTERS = "ABCD"
DEADLINE_S = 300

HOOK = """
import importlib.abc, importlib.util, os, signal, sys

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != {module!r}:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            change(module)
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder())
"""


@pytest.fixture
def changed_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Starts a new process for the host in which a module is changed after its import."""
    monkeypatch.setattr(toolkit, "_started", [])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # Without the names of the unchanged host.
    monkeypatch.delitem(sys.modules, "vlmeval", raising=False)  # Other tests have it here, which no run has.
    toolkit.host.cache_clear()

    def change(module: str, code: str) -> None:
        folder = tmp_path / "site"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOOK.format(module=module) + textwrap.dedent(code))
        monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    yield change
    for process in toolkit._started:
        process.stop()
    toolkit.host.cache_clear()


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """A run over a pack of four problems with two texts each, of which one is poison for a grader that was changed."""
    monkeypatch.setenv("LMUData", str(tmp_path))
    rows = [{name: cell for name, cell in row.items() if name != "split"} for row in mcq_rows(LETTERS)]
    write_tsv(tmp_path / "Tiny.tsv", rows)
    texts = {
        row["index"]: [f"Answer: {row['answer']}", f"Answer: {'A' if row['answer'] != 'A' else 'B'}"] for row in rows
    }
    texts[rows[2]["index"]][1] = "POISON, maybe"
    records = [
        {"benchmark": "Tiny", "index": str(index), "rank": rank, "text": text, "policy": "P"}
        for index, two in texts.items()
        for rank, text in enumerate(two)
    ]
    path = tmp_path / "pack.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return ["--candidates", path, "--data", "Tiny", "--reranker", "oracle", "--judge", "exact_matching",
            "--prediction", "raw"]  # fmt: skip


def test_a_text_that_kills_the_process_is_one_failure(
    run: Run, pack: list[str | Path], tmp_path: Path, changed_host: Callable[[str, str], None]
) -> None:
    changed_host(
        "vlmeval.dataset.utils.multiple_choice",
        """
        def change(module):
            infer = module.can_infer
            def killed(answer, choices):
                if "POISON" in str(answer):
                    os.kill(os.getpid(), signal.SIGSEGV)
                return infer(answer, choices)
            module.can_infer = killed
        """,
    )
    output = run(*pack, "--work-dir", tmp_path / "out")
    assert value(read_rows(tmp_path / "out"), "first", 1, "Tiny") == 100
    with Store.open(tmp_path / "out" / STORE_FILE, write=False) as store:
        (grading,) = store.specs("grading")
        verdicts = [*store.verdicts(grading.id, {each.id: each for each in store.problems("Tiny")}).values()]
    failed = [verdict for verdict in verdicts if verdict.value is None]
    assert [str(verdict.error) for verdict in failed] == [
        "the host's grader cannot take this text (the process of the host died: signal SIGSEGV)"
    ]
    assert len(verdicts) == 2 * len(LETTERS)
    assert "Fatal Python error: Segmentation fault" not in output, "it is for the log"


def test_a_model_that_dies_over_a_problem_costs_one_sample(
    run: Run, pack: list[str | Path], tmp_path: Path, changed_host: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    changed_host(
        "vlmeval.config",
        """
        def change(module):
            from vlmeval.vlm.base import BaseModel
            class Fragile(BaseModel):
                INTERLEAVE = True
                def __init__(self):
                    self.kwargs = {"temperature": 0.0}
                def generate_inner(self, message, dataset=None):
                    import random
                    text = message[-1]["value"]
                    if "POISON" in text:
                        os.kill(os.getpid(), signal.SIGABRT)
                    return f"{random.random() if self.kwargs['temperature'] else ''} Answer: A"
            module.supported_VLM["fragile"] = Fragile
        """,
    )
    rows = [{name: cell for name, cell in row.items() if name != "split"} for row in mcq_rows(LETTERS)]
    rows[1]["question"] += " POISON"
    write_tsv(tmp_path / "Tiny.tsv", rows)
    grader, made, new_process, graded = toolkit.host_process(), [], toolkit.new_process, pipeline.grade
    monkeypatch.setattr(toolkit, "new_process", lambda: made.append(new_process()) or made[-1])

    def grade(*arguments: Any, **options: Any) -> Any:
        assert [process._process for process in made] == [None], "it ended after its stage"
        return graded(*arguments, **options)

    monkeypatch.setattr(pipeline, "grade", grade)
    run("--model", "fragile", "--data", "Tiny", "-n", "1", "--reranker", "oracle", "--judge", "exact_matching",
        "--temperature", "0", "--prompt", "host", "--work-dir", tmp_path / "out")  # fmt: skip
    with Store.open(tmp_path / "out" / STORE_FILE, write=False) as store:
        (sampling,) = store.specs("sampling")
        candidates = store.candidates(sampling.id, [each.id for each in store.problems("Tiny")])
    errors = [each.error for found in candidates.values() for each in found]
    assert sorted(map(str, errors)) == ["None"] * 3 + ["the host's process died over it: signal SIGABRT"]
    assert toolkit.host_process() is grader, "it had a process of its own"


def test_the_main_process_never_has_the_host_nor_its_process_the_store(tmp_path: Path) -> None:
    """Also, the key of a judge is in nobody's environment or command line."""
    code = f"""
        import os, sys
        from pathlib import Path
        from visualprm_eval.cli import main
        from visualprm_eval.host import toolkit
        import visualprm_eval.run.pipeline as pipeline

        def looked_at(*arguments, **options):
            pid = toolkit.host_process()._process.pid
            held = [os.readlink(each) for each in Path(f"/proc/{{pid}}/fd").iterdir()]
            assert not [each for each in held if "store" in each], held
            for name in ("environ", "cmdline"):
                assert b"sk-very-secret" not in Path(f"/proc/{{pid}}/{{name}}").read_bytes(), name
            print("looked at", pid, os.getpgid(pid) == pid)
            return grade(*arguments, **options)

        grade, pipeline.grade = pipeline.grade, looked_at
        few = ["--demo", "--limit", "2", "-n", "1", "--reranker", "random"]
        status = main(["run", *few, "--work-dir", {str(tmp_path)!r}])
        print("status", status, [name for name in sys.modules if name.partition(".")[0] == "vlmeval"])
    """
    environment = {**os.environ, "OPENAI_API_KEY": "sk-very-secret"}
    got = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=DEADLINE_S, check=True,
    )  # fmt: skip
    assert "status 0 []" in got.stdout, got.stdout + got.stderr
    ((pid, leads),) = [line.split()[2:] for line in got.stdout.splitlines() if line.startswith("looked at")]
    assert leads == "True", "it leads a group of its own"
    assert gone(int(pid))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_who_asks_and_takes_along_what_a_grader_started(number: signal.Signals) -> None:
    code = """
        import time
        from visualprm_eval.host import toolkit
        toolkit.host_process().call("names")
        print(toolkit.host_process()._process.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as asking:
        assert asking.stdout is not None
        pid = int(asking.stdout.readline())
        assert not gone(pid, within_s=0)
        asking.send_signal(number)
        asking.wait(60)
    assert gone(pid)


def gone(pid: int, within_s: float = 30) -> bool:
    """Whether a process ends in time."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            if "State:\tZ" in Path(f"/proc/{pid}/status").read_text():
                return True
        except OSError:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)


def test_a_death_is_told_and_the_next_call_starts_a_new_process() -> None:
    process = toolkit.host_process()
    names = process.call("names")
    pid = process._process.pid
    threading.Timer(0.5, lambda: os.kill(pid, signal.SIGKILL)).start()
    with pytest.raises(HostDiedError, match="signal SIGKILL") as raised:
        for _ in range(10_000):
            process.call("names")
    assert raised.value.reason == "signal SIGKILL"
    assert process.call("names") == names
    assert process._process.pid != pid


@pytest.mark.usefixtures("usual_signals")
def test_interrupted_while_a_judge_thinks_its_reply_is_kept(tmp_path: Path, pack: list[str | Path]) -> None:
    """Ctrl-C at a terminal reaches the whole group; the reply on its way is paid for."""
    asked = threading.Event()

    def slow(text: str) -> str:
        if "POISON" not in text:
            return "OK"
        asked.set()
        time.sleep(3)
        return "A"

    judge = JudgeServer()
    judge.reply = slow
    try:
        line = command(*pack[:6], "--judge", "local", "--judge-base-url", judge.url, "--judge-key", "none",
                       "--judge-retry", "1", "--prediction", "raw", "--work-dir", tmp_path / "out")  # fmt: skip
        with subprocess.Popen(line, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert asked.wait(DEADLINE_S)
            os.killpg(process.pid, signal.SIGINT)
            _, told = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGINT, told
        assert "Traceback" not in told
    finally:
        judge.close()
    with sqlite3.connect(tmp_path / "out" / STORE_FILE) as db:
        assert db.execute("SELECT count(*) FROM judge_replies").fetchone() == (1,)


def test_another_python_runs_it(tmp_path: Path, run: Run) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho started >> {tmp_path}/started\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    try:
        run("--demo", "--limit", "2", "-n", "1", "--reranker", "random", "--host-python", python, "--work-dir",
            tmp_path / "out")  # fmt: skip
        assert (tmp_path / "started").read_text() == "started\n"
    finally:
        toolkit.use_host_python(None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("#!/bin/sh\necho no module here >&2; exit 3\n", "ended before it was ready: no module here"),
        ("#!/nowhere/python\n", "cannot be started"),
    ],
)
def test_a_python_that_does_not_serve(tmp_path: Path, content: str, said: str) -> None:
    python = tmp_path / "python"
    python.write_text(content)
    python.chmod(0o755)
    try:
        toolkit.use_host_python(python)
        with pytest.raises(HostError, match=said):
            toolkit.host()
    finally:
        toolkit.use_host_python(None)


def test_a_python_that_is_none_is_told_at_once(run: Run, tmp_path: Path) -> None:
    said = run("--demo", "--host-python", tmp_path / "nowhere", "--work-dir", tmp_path / "out", status=2)
    assert "nowhere is no program; name the python of the environment that has vlmeval" in said
    assert not (tmp_path / "out").exists()
