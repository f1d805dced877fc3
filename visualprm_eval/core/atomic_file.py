"""Files that appear whole or not at all, alone or together.

A draft is written beside the target, and renamed when it, or all of a set, is complete.

A draft is locked (``flock``) for as long as its writer lives; the kernel drops the lock whatever a process dies of. So
drafts of killed processes are told from those of living ones, on other machines as well, and the next process that
writes into the folder removes them.
"""

from __future__ import annotations

import fcntl
import functools
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

DRAFT = ".draft-"
"""How the name of every draft begins."""

_LINK_TAKES_S = 60.0
"""A link cannot be locked. It is a draft for microseconds, so that one of this age is abandoned."""


def write_atomically(path: Path, content: bytes | str, *, durable: bool = True) -> None:
    """Writes a file whole or not at all; text as UTF-8, its line ends as they are.

    Args:
        path: The file to make or replace; its folder is made when it is missing.
        content: All of it.
        durable: As for :func:`atomic_draft`.

    Raises:
        OSError: It cannot be written; an older file is still there.
    """
    with atomic_draft(path, durable=durable) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_draft(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """An empty file beside ``path``, with the same ending, that takes its place when the block ends without an error.

    Args:
        path: The file to make or replace; its folder is made when it is missing.
        durable: Whether the content must outlast a power failure. For many small files that can be made again,
            waiting for the disk (some ms each) is not worth it.

    Raises:
        OSError: It cannot be written; an older file is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent.absolute())
    draft, descriptor = _locked_draft(path)
    try:
        yield draft
        if durable:
            os.fsync(descriptor)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
        os.close(descriptor)


class DraftSet:
    """Drafts of files that belong together: all are written before the first of them takes its place.

    A context manager; what has not been published when it ends is removed.
    """

    def __init__(self) -> None:
        self._drafts: list[tuple[Path, Path, int]] = []

    def __enter__(self) -> Self:
        return self

    def write(self, path: Path, content: bytes | str) -> None:
        """Writes the draft of a file down to the disk; text as UTF-8, its line ends as they are.

        Args:
            path: The file to make or replace; its folder is made when it is missing.
            content: All of it.

        Raises:
            OSError: It cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent.absolute())
        draft, descriptor = _locked_draft(path)
        self._drafts.append((draft, path, descriptor))
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        os.fsync(descriptor)

    def publish(self) -> None:
        """Renames all drafts, in the order in which they were written; that takes no room on the disk.

        Raises:
            OSError: One cannot take its place; those before it have.
        """
        for draft, path, _ in self._drafts:
            draft.replace(path)

    def __exit__(self, *error: object) -> None:
        for draft, _, descriptor in self._drafts:
            draft.unlink(missing_ok=True)
            os.close(descriptor)


def link_atomically(link: Path, target: Path) -> None:
    """Makes a symbolic link, or leads it to another file, in one step."""
    if link.is_symlink() and link.readlink() == target:
        return
    _remove_abandoned(link.parent.absolute())
    draft = _draft_name(link)
    draft.symlink_to(target)
    draft.replace(link)


def _draft_name(path: Path) -> Path:
    return path.with_name(f"{DRAFT}{secrets.token_hex(4)}-{path.name}")


def _locked_draft(path: Path) -> tuple[Path, int]:
    """A new draft, and the descriptor that holds its lock."""
    while True:
        draft = _draft_name(path)
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        with suppress(OSError):  # A file system without locks: nobody can lock the draft to remove it, either.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if draft.exists():
            return draft, descriptor
        os.close(descriptor)  # Taken for abandoned before it was locked.


@functools.cache
def _remove_abandoned(folder: Path) -> None:
    """Removes what killed processes left, once for each folder and process: folders of pictures are long."""
    for entry in os.scandir(folder):
        if not entry.name.startswith(DRAFT):
            continue
        with suppress(OSError):  # Its writer lives, was faster, or belongs to somebody else.
            if not entry.is_symlink():
                _remove_if_unlocked(Path(entry.path))
            elif time.time() - entry.stat(follow_symlinks=False).st_mtime > _LINK_TAKES_S:
                Path(entry.path).unlink()


def _remove_if_unlocked(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)
