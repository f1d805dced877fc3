"""Opening the store's file, and saying what is wrong with it when it cannot be opened.

A file that is not a sound store is never changed, replaced or removed.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from visualprm_eval.core.errors import StoreDamagedError, StoreError
from visualprm_eval.store import schema
from visualprm_eval.store.place import check_way, log_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_BUSY_TIMEOUT_S = 30.0
_CACHE_KIB = 64 * 1024


def open_for_writing(path: Path, *, one_thread: bool = True, create: bool = True) -> sqlite3.Connection:
    """Opens a store, creating it or bringing its schema up to date; the caller holds the writer's lock.

    Args:
        path: The store's file.
        one_thread: Whether only this thread uses it; otherwise the caller lets in one thread at a time.
        create: Whether one is made where there is none.

    Returns:
        A connection in autocommit mode: write-ahead log, every commit synced to the disk, foreign keys on.

    Raises:
        StoreDamagedError: The file is not a sound store.
        StoreError: It was written by a newer version, or cannot be opened.
    """
    with translated_errors(path):
        check_way(path)
        if not path.exists():
            if not create:
                raise StoreError(f"{path} is gone: it was removed while it was in use; bring it back, and run again")
            _create(path)
        db = _connect(path, "rw", one_thread=one_thread)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            schema.migrate(db)
            db.execute("PRAGMA foreign_keys = ON")  # Not before: an upgrade moves what an audit then finds broken.
        except BaseException:
            db.close()
            raise
    return db


def is_outdated(path: Path) -> bool:
    """Whether a store is there that an older version of this program wrote; its folder may be on a read-only disk."""
    if not path.exists() or not os.access(path.parent, os.W_OK):
        return False
    with translated_errors(path), closing(_connect(path, "ro")) as db:
        return schema.version(db) < schema.latest_version()


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Opens a store that another process may be writing to.

    Raises:
        StoreDamagedError: The file is not a sound store.
        StoreError: There is no file, its schema is not the current one, or it cannot be opened.
    """
    with translated_errors(path):
        db = _reading(path)
        if (found := schema.version(db)) < schema.latest_version():
            db.close()
            raise StoreError(
                f"{path} has schema {found}, this version reads {schema.latest_version()}; "
                "open it for writing once (any run on this work dir does) to bring it up to date"
            )
    return db


def copy_store(path: Path, target: Path) -> None:
    """Writes a store as it is now, of whatever schema, to a new file; a writer may go on meanwhile.

    Nothing appears beside a store that nobody writes to.

    Raises:
        StoreDamagedError: The file is not a sound store.
        StoreError: There is none, it was written by a newer version, there is a file at ``target`` already, or it
            cannot be written.
    """
    if target.exists():
        raise StoreError(f"{target} is there already; nothing was copied over it")
    check_way(path)
    real = path.resolve()
    with translated_errors(path):
        if not log_of(real).exists():
            before = _stamp(real)
            _back_up(_reading(real, closed=True), target)
            if not log_of(real).exists() and _stamp(real) == before:
                return
            target.unlink()  # Somebody came to write, and it may be neither what it was nor what it is now.
        _back_up(_reading(real), target)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file is written or replaced; ``None`` without one."""
    if not path.exists():
        return None
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _back_up(db: sqlite3.Connection, target: Path) -> None:
    with closing(db), closing(sqlite3.connect(target)) as copy:
        db.backup(copy)


def _reading(path: Path, *, closed: bool = False) -> sqlite3.Connection:
    """A connection that only reads, to a store of this schema or an older one.

    Args:
        path: Its file.
        closed: Whether nobody writes to it, so that nothing need be made beside it.
    """
    check_way(path)
    if not path.exists():
        raise StoreError(f"there is no store at {path}; check --work-dir, or make a run that fills it first")
    # A closed store on a read-only disk has no log beside it, and SQLite may not create one.
    closed = closed or (not os.access(path.parent, os.W_OK) and not log_of(path).exists())
    return _connect(path, "ro&immutable=1" if closed else "ro")


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite or the disk report into errors that say what to do."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise StoreError(
            f"{path} refused a fact ({error}); put the specs, problems and candidates that facts refer to first"
        ) from error
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", None) or ""
        lacks = str(error).startswith(("no such table", "no such column", "no such index"))
        if lacks or name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise StoreDamagedError(_damaged(path, str(error))) from error
        raise StoreError(f"cannot use {path} ({error}); check free space and permissions, then run again") from error
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"cannot use {path} ({reason}); check the path and its permissions") from error


def _connect(path: Path, mode: str, *, one_thread: bool = True) -> sqlite3.Connection:
    """A checked connection; nothing has been written when this raises."""
    if not path.is_file():
        raise StoreError(f"{path} is not a file; choose another --work-dir, or move it away")
    _check_header(path)
    db = _raw_connection(path, mode, one_thread=one_thread)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()  # a file that was cut off fails here
        _check_version(path, schema.version(db))
    except BaseException:
        db.close()
        raise
    return db


def _check_header(path: Path) -> None:
    """Recognises a store by the bytes that every store has from its birth, before SQLite may touch the file."""
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if not header.startswith(_MAGIC):
        raise StoreDamagedError(_damaged(path, "it is not an SQLite file" if header else "it is empty"))
    if len(header) < _HEADER_BYTES:
        raise StoreDamagedError(_damaged(path, "it was cut off"))
    found = int.from_bytes(header[68:72], "big")  # where SQLite's file format keeps PRAGMA application_id
    if found != schema.APPLICATION_ID:
        raise StoreDamagedError(
            f"{path} is an SQLite file of another program (application id {found:#x}, expected "
            f"{schema.APPLICATION_ID:#x}). Nothing was changed; move it away or choose another --work-dir"
        )


def _check_version(path: Path, found: int) -> None:
    if found > schema.latest_version():
        raise StoreError(
            f"{path} was written by a newer version of visualprm_eval (schema {found}, this version knows up to "
            f"{schema.latest_version()}). Nothing was changed; upgrade visualprm_eval or choose another --work-dir"
        )


def _raw_connection(path: Path, mode: str, *, one_thread: bool = True) -> sqlite3.Connection:
    address = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}"  # A name need not be UTF-8.
    db = sqlite3.connect(address, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=one_thread)
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return db


def _create(path: Path) -> None:
    """Makes a store beside its place and moves it there: a store exists whole or not at all."""
    if log_of(path).exists():
        # SQLite would replay the log of the lost file into the new one.
        raise StoreDamagedError(
            f"{path} is gone but its log {log_of(path).name} is there. Nothing was changed; "
            "restore the store from a backup, or move the log away to start anew"
        )
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)  # left by a process that was killed here; never holds facts
    with closing(_raw_connection(draft, "rwc")) as db:
        schema.migrate(db)
    draft.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _damaged(path: Path, reason: str) -> str:
    return (
        f"{path} is not a sound store: {reason}. Nothing was changed; restore it from a backup, save what is left with "
        f"`sqlite3 {path.name} .recover`, or move it away (with its -wal file) to start anew"
    )
