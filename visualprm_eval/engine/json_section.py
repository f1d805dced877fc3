"""JSON objects of config.json, read with messages that name the key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from visualprm_eval.core.errors import CheckpointError, VisualPRMEvalError
from visualprm_eval.core.json_rows import Row, RowError, checked, cut_off
from visualprm_eval.core.json_text import parsed
from visualprm_eval.core.types import JSONValue

_T = TypeVar("_T")


def read_object(path: Path, failure: type[VisualPRMEvalError], missing: str) -> dict[str, Any]:
    """The object that a JSON file of a checkpoint holds.

    Args:
        path: The file.
        failure: What is raised when it cannot be read.
        missing: What that says where there is no such file.
    """
    try:
        value = parsed(path.read_bytes())
    except FileNotFoundError:
        raise failure(missing) from None
    except (OSError, ValueError) as error:
        raise failure(f"{path} cannot be read as JSON ({error}); download the checkpoint again") from error
    if not isinstance(value, dict):
        raise failure(f"{path} holds no JSON object; download the checkpoint again")
    return value


class Section:
    """One JSON object.

    Args:
        raw: The object.
        where: The file, for messages.
        prefix: Keys that lead to it, for messages.
    """

    def __init__(self, raw: Mapping[str, JSONValue], where: str, prefix: str = "") -> None:
        self.raw, self.where, self.prefix = raw, where, prefix

    def section(self, key: str) -> Section:
        """A nested object."""
        return Section(self.get(key, dict), self.where, f"{self.prefix}{key}.")

    def get(self, key: str, kind: type[_T], default: _T | None = None) -> _T:
        """A value of a known kind; ``default`` when the key is absent and a default is given."""
        value: Any = self.raw.get(key)
        if value is None:
            if default is None:
                raise CheckpointError(f"{self.where} lacks {self.prefix}{key}; expected the OpenGVLab layout")
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise CheckpointError(
                f"{self.where}: {self.prefix}{key} is {cut_off(repr(value))}; expected {kind.__name__}"
            )
        return value

    def read(self, form: TypeAdapter[Row], needed: Sequence[str] = (), **given: JSONValue) -> Row:
        """The object as what it should be.

        Args:
            form: What it should be; fields are named as keys.
            needed: Keys that must be there though their fields have defaults.
            **given: Fields that it does not tell, or tells by other keys.
        """
        try:
            for key in needed:
                self.get(key, object)
            return checked(form, self.raw, **given)
        except RowError as error:
            raise CheckpointError(f"{self.where}: {self.prefix.removesuffix('.')}: {error}") from error

    def expect(self, needed: Sequence[str] = (), **wanted: JSONValue) -> None:
        """Refuses any values but those whose arithmetic is implemented; they are also what an absent key means.

        Args:
            needed: Keys that must be there.
            **wanted: The values by key.
        """
        for key, value in wanted.items():
            told = self.get(key, object, None if key in needed else value)
            if told != value:
                raise CheckpointError(
                    f"{self.where}: {self.prefix}{key} is {cut_off(repr(told))}, but only {value!r} is implemented; "
                    "expected a checkpoint of InternVL2, 2.5 or 3 in OpenGVLab's own layout or transformers'"
                )
