"""Benchmarks without a task of their own whose value is the host's figure of whole tables of picks.

The value of such a benchmark is the host's primary metric. Mostly that is the mean of the host's verdicts on single
texts, and values come from these as everywhere. But some graders say nothing of single texts, and some metrics are no
mean over the rows. Then the host evaluates the picks of each reranker at each k as one table, as if they were a model's
only answers, and its figure is the value. What needs verdicts on texts that were not picked (the oracle, random,
expected values) or draws problems again has no value there.

Which of the two it is, and what the host calls its metric, is noted in the store, see ``metric_notes``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import GraderStumbledError
from visualprm_eval.core.progress import track
from visualprm_eval.core.types import text_id
from visualprm_eval.evaluate.benchmark_values import picked_tables
from visualprm_eval.stages.cell_values import study_of
from visualprm_eval.stages.grade.bisect_tables import texts_not_taken
from visualprm_eval.stages.grade.metric_notes import (
    REFERENCE,
    TRIED,
    explained,
    has_verdicts,
    is_whole,
    keep_figure,
    known_figure,
    note_metric,
    notes_on_metric,
)
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.host.grading.host_figures import HostFigure
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.stages.experiment import Cell, RunState

__all__ = [
    "grade_tables",
    "lacks_figures",
    "to_grade",
    "try_out",
]


def lacks_figures(session: RunState, cell: Cell) -> bool:
    """Whether the host has not evaluated all tables of a cell yet."""
    return is_whole(session, cell) and bool(_unseen(session, cell))


def to_grade(session: RunState, cell: Cell) -> list[tuple[str, str, str]]:
    """Problem ids, text ids and texts that the host has still to look at, alone or in tables of picks."""
    texts = {item[:2]: item[2] for item in session.missing_verdicts(cell, retry_failed=session.config.retry_failed)}
    ids = {problem.index: problem.id for problem in cell.benchmark.problems}
    for table in _unseen(session, cell) if is_whole(session, cell) else ():
        texts |= {(ids[index], text_id(text)): text for index, text in table.items()}
    return [(*key, text) for key, text in texts.items()]


def _unseen(session: RunState, cell: Cell) -> list[Mapping[str, str]]:
    """The tables of picks that the host has not evaluated."""
    return [texts for texts in _tables(session, cell) if known_figure(session, cell, texts) is None]


def _tables(session: RunState, cell: Cell) -> list[dict[str, str]]:
    """The tables of picks that the values of a cell are figures of."""
    return list(picked_tables(study_of(session, cell, session.facts(cell)), session.ks(cell)).values())


def try_out(session: RunState, cell: Cell) -> None:
    """Finds out on a table of reference answers what a grader leaves, before samples are paid for.

    Multiple-choice benchmarks that ask each question several times leave one verdict for all its rows, for example. The
    first problems may not show that, so a grader is tried again when there are more.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    if not cell.benchmark.task.note or not _is_to_try(session, cell):
        return
    from visualprm_eval.host.grading.grade_table import try_grader

    with session.store.replies() if session.is_judged(cell) else nullcontext() as replies:
        trial = try_grader(cell.benchmark, session.config.work_dir / "grading", session.judge, replies)
    grading, metric = session.grading(cell), trial.figure.metric if trial.figure is not None else ""
    if trial.figure is not None:  # Before the note, after which nothing is tried any more.
        session.store.put_host_figure(grading.id, REFERENCE, trial.figure.value)
    tried = len(cell.benchmark.problems)
    note_metric(session.store, grading, metric, whole=not trial.verdicts, verdicts=trial.verdicts, tried=tried)
    if not trial.verdicts:
        print(
            f"note: {cell.benchmark.name}: the host's grader leaves no verdict per row that is understood. "
            f"{explained(metric)}",
            file=sys.stderr,
        )


def _is_to_try(session: RunState, cell: Cell) -> bool:
    """Whether more problems than a trial had may show something else than it did."""
    notes = notes_on_metric(session, cell)
    tried = max((note.get(TRIED, 0) for note in notes), default=0)
    return all(note["verdicts"] for note in notes) and tried < len(cell.benchmark.problems)


def grade_tables(session: RunState, cell: Cell, tally: Asked) -> None:
    """Lets the host evaluate the picks of each reranker at each k as one table; each figure is stored at once.

    A text that its grader cannot take becomes a failure.

    Args:
        session: A session whose picks have verdicts, where there are any.
        cell: One whose values are figures of whole tables.
        tally: Counts the requests to the judge.

    Raises:
        GradingError: The host cannot, or names no single primary metric. Figures that are stored stay.
    """
    from visualprm_eval.host.grading.grade_table import evaluate_table

    grading, tables = session.grading(cell), _tables(session, cell)
    verdicts, directory = has_verdicts(session, cell), session.config.work_dir / "grading"
    with (
        track(f"grade {cell.label}, whole tables", len(tables)) as tracker,
        session.store.replies() if session.is_judged(cell) else nullcontext() as replies,
    ):

        def ask(texts: Mapping[str, str]) -> HostFigure:
            table = evaluate_table(cell.benchmark, texts, directory, session.judge, replies, tally=tally)
            figure = table.take_figure()
            if figure is None:
                raise table.no_figure
            return figure

        while tables:
            texts = tables.pop(0)
            if known_figure(session, cell, texts) is None:
                try:
                    said = ask(texts)
                except GraderStumbledError:
                    # What the grader cannot take leaves its pool, so that rerankers may now pick other texts.
                    failed = [
                        session.store.put_verdicts(grading.id, [failure])
                        for failure in texts_not_taken(cell.benchmark.problems, texts, ask)
                    ]
                    if not any(failed):
                        raise  # It raises over this table as a whole alone.
                    tables = _tables(session, cell)
                    continue
                note_metric(session.store, grading, said.metric, whole=True, verdicts=verdicts)
                note_versions(session.store, grading)
                keep_figure(session, cell, texts, said.value)
            tracker.advance()
