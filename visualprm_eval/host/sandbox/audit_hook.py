"""Watches what the process does while one of the host's graders is at work: no programs, no writing just anywhere.

Python tells an audit hook of every file that is opened and every program that is started, in all threads and in forked
children. The hook here cannot be removed, as no audit hook can, and does nothing but look at one variable while nobody
watches. It is a second fence, for what graders do of their own accord: who runs Python of his own choice can climb it,
and ``visualprm_eval.host.sandbox.eval_guard`` sees to it that nobody does.

What is watched: programs, and files that are written, moved, removed or made. What is not: reading, connections (the
judge), shared libraries (modules that a grader imports load theirs), forks (the host's time limits are forks), and
SQLite files, of which the host has none.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import GraderRefusedError
from visualprm_eval.core.json_rows import cut_off
from visualprm_eval.host.patching import replaced
from visualprm_eval.host.sandbox.latex_helper import COMMAND

_MOST_NOTES = 20
_EXCERPT = 60
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_QUESTIONS = {("ldconfig", "-p"), ("uname", "-p"), ("fc-list", "--format=%{file}\\n")}
"""Commands by which libraries ask about the machine when they are imported: where a shared library lies, fonts."""
_TRIALS = {("gcc", "-Wl,-t"), ("ld", "-t")}
"""How ``ctypes.util`` goes on to look for a shared library that is not there. Refused, and nobody's wish."""


class RefusedError(PermissionError):
    """What a grader wanted to do is not allowed; an ``OSError``, as for a file that cannot be written."""


class Refusals:
    """What a grader wanted to do and was not let, in this process and in forked children.

    Graders swallow errors: whoever asked one must look here before its verdicts are believed.
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("refusals")  # What forked children share, and no hook forbids.
        self._known: set[str] = set()

    def note(self, wish: str, about: object = "") -> None:
        """Remembers a wish, such as ``"start a program"``, once per process.

        Args:
            wish: What the grader wanted to do.
            about: What it wanted that with; a short part of it is shown, without signs that could do harm.
        """
        shown = ascii(about if isinstance(about, str) else str(about))[1:-1] if about else ""
        line = f"{wish} ({cut_off(shown, _EXCERPT)})" if shown else wish
        if line not in self._known and len(self._known) < _MOST_NOTES:
            self._known.add(line)
            os.write(self._file, f"{line}\n".encode("ascii"))  # All at once: children write there too.

    @property
    def notes(self) -> tuple[str, ...]:
        """What was refused, each once."""
        text = os.pread(self._file, os.fstat(self._file).st_size, 0).decode("ascii")
        return tuple(dict.fromkeys(text.splitlines()))

    def check(self, name: str) -> None:
        """Does nothing where nothing was refused.

        Args:
            name: The benchmark whose grader was at work.

        Raises:
            GraderRefusedError: Something was: verdicts may be wrong because of it.
        """
        notes = self.notes
        if notes:
            more = f", and {len(notes) - 1} more of the kind" if len(notes) > 1 else ""
            raise GraderRefusedError(
                f"{name}: the host's grader wants to {notes[0]}{more}: such benchmarks cannot be graded here"
            )

    def close(self) -> None:
        """Gives back what forked children shared."""
        os.close(self._file)


class _Watch:
    """What is allowed while one grader is at work.

    Attributes:
        refusals: Where refusals are noted.
    """

    def __init__(self, refusals: Refusals, roots: Sequence[Path], kept: Sequence[Path]) -> None:
        self.refusals = refusals
        self._roots = [os.path.realpath(root) for root in (*roots, *map(Path, ("/dev/null", "/dev/shm")))]  # noqa: S108
        self._kept = [os.path.realpath(root) for root in kept]
        self._start = time.time()

    def refuse(self, wish: str, about: object = "") -> None:
        self.refusals.note(wish, about)
        raise RefusedError(f"refused: {wish}")

    def check_write(self, path: Any, folder: int | None = None, *, follow: bool = True) -> None:
        """Refuses a change at a place where none is allowed.

        Args:
            path: Where; a descriptor of an open file may be written.
            folder: The descriptor of the folder that a relative path begins at.
            follow: Whether the change is to what a link leads to, and not to the link.
        """
        if isinstance(path, int):
            return
        place = Path("" if folder in {None, -1} else f"/proc/self/fd/{folder}", os.fsdecode(path))
        real = os.path.realpath(place) if follow else f"{os.path.realpath(place.parent)}/{place.name}"
        if not self._is_allowed(real):
            self.refuse("write outside of its folder", real[-_EXCERPT:])

    def _is_allowed(self, path: str) -> bool:
        if any(_is_in(path, root) for root in self._roots):
            return True
        if not any(_is_in(path, root) for root in self._kept):
            return False
        try:
            return os.lstat(path).st_ctime >= self._start
        except OSError:  # Nothing is there yet.
            return True


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


_active: _Watch | None = None
_installed = False


@contextlib.contextmanager
def watched(folders: Sequence[Path], kept: Sequence[Path] = ()) -> Iterator[Refusals]:
    """While it lasts, this process starts no program and writes nowhere but where it is told; in all threads.

    Args:
        folders: Where it may write.
        kept: Where it may make new files, and change these, but must leave alone what was there before.

    Yields:
        What was refused.
    """
    global _active, _installed  # noqa: PLW0603 - a hook belongs to the process
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    refusals, before = Refusals(), _active
    # Modules that a grader imports would be compiled beside their source.
    with _without_fresh_interpreters(refusals), replaced(sys, "dont_write_bytecode", value=True):
        _active = _Watch(refusals, folders, kept)
        try:
            yield refusals
        finally:
            _active = before
            refusals.close()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    watch = _active
    if watch is None:
        return
    if event in _PROGRAMS:
        _program(watch, arguments)
    elif event in _CHANGES and not _changes_nothing(event, arguments):
        for path, folder in _CHANGES[event]:
            place = None if folder is None else arguments[folder]
            watch.check_write(arguments[path], place, follow=event in _FOLLOWED)


def _changes_nothing(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether a file is only read, or a folder is there and not made again, which many a caller expects."""
    return (event == "open" and not arguments[2] & _WRITES) or (
        event == "os.mkdir" and Path(os.fsdecode(arguments[0])).is_dir()
    )


def _program(watch: _Watch, arguments: tuple[Any, ...]) -> None:
    command = arguments[1] if len(arguments) > 1 and arguments[1] else arguments[0] if arguments else ""
    words = [os.fsdecode(each) for each in command] if isinstance(command, list | tuple) else [os.fsdecode(command)]
    called = (Path(words[0]).name, *words[1:]) if words else ()
    if called in _QUESTIONS or (*arguments[:1], *words) == (COMMAND[0], *COMMAND):
        return
    if called[:2] in _TRIALS:
        raise RefusedError("refused: start a program")
    watch.refuse("start a program", " ".join(words))


_PROGRAMS = frozenset({
    "subprocess.Popen", "os.posix_spawn", "os.exec", "os.system", "pty.spawn", "os.forkpty", "os.spawn",
})  # fmt: skip
_CHANGES: Mapping[str, Sequence[tuple[int, int | None]]] = {
    "open": [(0, None)], "os.truncate": [(0, None)], "os.chmod": [(0, 2)], "os.chown": [(0, 3)], "os.mkdir": [(0, 2)],
    "os.remove": [(0, 1)], "os.rmdir": [(0, 1)], "shutil.rmtree": [(0, 1)],
    "os.rename": [(0, 2), (1, 3)], "os.link": [(1, 3)], "os.symlink": [(1, 2)],
}  # fmt: skip
"""Which arguments of an event are paths that change, and which the folders that these begin at."""
_FOLLOWED = frozenset({"open", "os.truncate", "os.chmod", "os.chown"})
"""Events that change what a link leads to, and not the link."""


def _without_fresh_interpreters(refusals: Refusals) -> contextlib.AbstractContextManager[None]:
    """Refuses processes of ``multiprocessing`` that begin with a new interpreter, which no hook would watch."""
    from multiprocessing import util

    before = util.spawnv_passfds

    def spawn(path: Any, args: Sequence[Any], passfds: Any) -> Any:
        # It counts shared memory, and runs nothing else.
        if any("resource_tracker" in os.fsdecode(each) for each in args):
            return before(path, args, passfds)
        refusals.note("start a program", "a new interpreter")
        raise RefusedError("refused: start a program")

    return replaced(util, "spawnv_passfds", spawn)
