"""Benchmarks and suites: one small file each, and the one table that lists them."""

from __future__ import annotations

from visualprm_eval.tasks import demo
from visualprm_eval.tasks.base import EXACT_MATCHING, Task
from visualprm_eval.tasks.generic import generic_task

__all__ = ["EXACT_MATCHING", "TASKS", "Task", "generic_task", "task_for"]

TASKS: dict[str, Task] = {task.host_dataset: task for task in (demo.TASK,)}
"""Benchmarks with a task of their own, by the host's name of the dataset."""


def task_for(name: str, *, host_type: str = "VQA", host_judge: str | None = None) -> Task:
    """The task of a benchmark; one without a file of its own gets a generic task, whose ``note`` says so.

    Args:
        name: The host's name of the dataset.
        host_type: The host's ``TYPE`` of the dataset.
        host_judge: The judge that the host would take by default.
    """
    return TASKS.get(name) or generic_task(name, host_type, host_judge)
