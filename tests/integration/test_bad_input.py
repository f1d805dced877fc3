"""What is wrong is said in one message that names it, and nothing is made before."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from tests.golden.material import copy_checkpoint
from tests.host.material import mcq_rows, write_tsv
from tests.integration.conftest import Run, read_rows
from visualprm_eval.store import STORE_FILE, Store

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
    assert output.splitlines()[-1].startswith("error: ")


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


def cut_off(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def without_image_token(folder: Path) -> None:
    for name in ("tokenizer_config.json", "added_tokens.json"):
        content = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(content.replace("<IMG_CONTEXT>", "<OTHER>"), encoding="utf-8")


def of_another_kind(folder: Path) -> None:
    config = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(config.replace("InternLM2ForCausalLM", "PhiForCausalLM"), encoding="utf-8")


@pytest.mark.parametrize("option", ["--prm", "--model"])
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_off, r"model\.safetensors is truncated"),
        (without_image_token, r"the tokenizer lacks <IMG_CONTEXT>"),
        (of_another_kind, r"config\.json: unknown language model .*PhiForCausalLM"),
        (lambda folder: (folder / "config.json").unlink(), r"no config\.json"),
        (lambda folder: (folder / "model.safetensors").unlink(), r"no safetensors file"),
    ],
)
def test_a_damaged_checkpoint_is_told_before_anything_is_sampled(
    run: Run, tmp_path: Path, option: str, damage: Callable[[Path], None], message: str
) -> None:
    folder = copy_checkpoint("a1", tmp_path / "damaged")
    damage(folder)
    given = {"--model": "demo-policy", "--prm": "demo-prm"} | {option: str(folder)}
    arguments = [part for pair in given.items() for part in pair]
    output = run(*arguments, "--data", "DemoWorld", "--limit", "1", "--work-dir", tmp_path / "out", status=2)
    assert re.search(message, output), output
    assert "sample" not in output


def test_weights_that_are_no_numbers_are_told(run: Run, tmp_path: Path) -> None:
    folder = copy_checkpoint("a1", tmp_path / "damaged")
    tensors = load_file(folder / "model.safetensors")
    tensors["mlp1.1.weight"][0, 0] = math.nan
    save_file(tensors, folder / "model.safetensors")
    output = run("--model", "demo-policy", "--data", "DemoWorld", "--prm", folder, "--limit", "1", "-n", "1",
                 "--max-tokens", "4", "--work-dir", tmp_path / "out", status=2)  # fmt: skip
    assert "tensor mlp1.1.weight holds NaN" in output


def test_responses_that_cannot_be_used_are_counted_and_the_run_goes_on(
    run: Run, data_folder: Path, tmp_path: Path
) -> None:
    write_tsv(data_folder / "Mine.tsv", [{k: v for k, v in row.items() if k != "split"} for row in mcq_rows()])
    texts = ["The answer is A.", "\n \n", "so " * 20_000, "First.\n\nThe answer is B."]
    records = [
        {"benchmark": "Mine", "index": index, "rank": rank, "text": text, "policy": "P"}
        for index in range(4)
        for rank, text in enumerate(texts)
    ]
    pack = tmp_path / "pack.jsonl"
    pack.write_text("".join(json.dumps(record) + "\n" for record in records))
    output = run("--candidates", pack, "--data", "Mine", "--prm", "demo-prm", "--work-dir", tmp_path / "out")
    told = " ".join(output.split())
    assert "withheld without its critic: 4 of 16 texts failed to be scored by visualprm" in told
    assert "4 of 16 candidates are empty replies" in told
    assert "4 failures (4 in score)" in told
    with Store.open(tmp_path / "out" / STORE_FILE, write=False) as store:
        (sampling,) = store.specs("sampling")
        (scoring,) = store.specs("scoring")
        ids = [problem.id for problem in store.problems("Mine")]
        errors = {one.error for found in store.candidates(sampling.id, ids).values() for one in found} - {None}
        errors |= {one.error for one in store.scores(scoring.id, ids).values()} - {None}
    (error,) = errors
    assert "the model's context" in error
    rows = read_rows(tmp_path / "out")
    assert {row["n_failed"] for row in rows} == {"0"}
    assert {row["reranker"]: bool(row["value"]) for row in rows} == {"first": True, "visualprm": False}


def test_a_broken_picture_is_a_counted_failure(run: Run, data_folder: Path, tmp_path: Path) -> None:
    rows = mcq_rows()
    for row in rows:
        del row["split"]
    rows[1]["image"] = "not base64 at all, but long enough to be taken for a picture by the host: " + "x" * 80
    write_tsv(data_folder / "Mine.tsv", rows)
    output = run("--model", "demo-policy", "--prm", "demo-prm", "--data", "Mine", "-n", "1", "--max-tokens", "8",
                 "--work-dir", tmp_path / "out")  # fmt: skip
    assert "withheld: 1 of 4 problems failed" in output
