"""Answers without their mark-up: Markdown, LaTeX and look-alike signs become plain characters, each in one spelling."""

from __future__ import annotations

import re
import unicodedata

MAX_LENGTH = 1000
"""Characters of the longest text that counts as an answer."""

_MARKDOWN = re.compile(r"(?<!\w)(?:\*\*|__)|(?:\*\*|__)(?!\w)")  # but 9**9 is a power
_DELIMITERS = re.compile(r"\\[()\[\]]")
_WRAPPED = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|boxed|fbox)\s{0,3}\{([^{}]*)\}")
_AROUND = " \t\r\n\f\v*_`\"'“”‘’「」『』«»„《》"
_END = ".,;:。，；：、！।؟؛"


def undecorated(text: str) -> str:
    r"""The text without Markdown, mathematics delimiters and ``\text{...}`` around it."""
    text = _DELIMITERS.sub(" ", text)
    if text.replace("\\$", "").count("$") > 1 or text.rstrip(_AROUND + _END).endswith("$"):
        text = re.sub(r"(?<!\\)\$", "", text)  # but a lone $ in front is a currency
    text = _MARKDOWN.sub("", text).strip(_AROUND)
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is not None:
        text = wrapped[1]
    return text.strip(_AROUND).rstrip(_END).strip(_AROUND)


_GREEK_SIGNS = {
    chr(code): unicodedata.name(chr(code)).rpartition(" ")[2].lower().replace("lamda", "lambda")
    for code in range(ord("α"), ord("ω") + 1)
    if chr(code) != "ς"
}
NAMES = frozenset({
    *_GREEK_SIGNS.values(), "varphi", "vartheta", "varepsilon", "sqrt", "sin", "cos", "tan", "cot", "sec", "csc",
    "arcsin", "arccos", "arctan", "ln", "log", "exp", "infinity",
})  # fmt: skip
"""Words that stand in mathematics: functions, Greek letters, infinity."""
_SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹⁺⁻]+")
_VULGAR = re.compile("[¼-¾⅐-⅞]")
# Signs of the text itself that look like mark-up hide behind their full-width forms until NFKC restores them.
_ESCAPED = {"\\$": "＄", "\\{": "｛", "\\}": "｝", "\\%": "%", "\\#": "#", "\\&": "&", "{,}": ","}
_SIGNS = str.maketrans({
    **dict.fromkeys("−–—‐‑", "-"), **dict.fromkeys("×·⋅∙", "*"), **dict.fromkeys("÷⁄∕", "/"),
    "≤": "<=", "≥": ">=", "≦": "<=", "≧": ">=", "⩽": "<=", "⩾": ">=", "≠": "!=", "∞": "infinity", "√": "sqrt",
    "ϕ": "phi", "′": "'", "∼": "~", "º": "°", "˚": "°", "٫": ".", "٬": ",", "٪": "%", "、": ",",
    **_GREEK_SIGNS,
    **{chr(zero + value): str(value) for zero in (0x660, 0x6F0, 0x966) for value in range(10)},
})  # fmt: skip
_COMMANDS = {
    "left": "", "right": "", "displaystyle": "", "limits": "", "big": "", "Big": "", "bigl": "", "bigr": "",
    "text": "", "textbf": "", "textit": "", "textrm": "", "mathrm": "", "mathbf": "", "mathit": "", "mbox": "",
    "operatorname": "", "boxed": "", "fbox": "", "bf": "", "rm": "",
    "times": "*", "cdot": "*", "div": "/", "degree": "°", "degrees": "°", "circ": "°", "pm": "±", "infty": "infinity",
    "le": "<=", "leq": "<=", "leqslant": "<=", "ge": ">=", "geq": ">=", "geqslant": ">=", "lt": "<", "gt": ">",
    "ne": "!=", "neq": "!=", "approx": "≈", "sim": "~", "angle": "∠", "triangle": "△", "perp": "⊥", "parallel": "∥",
    "cup": "∪", "cap": "∩", "in": "∈", "to": "→", "rightarrow": "→", "Rightarrow": "⇒", "prime": "'", "quad": " ",
    "qquad": " ", "space": " ", "lbrace": "｛", "rbrace": "｝", "colon": ":", "mid": "|", "vert": "|",
    "varphi": "phi", "varepsilon": "epsilon", "vartheta": "theta",
}  # fmt: skip
_COMMAND = re.compile(r"\\([a-zA-Z]{1,20})(?![a-zA-Z])(\s{0,3})")
_LATEX = (
    (re.compile(r"(?<=\d)\\[,!](?=\d{3})"), ""),  # thousands: 1\,000
    (re.compile(r"\^\s{0,3}\{?\s{0,3}\\circ\s{0,3}\}?"), "°"),
    (re.compile(r"\\!"), ""),
    (re.compile(r"(?<=[a-z}])(?=\\(?:text|mathrm)\s?\{)"), " "),
    (re.compile(r"\\[,;: ]|~"), " "),
    (re.compile(r"\\[dtc]?frac\s{0,3}(\d)\s{0,3}(\d)"), r" \1/\2"),
    (re.compile(r"\\[dtc]?frac\s{0,3}(\d)\s{0,3}(?=\{)"), r"\\frac{\1}"),
    (re.compile(r"(\\[dtc]?frac\s{0,3}\{[^{}]{0,200}\})\s{0,3}(\d)"), r"\1{\2}"),
    (re.compile(r"\{([^{}\\]{1,200})\\over(?![a-zA-Z])([^{}\\]{1,200})\}"), r"\\frac{\1}{\2}"),
)
_SET = re.compile(r"\{[^{}\\]*,[^{}\\]*\}")
_SQRT = re.compile(r"(?:\\sqrt|√)\s{0,3}\{([^{}]*)\}")
_ROOT = re.compile(r"\\sqrt\s{0,3}\[(\d)\]\s{0,3}\{([^{}]*)\}")
_BARE_SQRT = re.compile(r"(?:\\sqrt(?![a-zA-Z])|√)\s{0,3}(\d+(?:\.\d+)?|[a-zA-Z](?![a-zA-Z]))")
_FRAC = re.compile(r"\\[dtc]?frac\s{0,3}\{([^{}]*)\}\s{0,3}\{([^{}]*)\}")
_POWER = re.compile(r"\^\s{0,3}\{([^{}]*)\}")
_ATOM = re.compile(r"-?[0-9.]+|\\?[\w.]+|sqrt\([^()]*\)")


def plain(text: str) -> str:
    """The answer on one line in plain characters: no mark-up, no LaTeX commands, NFKC, single blanks; case kept."""
    for sign, stand_in in _ESCAPED.items():
        text = text.replace(sign, stand_in)
    if not text.isascii():
        # NFKC alone would turn 5² into 52 and 1½ into 11/2.
        text = _SUPERSCRIPTS.sub(lambda match: "^" + unicodedata.normalize("NFKC", match[0]), text)
        text = _VULGAR.sub(lambda match: " " + unicodedata.normalize("NFKC", match[0]), text)
        text = text.replace("º", "°").replace("˚", "°").replace("′", "'")
    text = undecorated(text)
    if _SET.fullmatch(text):
        text = f"｛{text[1:-1]}｝"
    if "\\" in text or "√" in text or "^" in text:
        text = _without_commands(text)
    text = unicodedata.normalize("NFKC", text.replace("~", " ").replace("{", "").replace("}", "").replace("\\", ""))
    text = text.translate(_SIGNS)
    return " ".join(text.split()).strip(_AROUND).rstrip(".,;:").rstrip()


def _without_commands(text: str) -> str:
    for pattern, replacement in _LATEX:
        text = pattern.sub(replacement, text)
    text = _BARE_SQRT.sub(r"sqrt(\1)", text)
    for _ in range(4):  # from the inside out; deeper nesting stays as it is
        text = _POWER.sub(_power, _FRAC.sub(_fraction, _ROOT.sub(r"root\1(\2)", _SQRT.sub(r"sqrt(\1)", text))))
    return _COMMAND.sub(_command, text)


def _command(match: re.Match[str]) -> str:
    """What a command stands for; the name of one that is not known, such as a function's or a Greek letter's."""
    return _COMMANDS.get(match[1], match[1] + match[2][:1])


def _fraction(match: re.Match[str]) -> str:
    r"""``\frac{a}{b}`` as ``a/b``, in parentheses where they are needed."""
    parts = (part.strip() for part in match.groups())
    return " " + "/".join(part if _ATOM.fullmatch(part) else f"({part})" for part in parts)


def _power(match: re.Match[str]) -> str:
    exponent = match[1].strip()
    if exponent in {"\\circ", "°"}:
        return "°"
    return f"^{exponent}" if re.fullmatch(r"-?\w+", exponent) else f"^({exponent})"
