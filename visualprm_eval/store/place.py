"""Where a store's file is, and whether it is still there: SQLite goes on writing to a file that somebody removed."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

_Identity = tuple[int, int]


def check_way(path: Path) -> None:
    """Refuses a path on which a link leads nowhere or a folder is none: a new store there would hide the one meant.

    Raises:
        StoreError: It says which, and what to do.
    """
    for place in (path, *path.parents):
        if place.is_symlink() and not place.exists():
            raise StoreError(
                f"{path}: {place} is a link to {place.readlink()}, which is not there. Nothing was changed; bring back "
                "what it leads to (a disk that is not mounted?), or remove the link to start anew"
            )
        if place is not path and place.exists():
            if not place.is_dir():
                raise StoreError(f"{path}: {place} is a file, expected a folder; choose another --work-dir")
            return


def log_of(path: Path) -> Path:
    """Where SQLite keeps what is not yet in the file itself."""
    return path.with_name(path.name + "-wal")


class Place:
    """The files of an open store as they were found.

    Args:
        path: The store's file itself, no link to it.
        writes: Whether this process writes to it; its log stays in place as long then.
    """

    def __init__(self, path: Path, *, writes: bool) -> None:
        self._path, self._writes = path, writes
        self._file, self._log = identity(path), None if not writes else identity(log_of(path))

    def check(self) -> None:
        """Looks whether the files are still those that were opened.

        Raises:
            StoreError: They are gone or others: what would be stored now would be lost.
        """
        now = identity(self._path)
        if now != self._file:
            what = "is gone" if now is None else "is another file than the one that was opened"
            raise StoreError(
                f"{self._path} {what}: the folder, or the file, was removed, moved or replaced while it was in use. "
                "Nothing more is written; what was stored until then went with it. Bring it back, or choose another "
                "--work-dir, and run the same command again"
            )
        if not self._writes:
            return
        log = identity(log_of(self._path))
        self._log = self._log or log
        if log != self._log:
            raise StoreError(
                f"{log_of(self._path)}, the log of the store, was removed or replaced while the store was in use. "
                "Nothing more is written; run the same command again, and leave the files beside the store alone"
            )


def identity(path: Path | int) -> _Identity | None:
    """What tells a file, or an open one by its number, from all others; ``None`` when it is not there."""
    with suppress(OSError):
        found = os.stat(path)  # noqa: PTH116 - an open file has no path
        return found.st_dev, found.st_ino
    return None
