"""Every cell of a table appears in every renderer, in order, as text and nothing else, whatever it holds."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import html
from markdown_it import MarkdownIt
from openpyxl import load_workbook
from rich.console import Console

from visualprm_eval.core.visible import one_line, visible_name, visible_text
from visualprm_eval.report.render import csv as csv_file
from visualprm_eval.report.render.csv import csv_field
from visualprm_eval.report.render.html import Section, page
from visualprm_eval.report.render.markdown import markdown_table
from visualprm_eval.report.render.terminal import terminal_tables
from visualprm_eval.report.render.text import shown
from visualprm_eval.report.render.xlsx import new_book, saved, write_table
from visualprm_eval.report.table import NUMBERS, Column, Stacked, Table
from visualprm_eval.report.viewer.viewer import Viewer

RELAXED = settings(max_examples=60, deadline=None)
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
KINDS = ("name", "text", "words", "count", "score", "percent", "gain", "chance", "correlation", "seconds")
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), min_size=1, max_size=30),
    st.text(st.sampled_from("ab1 \\`*_{}[]()<>#+-.!|~&;:@=$/\n\t'\""), min_size=1, max_size=30),
)
NUMBERS_OF = {"count": st.integers(-(10**9), 10**9), "seconds": st.integers(0, 10**9)}


@st.composite
def tables(draw) -> Table:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
    columns = [Column(draw(TEXTS), kind) for kind in kinds]
    values = [
        st.one_of(st.none(), TEXTS, NUMBERS_OF.get(kind, st.floats(-1e6, 1e6)) if kind in NUMBERS else TEXTS)
        for kind in kinds
    ]
    rows = draw(st.lists(st.tuples(*values), max_size=4))
    return Table("A table", columns, rows, name="table")


def texts_of(table: Table) -> list[list[str]]:
    kinds = [column.kind for column in table.columns]
    return [[shown(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in table.rows]


@given(tables())
@RELAXED
def test_markdown(table):
    (found,) = html.fromstring(f"<div>{GITHUB.render(markdown_table(table))}</div>").iter("table")
    assert not found.xpath(".//a|.//img|.//script|.//strong|.//em|.//code|.//s")
    rows = [[cell.text_content() for cell in row.xpath("th|td")] for row in found.iter("tr")]
    assert rows[1:] == [[one_line(text) for text in row] for row in texts_of(table)]
    marks = markdown_table(table).split("\n")[1].strip("| ").split(" | ")
    assert marks == ["---:" if column.kind in NUMBERS else "---" for column in table.columns]


@given(tables())
@example(Table("A table", [Column("\ud800")], [(None,)], name="table"))
@example(Table("A table", [Column("0", kind) for kind in KINDS], [("\xad",) * len(KINDS)], name="table"))
@RELAXED
def test_page(table):
    document = html.fromstring(
        page("Title", "", sections=[Section("a", "A", tables=[table])], appendix=[], figures={}, viewer=Viewer())
    )
    (found,) = document.xpath("//section[@id='a']//table")
    assert not found.xpath(".//a|.//img|.//script|.//b")
    rows = [[cell.text_content() for cell in row] for row in found.iter("tr")]
    visible = [visible_text if column.kind == "text" else visible_name for column in table.columns]
    plain = [["".join(rule(text).split()) for rule, text in zip(visible, row, strict=True)] for row in texts_of(table)]
    assert [["".join(text.split()) for text in row] for row in rows[1:]] == plain
    numbers = [["n" in cell.get("class").split() for cell in row] for row in list(found.iter("tr"))[1:]]
    assert numbers == [[column.kind in NUMBERS for column in table.columns]] * len(rows[1:])


@given(tables())
@RELAXED
def test_csv(table):
    titles, *rows = csv.reader(io.StringIO(csv_file.render(table), newline=""))
    assert titles == [csv_field(column.title) for column in table.columns]
    kinds = [column.kind for column in table.columns]
    assert rows == [[csv_field(*cell) for cell in zip(row, kinds, strict=True)] for row in table.rows]


@given(tables())
@RELAXED
def test_spreadsheet(table):
    book = new_book()
    write_table(book, table)
    sheet = load_workbook(io.BytesIO(saved(book)))["table"]
    size = {"max_row": 1 + len(table.rows), "max_col": len(table.columns)}
    for cells, row in zip(sheet.iter_rows(min_row=2, **size), table.rows, strict=True):
        for cell, value, column in zip(cells, row, table.columns, strict=True):
            if isinstance(value, str):
                visible = visible_text if column.kind == "text" else visible_name
                decoded = re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), cell.value or "")
                assert (cell.data_type, decoded) == ("s", visible(value)) or not value.strip()
                assert cell.style == "quiet" or column.kind not in NUMBERS, "words among numbers stand back"
            else:
                assert cell.value == (value if value is None else pytest.approx(value))


@given(tables())
@RELAXED
def test_terminal(table):
    stream = io.StringIO()
    for part in terminal_tables(table, 4000):
        Console(file=stream, width=4000).print(part)
    printed = stream.getvalue()
    assert not {"\x00", "\x1b", "\x07", "\r", "\u202e"} & set(printed)
    place = 0
    for text in (one_line(text) for row in texts_of(table) for text in row):
        place = printed.index(text, place) + len(text)


def test_what_stands_below_a_value():
    table = Table("", [Column("a\nover b", "value")], [[Stacked("53.0 (+3.0)", "+1.0 to +5.0")]])
    assert markdown_table(table) == "| a, over b |\n| ---: |\n| 53.0 (+3.0; +1.0 to +5.0) |"
    text = page("", "", sections=[Section("a", "A", tables=[table])], appendix=[], figures={}, viewer=Viewer())
    assert '<td class="n">53.0 (+3.0)<small>+1.0 to +5.0</small></td>' in text
    stream = io.StringIO()
    (part,) = terminal_tables(table, 80)
    Console(file=stream, width=80).print(part)
    lines = [line.strip("│ ") for line in stream.getvalue().splitlines()]
    assert lines[-3:-1] == ["53.0 (+3.0)", "+1.0 to +5.0"]


def test_a_group_is_named_once():
    table = Table("", [Column("policy"), Column("k", "count")], [("P", 1), ("P", 2), ("Q", 3)], is_grouped=True)
    text = page("", "", sections=[Section("a", "A", tables=[table])], appendix=[], figures={}, viewer=Viewer())
    assert re.findall('<td class="name">(.*?)</td>', text) == ["P", "", "Q"]
    stream = io.StringIO()
    Console(file=stream, width=80).print(*terminal_tables(table, 80))
    assert [line.split("│")[1].strip() for line in stream.getvalue().splitlines() if line.startswith("│")] == [
        "P", "", "Q",
    ]  # fmt: skip
