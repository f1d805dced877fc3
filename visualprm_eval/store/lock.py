"""One writer at a time.

An advisory lock (``flock``) on a file beside the store: the kernel drops it when its holder ends, ``kill -9``
included, so that no stale lock ever has to be removed by hand. The file's content only tells people who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import weakref
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import StoreError, StoreLockedError
from visualprm_eval.core.json_text import parsed
from visualprm_eval.store.place import identity

if TYPE_CHECKING:
    from pathlib import Path


class WriterLock:
    """The right to write to one store, held until :meth:`release` or the end of the process.

    Args:
        store: The store's file; the lock is taken on the same path with ``.lock`` added.

    Raises:
        StoreLockedError: Another process, or another open store of this one, holds it.
        StoreError: The lock file cannot be made, or the file system knows no locks.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".lock")
        self._store = store
        self._fd: int | None = None
        self._take()
        _held.add(self)

    def _take(self) -> None:
        store = self._store
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                f"cannot write in {store.parent} ({error.strerror}); choose a --work-dir that can be written"
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode("ascii"), 0)
        except BlockingIOError as error:
            holder = _holder(self._fd)
            self.release()
            raise StoreLockedError(
                f"{store} is being written by {holder}; wait until it has ended, or choose another --work-dir"
            ) from error
        except OSError as error:
            self.release()
            raise StoreError(
                f"cannot lock {self.path} ({error.strerror}); choose a --work-dir on a local disk with free space"
            ) from error

    def renew(self) -> None:
        """Takes the right again where somebody removed the lock file: nobody would heed the old one.

        Raises:
            StoreLockedError: Another process has taken it meanwhile.
            StoreError: The lock file cannot be made again.
        """
        if self._fd is None or identity(self.path) != identity(self._fd):
            self.release()
            self._take()

    def release(self) -> None:
        """Gives the lock back; a second call does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def _holder(fd: int) -> str:
    """Who wrote the lock file, in words; the lock may be so young that nobody has yet."""
    try:
        said = parsed(os.pread(fd, 4096, 0))
        return f"process {int(said['pid'])} on {said['host']!s}"
    except (ValueError, KeyError, TypeError):
        return "another process"


# A forked child inherits the descriptor, and with it would keep the lock alive after its parent was killed.
_held: weakref.WeakSet[WriterLock] = weakref.WeakSet()


def _let_go_in_child() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_let_go_in_child)
