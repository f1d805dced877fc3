"""The number in a sentence that it comes to, or that it has."""

from __future__ import annotations

import re
from collections.abc import Iterator

from visualprm_eval.core.answers.keys import is_constant, is_mathematics, normalise
from visualprm_eval.core.answers.marks import undecorated
from visualprm_eval.core.answers.numbers import NUMERAL, UNIT_WORDS, number_word, with_points

_COMMA_LANGUAGE = re.compile(r"\b(?:es|est|ist|son|sont|sind|beträgt|равен|равна|равно|составляет)\b")


def numbers_in(sentence: str) -> Iterator[tuple[str, bool]]:
    """The number that a sentence comes to, then the one that it has, each with its unit.

    Args:
        sentence: One sentence, or one line.

    Yields:
        The number as it stands there, and whether the sentence says that it is this: behind "is" or "=".
    """
    if _COMMA_LANGUAGE.search(sentence):
        sentence = with_points(sentence)
    if (value := _value(sentence)) is not None:
        yield value
    if (mentioned := _mentioned(sentence)) is not None:
        yield mentioned, False


_PART = r"(?:[-\d\s.,+*·()π^√]|\\(?:pi|sqrt|cdot|times)(?![a-z])|\{[-\d\s.+*π]{0,20}\})"
_FACTOR = (
    r"(?:π|\\pi(?![a-z])|\\sqrt\s?(?:\[\d\]\s?)?(?:\{[^{}a-z]{1,20}\}|\d)|√\s?(?:\d{1,20}|\(\d{1,20}\)|\{\d{1,20}\}))"
)
_FRAC = r"\\[dtc]?frac\s?(?:\{" + _PART + r"{1,40}\}\s?\{" + _PART + r"{1,40}\}|\d\d)"
_QUANTITY = (
    rf"[-+−–]?{_FRAC}(?:\s?{_FACTOR}){{0,3}}|(?:{NUMERAL.pattern})(?:\s?{_FRAC}|\s\d{{1,6}}/\d{{1,6}}|/\d{{1,9}})?"
    rf"(?:\s?(?:\\cdot\s?|\\times\s?|[*·×]\s?)?{_FACTOR}){{0,3}}(?:(?<=[πi}}\d)])/\d{{1,9}})?"
    r"(?:\s(?:thousand|million|billion|trillion)\b(?:\s[a-z]{1,20}(?=[\s.]{0,3}$))?)?"
    rf"|[-+−–]?{_FACTOR}(?:\s?{_FACTOR}){{0,2}}(?:/\d{{1,9}})?"
)
"""A number in a running text with what belongs to it: a fraction, roots, pi, a multiple in words."""
_QUANTITIES = re.compile(_QUANTITY)

_ADVERBS = (
    r"(?:(?:about|approximately|approx\.?|around|roughly|nearly|almost|exactly|only|just|also|equal to|equals|"
    r"thus|therefore|"
    r"then|a total of|now|up to|at least|at most|over|still|precisely|the number|≈|~|=|:|约|大约|約|共|有)\s?){0,3}"
)
_COPULA = re.compile(
    r"(?:\b(?:is|are|was|were|be|equals?|becomes?|gives?|gets|remains?|costs?|weighs?|totals?|yields?|es|est|"
    r"ist|son|sont|sind|beträgt|"
    r"равен|равна|равно|составляет|будет|هو|هي|يساوي)\b|[=≈:：]|等于|为|為|是|は|が|는|은|이)\s{0,3}"
    + _ADVERBS
    + r"[\s*_$`\"'“(\[{]{0,6}(?:\\[(\[]\s?)?(?P<value>"
    + _QUANTITY
    + r")",
    re.IGNORECASE,
)
_REASON = re.compile(r"[,，;；]?\s(?:because|since|given|due to|based on|assuming|as)\b|[;；]|因为|因為", re.IGNORECASE)
_ASIDE = re.compile(r"[,，]?\s(?:which|where|after|so that|but|while|when|if|with)\b", re.IGNORECASE)
_LOOSELY = re.compile(
    r"\b(?:of|to|has|have|had|contains?|shows?|needs?|spends?|makes?|reaches|takes?|leaves?|leaving|receives?|"
    r"scored|sold|got|ate)\s{1,3}" + _ADVERBS + r"[\s*_$`\"'“(\[{]{0,6}(?:\\[(\[]\s?)?(?P<value>" + _QUANTITY + r")",
    re.IGNORECASE,
)
_BEHIND = re.compile(r"[*_$`\"'”\\)\]}\s.。!?]{0,8}$")
_BADLY_BEFORE = re.compile(
    r"[\w#^_\\/√]$|\bthan\s?\$?$|[\w)]\s[-+*/×÷]\s?$|\b(?:figure|fig|step|image|table|"
    r"person|part|question|problem|option|no|page|day|type|category|group)\.?\s?$",
    re.IGNORECASE,
)
_BADLY_BEHIND = re.compile(
    r"\\(?!text|mathrm|mbox|circ|deg|quad|right)[a-zA-Z]|[α-ωΑ-Ω]|"
    r"(?!-[a-z]{3})(?:(?:st|nd|rd|th)\b|[a-zA-Z_^](?![a-zA-Z]{0,3}\b)|\s?[-–+*/×÷=<>^]\s?[\w(\\]|[:.]\d|\)\s?=)"
)
_CLOSED = re.compile(r"\s?(?:\$|\\\)|\*\*)")
_HENCE = re.compile(
    r",\s(?:and\s)?(?:so|therefore|thus|hence|making|giving|for a total of|totall?ing)\s(?=[^,]*\d)", re.IGNORECASE
)
"""Behind which a sentence says what it comes to."""
_LABEL = re.compile(
    r"\b(?:figure|fig|step|image|table|part|question|problem|page|equation|eq|section|example)\.?\s?$", re.IGNORECASE
)
_MOST_NUMBERS = 12
"""Numbers of a sentence; what has more of them is a list."""
_WHICH = re.compile(
    r",\s(?:which|that) (?:is|equals|gives|makes|comes to)\s{0,3}(?:about |approximately |equal to )?[*_$\\(]{0,4}"
    r"(" + NUMERAL.pattern + r"(?:\s?[a-z%°]{1,12})?)[*_$\\)]{0,4}[.\s]{0,4}$"
)
_SEVERAL_VALUES = re.compile(
    r"(?<![\w=])((?:[a-z]\s?=\s?[^\s=,]{1,20}(?:,?\s(?:or|and)\s|,\s)){1,4}[a-z]\s?=\s?[^\s=,]{1,20}?)[\s*$.。]{0,6}$"
)
_FORMULA_LAST = re.compile(
    r"(?:(?:^|[^$])\$([^$]{1,80})\$|\\\(([^$()]{1,80})\\\))"
    rf"(?:{UNIT_WORDS.pattern}|\ssquare units)?[\s*.。]{{0,4}}$",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r".*(?:[=≈]|\b(?:equals|is|are|be|gets?|gives?|obtain|yields?|"
    r"(?:simplif\w{2,4}|reduc\w{1,3}|evaluat\w{1,3}|factors?|expands?) to)\b)"
    r"\s{0,3}[:：]?\s{0,3}(?:an?\s)?([^=≈]{1,80}?)[\s*_`\"'.。]{0,6}$"
)


def _value(sentence: str) -> tuple[str, bool] | None:
    """The number, with its unit, at the end of a sentence, else behind its last "is"; and whether it stands there."""
    formula = _formula_last(sentence)
    if formula is not None:
        return formula, True
    hence = _HENCE.split(_REASON.split(sentence, maxsplit=1)[0])
    only = _places(_QUANTITIES, hence[-1]) if len(hence) > 1 else []
    if len(only) == 1:
        return _with_unit(hence[-1], *only[0]), True
    for part in _clauses(sentence):
        numbers = _places(_QUANTITIES, part)
        ending = [place for place in numbers[-1:] if _BEHIND.match(_unit_off(part, place[1]))]
        behind = _places(_COPULA, part)[-1:]
        found = (ending if len(numbers) <= _MOST_NUMBERS else []) or behind
        if found:
            return _with_unit(part, *found[0]), found == behind
    return None


def _formula_last(sentence: str) -> str | None:
    """The value of a variable, its several values, or the formula without variables, in which a sentence ends."""
    several = _SEVERAL_VALUES.search(sentence[-200:])
    if several is not None:  # not the last of them
        return undecorated(several[1])
    assigned = _ASSIGNED.match(sentence[-120:])
    if assigned is not None:
        span = undecorated(assigned[1])
        key = normalise(span)
        if key is not None and (key.kind == "number" or (key.kind == "mathematics" and is_mathematics(key.value))):
            return span
    formula = _FORMULA_LAST.search(sentence[-160:])
    if formula is not None:
        span = formula[1] or formula[2]
        if (key := normalise(span)) is not None and (key.kind == "number" or is_constant(key)):
            return span
    which = _WHICH.search(sentence)
    return None if which is None else which[1].strip()


def _clauses(sentence: str) -> tuple[str, ...]:
    """The sentence without its asides and reasons, with asides, and whole."""
    whole = _REASON.split(sentence, maxsplit=1)[0]
    return tuple(dict.fromkeys((_ASIDE.split(whole, maxsplit=1)[0], whole, sentence)))


def _mentioned(sentence: str) -> str | None:
    """The number that a sentence has, or the one that is most likely meant; it does not come to it."""
    for part in _clauses(sentence):
        sound = _places(_QUANTITIES, part)
        loose = _places(_LOOSELY, part)
        if len(sound) > _MOST_NUMBERS:
            return None
        if len({part[low:high] for low, high in sound}) == 1:
            return _with_unit(part, *sound[-1])
        if loose:
            return _with_unit(part, *loose[-1])
    found = list(_QUANTITIES.finditer(sentence))
    if len(found) == 1:
        start, end = found[0].span()
        if not (_BADLY_BEHIND.match(sentence, end) or _LABEL.search(sentence[max(0, start - 12) : start])):
            return _with_unit(sentence, start, end)
    return _in_words(_clauses(sentence)[0])


def _places(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    """Where a pattern finds numbers that stand for themselves."""
    group = "value" if "value" in pattern.groupindex else 0
    found = [match.span(group) for match in pattern.finditer(text)]
    return [place for place in found if _is_sound(text, *place)]


def _is_sound(text: str, start: int, end: int) -> bool:
    """Whether a numeral stands for a number of its own: no ordinal, no part of a name, a formula or a label."""
    return _BADLY_BEFORE.search(text[max(0, start - 12) : start]) is None and (
        UNIT_WORDS.match(text, end) is not None or _BADLY_BEHIND.match(text, end) is None
    )


def _unit_off(text: str, end: int) -> str:
    closed = _CLOSED.match(text, end)
    unit = UNIT_WORDS.match(text, end) or (None if closed is None else UNIT_WORDS.match(text, closed.end()))
    return text[end if unit is None else unit.end() :]


def _with_unit(text: str, start: int, end: int) -> str:
    unit = UNIT_WORDS.match(text, end)
    if text[start] == "$" and text.count("$") % 2 == 0:
        start += 1  # it begins mathematics and is no currency
    return text[start : end if unit is None else unit.end()].strip()


_MANY = re.compile(r"[a-z]\s(?:hundred|thousand|million|billion|dozen)\b", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z]+(?:-[a-z]+)?")


def _in_words(clause: str) -> str | None:
    """The only number word of a clause, as digits; "one" is none, which may stand for anything."""
    if _MANY.search(clause):
        return None
    found = [word for word in _WORDS.findall(clause) if number_word(word) not in {None, 1}]
    return str(number_word(found[0])) if len(found) == 1 else None
