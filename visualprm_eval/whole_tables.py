"""Benchmarks without a task of their own whose value is the host's figure of whole tables of picks.

The value of such a benchmark is the host's primary metric. Mostly that is the mean of the host's verdicts on single
texts, and values come from these as everywhere. But some graders say nothing of single texts, and some metrics are no
mean over the rows. Then the host evaluates the picks of each reranker at each k as one table, as if they were a model's
only answers, and its figure is the value. What needs verdicts on texts that were not picked (the oracle, random,
expected values) or draws problems again has no value there.

Which of the two it is, and what the host calls its metric, is noted in the store, so that reports need no host.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from visualprm_eval.bisect_tables import texts_not_taken
from visualprm_eval.errors import GraderStumbledError
from visualprm_eval.host.usable import left_out_remark
from visualprm_eval.pools import needs_all_verdicts
from visualprm_eval.progress import track
from visualprm_eval.types import JSONValue, Problem, Spec, digest, text_id
from visualprm_eval.versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.cells import Cell
    from visualprm_eval.columns import Columns
    from visualprm_eval.evaluate import TableFigure
    from visualprm_eval.host.figures import HostFigure
    from visualprm_eval.host.judging import Asked
    from visualprm_eval.session import Session
    from visualprm_eval.store import Store

__all__ = [
    "explained",
    "grade_tables",
    "has_verdicts",
    "host_metric",
    "is_whole",
    "keep_figure",
    "known_figure",
    "lacks_figures",
    "note_metric",
    "remark_of",
    "stored_figures",
    "to_grade",
    "try_out",
]

_METRIC, _BY_INDEX = "metric", "figures by index"
"""Kinds of notes on gradings: what is known of the host's metric, and the problems that older figures are of."""
_TRIED = "problems at the trial"
"""How many problems there were when a grader was tried out, in notes of what that showed."""
_REFERENCE = "reference answers"
"""Under which name the store keeps the host's figure of these, which tells best whether it counts in parts of 1."""


def note_metric(
    store: Store, grading: Spec, metric: str, *, whole: bool, verdicts: bool = True, tried: int | None = None
) -> None:
    """Keeps what is known of a benchmark without a task of its own.

    Args:
        store: Where it is kept.
        grading: The key of its verdicts and figures.
        metric: What the host calls its primary metric, ``""`` when that is not known yet.
        whole: Whether values are figures of whole tables, not means of verdicts.
        verdicts: Whether the grader leaves verdicts on single texts that are understood.
        tried: How many problems there were when the grader was tried out, if this is what that showed.
    """
    store.put_spec(grading)
    note: dict[str, JSONValue] = {"host metric": metric, "whole tables": whole, "verdicts": verdicts}
    store.put_note(_METRIC, grading.id, note if tried is None else {**note, _TRIED: tried})


def _notes(session: Session, cell: Cell) -> list[Mapping[str, Any]]:
    return [note for _, note in session.store.notes(_METRIC, session.grading(cell).id)]


def is_whole(session: Session, cell: Cell) -> bool:
    """Whether the values of a cell are the host's figures of whole tables."""
    if not cell.benchmark.task.note:
        return False
    return not has_verdicts(session, cell) or any(note["whole tables"] for note in _notes(session, cell))


def has_verdicts(session: Session, cell: Cell) -> bool:
    """Whether the host's grader leaves verdicts on single texts that are understood, as far as is known."""
    benchmark = cell.benchmark
    if not benchmark.task.note:
        return True
    if notes := _notes(session, cell):
        return all(note["verdicts"] for note in notes)
    if benchmark.dataset is None:  # There is no host to ask.
        return True
    from visualprm_eval.host.verdicts import leaves_verdicts

    return leaves_verdicts(benchmark)


def host_metric(session: Session, cell: Cell) -> str:
    """What the host calls its primary metric of a benchmark; ``""`` where it has not said so yet."""
    return next((note["host metric"] for note in reversed(_notes(session, cell)) if note["host metric"]), "")


def remark_of(session: Session, cell: Cell) -> Callable[[Sequence[Problem]], str]:
    """What must be said of the values of a cell: which rows stay out, which metric it is without a task of its own."""
    task, left_out = cell.benchmark.task, left_out_remark(cell.benchmark.left_out)
    if not task.note:
        return lambda problems: "; ".join(filter(None, (left_out, task.remark(problems))))
    metric = host_metric(session, cell)
    if is_whole(session, cell):
        units = "times 100" if _counts_in_parts(session, cell) else "in its own units"
        said = f"the host's primary metric{_in_brackets(metric)} of each table of picks, {units}"
    elif metric:
        said = f"the host's primary metric{_in_brackets(metric)}, here the mean over the rows"
    else:
        said = "mean over the rows; the host has named no single primary metric"
    return lambda _: "; ".join(filter(None, (left_out, said)))


def _in_brackets(metric: str) -> str:
    return f" ({metric})" if metric else ""


def known_figure(session: Session, cell: Cell, texts: Mapping[str, str]) -> float | None:
    """The host's own figure of a table of picks; ``None`` where it was not asked yet.

    Args:
        session: The run.
        cell: Whose picks they are.
        texts: The texts by the index of their problem.
    """
    store, grading_id = session.store, session.grading(cell).id
    figure = store.host_figure(grading_id, _selection(cell, texts))
    if figure is not None:
        return figure
    # Older stores named tables by the indices of their rows; what they had is of the problems that they had then.
    named = digest(sorted((index, text_id(text)) for index, text in texts.items()))
    wanted = {problem.id for problem in cell.benchmark.problems if problem.index in texts}
    for _, ids in store.notes(_BY_INDEX, grading_id):
        if wanted <= set(ids) and (figure := store.host_figure(grading_id, f"{named}-{digest(ids)}")) is not None:
            return figure
    return None


def keep_figure(session: Session, cell: Cell, texts: Mapping[str, str], figure: float) -> None:
    """Stores the host's own figure of a table of picks, see :func:`known_figure`."""
    session.store.put_host_figure(session.grading(cell).id, _selection(cell, texts), figure)


def _selection(cell: Cell, texts: Mapping[str, str]) -> str:
    """The name of a table of picks: their texts by the id of their problem; an index may stand for several problems."""
    ids = {problem.index: problem.id for problem in cell.benchmark.problems}
    return digest(sorted((ids[index], text_id(text)) for index, text in texts.items()))


def stored_figures(session: Session, cell: Cell) -> TableFigure | None:
    """Where the values of a cell come from: the stored figure of a table of picks, in percent.

    Returns:
        A function that knows no figure of a table that was not evaluated; no function for a cell whose values come from
        verdicts on texts.
    """
    if not is_whole(session, cell):
        return None
    factor = 100.0 if _counts_in_parts(session, cell) else 1.0

    def known(texts: Mapping[str, str]) -> float | None:
        figure = known_figure(session, cell, texts)
        return None if figure is None else factor * figure

    return known


def _counts_in_parts(session: Session, cell: Cell) -> bool:
    """Whether the host counts in parts of 1: no figure of its is greater."""
    greatest = session.store.greatest_host_figure(session.grading(cell).id)
    return greatest is not None and greatest <= 1


def lacks_figures(session: Session, cell: Cell) -> bool:
    """Whether the host has not evaluated all tables of a cell yet."""
    return is_whole(session, cell) and bool(_unseen(session, cell))


def to_grade(session: Session, cell: Cell) -> list[tuple[str, str, str]]:
    """Problem ids, text ids and texts that the host has still to look at, alone or in tables of picks."""
    texts = {item[:2]: item[2] for item in session.missing_verdicts(cell, retry_failed=session.config.retry_failed)}
    ids = {problem.index: problem.id for problem in cell.benchmark.problems}
    for table in _unseen(session, cell) if is_whole(session, cell) else ():
        texts |= {(ids[index], text_id(text)): text for index, text in table.items()}
    return [(*key, text) for key, text in texts.items()]


def _unseen(session: Session, cell: Cell) -> list[Mapping[str, str]]:
    """The tables of picks that the host has not evaluated."""
    from visualprm_eval.headlines import evaluate_cell

    unseen: list[Mapping[str, str]] = []
    known = stored_figures(session, cell)

    def note(texts: Mapping[str, str]) -> float | None:
        figure = None if known is None else known(texts)
        if figure is None:
            unseen.append(texts)
        return figure

    evaluate_cell(session, cell, session.facts(cell), session.ks(cell), whole=note)
    return unseen


def try_out(session: Session, cell: Cell) -> None:
    """Finds out on a table of reference answers what a grader leaves, before samples are paid for.

    Multiple-choice benchmarks that ask each question several times leave one verdict for all its rows, for example. The
    first problems may not show that, so a grader is tried again when there are more.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    if not cell.benchmark.task.note or not _is_to_try(session, cell):
        return
    from visualprm_eval.host.whole import try_grader

    with session.store.replies() if session.is_judged(cell) else nullcontext() as replies:
        trial = try_grader(cell.benchmark, session.config.work_dir / "grading", session.judge, replies)
    grading, metric = session.grading(cell), trial.figure.metric if trial.figure is not None else ""
    if trial.figure is not None:  # Before the note, after which nothing is tried any more.
        session.store.put_host_figure(grading.id, _REFERENCE, trial.figure.value)
    tried = len(cell.benchmark.problems)
    note_metric(session.store, grading, metric, whole=not trial.verdicts, verdicts=trial.verdicts, tried=tried)
    if not trial.verdicts:
        print(
            f"note: {cell.benchmark.name}: the host's grader leaves no verdict per row that is understood. "
            f"{explained(metric)}",
            file=sys.stderr,
        )


def _is_to_try(session: Session, cell: Cell) -> bool:
    """Whether more problems than a trial had may show something else than it did."""
    notes = _notes(session, cell)
    tried = max((note.get(_TRIED, 0) for note in notes), default=0)
    return all(note["verdicts"] for note in notes) and tried < len(cell.benchmark.problems)


def explained(metric: str) -> str:
    """What values of whole tables are, in a sentence."""
    return (
        f"Values are its primary metric{_in_brackets(metric)} of the picks of each reranker at each k, evaluated as "
        "one table; there are no intervals, and no values of oracle and random"
    )


def grade_tables(session: Session, cell: Cell, tally: Asked) -> None:
    """Lets the host evaluate the picks of each reranker at each k as one table; each figure is stored at once.

    A text that its grader cannot take becomes a failure.

    Args:
        session: A session whose picks have verdicts, where there are any.
        cell: One whose values are figures of whole tables.
        tally: Counts the requests to the judge.

    Raises:
        GradingError: The host cannot, or names no single primary metric. Figures that are stored stay.
    """
    from visualprm_eval.host.whole import whole_table_figure

    ks, grading, facts = session.ks(cell), session.grading(cell), session.facts(cell)
    choosers = [one for one in session.rerankers_of(cell) if not needs_all_verdicts(one)]
    splits = len({problem.split for problem in facts.problems})
    verdicts, directory = has_verdicts(session, cell), session.config.work_dir / "grading"
    with (
        track(f"grade {cell.label}, whole tables", len(choosers) * len(ks) * splits) as tracker,
        session.store.replies() if session.is_judged(cell) else nullcontext() as replies,
    ):

        def ask(texts: Mapping[str, str]) -> HostFigure:
            return whole_table_figure(cell.benchmark, texts, directory, session.judge, replies, tally=tally)

        def figure(texts: Mapping[str, str]) -> float | None:
            known = known_figure(session, cell, texts)
            if known is None:
                try:
                    said = ask(texts)
                except GraderStumbledError as error:
                    raise _StumbledError(texts) from error
                note_metric(session.store, grading, said.metric, whole=True, verdicts=verdicts)
                note_versions(session.store, grading)
                keep_figure(session, cell, texts, said.value)
                known = said.value
            tracker.advance()
            return known

        while (table := _stumbling_table(session, cell, facts, figure)) is not None:
            # What the grader cannot take leaves its pool, so that rerankers may now pick other texts.
            failed = [
                session.store.put_verdicts(grading.id, [failure])
                for failure in texts_not_taken(cell.benchmark.problems, table.texts, ask)
            ]
            if not any(failed) and table.__cause__ is not None:
                raise table.__cause__  # It raises over this table as a whole alone.
            facts = session.facts(cell)


def _stumbling_table(session: Session, cell: Cell, facts: Columns, figure: TableFigure) -> _StumbledError | None:
    """The first table of picks over which the host's grader raises; ``None`` when it has taken all."""
    from visualprm_eval.headlines import evaluate_cell

    try:
        evaluate_cell(session, cell, facts, session.ks(cell), whole=figure)
    except _StumbledError as stumbled:
        return stumbled
    return None


class _StumbledError(Exception):
    """The host's grader raised over a table of picks.

    Args:
        texts: The table.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__("the host's grader raised")
        self.texts = texts
