"""One line of a pack."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter

from visualprm_eval.core.json_rows import RowError, checked
from visualprm_eval.core.types import Candidate, JSONValue, Usage, canonical_json
from visualprm_eval.store.repairs import came_empty
from visualprm_eval.store.sound import RANK_LIMIT

_USAGE = tuple(field.name for field in dataclasses.fields(Usage))


def _index(value: JSONValue) -> JSONValue:
    if type(value) not in {str, int}:
        raise ValueError("a string or an integer")
    return str(value)


def _usage(value: JSONValue) -> Usage:
    counts = [value.get(name) for name in _USAGE] if isinstance(value, dict) else [None]
    if not all(type(count) is int and 0 <= count < 2**63 for count in counts):
        raise ValueError("an object with prompt_tokens and completion_tokens, integers from 0")
    return Usage(*counts)


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
        reasoning: What came of the model's thoughts beside the text, see ``Candidate.reasoning``.
    """

    benchmark: str
    index: Annotated[str, BeforeValidator(_index)]
    text: str
    policy: str
    sampling_key: str
    line: int
    rank: Annotated[int | None, Field(strict=True, ge=0, lt=RANK_LIMIT)] = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    sampling_id: str | None = None
    problem_id: str | None = None
    error: str | None = None
    finish: str = ""
    tokens: Annotated[int | None, Field(strict=True, ge=0, lt=2**63)] = None
    seconds: Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False)] = None
    usage: Annotated[Usage | None, BeforeValidator(_usage)] = None
    reasoning: str = ""

    def candidate(self, problem_id: str) -> Candidate:
        """The fact that it becomes in a store; packs of former versions call an empty reply a failure."""
        if self.rank is None:
            raise ValueError("a record without a rank is not yet a candidate")
        error = None if self.error is not None and came_empty(self.error) else self.error
        about = (error, self.finish, self.tokens, self.seconds, self.usage, self.reasoning)
        return Candidate(problem_id, self.rank, self.text, *about)


_FORM = TypeAdapter(CandidateRecord)


def record_of(row: Mapping[str, JSONValue], line: int, called: Mapping[str, str] | None = None) -> CandidateRecord:
    """The record of a row; its rank is ``None`` when the row has none.

    Args:
        row: The row; a missing text beside an error becomes ``""``.
        line: Where it stands, from 1.
        called: What messages call a field, where that is not its own name.

    Raises:
        RowError: It is no candidate.
    """
    text = row.get("text")
    if text is None:
        if row.get("error") is None:
            raise RowError("missing field 'text'; expected a string, or null beside an 'error'")
        text = ""
    key = canonical_json(row.get("sampling") or {})
    return checked(_FORM, row, called, text=text, line=line, sampling_key=key)
