"""``results.md``: the summary, the curves, the notes and the failures as GitHub Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.tables.published import HEADER, shown_rows
from visualprm_eval.report.tables.summary import (
    ABSENT,
    FIRST_K,
    NOT_SHOWN,
    WITHHELD,
    Cell,
    Curve,
    Line,
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
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from visualprm_eval.report.results import Results

MAX_NOTES = 40
MAX_FAILURES = 20
_PUBLISHED_NUMBERS = slice(HEADER.index("ours"), HEADER.index("difference") + 1)
# What acts inside a line of GitHub Markdown: code, emphasis, links, HTML, entities, tables, strikethrough, formulas.
# An underscore between letters or digits does not.
_ACTIVE = re.compile(
    r"[\\`*\[\]<>&|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<=[A-Za-z])(?=://)|(?<=www)(?=\.)", re.IGNORECASE
)


def escape(text: str) -> str:
    """Text as one line of Markdown that shows it literally: no markup, no table bars, no links."""
    return _ACTIVE.sub(lambda match: "\\" + match[0], one_line(text))


def write_markdown(path: Path, results: Results, picture: str | None) -> None:
    """Writes the report.

    Args:
        path: The file to write.
        results: What to show.
        picture: The name of the plot beside it, ``None`` when there is none.

    Raises:
        OSError: The file cannot be written.
    """
    path.write_text(render(results, picture), encoding="utf-8")


def render(results: Results, picture: str | None = None) -> str:
    """The whole report as Markdown."""
    summary = summarise(results.rows, results.insight)
    banner = results.insight.banner
    parts = ["# Results", *([f"**{escape(banner)}**"] if banner else []), *_summary(summary)]
    if picture:
        parts.append(f"![Values against k]({picture})")
    parts += _published(results)
    parts += _curves(curves(results.rows))
    parts += _notes(notes(results.rows))
    parts += _failures(results)
    return "\n\n".join(parts) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], numbers: slice) -> str:
    """A table whose columns in ``numbers`` are numbers, the others text; cells are escaped."""
    marks = ["---"] * len(header)
    marks[numbers] = ["---:"] * len(marks[numbers])
    lines = [[escape(title) for title in header], marks, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _summary(summary: Summary) -> list[str]:
    if not summary.lines:
        return ["No values: nothing was evaluated."]
    titles = column_titles(summary.columns)
    rows: list[list[str]] = []
    for policy in dict.fromkeys(line.policy for line in summary.lines):
        lines = [line for line in summary.lines if line.policy == policy]
        rows += [_summary_row(line, summary) for line in lines]
        rows.append([policy, "problems (failed)", "", *(counts(lines, column) for column in summary.columns)])
    heads = [", ".join(filter(None, (titles[column], summary.head(column)))) for column in summary.columns]
    header = ["policy", "reranker", "k", *heads]
    metrics = ", ".join(
        dict.fromkeys(escape(column.metric) for column in summary.columns if column.benchmark != OVERALL)
    )
    text = f"Values in percent ({metrics}) at the largest k; in brackets the gain in points"
    intervals = any(cell.ends for line in summary.lines for cell in line.cells.values())
    text += f", with its 95% interval ({escape(NOT_SHOWN)}: it contains 0, so no gain is shown)." if intervals else "."
    if summary.meanings:
        text += f" Gains are over the baseline that a column's head names ({escape(summary.meanings)})."
    return [text, _table(header, rows, slice(2, None))]


def _published(results: Results) -> list[str]:
    if not results.comparisons:
        return []
    text = "Ours less published, in points; no difference where the two are not of the same thing."
    return ["## Beside published figures", text, _table(HEADER, shown_rows(results.comparisons), _PUBLISHED_NUMBERS)]


def _summary_row(line: Line, summary: Summary) -> list[str]:
    cells = [_cell(line.cells[column]) if column in line.cells else ABSENT for column in summary.columns]
    return [line.policy, reranker_label(line.reranker), str(line.k), *cells]


def _cell(cell: Cell) -> str:
    return f"{cell.text[:-1]}; {cell.interval})" if cell.interval else cell.text


def _curves(all_curves: Sequence[Curve]) -> list[str]:
    """One table over k per benchmark; nothing when there is only one k."""
    if len({k for curve in all_curves for k in curve.points}) < 2:
        return []
    parts = ["## Over k", f"Values {FIRST_K}; those expected of k candidates: results.xlsx and report.html."]
    for column, title in curve_titles(all_curves).items():
        chosen = [curve for curve in all_curves if curve.column == column]
        ks = sorted({k for curve in chosen for k in curve.points})
        rows = [[curve.policy, reranker_label(curve.reranker), *(point_text(curve, k) for k in ks)] for curve in chosen]
        header = ["policy", "reranker", *(f"k = {k}" for k in ks)]
        parts += [f"### {escape(title)}", _table(header, rows, slice(2, None))]
    return parts


def point_text(curve: Curve, k: int) -> str:
    """The value of a curve at k, or what stands where there is none."""
    if k not in curve.points:
        return ABSENT
    value = curve.points[k]
    return WITHHELD if value is None else f"{value:.1f}"


def _notes(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    shown = [f"- Note: {escape(line)}" for line in lines[:MAX_NOTES]]
    if len(lines) > MAX_NOTES:
        shown.append(f"- and {len(lines) - MAX_NOTES:,} more notes in results.csv")
    return ["## Notes", "\n".join(shown)]


def _failures(results: Results) -> list[str]:
    if not results.failures:
        return ["## Failures", "None."]
    rows = [
        (f.stage, f.benchmark, f.index, "" if f.rank is None else str(f.rank), one_line(f.message, 200))
        for f in results.failures[:MAX_FAILURES]
    ]
    table = _table(("stage", "benchmark", "index", "rank", "message"), rows, slice(0))
    parts = ["## Failures", escape(failure_line(results.failures)), table]
    if len(results.failures) > MAX_FAILURES:
        parts.append(f"and {len(results.failures) - MAX_FAILURES:,} more: sheet failures of results.xlsx.")
    return parts
