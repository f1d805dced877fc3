"""The file of a store: opening, closing, one transaction or query at a time, and the look for damage."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from visualprm_eval.core.errors import StoreError
from visualprm_eval.store import absorb, audit, queries
from visualprm_eval.store.connection import open_for_reading, open_for_writing, translated_errors
from visualprm_eval.store.lock import WriterLock
from visualprm_eval.store.place import Place, check_way
from visualprm_eval.store.upgrade_scores import transaction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class StoreFile:
    """An open file; what is in it is the business of ``facts.Store``."""

    def __init__(self, path: Path, db: sqlite3.Connection, lock: WriterLock | None) -> None:
        self.path = path
        self._db = db
        self._lock = lock
        self._place = Place(path.resolve(), writes=lock is not None)

    @classmethod
    def open(cls, path: Path, write: bool = True) -> Self:
        """Opens the store at ``path``.

        Args:
            path: The store's file, or a link to it. Writing creates it and its directory where they are missing.
            write: Whether facts will be put; there is one such opener at a time.

        Raises:
            StoreLockedError: Another process is writing to it.
            StoreDamagedError: The file is not a sound store.
            StoreError: It was written by a newer version, cannot be written, or is missing when only reading.
        """
        path = Path(path)
        check_way(path)
        # Of a link: the log and the lock are beside the file itself, for whoever comes to it by another way.
        real = path.resolve()
        if not write:
            return cls(path, open_for_reading(real), None)
        with translated_errors(path):
            real.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(real)
        try:
            return cls(path, open_for_writing(real), lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Closes the file and lets the next writer in; a second call does nothing."""
        try:
            with translated_errors(self.path):
                self._db.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def check_in_place(self) -> None:
        """Looks whether the file is still the one that was opened.

        Raises:
            StoreError: It, or its folder, was removed or replaced meanwhile.
            StoreLockedError: The lock file was, and another process writes to the store now.
        """
        self._place.check()
        if self._lock is not None:
            self._lock.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def count_rows(self) -> int:
        """How many rows a merge of this store looks at."""
        with translated_errors(self.path):
            return absorb.count_rows(self._db)

    def verify(self) -> list[str]:
        """Reads everything and says what is wrong, one sentence each; ``[]`` when the store is sound."""
        with translated_errors(self.path):
            return audit.findings(self._db)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed and synced to the disk at its end, undone on any exception.

        Raises:
            StoreError: The file was removed or replaced since it was opened, or is opened for reading.
        """
        if self._lock is None:
            raise StoreError(f"{self.path} was opened for reading; open it with write=True to put facts")
        self.check_in_place()
        with translated_errors(self.path), transaction(self._db):
            yield self._db
        self.check_in_place()

    def _query(
        self, sql: str, arguments: Sequence[Any] = (), *, wanted: Iterable[str] | None = None
    ) -> Iterator[tuple[Any, ...]]:
        """Rows of a query that may join the temporary table ``wanted`` (position, problem_id)."""
        with translated_errors(self.path):
            if wanted is not None:
                fill_wanted(self._db, wanted)
            for row in self._db.execute(sql, arguments):  # noqa: UP028 - that closes a cursor of a closed store
                yield row

    def _value(self, sql: str, arguments: Sequence[Any], wanted: Iterable[str] | None = None) -> Any:
        ((value,),) = self._query(sql, arguments, wanted=wanted)
        return value


def fill_wanted(db: sqlite3.Connection, problem_ids: Iterable[str]) -> None:
    """Lists of ids go into a temporary table: SQLite bounds the number of parameters of a statement."""
    db.execute(queries.CREATE_WANTED)
    db.execute("DELETE FROM wanted")
    db.executemany(queries.ADD_WANTED, ((problem_id,) for problem_id in problem_ids))
