"""Errors of other people's code and servers, made fit for a message: some hold the whole request, pictures and all."""

from __future__ import annotations

import re
from collections.abc import Iterable

from visualprm_eval.core.secrets import blanked

LONGEST = 2_000
"""Characters of an error's text."""

_SHOWN = 1_500
"""How many of them are its beginning; the rest is its end, where exceptions often say what is wrong."""

_DATA_URL = re.compile(r"(data:[\w.+/-]{0,80}(?:;[\w.=+-]{1,40}){0,4},)([\w+/=%-]{40,})", re.ASCII)
_BASE64 = re.compile(r"(?<![\w+/=-])([A-Za-z0-9+/]{16})([A-Za-z0-9+/]{184,}={0,2})", re.ASCII)
"""A picture without the head of a data URL, as some protocols send it; nothing that people write has words so long."""
_KINDS = tuple(map(re.compile, ("[a-z]", "[A-Z]", "[0-9]")))


def in_short(text: str) -> str:
    """An error's text with data URLs cut to their heads, of ``LONGEST`` characters at most.

    Secrets have to be blanked before: half a key is not found any more.
    """
    text = without_data(text)
    if len(text) <= LONGEST:
        return text
    middle = f" ... ({len(text):,} characters) ... "
    return text[:_SHOWN] + middle + text[len(text) - (LONGEST - _SHOWN - len(middle)) :]


def without_data(text: str) -> str:
    """A text with data URLs, and other long runs of base64, cut to their heads: ``...,... (123,456 characters)``."""
    text = _DATA_URL.sub(lambda match: f"{match[1]}... ({len(match[0]):,} characters)", text)
    return _BASE64.sub(_cut_data, text)


def _cut_data(match: re.Match[str]) -> str:
    """The head of a run of base64; of one sign again and again, or of letters alone, nothing is cut."""
    found = match[0]
    mixed = all(kind.search(found) for kind in _KINDS)
    return f"{match[1]}... ({len(found):,} characters)" if mixed else found


def error_text(error: BaseException, secrets: Iterable[str | None] = (), mark: str = "[secret]") -> str:
    """An error's kind and text, in short.

    Args:
        error: Of other people's code.
        secrets: What must not be seen, see :func:`~visualprm_eval.core.secrets.blanked`.
        mark: What stands in their place.
    """
    text, kind = blanked(str(error), secrets, mark), type(error).__name__
    return in_short(f"{kind}: {text}") if text else kind
