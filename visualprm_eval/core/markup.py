"""A short answer without what a model wraps it in."""

from __future__ import annotations

import json
import re

from visualprm_eval.core.answers import MAX_LENGTH, announced_answer
from visualprm_eval.core.answers.marks import undecorated

LONGEST = 4 * MAX_LENGTH
"""Characters of a reply from which on it is no answer in mark-up; what it concludes with may be one."""
_LABEL = re.compile(
    r"[\s*_`#>]*(?:(?:so|thus|hence|therefore)\b,?\s)?(?:the\s|your\s|my\s)?(?:extracted\s|final\s|correct\s|short\s|model(?:['’]s)?\s)?"
    r"(?:(?:answer|option|choice|output|result|judge?ment)s?[*_`]{0,3}\s{0,3}(?:[:：=]|\bis\b:?|(?<=\n))|答案(?:是|为)?[:：]?)"
    r"[*_`]{0,3}\s{0,3}",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```[ \t]*\w{0,20}[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_TOKEN = re.compile(r"<\|[\w ]{1,40}\|>|</?s>")
_TAGGED = re.compile(r"<(?P<name>\w{1,20})>(?P<inside>[^<>]*)<(?:/(?P=name)|/?end)>")
_LEADING = re.compile(r"(?:#{1,6}|>)\s+")
_BOX = re.compile(r"\\f?boxed\s{0,3}\{[^\n]*\}")


def shorn(text: str) -> str:
    """An answer without the label before it, and without tags, fences, Markdown and mathematics signs around."""
    if len(text) > LONGEST:
        return text
    text = _unwrapped(_TOKEN.sub("", text).strip())
    bare = _bare(text)
    label = _LABEL.match(bare) or _LABEL.match(text)
    return bare if label is None else _bare(_unwrapped(label.string[label.end() :].strip())) or bare


def _unwrapped(text: str) -> str:
    """The inside of a code fence, of a pair of tags, or of an object with one value."""
    fenced = _FENCED.fullmatch(text)
    text = fenced[1].strip() if fenced else text
    tagged = _TAGGED.fullmatch(text)
    if tagged:
        return tagged["inside"].strip()
    if text.startswith("{"):
        try:
            (value,) = json.loads(text).values()
        except (ValueError, RecursionError):
            return text
        return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else text
    return _LEADING.sub("", text, count=1) if _LEADING.match(text) else text


def _bare(text: str) -> str:
    for _ in range(3):
        text = undecorated(text)
        if _BOX.fullmatch(text):
            text = announced_answer(text) or text
    return text
