"""A reply that came is an answer: an empty one is wrong, in every view, and nobody is asked about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.host.material import JudgeServer
from tests.host.seven_tables import BY_HAND, TABLE2, pattern, text
from tests.integration import test_seven
from tests.integration.conftest import Run, read_rows, value
from visualprm_eval.cli import main

server, data, judged = test_seven.server, test_seven.data, test_seven.judged

EMPTY = ("", " \n", "<think>The matching one may be", "<think>7 or B</think>\n", "7 or B</think>")


def say(name: str, index: int, *, right: bool) -> str:
    """What a policy that thinks writes: in its thoughts the right answer too, and nothing where it is wrong."""
    if not right:
        return EMPTY[index % len(EMPTY)]
    return f"<think>[{name}/{index}] I take the clashing one</think>\n\n{text(name, index, right=True)}"


def write_pack(path: Path, names: tuple[str, ...], of: object = say, n: int = 2) -> Path:
    """The first candidate is right where ``pattern`` says so, the others always."""
    records = [
        {"benchmark": name, "index": index, "rank": rank, "policy": "P",
         "text": of(name, int(index), right=right or rank > 0)}  # type: ignore[operator]
        for name in names
        for index, right in pattern(name).items()
        for rank in range(n)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_empty_replies_are_wrong_for_all_seven(
    run: Run,
    server: JudgeServer,
    data: Path,
    tmp_path: Path,
) -> None:
    work_dir = tmp_path / "out"
    pack = write_pack(tmp_path / "pack.jsonl", TABLE2)
    common = ["--candidates", pack, "--suite", "table2", "-n", "2", "--data-dir", data, "--work-dir", work_dir,
              "--reranker", "self-consistency", "oracle"]  # fmt: skip
    output = run(*common, *judged(server))
    rows = read_rows(work_dir)
    for name in TABLE2:
        assert value(rows, "first", 2, name) == pytest.approx(BY_HAND[name]), name
        assert value(rows, "oracle", 2, name) == pytest.approx(100), name
        empty = sum(not right for right in pattern(name).values())
        notes = {row["note"] for row in rows if (row["benchmark"], row["k"]) == (name, "1")}
        said = "is an empty reply" if empty == 1 else "are empty replies"
        assert all(f"{empty:,} of {len(pattern(name)):,} candidates {said}" in note for note in notes), notes
    assert "--retry-failed" not in output
    assert "empty repl" in output
    asked = json.dumps([body for _, body in server.requests])
    assert "clashing" not in asked, "thoughts are not graded"
    assert "7 or B" not in asked and "\\ufffd" not in asked, "nobody is asked about an empty reply"
    sheets = load_workbook(work_dir / "results.xlsx")
    said = {name: [[cell.value for cell in row] for row in sheets[name].iter_rows()] for name in sheets.sheetnames}
    assert any("empty replies" in row for rows in said.values() for row in rows)
    server.requests.clear()
    run(*common, *judged(server), "--retry-failed")
    assert server.requests == [], "there is nothing to try again"
    assert main(["report", "--work-dir", str(work_dir), "--reranker", "self-consistency", "oracle"]) == 0
    assert read_rows(work_dir) == rows


EXACT = ("MMMU_DEV_VAL", "DynaMath", "WeMath")


def boxed(name: str, index: int, *, right: bool) -> str:
    if not right:
        return EMPTY[index % len(EMPTY)]
    return "So \\boxed{7}" if name == "DynaMath" else "Answer: \\boxed{B}"


def test_empty_replies_are_wrong_for_exact_matching(run: Run, data: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    pack = write_pack(tmp_path / "pack.jsonl", EXACT, boxed)
    run("--candidates", pack, "--data", *EXACT, "-n", "2", "--data-dir", data, "--work-dir", work_dir,
        "--judge", "exact_matching", "--reranker", "self-consistency", "random")  # fmt: skip
    rows = read_rows(work_dir)
    for name in EXACT:
        assert value(rows, "first", 2, name) == pytest.approx(BY_HAND[name]), name
        assert value(rows, "self-consistency", 2, name) == pytest.approx(100), "an empty reply abstains"
    assert not any("warning" in row["note"] for row in rows)


def unread(name: str, index: int, *, right: bool) -> str:
    del name, index, right
    return "I looked at it for long and then took what stands on the left of the second picture, as shown above"


def test_exact_matching_that_could_read_nothing_warns(run: Run, data: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    pack = write_pack(tmp_path / "pack.jsonl", ("WeMath",), unread)
    output = run("--candidates", pack, "--data", "WeMath", "-n", "2", "--data-dir", data, "--work-dir", work_dir,
                 "--judge", "exact_matching", "--reranker", "self-consistency")  # fmt: skip
    rows = read_rows(work_dir)
    assert {row["value"] for row in rows} == {"0.0"}
    warning = "warning: exact matching found no final answer in 28 of 28 candidates"
    assert all(warning in row["note"] for row in rows if row["k"] == "2")
    for view in (output, (work_dir / "results.md").read_text(), (work_dir / "report.html").read_text()):
        assert "exact matching found no final answer in 28 of 28 candidates" in " ".join(view.split())
    curves = (work_dir / "curves.csv").read_text()
    assert "which found no final answer in most candidates" in curves
