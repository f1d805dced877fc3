"""Numbers in answers: by value, exactly, with the unit behind them."""

from __future__ import annotations

import re
from fractions import Fraction

_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,8}(?![0-9])|[0-9]{1,30})(?:\.[0-9]{0,30})?|\.[0-9]{1,30}"
_NUMBER = re.compile(
    rf"(?P<sign>[-+]?)(?P<currency>[$€£¥₹]?)(?P<inner>-?)(?:(?P<whole>[0-9]{{1,30}}) )?(?P<top>{_DIGITS})"
    rf"(?:/(?P<bottom>{_DIGITS})|(?:e|\*10\^\(?)(?P<exponent>[-+]?[0-9]{{1,2}})\)?)?"
    r"(?: ?(?P<unit>[^\W\d_][^\W_]{0,20}(?:[/^*-][^\W_]{1,10}){0,3}|%|°[cf]?)|"
    r"(?P<words>(?: [^\W\d_][^\W_]{0,20}){2,4}))?"
)
NUMERAL = re.compile(r"[-+−–]?(?:[$€£¥₹]\s?)?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|[-+−–]?\.\d+")
"""A number in a running text: no fraction, no unit."""

_UNITS = {
    "%": ("percent", "per cent", "percentage", "prozent", "por ciento", "pour cent", "процентов", "процента", "процент",
          "퍼센트", "パーセント", "百分点"),
    "°": ("deg", "degree", "degrees", "grad", "grados", "grado", "degrés", "degré", "градусов", "градуса", "градус",
          "درجة", "度", "도"),
    "$": ("dollar", "dollars", "usd", "美元", "ドル", "달러", "dólares", "доллара", "долларов"),
    "€": ("euro", "euros", "eur", "欧元", "ユーロ", "유로"),
    "mm": ("millimeter", "millimetre", "millimeters", "millimetres", "毫米", "ミリメートル", "밀리미터", "мм"),
    "cm": ("centimeter", "centimetre", "centimeters", "centimetres", "厘米", "センチメートル", "センチ", "센티미터",
           "centímetros", "centimètres", "zentimeter", "см", "сантиметров", "сантиметра", "سم"),
    "m": ("meter", "metre", "meters", "metres", "米", "メートル", "미터", "metros", "mètres", "метров", "метра", "м"),
    "km": ("kilometer", "kilometre", "kilometers", "kilometres", "千米", "公里", "キロメートル", "킬로미터",
           "kilómetros", "kilomètres", "км", "километров"),
    "kg": ("kilogram", "kilograms", "千克", "公斤", "キログラム", "킬로그램", "кг"),
    "g": ("gram", "grams", "克", "グラム", "그램", "gramos", "grammes", "gramm", "граммов"),
    "s": ("sec", "second", "seconds", "秒", "초", "segundos", "secondes", "sekunden", "секунд"),
    "min": ("minute", "minutes", "分钟", "分", "분", "minutos", "minuten", "минут"),
    "h": ("hr", "hrs", "hour", "hours", "小时", "時間", "시간", "horas", "heures", "stunden", "часов", "часа"),
    "year": ("years", "yr", "yrs", "years old", "year old", "岁", "歳", "年", "세", "살", "años", "ans", "jahre", "лет",
             "года", "سنة", "سنوات"),
    "day": ("days", "天", "日", "일", "días", "jours", "tage", "дней", "дня"),
    "in": ("inch", "inches"), "ft": ("foot", "feet"), "mi": ("mile", "miles"), "lb": ("lbs", "pound", "pounds"),
    "cm^2": ("square centimeters", "square centimetres", "square cm", "sq cm", "cm2", "平方厘米", "см2"),
    "m^2": ("square meters", "square metres", "square m", "sq m", "m2", "平方米"),
    "cm^3": ("cubic centimeters", "cubic centimetres", "cubic cm", "cm3", "cc", "立方厘米"),
    "unit": ("units",),
}  # fmt: skip
_NAMES = {word: unit for unit, words in _UNITS.items() for word in words}
_SCALES = ("thousand", "million", "billion", "trillion")
"""Charts often leave them out, as they do units."""
_MULTIPLES = re.compile(
    "hundred|dozens?|squared|cubed|factorial|over|times|plus|minus|or|and|to|sqrt|pi|root|mod|choose|of|am|pm|is|are|was"
)
"""Words behind a number that change what it says; they are no units."""
_SHORT = frozenset("mgshlvwj")
"""Units of one letter; another letter behind a number is a variable."""
UNIT_WORDS = re.compile(
    r"\s?(?:%|°\s?[CF]?(?![a-z])|\\%|\\?\^\\?\{?\\?circ\}?|(?:" + "|".join(
        sorted((re.escape(word) for word in (*_UNITS, *_NAMES) if word[0].isalpha()), key=len, reverse=True)
    ) + r")(?<!\sin(?=\s\w))(?![^\W\d_])(?:\s?(?:\^\{?[23]\}?|[²³]))?)",
    re.IGNORECASE,
)  # fmt: skip
"""A unit of measure behind a number in a running text."""

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {word: value for value, word in enumerate(_ONES)} | {word: 10 * tens for tens, word in enumerate(_TENS, 2)}


_COMMA = re.compile(r"(?<![\d,.])(\d{1,9}),(?!\d{3}(?!\d))(?=\d)")


def with_points(text: str) -> str:
    """A text whose decimals stand behind commas with points instead; ``1,000`` stays as it is."""
    return _COMMA.sub(r"\1.", text)


def is_measure(unit: str) -> bool:
    """Whether a unit is one of measure, such as ``cm``; what is none names the thing that is counted."""
    return unit != "unit" and (
        unit.startswith(_SCALES) or unit in _UNITS or unit in _SHORT or not unit.isalpha() or len(unit) < 3
    )


def number_word(word: str) -> int | None:
    """The value of an English word for a whole number below 100; ``None`` for anything else."""
    head, _, tail = word.casefold().partition("-")
    if head not in _WORDS:
        return None
    if not tail:
        return _WORDS[head]
    ones = _WORDS.get(tail)
    return _WORDS[head] + ones if ones is not None and _WORDS[head] >= 20 and 0 < ones < 10 else None


def number(text: str) -> tuple[str, str] | None:
    """The one spelling of a number and of its unit; ``None`` for what is no number.

    Args:
        text: A decimal, fraction, mixed number or power of ten with or without a unit, in lower case.
    """
    match = _NUMBER.fullmatch(text)
    if (
        match is None
        or (match["currency"] and match["unit"] and match["unit"] not in _SCALES)
        or (match["whole"] and not match["bottom"])
    ):
        return _in_words(text)
    unit = " ".join(filter(None, (match["unit"], match["currency"]))) or (match["words"] or "").strip()
    if unit.startswith(_SCALES):
        unit = " ".join(_NAMES.get(word, word) for word in unit.split())
    if (
        any(map(_MULTIPLES.fullmatch, re.split(r"[ /*^-]", unit)))
        or re.search(r"-\d|\w{3}\d", unit)
        or (match["inner"] and not match["currency"])
    ):
        return None
    if (match["words"] and unit not in _NAMES and not unit.startswith(_SCALES)) or (_is_variable(unit, text)):
        return None  # "7x" is a product
    value = Fraction(match["top"].replace(",", ""))
    if match["bottom"]:
        bottom = Fraction(match["bottom"].replace(",", ""))
        if bottom == 0:
            return None
        value = value / bottom + int(match["whole"] or 0)
    value *= Fraction(10) ** int(match["exponent"] or 0)  # two digits at most
    negative = "-" in (match["sign"], match["inner"])
    return _spelling(-value if negative else value), _NAMES.get(unit, unit)


def without_unit(text: str) -> tuple[str, str]:
    """A formula, in lower case, and the one spelling of the unit of measure behind its last blank, ``""`` for none."""
    words = text.split(" ")
    for count in (3, 2, 1):
        unit = " ".join(words[-count:])
        parts = [part for part in re.split(r"\^-?[23]$|[/*]", unit) if part]
        if len(words) > count and (unit in _NAMES or all(part in _NAMES or part in _UNITS for part in parts)):
            return " ".join(words[:-count]), _NAMES.get(unit, unit)
    return text, ""


def _is_variable(unit: str, text: str) -> bool:
    """Whether a letter behind a number is a variable: ``7x``, but not ``7 N``."""
    if len(unit) != 1 or not (unit.isalpha() and unit.isascii()) or unit in _SHORT:
        return False
    return unit not in "nkcft" or f" {unit}" not in text


def _in_words(text: str) -> tuple[str, str] | None:
    """A number word, alone or before a unit or the one thing that is counted."""
    word, _, unit = text.partition(" ")
    value = number_word(word)
    if value is None or " " in unit or _MULTIPLES.fullmatch(unit) or not (unit.isalpha() or not unit):
        return None
    return str(value), _NAMES.get(unit, unit)


def _spelling(value: Fraction) -> str:
    """The one spelling of a number: an integer, a decimal of up to 30 places when that is exact, else a fraction."""
    places = 0
    while (value * 10**places).denominator != 1 and places < 30:
        places += 1
    scaled = value * 10**places
    if scaled.denominator != 1 or places == 0:
        return str(value)
    digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
