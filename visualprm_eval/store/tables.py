"""The tables of a store as a merge sees them: their keys, and when two rows of one key contradict each other."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from visualprm_eval.store import codec

Row = tuple[Any, ...]
Values = Mapping[str, Any]
"""A row by column, with ``settings`` of its spec, ``text`` of a candidate and ``steps`` of scores."""

TOLERANCES = {"float32": 1e-3}
"""How far step scores of one text may be apart and still agree, by the precision that the scoring names: sums differ
in their last digits from machine to machine and from batch to batch."""
OTHER_TOLERANCE = 0.05
"""For bfloat16, whose logits around 16 are 0.06 apart from each other, and for what names no precision."""

REPLIES = "judge_replies"
"""What judges replied; these rows know no problems."""

_EXCERPT = 60


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        name: Its name.
        key: The columns that address a row.
        telling: The columns in which rows of one key may contradict each other.
        what: What a row is, for people.
        shown: The two values for people.
        agree: Whether two rows that differ in a telling column may both be true.
        latest: Whether the later of two rows of one key takes the place of the earlier, which it does not contradict.
        columns: All columns but the position, as the file has them: migrations may add some.
        order: In which order rows are read.
    """

    name: str
    key: tuple[str, ...]
    what: str
    telling: tuple[str, ...] = ()
    shown: Callable[[Values, Values], tuple[str, str]] = lambda *_: ("", "")
    agree: Callable[[Values, Values], bool] = lambda *_: False
    latest: bool = False
    columns: tuple[str, ...] = ()
    order: str = "position"

    def in_file(self, db: sqlite3.Connection) -> Table:
        """Itself with the columns that it has in a file."""
        names = [name for (name,) in db.execute("SELECT name FROM pragma_table_info(?)", (self.name,))]
        order = "position" if "position" in names else ", ".join(self.key)
        return replace(self, columns=tuple(name for name in names if name != "position"), order=order)

    @property
    def problem_column(self) -> str | None:
        """Which column has the problem's id; ``None`` where none has."""
        return "id" if self.name == "problems" else "problem_id" if "problem_id" in self.columns else None


def _same_settings(there: Values, new: Values) -> bool:
    """One object may be spelled in two ways."""
    pair = (codec.unpack_json(there["settings"]), codec.unpack_json(new["settings"]))
    return bool(there["kind"] == new["kind"] and pair[0] == pair[1])


def _same_problem(there: Values, new: Values) -> bool:
    """Each machine keeps the pictures where it likes, older versions know of fewer options; all else must be equal."""
    options = [codec.unpack_json(values["choices"]) for values in (there, new)]
    return _problem(there) == _problem(new) and (options[0] == options[1] or not all(options))


def _problem(values: Values) -> list[Any]:
    parts = [[kind, value if kind == "text" else ""] for kind, value in codec.unpack_json(values["parts"])]
    return [*(values[name] for name in ("benchmark", "row_index", "split", "answer")), parts]


def _same_scores(there: Values, new: Values) -> bool:
    numbers = json.loads(there["step_scores"]), json.loads(new["step_scores"])
    steps = there["steps"], new["steps"]
    if len(numbers[0]) != len(numbers[1]) or (all(steps) and steps[0] != steps[1]):
        return False
    tolerance = TOLERANCES.get(str(new["settings"].get("dtype")), OTHER_TOLERANCE)
    return all(math.isclose(*pair, rel_tol=tolerance, abs_tol=tolerance) for pair in zip(*numbers, strict=True))


def _shown(*names: str) -> Callable[[Values, Values], tuple[str, str]]:
    def both(there: Values, new: Values) -> tuple[str, str]:
        differing = [name for name in names if there[name] != new[name]] or list(names)
        spelled = [", ".join(f"{name} {value[name]!r}" for name in differing) for value in (there, new)]
        return _from_difference(*spelled)

    return both


def _shown_texts(there: Values, new: Values) -> tuple[str, str]:
    first, second = _from_difference(there["text"], new["text"])
    return repr(first), repr(second)


def _from_difference(first: str, second: str) -> tuple[str, str]:
    """Two long texts, cut to where they begin to differ."""
    start = next((at for at, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), None)
    start = min(len(first), len(second)) if start is None else start
    start = 0 if start < _EXCERPT // 2 else start - _EXCERPT // 4

    def cut(text: str) -> str:
        end = start + _EXCERPT
        return ("..." if start else "") + text[start:end] + ("..." if len(text) > end else "")

    return cut(first), cut(second)


# In the order in which rows may be put: what is referred to comes first.
TABLES = (
    Table("specs", ("id",), "settings", ("kind", "settings"), _shown("kind", "settings"), _same_settings),
    Table("problems", ("id",), "problem", ("benchmark", "row_index", "split", "parts", "answer", "choices"),
          _shown("benchmark", "row_index", "split", "answer", "choices", "parts"), _same_problem),
    Table("texts", ("id",), "text", ("value",), _shown("value")),
    Table("candidates", ("spec_id", "problem_id", "rank"), "candidate", ("text_id",), _shown_texts),
    Table("step_lists", ("digest",), "list of steps", ("steps",), _shown("steps")),
    Table("scores", ("spec_id", "problem_id", "text_id"), "scores", ("step_scores", "step_list"),
          _shown("step_scores", "steps"), _same_scores),
    Table("verdicts", ("spec_id", "problem_id", "text_id"), "verdict", ("value",), _shown("value")),
    Table("prompts", ("problem_id", "prompt"), "prompt", latest=True),
    # Both were said; what was said later counts.
    Table("notes", ("kind", "subject", "value"), "note", latest=True),
    # A judge that is asked twice may say two things, and it is asked again only when the first came to nothing.
    Table(REPLIES, ("request", "attempt"), "reply of a judge", latest=True),
    # Where verdicts on single texts do not make a value, these do. A limited run has other reference answers.
    Table("host_figures", ("grading_id", "selection"), "the host's figure", latest=True),
    # A comparison that ran out of time on one machine may not on another: what is here stays.
    Table("answer_equalities", ("version", "one", "other"), "equality of formulas"),
)  # fmt: skip
