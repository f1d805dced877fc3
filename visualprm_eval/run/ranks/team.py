"""How the ranks of one run know of each other: a lock that each holds while it lives, and small files."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.errors import RanksError, StoreError, StoreLockedError
from visualprm_eval.core.json_text import parsed
from visualprm_eval.core.visible import tell
from visualprm_eval.run.ranks.launch import Launch
from visualprm_eval.store.lock import WriterLock

_FOLDER = "ranks"

STARTUP_S = 120.0
"""How long a rank may take to appear after another one did."""

HANG_S = 1800.0
"""How long a rank that is at work may store nothing, once another one has done its own part."""

_JOIN_S = 5.0
_POLL_S = 0.1
_SAY_S = 15.0
_STARTED, _DONE = "started", "done"


class Team(AbstractContextManager["Team"]):
    """This rank among the others; a context that says that it lives.

    Args:
        launch: Which rank this is.
        work_dir: The run's work dir; the files are in its folder ``ranks``.

    Raises:
        RanksError: The same rank of another run is still at work there.
    """

    def __init__(self, launch: Launch, work_dir: Path) -> None:
        self.rank, self.size, self._token = launch.rank, launch.size, launch.token
        self.folder = work_dir / _FOLDER
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write to {work_dir} ({error.strerror}); choose another --work-dir") from error
        self._lock = self._join()
        self._say(_STARTED)

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def done(self) -> None:
        """Says that this rank's work is stored."""
        self._say(_DONE)

    def publish(self, plan: dict[str, Any]) -> None:
        """Hands the plan to all ranks."""
        self._write("plan.json", plan)

    def plan(self) -> dict[str, Any]:
        """Waits for the plan of rank 0, as long as rank 0 lives.

        Raises:
            RanksError: Rank 0 ended or never came.
        """
        for _ in self._waiting([0]):
            if plan := self._read("plan.json"):
                return plan
        raise RanksError("rank 0 ended before it dealt the work; its own message says why")

    def wait_for_others(self, last_stored: Callable[[int], float] = lambda _: 0.0) -> list[int]:
        """Waits until every other rank is done or dead.

        Args:
            last_stored: When a rank last stored something, in seconds since 1970.

        Returns:
            The dead ones.

        Raises:
            RanksError: A rank lives and has stored nothing for ``HANG_S`` seconds.
        """
        others = [rank for rank in range(self.size) if rank != self.rank]
        start = time.time()
        for busy in self._waiting(others):
            for rank in busy:
                silent_s = time.time() - max(start, last_stored(rank))
                if silent_s > HANG_S:
                    pid = self._said(rank).get("pid", "unknown")
                    raise RanksError(
                        f"rank {rank} of {self.size} (process {pid}) lives and has stored nothing for "
                        f"{silent_s:,.0f} s, so it is given up; what is stored is kept: end that process if it is "
                        "still there, and run the same command again, with torchrun or without, to go on"
                    )
        return [rank for rank in others if self._said(rank).get("state") != _DONE]

    def _waiting(self, ranks: list[int]) -> Iterator[list[int]]:
        """Gives now and then those of these ranks that are at work, until there are none."""
        start = said = time.monotonic()
        while True:
            # Before a look at what they left: who ends now has left it.
            busy = [rank for rank in ranks if self._is_busy(rank, time.monotonic() - start)]
            yield busy
            if not busy:
                return
            if time.monotonic() - said > _SAY_S:
                said = time.monotonic()
                tell(f"waiting for rank {', '.join(map(str, busy))}")
            time.sleep(_POLL_S)

    def _is_busy(self, rank: int, waited_s: float) -> bool:
        if not (said := self._said(rank)):
            return waited_s < STARTUP_S
        return said["state"] != _DONE and _is_held(self.folder / f"rank{rank}")

    def _said(self, rank: int) -> dict[str, Any]:
        """What a rank of this start said last; nothing before it came."""
        return self._read(f"rank{rank}.json")

    def _read(self, name: str) -> dict[str, Any]:
        """What a file of this start says; nothing when it is not there, or is another start's or program's."""
        try:
            content = parsed((self.folder / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) and content.get("token") == self._token else {}

    def _write(self, name: str, content: dict[str, Any]) -> None:
        """Writes a file of this start that others see whole or not at all."""
        write_atomically(self.folder / name, json.dumps({**content, "token": self._token}), durable=False)

    def _say(self, state: str) -> None:
        self._write(f"rank{self.rank}.json", {"pid": os.getpid(), "state": state})

    def _join(self) -> WriterLock:
        """Takes this rank's lock, which another rank may hold for a moment to see whether it is free."""
        deadline = time.monotonic() + _JOIN_S
        while True:
            try:
                return WriterLock(self.folder / f"rank{self.rank}")
            except StoreLockedError as error:
                if time.monotonic() > deadline:
                    said = f"rank {self.rank} of an earlier run is still at work in this work dir ({error})"
                    raise RanksError(said) from error
                time.sleep(_POLL_S)


def remove_traces(work_dir: Path) -> None:
    """Removes the files by which ranks knew of each other."""
    shutil.rmtree(work_dir / _FOLDER, ignore_errors=True)


@contextmanager
def told_apart(rank: int) -> Iterator[None]:
    """While it lasts, what goes to standard error says which rank it comes from, line by line."""
    stream: Any = _Prefixed(sys.stderr, f"[rank {rank}] ")
    with closing(stream), redirect_stderr(stream):
        yield


class _Prefixed:
    """Just enough of a text stream: whole lines, so that those of several processes do not mix."""

    def __init__(self, out: Any, prefix: str) -> None:
        self._out, self._prefix, self._begun = out, prefix, ""

    def write(self, text: str) -> int:
        *lines, self._begun = (self._begun + text).split("\n")
        if lines:
            self._out.write("".join(f"{self._prefix}{line}\n" for line in lines))
            self._out.flush()
        return len(text)

    def isatty(self) -> bool:
        return False  # A live bar of each rank would paint over those of the others.

    def close(self) -> None:
        if self._begun:
            self.write("\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def _is_held(path: Path) -> bool:
    """Whether somebody holds a lock: the kernel gives it back whatever a process dies of."""
    try:
        WriterLock(path).release()
    except StoreLockedError:
        return True
    return False
