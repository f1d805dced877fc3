"""Where the host, torch and transformers are not: whatever needs none of them works all the same."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from visualprm_eval.core.config import JudgeOptions, RunConfig, SamplingOptions
from visualprm_eval.core.errors import BenchmarkError, ConfigError, HostError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, Verdict
from visualprm_eval.run.export_problems import load_benchmarks, stored_benchmark, stored_grading
from visualprm_eval.run.stored_policies import of_this_policy, stored_sampling
from visualprm_eval.store import Store
from visualprm_eval.store.packs import export_candidates
from visualprm_eval.store.scopes import Scope, put_scope

ROOT = Path(__file__).resolve().parents[3]
MANNER = {"temperature": 0.7, "top_p": 1.0, "max_tokens": 4096, "prompt": "host", "seed": 0}
SAMPLING = Spec("sampling", {"policy": "P", "engine": "fake", **MANNER})
GRADING = Spec("grading", {"benchmark": "B", "prediction": "final", "host": "0.0.20", "judge": "exact_matching"})


def blocked(*arguments: str | Path, status: int = 0, modules: str = "torch,transformers,vlmeval") -> str:
    """A command line in a process without those modules."""
    command = [sys.executable, "-m", "tests.blocked", modules, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120)
    output = done.stdout + done.stderr
    assert done.returncode == status, output
    assert "Traceback" not in output, output
    return output


def problem(index: int, picture: str = "pictures/a.png", version: str = "") -> Problem:
    parts = (Part("image", picture), Part("text", "How many?"))
    return Problem("B", str(index), "", parts, "3", f"p{index}{version}")


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    """What `export-problems` leaves: problems in a store, pictures beside it."""
    folder = tmp_path / "work"
    (folder / "pictures").mkdir(parents=True)
    (folder / "pictures" / "a.png").write_bytes(b"picture")
    with Store.open(folder / "store.sqlite") as store:
        store.put_problems([problem(index) for index in range(3)])
    return folder


def texts(work_dir: Path) -> list[str]:
    with Store.open(work_dir / "store.sqlite", write=False) as store:
        found = [store.candidates(spec.id, [f"p{i}" for i in range(3)]) for spec in store.specs("sampling")]
    return [one.text for each in found for candidates in each.values() for one in candidates]


def sampled_and_graded(work_dir: Path) -> None:
    with Store.open(work_dir / "store.sqlite") as store:
        store.put_spec(SAMPLING)
        store.put_spec(GRADING)
        candidates = [Candidate(f"p{i}", rank, f"{i} {rank}") for i in range(3) for rank in range(2)]
        store.put_candidates(SAMPLING.id, candidates)
        # At rank 0 one of three is right, at rank 1 two.
        right = {("p0", 0), ("p1", 1), ("p2", 1)}
        store.put_verdicts(
            GRADING.id,
            [(one.problem_id, one.text_id, Verdict(float((one.problem_id, one.rank) in right))) for one in candidates],
        )


def values(work_dir: Path) -> dict[tuple[str, str], str]:
    with (work_dir / "results.csv").open(encoding="utf-8", newline="") as file:
        return {(row["reranker"], row["k"]): row["value"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("command", ["run", "merge", "export-candidates", "export-problems"])
def test_help_needs_nothing(command: str) -> None:
    assert "usage:" in blocked(command, "--help")


def test_samples_of_a_policy_that_needs_nothing(work_dir: Path, tmp_path: Path) -> None:
    moved = work_dir.rename(tmp_path / "moved")  # pictures travel with the folder
    arguments = ("--fake-policy", "run", "--model", "P", "--data", "B", "--stages", "sample", "--work-dir", moved)
    output = blocked(*arguments, "-n", "2", status=2)
    assert "There are no prompts of B" in output and "export-problems --data B --prompt cot -o FOLDER" in output
    output = blocked(*arguments, "-n", "2", "--prompt", "host")
    assert "The problems are those of the store" in output
    expected = [f"text {rank} of {index}, 1 pictures" for index in range(3) for rank in range(2)]
    assert texts(moved) == expected
    blocked(*arguments, "-n", "3", "--limit", "2", "--prompt", "host")
    assert len(texts(moved)) == 8, "two more, for the first two problems"
    blocked("merge", moved, "-o", tmp_path / "out")
    assert sorted(texts(tmp_path / "out")) == sorted(texts(moved))


def test_candidates_go_out_and_in(work_dir: Path, tmp_path: Path) -> None:
    sampled_and_graded(work_dir)
    blocked("export-candidates", "--work-dir", work_dir, "-o", tmp_path / "pack.jsonl")
    other = tmp_path / "other"
    with Store.open(other / "store.sqlite") as store:
        store.put_problems([problem(index) for index in range(3)])
    output = blocked("run", "--candidates", tmp_path / "pack.jsonl", "--data", "B", "--reranker", "first",
                     "--stages", "report", "--work-dir", other)  # fmt: skip
    assert sorted(texts(other)) == sorted(texts(work_dir))
    assert "incomplete: 3 of 3" in output, "nobody graded them there"


def test_a_report_of_what_was_graded_elsewhere(work_dir: Path) -> None:
    sampled_and_graded(work_dir)
    blocked("run", "--model", "P", "--data", "B", "-n", "2", "--reranker", "oracle", "random", "--stages", "report",
            "--prompt", "host", "--work-dir", work_dir)  # fmt: skip
    assert {key: round(float(value)) for key, value in values(work_dir).items()} == {
        ("first", "1"): 33, ("first", "2"): 33, ("oracle", "1"): 33, ("oracle", "2"): 100,
        ("random", "1"): 33, ("random", "2"): 50,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stages", "sample", "grade"], "Only grading needs it"),
        (["--stages", "sample"], "VLMEvalKit is not installed here"),
        (
            ["--stages", "report", "--temperature", "1", "--reranker", "first"],
            "has no samples of P with {'temperature': 1.0",
        ),
    ],
)
def test_what_cannot_be_done_is_explained(work_dir: Path, arguments: list[str], message: str) -> None:
    output = blocked("run", "--model", "P", "--data", "B", "--work-dir", work_dir, *arguments, status=2)
    assert message in output


def test_a_benchmark_that_is_not_there_is_explained(work_dir: Path) -> None:
    with Store.open(work_dir / "store.sqlite") as store:
        with pytest.raises(BenchmarkError, match="export-problems --data Other -o FOLDER"):
            stored_benchmark(store, "Other", config(work_dir))
        assert len(stored_benchmark(store, "B", config(work_dir, limit=2)).problems) == 2


def test_missing_pictures_are_told_before_they_cost_anything(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_host(*_: object, **__: object) -> None:
        raise HostError("there is no host")

    monkeypatch.setattr("visualprm_eval.host.toolkit.load_benchmarks", no_host)
    with Store.open(work_dir / "store.sqlite") as store:
        store.put_problems([problem(8, "/elsewhere/broken.png")])  # nobody had it: it is a failure there as well
        assert len(load_benchmarks(config(work_dir), store)[0].problems) == 4
        store.put_problems([problem(9, "pictures/lost.png")])
        with pytest.raises(BenchmarkError, match=r"2 of 5 pictures of B are not here, such as pictures/lost.png"):
            load_benchmarks(config(work_dir), store)
        assert len(load_benchmarks(config(work_dir, stages=("report",)), store)[0].problems) == 5


def test_the_last_version_of_a_problem_counts(work_dir: Path) -> None:
    with Store.open(work_dir / "store.sqlite") as store:
        store.put_problems([problem(1, version="new")])
        problems = stored_benchmark(store, "B", config(work_dir)).problems
    assert [one.id for one in problems] == ["p0", "p1new", "p2"]
    assert problems[0].images == (str(work_dir / "pictures" / "a.png"),)


def test_which_grading_counts(work_dir: Path) -> None:
    with Store.open(work_dir / "store.sqlite") as store:
        for host in ("0.0.19", "0.0.20"):
            store.put_spec(Spec("grading", {**GRADING.settings, "host": host}))
        benchmark = stored_benchmark(store, "B", config(work_dir))
        assert (benchmark.task.prediction, benchmark.task.needs_judge) == ("final", False)
        assert stored_grading(store, benchmark, JudgeOptions()).settings["host"] == "0.0.20"
        store.put_spec(Spec("grading", {**GRADING.settings, "judge": "gpt"}))
        with pytest.raises(ConfigError, match="B was graded by exact_matching, gpt; choose with --judge"):
            stored_grading(store, benchmark, JudgeOptions())
        assert stored_grading(store, benchmark, JudgeOptions("gpt")).settings["judge"] == "gpt"
        for spec in (*store.specs("grading"), store.specs("grading")[0]):  # What the last run had is the last one.
            put_scope(store, SAMPLING, "B", Scope("P", False, [], 2, (1, 2), "auto", spec.settings, {}))
            assert stored_grading(store, benchmark, JudgeOptions()) == spec


def test_which_sampling_counts(work_dir: Path) -> None:
    with Store.open(work_dir / "store.sqlite") as store:
        store.put_spec(SAMPLING)
        store.put_spec(Spec("sampling", {**SAMPLING.settings, "seed": 1}))
        assert stored_sampling(store, "P", config(work_dir).sampling) == SAMPLING
        store.put_spec(Spec("sampling", {**SAMPLING.settings, "engine": "other"}))
        with pytest.raises(ConfigError, match="has several samplings of P"):
            stored_sampling(store, "P", config(work_dir).sampling)
        with pytest.raises(ConfigError, match="has no samples of Q"):
            stored_sampling(store, "Q", config(work_dir).sampling)


def test_samples_of_another_host_version_are_found(work_dir: Path) -> None:
    there, here = (Spec("sampling", {"policy": "P", **MANNER, "host_model": version}) for version in ("old", "new"))
    with Store.open(work_dir / "store.sqlite") as store:
        assert of_this_policy(here, store) == here
        store.put_spec(there)
        assert of_this_policy(here, store) == there
        assert of_this_policy(Spec("sampling", {**here.settings, "seed": 1}), store).settings["seed"] == 1
        store.put_spec(here)
        assert of_this_policy(here, store) == here
        worded, reworded = (Spec("sampling", {"policy": "Q", **MANNER, "wording": wording}) for wording in "ab")
        store.put_spec(worded)
        assert of_this_policy(reworded, store) == worded
        assert of_this_policy(Spec("sampling", {"policy": "Q", **MANNER}), store).settings.get("wording") is None


def config(work_dir: Path, **changes) -> RunConfig:
    given = {"models": ("P",), "data": ("B",), "work_dir": work_dir, "stages": ("sample",)}
    given["sampling"] = SamplingOptions(prompt="host")
    return RunConfig(**{**given, **changes})


def test_export_needs_only_the_store(work_dir: Path, tmp_path: Path) -> None:
    sampled_and_graded(work_dir)
    with Store.open(work_dir / "store.sqlite", write=False) as store:
        assert export_candidates(store, tmp_path / "pack.jsonl").counts[0].n_candidates == 6
