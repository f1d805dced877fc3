"""Rows of JSON files: objects, checked against the type of what they should become."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from visualprm_eval.core.json_text import parsed
from visualprm_eval.core.types import JSONValue

Row = TypeVar("Row")
_EXPECTED = {
    "dict_type": "an object",
    "dataclass_type": "an object",
    "too_short": "a list that is not empty",
    "string_too_short": "a text that is not empty",
}
"""What was expected, where the library's words are about Python."""


class RowError(ValueError):
    """What is wrong with a row: the field, what it is and what was expected."""


def parse_row(line: bytes) -> dict[str, JSONValue]:
    """One line of a file as an object.

    Raises:
        RowError: It is none.
    """
    try:
        row = parsed(line)
    except ValueError as error:
        raise RowError(f"not JSON ({error}); expected one object per line") from error
    return as_object(row)


def as_object(row: JSONValue) -> dict[str, JSONValue]:
    """The row itself.

    Raises:
        RowError: It is no object.
    """
    if not isinstance(row, dict):
        raise RowError(f"it is {cut_off(repr(row))}; expected an object")
    return row


def checked(
    form: TypeAdapter[Row], row: Mapping[str, JSONValue], called: Mapping[str, str] | None = None, **given: JSONValue
) -> Row:
    """The row as what it should be. A field that is null counts as one that is not there.

    Args:
        form: What it should be: a class with a type for every field.
        row: The row.
        called: What messages call a field, where that is not its own name.
        **given: Fields that the row does not tell.

    Raises:
        RowError: A field is missing or not of its type.
    """
    try:
        return form.validate_python({name: value for name, value in row.items() if value is not None} | given)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
    path, value = fault["loc"], fault["input"]
    name = ".".join(map(str, path))
    name = (called or {}).get(name, repr(name))
    if fault["type"] == "missing":
        fields = ", ".join(row if len(path) == 1 else value)
        raise RowError(f"missing field {name}; it has {cut_off(fields, 200) or 'no fields'}")
    message = fault["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    expected = _EXPECTED.get(fault["type"], message)
    raise RowError(f"{name} is {cut_off(repr(value))}; expected {expected}")


def cut_off(text: str, length: int = 60) -> str:
    """The beginning of a text, for messages."""
    return text if len(text) <= length else text[: length - 3] + "..."
