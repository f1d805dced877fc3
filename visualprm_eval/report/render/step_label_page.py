"""``results.md``: the summary in the layout of the paper's table 3, the other tables, notes and failures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from visualprm_eval.evaluate.step_labels.assess import POOLED
from visualprm_eval.evaluate.step_labels.results import ALL_POLICIES, CALIBRATION, ProcessResults
from visualprm_eval.report.render.markdown import MAX_FAILURES, escape
from visualprm_eval.report.render.text import one_line
from visualprm_eval.report.tables import step_labels as tables
from visualprm_eval.report.tables.step_labels import Sheet, Value

__all__ = ["render", "shown"]


def render(results: ProcessResults, pictures: Sequence[str] = ()) -> str:
    """The whole report as Markdown; ``pictures`` are files beside it."""
    process_set = results.process_set
    parts = [f"# {escape(process_set.name)}"]
    steps = sum(len(sample.steps) for sample in process_set.samples)
    parts.append(
        f"Macro F1 of correct and incorrect steps in percent, neutral steps left out; Overall pools the steps of all "
        f"sources. {len(process_set.samples):,} solutions with {steps:,} steps."
    )
    if results.remarks:
        parts.append(f"**Partial set:** {escape('; '.join(results.remarks))}")
    if process_set.bad:
        parts.append(f"{len(process_set.bad):,} lines of the file cannot be used: sheet bad lines of results.xlsx.")
    parts += [_table(tables.table_3(results)), "## Overalls and other metrics", _table(tables.per_source(results))]
    parts += _optional("Thresholds", tables.thresholds(results))
    parts += _optional("Comparisons (paired bootstrap over samples)", tables.comparisons(results))
    for sheet in tables.breakdowns(results):
        parts += _optional(sheet.title[0].upper() + sheet.title[1:], sheet)
    parts += _optional("Calibration", tables.calibration(results))
    for one in results.assessments:
        if (error := results.value(one.opinion.critic, POOLED, CALIBRATION)) is not None:
            parts.append(f"Expected calibration error of {escape(one.opinion.critic)}: {error:.1f}.")
    parts += [f"![{PurePosixPath(name).stem}]({name})" for name in pictures]
    parts += [*_notes(results), *_failures(results)]
    return "\n\n".join(parts) + "\n"


def shown(value: Value, kind: tables.Kind) -> str:
    """A value as text; ``-`` where there is none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return {"percent": f"{value:.1f}", "score": f"{value:.3f}"}.get(kind, f"{value:,}")


def _table(sheet: Sheet) -> str:
    marks = ["---" if kind == "text" else "---:" for _, kind in sheet.columns]
    rows = [[shown(value, kind) for value, (_, kind) in zip(row, sheet.columns, strict=True)] for row in sheet.rows]
    lines = [[escape(title) for title, _ in sheet.columns], marks, *([escape(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _optional(title: str, sheet: Sheet) -> list[str]:
    return [f"## {title}", _table(sheet)] if sheet.rows else []


def _notes(results: ProcessResults) -> list[str]:
    """The notes of the pooled values; those of all others are in results.csv."""
    wanted = (row for row in results.rows if row.policy == ALL_POLICIES and row.split == POOLED and row.note)
    lines = [f"- {escape(f'{row.reranker}, {row.metric}: {row.note}')}" for row in wanted]
    return ["## Notes on pooled values", "\n".join(lines)] if lines else []


def _failures(results: ProcessResults) -> list[str]:
    if not results.failures:
        return ["## Failures", "None."]
    lines = [f"- {escape(f.index)}: {escape(one_line(f.message, 200))}" for f in results.failures[:MAX_FAILURES]]
    if len(results.failures) > MAX_FAILURES:
        lines.append(f"- and {len(results.failures) - MAX_FAILURES:,} more: sheet failures of results.xlsx")
    return ["## Failures", f"{len(results.failures):,} solutions could not be scored.", "\n".join(lines)]
