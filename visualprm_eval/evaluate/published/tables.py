"""Figures that papers printed: the tables in ``results/published``, which is their one place.

They are facts of the papers named below, in percent, as printed. An empty cell is a figure that the paper does not
give. They stand beside our own figures and never among them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from visualprm_eval.core.errors import UnknownNameError, VisualPRMEvalError

_VISUALPRM = "arXiv:2503.10291v1"
TABLES: Mapping[str, tuple[str, str]] = {
    "table2_best_of_8": (_VISUALPRM, "table 2"),
    "table3_visualprocessbench": (_VISUALPRM, "table 3"),
    "table4_critics_and_aggregation": (_VISUALPRM, "table 4"),
    "table5_text_only_best_of_8": (_VISUALPRM, "table 5"),
    "table6_7_best_of_n": (_VISUALPRM, "tables 6 and 7"),
    "table8_threshold_and_temperature": (_VISUALPRM, "table 8"),
    "internvl3_best_of_8": ("", ""),  # Several papers: each row names its own.
}
"""Names of the tables, each with its paper and the table's name there."""

_LABELS = frozenset({"policy", "params", "selector", "n", "source", "critic", "supervision", "aggregation", "setting"})
"""Columns that say what a row is about; all others are figures."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of a paper's table.

    Attributes:
        paper: The paper, as an arXiv number with its version.
        table: The table in that paper.
        labels: What the row is about: ``policy``, ``selector``, ``n``, ``critic`` ... as text, ``""`` where not given.
        values: Its figures in percent by column, such as ``"MathVerse-VO"``; a figure that is not given is absent.
    """

    paper: str
    table: str
    labels: Mapping[str, str]
    values: Mapping[str, float]


@cache
def published_rows(name: str) -> tuple[PublishedRow, ...]:
    """The rows of a table in the paper's order.

    Args:
        name: One of ``TABLES``, such as ``"table2_best_of_8"``.

    Raises:
        UnknownNameError: There is no such table.
        VisualPRMEvalError: A figure of it is no number.
    """
    if name not in TABLES:
        raise UnknownNameError("published table", name, TABLES)
    file = files("visualprm_eval") / "published_tables" / f"{name}.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    return tuple(_row(name, number, cells) for number, cells in enumerate(csv.DictReader(lines), start=2))


def _row(name: str, number: int, cells: Mapping[str, str]) -> PublishedRow:
    paper, table = TABLES[name]
    labels = {column: text for column, text in cells.items() if column in _LABELS}
    if not paper:
        paper, _, table = labels["source"].partition(" ")
    try:
        values = {column: float(text) for column, text in cells.items() if column not in _LABELS and text}
    except ValueError as error:
        raise VisualPRMEvalError(f"{name}.csv, line {number}: {error}; expected figures in percent") from error
    return PublishedRow(paper, table, labels, values)
