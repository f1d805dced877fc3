"""One command as a process: its standard streams, its signals, its exit status, and the last resort when it fails."""

from __future__ import annotations

import atexit
import errno
import io
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from visualprm_eval.core.error_text import in_short
from visualprm_eval.core.errors import VisualPRMEvalError
from visualprm_eval.core.interrupts import Interrupted, ending_signals
from visualprm_eval.core.packages import VERSION
from visualprm_eval.core.secrets import blanked
from visualprm_eval.core.visible import one_line, tell

EXIT_OK, EXIT_UNUSABLE, EXIT_ERROR, EXIT_FAULT = 0, 1, 2, 3
EXIT_SIGNAL = 128
"""Plus the number of the signal that ended the command."""

FAULT_FILE = "fault.txt"
"""In the work dir: the traceback of what should not have happened."""

_LONGEST = 300
_OF_THE_MACHINE = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EMFILE, errno.ENFILE,
    errno.ENOMEM, errno.ESTALE, errno.ENAMETOOLONG, errno.ELOOP,
})  # fmt: skip
"""Errors of files that say something of the machine or of a name, not of this package."""


def run_command(command: Callable[[], int | None], fault: Callable[[BaseException], str]) -> int:
    """Calls a command; whatever it ends with becomes one message and an exit status.

    Args:
        command: The command; ``None`` counts as 0.
        fault: Tells of an exception that nobody expected, see :func:`explained`.

    Returns:
        The exit status: the command's, 2 for an error that was printed, 3 for a fault of this package, 128 and the
        number of a signal that ended it (of SIGPIPE, too, when nobody reads its output any more).
    """
    _open_streams()
    with ending_signals():
        try:
            status = int(command() or EXIT_OK)
            sys.stdout.flush()
        except BrokenPipeError:
            return _unread()
        except Exception as error:  # noqa: BLE001 - the last resort
            return _told(*_message(error, fault))
        except KeyboardInterrupt as interrupt:
            number = interrupt.number if isinstance(interrupt, Interrupted) else signal.SIGINT
            by = f" by {signal.Signals(number).name}" if number != signal.SIGINT else ""
            said = f"interrupted{by}; all that was done is stored: run the same command again to go on"
            return _told(said, EXIT_SIGNAL + number)
        return status


def _message(error: Exception, fault: Callable[[BaseException], str]) -> tuple[str, int]:
    """What is said of an exception, and the exit status."""
    if isinstance(error, VisualPRMEvalError):
        return f"error: {error}", EXIT_ERROR
    if isinstance(error, MemoryError):
        return "error: the machine's memory is full; all that was done is stored", EXIT_ERROR
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = f": {error.filename}" if error.filename else ""
        return f"error: {error.strerror}{where}; mend that and run the same command again", EXIT_ERROR
    return f"error: {fault(error)}", EXIT_FAULT


def _told(said: str, status: int) -> int:
    said = "\n".join(map(in_short, said.split("\n")))  # A list of missing files has a line for each of them.
    try:
        tell(said)
    except BrokenPipeError:
        return _unread()
    except OSError:  # The terminal is gone.
        pass
    return status


def _open_streams() -> None:
    """Standard streams that are closed (``>&-``) lead nowhere; else a file that is opened would take their place."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # It gets the lowest number that is free.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # Not every terminal has every sign.
            stream.reconfigure(errors="backslashreplace")


def _unread() -> int:
    """Nobody reads the output any more: as any filter, end without a word."""
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            try:
                stream.flush()
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return EXIT_SIGNAL + signal.SIGPIPE


def explained(
    error: BaseException, *, argv: Sequence[str], work_dir: Path | None, secrets: Sequence[str], verbose: bool
) -> str:
    """A message on an exception that nobody expected; the traceback goes to a file, or to the terminal when verbose.

    Args:
        error: The exception.
        argv: The command line.
        work_dir: Where the file goes, if it is there.
        secrets: Keys that nobody must see.
        verbose: Whether the traceback is shown.
    """
    trace = "".join(traceback.format_exception(error))
    about = f"visualprm_eval {VERSION}, Python {platform.python_version()}\n{' '.join(argv)}\n\n{trace}"
    about = blanked(about, secrets)
    kind = one_line(blanked(f"{type(error).__name__}: {error}", secrets), _LONGEST)
    said = f"this is a fault of visualprm_eval, in {_place(error)}: {kind}; all that was done is stored"
    if verbose:
        tell(about)
        return f"{said}. Please report it with the traceback above"
    file = _written(about, work_dir)
    where = f"; the traceback is in {file}" if file is not None else "; --verbose shows the traceback"
    return f"{said}{where}. Please report it with that"


def _place(error: BaseException) -> str:
    """What was being done: the innermost function of this package on the way to where it was raised."""
    package = str(Path(__file__).parents[1])
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(package)]
    return f"{Path(own[-1].filename).relative_to(package)}, {own[-1].name}" if own else "an unknown place"


def _written(text: str, work_dir: Path | None) -> Path | None:
    folders = [work_dir] if work_dir is not None and work_dir.is_dir() else []
    for folder in (*folders, Path(tempfile.gettempdir())):
        name = FAULT_FILE if folder == work_dir else f"visualprm_eval-{os.getpid()}-{FAULT_FILE}"
        try:
            (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return folder / name
    return None


def leave(status: int) -> None:
    """Ends the process; after a signal at once, without waiting for threads whose requests are still in flight."""
    if status > EXIT_SIGNAL:
        atexit._run_exitfuncs()  # noqa: SLF001 - what removes folders and ends child processes
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(status)
    sys.exit(status)
