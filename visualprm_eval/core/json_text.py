"""JSON of other people: with or without a byte-order mark, and never nested beyond what Python's stack bears."""

from __future__ import annotations

import json

from visualprm_eval.core.types import JSONValue

MOST_LEVELS = 100
"""Nested more deeply, a value could be read but not be written or compared; no format here needs more than ten."""


def parsed(text: str | bytes) -> JSONValue:
    """The value that a JSON text spells.

    Args:
        text: The text; bytes are UTF-8.

    Raises:
        ValueError: It is no JSON, or nested more than ``MOST_LEVELS`` deep.
    """
    text = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        value = json.loads(text)
    except RecursionError:
        value = None
        too_deep = True
    else:
        too_deep = text.count("[") + text.count("{") > MOST_LEVELS and _is_deeper(value, MOST_LEVELS)
    if too_deep:
        raise ValueError(f"lists and objects in it are nested more than {MOST_LEVELS} deep")
    return value


def _is_deeper(value: JSONValue, levels: int) -> bool:
    row = [value]
    for _ in range(levels + 1):
        row = [
            inner
            for each in row
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(row)
