"""A store is looked at before anybody believes it: every reader and every run asks here, and nobody else.

Of a damaged store nothing is reported, merged, exported or added to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from visualprm_eval.core.errors import StoreDamagedError
from visualprm_eval.core.subprocess_call import beside
from visualprm_eval.core.visible import tell
from visualprm_eval.store import Store
from visualprm_eval.store.connection import copy_store, is_outdated

_WORTH_A_PROCESS = 64 * 2**20
"""Bytes of a store from which on the look for damage has a process of its own."""

_SHOWN = 5

Findings = Callable[[], Sequence[str]]
"""Waits for what a look for damage found."""


def audit(store: Store) -> AbstractContextManager[Findings]:
    """A look for damage, beside this process where it takes longer than a process takes to start."""
    if store.path.stat().st_size < _WORTH_A_PROCESS:
        return nullcontext(store.verify)
    return beside(damage_of, store.path.absolute())


def damage_of(path: Path) -> list[str]:
    """What is wrong with a store, see ``Store.verify``."""
    with Store.open(path, write=False) as store:
        return store.verify()


def refuse_damage(path: Path, findings: Findings) -> None:
    """Waits for what a look for damage found.

    Raises:
        StoreDamagedError: It found something; the message names the damage.
    """
    if damage := findings():
        listed = "; ".join(damage[:_SHOWN]) + (f"; and {len(damage) - _SHOWN:,} more" if len(damage) > _SHOWN else "")
        raise StoreDamagedError(
            f"{path} is damaged: {listed}. Nothing was made of it; restore it from a backup, or delete the rows that "
            f"are named with `sqlite3 {path.name}` (a run makes such facts anew)"
        )


def up_to_date(path: Path) -> Path:
    """The path of a store, which is brought up to date first if an older version of this program wrote it.

    Raises:
        StoreError: As for ``Store.open``.
    """
    if is_outdated(path):
        Store.open(path).close()
    return path


def open_copy(path: Path, target: Path) -> Store:
    """A copy of a store, brought up to date, after a look for damage.

    Args:
        path: The file of the store; it is only read.
        target: The file of the copy.

    Raises:
        StoreDamagedError: The store is not sound; the message names the damage.
        StoreError: As for ``connection.copy_store``.
    """
    copy_store(path, target)
    if is_outdated(target):
        said = "is of an older schema: what follows is of a copy, which is brought up to date"
        tell(f"note: {path} {said}")
    return _sound(Store.open(target), path)


def open_sound(path: Path, *, write: bool = False) -> Store:
    """A store, after a look for damage.

    Args:
        path: Its file.
        write: As for ``Store.open``.

    Raises:
        StoreDamagedError: The store is not sound; the message names the damage.
        StoreError: As for ``Store.open``.
    """
    return _sound(Store.open(path, write=write), path)


def _sound(store: Store, path: Path) -> Store:
    """An open store after a look for damage, which is told of the file at ``path``."""
    try:
        refuse_damage(path, store.verify)
    except BaseException:
        store.close()
        raise
    return store
