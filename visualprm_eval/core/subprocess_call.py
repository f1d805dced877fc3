"""Work in a process of its own beside this one, for what takes long and can wait for its turn.

Not by ``multiprocessing``: its new processes run the caller's main module again, whoever's script that is, and its
forked ones inherit threads' locks. What is pickled here comes from this process and goes back to it.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import ParamSpec, TypeVar, cast

Arguments = ParamSpec("Arguments")
Outcome = TypeVar("Outcome")

_SCRIPT = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "function, arguments, named = pickle.load(sys.stdin.buffer); "
    "pickle.dump(function(*arguments, **named), sys.stdout.buffer)"
)


@contextmanager
def beside(
    function: Callable[Arguments, Outcome], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Iterator[Callable[[], Outcome]]:
    """Lets another process of this interpreter call a function, and gives what waits for its outcome.

    Where that process fails in any way the function is called here, so that its errors are this process's.

    Args:
        function: A function of a module, without effects that may not happen twice; it may print nothing.
        arguments: Its arguments.
        named: Its arguments by name.
    """
    if not sys.executable:
        yield lambda: function(*arguments, **named)
        return
    command = [sys.executable, "-c", _SCRIPT]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        # It takes its time to start and to import what it is told of.
        feeder = Thread(target=_feed, args=(process, (function, arguments, named)), daemon=True)
        feeder.start()
        told: list[Outcome] = []

        def outcome() -> Outcome:
            if not told:
                said = process.stdout.read() if process.stdout is not None else b""
                here = process.wait() != 0
                # It is this package's own process that said so.
                told.append(function(*arguments, **named) if here else cast("Outcome", pickle.loads(said)))  # noqa: S301
            return told[0]

        try:
            yield outcome
        finally:
            process.kill()
            feeder.join()


def _feed(process: subprocess.Popen[bytes], what: object) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError), process.stdin as stream:
            pickle.dump(sys.path, stream)
            pickle.dump(what, stream, protocol=pickle.HIGHEST_PROTOCOL)
