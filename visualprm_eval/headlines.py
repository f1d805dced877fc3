"""The host's own word on the values that count: it evaluates the whole table of picks behind each of them.

Values are made from verdicts on single texts. For every reranker that picks, at the largest k, the host also evaluates
the picks as one table, as if they were a model's only answers, and its figure must be ours. Where a judge helped, its
replies are known by then, so this asks nothing new. Empty replies are wrong without the host, which might roll dice for
an empty cell: they stay out of the table, with what the metric counts together with them, and our value is taken over
the same rest. Of a benchmark without a task of its own the host's figure decides:
where it is not the mean of the verdicts, all values become figures of whole tables (``visualprm_eval.whole_tables``).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.errors import GradingError
from visualprm_eval.evaluate import TableFigure, evaluate_benchmark
from visualprm_eval.tasks.base import EXACT_MATCHING, HOSTS, UNJUDGED
from visualprm_eval.thoughts import is_empty_reply
from visualprm_eval.whole_tables import (
    explained,
    grade_tables,
    host_metric,
    is_whole,
    keep_figure,
    known_figure,
    note_metric,
    remark_of,
    stored_figures,
)

if TYPE_CHECKING:
    from visualprm_eval.cells import Cell
    from visualprm_eval.columns import Columns
    from visualprm_eval.host.benchmarks import Benchmark
    from visualprm_eval.host.figures import HostFigure
    from visualprm_eval.host.judging import Asked
    from visualprm_eval.outcomes import Pick, ResultRow
    from visualprm_eval.session import Session

__all__ = ["Headline", "check_headlines", "evaluate_cell", "headlines", "host_figure_name", "is_matched", "metric_of"]


@dataclass(frozen=True, slots=True)
class Headline:
    """One value with the texts behind it.

    Attributes:
        row: The value.
        texts: The picked text of each problem that the host is asked about, by its index.
        value: The value over these problems, in percent.
        n_apart: How many problems stay out because of empty replies.
    """

    row: ResultRow
    texts: dict[str, str]
    value: float
    n_apart: int = 0


def evaluate_cell(
    session: Session, cell: Cell, facts: Columns, ks: Sequence[int], whole: TableFigure | None = None
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark as its task counts them, and the picks at the largest k.

    Args:
        session: The run.
        cell: The policy and the benchmark.
        facts: All that is known of it.
        ks: Best of how many, ascending.
        whole: Where figures of whole tables come from, if values are such; the store when not given.
    """
    task = cell.benchmark.task
    return evaluate_benchmark(
        facts,
        session.rerankers_of(cell),
        ks,
        cell.answer,
        policy=cell.policy,
        benchmark=cell.benchmark.name,
        metric=metric_of(session, cell),
        grade_all=session.grades_all(cell),
        aggregate=task.aggregate,
        remark=remark_of(session, cell),
        n_total=cell.benchmark.total,
        picks_at=ks[-1:],
        whole=whole or stored_figures(session, cell),
        matched=is_matched(session, cell),
        n=cell.n,
    )


def metric_of(session: Session, cell: Cell) -> str:
    """What the values of a cell are called, marked where no judge was asked and one is usual.

    It is the task's metric, or the host's primary one where values are figures of whole tables.
    """
    task = cell.benchmark.task
    name = f"{HOSTS}{host_metric(session, cell) or 'primary metric'}" if is_whole(session, cell) else task.metric
    return f"{name}, {UNJUDGED}" if _is_unjudged(session, cell) else name


def _is_unjudged(session: Session, cell: Cell) -> bool:
    return cell.benchmark.task.host_judge != EXACT_MATCHING and not session.is_judged(cell)


def is_matched(session: Session, cell: Cell) -> bool:
    """Whether the host matches final answers of a cell, for which it usually asks a judge.

    It reads a yes or no out of whole texts: of benchmarks without a task of their own, those with options count.
    """
    benchmark = cell.benchmark
    finals = not benchmark.task.note or any(problem.choices for problem in benchmark.problems)
    return finals and _is_unjudged(session, cell)


def host_figure_name(session: Session, cell: Cell) -> str:
    """What the host's own figure is called in the protocol."""
    named = f" ({metric})" if (metric := host_metric(session, cell)) else ""
    name = f"primary metric{named}" if cell.benchmark.task.note else cell.benchmark.task.metric
    return f"the host's {name} of the whole table"


def headlines(rows: Sequence[ResultRow], picks: Sequence[Pick], benchmark: Benchmark) -> Iterator[Headline]:
    """The values at the largest k that stand on picks, as far as the host can be asked about them."""
    largest = max((row.k for row in rows), default=0)
    for row in rows:
        if row.k != largest or row.value is None:
            continue
        found = {
            pick.index: (pick.text, pick.verdict)
            for pick in picks
            if (pick.reranker, pick.k, pick.split) == (row.reranker, row.k, row.split) and pick.verdict is not None
        }
        apart = _apart({index: text for index, (text, _) in found.items()}, benchmark)
        asked = [problem for problem in benchmark.problems if problem.index in found.keys() - apart]
        if not asked:  # An expected value has no picks.
            continue
        values = [found[problem.index][1] for problem in asked]
        value = 100 * benchmark.task.aggregate(asked, values) if apart else row.value
        if not math.isnan(value):
            texts = {index: text for index, (text, _) in found.items() if index not in apart}
            yield Headline(row, texts, value, len(apart))


def _apart(texts: Mapping[str, str], benchmark: Benchmark) -> set[str]:
    """Indices of empty replies, and of what the metric counts together with them."""
    empty = {index for index, text in texts.items() if is_empty_reply(text)}
    group = benchmark.task.group
    if not empty or group is None:
        return empty
    groups = {group(problem) for problem in benchmark.problems if problem.index in empty}
    return {problem.index for problem in benchmark.problems if problem.index in texts and group(problem) in groups}


def check_headlines(session: Session, tally: Asked) -> None:
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
        facts = session.facts(cell)
        ks = session.ks(cell)
        for headline in headlines(*evaluate_cell(session, cell, facts, ks[-1:]), cell.benchmark):
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


def _check(session: Session, cell: Cell, headline: Headline, tally: Asked) -> None:
    """One value against the host's figure, which is asked for once.

    Raises:
        GradingError: They differ, or the host has no figure where it should.
    """
    from visualprm_eval.host.figures import tolerance

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


def _asked(session: Session, cell: Cell, headline: Headline, tally: Asked) -> HostFigure | None:
    """What the host makes of a table of graded texts."""
    from visualprm_eval.host.figures import countable
    from visualprm_eval.host.grading import host_figure

    indices = countable(cell.benchmark, list(headline.texts))
    with session.store.replies() if session.is_judged(cell) else nullcontext() as replies:
        return host_figure(
            cell.benchmark, {index: headline.texts[index] for index in indices},
            session.config.work_dir / "grading", session.judge, replies, tally=tally,
        )  # fmt: skip
