"""The spreadsheet as a reader finds it."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import load_workbook

from tests.unit.report.sheets import write_workbook
from visualprm_eval.report import Failure, Results
from visualprm_eval.report.render.workbook import render


@pytest.fixture
def book(tmp_path, results):
    write_workbook(tmp_path / "r.xlsx", results)
    return load_workbook(tmp_path / "r.xlsx")


def table(sheet, header=1):
    """The rows of a sheet as dictionaries."""
    names, *rows = list(sheet.iter_rows(min_row=header, values_only=True))
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_sheets_stand_in_order_with_frozen_bold_headers_filters_and_widths(book):
    assert book.sheetnames == ["summary", "all values", "problems", "protocol", "failures", "glossary"]
    for sheet in book:
        assert sheet.freeze_panes
        assert sheet.auto_filter.ref
        assert sheet["A1"].font.bold
        assert sheet.column_dimensions["A"].width > 9


def test_summary_has_value_gain_and_counts_per_benchmark(book):
    sheet = book["summary"]
    assert [cell.value for cell in sheet[1] if cell.value] == [
        "MathVista_MINI\naccuracy", "MathVision_MINI\naccuracy", "LogicVista test\naccuracy",
    ]  # fmt: skip
    titles = ["policy", "reranker", "k", "value", "gain over first", "problems", "failed"]
    assert [cell.value for cell in sheet[2]][:7] == titles
    first, visualprm = sheet[3], sheet[4]
    assert [first[place].value for place in (0, 1, 2, 3, 4, 5, 6)] == [
        "InternVL2_5-8B", "first (pass@1)", 8, 58.0, "baseline", 300, 0,
    ]  # fmt: skip
    assert visualprm[1].value == "visualprm"
    assert visualprm[4].value == pytest.approx(visualprm[3].value - 58.0)
    assert visualprm[3].number_format == "0.0"
    assert visualprm[4].number_format.startswith("+0.0")
    assert "D1:I1" in {str(ref) for ref in sheet.merged_cells.ranges}


def test_withheld_values_say_so_in_the_summary_and_are_empty_in_the_table(book):
    withheld = [row for row in book["summary"].iter_rows(min_row=3) if row[0].value == "Qwen2.5-VL-7B-Instruct"]
    assert {row[15].value for row in withheld} == {"withheld"}
    assert {(row[17].value, row[18].value) for row in withheld} == {(448, 9)}
    rows = [row for row in table(book["all values"]) if row["n_failed"]]
    assert {row["value"] for row in rows} == {None}
    assert {row["note"] for row in rows} == {"withheld: 9 of 448 problems failed"}


def test_all_values_are_whole(book, results):
    sheet = book["all values"]
    assert [cell.value for cell in sheet[1]] == [
        "policy", "benchmark", "split", "reranker", "k", "metric", "value", "n_problems", "n_failed", "note", "n_total",
        "protocol", "baseline", "gain", "gain from", "gain to", "reading",
    ]  # fmt: skip
    values = [cell.value for cell in sheet["G"][1:]]
    assert [value is None for value in values] == [row.value is None for row in results.rows]
    for value, row in zip(values, results.rows, strict=True):
        assert value is None or value == pytest.approx(row.value, rel=1e-14)
    assert sheet["G2"].number_format == "0.0"


def test_problems_show_every_pick_at_the_largest_k(book, hostile_texts):
    rows = table(book["problems"])
    assert len(rows) == 2 * len(hostile_texts)
    assert {row["k"] for row in rows} == {8}
    assert [row["verdict"] for row in rows[:8:2]] == ["right", "wrong", "not graded", "partly right (0.33)"]
    scores = [float(score) for score in rows[2]["step scores"].split()]
    assert rows[2]["response score (mean)"] == pytest.approx(sum(scores) / len(scores), abs=1e-4)
    unscored = rows[6]
    assert (unscored["step scores"], unscored["response score (mean)"]) == (None, None)
    assert rows[0]["picked text"] == hostile_texts["formula"]
    assert rows[0]["question"] == "formula?"


def test_problems_without_a_pick_say_why(tmp_path, row, pick):
    blank = {"rank": None, "text": "", "critic": None, "step_scores": None, "verdict": None, "final_answer": None}
    write_workbook(tmp_path / "r.xlsx", Results([row()], [pick(index="1"), pick(index="2", note="failed", **blank)]))
    picked, failed = table(load_workbook(tmp_path / "r.xlsx")["problems"])
    assert (picked["critic"], picked["verdict"]) == ("visualprm", "right")
    assert (failed["index"], failed["verdict"]) == ("2", "failed")
    empty = ("rank (from 0)", "final answer", "critic", "response score (mean)", "step scores", "picked text")
    assert [failed[title] for title in empty] == [None] * len(empty)


def test_rows_of_problems_are_one_line_high(book):
    heights = {book["problems"].row_dimensions[place].height for place in range(2, 20)}
    assert heights == {15.0}


def test_protocol_is_flat_and_keeps_texts(book):
    protocol = {row["key"]: row["value"] for row in table(book["protocol"])}
    assert protocol["sampling.temperature"] == 0.7
    assert protocol["critics.visualprm.fingerprint"] == "00071e5c"
    assert protocol["data"] == "MathVista_MINI, MathVision_MINI, LogicVista"
    assert protocol["judge"] == "null"


def test_failures_are_listed(book):
    rows = table(book["failures"])
    assert len(rows) == 26
    assert (rows[0]["rank (from 0)"], rows[-1]["rank (from 0)"]) == (0, None)
    assert rows[-1]["message"].endswith("␀")


def test_no_formula_anywhere(tmp_path, results):
    write_workbook(tmp_path / "r.xlsx", results)
    with zipfile.ZipFile(tmp_path / "r.xlsx") as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                content = archive.read(name)
                cells = content.partition(b"<sheetData>")[2].partition(b"</sheetData>")[0]
                assert cells
                assert b"<f" not in cells
                assert b'<c t="e"' not in content
                assert b"hyperlink" not in content.lower().replace(b"=hyperlink(", b"")


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path, row, pick):
    results = Results([row()], [pick(index=str(place)) for place in range(7)], {"a": 1}, [])
    write_workbook(tmp_path / "r.xlsx", results, max_rows=4)
    book = load_workbook(tmp_path / "r.xlsx")
    names = [name for name in book.sheetnames if name.startswith("problems")]
    assert names == ["problems", "problems 2", "problems 3"]
    assert [row["index"] for name in names for row in table(book[name])] == [str(place) for place in range(7)]
    assert [book[name].max_row for name in names] == [4, 4, 2]
    assert book["problems 3"].auto_filter.ref == "A1:P2"


def test_sheets_that_are_just_full_need_no_other(tmp_path, row, pick):
    results = Results([row()], [pick(index=str(place)) for place in range(3)], {"a": 1}, [])
    write_workbook(tmp_path / "r.xlsx", results, max_rows=4)
    assert "problems 2" not in load_workbook(tmp_path / "r.xlsx").sheetnames


def test_no_results_make_a_sound_file(tmp_path):
    write_workbook(tmp_path / "r.xlsx", Results([], []))
    assert load_workbook(tmp_path / "r.xlsx")["all values"].max_row == 1


def test_hostile_names_are_text_everywhere(tmp_path, row, pick):
    name = "=1+1\x00\ud800"
    results = Results(
        [row(policy=name, benchmark=name, split=name, reranker=name, metric=name, note=name)],
        [pick(policy=name, benchmark=name, index=name, reranker=name)],
        {name: {name: name, "list": [name], "odd": [{name: None}]}},
        [Failure(name, name, name, 0, name)],
    )
    write_workbook(tmp_path / "r.xlsx", results)
    for sheet in load_workbook(tmp_path / "r.xlsx"):
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert load_workbook(tmp_path / "r.xlsx")["failures"]["E2"].value == "=1+1␀\\ud800"


def test_a_clock_before_the_first_day_of_archives(results, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert load_workbook(io.BytesIO(render(results))).sheetnames
