"""``results.xlsx``: the tables of the page, every step with its label, score and verdict, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from pathlib import Path

from openpyxl import Workbook

from visualprm_eval.core.progress import track
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.csv import COLUMNS, tidy_rows
from visualprm_eval.report.render.workbook import FAILURE_FIELDS, PROTOCOL_FIELDS, VALUE_FIELDS, flat
from visualprm_eval.report.render.xlsx import (
    COUNT,
    LINE_HEIGHT,
    MAX_SHEET_ROWS,
    PERCENT,
    PLAIN,
    SCORE,
    WRAPPED,
    Field,
    Table,
    add_styles,
    write_table,
)
from visualprm_eval.report.tables import step_labels as tables

__all__ = ["write_sheets"]

_WIDTHS = {"text": 22.0, "count": 10.0, "percent": 12.0, "score": 12.0}
_OWN_WIDTHS = {"step text": 90.0, "from": 44.0, "chosen": 46.0, "threshold": 34.0, "reason": 100.0}
_STYLES = {"text": PLAIN, "count": COUNT, "percent": PERCENT, "score": SCORE}
_MANY_STEPS = 20_000


def write_sheets(path: Path, results: ProcessResults, max_rows: int = MAX_SHEET_ROWS) -> None:
    """Writes the spreadsheet.

    Args:
        path: The file to write.
        results: What to show.
        max_rows: Rows that a sheet may hold; more go on in sheets called ``steps 2`` and so on.

    Raises:
        OSError: The file cannot be written.
    """
    book = Workbook(write_only=True)
    add_styles(book)
    for table in _tables(results):
        write_table(book, table, max_rows)
    book.save(path)


def _tables(results: ProcessResults) -> Iterator[Table]:
    sheets = [
        tables.table_3(results), tables.per_source(results), tables.thresholds(results),
        tables.f1_by_threshold(results), tables.comparisons(results), *tables.breakdowns(results),
        tables.calibration(results),
    ]  # fmt: skip
    for sheet in sheets:
        yield Table(sheet.title, _fields(sheet.columns), sheet.rows, 1)
    # Long texts show their first line until a reader makes the row higher.
    yield Table("steps", _fields(tables.STEP_COLUMNS), _steps(results), 2, LINE_HEIGHT)
    yield Table("all values", VALUE_FIELDS[: len(COLUMNS)], tidy_rows(results.rows))  # No gains here.
    bad = ((each.line, each.reason) for each in results.process_set.bad)
    yield Table("bad lines", _fields((("line", "count"), ("reason", "text"))), bad)
    yield Table("protocol", PROTOCOL_FIELDS, flat(results.protocol))
    yield Table("failures", FAILURE_FIELDS, _failures(results))


def _steps(results: ProcessResults) -> Iterator[Sequence[object]]:
    """All steps; a progress display tells how far they are when there are so many that it takes long."""
    number = len(results.assessments) * sum(len(sample.steps) for sample in results.process_set.samples)
    if number < _MANY_STEPS:
        yield from tables.steps(results)
        return
    with track("write the steps into results.xlsx", number) as tracker:
        for row in tables.steps(results):
            yield row
            tracker.advance()


def _failures(results: ProcessResults) -> Iterable[Sequence[object]]:
    return (astuple(failure) for failure in results.failures)


def _fields(columns: Sequence[tuple[str, tables.Kind]]) -> list[Field]:
    fields = []
    for title, kind in columns:
        style = WRAPPED if title in {"step text", "reason"} else _STYLES[kind]
        fields.append(Field(title, _OWN_WIDTHS.get(title, _WIDTHS[kind]), style))
    return fields
