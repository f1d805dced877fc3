"""``results.xlsx``: the tables of the page, every step with its label, score and verdict, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from visualprm_eval.core.progress import track
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.xlsx import MAX_SHEET_ROWS, new_book, saved, write_table
from visualprm_eval.report.table import Column, Kind, Table
from visualprm_eval.report.tables import records
from visualprm_eval.report.tables import step_labels as tables
from visualprm_eval.report.tables.glossary import glossary
from visualprm_eval.report.tables.values import all_values

__all__ = ["render"]

_WIDTHS = {"text": 22.0, "count": 10.0, "percent": 12.0, "score": 12.0}
_OWN_WIDTHS = {"step text": 90.0, "from": 44.0, "chosen": 46.0, "threshold": 34.0, "reason": 100.0}
_MANY_STEPS = 20_000


def render(results: ProcessResults, max_rows: int = MAX_SHEET_ROWS) -> bytes:
    """The spreadsheet as the content of a file.

    Args:
        results: What to show.
        max_rows: Rows that a sheet may hold; more go on in sheets called ``steps 2`` and so on.
    """
    book = new_book()
    for table in _tables(results):
        write_table(book, table, max_rows)
    return saved(book)


def _tables(results: ProcessResults) -> Iterator[Table]:
    sheets = [
        tables.table_3(results), tables.per_source(results), tables.thresholds(results),
        tables.f1_by_threshold(results), tables.comparisons(results), *tables.breakdowns(results),
        tables.calibration(results),
    ]  # fmt: skip
    for sheet in sheets:
        yield Table("", _columns(sheet.columns), sheet.rows, name=sheet.title, frozen=1)
    # Long texts show their first line until a reader makes the row higher.
    yield Table("", _columns(tables.STEP_COLUMNS), _steps(results), name="steps", frozen=2, is_flat=True)
    yield all_values(results.rows)  # No gains here.
    bad = ((each.line, each.reason) for each in results.process_set.bad)
    yield Table("", _columns((("line", "count"), ("reason", "text"))), bad, name="bad lines")
    yield records.protocol(results.protocol)
    yield records.failures(results.failures)
    yield glossary()


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


def _columns(columns: Sequence[tuple[str, tables.Kind]]) -> list[Column]:
    kinds: dict[str, Kind] = {"count": "count", "percent": "percent", "score": "score"}
    return [
        Column(
            title,
            "text" if title in {"step text", "reason"} else kinds.get(kind, "name"),
            _OWN_WIDTHS.get(title, _WIDTHS[kind]),
        )
        for title, kind in columns
    ]
