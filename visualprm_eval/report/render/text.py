"""Values of tables in words and digits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import digits
from visualprm_eval.report.table import ABSENT, Kind

_FORMATS: Mapping[Kind, str] = {
    "count": ",d", "score": ".3f", "percent": ".1f", "gain": "+.1f", "end": "+.1f", "chance": ".4f",
    "correlation": "+.2f", "seconds": ",.0f",
}  # fmt: skip
_LONGEST_MESSAGE = 500


def shown(value: Any, kind: Kind) -> str:
    """A value of a table as pages show it: numbers as their kind says, words as they are."""
    if value is None:
        return ABSENT
    if kind == "message":
        return one_line(str(value), _LONGEST_MESSAGE)
    if isinstance(value, str) or kind not in _FORMATS:
        return digits(value) if isinstance(value, float) else str(value)
    if kind in {"gain", "end", "correlation"}:
        value = round(value, 2 if kind == "correlation" else 1) + 0.0  # No "-0.0".
    text = format(value, _FORMATS[kind])
    return "<0.0001" if kind == "chance" and text == "0.0000" else text


def verdict_word(verdict: float | None) -> str:
    """``"right"``, ``"wrong"``, ``"partly right (0.33)"`` or ``"not graded"``."""
    if verdict is None or math.isnan(verdict):
        return "not graded"
    if verdict in {0.0, 1.0}:
        return "right" if verdict else "wrong"
    return f"partly right ({verdict:.2f})"
