"""The values of one policy on one benchmark, and those that the host is asked about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.evaluate.benchmark_values import evaluate_benchmark, picked_tables
from visualprm_eval.evaluate.study import Study
from visualprm_eval.stages.grade.metric_notes import host_metric, is_whole, remark_of, stored_figures
from visualprm_eval.tasks.base import EXACT_MATCHING, HOSTS, UNJUDGED

if TYPE_CHECKING:
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.stages.experiment import Cell, RunState

__all__ = ["Headline", "evaluate_cell", "headlines", "host_figure_name", "study_of"]


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


def study_of(session: RunState, cell: Cell, facts: Columns) -> Study:
    """One policy on one benchmark as its task counts it, with all that is known of it."""
    task = cell.benchmark.task
    return Study(
        policy=cell.policy,
        benchmark=cell.benchmark.name,
        metric=_metric_of(session, cell),
        facts=facts,
        rerankers=session.rerankers_of(cell),
        n=cell.n,
        answer=cell.answer,
        grade_all=session.grades_all(cell),
        aggregate=task.aggregate,
        group=task.group,
        n_total=cell.benchmark.total,
        matched=_is_matched(session, cell),
        remark=remark_of(session, cell),
    )


def evaluate_cell(session: RunState, cell: Cell, study: Study, ks: Sequence[int]) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark, and the picks at the largest k.

    Args:
        session: The run.
        cell: The policy and the benchmark.
        study: What :func:`study_of` gives.
        ks: Best of how many, ascending.
    """
    figures = stored_figures(session, cell, picked_tables(study, ks)) if is_whole(session, cell) else None
    return evaluate_benchmark(study, ks, figures, picks_at=ks[-1:])


def _metric_of(session: RunState, cell: Cell) -> str:
    """What the values of a cell are called, marked where no judge was asked and one is usual.

    It is the task's metric, or the host's primary one where values are figures of whole tables.
    """
    task = cell.benchmark.task
    name = f"{HOSTS}{host_metric(session, cell) or 'primary metric'}" if is_whole(session, cell) else task.metric
    return f"{name}, {UNJUDGED}" if _is_unjudged(session, cell) else name


def _is_unjudged(session: RunState, cell: Cell) -> bool:
    return cell.benchmark.task.host_judge != EXACT_MATCHING and not session.is_judged(cell)


def _is_matched(session: RunState, cell: Cell) -> bool:
    """Whether the host matches final answers of a cell, for which it usually asks a judge.

    It reads a yes or no out of whole texts: of benchmarks without a task of their own, those with options count.
    """
    benchmark = cell.benchmark
    finals = not benchmark.task.note or any(problem.choices for problem in benchmark.problems)
    return finals and _is_unjudged(session, cell)


def host_figure_name(session: RunState, cell: Cell) -> str:
    """What the host's own figure is called in the protocol."""
    named = f" ({metric})" if (metric := host_metric(session, cell)) else ""
    name = f"primary metric{named}" if cell.benchmark.task.note else cell.benchmark.task.metric
    return f"the host's {name} of the whole table"


def headlines(rows: Sequence[ResultRow], picks: Sequence[Pick], benchmark: Benchmark) -> Iterator[Headline]:
    """The values at the largest k that stand on picks, as far as the host can be asked about them."""
    largest = max((row.k for row in rows), default=0)
    picked: dict[tuple[str, int, str], dict[str, tuple[str, float]]] = {}
    for pick in picks:
        if pick.verdict is not None:
            picked.setdefault((pick.reranker, pick.k, pick.split), {})[pick.index] = (pick.text, pick.verdict)
    for row in rows:
        if row.k != largest or row.value is None:
            continue
        found = picked.get((row.reranker, row.k, row.split), {})
        apart = _apart({index: text for index, (text, _) in found.items()}, benchmark)
        wanted = found.keys() - apart
        asked = [problem for problem in benchmark.problems if problem.index in wanted]
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
