"""What the values of the store's columns must be: SQLite passes over those that are, and the others are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visualprm_eval.store import sound
from visualprm_eval.store.codec import unpack_text

if TYPE_CHECKING:
    import sqlite3

PROBLEM_KEY = ("problem", "benchmark", "row")
TEXT_KEY = ("spec", "problem", "text")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a column holds.

    Attributes:
        usual: A condition of SQL that is true of nearly all its values and of no wrong one; ``{}`` is the column.
        wrong: What is wrong with any other value; ``""`` for nothing.
    """

    usual: str
    wrong: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of a table whose values can be judged one by one.

    Attributes:
        table: The table.
        key: The columns that say which row it is.
        called: What these are for people.
        kinds: The columns.
    """

    table: str
    key: tuple[str, ...]
    called: tuple[str, ...]
    kinds: dict[str, _Kind]


def odd_values(db: sqlite3.Connection) -> Iterator[str]:
    """One sentence per value of a wrong type or size, with its table and row."""
    for columns in _TABLES:
        usual = " AND ".join(f"({kind.usual.format(name)})" for name, kind in columns.kinds.items())
        names = ", ".join((*columns.key, *columns.kinds))
        for row in db.execute(f"SELECT {names} FROM {columns.table} WHERE ({usual}) IS NOT TRUE"):  # noqa: S608
            key, values = row[: len(columns.key)], row[len(columns.key) :]
            for (name, kind), value in zip(columns.kinds.items(), values, strict=True):
                if wrong := kind.wrong(value):
                    yield f"{columns.table} of {place(columns.called, key)}: {name}: {wrong}"


def place(called: Sequence[str], key: Sequence[object]) -> str:
    """Which row it is, for people."""
    return ", ".join(f"{name} {value}" for name, value in zip(called, key, strict=True))


def _no_text(value: object) -> str:
    try:
        return "" if isinstance(unpack_text(value), str) else f"{value!r}, expected a text"  # type: ignore[arg-type]
    except (UnicodeDecodeError, AttributeError):
        return f"{value!r}, expected a text"


def _no_optional_text(value: object) -> str:
    return "" if value is None else _no_text(value)


_TEXT = _Kind("typeof({0}) = 'text'", _no_text)
_ERROR = _Kind("{0} IS NULL", _no_optional_text)
_WORD = _Kind("{0} IN ('stop', 'length', '')", _no_text)
_COUNT = _Kind(
    "{0} IS NULL OR (typeof({0}) = 'integer' AND {0} >= 0)", lambda value: sound.wrong_with_costs(None, value)
)
_TIME = _Kind(
    "typeof({0}) = 'real' AND {0} >= 0 AND {0} < 9e999",
    lambda value: f"{value!r}, expected a time" if value is None or not sound.is_seconds(value) else "",
)
_SECONDS = _Kind(f"{{0}} IS NULL OR ({_TIME.usual})", sound.wrong_with_costs)
_RANK = _Kind(f"typeof({{0}}) = 'integer' AND {{0}} >= 0 AND {{0}} < {sound.RANK_LIMIT}", sound.wrong_with_rank)
_ATTEMPT = _Kind(_RANK.usual, sound.wrong_with_rank)
_FIGURE = _Kind("typeof({0}) = 'real' AND abs({0}) < 9e999", sound.wrong_with_figure)
# That a verdict is there or failed, the table itself sees to.
_VALUE = _Kind(
    "{0} IS NULL OR (typeof({0}) = 'real' AND {0} >= 0 AND {0} <= 1)",
    lambda value: sound.wrong_with_verdict(value, failed=value is None),
)

_TABLES = (
    _Columns("specs", ("id",), ("spec",), {"id": _TEXT, "created_at": _TIME}),
    _Columns(
        "problems", ("id", "benchmark", "row_index"), PROBLEM_KEY,
        {**dict.fromkeys(("id", "benchmark", "row_index", "split", "parts", "answer", "choices"), _TEXT),
         "created_at": _TIME},
    ),
    _Columns("prompts", ("problem_id", "prompt"), ("problem", "prompt"),
             {**dict.fromkeys(("problem_id", "prompt", "wording", "parts", "shown"), _TEXT), "created_at": _TIME}),
    _Columns(
        "candidates", ("spec_id", "problem_id", "rank"), ("spec", "problem", "rank"),
        {"rank": _RANK, "error": _ERROR, "finish": _WORD, "tokens": _COUNT, "seconds": _SECONDS,
         "prompt_tokens": _COUNT, "completion_tokens": _COUNT, "created_at": _TIME},
    ),
    _Columns("scores", ("spec_id", "problem_id", "text_id"), TEXT_KEY,
             {"error": _ERROR, "seconds": _SECONDS, "created_at": _TIME}),
    _Columns("verdicts", ("spec_id", "problem_id", "text_id"), TEXT_KEY,
             {"error": _ERROR, "value": _VALUE, "seconds": _SECONDS, "created_at": _TIME}),
    _Columns("judge_replies", ("request", "attempt"), ("request", "attempt"),
             {"request": _TEXT, "attempt": _ATTEMPT, "reply": _TEXT, "created_at": _TIME}),
    _Columns("notes", ("position",), ("note",), {"kind": _TEXT, "subject": _TEXT, "created_at": _TIME}),
    _Columns("host_figures", ("grading_id", "selection"), ("spec", "selection"),
             {"grading_id": _TEXT, "selection": _TEXT, "figure": _FIGURE, "created_at": _TIME}),
)  # fmt: skip
