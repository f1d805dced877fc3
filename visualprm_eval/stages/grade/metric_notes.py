"""What the store knows of the host's metric of a benchmark without a task of its own, and of its figures of tables.

It is noted there, so that reports need no host.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.types import JSONValue, Problem, Spec, digest, text_id
from visualprm_eval.host.data.usable import left_out_remark, surplus_remark

if TYPE_CHECKING:
    from visualprm_eval.evaluate.benchmark_values import TableKey
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

_METRIC, _BY_INDEX = "metric", "figures by index"
"""Kinds of notes on gradings: what is known of the host's metric, and the problems that older figures are of."""
_TRIED = "problems at the trial"
"""How many problems there were when a grader was tried out, in notes of what that showed."""
REFERENCE = "reference answers"
"""Under which name the store keeps the host's figure of these, which tells best whether it counts in parts of 1."""


def note_metric(
    store: Store, grading: Spec, metric: str, *, whole: bool, verdicts: bool = True, tried: int | None = None,
    greatest: float | None = None,
) -> None:  # fmt: skip
    """Keeps what is known of a benchmark without a task of its own.

    Args:
        store: Where it is kept.
        grading: The key of its verdicts and figures.
        metric: What the host calls its primary metric, ``""`` when that is not known yet.
        whole: Whether values are figures of whole tables, not means of verdicts.
        verdicts: Whether the grader leaves verdicts on single texts that are understood.
        tried: How many problems there were when the grader was tried out, if this is what that showed.
        greatest: The metric's greatest value for the whole table; ``None`` where nobody knows, or there is none.
    """
    store.put_spec(grading)
    note: dict[str, JSONValue] = {"host metric": metric, "whole tables": whole, "verdicts": verdicts}
    if greatest is not None and math.isfinite(greatest):
        note["greatest"] = greatest
    store.put_note(_METRIC, grading.id, note if tried is None else {**note, _TRIED: tried})


@dataclass(frozen=True, slots=True)
class HostMetric:
    """What is known of the host's metric of a benchmark.

    Attributes:
        name: What the host calls it; ``""`` where it has not said so yet.
        whole: Whether values are its figures of whole tables, not means of verdicts.
        verdicts: Whether its grader leaves verdicts on single texts that are understood, as far as is known.
        untried: Whether a trial may show more of the grader: there was none, or it had fewer problems.
        greatest: The greatest value that it can have; ``None`` where nobody knows, or there is none.
    """

    name: str = ""
    whole: bool = False
    verdicts: bool = True
    untried: bool = False
    greatest: float | None = None


def metric_of(store: Store, experiment: Experiment) -> HostMetric:
    """What is known of the host's metric of an experiment; it matters where the benchmark has no task of its own."""
    benchmark = experiment.benchmark
    if not benchmark.task.note:
        return HostMetric()
    notes = [note for _, note in store.notes(_METRIC, experiment.grading.id)]
    verdicts = all(note["verdicts"] for note in notes)
    untried = verdicts and max((note.get(_TRIED, 0) for note in notes), default=0) < len(benchmark.problems)
    if not notes and benchmark.dataset is not None:
        verdicts = benchmark.has_verdicts
    return HostMetric(
        next((note["host metric"] for note in reversed(notes) if note["host metric"]), ""),
        whole=not verdicts or any(note["whole tables"] for note in notes),
        verdicts=verdicts,
        untried=untried,
        greatest=_greatest(notes, len(benchmark.problems)),
    )


def _greatest(notes: Sequence[Mapping[str, Any]], n_problems: int) -> float | None:
    """The metric's greatest value: that of a trial with as many problems, since sums grow with these, else the last."""
    known = [note for note in notes if "greatest" in note]
    alike = [note for note in known if note.get(_TRIED) == n_problems]
    return next((float(note["greatest"]) for note in reversed(alike or known)), None)


def remark_of(store: Store, experiment: Experiment) -> Callable[[Sequence[Problem]], str]:
    """What must be said of values: which rows stay out, which metric it is without a task of its own."""
    benchmark = experiment.benchmark
    task, of_file = benchmark.task, [left_out_remark(benchmark.left_out), surplus_remark(benchmark.surplus)]
    if not task.note:
        return lambda problems: "; ".join(filter(None, (*of_file, task.remark(problems))))
    metric = metric_of(store, experiment)
    if metric.whole:
        own = "in its own units" if metric.greatest is None else f"of at most {metric.greatest:,g}"
        units = "times 100" if _counts_in_parts(store, experiment) else own
        said = f"the host's primary metric{_in_brackets(metric.name)} of each table of picks, {units}"
    elif metric.name:
        said = f"the host's primary metric{_in_brackets(metric.name)}, here the mean over the rows"
    else:
        said = "mean over the rows; the host has named no single primary metric"
    return lambda _: "; ".join(filter(None, (*of_file, said)))


def _in_brackets(metric: str) -> str:
    return f" ({metric})" if metric else ""


def known_figure(store: Store, experiment: Experiment, texts: Mapping[str, str]) -> float | None:
    """The host's own figure of a table of picks; ``None`` where it was not asked yet.

    Args:
        store: Where figures are.
        experiment: Whose picks they are.
        texts: The texts by the index of their problem.
    """
    grading_id = experiment.grading.id
    figure = store.host_figure(grading_id, _selection(experiment, texts))
    if figure is not None:
        return figure
    # Older stores named tables by the indices of their rows; what they had is of the problems that they had then.
    named = digest(sorted((index, text_id(text)) for index, text in texts.items()))
    wanted = {problem.id for problem in experiment.benchmark.problems if problem.index in texts}
    for _, ids in store.notes(_BY_INDEX, grading_id):
        if wanted <= set(ids) and (figure := store.host_figure(grading_id, f"{named}-{digest(ids)}")) is not None:
            return figure
    return None


def keep_figure(store: Store, experiment: Experiment, texts: Mapping[str, str], figure: float) -> None:
    """Stores the host's own figure of a table of picks, see :func:`known_figure`."""
    store.put_host_figure(experiment.grading.id, _selection(experiment, texts), figure)


def _selection(experiment: Experiment, texts: Mapping[str, str]) -> str:
    """The name of a table of picks: their texts by the id of their problem; an index may stand for several problems."""
    ids = {problem.index: problem.id for problem in experiment.benchmark.problems}
    return digest(sorted((ids[index], text_id(text)) for index, text in texts.items()))


def stored_figures(
    store: Store, experiment: Experiment, tables: Mapping[TableKey, Mapping[str, str]]
) -> dict[TableKey, float]:
    """The host's figures of tables of picks, in percent; of those that it has evaluated."""
    factor = 100.0 if _counts_in_parts(store, experiment) else 1.0
    figures = {key: known_figure(store, experiment, texts) for key, texts in tables.items()}
    return {key: factor * figure for key, figure in figures.items() if figure is not None}


def _counts_in_parts(store: Store, experiment: Experiment) -> bool:
    """Whether the host counts in parts of 1: nobody knows better, and no figure of its is greater."""
    if metric_of(store, experiment).greatest is not None:
        return False
    greatest = store.greatest_host_figure(experiment.grading.id)
    return greatest is not None and greatest <= 1


def explained(metric: str) -> str:
    """What values of whole tables are, in a sentence."""
    return (
        f"Values are its primary metric{_in_brackets(metric)} of the picks of each reranker at each k, evaluated as "
        "one table; there are no intervals, and no values of oracle and random"
    )
