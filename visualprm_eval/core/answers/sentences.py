"""The answer in a sentence that does not announce one: an option's letter or text, or the number that it comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from visualprm_eval.core.answers.keys import AnswerKey, Options, it_is_off, normalise
from visualprm_eval.core.answers.marks import plain, undecorated
from visualprm_eval.core.answers.numbers import NUMERAL, UNIT_WORDS
from visualprm_eval.core.answers.quantities import numbers_in


class Read(NamedTuple):
    """An answer in a sentence.

    Attributes:
        span: It as it stands there.
        key: Its key.
        strong: Whether the sentence comes to it, at its end or behind "is"; a number that only occurs there is weak.
    """

    span: str
    key: AnswerKey
    strong: bool


_REFUSES = re.compile(
    r"\b(?:cannot|can't|can ?not|could not|couldn't|impossible|not possible|unable|insufficient|(?:not|"
    r"n't)(?: \w+)? enough|"
    r"(?:not|n't)(?: \w+)? (?:provided?|given|sufficient|available|visible|specified|mention(?:ed)?)|"
    r"undetermined|unknown|unclear|(?:not|n't) (?:know|sure|clear)|no (?:idea|answer)|i'm sorry|apologi[sz]e)\b|"
    r"无法|無法|不能确定|できません|없습니다",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether a text says that it has no answer."""
    return _REFUSES.search(text) is not None


_SAID = r"(?:the )?(?:(?:option|choice|answer|letter)s?\s)?[*(\[（]{0,3}(?-i:[A-Z])[*)\]）]{0,3}(?!['’\w])"
_DENIED = re.compile(
    r"(?:\b(?:not|cannot be|can't be|neither|rather than|instead of|except|no es|nicht|pas)|"
    r"n['’]t(?: be)?|不是|不选|не|ليست?)\s?"
    rf"(?:la |le |die |el )?{_SAID}(?:(?:,| or| nor| and|,? или|或)\s?(?:nor )?{_SAID}){{0,8}}"
    rf"|{_SAID}(?:(?:,| or| nor| and)\s?{_SAID}){{0,8}}\s?"
    r"(?:(?:is|are|was|were)(?: (?:clearly|also|therefore|thus))?"
    r"(?: (?:not|wrong|incorrect|false|impossible|ruled out|eliminated)\b|n['’]t)|"
    r"(?:can|could|does|do|must|would|will)(?:\s?not\b|n['’]t)|no es|n['’]est pas|ist nicht|ist falsch|не\b)"
    r"|(?-i:[A-Z])[)）]?\s?(?:选项|選項)?(?:不(?:正确|正確|对|對|是|符合)|ではなく、?|[가이] 아니라)",
    re.IGNORECASE,
)
"""Letters of which a sentence says that they are not the answer, with what says so."""
_UNDECIDED = re.compile(
    r"(?<!\w)[*(\[（]{0,3}([A-Z])[*)\]）]{0,3},?\s?(?:or|ou|oder|или|或|또는|または|أو)\s?"
    r"(?:option )?[*(\[（]{0,3}([A-Z])(?![\w'’])"
)
_CUT = re.compile(r"(?:\b(?:the|an?|of|to|is|are|and|or|with|for|by|that|so|find|get|from)|[=+×]|\s\*)\s{0,3}$")
"""Where a text broke off."""
_YET = re.compile(
    r"[,;.–—-]\s{0,3}(?:but|however|yet|though|still|pero|mais|aber|но|однако|لكن|但是?|不过|하지만|でも|しかし)(?![a-zа-я])",
    re.IGNORECASE,
)
"""Behind which a refusal takes itself back."""
_GUESSES = re.compile(r"\b(?:guess|estimate|say|think|believe|probably|likely|about|around|roughly)\b", re.IGNORECASE)


_BETWEEN = re.compile(r"[\s,，、;/&*$().]|\band\b")


def _is_list(sentence: str) -> bool:
    """Whether it is several numbers with their units and nothing else, of which none is the answer."""
    several = len(NUMERAL.findall(sentence)) > 1 and "=" not in sentence
    return several and not _BETWEEN.sub("", UNIT_WORDS.sub("", NUMERAL.sub("", sentence)))


_SPELLED = re.compile(
    r"(?:\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Ll]etter|OPTION|[Ii]mage|[Ff]igure|[Pp]icture|[Gg]raph|[Dd]iagram|"
    r"[Pp]attern|[Ss]hape)\s{1,2}[*\"'“]{0,3}[(\[]?([A-Z])[)\]]?(?![\w'])|[(\[（]([A-Z])[)\]）]|"
    r"[\"“'*]([A-Z])[.,]?[\"”'*])"
)
_MOST_MENTIONS = 6
"""Of an option's text in a sentence; what has more of them goes in circles."""
_EQUATION = re.compile(r"(?<![<>!])=")
_OPEN_LETTER = re.compile(
    r"\b(?:[Oo]ption|[Cc]hoice|[Aa]nswer|[Ll]etter)\s{1,2}[*\"'“(\[]{0,4}([A-J])(?![\w'])|[(\[]([A-J])[)\]][.*\s]{0,4}$"
)
_LAST_LETTER = re.compile(r"(?:^|[\s:：是为為選选,，、*(])([A-Z])[)\].,。*:\"'\s]{0,6}$")
_LONE = re.compile(
    r"(?<!angle )(?<!point )(?<!line )(?<!side )(?<!vertex )(?<!circle )(?<!person )(?<!party )(?<!group )(?<!team )"
    r"(?<!∠)(?<![\w'-])(?!A [a-z])([A-HJ-Z])(?![\w'-])"
)
_FIRST_LETTER = re.compile(
    r"\s{0,3}[*(\[\"']{0,3}([A-Z])(?:[)\]][.:]?\s|[.:]\s|[*\"']{1,3}[.:)]?\s|\s(?:is|because|since)\b)"
)


@lru_cache(maxsize=8192)
def read_sentence(sentence: str, options: Options) -> Read | None:
    """The answer in a sentence, or in a line.

    Returns:
        ``None`` where it has none, or several without a sign which it comes to.
    """
    if _is_list(sentence):
        return None
    whole = normalise(undecorated(sentence), options)
    if whole is not None and whole.kind != "text" and not _EQUATION.search(whole.value):
        return Read(undecorated(sentence), whole, strong=True)
    option = _option(sentence, options) if options else None
    if refuses(sentence):
        return option or _guess(sentence, options)
    if _CUT.search(sentence):
        return None
    affirmed = _DENIED.sub(" … ", sentence)
    undecided = any(one != other and {one, other} <= options.keys() for one, other in _UNDECIDED.findall(affirmed))
    letter = None if undecided else _letter(affirmed, options)
    if letter is not None:
        return Read(letter, AnswerKey("option", letter), strong=True)
    return option or (None if undecided else _number_read(affirmed, options))


def _guess(sentence: str, options: Options) -> Read | None:
    """What a sentence says that takes its refusal back: "I am not sure, but probably (B)"."""
    parts = _YET.split(sentence)
    if len(parts) < 2 or refuses(parts[-1]):
        return None
    read = read_sentence(parts[-1], options)
    sure = read is not None and (read.strong or _GUESSES.search(parts[-1]) is not None)
    return read if read is not None and sure and read.key.kind != "text" else None


def _number_read(sentence: str, options: Mapping[str, str]) -> Read | None:
    """The number that a sentence comes to or has, else the only letter in it that is an option's."""
    for value, strong in numbers_in(sentence):
        key = normalise(value, options)
        if key is not None and (key.kind != "text" or "=" in value):  # several values of a variable
            return Read(value, key, strong=strong)
    lone = [letter for letter in dict.fromkeys(_LONE.findall(sentence)) if letter in options]
    return Read(lone[0], AnswerKey("option", lone[0]), strong=False) if len(lone) == 1 else None


def _letter(sentence: str, choices: Mapping[str, str]) -> str | None:
    """The option letter that it names, at its end, at its beginning, or only once."""
    if not choices:
        found = _OPEN_LETTER.search(sentence)
        return None if found is None else found[1] or found[2]
    named = [next(group for group in match.groups() if group) for match in _SPELLED.finditer(sentence)]
    named = list(dict.fromkeys(one for one in named if one in choices))
    if len(named) == 1:
        return named[0]
    last = _LAST_LETTER.search(sentence if sentence.isascii() else it_is_off(sentence.rstrip(" .。")))
    if last is not None and last[1] in choices:
        return last[1]
    first = _FIRST_LETTER.match(sentence)
    return first[1] if first is not None and first[1] in choices and not named else None


def _option(sentence: str, options: Options) -> Read | None:
    """The one option whose text stands in it, else the one that it ends in."""
    said = _spaced(sentence)
    found = {}
    for letter, needle in _needles(options):
        at = said.rfind(needle)
        if at >= 0 and not said.endswith((" than", " not"), 0, at) and said.count(needle) <= _MOST_MENTIONS:
            found[letter] = (at, at + len(needle))
    whole = {
        letter: place for letter, place in found.items()
        if not any(other[0] <= place[0] and place[1] <= other[1] and other != place for other in found.values())
    }  # fmt: skip
    if len(whole) > 1:
        last = max(end for _, end in whole.values())
        whole = {letter: place for letter, place in whole.items() if place[1] == last == len(said)}
    if len(whole) != 1:
        return None
    ((letter, (start, end)),) = whole.items()
    return Read(said[start:end].strip(), AnswerKey("option", letter), strong=True)


_NOT_WORD = re.compile(r"[^\w%°√/+\-=<>.]+|\.(?=\s|$)|(?<!\d)\.(?!\d)")


@lru_cache(maxsize=4096)
def _spaced(text: str) -> str:
    """Its words between single blanks, with one before and one behind."""
    return f" {_NOT_WORD.sub(' ', plain(text).casefold()).strip()} "


@lru_cache(maxsize=1024)
def _needles(options: Options) -> tuple[tuple[str, str], ...]:
    """The options' texts to look for: words, since a letter or a bare number may be anything in a sentence."""
    spaced = [(letter, _spaced(text)) for letter, text in options.items() if 0 < len(text) <= 300]
    return tuple((letter, text) for letter, text in spaced if re.search(r"[^\W\d_]{2}|[%°]", text))
