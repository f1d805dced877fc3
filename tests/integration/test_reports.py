"""A report from the store alone shows what the run showed: values, metrics, notes and protocols."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.material import mcq_rows, picture, write_tsv
from tests.integration.conftest import Rows, Run, read_rows, value
from visualprm_eval.cli import main
from visualprm_eval.core.folders import use_data_dir
from visualprm_eval.store import Store

NAME = "MyOwnTable"
RERANKERS = ["--reranker", "self-consistency", "random", "oracle"]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    use_data_dir(None)


def table(folder: Path, answers: str) -> Path:
    """A user's own multiple-choice table, in a folder of its own."""
    folder.mkdir()
    write_tsv(folder / f"{NAME}.tsv", [{**row, "split": "test"} for row in mcq_rows(answers)])
    return folder


def pack(path: Path, letters: list[str], count: int = 6) -> Path:
    records = [
        {"benchmark": NAME, "index": str(index), "rank": rank, "policy": "somebody",
         "text": f"Thought {rank}.\n\nThe answer is {letter}"}
        for index in range(count) for rank, letter in enumerate(letters)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def reported(work_dir: Path, *options: str) -> Rows:
    assert main(["report", "--work-dir", str(work_dir), *options]) == 0
    return read_rows(work_dir)


@pytest.fixture
def judged(tmp_path: Path) -> list[str | Path]:
    """A pack of eight candidates of each of six problems, of which every second one is right."""
    return ["--candidates", pack(tmp_path / "pack.jsonl", ["A", "B"] * 4), "--data", NAME, "--data-dir",
            table(tmp_path / "data", "AAAAAA"), "--judge", "exact_matching", *RERANKERS]  # fmt: skip


def test_a_report_of_a_users_own_table_is_the_runs(run: Run, judged: list[str | Path], tmp_path: Path) -> None:
    run(*judged, "--work-dir", tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert {row["metric"] for row in rows} == {"accuracy, exact matching"}
    assert value(rows, "oracle", 8, NAME) == 100
    assert reported(tmp_path / "out") == rows


def test_a_report_is_of_the_part_that_the_last_run_had(run: Run, judged: list[str | Path], tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    run(*judged, "-n", "4", "--limit", "4", "--k", "1", "3", "--work-dir", work_dir)
    rows = read_rows(work_dir)
    assert {row["k"] for row in rows} == {"1", "3"}
    assert {(row["n_problems"], row["n_total"]) for row in rows} == {("4", "6")}
    assert "" not in {row["value"] for row in rows}
    assert reported(work_dir) == rows
    assert {row["n_problems"] for row in reported(work_dir, "--limit", "2")} == {"2"}
    assert {row["k"] for row in reported(work_dir, "--k", "2")} == {"2"}
    wider = reported(work_dir, "--k", "4", "8")
    assert "" not in {row["value"] for row in wider if row["k"] == "4"}
    assert {row["value"] for row in wider if row["k"] == "8"} == {""}, "nobody graded those"
    run(*judged, "--work-dir", work_dir)
    rows = read_rows(work_dir)
    assert ("", "8", "6") not in {(row["value"], row["k"], row["n_problems"]) for row in rows}
    assert reported(work_dir) == rows
    assert {row["n_problems"] for row in reported(work_dir, "--limit", "5")} == {"5"}


def test_a_table_of_other_answers_is_another_table(run: Run, tmp_path: Path) -> None:
    """All answers are A, then all are B, then A again: the pack that says A is right, wrong and right."""
    a, b = table(tmp_path / "a", "AAAA"), table(tmp_path / "b", "BBBB")
    work_dir = tmp_path / "out"
    given = ["--candidates", pack(tmp_path / "pack.jsonl", ["A", "A"], 4), "--data", NAME, "--judge", "exact_matching",
             "--work-dir", work_dir, *RERANKERS]  # fmt: skip
    for folder, right in ((a, 100), (b, 0), (a, 100)):
        output = run(*given, "--data-dir", folder)
        rows = read_rows(work_dir)
        assert value(rows, "first", 2, NAME) == value(rows, "oracle", 2, NAME) == right
        assert "the host's figure of" not in output, "the metric is a mean over the rows"
        assert {row["metric"] for row in rows} == {"accuracy, exact matching"}
        assert reported(work_dir) == rows
        with Store.open(work_dir / "store.sqlite", write=False) as store:
            assert {problem.answer for problem in store.current_problems(NAME)} == {"A" if right else "B"}


def test_each_policy_has_the_file_that_it_was_run_on(run: Run, tmp_path: Path) -> None:
    folders = {"first": table(tmp_path / "a", "AAAA"), "second": table(tmp_path / "b", "BBBB")}
    work_dir = tmp_path / "out"
    found: Rows = []
    for policy, folder in folders.items():
        file = pack(tmp_path / f"{policy}.jsonl", ["A", "A"], 4)
        file.write_text(file.read_text().replace("somebody", policy))
        run("--candidates", file, "--data", NAME, "--judge", "exact_matching", "--work-dir", work_dir, *RERANKERS,
            "--data-dir", folder)  # fmt: skip
        found += read_rows(work_dir)
    rows = reported(work_dir)
    assert [row for row in rows if row["benchmark"] == NAME] == found
    assert value([row for row in rows if row["policy"] == "first"], "first", 2, NAME) == 100
    assert value([row for row in rows if row["policy"] == "second"], "first", 2, NAME) == 0
    packed = tmp_path / "again.jsonl"
    assert main(["export-candidates", "--work-dir", str(work_dir), "-o", str(packed)]) == 0
    assert len(packed.read_text().splitlines()) == 16, "the candidates of both files go out"


def test_a_benchmark_without_a_task_is_called_the_same(run: Run, tmp_path: Path) -> None:
    """The host grades one such with a judge by default, which is known where the host is."""
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [{"index": index, "image": picture((9 * index, 9, 9)), "question": "Is it red?", "answer": "Yes",
             "category": "existence"} for index in range(4)]  # fmt: skip
    write_tsv(folder / "POPE.tsv", rows)
    records = [{"benchmark": "POPE", "index": str(index), "rank": rank, "policy": "P", "text": f"The answer is {word}"}
               for index in range(4) for rank, word in enumerate(("Yes", "No"))]  # fmt: skip
    file = tmp_path / "pack.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    run("--candidates", file, "--data", "POPE", "--data-dir", folder, "--judge", "exact_matching", *RERANKERS,
        "--work-dir", tmp_path / "out")  # fmt: skip
    found = read_rows(tmp_path / "out")
    assert reported(tmp_path / "out") == found


@pytest.fixture(scope="module")
def reward_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two reward models in folders that are called alike, as training leaves them."""
    import shutil

    import torch
    from safetensors.torch import load_file, save_file

    from visualprm_eval.tasks.demo_world.assets import demo_path

    folders = [tmp_path_factory.mktemp(step) / "hf" for step in ("step1000", "step2000")]
    for folder in folders:
        shutil.copytree(demo_path("prm"), folder)
    weights = folders[1] / "model.safetensors"
    generator = torch.Generator().manual_seed(0)
    noisy = {
        name: (value + 0.5 * torch.randn(value.shape, generator=generator)).to(value.dtype)
        for name, value in load_file(weights).items()
    }
    save_file(noisy, weights, metadata={"format": "pt"})
    return folders[0], folders[1]


@pytest.fixture
def demo(tmp_path: Path) -> list[str | Path]:
    return ["--model", "demo-policy", "--data", "DemoWorld", "--max-tokens", "128", "--limit", "24", "-n", "4",
            "--work-dir", tmp_path / "out"]  # fmt: skip


def shown(rows: Rows) -> dict[str, str]:
    return {row["reranker"]: row["value"] for row in rows if row["k"] == "4"}


def test_reward_models_keep_the_names_that_they_were_given(
    run: Run,
    demo: list[str | Path],
    reward_models: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = reward_models
    work_dir = tmp_path / "out"
    both = ["--reranker", "visualprm", "visualorm", "weighted-vote", "oracle"]
    run(*demo, "--prm", f"step1000={first}", f"step2000={second}", *both)
    rows = read_rows(work_dir)
    told = shown(rows)
    assert {f"{name}@{step}" for name in ("visualprm", "visualorm", "weighted-vote") for step in
            ("step1000", "step2000")} == {name for name in told if "@" in name}  # fmt: skip
    assert told["visualprm@step1000"] != told["visualprm@step2000"], "they are two models"
    assert reported(work_dir) == rows
    assert reported(work_dir, "--reranker", "visualprm@step2000", "visualprm@step1000") != []

    # A later name is the one that is shown; the former ones are understood, and nothing is scored again.
    output = run(*demo, "--prm", f"final={second}", "--reranker", "visualprm")
    assert "score demo-policy" not in output
    rows = read_rows(work_dir)
    assert shown(rows)["visualprm"] == told["visualprm@step2000"]
    assert reported(work_dir) == rows
    for asked in (["visualprm@final", "visualprm@step1000"], ["visualprm@step2000", "visualprm@step1000"]):
        found = shown(reported(work_dir, "--reranker", *asked))
        assert (found["visualprm@final"], found["visualprm@step1000"]) == (
            told["visualprm@step2000"], told["visualprm@step1000"],
        )  # fmt: skip
        capsys.readouterr()
        assert main(["compare", *asked, "--work-dir", str(work_dir)]) == 0
        assert "visualprm@final" in capsys.readouterr().out
    assert main(["compare", "visualprm", "visualprm@step1000", "--work-dir", str(work_dir)]) == 0
    assert main(["compare", "visualprm@final", "visualprm@step2000", "--work-dir", str(work_dir)]) == 2
    assert "one reranker" in capsys.readouterr().err

    # Later runs know the names alone.
    run(*demo, "--prm", "step1000", "--reranker", "visualprm")
    assert shown(read_rows(work_dir))["visualprm"] == told["visualprm@step1000"]
    # The other model gets the name of the first: it is who has it, and the first is told apart by its key.
    run(*demo, "--prm", f"step1000={second}", "--reranker", "visualprm")
    found = shown(reported(work_dir, "--reranker", "visualprm@step1000", "visualprm@final", "visualorm"))
    assert found["visualprm@step1000"] == told["visualprm@step2000"]
    found = shown(reported(work_dir, "--reranker", "visualprm:min", "random"))
    apart = {name for name in found if name.startswith("visualprm:min@step1000")}
    assert len(apart) == 2 and len({found[name] for name in apart}) == 2


def test_policies_keep_the_names_that_they_were_given(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are in folders of one name, and so are their later versions."""
    import shutil

    from visualprm_eval.tasks.demo_world.assets import demo_path

    folders = [tmp_path / step / "hf" for step in ("step1000", "step2000")]
    for number, folder in enumerate(folders):
        shutil.copytree(demo_path("policy"), folder)
        if number:
            settings = json.loads((folder / "config.json").read_text())
            (folder / "config.json").write_text(json.dumps({**settings, "remark": "another one"}))
    work_dir = tmp_path / "out"
    given = ["--data", "DemoWorld", "--max-tokens", "128", "--limit", "4", "-n", "2", "--reranker", "oracle",
             "--work-dir", work_dir]  # fmt: skip
    run(*given, "--model", *(f"step{1 + number}000={folder}" for number, folder in enumerate(folders)))
    rows = read_rows(work_dir)
    assert {row["policy"] for row in rows} == {"step1000", "step2000"}
    assert reported(work_dir) == rows
    assert {row["policy"] for row in reported(work_dir, "--model", "step2000")} == {"step2000"}
    run(*given, "--model", "step2000")
    assert reported(work_dir, "--model", "step2000") == read_rows(work_dir), "a later run knows the name alone"
    for folder in folders:  # Without names both are called hf: who had it last is shown so.
        run(*given, "--model", folder)
    last = read_rows(work_dir)
    told = {row["policy"] for row in reported(work_dir)}
    assert {"step1000", "step2000", "hf"} < told and len(told) == 4
    assert [row for row in reported(work_dir) if row["policy"] == "hf"] == last
    capsys.readouterr()
    (apart,) = told - {"step1000", "step2000", "hf"}
    assert {row["policy"] for row in reported(work_dir, "--model", apart)} == {apart}
    assert main(["export-candidates", "--model", "step2000", "--work-dir", str(work_dir), "-o",
                 str(tmp_path / "pack.jsonl")]) == 0  # fmt: skip
    assert len((tmp_path / "pack.jsonl").read_text().splitlines()) == 8
