"""``results.csv``: one value per line, of the first k candidates; ``curves.csv``: expected values beside them.

Gains stand at the largest k of each reranker, with what they are over.

Numbers are written with all their digits; an empty value is a withheld one. Spreadsheet programs run text that begins
like a formula, so text that begins with one of ``= + - @`` (or their full-width forms), a tab, a line feed or an
apostrophe gets an apostrophe in front, in every column. Because the apostrophe itself is among them, removing one
leading apostrophe gives back the text, whatever it was. Characters that cannot be shown are spelled as in the
spreadsheet.
"""

from __future__ import annotations

import csv
import math
from numbers import Integral, Real
from typing import TYPE_CHECKING

from visualprm_eval.report.render.text import visible_text
from visualprm_eval.report.tables.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from visualprm_eval.evaluate.result_rows import ResultRow
    from visualprm_eval.evaluate.stats.rows import CurvePoint
    from visualprm_eval.report.results import Results

COLUMNS = (
    "policy", "benchmark", "split", "reranker", "k", "metric", "value", "n_problems", "n_failed", "note",
    "n_total", "protocol",
)  # fmt: skip
GAIN_COLUMNS = ("baseline", "gain", "gain from", "gain to", "reading")
CURVE_COLUMNS = {
    "policy": "policy", "benchmark": "benchmark", "split": "split", "metric": "metric", "reranker": "reranker",
    "k": "k", "estimated as": "estimator", "expected value": "value", "from": "low", "to": "high",
    "sampling error": "sampling_error", "first k candidates": "prefix", "n_problems": "n_problems", "note": "note",
}  # fmt: skip
"""Titles of ``curves.csv``, in the glossary's words, to what stands below them."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\n", "'", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def tidy_rows(rows: Iterable[ResultRow]) -> Iterator[tuple[object, ...]]:
    """The rows as plain values in the order of ``COLUMNS``."""
    for row in rows:
        yield tuple(getattr(row, column) for column in COLUMNS)


def rows_with_gains(results: Results) -> Iterator[tuple[object, ...]]:
    """The rows in the order of ``COLUMNS`` and ``GAIN_COLUMNS``, which are empty below the largest k."""
    lines = summarise(results.rows, results.insight).lines
    cells = {id(cell.row): cell for line in lines for cell in line.cells.values()}
    for row, values in zip(results.rows, tidy_rows(results.rows), strict=True):
        cell = cells.get(id(row))
        ends = (None, None) if cell is None or cell.ends is None else cell.ends
        gain = (None,) * len(GAIN_COLUMNS) if cell is None else (cell.baseline, cell.gain, *ends, cell.reading)
        yield (*values, *gain)


def csv_field(value: object) -> str:
    """A value as a field of the CSV file: digits for numbers, ``""`` for ``None``, harmless text for text."""
    if value is None:
        return ""
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    text = visible_text(str(value))
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_csv(path: Path, rows: Iterable[ResultRow]) -> None:
    """Writes the tidy table as UTF-8.

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, COLUMNS, tidy_rows(rows))


def write_results_csv(path: Path, results: Results) -> None:
    """Writes the tidy table with gains as UTF-8.

    Raises:
        OSError: The file cannot be written.
    """
    _write(path, (*COLUMNS, *GAIN_COLUMNS), rows_with_gains(results))


def write_curves_csv(path: Path, points: Iterable[CurvePoint]) -> None:
    """Writes expected values over k, with the values of the first k candidates beside them, as UTF-8.

    A value is empty where there is none: no interval, or no usable candidate among the first k of any problem.

    Raises:
        OSError: The file cannot be written.
    """
    rows = (tuple(_known(getattr(point, name)) for name in CURVE_COLUMNS.values()) for point in points)
    _write(path, tuple(CURVE_COLUMNS), rows)


def _known(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value


def _write(path: Path, titles: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(titles)
        writer.writerows([csv_field(value) for value in row] for row in rows)
