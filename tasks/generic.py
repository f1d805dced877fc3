"""Any other benchmark of the host, as far as its type of dataset tells."""

from __future__ import annotations

from collections.abc import Sequence

from visualprm_eval.tasks.base import EXACT_MATCHING, Task
from visualprm_eval.types import Problem

_MATCHED_TYPES = ("MCQ", "Y/N")
"""Types whose replies the host can match without a judge."""


def _remark(problems: Sequence[Problem]) -> str:
    del problems
    return "mean over the rows, as of any benchmark without a task of its own; the host's primary metric: see protocol"


def generic_task(name: str, host_type: str, host_judge: str | None) -> Task:
    """A task made from what the host says of a dataset.

    Args:
        name: The host's name of the dataset.
        host_type: The host's ``TYPE`` of the dataset, such as ``"MCQ"`` or ``"VQA"``.
        host_judge: The judge that the host would take by default, ``None`` when it takes none.

    Returns:
        Accuracy as the mean over the rows; the host's primary metric of the picked texts stands beside it in the
        protocol, and every value says so. Without a judge the host compares short texts, so it gets the
        final answer.
    """
    needs_judge = host_judge not in {None, EXACT_MATCHING} and host_type not in _MATCHED_TYPES
    return Task(
        name=name,
        host_dataset=name,
        needs_judge=needs_judge,
        judge=(host_judge or EXACT_MATCHING) if needs_judge else EXACT_MATCHING,
        host_judge=host_judge or EXACT_MATCHING,
        remark=_remark,
        note=f"{name} has no task of its own: a dataset of type {host_type}, accuracy is the mean over its rows, "
        "compared with the host's primary metric of the picked texts",
    )
