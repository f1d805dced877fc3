"""Any other benchmark of the host, as far as its type of dataset tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from visualprm_eval.core.config import EXACT_MATCHING
from visualprm_eval.tasks import curly_braces, points
from visualprm_eval.tasks.base import Task
from visualprm_eval.tasks.primary_figures import primary_figure

_MATCHED_TYPES = ("MCQ", "Y/N")
"""Types whose replies the host can match without a judge."""
_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "ZEROBench": curly_braces.ASKED, "ZEROBench_sub": curly_braces.ASKED, "VLMBlind": curly_braces.READ,
}  # fmt: skip
"""Benchmarks whose graders read answers in a form of their own: fields of their tasks."""


def generic_task(name: str, host_type: str, host_judge: str | None) -> Task:
    """A task made from what the host says of a dataset.

    Args:
        name: The host's name of the dataset.
        host_type: The host's ``TYPE`` of the dataset, such as ``"MCQ"`` or ``"VQA"``.
        host_judge: The judge that the host would take by default, ``None`` when it takes none.

    Returns:
        A task whose value is the host's primary metric (``visualprm_eval.stages.grade.table_figures``), which ``note``
        says, and ``figure`` where it is one of those that are used most. Without a judge the host compares short
        texts, so it gets the final answer.
    """
    figure = primary_figure(name)
    usual = host_judge not in {None, EXACT_MATCHING} and host_type not in _MATCHED_TYPES
    needs_judge = usual or (figure is not None and figure.judged)
    return Task(
        name=name,
        host_dataset=name,
        needs_judge=needs_judge,
        judge=(host_judge or EXACT_MATCHING) if needs_judge else EXACT_MATCHING,
        host_judge=host_judge or EXACT_MATCHING,
        note=f"{name} has no task of its own: a dataset of type {host_type}, its value is the host's primary metric",
        figure=figure,
        **_FORMATS.get(name, {"concluded": points.concluded}),
    )
