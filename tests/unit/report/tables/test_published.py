from __future__ import annotations

import io

import lxml.html
import pytest
from openpyxl import load_workbook
from rich.console import Console

from tests.unit.report.sheets import write_workbook
from visualprm_eval.evaluate.published.comparison import Comparison
from visualprm_eval.report import Results, print_table
from visualprm_eval.report.render.html import render as render_page
from visualprm_eval.report.render.markdown import markdown_table, render
from visualprm_eval.report.tables.published import published

SOURCE = "arXiv:2503.10291v1, table 2"


@pytest.fixture
def compared(row) -> Results:
    alike, other = row(benchmark="One", value=60.0), row(benchmark="Two", value=50.0, n_total=40)
    alone, warm = row(benchmark="Three", value=40.0), row(benchmark="Four", value=45.0)
    comparisons = [
        Comparison(alike, 58.5, SOURCE), Comparison(other, 55.0, SOURCE, "other split: ours a, published b"),
        Comparison(warm, 47.0, SOURCE, manner="temperature: ours 1, published 0.7"),
    ]  # fmt: skip
    prints = [{"protocol": "abc", "policy": "=1+1", "k": 8}]
    return Results([alike, other, alone, warm], [], comparisons=comparisons, fingerprints=prints)


def test_the_summary_sheet_shows_ours_published_and_difference(tmp_path, compared):
    write_workbook(tmp_path / "r.xlsx", compared)
    book = load_workbook(tmp_path / "r.xlsx")
    titles, values = ([cell.value for cell in book["summary"][place]] for place in (2, 3))
    group = ["value", "gain", "problems", "failed", "gain from", "gain to"]
    compared_group = [*group, "published", "difference"]
    assert titles[3:] == [*compared_group * 2, *group, *compared_group]
    assert values[3:] == [
        *(60.0, None, 10, 0, None, None, 58.5, 1.5),
        *(50.0, None, "10 of 40", 0, None, None, 55.0, "other split: ours a, published b"),
        *(40.0, None, 10, 0, None, None),
        *(45.0, None, 10, 0, None, None, 47.0, "-2.0 (temperature: ours 1, published 0.7)"),
    ]  # fmt: skip
    assert {"D1:K1", "L1:S1", "T1:Y1", "Z1:AG1"} == {str(ref) for ref in book["summary"].merged_cells.ranges}
    rows = [[cell.value for cell in row] for row in book["published"].iter_rows(min_row=2)]
    assert rows[0][5:] == [60.0, 58.5, 1.5, SOURCE, None, None, None]
    assert rows[1][5:] == [50.0, 55.0, None, SOURCE, "other split: ours a, published b", None, None]
    assert rows[2][5:] == [45.0, 47.0, -2.0, SOURCE, "temperature: ours 1, published 0.7", None, None]
    assert [cell.value for cell in book["fingerprints"][2]] == ["abc", "=1+1", 8]
    assert book["fingerprints"]["B2"].data_type == "s"


def test_without_published_figures_there_are_no_columns_for_them(tmp_path, row):
    write_workbook(tmp_path / "r.xlsx", Results([row()], []))
    book = load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["summary", "all values", "problems", "protocol", "failures", "glossary"]
    assert "published" not in [cell.value for cell in book["summary"][2]]


def test_pages_show_one_row_per_comparison(compared):
    table = published(compared.comparisons)
    assert [row[1:] for row in table.rows] == [
        ("first (pass@1)", 1, "One", 60.0, 58.5, 1.5, SOURCE),
        ("first (pass@1)", 1, "Two", 50.0, 55.0, None, f"{SOURCE} (other split: ours a, published b)"),
        ("first (pass@1)", 1, "Four", 45.0, 47.0, -2.0, f"{SOURCE} (temperature: ours 1, published 0.7)"),
    ]
    assert markdown_table(table) in render(compared)
    assert "10 of 40 (0)" in render(compared)
    assert lxml.html.fromstring(render_page(compared, {})).xpath("//nav/a[@href='#published']")


def test_in_a_terminal_numbers_lead_to_sources_and_differences(compared):
    stream = io.StringIO()
    print_table(compared, Console(file=stream, width=240))
    shown = stream.getvalue()
    assert "Beside published figures" in shown
    lines = [line.replace(" ", "") for line in shown.splitlines()]
    assert "│P│first(pass@1)│1│One│60.0│58.5│+1.5│(1)│" in lines
    assert "││first(pass@1)│1│Two│50.0│55.0│–│(2)│" in lines
    assert f"(1) {SOURCE}\n" in shown
    assert f"(2) {SOURCE} (other split: ours a, published b)" in shown


def test_a_page_without_published_figures_has_no_section_for_them(row):
    assert "Beside published figures" not in render_page(Results([row()], []), {})
