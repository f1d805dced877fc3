"""The tables of values: the summary at the largest k, the values over k, and all values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.groups import grouped
from visualprm_eval.core.visible import one_line
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import WITHHELD, Column, Stacked, Table, columns
from visualprm_eval.report.tables.published import by_value
from visualprm_eval.report.tables.summary import (
    NOT_SHOWN,
    Cell,
    Summary,
    column_titles,
    counts,
    curve_titles,
    curves,
    reading,
    reranker_label,
    summarise,
)

if TYPE_CHECKING:
    from visualprm_eval.evaluate.published.comparison import Comparison
    from visualprm_eval.evaluate.result_rows import ResultRow
    from visualprm_eval.evaluate.stats.rows import Insight

FIRST_K = "from the first k candidates"
"""What the values at a k below N are of that stand in the tidy table, as published ones are."""
_REMARKS = (
    "Values in percent at the largest k; gain in points on the same problems, over the baseline that its head names.",
    "Gain from and gain to are the ends of its 95% interval; green where above 0, red below, pale where it has 0.",
    "The oracle is an upper bound, of which there is nothing to test; a gain without an interval is not tested.",
    "Failed problems are left out for every reranker alike; a value that too many failures make unsound is withheld.",
    "Problems, failures and intervals fold away: button 1 above the columns.",
    "All values with their notes: sheet all values (from the first k candidates, as published figures are).",
    "Every problem with every pick: sheet problems.",
)
_PUBLISHED_REMARK = (
    "Difference: ours less published, in points; where the two are not of the same thing the words say what differs "
    "(all of it: sheet published). What was made otherwise, such as at another temperature, stands behind it."
)
_COLUMNS = columns(
    ("policy", "name"), ("benchmark", "name"), ("split", "name"), ("reranker", "name"), ("k", "count"),
    ("metric", "name"), ("value", "percent"), ("n_problems", "count"), ("n_failed", "count"), ("note", "message"),
    ("n_total", "count"), ("protocol", "name"),
)  # fmt: skip
_GAIN_COLUMNS = columns(
    ("baseline", "name"), ("gain", "gain"), ("gain from", "end"), ("gain to", "end"), ("reading", "words")
)


def summary_table(summary: Summary) -> Table:
    """Policies and rerankers against benchmarks; what its values are of stands in the title."""
    titles = column_titles(summary.columns)
    heads = ["\n".join(filter(None, map(one_line, (title, summary.head(place))))) for place, title in titles.items()]
    rows: list[Sequence[object]] = []
    for policy, lines in grouped(summary.lines, lambda line: line.policy).items():
        for line in lines:
            cells = [cell and Stacked(cell.text, cell.interval) for cell in map(line.cells.get, summary.columns)]
            rows.append((policy, reranker_label(line.reranker), line.k, *cells))
        rows.append((policy, "problems (failed)", "", *(counts(lines, column) for column in summary.columns)))
    metrics = ", ".join(dict.fromkeys(column.metric for column in summary.columns if column.benchmark != OVERALL))
    notes = []
    if any(cell.gain_low is not None for line in summary.lines for cell in line.cells.values()):
        notes.append(f"Gains have 95% intervals; {NOT_SHOWN}: the interval contains 0, so no gain is shown.")
    if summary.meanings:
        notes.append(f"Gains are over the baseline that a column's head names ({summary.meanings}).")
    title = f"Values in percent ({metrics}) at the largest k; in brackets the gain in points on the same problems."
    columns = [Column("policy"), Column("reranker"), Column("k", "count"), *(Column(head, "value") for head in heads)]
    return Table(title, columns, rows, notes, is_grouped=True)


def first_k_tables(rows: Iterable[ResultRow]) -> list[Table]:
    """The values of the first k candidates over k, one table per benchmark; none where there is only one k."""
    all_curves = curves(rows)
    if len({k for curve in all_curves for k in curve.points}) < 2:
        return []
    tables = []
    titles = curve_titles(all_curves)
    for column, chosen in grouped(all_curves, lambda curve: curve.column).items():
        ks = sorted({k for curve in chosen for k in curve.points})
        cells = []
        for curve in chosen:
            values = {k: WITHHELD if value is None else value for k, value in curve.points.items()}
            cells.append((curve.policy, reranker_label(curve.reranker), *map(values.get, ks)))
        heads = [Column("policy"), Column("reranker"), *(Column(f"k = {k}", "percent") for k in ks)]
        tables.append(Table(titles[column], heads, cells, is_grouped=True))
    return tables


def all_values(rows: Sequence[ResultRow], insight: Insight | None = None) -> Table:
    """One value per row, of the first k candidates.

    Args:
        rows: The values.
        insight: Where gains come from, which stand at the largest k of each reranker with what they are over; without
            it there are no columns for them.
    """
    values = [tuple(getattr(row, column.title) for column in _COLUMNS) for row in rows]
    if insight is None:
        return Table("", _COLUMNS, values, name="all values")
    cells = {id(cell.row): cell for line in summarise(rows, insight).lines for cell in line.cells.values()}
    gains = [_gain(cells.get(id(row))) for row in rows]
    chained = [(*value, *gain) for value, gain in zip(values, gains, strict=True)]
    return Table("", [*_COLUMNS, *_GAIN_COLUMNS], chained, name="all values")


def _gain(cell: Cell | None) -> tuple[object, ...]:
    none = (None,) * len(_GAIN_COLUMNS)
    return none if cell is None else (cell.baseline, cell.gain, cell.gain_low, cell.gain_high, reading(cell))


def summary_in_full(summary: Summary, comparisons: Iterable[Comparison]) -> Table:
    """The summary with numbers alone in its columns, for a spreadsheet; published figures stand beside ours.

    For each benchmark: the value, the gain, problems, failed ones, the gain's interval; where there are published
    figures of it also those, and the difference.
    """
    published = by_value(comparisons)
    longest = max((len(line.policy) for line in summary.lines), default=0)
    heads = [Column("policy", width=max(28, min(longest + 2, 48))), Column("reranker", width=26)]
    heads.append(Column("k", "count", 6))
    compared, rows = {}, list[Sequence[object]]()
    for column in summary.columns:
        group = f"{column.title}\n{column.metric}"
        heads += [
            Column("value", "percent", 10, group), Column(summary.head(column) or "gain", "gain", 9, group),
            Column("problems", "count", 14, group, is_detail=True), Column("failed", "count", 9, group, is_detail=True),
            Column("gain from", "end", 11, group, is_detail=True), Column("gain to", "end", 11, group, is_detail=True),
        ]  # fmt: skip
        compared[column] = [each for (_, place, _, _), each in published.items() if place == column]
        if compared[column]:
            # Words on what differs need more room than a difference.
            width = 40 if any(each.remarks for each in compared[column]) else 12
            heads += [Column("published", "percent", 11, group), Column("difference", "gain", width, group)]
    for line in summary.lines:
        row: list[object] = [line.policy, reranker_label(line.reranker), line.k]
        for column in summary.columns:
            row += _full_cells(line.cells.get(column))
            if compared[column]:
                row += _published_cells(published.get((line.policy, column, line.reranker, line.k)))
        rows.append(row)
    notes = ["", *_REMARKS, *([f"Baselines: {summary.meanings}."] if summary.meanings else [])]
    notes += [_PUBLISHED_REMARK] if published else []
    return Table("", heads, rows, notes, name="summary", frozen=3)


def _full_cells(cell: Cell | None) -> list[object]:
    if cell is None:
        return [None] * 6
    row = cell.row
    problems = f"{row.n_problems:,} of {row.n_total:,}" if row.is_partial else row.n_problems
    # Words where there are no ends: nothing has a colour then.
    ends = (cell.interval or None,) * 2 if cell.gain_low is None else (cell.gain_low, cell.gain_high)
    value, gain = WITHHELD if row.value is None else row.value, "baseline" if cell.is_baseline else cell.gain
    return [value, gain, problems, row.n_failed, *ends]


def _published_cells(comparison: Comparison | None) -> list[object]:
    if comparison is None:
        return [None, None]
    difference: object = comparison.remark or comparison.difference
    if not comparison.remark and comparison.difference is not None and comparison.manner:
        difference = f"{shown(comparison.difference, 'gain')} ({comparison.manner})"
    return [comparison.published, difference]
