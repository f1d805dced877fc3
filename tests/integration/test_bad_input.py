"""What is wrong is said in one message that names it, and nothing is made before."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.host.material import mcq_rows, write_tsv
from tests.integration.conftest import Run

DEMO = ("--demo", "--limit", "2", "-n", "2")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--demo", "-n", "0"], r"-n/--num-samples 0: expected a whole number of at least 1"),
        (["--demo", "--temperature", "-1"], r"--temperature -1.0: expected 0 \(greedy\) or more"),
        (["--demo", "--k", "9"], r"--k 9: expected 1 to 8"),
        (["--demo", "--mode", "eval", "--stages", "grade"], r"--mode conflicts with --stages"),
        (["--demo", "--reranker", "orcale"], r"unknown reranker 'orcale'; did you mean 'oracle'"),
        (["--demo", "--reranker", "visualprm:median"], r"unknown aggregate 'median'"),
        (["--model", "demo-polcy", "--data", "DemoWorld"], r"unknown model 'demo-polcy'; did you mean 'demo-policy'"),
        (["--model", "./nowhere", "--data", "DemoWorld"], r"no directory nowhere"),
        (["--model", "demo-policy", "--data", "DemoWrold"], r"unknown benchmark 'DemoWrold'; did you mean 'DemoWorld'"),
        (["--model", "demo-policy", "--data", "DemoWorld", "--prm", "./nowhere"], r"no directory nowhere"),
        (["--model", "demo-policy", "--data", "DemoWorld", "--prm", "./nowhere", "--stages", "report"], r"nowhere"),
        (["--model", "demo-policy", "x/demo-policy", "--data", "DemoWorld"], r"two --model are called demo-policy"),
        (["--demo", "--device", "cuda:99"], r"cuda:99"),
        (["--demo", "--temperature", "0"], r"--temperature 0 conflicts with -n/--num-samples 8"),
        (["--demo", "--judge-base-url", "http://127.0.0.1:9/v1"], r"DemoWorld is graded without a judge .* --judge,"),
        (["--candidates", "pack.jsonl", "--data", "DemoWorld", "--mode", "infer"], r"--candidates conflicts with samp"),
        (["--model", "demo-policy", "--data", "DemoWorld", "--prm", "A=a", "--reranker", "oracle"],
         r"--prm A is read by none of the rerankers, which are first, oracle"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_explained(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    output = run(*arguments, "--work-dir", tmp_path / "out", status=2)
    assert re.search(message, output), output
    assert output.startswith("error: ")


def test_an_unwritable_work_dir_is_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    output = run(*DEMO, "--work-dir", file / "out", status=2)
    assert str(file) in output


def test_a_damaged_store_is_named_and_left_alone(run: Run, tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    store.write_bytes(b"this is not a database" * 100)
    output = run(*DEMO, "--work-dir", tmp_path, status=2)
    assert str(store) in output
    assert store.read_bytes() == b"this is not a database" * 100


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "LMUData"
    folder.mkdir()
    monkeypatch.setenv("LMUData", str(folder))
    return folder


def test_a_missing_benchmark_file_is_named_with_its_source(run: Run, data_folder: Path, tmp_path: Path) -> None:
    output = run("--model", "demo-policy", "--prm", "demo-prm", "--data", "MMStar", "--work-dir", tmp_path / "out",
                 status=2)  # fmt: skip
    assert "MMStar.tsv" in output
    assert str(data_folder) in output
    assert "http" in output, "where it comes from"


def test_missing_columns_are_named(run: Run, data_folder: Path, tmp_path: Path) -> None:
    rows = [{key: value for key, value in row.items() if key != "question"} for row in mcq_rows()]
    write_tsv(data_folder / "Mine.tsv", rows)
    output = run("--model", "demo-policy", "--prm", "demo-prm", "--data", "Mine", "--work-dir", tmp_path / "out",
                 status=2)  # fmt: skip
    assert "Mine.tsv lacks the column" in output
    assert "question" in output


def test_a_broken_picture_is_a_counted_failure(run: Run, data_folder: Path, tmp_path: Path) -> None:
    rows = mcq_rows()
    for row in rows:
        del row["split"]
    rows[1]["image"] = "not base64 at all, but long enough to be taken for a picture by the host: " + "x" * 80
    write_tsv(data_folder / "Mine.tsv", rows)
    output = run("--model", "demo-policy", "--prm", "demo-prm", "--data", "Mine", "-n", "1", "--max-tokens", "8",
                 "--work-dir", tmp_path / "out")  # fmt: skip
    assert "withheld: 1 of 4 problems failed" in output
