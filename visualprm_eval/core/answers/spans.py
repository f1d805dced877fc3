"""Where an answer ends that a text announces: at its reasons, at the end of the sentence, at the end of the line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from visualprm_eval.core.answers.keys import AnswerKey, Options, letters, normalise
from visualprm_eval.core.answers.marks import MAX_LENGTH, undecorated
from visualprm_eval.core.answers.numbers import with_points
from visualprm_eval.core.answers.sentences import read_sentence


@dataclass(frozen=True, slots=True)
class Found:
    """An answer in a text.

    Attributes:
        span: It as it stands there, without mark-up around it.
        key: Its key; ``None`` where nothing of it is left.
        crisp: Whether it is an option, a number or a formula, which nobody can mistake for the beginning of a sentence.
    """

    span: str
    key: AnswerKey | None
    crisp: bool


_LEAD = re.compile(r"[\s:：=*_`#>，,]{0,200}(?:(?:\\\[|\$\$)\s{0,20})?(?:[-–—→⇒]{1,2}>?\s{1,3})?[*_`]{0,3}")
_FILLERS = re.compile(
    r"(?:(?:therefore|thus|hence|then|so|indeed|simply|just|likely|most likely|probably|definitely|clearly|"
    r"actually|that|"
    r"given by|as follows|the following|option|choice|letter|equal to|the (?:option|choice|letter|number|value|"
    r"integer)(?: of)?|la opción|opción|l['’]option|option|die option|вариант|الخيار|选项|選項|选择|選択肢|옵션)"
    r"\s?[:,，]?\s{1,3}|(?:选项|選項|选|選|은|는)\s?(?=[(（A-Z\d])|(?:la|el|le|die|der)\s(?=[(\[*]{1,3}[A-Z][)\]*]))",
    re.IGNORECASE,
)
LONGEST_REST = 222 + MAX_LENGTH + 1
# A full stop inside "$7.$" belongs to the answer's mark-up; an exclamation mark goes here, where it is no factorial.
_SENTENCE_END = re.compile(
    r"[.?][*_`\"'”’$)\]]{0,6}(?=\s|$)|(?=![*_`\"'”’$)\]]{0,6}(?:\s|$))|[。？؟।]|(?=！)|(?=</?[a-zA-Z|])|(?=<\|)"
)
_NUMBERED = re.compile(r"[*_`\"'“(\[]{0,3}(?:(?:option|choice)\s)?[*_`]{0,3}[A-Z][.)]\s")
_LISTED = re.compile(r"\d{1,2}[.)、]\s?\S|[-•]\s")  # a list of something, not an answer
_REASONS = re.compile(
    r"[,，;；、]?\s{1,3}(?:because|since|as|which|where|so|and (?:this|that|it)|given|due to|based on|when|with|"
    r"assuming|therefore|if|but|for|from|by|at|in|on|not|porque|ya que|puesto que|parce que|car|puisque|weil|da|denn|"
    r"потому|так как|поскольку|لأن)\b|[,，;；]\s{0,3}(?:因为|因為|所以|因此|なので|ため|from|i\.e\.|that is)|\s?[(（]|"
    r"\s[-–—]\s|:\s|[,，;；]\s|因为|なぜなら|왜냐하면"
)
_NO_ANSWER = re.compile(
    r"(?:based|not|in|on|at|as|found|obtained|given|correct|wrong|right|incorrect|that|because|clear|the same|unclear|"
    r"unknown|as follows|of|by|to|for|from|therefore|which|what|you|below|above|shown|required|"
    r"derived|determined|one of|either|a single|expected|let|okay|ok|here|simply|cannot|can't|none of|such|"
    r"written|provided|explained|nicht|pas|не)\b",
    re.IGNORECASE,
)


_CLAUSE = re.compile(r"(?:it|this|these|those|there|we|i|he|she|they|that|if)\b", re.IGNORECASE)
"""How a clause begins, which is no answer but may come to one."""


@lru_cache(maxsize=8192)
def announced(rest: str, options: Options, comma: bool = False) -> Found | None:
    """The answer that follows a cue.

    Args:
        rest: ``LONGEST_REST`` characters of what follows the cue.
        options: Option letters to option texts.
        comma: Whether a comma stands before decimals.
    """
    sentence = first_sentence(rest)
    if sentence is None:
        return None
    while (filler := _FILLERS.match(sentence)) is not None and filler.end() < len(sentence.rstrip()):
        sentence = sentence[filler.end() :]
    if comma:
        sentence = with_points(sentence)
    found = [each for piece in _pieces(sentence) if (each := as_found(piece, options)) is not None and each.key]
    crisp = next((each for each in found if each.crisp), None)
    if crisp is not None:  # without reasons that say nothing else
        crisp = [each for each in found if each.key == crisp.key][-1]
    return crisp or (_in_words(found[0], sentence, options) if found else None)


def _in_words(first: Found, sentence: str, options: Options) -> Found | None:
    """What a sentence says that is no option, number or formula as it stands."""
    if _NO_ANSWER.match(first.span):
        return None
    within = read_sentence(sentence, options)
    is_clause = _CLAUSE.match(first.span) is not None
    if within is not None and (within.strong or not is_clause):
        return Found(within.span, within.key, crisp=True)
    # A letter that the problem does not have is said as clearly as one that it has.
    return None if is_clause else replace(first, crisp=bool(options) and len(first.span.strip("().")) == 1)


@lru_cache(maxsize=4096)
def as_found(text: str, options: Options) -> Found | None:
    """A text that is an answer and nothing else; ``None`` where only mark-up is left."""
    span = undecorated(text)
    key = normalise(span, options)
    crisp = key is not None and (key.kind != "text" or letters(key) is not None)
    return Found(span, key, crisp) if span else None


def first_sentence(rest: str) -> str | None:
    """What follows a cue up to the end of the sentence or line; ``None`` where that is too long for an answer."""
    lead = _LEAD.match(rest)
    start = 0 if lead is None else lead.end()
    # One character more than an answer may have, so that an endless line is told from an answer.
    line = re.split(r"[\r\n]", rest[start : start + MAX_LENGTH + 1], maxsplit=1)[0]
    if _LISTED.match(line) and "\n" in rest[:start]:
        return None
    numbered = _NUMBERED.match(line)
    end = _SENTENCE_END.search(line, 0 if numbered is None else numbered.end())
    said = line if end is None else line[: end.end()]
    return said if said.strip() and len(said) <= MAX_LENGTH else None


def _pieces(sentence: str) -> Iterator[str]:
    """The sentence, and what stands before its reasons, from the longest piece to the shortest."""
    yield sentence
    ends = [match.start() for match in _REASONS.finditer(sentence) if match.start() > 0]
    for end in dict.fromkeys([*reversed(ends[:8])]):
        yield sentence[:end]
