"""Starts the host's process and asks it; a new one starts when it has died."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import HostDiedError, HostError
from visualprm_eval.core.folders import folders_in_use
from visualprm_eval.core.progress import Tracker, track
from visualprm_eval.core.secrets import blanked, secrets_in
from visualprm_eval.core.visible import tell
from visualprm_eval.host.worker.channel import Channel, ClosedError
from visualprm_eval.host.worker.codec import Function, decoded, encoded

_BOOT = """
import importlib.util, sys
place = sys.argv[1]
spec = importlib.util.spec_from_file_location(
    "visualprm_eval", place + "/__init__.py", submodule_search_locations=[place]
)
sys.modules["visualprm_eval"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
sys.path[:0] = [each for each in sys.argv[2:-1] if each not in sys.path]
from visualprm_eval.host.worker.serve import main
main()
"""
"""Another Python need not have this package installed, and must not see what else is installed beside it."""

_PACKAGE = Path(__file__).resolve().parents[2]
_LOOK_S = 0.5
"""How often to look whether the process still runs, in seconds: a process that it left behind may hold the socket."""
_LAST_REPLIES_S = 10.0
"""How long to wait, when the run is to end, for replies of a judge that are on their way."""
_LONG_S = 5.0
_LAST_WORDS = 2000
"""Characters of the process's output that an error may repeat."""

_running: weakref.WeakSet[HostProcess] = weakref.WeakSet()


class HostProcess:
    """One process that has imported the host; it starts with the first request, or before.

    It is asked by one thread at a time.

    Args:
        python: The Python that runs it; ``None`` for this one.
        notice: Whether to say that one waits for the import.
    """

    def __init__(self, python: Path | None = None, *, notice: bool = True) -> None:
        self._python, self._notice = python, notice
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._output: Any = None
        self._is_ready = False

    def start(self) -> None:
        """Starts the process unless it runs; it imports the host meanwhile.

        Raises:
            HostError: The Python that was named cannot be started.
        """
        with self._lock:
            if self._channel is not None:
                return
            ours, theirs = socket.socketpair()
            with theirs:
                self._output = tempfile.TemporaryFile()  # noqa: SIM115 - it is read when the process has died
                # Keys come by message only: anybody who may list processes can read such an environment.
                secrets = set(secrets_in(os.environ))
                environment = {name: value for name, value in os.environ.items() if value not in secrets}
                paths = [each for each in sys.path if each] if self._python is None else []
                command = [str(self._python or sys.executable), "-P", "-c", _BOOT, str(_PACKAGE), *paths]
                try:
                    self._process = subprocess.Popen(
                        [*command, str(theirs.fileno())], pass_fds=[theirs.fileno()], env=environment,
                        stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output, start_new_session=True,
                    )  # fmt: skip
                except OSError as error:
                    ours.close()
                    raise HostError(f"--host-python {self._python} cannot be started ({error.strerror})") from error
            self._channel, self._is_ready = Channel(ours), False
            _running.add(self)

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Lets the process do something and waits for what comes of it; functions among the arguments are called back.

        Raises:
            HostDiedError: The process died over it. The next call starts a new one.
            HostError: It has no host.
            Exception: What the host's side raised, and what a function that was called back raised.
        """
        *_, value = self.stream(name, *arguments, **options)
        return value

    def stream(self, name: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        """The same for what comes one by one; at last comes what the call returns, which is ``None`` then.

        Whoever does not take all of it ends the process.
        """
        functions: list[Function] = []
        request = request_of(name, arguments, options, functions)
        with self._lock:
            self.start()
            conversation = _Conversation(functions)
            done = False
            try:
                self._await_ready()
                self._send(request)
                yield from conversation.items(self._next, self._send)
                done = True
            except KeyboardInterrupt:
                self._finish_replies(conversation)
                raise
            except (ClosedError, HostDiedError):
                raise self._death(name) from conversation.failure
            except Exception:
                done = conversation.is_over
                raise
            finally:
                conversation.close()
                if not done:  # Nobody knows what it is doing.
                    self.stop()
        if conversation.failure is not None:
            raise conversation.failure
        if conversation.error is not None:
            raise conversation.error
        yield conversation.value

    def stop(self) -> None:
        """Ends the process and whatever it has started."""
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None

    def leave(self) -> None:
        """Closes this process's end of the connection; for a forked child, which must not hold it."""
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None

    def _await_ready(self) -> None:
        """Waits until the host is imported, and says so where that takes long."""
        if self._is_ready:
            return
        message = self._channel.receive(0.0) if self._channel is not None else None
        start = time.monotonic()
        if message is None and self._notice:
            tell("loading VLMEvalKit ...")
        while message is None:
            message = self._next()
        if self._notice and (elapsed := time.monotonic() - start) > _LONG_S:
            tell(f"VLMEvalKit loaded after {elapsed:.0f} s")
        self._is_ready = True

    def _send(self, message: dict[str, Any]) -> None:
        assert self._channel is not None
        self._channel.send(message)

    def _next(self, until: float = float("inf")) -> dict[str, Any] | None:
        """The next message, ``None`` where none comes until then.

        Raises:
            ClosedError: The process is gone.
        """
        assert self._channel is not None
        assert self._process is not None
        while time.monotonic() < until:
            ended = self._process.poll() is not None  # Before the last look at what it said.
            message = self._channel.receive(0.0 if ended else _LOOK_S)
            if message is not None:
                return message
            if ended:
                raise ClosedError("the process ended")
        return None

    def _finish_replies(self, conversation: _Conversation) -> None:
        """Takes replies of a judge that are on their way, which are paid for; nothing new is asked."""
        until = time.monotonic() + _LAST_REPLIES_S
        with suppress(ClosedError, KeyboardInterrupt):
            if conversation.was_asked:
                self._send({"kind": "stop"})
                for _ in conversation.items(lambda: self._next(until), self._send):
                    pass

    def _death(self, call: str) -> HostDiedError:
        """What the process died of, as far as can be told."""
        process = self._process
        self.stop()
        status = process.returncode if process is not None else None
        reason = "it ended"
        if status is not None and status < 0:
            with suppress(ValueError):
                reason = f"signal {signal.Signals(-status).name}"
        elif status:
            reason = f"status {status}"
        self._output.seek(0)
        words = blanked(self._output.read().decode("utf-8", "replace"), secrets_in(os.environ)).strip()
        if not self._is_ready:
            python = f" by --host-python {self._python}" if self._python is not None else ""
            last = words.splitlines()[-1] if words else reason
            return HostDiedError(f"the host's process, started{python}, ended before it was ready: {last}", reason)
        return HostDiedError(f"the host's process died ({reason}; {call})", reason, words[-_LAST_WORDS:])


def request_of(
    name: str, arguments: Sequence[Any], options: Mapping[str, Any], functions: list[Function]
) -> dict[str, Any]:
    """The message that asks for a call, with all of this process that it may depend on.

    Args:
        name: The call.
        arguments: Its arguments by place.
        options: Its arguments by name.
        functions: Gets the functions among them, see ``codec.encoded``.
    """
    data, cache = folders_in_use()
    return {
        "kind": "call", "call": name, "arguments": [encoded(each, functions) for each in arguments],
        "options": {key: encoded(each, functions) for key, each in options.items()},
        "environment": dict(os.environ), "cwd": _folder(), "folders": [data and str(data), cache and str(cache)],
        "verbose": is_verbose(),
    }  # fmt: skip


class _Conversation:
    """One call until it returns: functions are called back, progress is shown.

    Args:
        functions: What may be called back, by number.

    Attributes:
        value: What the call returned.
        error: What it raised.
        failure: What a function that was called back raised; it counts more.
        is_over: Whether it returned or raised.
        was_asked: Whether a function was called back.
    """

    def __init__(self, functions: list[Function]) -> None:
        self._functions, self._trackers, self._shown = functions, dict[int, Tracker](), dict[int, ExitStack]()
        self.value: Any = None
        self.error: BaseException | None = None
        self.failure: Exception | None = None
        self.is_over = self.was_asked = False

    def items(
        self, receive: Callable[[], dict[str, Any] | None], send: Callable[[dict[str, Any]], None]
    ) -> Iterator[Any]:
        """Works through the messages of a call until it is over, or none comes any more."""
        while not self.is_over and (message := receive()) is not None:
            kind = message["kind"]
            if kind == "item":
                yield decoded(message["value"])
            elif kind == "return":
                self.value, self.is_over = decoded(message["value"]), True
            elif kind == "raise":
                self.error, self.is_over = decoded(message["error"]), True
            elif kind == "ask":
                send(self._answer(message))
            else:
                self._show(kind, message)

    def _answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        self.was_asked = True
        answer = {"kind": "answer", "number": message["number"]}
        try:
            return {**answer, "value": encoded(self._functions[message["function"]](*decoded(message["arguments"])))}
        except Exception as error:  # noqa: BLE001 - such as a store that is full: it is raised when the call is over
            self.failure = self.failure or error
            return {**answer, "error": encoded(error)}

    def _show(self, kind: str, message: Mapping[str, Any]) -> None:
        if kind == "print":
            stream = sys.stdout if message["stream"] == "stdout" else sys.stderr
            stream.write(message["text"])
            stream.flush()
        elif kind == "log":
            logging.getLogger(message["logger"]).log(message["level"], "%s", message["text"])
        elif kind == "track":
            self._shown[message["number"]] = shown = ExitStack()
            tracker = shown.enter_context(track(message["label"], message["total"], after_s=message["after_s"]))
            self._trackers[message["number"]] = tracker
        elif kind == "reach":
            self._trackers[message["number"]].reach(message["count"])
        elif kind == "tracked":
            self._shown.pop(message["number"]).close()

    def close(self) -> None:
        """Ends what is still shown."""
        for shown in self._shown.values():
            shown.close()


_verbose: list[bool] = []


def set_verbose(on: bool) -> None:
    """Shows, or stops showing, what the host prints and logs."""
    _verbose[:] = [on]


def is_verbose() -> bool:
    """Whether what the host prints and logs is shown."""
    return bool(_verbose and _verbose[-1])


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # Somebody removed it.
        return "/"


def _leave_all() -> None:
    for process in list(_running):
        process.leave()


os.register_at_fork(after_in_child=_leave_all)
