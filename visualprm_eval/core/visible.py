"""Texts and names of other people, made fit to be shown: what cannot be seen becomes visible.

A view must neither break on such text nor hide what it holds, and a terminal must not obey it. Every line for a user
goes through :func:`say` or :func:`tell`.
"""

from __future__ import annotations

import re
import sys

# Not allowed in XML 1.0 (C0 but tab, line feed; U+FFFE, U+FFFF; lone surrogates), or allowed but invisible (DEL, C1),
# or able to turn the display order of the rest of a line around (bidirectional controls).
_HOSTILE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
_UNSHOWABLE = re.compile(f"[{_HOSTILE}]")
# Besides, what Unicode calls ignorable or a format: scripts and emoji need some of it in prose, but of two names that
# differ by it nobody sees which is which.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028\u2029\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_HOSTILE}{_IGNORABLE}]")


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible_text(text: str) -> str:
    r"""Prose, such as a model's, in which every character can be stored and seen; Arabic and emoji stay as they are.

    ``\r\n`` becomes a line feed; the other control characters become their pictures (U+2400 and on); lone surrogates,
    marks that override the direction, and other characters that no document may hold become ``\ud83d`` escapes. Tabs
    and line feeds stay.
    """
    if text.isprintable():  # Then none of these characters is in it, nor a line feed.
        return text
    return _UNSHOWABLE.sub(_visible, text.replace("\r\n", "\n"))


def visible_name(text: str) -> str:
    r"""A name or a message: as ``visible_text``, and what nobody sees, such as U+200B, becomes an escape as well."""
    return text if text.isascii() and text.isprintable() else _INVISIBLE.sub(_visible, text.replace("\r\n", "\n"))


def one_line(text: str, limit: int = 0) -> str:
    """A visible name with every run of white space as one blank, cut to ``limit`` characters when that is not 0."""
    # Two of the ends of lines that Python splits at are signs that nobody sees.
    line = " ".join(visible_name(text.replace("\u2028", " ").replace("\u2029", " ")).split())
    return line if not limit or len(line) <= limit else line[: limit - 1] + "…"


def say(text: str) -> None:
    """Prints lines of a result on standard output."""
    print(visible_name(text))


def tell(text: str) -> None:
    """Prints a note, a warning or an error on standard error."""
    print(visible_name(text), file=sys.stderr, flush=True)
