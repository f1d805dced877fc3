"""One line of a pack."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import CandidateFileError
from visualprm_eval.core.types import Candidate, JSONValue, Usage, canonical_json
from visualprm_eval.store.repairs import came_empty
from visualprm_eval.store.sound import RANK_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_USAGE = tuple(field.name for field in dataclasses.fields(Usage))


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate of a pack.

    Attributes:
        benchmark: The benchmark's name in the host.
        index: The host's index of the problem, as text.
        rank: Its place among the candidates of its problem; ``None`` only while a pack is being read.
        text: What the policy wrote, perhaps nothing; ``""`` when it failed.
        policy: Who wrote it.
        sampling: How it was drawn; the settings of the sampling's spec in packs of this package.
        sampling_key: The one spelling of ``sampling``.
        line: Its line in the file, from 1.
        sampling_id: ``Spec.id`` of the sampling, ``None`` when the pack does not say.
        problem_id: ``Problem.id`` of the problem it was written for, ``None`` when the pack does not say.
        error: Why no reply came; ``None`` when one did.
        finish: ``"stop"``, ``"length"`` or ``""`` (unknown).
        tokens: Number of tokens written, ``None`` when unknown.
        seconds: Its share of the wall-clock time, ``None`` when unknown.
        usage: What the API's reply cost that it came with, see ``Candidate.usage``.
    """

    benchmark: str
    index: str
    rank: int | None
    text: str
    policy: str
    sampling: Mapping[str, JSONValue]
    sampling_key: str
    line: int
    sampling_id: str | None = None
    problem_id: str | None = None
    error: str | None = None
    finish: str = ""
    tokens: int | None = None
    seconds: float | None = None
    usage: Usage | None = None

    def candidate(self, problem_id: str) -> Candidate:
        """The fact that it becomes in a store; packs of former versions call an empty reply a failure."""
        if self.rank is None:
            raise ValueError("a record without a rank is not yet a candidate")
        error = None if self.error is not None and came_empty(self.error) else self.error
        about = (error, self.finish, self.tokens, self.seconds, self.usage)
        return Candidate(problem_id, self.rank, self.text, *about)


def parse_record(line: bytes, number: int, path: Path) -> CandidateRecord:
    """One line of a pack as a record; its rank is ``None`` when the line has none.

    Raises:
        CandidateFileError: The line is no candidate.
    """
    place = f"{path}, line {number}"
    return record_of(parse_row(line, place), number, place)


def parse_row(line: bytes, place: str) -> dict[str, JSONValue]:
    """One line of a file as an object.

    Raises:
        CandidateFileError: It is none.
    """
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CandidateFileError(f"{place}: not JSON ({error}); expected one object per line") from error
    if not isinstance(data, dict):
        raise CandidateFileError(f"{place}: expected an object with benchmark, index, rank, text, policy and sampling")
    return data


def record_of(
    data: dict[str, JSONValue], number: int, place: str, shown: Mapping[str, str] | None = None
) -> CandidateRecord:
    """The record of an object.

    Args:
        data: The object; a missing text beside an error becomes ``""``.
        number: The line, from 1.
        place: Where it stands, for messages.
        shown: What messages call a field, where that is not its own name.

    Raises:
        CandidateFileError: It is no candidate.
    """
    fields = _Fields(data, place, shown or {})
    error_text = fields.optional("error", _is_text, "a string")
    if error_text is not None and data.get("text") is None:
        data["text"] = ""
    sampling = fields.optional("sampling", _is_object, "an object") or {}
    usage = fields.optional("usage", _is_usage, "an object with prompt_tokens and completion_tokens, integers from 0")
    return CandidateRecord(
        benchmark=fields.needed("benchmark", _is_text, "a string"),
        index=str(fields.needed("index", _is_index, "a string or an integer")),
        rank=fields.optional("rank", _is_rank, f"an integer from 0 to {RANK_LIMIT - 1}"),
        text=fields.needed("text", _is_text, "a string (or null beside an 'error')"),
        policy=fields.needed("policy", _is_text, "a string"),
        sampling=sampling,
        sampling_key=canonical_json(sampling),
        line=number,
        sampling_id=fields.optional("sampling_id", _is_text, "a string"),
        problem_id=fields.optional("problem_id", _is_text, "a string"),
        error=error_text,
        finish=fields.optional("finish", _is_text, "a string") or "",
        tokens=fields.optional("tokens", _is_count, "an integer from 0"),
        seconds=fields.optional("seconds", _is_duration, "a number from 0"),
        usage=None if usage is None else Usage(**{name: usage[name] for name in _USAGE}),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """The fields of one object, checked one by one."""

    data: Mapping[str, JSONValue]
    place: str
    shown: Mapping[str, str]

    def needed(self, name: str, fits: Callable[[JSONValue], bool], expected: str) -> JSONValue:
        called = self.shown.get(name, repr(name))
        if name not in self.data:
            raise CandidateFileError(f"{self.place}: missing field {called}; expected {expected}")
        if not fits(self.data[name]):
            value = repr(self.data[name])
            value = value if len(value) <= 60 else value[:57] + "..."
            raise CandidateFileError(f"{self.place}: {called} is {value}; expected {expected}")
        return self.data[name]

    def optional(self, name: str, fits: Callable[[JSONValue], bool], expected: str) -> JSONValue:
        return None if self.data.get(name) is None else self.needed(name, fits, expected)


def _is_text(value: JSONValue) -> bool:
    return isinstance(value, str)


def _is_object(value: JSONValue) -> bool:
    return isinstance(value, dict)


def _is_integer(value: JSONValue) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_index(value: JSONValue) -> bool:
    return _is_text(value) or _is_integer(value)


def _is_rank(value: JSONValue) -> bool:
    return _is_integer(value) and 0 <= value < RANK_LIMIT


def _is_count(value: JSONValue) -> bool:
    return _is_integer(value) and 0 <= value < 2**63


def _is_usage(value: JSONValue) -> bool:
    return _is_object(value) and all(_is_count(value.get(name)) for name in _USAGE)


def _is_duration(value: JSONValue) -> bool:
    return (_is_integer(value) or isinstance(value, float)) and math.isfinite(value) and value >= 0
