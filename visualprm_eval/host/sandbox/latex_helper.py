"""Compares LaTeX in one lasting process beside this one, which is ended when a comparison takes too long.

latex2sympy may take for ever on a tower of powers, and nothing but the end of its process stops it. A fork per
comparison, as of the host's own, copies the tables of a large process and learns the grammar anew each time; here a
small process learns it once. It is a fresh interpreter, so that threads may start it; it has no variables of the
environment beyond what Python needs, writes nothing, starts nothing, and ends with whoever started it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from visualprm_eval.core.errors import GradingError

LATEX_LIMIT_S = 10
"""Longest that one comparison may take, in seconds."""
_START_LIMIT_S = 600
"""Longest that the process may take to import sympy, in seconds: one as a rule, sixty on a machine that is overrun."""
_MOST_KNOWN = 1 << 14
"""Comparisons that are remembered: a large table asks for two a row, and for some of these again when it is counted."""

_CODE = f"""
import json, signal, socket, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # Meant for whoever asks, who may go on for a while.
    signal.signal(number, signal.SIG_IGN)
signal.signal(signal.SIGALRM, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
signal.setitimer(signal.ITIMER_REAL, {_START_LIMIT_S})
channel = socket.socket(fileno=0)
lines = channel.makefile("rb")
try:
    sys.path[:], *how = json.loads(lines.readline())
    from visualprm_eval.host.sandbox.latex_process import serve
    serve(channel, lines, *how)
except Exception as error:
    channel.sendall(json.dumps(f"{{type(error).__name__}}: {{error}}").encode() + b"\\n")
"""
COMMAND = (sys.executable, "-I", "-c", _CODE)
"""The process; neither the environment nor the folder of the caller says what it runs."""
_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")


class _Helper:
    """The process, and our end of its channel: a line of JSON for each comparison, and a line back."""

    def __init__(self, module: str) -> None:
        self._channel, theirs = socket.socketpair()
        environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                COMMAND, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
            )
        self._lines = self._channel.makefile("rb")
        reply = self.ask([sys.path, module, LATEX_LIMIT_S])
        if reply != "ready":
            status = self.end()
            raise GradingError(
                f"LaTeX cannot be compared: the process for it did not start ({reply or f'status {status}'}). Whether "
                f"{module} can be imported shows {sys.executable} -c 'import {module}'"
            )

    def ask(self, what: Any) -> Any:
        """What it answers; ``None`` when it has ended, of its clock or otherwise."""
        with contextlib.suppress(OSError):
            self._channel.sendall(json.dumps(what).encode() + b"\n")
            if line := self._lines.readline():
                return json.loads(line)
        return None

    def forget(self) -> None:
        """Closes our end, upon which it ends."""
        self._lines.close()
        self._channel.close()

    def end(self) -> int:
        """Ends it, if it has not ended, and gives its exit status, negative for a signal."""
        self.forget()
        self._process.kill()
        return self._process.wait()


_lock = threading.Lock()
_helper: _Helper | None = None
_failure: GradingError | None = None


@functools.lru_cache(_MOST_KNOWN)
def same_latex(given: str, right: str, module: str) -> bool:
    """Whether two texts in LaTeX have the same value; not when finding out takes longer than :data:`LATEX_LIMIT_S`.

    Args:
        given: What a model, or a judge that read it, wrote.
        right: The reference answer.
        module: The module that has ``latex2sympy``.

    Raises:
        GradingError: The process cannot be started. The host's graders swallow it: see :func:`check_latex`.
    """
    global _helper, _failure  # noqa: PLW0603 - one helper for the process
    with _lock:
        if _failure is not None:
            raise _failure
        for _ in range(2):
            try:
                _helper = _helper or _Helper(module)
            except (GradingError, OSError) as error:
                _failure = (
                    error if isinstance(error, GradingError) else GradingError(f"LaTeX cannot be compared: {error}")
                )
                raise _failure from error
            same = _helper.ask([given, right])
            if same is not None:
                return bool(same)
            status, _helper = _helper.end(), None
            if status == -signal.SIGALRM:
                break
            # Somebody else ended it, the kernel for lack of memory perhaps: that says nothing of the texts yet.
        return False


def check_latex() -> None:
    """Whether all comparisons since the last call were made.

    Raises:
        GradingError: The process for them could not be started, so the verdicts mean nothing.
    """
    global _failure
    failure, _failure = _failure, None
    if failure is not None:
        raise failure


@atexit.register
def close() -> None:
    """Ends the process, if there is one."""
    global _helper  # noqa: PLW0603 - one helper for the process
    with _lock:
        if _helper is not None:
            _helper.end()
        _helper = None


def _in_fork() -> None:
    """A forked child has a helper of its own, and does not keep its parent's from ending."""
    global _helper, _lock  # noqa: PLW0603 - the parent's
    _lock = threading.Lock()
    if _helper is not None:
        _helper.forget()
    _helper = None


os.register_at_fork(after_in_child=_in_fork)
