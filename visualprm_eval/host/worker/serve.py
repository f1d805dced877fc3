"""The host's process: it imports the host, then does what the main process asks, one thing after the other.

It never opens the store. Output of its own goes to the main process, the rest to the file that it was started with, or
to the log of a table. When the main process is gone, so is this one, with all that a grader has started.
"""

from __future__ import annotations

import ctypes
import faulthandler
import io
import itertools
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import GradingError, HostError, VisualPRMEvalError
from visualprm_eval.core.folders import use_folders
from visualprm_eval.core.progress import relay_progress
from visualprm_eval.host.worker.channel import Channel, ClosedError
from visualprm_eval.host.worker.codec import decoded, encoded

_PR_SET_PDEATHSIG = 1
_TOLD_S = 0.1
"""Shortest time between two words on how far a piece of work is, in seconds."""


def main() -> None:
    """Serves the process at the other end of the socket whose number is the last argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Who asks ends it.
    _end_with_parent()
    faulthandler.enable()
    connection = socket.socket(fileno=int(sys.argv[-1]))
    # A process that a grader forks must neither speak here nor hold the connection.
    os.register_at_fork(after_in_child=connection.close)
    Server(Channel(connection)).run()


def _end_with_parent() -> None:
    """Lets Linux end this process when the one that started it is gone.

    The thread that waits for the end of the connection does not run while a regular expression is matched, which may
    take for ever.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """Does what is asked over a channel.

    Args:
        channel: The connection.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._requests: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers: dict[int, Future[Any]] = {}
        self._numbers = itertools.count()
        self._stopping = threading.Event()

    def run(self) -> None:
        """Imports the host, then answers; never returns."""
        threading.Thread(target=self._listen, daemon=True).start()
        failure = self._load()
        self._channel.send({"kind": "ready"})
        sys.stdout, sys.stderr = _Speech(self._channel, "stdout"), _Speech(self._channel, "stderr")
        logging.getLogger("visualprm_eval").addHandler(_Records(self._channel))
        relay_progress(self._track)
        while True:
            self._answer(self._requests.get(), failure)

    def _load(self) -> HostError | None:
        from visualprm_eval.host.load.bridge import load_host

        before = dict(os.environ)
        try:
            load_host()
        except HostError as error:
            return error
        from visualprm_eval.host.worker import calls

        calls.keep_imported({name: value for name, value in os.environ.items() if before.get(name) != value})
        return None

    def _listen(self) -> None:
        """Hands on what comes; ends this process and all that it has started when the other one is gone."""
        try:
            while True:
                message = self._channel.receive()
                if message is None:
                    continue
                if message["kind"] == "answer":
                    answer = self._answers.pop(message["number"])
                    if "error" in message:
                        answer.set_exception(decoded(message["error"]))
                    else:
                        answer.set_result(decoded(message["value"]))
                elif message["kind"] == "stop":
                    self._stopping.set()
                else:
                    self._requests.put(message)
        except BaseException:  # noqa: BLE001 - whatever it is, nobody hears of this process any more
            os.killpg(os.getpgrp(), signal.SIGKILL)

    def _answer(self, message: Mapping[str, Any], failure: HostError | None) -> None:
        self._stopping.clear()
        if failure is not None:
            self._channel.send({"kind": "raise", "error": encoded(failure)})
            return
        try:
            for kind, value in results(message, self._function, self._check):
                self._channel.send({"kind": kind, "value": value})
        except ClosedError:
            raise
        except BaseException as error:  # noqa: BLE001 - who asked is told of everything
            if not isinstance(error, VisualPRMEvalError):
                error.add_note("In the host's process:\n" + traceback.format_exc())
            self._channel.send({"kind": "raise", "error": encoded(error)})

    def _check(self) -> None:
        """Keeps a judge from being asked when the run is to end."""
        if self._stopping.is_set():
            raise GradingError("the run was interrupted")

    def _function(self, number: int) -> Callable[..., Any]:
        """Stands for a function of the main process; for any thread."""

        def ask(*arguments: Any) -> Any:
            place, answer = next(self._numbers), Future[Any]()
            self._answers[place] = answer
            self._channel.send({
                "kind": "ask", "function": number, "number": place, "arguments": encoded(arguments),
            })  # fmt: skip
            return answer.result()

        return ask

    @contextmanager
    def _track(self, label: str, total: int, after_s: float) -> Iterator[Any]:
        """Stands for ``core.progress.track``."""
        number = next(self._numbers)
        self._channel.send({"kind": "track", "number": number, "label": label, "total": total, "after_s": after_s})
        tracker = _Tracker(self._channel, number)
        try:
            yield tracker
        finally:
            tracker.tell()
            self._channel.send({"kind": "tracked", "number": number})


def results(
    message: Mapping[str, Any], function: Callable[[int], Callable[..., Any]], check: Callable[[], None]
) -> Iterator[tuple[str, Any]]:
    """Does what a message asks for.

    Args:
        message: The request.
        function: Gives what stands for a function of the main process.
        check: Raises when no judge is to be asked any more.

    Yields:
        ``"item"`` and a value, encoded, for each that comes one by one; at the end ``"return"`` and the value.
    """
    from visualprm_eval.host.load.bridge import set_verbose
    from visualprm_eval.host.worker import calls

    calls.set_environment(message["environment"])
    os.chdir(message["cwd"])
    use_folders(*(None if each is None else Path(each) for each in message["folders"]))
    set_verbose(message["verbose"])
    arguments = [calls.remote_replies(each, check) for each in decoded(message["arguments"], function)]
    options = {name: decoded(each, function) for name, each in message["options"].items()}
    value = calls.CALLS[message["call"]](*arguments, **options)
    if isinstance(value, Iterator):
        for item in value:
            yield "item", encoded(item)
        value = None
    yield "return", encoded(value)


class _Tracker:
    """Tells the main process how far a piece of work is, not too often."""

    def __init__(self, channel: Channel, number: int) -> None:
        self._channel, self._number, self._done, self._last, self._told = channel, number, 0, 0.0, 0

    def advance(self, count: int = 1) -> None:
        self.reach(self._done + count)

    def reach(self, count: int) -> None:
        self._done = count
        if time.monotonic() - self._last >= _TOLD_S:
            self.tell()

    def tell(self) -> None:
        if self._done != self._told:
            self._last, self._told = time.monotonic(), self._done
            self._channel.send({"kind": "reach", "number": self._number, "count": self._done})


class _Speech(io.TextIOBase):
    """A text stream that the main process prints."""

    def __init__(self, channel: Channel, stream: str) -> None:
        self._channel, self._stream = channel, stream

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._channel.send({"kind": "print", "stream": self._stream, "text": text})
        return len(text)


class _Records(logging.Handler):
    """Hands this project's own log records to the main process."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        self._channel.send({
            "kind": "log", "logger": record.name, "level": record.levelno, "text": record.getMessage(),
        })  # fmt: skip
