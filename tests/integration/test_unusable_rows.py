"""Rows that the host cannot use, through the command line: named before anything is paid for, and in the notes."""

from __future__ import annotations

import json
from pathlib import Path

from openpyxl import load_workbook

from tests.host.material import JudgeServer, write_tsv
from tests.host.seven_tables import rows_of, text
from tests.integration import test_seven
from tests.integration.conftest import Run, read_rows, value
from visualprm_eval.cli import main

server, data, judged = test_seven.server, test_seven.data, test_seven.judged
NOTE = "1 row of the file cannot be used: left out (row 2, index 2: no answer)"


def write_pack(path: Path) -> Path:
    records = [
        {"benchmark": "LogicVista", "index": row["index"], "rank": 0, "policy": "P",
         "text": text("LogicVista", row["index"], right=row["index"] != 3)}
        for row in rows_of("LogicVista")
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def without_answers(data: Path, *indices: int) -> None:
    rows = rows_of("LogicVista")
    for row in rows:
        if row["index"] in indices:
            row["answer"] = None
    write_tsv(data / "LogicVista.tsv", rows)


def test_a_row_without_an_answer_is_left_out_with_a_note(
    run: Run, server: JudgeServer, data: Path, tmp_path: Path
) -> None:
    without_answers(data, 2)
    work_dir = tmp_path / "out"
    pack = write_pack(tmp_path / "pack.jsonl")
    output = run("--candidates", pack, "--data", "LogicVista", "-n", "1", "--data-dir", data, "--work-dir", work_dir,
                 "--reranker", "first", *judged(server))  # fmt: skip
    assert "1 problem is not in the benchmark as it was loaded (LogicVista 2)" in output
    rows = read_rows(work_dir)
    assert round(value(rows, "first", 1, "LogicVista"), 3) == 66.667
    assert (rows[0]["n_problems"], rows[0]["n_total"]) == ("3", "447")
    assert rows[0]["note"] == f"3 of 447 problems; {NOTE}"
    assert NOTE in " ".join(output.split())
    assert NOTE in (work_dir / "report.html").read_text()
    book = load_workbook(work_dir / "results.xlsx")
    assert any(NOTE in str(cell.value) for row in book["all values"].iter_rows() for cell in row)
    assert main(["report", "--work-dir", str(work_dir)]) == 0
    assert read_rows(work_dir) == rows, "the store knows"


def test_a_file_without_answers_stops_before_anything_is_paid_for(
    run: Run, server: JudgeServer, data: Path, tmp_path: Path
) -> None:
    without_answers(data, 1, 2, 3, 4)
    pack = write_pack(tmp_path / "pack.jsonl")
    common = ["--candidates", pack, "--data", "LogicVista", "-n", "1", "--data-dir", data, "--reranker", "first",
              "--work-dir", tmp_path / "out", *judged(server)]  # fmt: skip
    output = run(*common, status=2)
    assert "LogicVista.tsv: its column answer is empty: there are no answers in it, as in test sets" in output
    assert server.requests == []
    run(*common[:-8], "--stages", "sample", "report")
