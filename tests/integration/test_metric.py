"""Which figure of the host's result is the value: the one that is known, or the one that --metric names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.material import picture, write_tsv
from tests.integration.conftest import Run, read_rows, value
from tests.integration.test_whole_tables import data, own_folders, write_pack

__all__ = ["data", "own_folders"]  # Fixtures.


@pytest.fixture
def mme(data: Path, tmp_path: Path) -> list[str | Path]:
    """Two questions to each of two pictures; the second candidates are all right, one of the first ones is not."""
    answers = ["Yes", "No", "Yes", "No"]
    rows = [{"index": index, "image": picture((9 * index, 9, 9)), "question": "Is it?", "answer": answer,
             "category": ("OCR", "code_reasoning")[index // 2], "image_path": f"{index // 2}.png"}
            for index, answer in enumerate(answers)]  # fmt: skip
    write_tsv(data / "MME.tsv", rows)
    texts = {index: [f"The answer is {answer}"] * 2 for index, answer in enumerate(answers)}
    texts[3] = ["The answer is Yes", "The answer is No"]
    pack = write_pack(tmp_path / "mme.jsonl", "MME", texts)
    return ["--candidates", pack, "--data", "MME", "-n", "2", "--data-dir", data, "--reranker", "first",
            "--judge", "exact_matching"]  # fmt: skip


def test_the_sum_of_mme_and_a_part_of_it(run: Run, mme: list[str | Path], tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    assert "MME: its metric is no mean over the rows" in run(*mme, "--work-dir", work_dir)
    rows = read_rows(work_dir)
    assert value(rows, "first", 2, "MME") == 200 + 50, "half of the reasoning, and no pair of it"
    assert {row["metric"] for row in rows} == {"the host's perception + reasoning, exact matching"}
    assert any("(perception + reasoning) of each table of picks, of at most 400" in row["note"] for row in rows)
    # Another figure has a key of its own; the former one is there when it is asked for again.
    run(*mme, "--work-dir", work_dir, "--metric", "MME=code_reasoning")
    assert value(read_rows(work_dir), "first", 2, "MME") == 50
    run(*mme, "--work-dir", work_dir, "--stages", "report")
    assert value(read_rows(work_dir), "first", 2, "MME") == 250


def test_figures_that_no_rule_knows_are_listed_before_anything_is_sampled(run: Run, data: Path, tmp_path: Path) -> None:
    answers = {"str": ["yes", "left"], "int": ["3", "4"]}
    rows = [{"image": picture((9, 9, 9)), "question": "What?", "answer": answer, "answer_type": kind}
            for kind, several in answers.items() for answer in several]  # fmt: skip
    write_tsv(data / "Omni3DBench.tsv", [{"index": index, **row} for index, row in enumerate(rows)])
    texts = {index: [f"The answer is {row['answer']}"] for index, row in enumerate(rows)}
    pack = write_pack(tmp_path / "omni.jsonl", "Omni3DBench", texts)
    command = ["--candidates", pack, "--data", "Omni3DBench", "--data-dir", data, "--reranker", "first", "--work-dir",
               tmp_path / "out"]  # fmt: skip
    refused = " ".join(run(*command, status=2).split())
    assert "Yes/No Accuracy (1), Multiple Choice Accuracy (1), Numeric (count) Accuracy (1)" in refused
    assert "--metric Omni3DBench=NAME" in refused
    unknown = run(*command, "--metric", "Omni3DBench=Accuracy", status=2)
    assert "no figure Accuracy; it has Yes/No Accuracy (1)" in " ".join(unknown.split())
    run(*command, "--metric", "Omni3DBench=Numeric (count) Accuracy")
    (row,) = read_rows(tmp_path / "out")
    assert (row["value"], row["metric"]) == ("100.0", "the host's Numeric (count) Accuracy")
