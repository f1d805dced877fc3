"""A short answer without what a model wraps it in."""

from __future__ import annotations

import re

from visualprm_eval.core.answers import MAX_LENGTH, announced_answer
from visualprm_eval.core.answers.marks import undecorated

__all__ = ["LONGEST", "shorn"]

LONGEST = 4 * MAX_LENGTH
"""Characters of a reply from which on it is no answer in mark-up; what it concludes with may be one."""
_LABEL = re.compile(
    r"[\s*_`#>]*(?:(?:so|thus|hence|therefore)\b,?\s)?(?:the\s|your\s|my\s)?(?:extracted\s|final\s|correct\s|short\s|model\s)?"
    r"(?:answer|option|choice|output|result|judge?ment)s?[*_`]{0,3}\s{0,3}(?:[:：=]|\bis\b:?)[*_`]{0,3}\s{0,3}",
    re.IGNORECASE,
)
_FENCED = re.compile(r"```[ \t]*\w{0,20}[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_BOX = re.compile(r"\\f?boxed\s{0,3}\{[^\n]*\}")


def shorn(text: str) -> str:
    """An answer without the label before it, and without code fences, Markdown and mathematics delimiters around it."""
    if len(text) > LONGEST:
        return text
    fenced = _FENCED.fullmatch(text.strip())
    text = fenced[1] if fenced else text
    bare = _bare(text)
    label = _LABEL.match(bare) or _LABEL.match(text)
    return bare if label is None else _bare(label.string[label.end() :]) or bare


def _bare(text: str) -> str:
    for _ in range(3):
        text = undecorated(text)
        if _BOX.fullmatch(text):
            text = announced_answer(text) or text
    return text
