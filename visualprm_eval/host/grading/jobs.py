"""What the host's graders work on at a time: a row, or a group of rows, in a thread of a pool of theirs."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from visualprm_eval.host.grading.forms import Form, form_of
from visualprm_eval.host.patching import held, patch


@dataclass
class Job:
    """One call of a grader.

    Attributes:
        grader: The name of the host's function.
        rows: The indices of the rows that it works on; none where these are not known.
        read: How it is to get replies.
        asked: How often it has asked the same, by request.
        unread: What it asked without a reply that can be read.
    """

    grader: str = ""
    rows: tuple[str, ...] = ()
    read: Form = field(default_factory=lambda: form_of("", None))
    asked: Counter[str] = field(default_factory=Counter)
    unread: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, arguments: Sequence[Any]) -> Job:
        """The job that a pool of threads was given, by the function and the arguments that the host gave it."""
        grader = next((each.__name__ for each in arguments if hasattr(each, "__name__")), "")
        row = _row_in(arguments)
        indices = [] if row is None else row["index"] if hasattr(row, "columns") else [row["index"]]
        return cls(grader, tuple(map(str, indices)), form_of(grader, row))

    def attempt(self, request: str) -> int:
        """How often it has asked the same before."""
        self.asked[request] += 1
        return self.asked[request] - 1


def _row_in(value: Any) -> Any:
    """The first row, or table of rows, of a benchmark among arguments of the host's functions; ``None`` without one."""
    if hasattr(value, "keys") and "index" in value:
        return value
    if isinstance(value, Mapping):
        value = tuple(value.values())
    found = map(_row_in, value) if isinstance(value, tuple | list) else ()
    return next((row for row in found if row is not None), None)


_working = threading.local()


def current_job() -> Job:
    """The job that this thread works on; one that nothing is known of outside of pools."""
    job: Job = vars(_working).setdefault("job", Job())
    return job


_call = SimpleNamespace(as_job=None)
"""``as_job`` does what a pool was given, as a job of its own."""


@functools.cache
def apply() -> None:
    """Lets pools of threads look at what holds for the present call."""
    patch(ThreadPoolExecutor, "submit", _submit)


def rows_apart(unread: set[str], done: Callable[[int], None] = lambda _: None) -> AbstractContextManager[None]:
    """While it lasts, every job of a pool of threads is one of its own, as the host's graders deal out rows.

    Args:
        unread: Gets the indices of rows of which something was asked without a reply that can be read.
        done: Told how many rows a job was about when it ends.
    """

    def as_job(work: Any, /, *arguments: Any, **options: Any) -> Any:
        _working.job = job = Job.of((*arguments, options, work))
        try:
            return work(*arguments, **options)
        finally:
            if job.unread:
                unread.update(job.rows)
            done(max(1, len(job.rows)))

    _working.job = Job()  # Graders that need no pool work in this thread.
    return held(_call, "as_job", as_job)


def _submit(submit: Any, pool: Any, /, *work: Any, **options: Any) -> Any:
    return submit(pool, *work, **options) if _call.as_job is None else submit(pool, _call.as_job, *work, **options)
