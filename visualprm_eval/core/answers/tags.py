r"""Answers that a text sets apart: in tags, in a field of a JSON object, in ``\boxed{...}``."""

from __future__ import annotations

import re

_BOXED = re.compile(r"\\f?boxed[ \t]{0,3}\{")
# A line break before a brace is no escape of it; two backslashes before "boxed" come from twice-escaped JSON.
_BRACES = re.compile(r"\\f?boxed[ \t]{0,3}\{|\\\\(?!f?boxed)|\\[{}]|[{}]")
_BLANKS = re.compile(r"\s*")


def last_boxed(text: str) -> tuple[int, int] | None:
    r"""Start and end of the content of the last non-empty ``\boxed{...}`` with balanced braces.

    One pass with a stack, because a search for each box's end would take quadratic time on nested or unclosed boxes.
    """
    first = _BOXED.search(text) if "boxed" in text else None
    if first is None:
        return None
    best: tuple[int, int] | None = None
    open_braces: list[int] = []  # where a box's content starts, or -1 for a plain brace
    for match in _BRACES.finditer(text, first.start()):
        brace = match[0]
        if brace == "{":
            open_braces.append(-1)
        elif brace.endswith("{") and len(brace) > 2:  # not the escaped brace
            open_braces.append(match.end())
        elif brace == "}" and open_braces:
            start = open_braces.pop()
            if start < 0 or (best is not None and start < best[0]):
                continue
            blanks = _BLANKS.match(text, start)
            if blanks is not None and blanks.end() < match.start():
                best = (start, match.start())
    return best


_NAME = r"(?:final[ _-]?)?(?:answer|ans|conclusion|solution|result|output|response)"
_TAG = re.compile(
    rf"<\s?(?P<end>/)?\s?(?P<name>{_NAME})\s?>|<\|(?P<box>begin|end)_of_box\|>|\[(?P<square>/)?(?:answer|ans)\]",
    re.IGNORECASE,
)
_COLON = re.compile(r"\s{0,3}[:：]\s{0,3}")
_DOUBLE = re.compile(r"\s{0,20}<<([^<>\n]{1,200})>>")
_FIELD = re.compile(
    r"""["'](?:final[ _-]?|correct[ _-]?|short[ _-]?)?(?:answer|ans|choice|option)["']\s{0,5}:\s{0,5}"""
    r"""(?:"((?:[^"\\]|\\.){0,1000})"|'((?:[^'\\]|\\.){0,1000})'|(-?\d[\d.]{0,30}(?:[eE][-+]?\d{1,3})?|true|false))""",
    re.IGNORECASE | re.DOTALL,
)


def tagged(text: str) -> str | None:
    """What stands in the last closed pair of answer tags, after the last one that never closes, or in a JSON field.

    Returns:
        The content; ``None`` for a text without any.
    """
    found = _in_tags(text) if "<" in text or ("[" in text and "[ans" in text.lower()) else None
    if found is None and ":" in text and ('":' in text or "':" in text or '" :' in text):
        fields = list(_FIELD.finditer(text))
        if fields:
            found = next((group for group in fields[-1].groups() if group is not None), "").replace("\\\\", "\\")
    return found if found is not None and found.strip() else None


def _in_tags(text: str) -> str | None:
    start, last, opened = -1, None, None
    for match in _TAG.finditer(text):
        closes = bool(match["end"] or match["square"] or (match["box"] or "").casefold() == "end")
        if closes:
            if start >= 0 and text[start : match.start()].strip():
                last = text[start : match.start()]
            start, opened = -1, None
            continue
        colon = _COLON.match(text, match.end())
        doubled = _DOUBLE.match(text, colon.end() if colon else match.end())
        if doubled is not None:
            last, start, opened = doubled[1], -1, None
        else:
            start = match.end() if colon is None else colon.end()
            opened = start
    if opened is not None and text[opened:].strip():  # a model may stop before it closes the tag
        return text[opened:]
    return last


_HASHES = re.compile(r"^\s{0,3}#{3,5}[ \t]{0,3}([^#\n]{1,80})\s*\Z", re.MULTILINE)


def last_hashes(text: str) -> str | None:
    """What stands after ``####`` on the last line, as in solutions of GSM8K."""
    at = text.rfind("###", max(0, len(text) - 200)) if "###" in text else -1
    if at < 0:
        return None
    line_start = text.rfind("\n", 0, at) + 1
    match = _HASHES.match(text, line_start)
    return None if match is None else match[1].strip()
