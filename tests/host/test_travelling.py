"""Prompts that travel to machines without the host are what the host makes."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.material import DATA
from tests.servers import Server
from visualprm_eval.cli import main
from visualprm_eval.core.config import PROMPTS, ComputeOptions, RunConfig, SamplingOptions
from visualprm_eval.core.errors import HostError
from visualprm_eval.host import toolkit
from visualprm_eval.run.export_problems import stored_benchmark
from visualprm_eval.stages.sample.find_policy import find_policy
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.stages.sample.prompts import PromptSource
from visualprm_eval.store import STORE_FILE, Store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def exported(mmstar, tmp_path):
    """Where another machine has the problems, with all three prompts."""
    for prompt in PROMPTS:
        assert main(["export-problems", "--data", "MMStar", "--prompt", prompt, "-o", str(tmp_path / "there")]) == 0
    return (tmp_path / "there").rename(tmp_path / "here")


def config(work_dir, prompt, **options):
    sampling, compute = SamplingOptions(prompt=prompt), ComputeOptions(device="cpu")
    return RunConfig(models=("x",), data=("MMStar",), sampling=sampling, compute=compute, work_dir=work_dir, **options)


def source(work_dir, prompt):
    return PromptSource(prompt, work_dir, ("MMStar",))


def told(parts):
    """Parts with pictures by their content."""
    return [(kind, Path(value).read_bytes() if kind == "image" else value) for kind, value in parts]


def no_host(*_args, **_more):
    raise HostError("there is no host")


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prompts_are_those_of_the_host(exported, monkeypatch, prompt):
    here = config(exported, prompt)
    benchmark = toolkit.load_benchmark("MMStar")
    native, served = (find_policy(name, PolicyOptions.of(here)) for name in (f"mine={DATA / 'a2'}", "mine=hf:x/y"))
    keys = [dict(native.manner()), dict(served.manner())]
    put = [source(exported, prompt).put(benchmark, benchmark.problems, policy) for policy in (native, served)]
    shown = native._shown(put[0])
    monkeypatch.setattr(toolkit, "host_process", no_host)
    with Store.open(exported / STORE_FILE, write=False) as store:
        stored = stored_benchmark(store, "MMStar", here)
    assert [dict(native.manner()), dict(served.manner())] == keys
    for policy, expected in zip((native, served), put, strict=True):
        found = source(exported, prompt).put(stored, stored.problems, policy)
        assert [one.id for one in found] == [one.id for one in expected]
        if policy is served:
            pairs = zip(found, expected, strict=True)
            assert all(told((p.kind, p.value) for p in a.parts) == told((p.kind, p.value) for p in b.parts)
                       for a, b in pairs)  # fmt: skip
    there = native._shown(stored.problems)
    assert list(there) == list(shown)
    pictures = 0
    for key, turn in shown.items():
        for one, other in zip(there[key], turn, strict=True):
            if isinstance(other, str):
                assert one == other
                continue
            pictures += 1
            assert Path(one.source).is_relative_to(exported)
            assert Path(one.source).read_bytes() == Path(other.source).read_bytes()
            assert (one.max_tiles, one.upscale) == (other.max_tiles, other.upscale)
    assert pictures >= len(shown)


def test_prompts_that_are_not_there_are_explained(exported, monkeypatch, tmp_path):
    monkeypatch.setattr(toolkit, "host_process", no_host)
    with pytest.raises(HostError, match=r"no prompts of MMStar .*export-problems --data MMStar --prompt direct -o"):
        source(tmp_path, "direct").wording()
    with Store.open(exported / STORE_FILE, write=False) as store:
        stored = stored_benchmark(store, "MMStar", config(exported, "cot"))
    with sqlite3.connect(exported / STORE_FILE) as db:
        db.execute("DELETE FROM prompts WHERE problem_id = ? AND prompt = 'cot'", (stored.problems[0].id,))
    with pytest.raises(HostError, match=f"row {stored.problems[0].index} has no prompt"):
        source(exported, "cot").put(stored, stored.problems, None)


def test_a_second_export_adds(mmstar, tmp_path):
    for limit in ("1", "2", "1"):
        assert main(["export-problems", "--data", "MMStar", "--limit", limit, "-o", str(tmp_path)]) == 0
    with Store.open(tmp_path / STORE_FILE, write=False) as store:
        stored = stored_benchmark(store, "MMStar", config(tmp_path, "cot"))
    assert len(source(tmp_path, "cot").put(stored, stored.problems, None)) == 2


def stored_texts(work_dir):
    with Store.open(work_dir / STORE_FILE, write=False) as store:
        ids = [problem.id for problem in store.problems("MMStar")]
        return {spec.id: [one.text for found in store.candidates(spec.id, ids).values() for one in found]
                for spec in store.specs("sampling")}  # fmt: skip


def test_samples_are_the_same_without_the_host(exported, mmstar, tmp_path):
    """A native policy and an endpoint, each in one process that has no host."""
    common = ["--data", "MMStar", "--limit", "2", "-n", "2", "--max-tokens", "6", "--stages", "sample"]
    native = ["--model", f"mine={DATA / 'a2'}", "--device", "cpu", *common]
    with Server() as server:
        served = ["--model", "served", "--base-url", server.url, *common]
        for arguments, blocked in ((native, "vlmeval"), (served, "vlmeval,torch,transformers")):
            command = [sys.executable, "-m", "tests.blocked", blocked, "run", *arguments, "--work-dir", str(exported)]
            done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
            assert done.returncode == 0, done.stdout + done.stderr
            assert main(["run", *arguments, "--work-dir", str(tmp_path / "with")]) == 0
        asked = [(seen.text, seen.body["messages"]) for seen in server.requests]
    assert len(asked) == 4
    assert sorted(text for text, _ in asked[:2]) == sorted(text for text, _ in asked[2:])
    found = stored_texts(exported)
    assert found == stored_texts(tmp_path / "with")
    assert [len(set(texts)) for texts in found.values()] == [4, 4]
    # A report needs neither the host nor its prompts to know whose samples these are.
    (tmp_path / "only").mkdir()
    shutil.copy(exported / STORE_FILE, tmp_path / "only")
    command = [
        sys.executable,
        "-m",
        "tests.blocked",
        "vlmeval,torch,transformers",
        "run",
        *native,
        "--reranker",
        "first",
    ]
    command += ["--stages", "report", "--work-dir", str(tmp_path / "only")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "incomplete: 2 of 2 problems lack" in done.stdout + done.stderr, "nobody graded them"
