"""Text that a model may have written, made fit to be shown.

A view must neither break on such text nor hide what it holds: what cannot be shown becomes visible instead.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from visualprm_eval.report.table import ABSENT, Kind

# Not allowed in XML 1.0 (C0 but tab, line feed; U+FFFE, U+FFFF; lone surrogates), or allowed but invisible (DEL, C1),
# or able to turn the display order of the rest of a line around (bidirectional controls).
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}"


def visible_text(text: str) -> str:
    r"""Text in which every character can be stored and seen.

    ``\r\n`` becomes a line feed; the other control characters become their pictures (U+2400 and on); lone surrogates
    and other characters that no document may hold become ``\ud83d`` escapes. Tabs and line feeds stay.
    """
    if text.isprintable():  # Then none of these characters is in it, nor a line feed.
        return text
    return _UNSHOWABLE.sub(_visible, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 0) -> str:
    """Visible text with every run of white space as one blank, cut to ``limit`` characters when that is not 0."""
    line = " ".join(visible_text(text).split())
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


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
        return str(value)
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
