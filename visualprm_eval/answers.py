r"""The local final answer of a text, for votes only; whether a text is right is the host's business.

:func:`final_answer` finds what a text concludes with, :func:`normalise` names it so that equal answers get equal names,
and :func:`answer` does both. A model wrote the text, so nothing is evaluated, every search is linear, and an answer
longer than ``MAX_LENGTH`` characters is no answer.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from visualprm_eval.answer_keys import MAX_LENGTH, AnswerKey, normalise, undecorated

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_LENGTH", "AnswerKey", "answer", "final_answer", "normalise"]

_SHORT = 40  # characters of a reply that can be an answer and nothing else


def answer(text: str, choices: Mapping[str, str] | None = None) -> str | None:
    """The vote of a text.

    A short reply that is nothing but an option letter or a number needs no "Answer:" before it.

    Args:
        text: What the policy wrote.
        choices: Option letters to option texts; empty or ``None`` for an open question.

    Returns:
        The canonical spelling of its final answer, ``None`` when it has none and therefore abstains.
    """
    found = final_answer(text)
    if found is not None:
        return _name(found, tuple(choices.items()) if choices else ())
    if len(text) > _SHORT or "boxed" in text:  # a box that was never closed holds half an answer
        return None
    key = normalise(text, choices)
    return None if key is None or key.kind == "text" else str(key)


def final_answer(text: str) -> str | None:
    r"""What a text concludes with.

    The content of the last non-empty ``\boxed{...}``; else what follows the last "answer is", "Answer:" or heading
    "Final answer", up to the end of the sentence or line.

    Args:
        text: What the policy wrote.

    Returns:
        The answer without Markdown and mathematics delimiters around it, ``None`` when there is none.
    """
    span = _last_boxed(text)
    if span is not None:
        return _plain(text[span[0] : span[1]])
    start = _after_last_cue(text)
    return None if start < 0 else _plain(_conclusion(text[start : start + _LONGEST_LEAD + MAX_LENGTH + 1]))


# Many of a problem's candidates conclude with the same words: what these come to is worked out once.
@lru_cache(maxsize=4096)
def _name(found: str, choices: tuple[tuple[str, str], ...]) -> str | None:
    key = normalise(found, dict(choices))
    return None if key is None else str(key)


@lru_cache(maxsize=4096)
def _plain(span: str) -> str | None:
    return undecorated(span) or None if len(span) <= MAX_LENGTH else None


_BOXED = re.compile(r"\\f?boxed[ \t]{0,3}\{")
# A line break before a brace is no escape of it; two backslashes before "boxed" come from twice-escaped JSON.
_BRACES = re.compile(r"\\f?boxed[ \t]{0,3}\{|\\\\(?!f?boxed)|\\[{}]|[{}]")
_BLANKS = re.compile(r"\s*")


def _last_boxed(text: str) -> tuple[int, int] | None:
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


_CUE = re.compile(
    r"\banswer\b[*_`\"']{0,4}[ \t]{0,3}(?:\bis\b|[:：=])"  # "the answer is", "**Answer**:"
    r"|\bfinal[ \t]answer\b[*_`]{0,4}[ \t]{0,3}(?=\r?\n\s{0,20}\S)",  # "### Final answer" above a line with the answer
    re.IGNORECASE,
)
_WORD = "answer"
_BEFORE = "final "
# Signs that a search for any case takes for an s or an i, which they are not in lower case.
_ODD_CASE = re.compile("[\u017f\u0131\u0130]")
_LEAD = re.compile(r"[\s:：=*_`#>]{0,200}(?:(?:\\\[|\$\$)\s{0,20})?")
_LONGEST_LEAD = 222
# A full stop inside "$7.$" belongs to the answer's mark-up; an exclamation mark goes here, where it is no factorial.
_SENTENCE_END = re.compile(r"[.?][*_`\"'”’$)\]]{0,6}(?=\s|$)|(?=![*_`\"'”’$)\]]{0,6}(?:\s|$))|[。？]|(?=！)")


def _after_last_cue(text: str) -> int:
    """Where the last cue ends, -1 when there is none.

    Every cue has the word in it once, so that a search from the end need look at the last words only.
    """
    if not text.isascii() and _ODD_CASE.search(text):
        return max((match.end() for match in _CUE.finditer(text)), default=-1)
    lowered = text.lower()
    at = lowered.rfind(_WORD)
    while at >= 0:
        start = at - len(_BEFORE) if lowered.startswith("final", max(0, at - len(_BEFORE))) else at
        match = _CUE.match(text, start) or _CUE.match(text, at)
        if match is not None:
            return match.end()
        at = lowered.rfind(_WORD, 0, at)
    return -1


@lru_cache(maxsize=4096)
def _conclusion(rest: str) -> str:
    """What follows a cue, up to the end of the sentence or line, from what follows it up to any place beyond that."""
    lead = _LEAD.match(rest)
    start = 0 if lead is None else lead.end()
    # One character more than an answer may have, so that an endless line is told from an answer.
    line = re.split(r"[\r\n]", rest[start : start + MAX_LENGTH + 1], maxsplit=1)[0]
    end = _SENTENCE_END.search(line)
    return line if end is None else line[: end.end()]
