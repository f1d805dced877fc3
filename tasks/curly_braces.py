"""Benchmarks whose graders read the answer in curly braces, as their own prompts ask for it.

ZEROBench: the host takes the last braces of a text; its prompt asks for "the final answer in curly braces" behind the
question. VLMBlind: the host takes the first ones, and ``rows={5} columns={6}`` of a grid; its questions ask for them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from visualprm_eval.core.answers import MAX_LENGTH, final_answer, normalise
from visualprm_eval.core.answers import answer as local_answer
from visualprm_eval.core.answers.keys import Vote
from visualprm_eval.core.thoughts import response

_BRACES = re.compile(r"(?:\b([A-Za-z]{1,20})\s?[=:]?\s?)?(?<![\w\\^}])\{([^{}\n]{1,200})\}")
"""Braces with the word before them; not what LaTeX has in braces: ``\frac{1}{2}``, ``x^{2}``, ``\boxed{7}``."""
_LABELS = {"row", "rows", "column", "columns"}


def _ends_in(text: str) -> list[re.Match[str]]:
    """The braces that the last three lines of a text end in: those of a grid's rows and columns, else the last ones."""
    lines = [line for line in response(text).splitlines() if line.strip()]
    for line in reversed(lines[-3:]):
        if found := list(_BRACES.finditer(line[-MAX_LENGTH:])):
            return [each for each in found if (each[1] or "").lower() in _LABELS] or found[-1:]
    return []


def written(answer: str) -> str:
    """An answer as the graders read it: in braces, and two numbers in round brackets too, as those of grids."""
    inner = answer.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1]
    pair = re.fullmatch(r"\(?\s*(\d+)\s*,\s*(\d+)\s*\)?", inner)
    return f"{{{inner}}}" + (f" ({pair[1]}, {pair[2]})" if pair else "")


def concluded(text: str) -> str | None:
    """What a text concludes with, in braces; ``None`` where it concludes with nothing."""
    found = _ends_in(text)
    if found and (found[0][1] or "").lower() in _LABELS:
        return " ".join(each[0] for each in found)
    final = found[0][2] if found else final_answer(text)
    return None if final is None else written(final)


def answer(text: str, choices: Mapping[str, str]) -> str | None:
    """The vote of a text: what it has in braces, else as for other benchmarks."""
    found = _ends_in(text)
    if not found:
        return local_answer(text, choices)
    key = normalise(", ".join(each[2] for each in found), choices)
    return None if key is None else Vote.of(key)


def answer_request(_row: Mapping[str, Any]) -> str:
    """What ZEROBench's own prompt asks of the answer."""
    return "Give the final answer in curly braces, like this: {final answer}"


READ: Mapping[str, Any] = {"concluded": concluded, "answer": answer, "written": written}
"""The fields of a task whose texts are read so."""
ASKED: Mapping[str, Any] = {
    **READ,
    "answer_request": answer_request,
    "request_note": "the final answer in curly braces, as the dataset's own prompt asks for",
}
"""The same with what is asked of an answer."""
