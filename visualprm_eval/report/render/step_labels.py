"""The result files of critics against labelled steps: the same views as of best-of-N, by the same renderers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from visualprm_eval.core.progress import track
from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import counted
from visualprm_eval.evaluate.step_labels.assess import POOLED
from visualprm_eval.evaluate.step_labels.results import ALL_POLICIES, CALIBRATION, ProcessResults
from visualprm_eval.report.render import csv
from visualprm_eval.report.render.file_set import Renewal, Shown, renew
from visualprm_eval.report.render.files import figure_files
from visualprm_eval.report.render.html import Section, appendix, page
from visualprm_eval.report.render.markdown import document, escape, markdown_table
from visualprm_eval.report.render.terminal import print_report
from visualprm_eval.report.table import Table, filled
from visualprm_eval.report.tables import records
from visualprm_eval.report.tables import step_labels as tables
from visualprm_eval.report.tables.glossary import glossary
from visualprm_eval.report.tables.values import all_values
from visualprm_eval.report.viewer.labelled_steps import labelled_steps

_MACRO_F1 = "Macro F1 of correct and incorrect steps in percent, neutral steps left out; Overall pools all steps."
_COMPARISONS = (
    "Every pair of critics on the samples that both scored: paired bootstrap over these, p corrected for all that are "
    "compared with the same critic. Better and worse: samples on which more or fewer steps are called what they are."
)
_MANY_STEPS = 20_000


def renew_process_reports(folder: Path, results: ProcessResults) -> Renewal:
    """Writes ``results.csv``, ``results.xlsx``, ``results.md``, ``report.html`` and the figures, all or none.

    Args:
        folder: Where the files go, in place of those of the former report there; made when it is missing.
        results: What they show.

    Raises:
        ConfigError: A file cannot be written; those of the former report are still there.
    """
    # matplotlib is only worth its import time when files are written.
    from visualprm_eval.report.render.step_label_figures import draw_figures

    figures = draw_figures(results)
    contents: dict[str, Callable[[], bytes | str]] = {
        "results.csv": lambda: csv.render(all_values(results.rows)),
        "results.xlsx": lambda: render_workbook(results),
        "results.md": lambda: render_markdown(results, {name: f"figures/{name}.png" for name in figures}),
        "report.html": lambda: render_page(results, {name: files["svg"] for name, files in figures.items()}),
        **figure_files(figures),
    }
    return renew(folder, contents, shown_by(results))


def shown_by(results: ProcessResults) -> Shown:
    """Whose opinions a report shows, and of how many solutions."""
    critics = [one.opinion.critic for one in results.assessments]
    return Shown({"critics": critics}, {"solutions": len(results.process_set.samples)})


def _partial(results: ProcessResults) -> str:
    return f"{tables.PARTIAL}: {'; '.join(results.remarks)}" if results.remarks else ""


def _sections(results: ProcessResults) -> list[Section]:
    """The chapters of the page and of the Markdown file."""
    samples, bad = results.process_set.samples, results.process_set.bad
    steps = sum(len(sample.steps) for sample in samples)
    intro = [_MACRO_F1, f"{counted(len(samples), 'solution')} with {counted(steps, 'step')}."]
    if bad:
        intro.append(f"{counted(len(bad), 'line')} of the file cannot be used: sheet bad lines of results.xlsx.")
    notes = [
        one_line(f"{row.reranker}, {row.metric}: {row.note}")
        for row in results.rows
        if row.policy == ALL_POLICIES and row.split == POOLED and row.note
    ]
    errors = [
        f"Expected calibration error of {one.opinion.critic}: {error:.1f}."
        for one in results.assessments
        if (error := results.value(one.opinion.critic, POOLED, CALIBRATION)) is not None
    ]
    return [
        Section(
            "summary", "Summary", intro, [replace(tables.table_3(results), title="")], notes,
            tables=filled(tables.per_source(results)),
        ),
        Section(
            "thresholds", "Thresholds", figures={"f1-threshold": "F1 against the threshold"},
            tables=filled(replace(tables.thresholds(results), title=""), tables.f1_by_threshold(results)),
        ),
        Section(
            "comparisons", "Comparisons", [_COMPARISONS],
            tables=filled(replace(tables.comparisons(results), title="")),
        ),
        Section(
            "losses", "Where critics err", figures={"error-by-step": "errors by place of the step"},
            tables=filled(*tables.breakdowns(results)),
        ),
        Section(
            "calibration", "Calibration", errors, figures={"reliability": "reliability of scores"},
            tables=filled(replace(tables.calibration(results), title="")),
        ),
    ]  # fmt: skip


def _failure_line(results: ProcessResults) -> str:
    number = len(results.failures)
    return f"{counted(number, 'solution')} could not be scored" if number else "nothing failed"


def render_page(results: ProcessResults, figures: Mapping[str, bytes]) -> str:
    """``report.html``, with the solutions in the viewer; ``figures`` are SVG files by name."""
    critics, provenance = [one.opinion.critic for one in results.assessments], [records.protocol(results.protocol)]
    return page(
        "Critics against labelled steps", one_line(f"{', '.join(critics)} on {results.process_set.name}"),
        sections=_sections(results), figures=figures, viewer=labelled_steps(results), banner=_partial(results),
        appendix=appendix(provenance, results.failures, f"{_failure_line(results)}.", tables.bad_lines(results)),
    )  # fmt: skip


def render_markdown(results: ProcessResults, figures: Mapping[str, str]) -> str:
    """``results.md``, without tables that the page folds; ``figures`` are files beside it by name."""
    parts, notes = list[str](), list[str]()
    for section in _sections(results):
        pictures = [f"![{name}]({figures[name]})" for name in section.figures if name in figures]
        shown = [table for table in (*section.lead, *section.tables) if not table.is_folded]
        if shown or pictures:
            parts += [f"## {section.title}", *map(escape, section.intro), *pictures]
        for table in shown:
            parts += [*([f"### {escape(table.title)}"] if table.title else []), markdown_table(table)]
        notes += [f"- Note: {escape(note)}" for note in section.notes]
    failed = f"{_failure_line(results)}."
    return document(results.process_set.name, _partial(results), parts, notes, failed=failed, failures=results.failures)


def render_workbook(results: ProcessResults, max_rows: int | None = None) -> bytes:
    """``results.xlsx``: the tables of the page, every step with its label, score and verdict, and what was left out.

    Args:
        results: What to show.
        max_rows: Rows that a sheet may hold; more go on in sheets called ``steps 2`` and so on.
    """
    # openpyxl is only worth its import time when files are written.
    from visualprm_eval.report.render.xlsx import MAX_SHEET_ROWS, new_book, saved, write_table

    book = new_book()
    steps = tables.steps(results)
    for table in (
        tables.table_3(results), tables.per_source(results), tables.thresholds(results),
        tables.f1_by_threshold(results), tables.comparisons(results), *tables.breakdowns(results),
        tables.calibration(results), replace(steps, rows=_tracked(results, steps)), all_values(results.rows),
        tables.bad_lines(results), records.protocol(results.protocol), records.failures(results.failures),
        glossary(),
    ):  # fmt: skip
        write_table(book, table, max_rows or MAX_SHEET_ROWS)
    return saved(book)


def _tracked(results: ProcessResults, steps: Table) -> Iterator[Sequence[object]]:
    """All steps; a progress display tells how far they are when there are so many that it takes long."""
    number = len(results.assessments) * sum(len(sample.steps) for sample in results.process_set.samples)
    if number < _MANY_STEPS:
        yield from steps.rows
        return
    with track("write the steps into results.xlsx", number) as tracker:
        for row in steps.rows:
            yield row
            tracker.advance()


def print_process_results(results: ProcessResults, console: Console | None = None, files: Sequence[Path] = ()) -> None:
    """Prints the summary beside the published figures, the thresholds, what failed, and where the files are.

    Args:
        results: What to show.
        console: Where to print; standard output unless given.
        files: Written reports to point at.
    """
    summary = tables.table_3(results)
    summary = replace(summary, title=f"{results.process_set.name}: {summary.title}")
    remarks = {f"Note: {_partial(results)}": "yellow"} if results.remarks else {}
    remarks[_failure_line(results)] = "red" if results.failures else "green"
    print_report(filled(summary, tables.thresholds(results)), remarks, console, files)
