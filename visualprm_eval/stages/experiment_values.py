"""The values of one policy on one benchmark, and those that the host is asked about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.config import EXACT_MATCHING
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.evaluate.benchmark_values import evaluate_benchmark, picked_tables
from visualprm_eval.evaluate.study import Study, picked_texts
from visualprm_eval.stages.grade.metric_notes import metric_of, remark_of, stored_figures
from visualprm_eval.tasks.base import HOSTS, UNJUDGED

if TYPE_CHECKING:
    from visualprm_eval.core.answers.asking import Equalities
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store


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


def grades_all(store: Store, experiment: Experiment) -> bool:
    """Whether every distinct text of an experiment is graded, or only what some reranker picks."""
    return experiment.grade_all and not metric_of(store, experiment).whole


def read_study(store: Store, experiment: Experiment, equalities: Equalities, *, with_scores: bool = True) -> Study:
    """An experiment as its task counts it, with all that the store has of it.

    Args:
        store: Where facts are.
        experiment: The policy and the benchmark.
        equalities: Which formulas are one answer.
        with_scores: Whether the critics' scores are wanted.
    """
    benchmark, task = experiment.benchmark, experiment.benchmark.task
    facts = store.columns(
        benchmark.problems, experiment.sampling.id, experiment.n,
        {label: spec.id for label, spec in experiment.scorings.items()} if with_scores else {},
        grading_id=experiment.grading.id, formulas_equal=equalities,
    )  # fmt: skip
    host = metric_of(store, experiment)
    metric = f"{HOSTS}{host.name or 'primary metric'}" if host.whole else task.metric
    unjudged = task.host_judge != EXACT_MATCHING and not experiment.judge.used
    # The host reads a yes or no out of whole texts: of benchmarks without an own task, those with options count.
    reads_finals = not task.note or any(problem.choices for problem in benchmark.problems)
    return Study(
        policy=experiment.policy,
        benchmark=benchmark.name,
        metric=f"{metric}, {UNJUDGED}" if unjudged else metric,
        facts=facts,
        rerankers=experiment.rerankers,
        n=experiment.n,
        answer=task.answer,
        grade_all=experiment.grade_all and not host.whole,
        aggregate=task.aggregate,
        group=task.group,
        n_total=benchmark.total,
        matched=unjudged and reads_finals,
        remark=remark_of(store, experiment),
    )


def wanted_texts(study: Study, ks: Sequence[int]) -> set[tuple[str, str]] | None:
    """Problem and text ids whose verdicts decide the values at these k; ``None`` for all."""
    return None if study.grade_all else picked_texts(study, ks)


def evaluate(
    store: Store, experiment: Experiment, study: Study, ks: Sequence[int]
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of an experiment, see :func:`read_study`, and the picks at the largest k."""
    whole = metric_of(store, experiment).whole
    figures = stored_figures(store, experiment, picked_tables(study, ks)) if whole else None
    return evaluate_benchmark(study, ks, figures, picks_at=ks[-1:])


def host_figure_name(store: Store, experiment: Experiment) -> str:
    """What the host's own figure is called in the protocol."""
    metric = metric_of(store, experiment).name
    named = f" ({metric})" if metric else ""
    name = f"primary metric{named}" if experiment.benchmark.task.note else experiment.benchmark.task.metric
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
