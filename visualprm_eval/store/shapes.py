"""What notes, prompts and problems look like, so that a damaged or forged one is told before anything is made of it."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

from visualprm_eval.store import codec, sound
from visualprm_eval.store.columns_checked import PROBLEM_KEY, place

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping

_WORD_OR_NONE = (str, NoneType)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value <= sound.RANK_LIMIT


def _are_ks(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_size, value)) and value == sorted(set(value))


def _is_reranker(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and _fits(value[1], _WORD_OR_NONE)


def _is_asked(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("scorings"), dict):
        return False
    rerankers, greedy, baseline = value.get("rerankers"), value.get("greedy"), value.get("baseline")
    return (
        isinstance(rerankers, list)
        and all(map(_is_reranker, rerankers))
        and all(isinstance(key, str) for key in value["scorings"].values())
        and type(greedy) in {bool, NoneType}
        and baseline in (None, "mean", "greedy", "first")
    )


def _is_origin(value: object) -> bool:
    return isinstance(value, dict) and "total" in value and sound.is_count(value["total"])


_SHAPES: Mapping[str, Any] = MappingProxyType({
    "asked": _is_asked,
    "checkpoint": {"source": str, "revision": _WORD_OR_NONE},
    "figures by index": [str],
    "metric": {"host metric": str, "whole tables": bool, "verdicts": bool},
    "name": {"name": str, "given": bool},
    "origin": _is_origin,
    "problems": [str],
    "scope": {
        "policy": str, "greedy": bool, "problems": [str], "n": _is_size, "ks": _are_ks,
        "grade": ("auto", "all", "picks").__contains__, "grading": (dict, NoneType), "origin": _is_origin,
    },
    "unheeded prompts": [str],
    "versions": str,
})  # fmt: skip
"""By kind: a type, or several; what is true of sound values; a list of which each item has a shape; or the entries that
an object must have."""
_WHOLE = frozenset({"scope"})
"""Kinds of which an object has no other entries."""


def odd_notes(db: sqlite3.Connection) -> Iterator[str]:
    """One sentence per note that is not what its kind says; kinds that nobody reads are passed over."""
    for position, kind, value in db.execute("SELECT position, kind, value FROM notes ORDER BY position"):
        if kind in _SHAPES and not _is_read(partial(_is_note, kind), value):
            yield f"note {position} cannot be read as one of the kind {kind!r}"


def odd_prompts(db: sqlite3.Connection) -> Iterator[str]:
    """One sentence per prompt that cannot be shown to a policy."""
    query = "SELECT problem_id, prompt, wording, parts, shown FROM prompts ORDER BY position"
    for problem_id, name, wording, *stored in db.execute(query):
        if not _is_read(partial(is_prompt, wording), *stored):
            yield f"prompt {name} of problem {problem_id} cannot be read"


def odd_problems(db: sqlite3.Connection) -> Iterator[str]:
    """One sentence per problem whose parts or words are none."""
    query = "SELECT id, benchmark, row_index, parts, choices, coalesce(row_groups, '{}') FROM problems"
    for *key, parts, choices, groups in db.execute(query):
        if not _is_read(_is_problem, parts, choices, groups):
            yield f"{place(PROBLEM_KEY.values(), key)}: its parts, options or groups cannot be read"


def _is_read(is_sound: Callable[..., bool], *stored: codec.SQLText) -> bool:
    """Whether stored JSON values can be read and are sound."""
    try:
        return is_sound(*map(codec.unpack_json, stored))
    except codec.UNREADABLE:
        return False


def is_prompt(wording: Any, parts: Any, shown: Any) -> bool:
    """Whether these JSON values can be a :class:`~visualprm_eval.core.types.Prompt`."""
    return isinstance(wording, str) and _fits(parts, [_is_part]) and (shown is None or _fits(shown, [_is_shown]))


def _is_problem(parts: Any, choices: Any, groups: Any) -> bool:
    words = [*choices.values(), *groups.values()]
    return _fits(parts, [_is_part]) and all(isinstance(word, str) for word in words)


def _is_part(value: object) -> bool:
    return isinstance(value, list) and [*map(type, value)] == [str, str] and value[0] in {"text", "image"}


def _is_shown(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and [*map(type, value)] == [str, int, bool])


def _is_note(kind: str, value: Any) -> bool:
    shape = _SHAPES[kind]
    return _fits(value, shape) and (kind not in _WHOLE or value.keys() == shape.keys())


def _fits(value: Any, shape: Any) -> bool:
    if callable(shape) and not isinstance(shape, type):
        return bool(shape(value))
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(item, shape[0]) for item in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and _fits(value[name], own) for name, own in shape.items())
    types = shape if isinstance(shape, tuple) else (shape,)
    return type(value) in types
