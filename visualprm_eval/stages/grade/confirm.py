"""The host's own word on the values that count: it evaluates the whole table of picks behind each of them.

Values are made from verdicts on single texts. For every reranker that picks, at the largest k, the host also evaluates
the picks as one table, as if they were a model's only answers, and its figure must be ours. Where a judge helped, its
replies are known by then, so this asks nothing new. Empty replies are wrong without the host, which might roll dice for
an empty cell: they stay out of the table, with what the metric counts together with them, and our value is taken over
the same rest. Of a benchmark without a task of its own the host's figure decides:
where it is not the mean of the verdicts, all values become figures of whole tables (``stages.grade.table_figures``).
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import GradingError
from visualprm_eval.stages.cell_values import Headline, evaluate_cell, headlines, study_of
from visualprm_eval.stages.grade.metric_notes import (
    explained,
    host_metric,
    is_whole,
    keep_figure,
    known_figure,
    note_metric,
)
from visualprm_eval.stages.grade.table_figures import grade_tables

if TYPE_CHECKING:
    from visualprm_eval.host.grading.host_figures import HostFigure
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.stages.experiment import Cell, RunState

__all__ = [
    "check_headlines",
]


def check_headlines(session: RunState, tally: Asked) -> None:
    """Lets the host evaluate the tables of picks that it has not seen yet, and compares.

    Cells for which the host says something else go into ``session.unconfirmed``, and cells without a figure that is
    needed into ``session.ungraded``; the reasons are printed.

    Args:
        session: A session whose texts are graded.
        tally: Counts the requests to the judge.
    """
    for cell in session.cells:
        if is_whole(session, cell):
            continue
        study = study_of(session, cell, session.facts(cell))
        for headline in headlines(*evaluate_cell(session, cell, study, session.ks(cell)[-1:]), cell.benchmark):
            try:
                _check(session, cell, headline, tally)
            except GradingError as error:
                print(f"error: {error}", file=sys.stderr)
                session.unconfirmed.append(cell.label)
    ungraded = set(session.ungraded)  # A table that the host cannot evaluate must not cost another policy its own.
    for cell in session.cells:  # Now it is known which they are.
        if is_whole(session, cell) and cell.benchmark.name not in ungraded:
            try:
                grade_tables(session, cell, tally)
            except GradingError as error:
                print(f"error: {error}", file=sys.stderr)
                session.ungraded.append(cell.benchmark.name)


def _check(session: RunState, cell: Cell, headline: Headline, tally: Asked) -> None:
    """One value against the host's figure, which is asked for once.

    Raises:
        GradingError: They differ, or the host has no figure where it should.
    """
    from visualprm_eval.host.grading.host_figures import tolerance

    grading, row = session.grading(cell), headline.row
    figure = known_figure(session, cell, headline.texts)
    if figure is None:
        said = _asked(session, cell, headline, tally)
        if said is None:
            return
        if cell.benchmark.task.note:
            note_metric(session.store, grading, said.metric, whole=False)
        keep_figure(session, cell, headline.texts, said.value)
        figure = said.value
    near = tolerance(cell.benchmark, list(headline.texts))
    same = [figure, 100 * figure] if cell.benchmark.task.note else [figure]  # Some classes of the host count in parts.
    if any(abs(each - headline.value) <= near for each in same):
        return
    if not cell.benchmark.task.note:
        raise GradingError(
            f"{cell.label}: {row.reranker} at k = {row.k} is {headline.value:.3f} by the verdicts on its texts, but "
            f"the host's own figure of the whole table is {figure:.3f}; do not use either, and report this"
        )
    if not is_whole(session, cell):
        metric = host_metric(session, cell)
        note_metric(session.store, grading, metric, whole=True)
        print(
            f"note: {cell.benchmark.name}: the host's figure of {row.reranker} at k = {row.k} is {figure:.3f}, the "
            f"mean over the rows {headline.value:.3f}. {explained(metric)}",
            file=sys.stderr,
        )


def _asked(session: RunState, cell: Cell, headline: Headline, tally: Asked) -> HostFigure | None:
    """What the host makes of a table of graded texts."""
    from visualprm_eval.host.grading.grade_table import evaluate_table
    from visualprm_eval.host.grading.host_figures import countable

    indices = countable(cell.benchmark, list(headline.texts))
    with session.store.replies() if session.is_judged(cell) else nullcontext() as replies:
        return evaluate_table(
            cell.benchmark, {index: headline.texts[index] for index in indices},
            session.config.work_dir / "grading", session.judge, replies, known=True, tally=tally,
        ).take_figure()  # fmt: skip
