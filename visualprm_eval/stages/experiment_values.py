"""The values of one policy on one benchmark, and those that the host is asked about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.evaluate.benchmark_values import TableFigure, evaluate_benchmark, picked_texts
from visualprm_eval.stages.grade.metric_notes import host_metric, is_whole, remark_of, stored_figures
from visualprm_eval.tasks.base import EXACT_MATCHING, HOSTS, UNJUDGED

if TYPE_CHECKING:
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

__all__ = [
    "Headline", "evaluate_experiment", "grades_all", "headlines", "host_figure_name", "is_matched", "metric_of",
    "wanted_texts",
]  # fmt: skip


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


def evaluate_experiment(
    store: Store, experiment: Experiment, facts: Columns, ks: Sequence[int], whole: TableFigure | None = None
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark as its task counts them, and the picks at the largest k.

    Args:
        store: What is known of the host's metric.
        experiment: The policy and the benchmark.
        facts: All that is known of it.
        ks: Best of how many, ascending.
        whole: Where figures of whole tables come from, if values are such; the store when not given.
    """
    task = experiment.benchmark.task
    return evaluate_benchmark(
        facts,
        experiment.rerankers,
        ks,
        experiment.answer,
        policy=experiment.policy,
        benchmark=experiment.benchmark.name,
        metric=metric_of(store, experiment),
        grade_all=grades_all(store, experiment),
        aggregate=task.aggregate,
        remark=remark_of(store, experiment),
        n_total=experiment.benchmark.total,
        picks_at=ks[-1:],
        whole=whole or stored_figures(store, experiment),
        matched=is_matched(experiment),
        n=experiment.n,
    )


def grades_all(store: Store, experiment: Experiment) -> bool:
    """Whether every distinct text of an experiment is graded, or only what some reranker picks."""
    return experiment.grade_all and not is_whole(store, experiment)


def wanted_texts(store: Store, experiment: Experiment, facts: Columns) -> set[tuple[str, str]] | None:
    """Problem and text ids whose verdicts decide an experiment's results; ``None`` for all."""
    if grades_all(store, experiment):
        return None
    return picked_texts(facts, experiment.rerankers, experiment.ks, experiment.answer, experiment.n)


def metric_of(store: Store, experiment: Experiment) -> str:
    """What the values of an experiment are called, marked where no judge was asked and one is usual.

    It is the task's metric, or the host's primary one where values are figures of whole tables.
    """
    task = experiment.benchmark.task
    name = (
        f"{HOSTS}{host_metric(store, experiment) or 'primary metric'}" if is_whole(store, experiment) else task.metric
    )
    return f"{name}, {UNJUDGED}" if _is_unjudged(experiment) else name


def _is_unjudged(experiment: Experiment) -> bool:
    return experiment.benchmark.task.host_judge != EXACT_MATCHING and not experiment.judge.used


def is_matched(experiment: Experiment) -> bool:
    """Whether the host matches final answers of an experiment, for which it usually asks a judge.

    It reads a yes or no out of whole texts: of benchmarks without a task of their own, those with options count.
    """
    benchmark = experiment.benchmark
    finals = not benchmark.task.note or any(problem.choices for problem in benchmark.problems)
    return finals and _is_unjudged(experiment)


def host_figure_name(store: Store, experiment: Experiment) -> str:
    """What the host's own figure is called in the protocol."""
    named = f" ({metric})" if (metric := host_metric(store, experiment)) else ""
    name = f"primary metric{named}" if experiment.benchmark.task.note else experiment.benchmark.task.metric
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
