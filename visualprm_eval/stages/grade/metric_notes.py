"""What the store knows of the host's metric of a benchmark without a task of its own, and of its figures of tables.

It is noted there, so that reports need no host.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.types import JSONValue, Problem, Spec, digest, text_id
from visualprm_eval.host.data.usable import left_out_remark

if TYPE_CHECKING:
    from visualprm_eval.evaluate.benchmark_values import TableKey
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

__all__ = [
    "REFERENCE",
    "TRIED",
    "explained",
    "has_verdicts",
    "host_metric",
    "is_whole",
    "keep_figure",
    "known_figure",
    "note_metric",
    "notes_on_metric",
    "remark_of",
    "stored_figures",
]

_METRIC, _BY_INDEX = "metric", "figures by index"
"""Kinds of notes on gradings: what is known of the host's metric, and the problems that older figures are of."""
TRIED = "problems at the trial"
"""How many problems there were when a grader was tried out, in notes of what that showed."""
REFERENCE = "reference answers"
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
    store.put_note(_METRIC, grading.id, note if tried is None else {**note, TRIED: tried})


def notes_on_metric(store: Store, experiment: Experiment) -> list[Mapping[str, Any]]:
    """What was noted of the host's metric of an experiment, oldest first, see :func:`note_metric`."""
    return [note for _, note in store.notes(_METRIC, experiment.grading.id)]


def is_whole(store: Store, experiment: Experiment) -> bool:
    """Whether the values of an experiment are the host's figures of whole tables."""
    if not experiment.benchmark.task.note:
        return False
    noted = notes_on_metric(store, experiment)
    return not has_verdicts(store, experiment) or any(note["whole tables"] for note in noted)


def has_verdicts(store: Store, experiment: Experiment) -> bool:
    """Whether the host's grader leaves verdicts on single texts that are understood, as far as is known."""
    benchmark = experiment.benchmark
    if not benchmark.task.note:
        return True
    if notes := notes_on_metric(store, experiment):
        return all(note["verdicts"] for note in notes)
    if benchmark.dataset is None:  # There is no host to ask.
        return True
    from visualprm_eval.host.grading.verdicts import leaves_verdicts

    return leaves_verdicts(benchmark)


def host_metric(store: Store, experiment: Experiment) -> str:
    """What the host calls its primary metric of a benchmark; ``""`` where it has not said so yet."""
    noted = reversed(notes_on_metric(store, experiment))
    return next((note["host metric"] for note in noted if note["host metric"]), "")


def remark_of(store: Store, experiment: Experiment) -> Callable[[Sequence[Problem]], str]:
    """What must be said of values: which rows stay out, which metric it is without a task of its own."""
    task, left_out = experiment.benchmark.task, left_out_remark(experiment.benchmark.left_out)
    if not task.note:
        return lambda problems: "; ".join(filter(None, (left_out, task.remark(problems))))
    metric = host_metric(store, experiment)
    if is_whole(store, experiment):
        units = "times 100" if _counts_in_parts(store, experiment) else "in its own units"
        said = f"the host's primary metric{_in_brackets(metric)} of each table of picks, {units}"
    elif metric:
        said = f"the host's primary metric{_in_brackets(metric)}, here the mean over the rows"
    else:
        said = "mean over the rows; the host has named no single primary metric"
    return lambda _: "; ".join(filter(None, (left_out, said)))


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
    """Whether the host counts in parts of 1: no figure of its is greater."""
    greatest = store.greatest_host_figure(experiment.grading.id)
    return greatest is not None and greatest <= 1


def explained(metric: str) -> str:
    """What values of whole tables are, in a sentence."""
    return (
        f"Values are its primary metric{_in_brackets(metric)} of the picks of each reranker at each k, evaluated as "
        "one table; there are no intervals, and no values of oracle and random"
    )
