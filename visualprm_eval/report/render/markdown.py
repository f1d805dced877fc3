"""``results.md``: the summary, the curves, the notes and the failures as GitHub Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import counted
from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import NUMBERS, Kind, Stacked, Table, filled
from visualprm_eval.report.tables import records, statistics
from visualprm_eval.report.tables.published import ABOUT_PUBLISHED, published
from visualprm_eval.report.tables.summary import failure_line, notes, summarise
from visualprm_eval.report.tables.values import FIRST_K, first_k_tables, summary_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from visualprm_eval.evaluate.result_rows import Failure
    from visualprm_eval.report.results import Results

MAX_NOTES = 40
MAX_FAILURES = 20
# What acts inside a line of GitHub Markdown: code, emphasis, links, HTML, entities, tables, strikethrough, formulas.
# An underscore between letters or digits does not.
_ACTIVE = re.compile(
    r"[\\`*\[\]<>&|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=[A-Za-z])(?=://)|(?<=www)(?=\.)", re.IGNORECASE
)


def escape(text: str) -> str:
    """Text as one line of Markdown that shows it literally: no markup, no table bars, no links."""
    return _ACTIVE.sub(lambda match: "\\" + match[0], one_line(text))


def markdown_table(table: Table) -> str:
    """The columns and rows of a table, and its notes; numbers stand on the right."""
    titles = [escape(", ".join(column.title.split("\n"))) for column in table.columns]
    kinds = [column.kind for column in table.columns]
    marks = ["---:" if kind in NUMBERS else "---" for kind in kinds]
    rows = [[escape(_cell(value, kind)) for value, kind in zip(row, kinds, strict=True)] for row in table.rows]
    lines = "\n".join("| " + " | ".join(line) + " |" for line in (titles, marks, *rows))
    return "\n\n".join([lines, *map(escape, table.notes)])


def _cell(value: object, kind: Kind) -> str:
    """A value as text; what stands below it goes into its brackets."""
    if isinstance(value, Stacked):
        return f"{value.text.removesuffix(')')}; {value.below})" if value.below else value.text
    return shown(value, kind)


def render(results: Results, picture: str | None = None) -> str:
    """The whole report.

    Args:
        results: What to show.
        picture: The name of the plot beside it, ``None`` when there is none.
    """
    summary = summary_table(summarise(results.rows, results.insight))
    parts = ["No values: nothing was evaluated."]
    if results.rows:
        parts = [escape(summary.title), markdown_table(summary)]
    if picture:
        parts.append(f"![Values against k]({picture})")
    if results.comparisons:
        parts += ["## Beside published figures", ABOUT_PUBLISHED, markdown_table(published(results.comparisons))]
    if over_k := first_k_tables(results.rows):
        parts += ["## Over k", f"Values {FIRST_K}; those expected of k candidates: results.xlsx and report.html."]
        for table in over_k:
            parts += [f"### {escape(table.title)}", markdown_table(table)]
    for table in filled(statistics.steps(results.insight.steps)):
        parts += [f"## {escape(table.title)}", markdown_table(table)]
    lines = notes(results.rows)
    items = [f"- Note: {escape(line)}" for line in lines[:MAX_NOTES]]
    if len(lines) > MAX_NOTES:
        items.append(f"- and {counted(len(lines) - MAX_NOTES, 'more note')} in results.csv")
    failed = escape(failure_line(results.failures)) if results.failures else "None."
    return document("Results", results.insight.banner, parts, items, failed=failed, failures=results.failures)


def document(
    title: str, banner: str, parts: Sequence[str], items: Sequence[str], *, failed: str, failures: Sequence[Failure]
) -> str:
    """A whole file.

    Args:
        title: Its title.
        banner: What must be said on top, ``""`` for nothing.
        parts: What stands below that, as Markdown.
        items: Notes, as items of a list.
        failed: What failed in one line, as Markdown.
        failures: The failures, of which some are shown.
    """
    head = [f"# {escape(title)}", *([f"**{escape(banner)}**"] if banner else [])]
    end = ["## Notes", "\n".join(items)] if items else []
    table = [markdown_table(records.failures(failures, MAX_FAILURES))] if failures else []
    return "\n\n".join([*head, *parts, *end, "## Failures", failed, *table]) + "\n"
