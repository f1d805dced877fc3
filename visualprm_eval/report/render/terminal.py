"""The results in the terminal."""

from __future__ import annotations

import os
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from visualprm_eval.report.render.markdown import point_text
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.tables.published import HEADER, shown_rows
from visualprm_eval.report.tables.summary import (
    ABOUT_INTERVALS,
    ABSENT,
    FIRST_K,
    WITHHELD,
    Cell,
    Column,
    Curve,
    Summary,
    column_titles,
    counts,
    curve_titles,
    curves,
    failure_line,
    notes,
    reranker_label,
    summarise,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from visualprm_eval.report.results import Results

MAX_NOTES = 5
_NAMES_WIDTH, _CELL_WIDTH = 50, 15
_NAME_WIDTH = 17
"""Of a reranker's name: as many characters stay in one line."""


def print_table(results: Results, console: Console | None = None, files: Sequence[Path] = ()) -> None:
    """Prints the summary, the curves over k, what is missing, the notes, one line on failures and one on the files.

    Names and messages are shown literally, whatever markup they hold.

    Args:
        results: What to show.
        console: Where to print; standard output unless given.
        files: Written reports to point at.
    """
    console = console or Console(highlight=False)
    summary = summarise(results.rows, results.insight)
    for columns in _fitting(summary.columns, console.width):
        console.print(_summary_table(summary, columns))
    for line in _about_gains(summary):
        console.print(Text(line, style="dim"))
    if results.comparisons:
        _print_published(results, console)
    all_curves = curves(results.rows)
    if len({k for curve in all_curves for k in curve.points}) > 1:
        for table in _curve_tables(all_curves):
            console.print(table)
    if results.insight.banner:
        console.print(_text(results.insight.banner, "bold red"))
    lines = notes(results.rows)
    for line in lines[:MAX_NOTES]:
        console.print(Text(f"Note: {line}", style="yellow"))
    if len(lines) > MAX_NOTES:
        console.print(Text(f"Note: {len(lines) - MAX_NOTES} more notes in results.csv", style="yellow"))
    console.print(Text(failure_line(results.failures), style="red" if results.failures else "green"))
    if files:
        console.print(Text(written(files)), soft_wrap=True)


def written(files: Sequence[Path]) -> str:
    """Where the reports are, the folder that they share named once."""
    folder = Path(os.path.commonpath([path.parent for path in files]))
    return f"Written to {one_line(str(folder))}: " + ", ".join(
        one_line(str(path.relative_to(folder))) for path in files
    )


def _fitting(columns: Sequence[Column], width: int) -> Iterator[tuple[Column, ...]]:
    """Splits the benchmarks over as many tables as the terminal's width asks for."""
    size = max(1, (width - _NAMES_WIDTH) // _CELL_WIDTH)
    for start in range(0, max(1, len(columns)), size):
        yield tuple(columns[start : start + size])


def _text(value: str, style: str = "") -> Text:
    return Text(one_line(value), style=style)


def _summary_table(summary: Summary, columns: Sequence[Column]) -> Table:
    table = Table(title="Values in percent at the largest k (gain in points)", title_justify="left")
    table.add_column("policy", overflow="fold")
    longest = max((len(reranker_label(line.reranker)) for line in summary.lines), default=0)
    table.add_column("reranker", overflow="fold", min_width=min(longest, _NAME_WIDTH))
    table.add_column("k", justify="right")
    titles = column_titles(summary.columns)
    for column in columns:
        head = _text(titles[column])
        if over := summary.head(column):
            head.append(f"\n{one_line(over)}", style="dim")
        table.add_column(head, justify="right", overflow="fold")
    for policy in dict.fromkeys(line.policy for line in summary.lines):
        lines = [line for line in summary.lines if line.policy == policy]
        shown = [line for line in lines if any(column in line.cells for column in columns)]
        for place, line in enumerate(shown):
            texts = [_cell(line.cells.get(column)) for column in columns]
            owner = policy if place == 0 else ""
            table.add_row(_text(owner), _text(reranker_label(line.reranker)), str(line.k), *texts)
        spans = [_text(counts(lines, column), "dim") for column in columns]
        if shown:
            table.add_row("", _text("problems (failed)", "dim"), "", *spans, end_section=True)
    return table


def _about_gains(summary: Summary) -> Iterator[str]:
    """What must be known to read gains, where there are any."""
    if any(cell.ends for line in summary.lines for cell in line.cells.values()):
        yield ABOUT_INTERVALS
    if summary.meanings:
        yield f"Gains are over the baseline in the head ({summary.meanings})"


def _cell(cell: Cell | None) -> Text:
    """A value with its gain, and the gain's interval below."""
    shown = ABSENT if cell is None else cell.text
    text = _text(shown, "yellow" if shown == WITHHELD else "")
    if cell is not None and cell.interval:
        text.append(f"\n{cell.interval}", style="dim")
    return text


def _print_published(results: Results, console: Console) -> None:
    """Prints published figures beside ours, and below, by letters and numbers, where they are from and what differs."""
    table = Table(title="Beside published figures (difference in points)", title_justify="left")
    for title in HEADER[:-1]:
        number = title in {"k", "ours", "published", "difference"}
        table.add_column(title, justify="right" if number else "left", overflow="fold", no_wrap=number)
    sources = dict.fromkeys(each.source for each in results.comparisons)
    letters = dict(zip(sources, ascii_lowercase, strict=False))
    remarks = dict.fromkeys(each.remarks for each in results.comparisons if each.remarks)
    numbers = {remark: f" ({number})" for number, remark in enumerate(remarks, 1)}
    before = ""
    for each, row in zip(results.comparisons, shown_rows(results.comparisons), strict=True):
        policy, *cells, published, difference, _ = row
        if policy != before and before:
            table.add_section()
        owner, before = "" if policy == before else policy, policy
        marked = (f"{published} {letters.get(each.source, each.source)}", difference + numbers.get(each.remarks, ""))
        table.add_row(*map(_text, (owner, *cells, *marked)))
    console.print(table)
    from_where = "Published: " + "; ".join(f"{letter} {source}" for source, letter in letters.items())
    for line in (from_where, *(f"{mark.strip()} {remark}" for remark, mark in numbers.items())):
        console.print(_text(line, "dim"))


def _curve_tables(all_curves: Sequence[Curve]) -> Iterator[Table]:
    """One table over k per benchmark."""
    for column, title in curve_titles(all_curves).items():
        chosen = [curve for curve in all_curves if curve.column == column]
        ks = sorted({k for curve in chosen for k in curve.points})
        table = Table(title=_text(f"{title} over k, in percent, {FIRST_K}"), title_justify="left")
        table.add_column("policy", overflow="fold")
        table.add_column("reranker", overflow="fold")
        for k in ks:
            table.add_column(f"k = {k}", justify="right", no_wrap=len(ks) < 6)
        policies = [curve.policy for curve in chosen]
        for curve, before, after in zip(chosen, ["", *policies], [*policies[1:], ""], strict=False):
            owner = "" if curve.policy == before else curve.policy
            values = [_text(point_text(curve, k)) for k in ks]
            table.add_row(
                _text(owner), _text(reranker_label(curve.reranker)), *values, end_section=curve.policy != after
            )
        yield table
