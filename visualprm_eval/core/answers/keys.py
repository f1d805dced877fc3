r"""Names of answers: equal answers get equal names, whatever mark-up they wear.

What counts as equal:

- Option letters: ``(B)``, ``B.``, ``option B``, ``B: 7 cm``, ``B because ...`` and, when the options are known, the
  text or value of option B.
- Numbers by value, exactly: ``7`` = ``7.0`` = ``$7$`` = ``x = 7`` = ``seven`` = ``about 7``, ``1,000`` = ``1000``,
  ``3/4`` = ``0.75`` = ``\frac{3}{4}``.
- A unit belongs to the number: ``7 cm``, ``7 m`` and ``7`` have three names; ``50%`` is 50 with the unit percent.
  Nothing is converted. (Votes count ``7`` with ``7 cm`` where nothing speaks against it, see ``equality``.)
- ``3.2 million`` is 3.2 with the unit million, which charts leave out as they do units.
- ``x = 2 or x = -3`` is a set of values.
- Mathematics in one spelling of roots, fractions, powers, signs and Greek letters.
- Everything else as text: NFKC, lower case, blanks and a leading article dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from visualprm_eval.core.answers.marks import MAX_LENGTH, NAMES, plain
from visualprm_eval.core.answers.numbers import number, without_unit

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """The name of an answer; equal answers have equal keys, and ``str(key)`` tells different keys apart.

    Attributes:
        kind: ``"option"``, ``"number"``, ``"mathematics"`` or ``"text"``.
        value: The option's letter, the number or formula in its one spelling, or the normalised text.
        unit: The unit of a number or of a formula without variables, ``""`` when it has none.
    """

    kind: str
    value: str
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.unit}" if self.unit else self.value


class Vote(str):
    """A vote that knows which answer it names, so that votes of one pool can be compared by more than their spelling.

    Attributes:
        key: The answer's key, of which the vote is the spelling.
    """

    __slots__ = ("key",)
    key: AnswerKey

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, key: AnswerKey) -> Vote:
        """The vote for an answer."""
        vote = cls(str(key))
        vote.key = key
        return vote


class Options(dict[str, str]):
    """Option letters to option texts, which can be a key of caches; nobody changes them."""

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none
        return hash(tuple(self.items()))


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
    found = plain(text)
    if not found.isascii():
        found = plain(it_is_off(found))
    if not found:
        return None
    letter = _option_letter(found, choices)
    if letter is None:
        key = _open_key(found)
        letter = _option_of(key, choices) if choices else None
        if letter is None:
            return key
    return AnswerKey("option", letter)


# Cyrillic letters that look like Latin ones, and those by which Arabic numbers options.
_LETTERS = str.maketrans("АВСЕабвгأبجد", "ABCEABCDABCD")
_LETTER = re.compile(
    r"(?:(?:the )?(?:correct |right )?(?:option|choice|letter|answer|opción|opcion|variante?|вариант|选项|選項|"
    r"選択肢)\s?)?([(\[<「『“\"']*)([A-Za-zАВСЕأبجد])([)\]>」』”\"']*)[.:]?",
    re.IGNORECASE,
)
_ENDING = re.compile(r"\s?(?:번|选项|選項|项|項|番)$")
_IT_IS = re.compile(
    r"(?<=\S)\s?(?:입니다|이에요|예요|이다|[이가]\s됩니다|인 것 같습니다|(?:이)?라고 (?:생각합니다|할 수 있습니다)|"
    r"(?<=[\d%°])임|だと思います|だと考えられます|と考えられます|と思います|でした|でしょう|です|である|となります|"
    r"になります|となる|になる|(?<=[\d%°])だ)$"
)
"""What Japanese and Korean put behind an answer to say "it is"."""
_WHY = (
    r"because|since|as|due|for|which|where|so|would|given|based|and that|when|with|by|from|corresponds?|"
    r"(?:is|was)(?! (?:clearly |also |therefore )?(?:not|wrong|incorrect|false)\b)"
)
_LETTER_FIRST = re.compile(
    r"(?:(?:the )?(?:option|choice|letter)\s)?(?:"
    r"[(\[]([A-Za-z])[)\]][.:]?\s?(?:,\s(?![(\[]?[A-Z]\b))?|([A-Z])[.:)]\s|([A-Z])(?=\s\()|([A-Z])\s?-\s|"
    r"([A-Z]),\s(?![(\[]?[A-Z]\b)|([A-HJ-Z])\s(?=(?:" + _WHY + r")\b))(?!\s?(?:,|and\b|or\b|&|=))"
)
_LETTER_BEFORE = re.compile(r"([A-Z])(?=\([^()]{1,300}\)$)")
_LETTER_THEN = re.compile(r"[(\[]?([A-Z])[)\]]?[.:,\s]{1,3}")
_SEVERAL = re.compile(r"\(?[A-Z]\)?(?:(?:, ?and |, ?| and | ?& ?| or )\(?[A-Z]\)?){1,9}")


def it_is_off(text: str) -> str:
    """A text without "it is" at its end."""
    return _IT_IS.sub("", text)


def _option_letter(found: str, choices: Mapping[str, str] | None) -> str | None:
    """The option letter that an answer is or begins with; of an open question only what cannot be a variable."""
    bare = _ENDING.sub("", found) if not found.isascii() else found
    match = _LETTER.fullmatch(bare)
    if match is not None:
        letter = match[2].translate(_LETTERS).upper()
        if choices:
            return letter if letter in choices else None
        return letter if match[2].isupper() or match[3] or not match[2].isascii() else None
    match = _LETTER_FIRST.match(bare)
    if match is None:
        return _letter_and_text(bare, choices) if choices else None
    letter = next(group for group in match.groups() if group).upper()
    if choices:
        return letter if letter in choices else None
    if not (letter <= "J" and bare[bare.index(match[0].strip()[0]) :] and (match[1] is None or match[1].isupper())):
        return None
    return letter if match[1] is None or bare[match.end() - 1 : match.end()] == " " else None


def _letter_and_text(found: str, choices: Mapping[str, str]) -> str | None:
    """The letter before the text of its own option: ``B Paris``, ``B:Paris``."""
    match = _LETTER_THEN.match(found) or _LETTER_BEFORE.match(found)
    letter, rest = (match[1], found[match.end() :]) if match is not None else ("", "")
    option = choices.get(letter) if rest else None
    return letter if option is not None and _open_key(plain(option) or " ") == _open_key(rest.strip("()")) else None


def _option_of(key: AnswerKey, choices: Mapping[str, str]) -> str | None:
    """The letter of the one option that says the same; a bare number is also the one option of that value."""
    options = option_keys(tuple(choices.items()))
    same = [letter for letter, option in options if option == key]
    if not same and key.kind == "number":
        same = [
            letter for letter, option in options
            if option.kind == "number" and option.value == key.value and not (key.unit and option.unit)
        ]  # fmt: skip
    return same[0] if len(same) == 1 else None


@lru_cache(maxsize=1024)
def option_keys(choices: tuple[tuple[str, str], ...]) -> tuple[tuple[str, AnswerKey], ...]:
    """The keys of the options' texts; every candidate of a problem asks for the same ones."""
    texts = ((letter, plain(text)) for letter, text in choices if len(text) <= MAX_LENGTH)
    return tuple((letter, _open_key(text)) for letter, text in texts if text)


_LETTERS_OF_KEY = re.compile(r"\(?[a-z]\)?(?:(?:,| and |,? ?&|and)\s?(?:and )?\(?[a-z]\)?){1,25}")


def letters(key: AnswerKey) -> tuple[str, ...] | None:
    """The letters of an answer that is several options, in the order of the alphabet; ``None`` for any other."""
    if key.kind not in {"text", "mathematics"} or not _LETTERS_OF_KEY.fullmatch(key.value):
        return None
    return tuple(sorted(set(re.findall(r"(?<![a-z])[a-z](?![a-z])", key.value.replace("and", " ")))))


_OPERATOR_BLANKS = re.compile(r"\s*([-+*/=^<>()\[\]{}|±≈])\s*")
_ARTICLE = re.compile(r"(?:the|an?)\s(?=\S)")
_ASSIGNMENT = re.compile(r"[^\s,;=<>!≠≤≥]{1,40}[=≈]([^=<>≈]+)")
_BRACKETED = re.compile(r"[(\[{]([^,()\[\]{}]+)[)\]}]|(.+)")
_VALUES_OF_ONE = re.compile(r"([a-z])=[^\s=,]{1,40}(?:(?:, ?(?:or|and)?|\s?or|\s?and)\s?\1=[^\s=,]{1,40}){1,6}")
"""Several values of one variable, which are a set."""
_CONSTANT = re.compile(r"(?:[\d.+\-*/^() ]|pi|sqrt|root\d){1,120}")
"""A formula without variables, behind which a letter may be a unit."""
_NEARLY = re.compile(
    r"(?:(?:approximately|approx|about|around|roughly|nearly|circa|ca|almost|exactly|equal to|约|大约|约为|約|"
    r"およそ|약|aproximadamente|environ|etwa|ungefähr|примерно|около|حوالي|تقريبا)\.?(?=[\s\d])|[≈~])\s*(?=\S)"
)


def _open_key(found: str) -> AnswerKey:
    """The key of an answer that is no option: a number by value, mathematics, else text."""
    text = _NEARLY.sub("", _OPERATOR_BLANKS.sub(r"\1", found.casefold()), count=1)
    assigned = _ASSIGNMENT.fullmatch(text)
    several = _VALUES_OF_ONE.fullmatch(text)
    if several is not None:
        values = sorted(re.split(r"(?:,|\s?or|\s?and)\s?" + re.escape(several[1]) + "=", text[len(several[1]) + 1 :]))
        return AnswerKey("mathematics", f"{{{','.join(map(_one_spelling, values))}}}")
    bare = _BRACKETED.fullmatch(assigned[1].strip() if assigned else text)
    valued = number(bare[1] or bare[2]) if bare is not None else None
    if valued is not None:
        return AnswerKey("number", *valued)
    text = re.sub(r"\s*,\s*", ",", text)  # not before: "1, 234" is no thousand
    formula, unit = without_unit(_NEARLY.sub("", found.casefold(), count=1).rpartition("=")[2].strip())
    if unit and _CONSTANT.fullmatch(formula):
        return AnswerKey("mathematics", _one_spelling(_OPERATOR_BLANKS.sub(r"\1", formula)), unit)
    if is_mathematics(text):
        return AnswerKey("mathematics", _one_spelling(assigned[1] if assigned else text))
    if _ARTICLE.match(text) and not _SEVERAL.fullmatch(found):
        text = _ARTICLE.sub("", text, count=1)
    return AnswerKey("text", text)


_WORD = re.compile(r"[^\W\d_]+")
_ORDINARY = re.compile("is|of|or|at|in|to|be|if|it|no|on|so|by|an|as|we|he|do|go|my|up|us|am|pm|vs")
_PART = re.compile(r"[0-9a-z.,+\-*/^=<>!|()\[\]{}'±°%∪∩∈∠△⊥∥: _]+")
_OPERATOR = re.compile(r"[\d+*/^=<>|()\[\]±∪∩∠]")


def is_mathematics(text: str) -> bool:
    """Whether a text in one spelling is a formula: signs, digits, known names and variables of a letter or two."""
    if not _PART.fullmatch(text) or not _OPERATOR.search(text):
        return False
    words = _WORD.findall(text)
    return all((len(word) < 3 and not _ORDINARY.fullmatch(word)) or _known(word) for word in words) and (
        bool(words) or any(char.isdigit() for char in text)
    )


@lru_cache(maxsize=4096)
def _known(word: str) -> bool:
    """Whether letters without a blank are names that stand in mathematics and variables of one letter."""
    for start in range(len(word) if len(word) <= 24 else 0):
        for name in NAMES:
            if word.startswith(name, start):
                rest = word[:start] + word[start + len(name) :]
                return len(rest) < 3 or _known(rest)
    return False


def is_constant(key: AnswerKey) -> bool:
    """Whether an answer is a formula without variables, such as ``16-4pi``."""
    return (
        key.kind == "mathematics" and any(char.isdigit() for char in key.value) and bool(_CONSTANT.fullmatch(key.value))
    )


def _one_spelling(text: str) -> str:
    """Mathematics without blanks and without the signs that may be left out."""
    text = text.replace(" ", "").replace("'", "")
    return re.sub(r"(?<=[\d)])\*(?=[a-z(])", "", text)
