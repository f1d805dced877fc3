"""Cells: whatever a model writes is stored as the text that it is."""

from __future__ import annotations

import math
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl import Workbook, load_workbook

from visualprm_eval.core.visible import visible_name, visible_text
from visualprm_eval.report.render.xlsx_cells import MAX_CELL_UNITS, safe_cell, safe_text, utf16_units

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
NAMESPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def excel_reads(stored: str) -> str:
    """What Excel shows for a stored text: it decodes _xHHHH_, the underscores not overlapping."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), stored)


@pytest.fixture
def written(tmp_path):
    """Writes values into one column; gives openpyxl's cells and the sheet's XML."""

    def write(values):
        book = Workbook(write_only=True)
        sheet = book.create_sheet()
        for value in values:
            sheet.append([safe_cell(value, sheet)])
        book.save(tmp_path / "cells.xlsx")
        with zipfile.ZipFile(tmp_path / "cells.xlsx") as archive:
            tree = etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
            names = archive.namelist()
        cells = [row[0] for row in load_workbook(tmp_path / "cells.xlsx").active.iter_rows()]
        return cells, tree, names

    return write


def test_hostile_texts_come_back_as_text(written, hostile_texts):
    cells, tree, names = written(hostile_texts.values())
    for cell, (name, text) in zip(cells, hostile_texts.items(), strict=True):
        if text:
            assert cell.data_type == "s", name
            assert excel_reads(cell.value) == visible_name(text), name
    assert not tree.xpath("//m:f", namespaces=NAMESPACE)
    assert {cell.get("t") for cell in tree.iter("{*}c")} == {"inlineStr"}
    assert not tree.xpath("//m:hyperlinks", namespaces=NAMESPACE)
    assert not [name for name in names if "_rels/sheet" in name]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\n=1", "'x"])
def test_formula_like_texts_stay_text_when_edited(written, text):
    (cell,), _, _ = written([text])
    assert cell.quotePrefix
    assert cell.value == text


@pytest.mark.parametrize("text", ["plain", "007", "1.50", "#N/A", "x=1", "None"])
def test_other_texts_need_no_mark(written, text):
    (cell,), _, _ = written([text])
    assert not cell.quotePrefix
    assert (cell.value, cell.data_type) == (text, "s")


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_every_text_is_storable_and_legible(text):
    stored = safe_text(text)
    element = etree.Element("t")
    element.text = stored  # lxml refuses what XML cannot hold
    assert etree.fromstring(etree.tostring(element)).text == (stored or None)
    assert excel_reads(stored) == visible_text(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", stored)


def test_controls_are_shown():
    assert visible_text("a\x00\x1b\x7f\x85") == "a␀␛␡\\u0085"
    assert visible_text("\ud83d \ude00") == "\\ud83d \\ude00"
    assert visible_text("😀") == "😀"
    assert visible_text("a\r\nb\rc\td\n") == "a\nb␍c\td\n"


@pytest.mark.parametrize(
    "text",
    ["x" * 32_768, "😀" * 16_384, "_x0041_" * 4_700, "\ud800" * 9_000, "y" + "😀" * 20_000, "a\r\n" * 40_000],
)
def test_long_texts_are_cut_with_a_mark(written, text):
    stored = safe_text(text)
    assert utf16_units(stored) <= MAX_CELL_UNITS
    assert utf16_units(stored) > MAX_CELL_UNITS - 40
    body, mark = stored.rsplit("\n[... ", 1)
    cut = int(mark.split()[0])
    shown = visible_text(text)
    kept = excel_reads(body)
    assert shown.startswith(kept)
    assert len(kept) + cut == len(shown)
    assert "characters cut here; the store keeps the whole text" in mark
    (cell,), _, _ = written([text])
    assert cell.value == stored


@pytest.mark.parametrize("text", ["x" * 32_767, "😀" * 16_383 + "x"])
def test_texts_at_the_limit_are_whole(text):
    assert safe_text(text) == text
    assert utf16_units(text) == MAX_CELL_UNITS


def test_numbers_stay_numbers(written):
    cells, _, _ = written([1.5, -2, True, np.float64(0.1), np.int64(-7)])
    assert [cell.value for cell in cells] == [1.5, -2, True, 0.1, -7]
    assert [cell.data_type for cell in cells] == ["n", "n", "b", "n", "n"]


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "nan"), (-math.inf, "-inf"), (2**60, str(2**60))])
def test_numbers_that_a_sheet_cannot_hold_become_text(written, value, shown):
    (cell,), _, _ = written([value])
    assert (cell.value, cell.data_type) == (shown, "s")


def test_nothing_is_an_empty_cell():
    assert safe_cell(None) is None
