"""Which versions of packages made the facts of a store.

A report may be made on another machine than the facts, or after an upgrade. So each stage that makes facts notes its
versions in the store, once per key of facts and set of versions, and reports tell of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from visualprm_eval.core.packages import versions_here
from visualprm_eval.core.types import Spec

if TYPE_CHECKING:
    from visualprm_eval.store import Store

NOT_RECORDED = "not recorded"
"""Stands for the versions that made facts of older stores, and of packs of candidates."""

_VERSIONS = "versions"
"""The kind of notes on which versions made the facts of a key."""


def note_versions(store: Store, maker: Spec, versions: str = "") -> None:
    """Notes the versions that made facts here, just before these are put.

    Args:
        store: Where the facts go.
        maker: Their key: a sampling, a scoring or a grading.
        versions: Those of another Python that makes them, see ``core.packages.versions_here``; ``""`` for this one's.
    """
    if store.has_facts(maker.id) and maker.id not in recorded_versions(store):
        note_unknown_versions(store, maker)
    _note(store, maker, versions or _here())


def note_unknown_versions(store: Store, maker: Spec) -> None:
    """Notes that facts under a key were made elsewhere, by nobody knows which versions."""
    _note(store, maker, NOT_RECORDED)


def recorded_versions(store: Store) -> Mapping[str, str]:
    """The versions that made facts, by their key; several sets in the order in which they came, oldest first."""
    found: dict[str, list[str]] = {}
    for key, packages in store.notes(_VERSIONS):
        found.setdefault(key, []).append(str(packages))
    return {key: "; then ".join(sets) for key, sets in found.items()}


def _note(store: Store, maker: Spec, packages: str) -> None:
    """Once: said again it would be the last, and the oldest stands first."""
    if (maker.id, packages) not in store.notes(_VERSIONS, maker.id):
        store.put_note(_VERSIONS, maker.id, packages)


@cache
def _here() -> str:
    return versions_here()
