"""Sheets of curves, intervals and benchmarks, and the banner of an unfinished store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from openpyxl import load_workbook

from tests.unit.report.sheets import write_workbook
from visualprm_eval.evaluate.stats import Comparison, Cost, CurvePoint, Diagnosis, Insight, Standing
from visualprm_eval.evaluate.stats.rows import PoolFacts, Tally
from visualprm_eval.report.render.html import render
from visualprm_eval.report.tables.glossary import glossary

PLACE = ("InternVL2_5-8B", "MathVista_MINI", "")


@pytest.fixture
def insight() -> Insight:
    points = [
        CurvePoint(*PLACE, name, k, "accuracy", "exact over all subsets", 50.0 + k, 48.0, 60.0, 0.0, 50.5 + k)
        for name in ("first", "visualprm")
        for k in range(1, 9)
    ]
    standings = (
        Standing(*PLACE, "first", 8, 58.0, 52.0, 64.0),
        Standing(*PLACE, "visualprm", 8, 67.3, 61.0, 72.0, 9.3, 4.0, 14.0),
        Standing(*PLACE, "visualorm", 8, 61.6, 55.0, 66.0, 3.6, -1.0, 8.0),
    )
    return Insight(
        tuple(points),
        standings,
        (Comparison(*PLACE, "visualprm", 8, "first", 9.3, 4.0, 14.0, 0.001, 0.002, 40, 12, 300),),
        (Diagnosis(*PLACE, "visualprm", 8, 83.5, 16.2, 250, 49, 40.0, 1.0, 71.0, 0.1, -0.2, 0.0),),
        (PoolFacts("InternVL2_5-8B", "a/b[c]: a very long name of a benchmark", "", 8, 300, 2400, 0, 10.0, 20.0, 16.5),
         PoolFacts(*PLACE, 8, 300, 2400, 0, 10.0, 20.0, 16.5)),
        (),
        (Cost("InternVL2_5-8B", "MathVista_MINI", "sample", "candidates", 2400, 0, 100_000, 33.3),),
        tallies={("InternVL2_5-8B", "MathVista_MINI", "id"): Tally(8, 3)},
    )  # fmt: skip


def written(tmp_path, results):
    write_workbook(tmp_path / "r.xlsx", results)
    return load_workbook(tmp_path / "r.xlsx")


def test_every_sheet_is_there(tmp_path, results, insight):
    book = written(tmp_path, replace(results, insight=insight))
    assert book.sheetnames == [
        "summary", "intervals", "curves", "comparisons", "stages", "curve charts",
        "a_b_c__ a very long name of a b", "MathVista_MINI", "all values",
        "problems", "protocol", "failures", "glossary",
    ]  # fmt: skip
    assert all(sheet.freeze_panes for sheet in book)
    assert dict(book["glossary"].iter_rows(min_row=2, values_only=True)) == dict(glossary().rows)


def test_charts_are_native_and_refer_to_the_values_beside_them(tmp_path, results, insight):
    sheet = written(tmp_path, replace(results, insight=insight))["curve charts"]
    (chart,) = sheet._charts
    assert chart.x_axis.scaling.logBase == 2
    assert [series.xVal.numRef.f for series in chart.series] == ["'curve charts'!$A$3:$A$10"] * 2
    assert [series.yVal.numRef.f for series in chart.series] == [
        "'curve charts'!$B$3:$B$10", "'curve charts'!$C$3:$C$10",
    ]  # fmt: skip
    assert [cell.value for cell in sheet[2]][:3] == ["k", "first (pass@1)", "visualprm"]
    assert [cell.value for cell in sheet[10]][:3] == [8, 58.0, 58.0]


def test_the_summary_has_intervals_and_colours(tmp_path, results, insight):
    sheet = written(tmp_path, replace(results, insight=insight))["summary"]
    titles = [cell.value for cell in sheet[2]][3:9]
    assert titles == ["value", "gain over first", "problems", "failed", "gain from", "gain to"]
    visualprm = next(row for row in sheet.iter_rows(min_row=3) if row[1].value == "visualprm")
    assert [cell.value for cell in visualprm[7:9]] == [4.0, 14.0]
    places = {str(each.sqref) for each in sheet.conditional_formatting}
    last = 2 + 16
    assert places == {f"{letter}3:{letter}{last}" for letter in "EKQ"}
    rules = [rule.formula[0] for each in sheet.conditional_formatting if "E3" in str(each.sqref) for rule in each.rules]
    assert rules[0] == "AND(ISNUMBER($H3),ISNUMBER($I3),$H3>0)"


def test_curves_name_both_kinds_of_values(tmp_path, results, insight):
    rows = list(written(tmp_path, replace(results, insight=insight))["curves"].iter_rows(values_only=True))
    assert rows[0] == (
        "policy", "benchmark", "reranker", "k", "expected value", "from", "to", "estimated as", "sampling error",
        "first k candidates",
    )  # fmt: skip
    assert rows[16][3:] == (8, 58.0, 48.0, 60.0, "exact over all subsets", 0, 58.5)


def test_words_say_what_is_shown(tmp_path, results, insight):
    book = written(tmp_path, replace(results, insight=insight))
    readings = [row[-1].value for row in book["intervals"].iter_rows(min_row=2)]
    assert readings[1:] == ["a gain", "not shown: the interval contains 0"]
    assert book["comparisons"]["N2"].value == "visualprm is better than first"
    assert {row[-1].value for row in book["problems"].iter_rows(min_row=2)} == {"3 of 8"}


def test_an_unfinished_store_says_so_on_every_sheet(tmp_path, results, insight):
    book = written(tmp_path, replace(results, insight=replace(insight, missing=("X on Y: 3 texts are not graded",))))
    for sheet in book:
        assert str(sheet["A1"].value).startswith("UNFINISHED: X on Y: 3 texts are not graded."), sheet.title
    assert book["problems"].auto_filter.ref.startswith("A2:")
    assert book["problems"].freeze_panes == "E3"


def test_every_benchmark_has_a_sheet_with_its_values(tmp_path, results, insight):
    """Where only picks are graded there are no curves, and of what is unfinished only its stages are known."""
    costs = (Cost("InternVL2_5-8B", "LogicVista", "sample", "candidates", 40, 0), *insight.costs)
    overall = Standing("InternVL2_5-8B", "overall", "", "first", 8, 58.0, 52.0, 64.0)
    few = replace(insight, pools=(), diagnoses=(), standings=(*insight.standings, overall), costs=costs)
    book = written(tmp_path, replace(results, insight=few))
    assert book.sheetnames[6:8] == ["MathVista_MINI", "LogicVista"]
    rows = [row for row in book["MathVista_MINI"].iter_rows(values_only=True) if row[0]]
    titles = [row[0] for row in rows if not row[1]]
    assert titles == ["Values with 95% intervals", "Paired comparisons", "Stages, as far as they were recorded"]
    assert ("InternVL2_5-8B", "MathVista_MINI", "visualprm", 8, 67.3, 61, 72, 9.3, 4, 14, "a gain") in [
        row[:11] for row in rows
    ]
    assert [row[2:5] for row in book["LogicVista"].iter_rows(min_row=3, values_only=True) if row[0]] == [
        ("sample", "candidates", 40)
    ]


def test_what_was_not_recorded_is_said(tmp_path, results, insight):
    place = ("InternVL2_5-8B", "MathVista_MINI")
    costs = (
        Cost(*place, "sample", "candidates", 40, 0, 5_000, 33.3, 700),
        Cost(*place, "score", "visualprm", 40, 0, seconds=2.0),
        Cost(*place, "grade", "verdicts", 40, 0),
    )
    shown = replace(results, insight=replace(insight, costs=costs))
    sheet = written(tmp_path, shown)["stages"]
    header, *rows = sheet.iter_rows(values_only=True)
    assert header[-3:] == ("tokens read", "tokens written", "seconds")
    assert [row[-3:] for row in rows] == [
        (700, 5_000, 33.3), ("not recorded", "not recorded", 2), ("not recorded",) * 3,
    ]  # fmt: skip
    assert sheet.column_dimensions["G"].width >= 14
    assert render(shown, {}).count('<td class="n unclear">not recorded</td>') == 5


def test_a_banner_stands_on_the_left_in_one_line(tmp_path, results, insight):
    book = written(tmp_path, replace(results, insight=replace(insight, missing=("X on Y: 3 texts are not graded",))))
    for sheet in book:
        alignment = sheet["A1"].alignment
        assert (alignment.horizontal, alignment.wrap_text) in {(None, None), (None, False)}, sheet.title
        assert sheet.row_dimensions[1].height is None, sheet.title


def test_headers_have_two_lines_and_are_repeated_in_print(tmp_path, results, insight):
    book = written(tmp_path, replace(results, insight=insight))
    for sheet in book:
        if sheet.title not in {"curve charts", "MathVista_MINI", "a_b_c__ a very long name of a b"}:
            assert sheet.print_title_rows, sheet.title
            assert sheet.row_dimensions[1].height == 30.0, sheet.title
    sheet = book["MathVista_MINI"]
    headers = [row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 1).value == "policy"]
    assert len(headers) == 5
    assert {sheet.row_dimensions[row].height for row in headers} == {30.0}


def test_names_have_the_room_that_they_need(tmp_path, results, insight):
    note = "exact matching, 250 of 1,000 problems"
    marked = replace(insight, standings=tuple(replace(row, note=note) for row in insight.standings))
    sheet = written(tmp_path, replace(results, insight=marked))["intervals"]
    assert (sheet["L1"].value, sheet["L2"].value) == ("note", note)
    assert sheet.column_dimensions["L"].width == len(note) + 2


def test_benchmarks_and_splits_are_spelled_as_in_the_table_of_all_values(tmp_path, results, insight, row):
    note = "exact matching, 30 of 447 problems"
    standings = tuple(replace(one, split="test", note=note) for one in insight.standings)
    points = tuple(replace(one, split="test", note=note) for one in insight.points)
    values = [row(benchmark="MathVista_MINI", split="test")]
    marked = replace(insight, standings=standings, points=points, comparisons=(), diagnoses=(), pools=())
    book = written(tmp_path, replace(results, rows=values, insight=marked))

    def places(title):
        header, *rows = book[title].iter_rows(values_only=True)
        return {tuple(cells[header.index(name)] for name in ("benchmark", "split")) for cells in rows}

    assert places("intervals") == places("curves") == places("all values") == {("MathVista_MINI", "test")}
    for title in ("intervals", "curves"):
        assert {cells[-1].value for cells in book[title].iter_rows(min_row=2)} == {note}
        assert book[title].freeze_panes == "E2", "the reranker stays in sight"


def test_gains_have_the_colours_of_their_intervals_everywhere(tmp_path, results, insight):
    book = written(tmp_path, replace(results, insight=insight))
    places = {"intervals": {"H2:H4"}, "comparisons": {"F2"}, "MathVista_MINI": {"H3:H5", "F17"}}
    for title, expected in places.items():
        found = {str(rules.sqref): len(rules.rules) for rules in book[title].conditional_formatting}
        assert found == dict.fromkeys(expected, 3), title
    # A colour in the number format would stand before that of the rules.
    assert "[" not in book["intervals"]["H3"].number_format


def test_a_small_p_is_not_nothing(tmp_path, results, insight):
    sheet = written(tmp_path, replace(results, insight=insight))["comparisons"]
    assert sheet["L2"].number_format.startswith('[<0.0001]"< 0.0001"')


def test_details_of_the_summary_fold_away(tmp_path, results, insight):
    sheet = written(tmp_path, replace(results, insight=insight))["summary"]
    titles = {column: sheet[f"{column}2"].value for column in "DEFGHI"}
    levels = {title: sheet.column_dimensions[column].outlineLevel for column, title in titles.items()}
    assert levels == {"value": 0, "gain over first": 0, "problems": 1, "failed": 1, "gain from": 1, "gain to": 1}


def test_charts_end_at_n_and_at_100_percent(tmp_path, results, insight):
    points = [replace(point, value=99.0) for point in insight.points]
    sheet = written(tmp_path, replace(results, insight=replace(insight, points=tuple(points))))["curve charts"]
    (chart,) = sheet._charts
    assert (chart.x_axis.scaling.max, chart.x_axis.majorUnit, chart.y_axis.scaling.max) == (8, 2, 100)


def test_rows_are_as_high_as_their_wrapped_texts(tmp_path, results, insight):
    sheet = written(tmp_path, replace(results, insight=insight))["glossary"]
    heights = {row[0].value: sheet.row_dimensions[row[0].row].height for row in sheet.iter_rows(min_row=2)}
    assert heights["policy"] is None
    assert heights["interval, from, to, gain from, gain to"] == 45.0
