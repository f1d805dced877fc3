"""Keeps API keys out of whatever is stored, logged or printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SHORTEST_SECRET = 8
"""Shorter keys are placeholders such as ``EMPTY``, words that may stand in any text."""


_ENDINGS = ("key", "token", "secret", "password", "_ak", "_sk")
"""How the names of variables and keywords end whose values are nobody's business."""


def secrets_in(values: Mapping[str, object]) -> tuple[str, ...]:
    """What is a key, a token or a password among variables or keywords, by their names; placeholders are left out."""
    named = [value for name, value in values.items() if name.lower().endswith(_ENDINGS)]
    return tuple(value for value in named if isinstance(value, str) and len(value) >= SHORTEST_SECRET)


def redacted(text: str, keys: Iterable[str | None]) -> str:
    """A model's text without keys, which some servers repeat; placeholders stay, since they may be words of its own.

    Args:
        text: What may hold them.
        keys: What must not be seen; ``None`` and ``""`` are passed over.
    """
    return blanked(text, [key for key in keys if key and len(key) >= SHORTEST_SECRET], "[key]")


def blanked(text: str, keys: Iterable[str | None], mark: str = "[secret]") -> str:
    """A message or a log without keys; of placeholders only whole words go: ``x`` must not garble every example.

    Args:
        text: What may hold them.
        keys: What must not be seen; ``None`` and ``""`` are passed over.
        mark: What stands in their place.
    """
    for key in sorted({key for key in keys if key}, key=len, reverse=True):  # One key may be a part of another.
        if len(key) >= SHORTEST_SECRET:
            text = text.replace(key, mark)
        elif key in text:
            text = re.sub(rf"(?<!\w){re.escape(key)}(?!\w)", mark, text)
    return text
