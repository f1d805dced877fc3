"""The host's own word on the values that count: it evaluates the whole table of picks behind each of them.

Values are made from verdicts on single texts. For every reranker that picks, at the largest k, the host also evaluates
the picks as one table, as if they were a model's only answers, and its figure must be ours. Where a judge helped, its
replies are known by then, so this asks nothing new.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.errors import GradingError
from visualprm_eval.evaluate import ProblemFacts, evaluate_benchmark
from visualprm_eval.tasks.base import EXACT_MATCHING, UNJUDGED
from visualprm_eval.types import digest, text_id

if TYPE_CHECKING:
    from visualprm_eval.cells import Cell
    from visualprm_eval.host.judging import Asked
    from visualprm_eval.outcomes import Pick, ResultRow
    from visualprm_eval.session import Session

__all__ = ["Headline", "check_headlines", "evaluate_cell", "headlines", "host_metric", "metric_of"]


@dataclass(frozen=True, slots=True)
class Headline:
    """One value with the texts behind it.

    Attributes:
        row: The value.
        texts: The picked text of each problem that counts, by its index.
    """

    row: ResultRow
    texts: dict[str, str]

    @property
    def selection(self) -> str:
        """The name of this table of picks."""
        return digest(sorted((index, text_id(text)) for index, text in self.texts.items()))


def evaluate_cell(
    session: Session, cell: Cell, facts: Sequence[ProblemFacts], ks: Sequence[int]
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark as its task counts them."""
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
        remark=task.remark,
        n_total=cell.benchmark.total,
    )


def metric_of(session: Session, cell: Cell) -> str:
    """What the values of a cell are called: the task's metric, marked where no judge was asked and one is usual."""
    task = cell.benchmark.task
    unjudged = task.host_judge != EXACT_MATCHING and not session.is_judged(cell)
    return f"{task.metric}, {UNJUDGED}" if unjudged else task.metric


def host_metric(cell: Cell) -> str:
    """What the host's own figure is called in the protocol."""
    name = "primary metric" if cell.benchmark.task.note else cell.benchmark.task.metric
    return f"the host's {name} of the whole table"


def headlines(rows: Sequence[ResultRow], picks: Sequence[Pick]) -> Iterator[Headline]:
    """The values at the largest k that stand on picks."""
    largest = max((row.k for row in rows), default=0)
    for row in rows:
        if row.k != largest or row.value is None:
            continue
        texts = {
            pick.index: pick.text
            for pick in picks
            if (pick.reranker, pick.k, pick.split) == (row.reranker, row.k, row.split) and pick.verdict is not None
        }
        if texts:  # An expected value has no picks.
            yield Headline(row, texts)


def check_headlines(session: Session, tally: Asked) -> None:
    """Lets the host evaluate the tables of picks that it has not seen yet, and compares.

    Cells for which the host says something else go into ``session.unconfirmed``; the reasons are printed.

    Args:
        session: A session whose texts are graded.
        tally: Counts the requests to the judge.
    """
    for cell in session.cells:
        facts = session.facts(cell)
        ks = session.ks(cell)
        for headline in headlines(*evaluate_cell(session, cell, facts, ks[-1:])):
            try:
                _check(session, cell, headline, tally)
            except GradingError as error:
                print(f"error: {error}", file=sys.stderr)
                session.unconfirmed.append(cell.label)


def _check(session: Session, cell: Cell, headline: Headline, tally: Asked) -> None:
    """One value against the host's figure, which is asked for once.

    Raises:
        GradingError: They differ, or the host has no figure where it should.
    """
    from visualprm_eval.host.figures import countable, tolerance
    from visualprm_eval.host.grading import host_figure

    grading, row = session.grading(cell), headline.row
    figure = session.store.host_figure(grading.id, headline.selection)
    if figure is None:
        indices = countable(cell.benchmark, list(headline.texts))
        judged = session.judge.resolve(cell.benchmark.task).used
        with session.store.replies() if judged else nullcontext() as replies:
            figure = host_figure(
                cell.benchmark, {index: headline.texts[index] for index in indices},
                session.config.work_dir / "grading", session.judge, replies, tally=tally,
            )  # fmt: skip
        if figure is None:
            return
        session.store.put_host_figure(grading.id, headline.selection, figure)
    if cell.benchmark.task.note or row.value is None:
        return  # The protocol tells both: whether they mean the same nobody knows.
    if abs(figure - row.value) > tolerance(cell.benchmark, list(headline.texts)):
        raise GradingError(
            f"{cell.label}: {row.reranker} at k = {row.k} is {row.value:.3f} by the verdicts on its texts, but the "
            f"host's own figure of the whole table is {figure:.3f}; do not use either, and report this"
        )
