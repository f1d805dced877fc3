"""Progress of long work: a live bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol, TextIO

from visualprm_eval.core.interrupts import check_interrupted
from visualprm_eval.core.visible import one_line

LOG_INTERVAL_S = 15.0
"""Longest time between two lines of a log, where work is done meanwhile."""
FIRST_INTERVAL_S = 3.0
"""Time until the first of them; then they come more and more seldom."""
QUIET_S = 2.0
"""What takes less time than this need not be told of where it mostly takes no time."""


class Tracker(Protocol):
    """Tells how far one piece of work is."""

    def advance(self, count: int = 1) -> None:
        """Says that ``count`` more are done."""

    def reach(self, count: int) -> None:
        """Says that ``count`` are done in all, perhaps fewer than it seemed."""


@contextmanager
def track(label: str, total: int, stream: TextIO | None = None, *, after_s: float = 0.0) -> Iterator[Tracker]:
    """Shows the progress of ``total`` pieces of work while the block runs.

    Args:
        label: What is being done.
        total: How many pieces there are.
        stream: Where to write; standard error unless given.
        after_s: A log says nothing of work that takes less time than this, in seconds.
    """
    if _relays:
        with _relays[-1](label, total, after_s) as tracker:
            yield tracker
        return
    out, label = stream or sys.stderr, one_line(label)
    if out.isatty():
        with _live(label, total, out) as tracker:
            yield tracker
        return
    lines = _LogLines(label, total, out, after_s)
    try:
        yield lines
    finally:
        lines.close()


Relay = Callable[[str, int, float], AbstractContextManager[Tracker]]
"""Takes label, total and the seconds of :func:`track`, and shows progress elsewhere."""

_relays: list[Relay] = []


def relay_progress(relay: Relay) -> None:
    """From now on another process shows the progress of work in this one."""
    _relays[:] = [relay]


@contextmanager
def _live(label: str, total: int, out: TextIO) -> Iterator[Tracker]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("ETA"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(file=out)) as bar:
        # Names come from users and files: markup in them must stay text.
        task = bar.add_task(Text(label).markup, total=total)
        live: Any = SimpleNamespace(
            advance=partial(_advance, bar, task), reach=lambda count: bar.update(task, completed=count)
        )
        yield live


def _advance(bar: Any, task: Any, count: int = 1) -> None:
    bar.advance(task, count)
    check_interrupted()


class _LogLines:
    """A line when the work starts, then more and more seldom, and one when it ends."""

    def __init__(self, label: str, total: int, out: TextIO, after_s: float) -> None:
        self._label, self._total, self._out, self._after_s = label, total, out, after_s
        self._done, self._start = 0, time.monotonic()
        self._last = self._start
        self._is_told = after_s <= 0
        if self._is_told:
            self._print(f"0/{total:,}")

    def advance(self, count: int = 1) -> None:
        self.reach(self._done + count)
        check_interrupted()  # What is done is stored.

    def reach(self, count: int) -> None:
        self._done = count
        now = time.monotonic()
        elapsed = now - self._start
        interval = min(LOG_INTERVAL_S, max(FIRST_INTERVAL_S, elapsed / 2)) if self._is_told else self._after_s
        if now - self._last >= interval and self._done < self._total:
            self._last, self._is_told = now, True
            eta = elapsed * (self._total - self._done) / max(self._done, 1)
            share = self._done / max(self._total, 1)
            self._print(f"{self._done:,}/{self._total:,} ({share:.0%}), {elapsed:.0f} s, ETA {eta:.0f} s")

    def close(self) -> None:
        elapsed = time.monotonic() - self._start
        if self._is_told or elapsed >= self._after_s:
            self._print(f"{self._done:,}/{self._total:,}, {elapsed:.1f} s")

    def _print(self, text: str) -> None:
        print(f"{self._label}: {text}", file=self._out, flush=True)


class Rows:
    """Progress of rows of which some are worked on at a time, told by threads; what fails may be worked on again.

    Args:
        tracker: Shows it.
    """

    def __init__(self, tracker: Tracker) -> None:
        self._tracker, self._lock = tracker, threading.Lock()
        self._finished, self._begun = 0, 0

    @contextmanager
    def part(self, size: int, times: int = 1) -> Iterator[Callable[[int], None]]:
        """While some rows are worked on: what is told of them is shown, and forgotten at the end.

        Args:
            size: How many they are.
            times: How often each of them is told.
        """
        self._begun = 0

        def done(count: int) -> None:
            with self._lock:
                self._begun += count
                self._tracker.reach(self._finished + min(self._begun // times, size))

        yield done

    def finish(self, count: int) -> None:
        """Says that ``count`` rows more are done for good."""
        with self._lock:
            self._finished, self._begun = self._finished + count, 0
            self._tracker.reach(self._finished)
        check_interrupted()
