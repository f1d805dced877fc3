"""One line of a pack."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.errors import CandidateFileError
from visualprm_eval.types import Candidate, JSONValue, canonical_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

RANK_LIMIT = 1_000_000
"""No policy is sampled this often; a larger rank is a mistake."""


@dataclass(frozen=True, slots=True)
class CandidateRecord:
    """One candidate of a pack.

    Attributes:
        benchmark: The benchmark's name in the host.
        index: The host's index of the problem, as text.
        rank: Its place among the candidates of its problem; ``None`` only while a pack is being read.
        text: What the policy wrote; ``""`` when it failed.
        policy: Who wrote it.
        sampling: How it was drawn; the settings of the sampling's spec in packs of this package.
        sampling_key: The one spelling of ``sampling``.
        line: Its line in the file, from 1.
        sampling_id: ``Spec.id`` of the sampling, ``None`` when the pack does not say.
        problem_id: ``Problem.id`` of the problem it was written for, ``None`` when the pack does not say.
        error: Why there is no text; ``None`` when there is one.
        finish: ``"stop"``, ``"length"`` or ``""`` (unknown).
        tokens: Number of tokens written, ``None`` when unknown.
        seconds: Its share of the wall-clock time, ``None`` when unknown.
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

    def candidate(self, problem_id: str) -> Candidate:
        """The fact that it becomes in a store; a failure when there is nothing in its text."""
        if self.rank is None:
            raise ValueError("a record without a rank is not yet a candidate")
        found = Candidate(problem_id, self.rank, self.text, self.error, self.finish, self.tokens, self.seconds)
        return found.or_failure()


def parse_record(line: bytes, number: int, path: Path) -> CandidateRecord:
    """One line of a pack as a record; its rank is ``None`` when the line has none.

    Raises:
        CandidateFileError: The line is no candidate.
    """
    place = f"{path}, line {number}"
    try:
        data = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CandidateFileError(f"{place}: not JSON ({error}); expected one object per line") from error
    if not isinstance(data, dict):
        raise CandidateFileError(f"{place}: expected an object with benchmark, index, rank, text, policy and sampling")
    error_text = _optional(data, "error", _is_text, "a string", place)
    if error_text is not None and data.get("text") is None:
        data["text"] = ""
    sampling = _optional(data, "sampling", _is_object, "an object", place) or {}
    return CandidateRecord(
        benchmark=_needed(data, "benchmark", _is_text, "a string", place),
        index=str(_needed(data, "index", _is_index, "a string or an integer", place)),
        rank=_optional(data, "rank", _is_rank, f"an integer from 0 to {RANK_LIMIT - 1}", place),
        text=_needed(data, "text", _is_text, "a string (or null beside an 'error')", place),
        policy=_needed(data, "policy", _is_text, "a string", place),
        sampling=sampling,
        sampling_key=canonical_json(sampling),
        line=number,
        sampling_id=_optional(data, "sampling_id", _is_text, "a string", place),
        problem_id=_optional(data, "problem_id", _is_text, "a string", place),
        error=error_text,
        finish=_optional(data, "finish", _is_text, "a string", place) or "",
        tokens=_optional(data, "tokens", _is_count, "an integer from 0", place),
        seconds=_optional(data, "seconds", _is_duration, "a number from 0", place),
    )


def _needed(
    data: Mapping[str, JSONValue], name: str, fits: Callable[[JSONValue], bool], expected: str, place: str
) -> JSONValue:
    if name not in data:
        raise CandidateFileError(f"{place}: missing field {name!r}; expected {expected}")
    if not fits(data[name]):
        shown = repr(data[name])
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise CandidateFileError(f"{place}: {name!r} is {shown}; expected {expected}")
    return data[name]


def _optional(
    data: Mapping[str, JSONValue], name: str, fits: Callable[[JSONValue], bool], expected: str, place: str
) -> JSONValue:
    return None if data.get(name) is None else _needed(data, name, fits, expected, place)


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


def _is_duration(value: JSONValue) -> bool:
    return (_is_integer(value) or isinstance(value, float)) and math.isfinite(value) and value >= 0
