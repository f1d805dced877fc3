"""What judges replied, kept while their table is still being graded."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from visualprm_eval.store import codec, queries
from visualprm_eval.store.connection import open_for_writing, translated_errors
from visualprm_eval.store.place import Place

if TYPE_CHECKING:
    from pathlib import Path


class Replies:
    """Replies of judges by what was asked; any number of threads may use it at once.

    It has a connection of its own to the store's file. The host asks some questions several times, to hear something
    else the second time, so a reply is kept with the number of the attempt.

    Args:
        path: The store's file, which the caller holds the right to write to.
        since: Replies that are not younger than this time, in seconds since 1970, are passed over.
    """

    def __init__(self, path: Path, since: float = 0.0) -> None:
        self._path, self._since = path, since
        self._lock = threading.Lock()
        self._db = open_for_writing(path, one_thread=False, create=False)
        self._place = Place(path, writes=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        with self._lock, translated_errors(self._path):
            self._db.close()

    def get(self, request: str, attempt: int) -> str | None:
        """The reply to an attempt, from 0; ``None`` when there is none.

        Args:
            request: A digest of everything that was asked.
            attempt: How often the same was asked before.
        """
        with self._lock, translated_errors(self._path):
            row = self._db.execute(queries.REPLY, (request, attempt, self._since)).fetchone()
        return None if row is None else codec.unpack_text(row[0])

    def put(self, request: str, attempt: int, reply: str) -> None:
        """Keeps a reply; it is durable when this returns. A former reply to the same attempt gives way.

        Raises:
            StoreError: The store was removed or replaced meanwhile.
        """
        row = (request, attempt, codec.pack_text(reply), time.time())
        with self._lock, translated_errors(self._path):
            self._db.execute(queries.PUT_REPLY, row)
            self._place.check()
