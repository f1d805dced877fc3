"""Starts the host's own entry points with our datasets and policies in its tables.

    visualprm_eval host run --data DemoWorld --model demo-policy [the host's own options]
    visualprm_eval host dlist all
    visualprm_eval host mlist all

The host knows no plugins, so it sees ours only in a process that we start. The process is the host's own, without our
patches.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from visualprm_eval.core.loading import loading
from visualprm_eval.host.load.host_names import HOST

_RUNNERS = ("vlmeval.run", "vlmeval.inference_api")


class _FailureWatch(logging.Handler):
    """Remembers whether the host's runner reported an error, which it does not tell by its exit code."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self.failed = self.failed or record.levelno >= logging.ERROR


def start(command: str, rest: Sequence[str]) -> int:
    """Runs one entry point of the host.

    Args:
        command: ``"run"``, ``"dlist"`` or ``"mlist"``.
        rest: Its options, which are the host's own.

    Returns:
        0, or 1 when the host reported a failure.
    """
    with loading(HOST, "VLMEvalKit"):
        import vlmeval  # noqa: F401 - the package loads everything that register() needs

    from visualprm_eval.host.load.bridge import register

    register()
    return _run(rest) if command == "run" else _list(command, rest)


def _run(rest: Sequence[str]) -> int:
    """The host's runner; 1 when it reported an error for any model or dataset."""
    import vlmeval.run

    watch = _FailureWatch()
    loggers = [logging.getLogger(name) for name in _RUNNERS]
    for logger in loggers:
        logger.addHandler(watch)
    sys.argv = ["vlmeval", *rest]  # All that the host's parsers read.
    try:
        vlmeval.run.main()
    finally:
        for logger in loggers:
            logger.removeHandler(watch)
    if watch.failed:
        print("The host reported an error; see its messages above.", file=sys.stderr)
    return int(watch.failed)


def _list(command: str, rest: Sequence[str]) -> int:
    """The host's ``vlmutil dlist`` or ``mlist``."""
    from vlmeval.tools import cli

    sys.argv = ["vlmutil", command, *(rest or ["all"])]
    cli()
    return 0
