"""Starts the host's own entry points with our datasets and policies in its tables.

    visualprm_eval host run --data DemoWorld --model demo-policy [the host's own options]
    visualprm_eval host dlist all
    visualprm_eval host mlist all

The host knows no plugins, so it sees ours only in a process that we start. That process is the host's own: nothing of
what its import changes is undone there, and nothing of it is left in ours.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence

from visualprm_eval.core.errors import VisualPRMEvalError
from visualprm_eval.core.interrupts import Interrupted
from visualprm_eval.core.loading import loading
from visualprm_eval.core.visible import tell
from visualprm_eval.host.load.host_names import HOST
from visualprm_eval.host.load.lacks import host_error

ENTRIES = ("run", "dlist", "mlist")
_RUNNERS = ("vlmeval.run", "vlmeval.inference_api")
_ERROR = 2
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from visualprm_eval.host.load.entry_points import become_host; sys.exit(become_host(sys.argv[1:]))"
)
"""It finds the host where this process would."""
_ENDING_S = 10.0
"""How long the host may take to end after Ctrl-C, which a terminal sends to it as well."""


def start(command: str, rest: Sequence[str]) -> int:
    """Runs one entry point of the host in a process of its own, which has this one's streams.

    Args:
        command: One of ``ENTRIES``.
        rest: Its options, which are the host's own.

    Returns:
        Its exit status: 0, 1 when the host reported a failure, 2 for wrong options or a host that cannot be used; 128
        and the number of a signal that ended it.

    Raises:
        Interrupted: A signal asked this process to end; the other one has ended.
    """
    line = [sys.executable, "-P", "-c", _BOOT, json.dumps([*map(str, sys.path)]), command, *rest]
    with subprocess.Popen(line) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt as interrupt:
            number = interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT
            if number != signal.SIGINT:
                process.send_signal(number)
            _end(process)
            raise
    return status if status >= 0 else 128 - status


def _end(process: subprocess.Popen[bytes]) -> None:
    for stop in (process.terminate, process.kill):
        try:
            process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:
            stop()


def become_host(line: Sequence[str]) -> int:
    """Makes this process the host's own, and runs one of its entry points.

    Args:
        line: One of ``ENTRIES``, and its options.

    Returns:
        The exit status, as of :func:`start`.
    """
    command, *rest = line or [""]
    if command not in ENTRIES:
        tell(f"error: expected one of {', '.join(ENTRIES)}, then the host's own options; not {command!r}")
        return _ERROR
    try:
        with loading(HOST, "VLMEvalKit"):
            _import_host()
        return _run(rest) if command == "run" else _list(command, rest)
    except VisualPRMEvalError as error:
        tell(f"error: {error}")
        return _ERROR


def _import_host() -> None:
    """Imports the host as it is, and registers ours.

    Raises:
        HostError: It is missing or cannot be imported.
    """
    try:
        import vlmeval  # noqa: F401 - the package loads everything that register() needs
    except Exception as error:  # Anything can go wrong in some hundred third-party modules.
        raise host_error(error) from error
    from visualprm_eval.host.load.bridge import register

    register()


class _FailureWatch(logging.Handler):
    """Remembers whether the host's runner reported an error, which it does not tell by its exit code."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self.failed = self.failed or record.levelno >= logging.ERROR


def _run(rest: Sequence[str]) -> int:
    """The host's runner; 1 when it reported an error for any model or dataset."""
    from visualprm_eval.host.load.runner import load_runner

    sys.argv = [HOST, *rest]  # All that the host's parsers read.
    runner, watch = load_runner(), _FailureWatch()
    for name in _RUNNERS:
        logging.getLogger(name).addHandler(watch)
    runner.main()
    if watch.failed:
        tell("The host reported an error; see its messages above.")
    return int(watch.failed)


def _list(command: str, rest: Sequence[str]) -> int:
    """The host's ``vlmutil dlist`` or ``mlist``."""
    from vlmeval.tools import cli

    sys.argv = ["vlmutil", command, *(rest or ["all"])]
    cli()
    return 0
