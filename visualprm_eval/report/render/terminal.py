"""The results in the terminal."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich import table as rich_table
from rich.console import Console
from rich.text import Text

from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import counted
from visualprm_eval.evaluate.stats.step_counts import whole_solutions
from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import ABSENT, NUMBERS, WITHHELD, Column, Stacked, Table
from visualprm_eval.report.tables.published import published
from visualprm_eval.report.tables.summary import failure_line, notes, summarise
from visualprm_eval.report.tables.values import FIRST_K, first_k_tables, summary_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from visualprm_eval.report.results import Results

MAX_NOTES = 5
_NAMES_WIDTH, _VALUE_WIDTH = 50, 15
_NAME_WIDTH = 16
"""As many characters of a name stay in one line beside columns of values."""
_FEW_COLUMNS = 7
"""In so many columns numbers need not be folded."""


def print_table(results: Results, console: Console | None = None, files: Sequence[Path] = ()) -> None:
    """Prints the summary, the curves over k, what is missing, the notes, one line on failures and one on the files.

    Names and messages are shown literally, whatever markup they hold.

    Args:
        results: What to show.
        console: Where to print; standard output unless given.
        files: Written reports to point at.
    """
    summary = summary_table(summarise(results.rows, results.insight))
    tables = [replace(summary, title="Values in percent at the largest k (gain in points)")]
    if results.comparisons:
        tables.append(_footnoted(published(results.comparisons)))
    over_k = first_k_tables(results.rows)
    tables += [replace(table, title=f"{table.title} over k, in percent, {FIRST_K}") for table in over_k]
    lines = notes(results.rows)
    more = [f"{counted(len(lines) - MAX_NOTES, 'more note')} in results.csv"] if len(lines) > MAX_NOTES else []
    whole = whole_solutions(results.insight.steps)
    remarks = {
        results.insight.banner: "bold red",
        **({f"Note: {whole}": "yellow"} if whole else {}),
        **{f"Note: {line}": "yellow" for line in [*lines[:MAX_NOTES], *more]},
    }
    remarks[failure_line(results.failures)] = "red" if results.failures else "green"
    print_report(tables, remarks, console, files)


def print_report(
    tables: Iterable[Table], remarks: Mapping[str, str], console: Console | None, files: Sequence[Path]
) -> None:
    """Prints tables with their notes, then remarks, by text to style, and where the files are."""
    console = console or _Console(highlight=False)
    for table in tables:
        for part in terminal_tables(table, console.width):
            console.print(part)
        for note in table.notes:
            console.print(_text(note, "dim"))
    for remark, style in remarks.items():
        if remark:
            console.print(_text(remark, style))
    if files:
        console.print(Text(_written(files)), soft_wrap=True)


class _Console(Console):
    """A console that leaves it to its caller what becomes of output that nobody reads."""

    def on_broken_pipe(self) -> None:
        """Raises, where rich would end the process."""
        raise BrokenPipeError


def _written(files: Sequence[Path]) -> str:
    """Where the reports are, the folder that they share named once; the page's path comes last."""
    folder = Path(os.path.commonpath([path.parent for path in files]))
    names = ", ".join(one_line(str(path.relative_to(folder))) for path in files)
    pages = [f"\nPage: {one_line(str(path))}" for path in files if path.suffix == ".html"]
    return f"Written to {one_line(str(folder))}: {names}" + "".join(pages)


def _footnoted(table: Table) -> Table:
    """A table whose last column, of texts, is notes below it, which numbers lead to: there is no room for them."""
    *columns, last = table.columns
    marks = {text: f"({number})" for number, text in enumerate(dict.fromkeys(row[-1] for row in table.rows), 1)}
    rows = [(*row[:-1], marks[row[-1]]) for row in table.rows]
    notes = [f"{mark} {text}" for text, mark in marks.items()]
    return replace(table, columns=[*columns, last._replace(kind="name")], rows=rows, notes=notes)


def terminal_tables(table: Table, width: int) -> Iterator[rich_table.Table]:
    """A table as one or more of rich: columns of values are split over as many as the width asks for."""
    values = [number for number, column in enumerate(table.columns) if column.kind == "value"]
    others = [number for number, column in enumerate(table.columns) if column.kind != "value"]
    size = max(1, (width - _NAMES_WIDTH) // _VALUE_WIDTH)
    for start in range(0, max(1, len(values)), size):
        chosen = values[start : start + size]
        rows = [row for row in table.rows if not chosen or any(row[number] not in {None, ABSENT} for number in chosen)]
        yield _rich_table(table, [*others, *chosen], rows)


def _rich_table(table: Table, numbers: Sequence[int], rows: Sequence[Sequence[object]]) -> rich_table.Table:
    made = rich_table.Table(title=_text(table.title), title_justify="left")
    has_values = any(table.columns[number].kind == "value" for number in numbers)
    for number in numbers:
        title, kind, *_ = table.columns[number]
        first, *others = title.split("\n")
        head = _text(first)
        head.append("".join(f"\n{one_line(line)}" for line in others), style="dim")
        is_number = kind in NUMBERS and kind != "value"
        stays = has_values and kind not in NUMBERS and number > 0
        longest = max((len(shown(row[number], kind)) for row in rows if stays), default=0)
        no_wrap = number < table.frozen or (is_number and len(numbers) <= _FEW_COLUMNS)
        made.add_column(
            head, justify="right" if kind in NUMBERS else "left", overflow="fold", no_wrap=no_wrap,
            min_width=min(_NAME_WIDTH, longest),
        )  # fmt: skip
    before: object = None
    for row in rows:
        begins = row[0] != before
        if table.is_grouped and begins and before is not None:
            made.add_section()
        cells = [_cell(row[number], table.columns[number]) for number in numbers]
        if table.is_grouped and not begins:
            cells[0] = Text("")
        made.add_row(*cells)
        before = row[0]
    return made


def _cell(value: object, column: Column) -> Text:
    """A value, and below it what belongs there; words among numbers stand back."""
    if isinstance(value, Stacked):
        text = _text(value.text, "yellow" if value.text == WITHHELD else "")
        text.append(f"\n{one_line(value.below)}" if value.below else "", style="dim")
        return text
    style = "dim" if isinstance(value, str) and column.kind in NUMBERS else ""
    return _text(shown(value, column.kind), "yellow" if value == WITHHELD else style)


def _text(value: str, style: str = "") -> Text:
    return Text(one_line(value), style=style)
