"""The tables of values: the summary at the largest k, the values over k, and all values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.table import WITHHELD, Column, Stacked, Table
from visualprm_eval.report.tables.summary import (
    NOT_SHOWN,
    Cell,
    Summary,
    column_titles,
    counts,
    curve_titles,
    curves,
    reranker_label,
)

if TYPE_CHECKING:
    from visualprm_eval.evaluate.result_rows import ResultRow

__all__ = ["FIRST_K", "first_k_tables", "summary_table"]

FIRST_K = "from the first k candidates"
"""What the values at a k below N are of that stand in the tidy table, as published ones are."""


def summary_table(summary: Summary) -> Table:
    """Policies and rerankers against benchmarks; what its values are of stands in the title."""
    titles = column_titles(summary.columns)
    heads = [
        "\n".join(filter(None, map(one_line, (titles[column], summary.head(column))))) for column in summary.columns
    ]
    rows: list[Sequence[object]] = []
    for policy in dict.fromkeys(line.policy for line in summary.lines):
        lines = [line for line in summary.lines if line.policy == policy]
        for line in lines:
            cells = [_stacked(line.cells.get(column)) for column in summary.columns]
            rows.append((policy, reranker_label(line.reranker), line.k, *cells))
        rows.append((policy, "problems (failed)", "", *(counts(lines, column) for column in summary.columns)))
    metrics = ", ".join(dict.fromkeys(column.metric for column in summary.columns if column.benchmark != OVERALL))
    notes = []
    if any(cell.ends for line in summary.lines for cell in line.cells.values()):
        notes.append(f"Gains have 95% intervals; {NOT_SHOWN}: the interval contains 0, so no gain is shown.")
    if summary.meanings:
        notes.append(f"Gains are over the baseline that a column's head names ({summary.meanings}).")
    return Table(
        f"Values in percent ({metrics}) at the largest k; in brackets the gain in points on the same problems.",
        (Column("policy"), Column("reranker"), Column("k", "count"), *(Column(head, "value") for head in heads)),
        rows,
        notes,
        is_grouped=True,
    )


def _stacked(cell: Cell | None) -> Stacked | None:
    return None if cell is None else Stacked(cell.text, cell.interval)


def first_k_tables(rows: Iterable[ResultRow]) -> list[Table]:
    """The values of the first k candidates over k, one table per benchmark; none where there is only one k."""
    all_curves = curves(rows)
    if len({k for curve in all_curves for k in curve.points}) < 2:
        return []
    tables = []
    for column, title in curve_titles(all_curves).items():
        chosen = [curve for curve in all_curves if curve.column == column]
        ks = sorted({k for curve in chosen for k in curve.points})
        cells = []
        for curve in chosen:
            values = {k: WITHHELD if value is None else value for k, value in curve.points.items()}
            cells.append((curve.policy, reranker_label(curve.reranker), *map(values.get, ks)))
        columns = [Column("policy"), Column("reranker"), *(Column(f"k = {k}", "percent") for k in ks)]
        tables.append(Table(title, columns, cells, is_grouped=True))
    return tables
