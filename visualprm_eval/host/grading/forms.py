r"""What a grader of the host is handed of a judge's reply: the answer, or nothing.

Many graders take a reply for the answer itself. A judge that thinks aloud, or that wraps its answer in mark-up and
labels, would turn every right answer into a wrong one. So a grader gets what follows the thoughts, without mark-up
where it takes the reply for the answer; and a reply that is no answer in the form that was asked for is none.

That there is no answer ("N/A", "cannot be determined") is an answer, and wrong. So is what a policy did answer where it
is of another kind than the question wants (4.0 or "never" for an integer), which is the host's own rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from visualprm_eval.core.answers import announced_answer, normalise
from visualprm_eval.core.markup import LONGEST, shorn
from visualprm_eval.core.thoughts import after_thoughts
from visualprm_eval.host.data.rows_to_problems import listed_options

Form = Callable[[str], str | None]
"""From a reply without its thoughts to what the grader gets; ``None`` when it cannot be read."""

_NO_ANSWER = re.compile(
    r"(?:none|null|nil|n/?a|nan|z|unknown|unclear|undefined|undetermined|indeterminate|\[\s*\]|-+|\?+)[.!]?",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"n't\b|\b(?:no|not|none|cannot|unable|impossible|insufficient|unanswerable|unspecified|lacks?|lacking|missing|"
    r"incomplete|without|sorry|refus\w{1,6}|never|needed|please provide|(?:more|additional|further) information)\b",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_WORD = re.compile(r"[^\W\d_]{2,}(?!\w*\()")
_LEAD = re.compile(r"\D{0,200}[^\W\d_]{2}[\s:=]{1,9}[^\d\n]{0,200}\d")
"""Words before a number: more than the number was said."""
_ENDS_IN_NUMBER = re.compile(r"\D{0,200}\b(?:is|are|was|be|equals)\s(-?\d{1,20}(?:\.\d{1,20})?)")
"""A sentence with one number, at its end."""
_MOST_WORDS = 3
"""Words that an answer to an open question may have before it is a sentence."""
_DECIMAL = re.compile(r"\d{1,20}(?:\.\d{1,20})?|\.\d{1,20}")
_REMARK = re.compile(r"\([^()]{0,200}[^\W\d_]{2}[^()]{0,200}\)")
_CALCULATES = re.compile(r"[\d\\^*/+=%√-]")
"""What makes another answer of the one beside it."""
_YES_OR_NO = re.compile(r"(?<![a-z])(?:yes|no|unknown)(?![a-z])", re.IGNORECASE)
_NUMERAL = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w{3,5}teen|\w{3,5}ty|hundred|thousand|half)\b",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"\(?[A-Z]\b\)?(?:\s{0,3}(?:,\s{0,3}(?:and\s)?|&\s{0,3}|and\s|\s)\(?[A-Z]\b\)?)*")


def form_of(grader: str, row: Mapping[str, Any] | None) -> Form:
    """How the replies are read that a grader asks for about a row.

    Args:
        grader: The name of the host's function that works on the row.
        row: The row of the benchmark; ``None`` when it is not known.
    """
    inner = _FORMS[grader](row if row is not None else {}) if grader in _FORMS else str

    def read(reply: str) -> str | None:
        said = (after_thoughts(reply) or "").strip()
        return inner(said) if said else None

    return read


def _readings(text: str) -> Iterator[str]:
    """Ever less of a reply: itself, without mark-up, and what it concludes with."""
    if len(text) <= LONGEST:
        yield text
        yield shorn(text)
    if concluded := announced_answer(shorn(text)):
        yield shorn(concluded)
    if len(text) <= LONGEST and (ends := _ENDS_IN_NUMBER.fullmatch(shorn(text))) is not None:
        yield ends[1]


def _denies(text: str) -> bool:
    """Whether a reply says that there is no answer, and nothing that could be one."""
    bare = shorn(text)[:LONGEST]
    return _NO_ANSWER.fullmatch(bare) is not None or (_DENIES.search(bare) is not None and not re.search(r"\d", bare))


def _parsed(text: str, *parsers: Callable[[str], Any]) -> str | None:
    """The first reading of a reply that the first parser takes, else the next."""
    for parser in parsers:
        for reading in _readings(text):
            with suppress(ValueError):
                parser(reading)
                return reading
    return None


def _number(parser: Callable[[str], Any], right: Any, text: str) -> str | None:
    """A number, as the host's parser has it; another number, or another answer than a number, is a wrong one.

    Args:
        parser: Raises ValueError for what is no such number.
        right: The row's reference answer.
        text: The reply.
    """
    found = _parsed(text, parser, float)
    if found is not None:
        return found
    bare = _open(text)
    # "7 cm", "1,000", "seven" and "(7)" may well be the number that was asked for.
    if bare is not None and not _is_number(bare) and not _holds(bare, right):
        return bare
    return text if _names_others(text, right) else None


def _names_others(text: str, right: Any) -> bool:
    """Whether a reply names numbers of which none is the right one, so that it is wrong whatever it means by them."""
    try:
        wanted = float(right)
    except (TypeError, ValueError):
        return False
    named = [float(number) for number in _DECIMAL.findall(re.sub(r"(?<=\d),(?=\d{3})", "", text))]
    near = any(abs(abs(number) - abs(wanted)) <= 0.01 * max(1.0, abs(wanted)) for number in named)
    return bool(named) and not near and _NUMERAL.search(text) is None and re.search(r"\d\s{0,3}[/:^%]", text) is None


def _holds(text: str, right: Any) -> bool:
    """Whether a reply is another one than the right answer, and may be that answer with words or signs around it."""
    wanted = str(right).strip()
    if not wanted or text.strip().casefold() == wanted.casefold():
        return False
    found = re.compile(rf"(?<![\w.\\-]){re.escape(wanted)}(?![\w^/]|\.\d)", re.IGNORECASE)
    rest, count = found.subn(" ", text)
    return count > 0 and ("\n" in text.strip() or _CALCULATES.search(_REMARK.sub("", rest)) is None)


def _is_number(text: str) -> bool:
    key = normalise(text)
    return key is not None and (key.kind == "number" or _NUMERAL.match(key.value) is not None)


def _option(choices: Mapping[str, str], text: str) -> str | None:
    """An option that the host sees in the reply, or whose value it is; any other answer is a wrong one."""
    from vlmeval.utils import can_infer

    for reading in _readings(text):
        if can_infer(reading, dict(choices)):
            return reading
        key = normalise(reading, choices)
        if key is not None and key.kind == "option":
            return key.value
    return _open(text)


def _text(right: Any, text: str) -> str | None:
    """An answer of any kind, if need be in a sentence that does not hold the right one."""
    bare = shorn(text)
    return None if _holds(bare, right) else bare


def _short_text(right: Any, text: str) -> str | None:
    """An answer of any kind, but no sentence, and nothing that holds the right one."""
    said = _open(text)
    return None if said is None or _holds(said, right) else said


def _open(text: str) -> str | None:
    """An answer of any kind, but no sentence around one."""
    for reading in [*_readings(text)][::-1]:
        plain = _COMMAND.sub(" ", reading)
        one_line, few = "\n" not in reading, len(_WORD.findall(plain)) <= _MOST_WORDS
        if len(reading.split()) == 1 or (one_line and few and not _LEAD.match(plain)):
            return reading
    return text if _denies(text) else None


def _mathvista(row: Mapping[str, Any]) -> Form:
    if row.get("question_type") == "multi_choice":
        return partial(_option, listed_options(row))
    right, parser = row.get("answer", ""), {"integer": int, "float": float}.get(row.get("answer_type", ""))
    return partial(_text, right) if parser is None else partial(_number, parser, right)


def _mathvision(row: Mapping[str, Any]) -> Form:
    choices = listed_options(row)
    return partial(_option, choices) if choices else partial(_short_text, row.get("answer", ""))


def _dynamath(row: Mapping[str, Any]) -> Form:
    """Its judge is told to write a number, or a letter, and nothing else is one."""
    from vlmeval.dataset.dynamath import parse_answer

    def number(text: str) -> None:
        # The host would take the first number of any sentence that begins with one.
        several = len(_WORD.findall(text)) > _MOST_WORDS or len(_DECIMAL.findall(text)) > 1
        if several or not parse_answer(text, "float")[0]:
            raise ValueError(text)

    def letter(text: str) -> str | None:
        for reading in _readings(text):
            key = normalise(reading.upper() if len(reading) == 1 else reading)
            if key is not None and key.kind == "option":
                return key.value
        return "Z" if _denies(text) else None  # The host would find the option E in "None".

    if row.get("answer_type") == "multiple choice":
        return letter
    if row.get("answer_type") == "float":
        return lambda text: _parsed(text, float, number) or (text if _denies(text) else None)  # Neither is empty.
    return partial(_text, row.get("answer", ""))


def _yes_or_no(text: str) -> str | None:
    """Its judge is told to write Yes, No or Unknown; the host would take anything else, and two of them, so."""
    named = {word.capitalize() for word in _YES_OR_NO.findall(text)}
    return named.pop() if len(named) == 1 else None


def _logicvista(text: str) -> str:
    bare = shorn(text)
    return "".join(re.findall("[A-Z]", bare)) if _LETTERS.fullmatch(bare) else bare


_FORMS: dict[str, Callable[[Mapping[str, Any]], Form]] = {
    "MathVista_auxeval": _mathvista, "QSpatial_auxeval": _mathvista, "MATH_V_auxeval": _mathvision,
    "DynaMath_auxeval": _dynamath, "LogicVista_auxeval": lambda _: _logicvista, "YOrN_auxeval": lambda _: _yes_or_no,
    **dict.fromkeys((
        # These read a letter, a digit or a word, or hand an extract to another judge, and ask again where they cannot.
        "MathVerse_auxeval_extract", "MathVerse_auxeval_score", "Olympiad_auxeval_extract", "Olympiad_auxeval_score",
        "MMReason_auxeval_extract", "MMReason_auxeval_score", "MMEReasoning_openeval", "MMVet_auxeval",
        "MMOral_opg_auxeval", "SFE_auxeval", "LENS_auxeval", "eval_vanilla", "eval_circular_group",
        # These take whatever comes.
        "ChartBench_auxeval", "extract_aux",
    ), lambda _: shorn),
}  # fmt: skip
"""By the host's function that works on a row. Others want prose, or an object of several lines, and get it as it is."""

ASKS_AGAIN = frozenset(_FORMS) - {"DynaMath_auxeval", "ChartBench_auxeval", "extract_aux"}
"""Graders that ask again by themselves when they are told that there is no reply, at higher temperatures."""
