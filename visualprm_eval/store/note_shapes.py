"""What the notes of each kind look like, so that a damaged or forged one is told before anything is made of it."""

from __future__ import annotations

from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

from visualprm_eval.store import codec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

__all__ = ["odd_notes"]

_WORD_OR_NONE = (str, NoneType)
_COUNT_OR_NONE = (int, NoneType)
_SHAPES: Mapping[str, Any] = MappingProxyType({
    "asked": {"rerankers": [[_WORD_OR_NONE]], "scorings": {}},
    "checkpoint": {"source": str, "revision": _WORD_OR_NONE},
    "figures by index": [str],
    "metric": {"host metric": str, "whole tables": bool, "verdicts": bool},
    "name": {"name": str, "given": bool},
    "origin": {"total": _COUNT_OR_NONE},
    "problems": [str],
    "scope": {
        "policy": str, "greedy": bool, "problems": [str], "n": int, "ks": [int], "grade": str,
        "grading": (dict, NoneType), "origin": {"total": _COUNT_OR_NONE},
    },
    "unheeded prompts": [str],
    "versions": str,
})  # fmt: skip
"""By kind: a type, or several; a list of which each item has a shape; or the entries that an object must have."""


def odd_notes(db: sqlite3.Connection) -> Iterator[str]:
    """One sentence per note that is not what its kind says; kinds that nobody reads are passed over."""
    for position, kind, value in db.execute("SELECT position, kind, value FROM notes ORDER BY position"):
        try:
            sound = kind not in _SHAPES or _fits(codec.unpack_json(value), _SHAPES[kind])
        except (ValueError, TypeError, AttributeError):
            sound = False
        if not sound:
            yield f"note {position} cannot be read as one of the kind {kind!r}"


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and _fits(value[name], own) for name, own in shape.items())
    types = shape if isinstance(shape, tuple) else (shape,)
    return type(value) in types
