r"""Formulas in the spelling of keys, as LaTeX that may be handed to a parser, and which of them are worth comparing.

Only what is short, has no words but known names, and works out to nothing large passes: no tower of powers, no large
exponent, no factorial of a large number.
"""

from __future__ import annotations

import re
from functools import lru_cache

from visualprm_eval.core.answers.keys import AnswerKey
from visualprm_eval.core.answers.marks import NAMES

_LONGEST = 120
_CONSTANTS = frozenset({"pi", "sqrt", "infinity", "e"})
_SOUND = re.compile(r"[0-9a-z.,+\-*/^=<>!()\[\]{}±° ∪∩]{1,120}")
_HARMFUL = re.compile(r"\^\(?-?\d{3}|\d{2}!|!!|\)!|\^[^+\-*/=,]{0,20}\^|\d{16}|\*\*|\[\[|\^\([^()]{0,60}\d\*\d")
_TOKEN = re.compile(r"[a-z]+|<=|>=|!=|.")


def comparable(one: AnswerKey, other: AnswerKey) -> bool:
    """Whether two answers are of one kind of mathematics, so that it must be asked whether they are equal."""
    if "mathematics" not in (one.kind, other.kind) or {one.kind, other.kind} - {"mathematics", "number"}:
        return False
    units = {each.unit for each in (one, other) if each.unit}
    if len(units) > 1 or one.value == other.value or any(each.kind == "number" and each.unit for each in (one, other)):
        return False
    first, second = _shape(one.value), _shape(other.value)
    return first is not None and first == second


@lru_cache(maxsize=4096)
def _shape(value: str) -> tuple[object, ...] | None:
    """What equal formulas have in common: relations, brackets around commas, variables; ``None`` for no formula."""
    if latex(value) is None:
        return None
    words = [word for run in re.findall(r"[a-z]+", value) for word in _words(run)]
    letters = frozenset(words) - _CONSTANTS
    ends = value[0] + value[-1] if "," in value else ""
    return tuple(sorted(re.findall(r"[<!]?=|<|±|°|∪|∩", value.replace(">", "<")))), value.count(","), ends, letters


@lru_cache(maxsize=4096)
def latex(value: str) -> str | None:
    """A formula as LaTeX; ``None`` for what must not be handed on."""
    if len(value) > _LONGEST or not _SOUND.fullmatch(value) or _HARMFUL.search(value):
        return None
    said: list[str] = []
    closing: list[str] = []  # for each open parenthesis, what closes it
    tokens = [sign for run in _TOKEN.findall(value) for sign in (_words(run) if run.isalpha() else (run,))]
    for place, sign in enumerate(tokens):
        before = tokens[place - 1] if place else ""
        if sign in "([":
            braced = sign == "(" and before in {"sqrt", "^"}
            said.append("{" if braced else sign)
            closing.append("}" if braced else {"(": ")", "[": "]"}[sign])
        elif sign in ")]":
            if not closing:
                return None
            said.append(sign if closing.pop() != "}" else "}")
        else:
            said.append(_SPELLED.get(sign) or (f"\\{sign} " if sign in NAMES else sign))
    return None if closing else "".join(said)


_SPELLED = {
    "infinity": r"\infty ", "<=": r"\le ", ">=": r"\ge ", "!=": r"\ne ", "±": r"\pm ", "*": r"\cdot ",
    "°": r"^{\circ}", "{": r"\{", "}": r"\}",
    "∪": r"\cup ", "∩": r"\cap ",
}  # fmt: skip


@lru_cache(maxsize=4096)
def _words(run: str) -> tuple[str, ...]:
    """Letters without a blank as names and variables: ``2pir`` is pi times r."""
    found: list[str] = []
    at = 0
    while at < len(run):
        name = next((name for name in _LONGEST_FIRST if run.startswith(name, at)), run[at])
        found.append(name)
        at += len(name)
    return tuple(found)


_LONGEST_FIRST = sorted(NAMES, key=len, reverse=True)
