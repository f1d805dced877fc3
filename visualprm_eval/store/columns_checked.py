"""What the values of the store's columns must be: SQLite passes over those that are, and the others are named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from visualprm_eval.store import sound
from visualprm_eval.store.codec import unpack_text

if TYPE_CHECKING:
    import sqlite3

PROBLEM_KEY = {"id": "problem", "benchmark": "benchmark", "row_index": "row"}
TEXT_KEY = {"spec_id": "spec", "problem_id": "problem", "text_id": "text"}
"""The columns that say which row it is, and what they are called for people."""

_Kind = tuple[str, Callable[[Any], str]]
"""What a column holds: a condition of SQL, with ``{0}`` for the column, that is true of nearly all its values and of no
wrong one; and what is wrong with any other value, ``""`` for nothing."""


def odd_values(db: sqlite3.Connection) -> Iterator[str]:
    """One sentence per value of a wrong type or size, with its table and row."""
    for table, (key, kinds) in _TABLES.items():
        usual = " AND ".join(f"({condition.format(name)})" for name, (condition, _) in kinds.items())
        query = f"SELECT {', '.join((*key, *kinds))} FROM {table} WHERE ({usual}) IS NOT TRUE"  # noqa: S608
        for row in db.execute(query):
            for (name, (_, wrong_with)), value in zip(kinds.items(), row[len(key) :], strict=True):
                if wrong := wrong_with(value):
                    yield f"{table} of {place(key.values(), row[: len(key)])}: {name}: {wrong}"


def place(called: Iterable[str], key: Iterable[object]) -> str:
    """Which row it is, for people."""
    return ", ".join(f"{name} {value}" for name, value in zip(called, key, strict=True))


def _no_text(value: Any) -> str:
    with suppress(UnicodeDecodeError, AttributeError):
        if isinstance(unpack_text(value), str):
            return ""
    return f"{value!r}, expected a text"


_TEXT = ("typeof({0}) = 'text'", _no_text)


def _no_text_nor_none(value: Any) -> str:
    return "" if value is None else _no_text(value)


_ERROR = ("{0} IS NULL", _no_text_nor_none)
_KEY_OR_NONE = ("{0} IS NULL OR typeof({0}) = 'text'", _no_text_nor_none)
_WORD = ("{0} IN ('stop', 'length', '')", _no_text)
_COUNT = ("{0} IS NULL OR (typeof({0}) = 'integer' AND {0} >= 0)", lambda value: sound.wrong_with_costs(None, value))
_TIME = (
    "typeof({0}) = 'real' AND {0} >= 0 AND {0} < 9e999",
    lambda value: f"{value!r}, expected a time" if value is None or not sound.is_seconds(value) else "",
)
_SECONDS = (f"{{0}} IS NULL OR ({_TIME[0]})", sound.wrong_with_costs)
_RANK = (f"typeof({{0}}) = 'integer' AND {{0}} >= 0 AND {{0}} < {sound.RANK_LIMIT}", sound.wrong_with_rank)
_FIGURE = ("typeof({0}) = 'real' AND abs({0}) < 9e999", sound.wrong_with_figure)
# That a verdict is there or failed, the table itself sees to.
_VALUE = (
    "{0} IS NULL OR (typeof({0}) = 'real' AND {0} >= 0 AND {0} <= 1)",
    lambda value: sound.wrong_with_verdict(value, failed=value is None),
)


def _texts(texts: str, **others: _Kind) -> dict[str, _Kind]:
    return dict.fromkeys(texts.split(), _TEXT) | others | {"created_at": _TIME}


_TABLES: dict[str, tuple[dict[str, str], dict[str, _Kind]]] = {
    "specs": ({"id": "spec"}, _texts("id")),
    "problems": (PROBLEM_KEY, _texts("id benchmark row_index split parts answer choices")),
    "prompts": ({"problem_id": "problem", "prompt": "prompt"}, _texts("problem_id prompt wording parts shown")),
    "candidates": (
        {"spec_id": "spec", "problem_id": "problem", "rank": "rank"},
        _texts("", rank=_RANK, error=_ERROR, finish=_WORD, tokens=_COUNT, seconds=_SECONDS, prompt_tokens=_COUNT,
               completion_tokens=_COUNT, reasoning_id=_KEY_OR_NONE),
    ),
    "scores": (TEXT_KEY, _texts("", error=_ERROR, seconds=_SECONDS)),
    "verdicts": (TEXT_KEY, _texts("", error=_ERROR, value=_VALUE, seconds=_SECONDS)),
    "judge_replies": ({"request": "request", "attempt": "attempt"}, _texts("request reply", attempt=_RANK)),
    "notes": ({"position": "note"}, _texts("kind subject")),
    "host_figures": ({"grading_id": "spec", "selection": "selection"},
                     _texts("grading_id selection", figure=_FIGURE)),
}  # fmt: skip
"""By table: its key, and the columns whose values can be judged one by one."""
