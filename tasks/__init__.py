"""Benchmarks and suites: one small file each, and the one table that lists them."""

from __future__ import annotations

from visualprm_eval.core.config import EXACT_MATCHING
from visualprm_eval.tasks import demo, dynamath, logicvista, mathverse, mathvision, mathvista, mmmu, wemath
from visualprm_eval.tasks.base import Published, Task, row_mean
from visualprm_eval.tasks.generic import generic_task

__all__ = [
    "EXACT_MATCHING",
    "SUITES",
    "TASKS",
    "Published",
    "Task",
    "generic_task",
    "host_name",
    "row_mean",
    "task_for",
]

_TABLE2 = (
    mmmu.TASK, mathvista.TASK, mathvision.MINI, mathverse.TASK, dynamath.TASK, wemath.TASK, logicvista.TASK,
)  # fmt: skip

TASKS: dict[str, Task] = {task.host_dataset: task for task in (demo.TASK, *_TABLE2, mathvision.FULL, wemath.COT)}
"""Benchmarks with a task of their own, by the host's name of the dataset."""

SUITES: dict[str, tuple[str, ...]] = {"table2": tuple(task.host_dataset for task in _TABLE2)}
"""Sets of benchmarks by name; ``table2`` are the seven of table 2 of the VisualPRM paper, in its order."""


def host_name(name: str) -> str:
    """The host's name of a benchmark that is called by the host's or by its task's name, such as ``"MMMU"``."""
    if name in TASKS:
        return name
    return next((task.host_dataset for task in TASKS.values() if task.name == name), name)


def task_for(name: str, *, host_type: str = "VQA", host_judge: str | None = None) -> Task:
    """The task of a benchmark; one without a file of its own gets a generic task, whose ``note`` says so.

    Args:
        name: The host's name of the dataset.
        host_type: The host's ``TYPE`` of the dataset.
        host_judge: The judge that the host would take by default.
    """
    return TASKS.get(name) or generic_task(name, host_type, host_judge)
