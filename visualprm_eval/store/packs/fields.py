"""Candidates that another tool wrote: which of its fields is what.

    index=doc_id text=resps rank=sample_id policy:=Qwen2.5-VL-7B

``NAME=FIELD`` reads a field of each row, ``NAME:=VALUE`` says the same for all rows. A field may lie deeper:
``resps.0`` is the first of a list, ``choices.*.message.content`` what each of a list says. A text that is a list gives
as many candidates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.core.json_rows import RowError, cut_off
from visualprm_eval.core.types import JSONValue
from visualprm_eval.store.packs.record import CandidateRecord, record_of

NAMES = (
    "benchmark", "index", "rank", "text", "policy", "sampling", "error", "finish", "tokens", "seconds", "reasoning",
)  # fmt: skip
"""What a candidate may have; ``index`` and ``text`` are needed."""

NO_TEXT = "the file has no text here"
"""Why a candidate failed whose text is null: other tools write that for a reply that never came.

Where the row says how the reply ended (``finish``), it came, and is empty.
"""

_PATTERN = re.compile(r"(?P<name>[a-z]+)(?P<mark>:?=)(?P<value>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which field of a row is what.

    Attributes:
        fields: Names of a candidate's attributes to paths of fields.
        constants: Names of a candidate's attributes to what holds for all rows.
    """

    fields: Mapping[str, str]
    constants: Mapping[str, str]

    @classmethod
    def parse(cls, texts: Sequence[str], *, benchmark: str | None, policy: str) -> FieldMap:
        """Reads ``NAME=FIELD`` and ``NAME:=VALUE``.

        Args:
            texts: What the user wrote.
            benchmark: The benchmark of all rows where no field tells; ``None`` when several are asked for.
            policy: The policy of all rows where no field tells.

        Raises:
            ConfigError: A text is not of that form, names something twice or nothing that a candidate has, or what is
                needed is not named.
        """
        fields: dict[str, str] = {}
        constants: dict[str, str] = {}
        for text in texts:
            match = _PATTERN.fullmatch(text)
            if match is None:
                raise ConfigError(f"--candidate-fields {text!r}: expected NAME=FIELD, or NAME:=VALUE for all rows")
            name = match["name"]
            if name not in NAMES:
                raise UnknownNameError("candidate field", name, NAMES, where="in --candidate-fields")
            if name in fields or name in constants:
                raise ConfigError(f"--candidate-fields names {name} twice")
            (fields if match["mark"] == "=" else constants)[name] = match["value"]
        cls._check(fields, constants)
        if "benchmark" not in fields:
            if benchmark is None and "benchmark" not in constants:
                raise ConfigError("--candidate-fields: several --data, so say which row is of which: benchmark=FIELD")
            constants.setdefault("benchmark", benchmark or "")
        if "policy" not in fields:
            constants.setdefault("policy", policy)
        return cls(fields, constants)

    @staticmethod
    def _check(fields: Mapping[str, str], constants: Mapping[str, str]) -> None:
        for name in ("index", "text"):
            if name not in fields:
                raise ConfigError(f"--candidate-fields: which field is the {name}? Write {name}=FIELD")
        for name in constants.keys() - {"benchmark", "policy"}:
            raise ConfigError(f"--candidate-fields {name}:=...: only benchmark and policy can be the same for all rows")

    def records(self, row: Mapping[str, JSONValue], line: int) -> Iterator[CandidateRecord]:
        """The candidates of one row.

        Args:
            row: The row.
            line: Where it stands, from 1.

        Raises:
            RowError: A field is missing or is not what is expected there.
        """
        values: dict[str, JSONValue] = {name: _value(row, path, name) for name, path in self.fields.items()}
        values |= self.constants
        called = {name: f"{name!r} (field {path!r})" for name, path in self.fields.items()}
        texts = list(_texts(values["text"], called["text"]))
        if len(texts) > 1 and values.get("rank") is not None:
            raise RowError(
                f"{called['text']} has {len(texts)} texts, to which 'rank' ({self.fields['rank']}) gives one number; "
                "leave out rank=..., and they count in the order of the file"
            )
        if "sampling" not in self.fields:
            # Other fields of the same file are other candidates.
            values["sampling"] = {"fields": {**self.fields}}
        for text in texts:
            failed = {"text": "", "error": values.get("error") or (None if values.get("finish") else NO_TEXT)}
            yield record_of({**values, **({"text": text} if text is not None else failed)}, line, called)


_NEEDED = frozenset({"benchmark", "index", "text", "policy"})


def _value(row: Mapping[str, JSONValue], path: str, name: str) -> JSONValue:
    """What a path leads to; ``None`` where it leads nowhere.

    Raises:
        RowError: It leads nowhere and is needed.
    """
    value, lost_at = _follow(row, path)
    if lost_at is None or name not in _NEEDED:
        return value if lost_at is None else None
    within = f" (at {lost_at!r})" if lost_at != path else ""
    raise RowError(f"{name}: missing field {path!r}{within}; the row has {', '.join(row) or 'no fields'}")


def _follow(value: JSONValue, path: str) -> tuple[JSONValue, str | None]:
    """What a path leads to, or the part of it that leads nowhere."""
    if isinstance(value, dict) and path in value:  # A name may have dots of its own.
        return value[path], None
    head, dot, rest = path.partition(".")
    if head == "*" and isinstance(value, list):
        each = [_follow(item, rest) if dot else (item, None) for item in value]
        return [item for item, _ in each], next((lost for _, lost in each if lost is not None), None)
    if isinstance(value, list) and head.isdecimal() and int(head) < len(value):
        inner = value[int(head)]
    elif isinstance(value, dict) and head in value:
        inner = value[head]
    else:
        return None, path
    return _follow(inner, rest) if dot else (inner, None)


def _texts(value: JSONValue, called: str) -> Iterator[str | None]:
    """One text, or those of a list, or of lists in it."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, called)
    elif value is None or isinstance(value, str):
        yield value
    else:
        raise RowError(f"{called} is {cut_off(repr(value))}; expected a text, or a list of texts")
