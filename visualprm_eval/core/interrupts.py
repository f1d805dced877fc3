"""Signals that end a run as Ctrl-C does: what was done is stored, locks are freed, child processes are ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEFAULTS = (signal.SIG_DFL, signal.default_int_handler)
_ONE_REQUEST_S = 2.0
"""A launcher and a scheduler may send the same request, to the process and its group: it must not stop the clean-up."""

_received: list[tuple[int, float]] = []
"""Numbers of signals and when they came."""
_taken: set[signal.Signals] = set()


class Interrupted(KeyboardInterrupt):
    """A signal asks to end.

    Args:
        number: Which one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def ending_signals() -> Iterator[None]:
    """While it lasts, SIGINT, SIGTERM and SIGHUP raise ``Interrupted`` in the main thread.

    A signal that is ignored already (``nohup``), or that somebody else handles, stays as it is. Forked children get the
    defaults back, so that whoever made them can end them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS if signal.getsignal(number) in _DEFAULTS}
    _received.clear()
    for number in before:
        signal.signal(number, _raise)
    _taken.update(before)
    try:
        yield
    finally:
        _taken.clear()
        for number, handler in before.items():
            signal.signal(number, handler)


def check_interrupted() -> None:
    """Raises what code of others swallowed: a bare ``except`` around an import, or around a whole sample.

    Raises:
        Interrupted: A signal came.
    """
    if _received and threading.current_thread() is threading.main_thread():
        raise Interrupted(_received[0][0])


def _raise(number: int, _frame: FrameType | None) -> None:
    now = time.monotonic()
    is_again = bool(_received) and number != signal.SIGINT and now - _received[-1][1] < _ONE_REQUEST_S
    _received.append((number, now))
    if not is_again:
        raise Interrupted(number)


def _give_back() -> None:
    for number in _taken:
        with suppress(ValueError):  # Not in the main thread.
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    _taken.clear()
    _received.clear()


os.register_at_fork(after_in_child=_give_back)
