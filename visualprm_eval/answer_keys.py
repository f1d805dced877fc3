r"""Names of answers: equal answers get equal names, whatever mark-up they wear.

What counts as equal:

- Option letters: ``(B)``, ``B.``, ``option B``, ``B: 7 cm`` and, when the options are known, the text or value of
  option B.
- Numbers by value, exactly: ``7`` = ``7.0`` = ``$7$`` = ``x = 7``, ``1,000`` = ``1000``,
  ``3/4`` = ``0.75`` = ``\frac{3}{4}``.
- A unit belongs to the number: ``7 cm``, ``7 m`` and ``7`` are three answers. ``50%`` is 50 with the unit percent,
  neither 50 nor 0.5. Nothing is converted.
- Everything else as text: NFKC, lower case, blanks and a leading article dropped.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_LENGTH", "AnswerKey", "normalise", "undecorated"]

MAX_LENGTH = 1000
"""Characters of the longest text that counts as an answer."""


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The name of an answer; equal answers have equal keys, and ``str(key)`` tells different keys apart.

    Attributes:
        kind: ``"option"``, ``"number"`` or ``"text"``.
        value: The option's letter, the number in its one spelling, or the normalised text.
        unit: The unit of a number, ``""`` when it has none.
    """

    kind: str
    value: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.unit}" if self.unit else self.value


def normalise(text: str, choices: Mapping[str, str] | None = None) -> AnswerKey | None:
    """The key of an answer, as the module's docstring describes.

    Args:
        text: An answer, such as :func:`final_answer` returns.
        choices: Option letters to option texts; empty or ``None`` for an open question.

    Returns:
        The key, ``None`` when nothing is left or the text is too long to be an answer.
    """
    if len(text) > MAX_LENGTH:
        return None
    plain = _plain(text)
    if not plain:
        return None
    letter = _option_letter(plain, choices)
    if letter is None:
        key = _open_key(plain)
        letter = _option_of(key, choices) if choices else None
        if letter is None:
            return key
    return AnswerKey("option", letter)


_MARKDOWN = re.compile(r"(?<!\w)(?:\*\*|__)|(?:\*\*|__)(?!\w)")  # but 9**9 is a power
_DELIMITERS = re.compile(r"\\[()\[\]]")
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|boxed|fbox)\s{0,3}\{([^{}]*)\}")
_AROUND = " \t\r\n\f\v*_`\"'“”‘’"


def undecorated(text: str) -> str:
    r"""The text without Markdown, mathematics delimiters and ``\text{...}`` around it."""
    text = _DELIMITERS.sub(" ", text)
    if text.replace("\\$", "").count("$") > 1 or text.rstrip(_AROUND).endswith("$"):  # a lone $ in front is a currency
        text = re.sub(r"(?<!\\)\$", "", text)
    text = _MARKDOWN.sub("", text).strip(_AROUND)
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is not None:
        text = wrapped[1]
    return text.strip(_AROUND).rstrip(".,;:。").strip(_AROUND)


_SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹⁺⁻]+")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
# Signs of the text itself that look like mark-up hide behind their full-width forms until NFKC restores them.
_ESCAPED = {"\\$": "＄", "\\{": "｛", "\\}": "｝", "\\%": "%", "\\#": "#", "\\&": "&", "{,}": ","}
_SIGNS = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "×": "*", "·": "*", "÷": "/", "⁄": "/", "∕": "/"}
)
_LATEX = (
    (re.compile(r"(?<=\d)\\[,!](?=\d{3})"), ""),  # thousands: 1\,000
    (re.compile(r"\\(?:left|right|displaystyle|limits)(?![a-zA-Z])|\\!"), ""),
    (re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname|boxed|fbox)(?![a-zA-Z])"), ""),
    (re.compile(r"\^\s{0,3}\{?\s{0,3}\\circ\s{0,3}\}?|\\degrees?(?![a-zA-Z])"), "°"),
    (re.compile(r"\\(?:times|cdot)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"\\(?:[,;: ]|quad|qquad)|~"), " "),
    (re.compile(r"\\[dt]?frac\s{0,3}(\d)\s{0,3}(\d)"), r" \1/\2"),
)
_SQRT = re.compile(r"\\sqrt\s{0,3}\{([^{}]*)\}")
_FRAC = re.compile(r"\\[dt]?frac\s{0,3}\{([^{}]*)\}\s{0,3}\{([^{}]*)\}")
_OPERATOR_BLANKS = re.compile(r"\s*([-+*/=^<>()\[\]{}|])\s*")


def _plain(text: str) -> str:
    """The answer on one line in plain characters: no mark-up, no LaTeX commands, NFKC, single blanks; case kept."""
    for sign, stand_in in _ESCAPED.items():
        text = text.replace(sign, stand_in)
    # NFKC alone would turn 5² into 52 and 1½ into 11/2.
    text = _SUPERSCRIPTS.sub(lambda match: "^" + unicodedata.normalize("NFKC", match[0]), text)
    text = _VULGAR.sub(lambda match: " " + unicodedata.normalize("NFKC", match[0]), text)
    text = undecorated(text)
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    for _ in range(4):  # from the inside out; deeper nesting stays as it is
        text = _FRAC.sub(_fraction, _SQRT.sub(r"sqrt(\1)", text))
    text = unicodedata.normalize("NFKC", text.replace("{", "").replace("}", "").replace("\\", ""))
    text = text.replace("π", "pi").replace("√", "sqrt").translate(_SIGNS)
    return " ".join(text.split()).strip(_AROUND).rstrip(".,;:").rstrip()


_ATOM = re.compile(r"-?[0-9.]+|[\w.]+|sqrt\([^()]*\)")


def _fraction(match: re.Match[str]) -> str:
    r"""``\frac{a}{b}`` as ``a/b``, in parentheses where they are needed."""
    parts = (part.strip() for part in match.groups())
    return " " + "/".join(part if _ATOM.fullmatch(part) else f"({part})" for part in parts)


_LETTER = re.compile(r"(?:(?:option|choice)\s)?([(\[]?)([A-Za-z])([)\]]?)[.:]?", re.IGNORECASE)
_LETTER_FIRST = re.compile(
    r"(?:(?:option|choice)\s)?(?:[(\[]([A-Za-z])[)\]][.:]?\s?|([A-Z])[.:)]\s)(?!\s?(?:,|and\b|or\b|&|=))"
)


def _option_letter(plain: str, choices: Mapping[str, str] | None) -> str | None:
    """The option letter that an answer is or begins with; of an open question only what cannot be a variable."""
    match = _LETTER.fullmatch(plain)
    if match is not None:
        letter = match[2].upper()
        if choices:
            return letter if letter in choices else None
        return letter if match[2].isupper() or match[3] else None
    match = _LETTER_FIRST.match(plain)
    if match is None:
        return None
    letter = (match[1] or match[2]).upper()
    if choices:
        return letter if letter in choices else None
    return letter if match[1] and match[1].isupper() and plain[match.end() - 1] == " " else None


def _option_of(key: AnswerKey, choices: Mapping[str, str]) -> str | None:
    """The letter of the one option that says the same; a bare number is also the one option of that value."""
    options = _option_keys(tuple(choices.items()))
    same = [letter for letter, option in options if option == key]
    if not same and key.kind == "number" and not key.unit:
        same = [letter for letter, option in options if option.kind == "number" and option.value == key.value]
    return same[0] if len(same) == 1 else None


@lru_cache(maxsize=1024)
def _option_keys(choices: tuple[tuple[str, str], ...]) -> tuple[tuple[str, AnswerKey], ...]:
    """The keys of the options' texts; every candidate of a problem asks for the same ones."""
    texts = ((letter, _plain(text)) for letter, text in choices if len(text) <= MAX_LENGTH)
    return tuple((letter, _open_key(plain)) for letter, plain in texts if plain)


_ARTICLE = re.compile(r"(?:the|an?)\s(?=\S)")
_ASSIGNMENT = re.compile(r"[^\s,;=<>!≠≤≥]{1,40}=([^=<>]+)")


def _open_key(plain: str) -> AnswerKey:
    """The key of an answer that is no option: a number by value, else text."""
    text = _OPERATOR_BLANKS.sub(r"\1", plain.casefold())
    assigned = _ASSIGNMENT.fullmatch(text)
    key = _number_key(assigned[1] if assigned else text)
    if key is not None:
        return key
    text = re.sub(r"\s*,\s*", ",", text)  # not before: "1, 234" is no thousand
    return AnswerKey("text", _ARTICLE.sub("", text, count=1) if _ARTICLE.match(text) else text)


_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,8}|[0-9]{1,30})(?:\.[0-9]{0,30})?|\.[0-9]{1,30}"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?)(?P<currency>[$€£¥]?)(?:(?P<whole>[0-9]{{1,30}}) )?(?P<top>{_DIGITS})"
    rf"(?:/(?P<bottom>{_DIGITS})|(?:e|\*10\^)(?P<exponent>[-+]?[0-9]{{1,2}}))?"
    r"(?: ?(?P<unit>[^\W\d_][^\W_]{0,20}(?:[/^*-][^\W_]{1,10}){0,3}|%|°[cf]?))?"
)
_UNITS = {
    "percent": "%",
    "deg": "°",
    "degree": "°",
    "degrees": "°",
    "dollar": "$",
    "dollars": "$",
    "euro": "€",
    "euros": "€",
    "millimeters": "mm",
    "millimetres": "mm",
    "centimeters": "cm",
    "centimetres": "cm",
    "meter": "m",
    "meters": "m",
    "metres": "m",
    "kilometers": "km",
    "kilometres": "km",
}


def _number_key(text: str) -> AnswerKey | None:
    """The key of a decimal, fraction, mixed number or power of ten with or without a unit; ``None`` for the rest."""
    match = _NUMBER.fullmatch(text)
    if match is None or (match["currency"] and match["unit"]) or (match["whole"] and not match["bottom"]):
        return None
    value = Fraction(match["top"].replace(",", ""))
    if match["bottom"]:
        bottom = Fraction(match["bottom"].replace(",", ""))
        if bottom == 0:
            return None
        value = value / bottom + int(match["whole"] or 0)
    value *= Fraction(10) ** int(match["exponent"] or 0)  # two digits at most
    unit = match["currency"] or match["unit"] or ""
    return AnswerKey("number", _spelling(-value if match["sign"] == "-" else value), _UNITS.get(unit, unit))


def _spelling(value: Fraction) -> str:
    """The one spelling of a number: an integer, a decimal of up to 12 places when that is exact, else a fraction."""
    places = 0
    while (value * 10**places).denominator != 1 and places < 12:
        places += 1
    scaled = value * 10**places
    if scaled.denominator != 1 or places == 0:
        return str(value)
    digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
