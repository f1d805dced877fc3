"""Rows whose cells are used again are the same as rows of new cells."""

from __future__ import annotations

import zipfile
from io import BytesIO

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl import load_workbook

from visualprm_eval.report.render.xlsx import append_rows, new_book
from visualprm_eval.report.render.xlsx_cells import MAX_CELL_UNITS, ColumnCells, safe_cell

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
KINDS = ("text", "count", "percent")
STYLES = (("wrapped", None), ("count cell", "quiet"), ("percent cell", "quiet"))
"""Of their cells, and of words among numbers."""
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=()), max_size=30),
    st.sampled_from(["=1+1", "'", " padded ", "a\r\nb", "_x0041_", "<&>\"']]>", "", "\n", np.float64(0.1), np.int64(3),
                     np.bool_(True), 2**60, -0.0]),
)  # fmt: skip


def sheet_xml(write) -> etree._Element:
    """The XML of the only sheet of a workbook, after a header row."""
    book = new_book()
    sheet = book.create_sheet()
    sheet.append([safe_cell("header", sheet, "wrapped")])
    write(sheet)
    stream = BytesIO()
    book.save(stream)
    with zipfile.ZipFile(stream) as archive:
        return etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))


def shown(tree: etree._Element) -> list[tuple[object, ...]]:
    """All cells: place, kind, text and how its white space is kept."""
    return [
        (cell.get("r"), cell.get("t"), "".join(cell.itertext()), [dict(part.attrib) for part in cell.iter("{*}t")])
        for cell in tree.iter("{*}c")
    ]


@given(st.lists(st.tuples(VALUES, VALUES, VALUES), max_size=4))
@example([("x" * (MAX_CELL_UNITS + 5), None, "\U0001f600" * MAX_CELL_UNITS)])
@RELAXED
def test_cells_are_those_of_new_objects(rows) -> None:
    def by_cells(sheet) -> None:
        for row in rows:
            sheet.append([
                ColumnCells(sheet, *styles, is_prose=kind == "text").cell(value)
                for value, styles, kind in zip(row, STYLES, KINDS, strict=True)
            ])  # fmt: skip

    def at_once(sheet) -> None:
        assert append_rows(sheet, rows, KINDS, first=2) == len(rows)

    assert shown(sheet_xml(at_once)) == shown(sheet_xml(by_cells))


def test_styles_marks_and_heights_are_those_of_new_objects() -> None:
    rows = [("=1", 1, 2.5), ("plain", None, "'")]

    def by_cells(sheet) -> None:
        for number, row in enumerate(rows, 2):
            sheet.row_dimensions[number].height = 15.0
            sheet.append([ColumnCells(sheet, *styles).cell(value) for value, styles in zip(row, STYLES, strict=True)])

    def at_once(sheet) -> None:
        append_rows(sheet, rows, KINDS, first=2, height=lambda _: 15.0)

    ours, theirs = ([dict(row.attrib) for row in sheet_xml(write).iter("{*}row")] for write in (at_once, by_cells))
    assert ours == theirs
    books = []
    for write in (at_once, by_cells):
        book = new_book()
        sheet = book.create_sheet()
        sheet.append([safe_cell("header", sheet, "wrapped")])
        write(sheet)
        stream = BytesIO()
        book.save(stream)
        books.append(load_workbook(stream).active)
    for ours_row, theirs_row in zip(*(book.iter_rows() for book in books), strict=True):
        for one, other in zip(ours_row, theirs_row, strict=True):
            assert (one.value, one.style, one.quotePrefix, one.number_format) == (
                other.value, other.style, other.quotePrefix, other.number_format,
            )  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, 200, 401])
def test_no_row_is_lost(count) -> None:
    tree = sheet_xml(lambda sheet: append_rows(sheet, [(1, 2, 3)] * count, KINDS, first=2))
    assert [row.get("r") for row in tree.iter("{*}row")] == [str(number) for number in range(1, count + 2)]
