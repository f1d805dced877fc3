"""The results in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.step_label_page import shown
from visualprm_eval.report.render.terminal import written
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.tables import step_labels as tables
from visualprm_eval.report.tables.step_labels import Sheet

__all__ = ["print_process_results"]


def print_process_results(results: ProcessResults, console: Console | None = None, files: Sequence[Path] = ()) -> None:
    """Prints the summary beside the published figures, the thresholds, and what failed.

    Args:
        results: What to show.
        console: Where to print; standard output unless given.
        files: Written reports to point at.
    """
    console = console or Console(highlight=False)
    title = f"{results.process_set.name}: macro F1 in percent, Overall over all steps"
    console.print(_table(tables.table_3(results), title))
    if (sheet := tables.thresholds(results)).rows:
        console.print(_table(sheet, "Thresholds"))
    if results.remarks:
        console.print(Text(f"Note: partial set: {one_line('; '.join(results.remarks))}", style="yellow"))
    number = len(results.failures)
    said = f"{number:,} solutions could not be scored" if number else "nothing failed"
    console.print(Text(said, style="red" if number else "green"))
    if files:
        console.print(Text(written(files)), soft_wrap=True)


def _table(sheet: Sheet, title: str) -> Table:
    table = Table(title=Text(title), title_justify="left")
    for place, (name, kind) in enumerate(sheet.columns):
        # Where it is narrow, the long texts at the right are folded and not the names.
        justify: Literal["left", "right"] = "left" if kind == "text" else "right"
        table.add_column(Text(name), justify=justify, overflow="fold", no_wrap=place == 0)
    for row in sheet.rows:
        cells = (shown(value, kind) for value, (_, kind) in zip(row, sheet.columns, strict=True))
        table.add_row(*(Text(one_line(cell)) for cell in cells))
    return table
