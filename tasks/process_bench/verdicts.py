"""What a judge of steps says, read as far as it is unambiguous.

The strict form comes first. What models make of it is read too where it can mean one thing only: prose around the
object, code fences, LaTeX and line breaks inside of strings, trailing commas, numbers and truth values as text. An
object that breaks off is none: nobody guesses how it would have gone on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from visualprm_eval.core.errors import InputError
from visualprm_eval.core.thoughts import after_thoughts
from visualprm_eval.core.types import JSONValue

_OBJECT = re.compile(r"\{\s*(?:[\"']|steps\b)")
_SIGNS = re.compile(r"\\.|[\"{}\[\]]", re.DOTALL)
_PAIRS = {"}": "{", "]": "["}
_MOST_OBJECTS = 30
"""Places at which an object is looked for; each costs a pass over the rest of the reply."""
_TEMPLATE = re.compile(r",\s*(?:\.\.\.|…)\s*\]")
"""The form as it was asked for, repeated."""
_READ = frozenset({"steps", "step", "correct"})
"""The names that count; of others an object may say two things."""
_TRUTH = {"true": True, "false": False}


def parse_verdicts(reply: str, number: int) -> list[bool]:
    """What a judge says of every step, [T].

    Args:
        reply: Its reply: a JSON object with one truth value per step in order, perhaps after thoughts or in prose.
        number: T, the number of steps.

    Raises:
        InputError: It cannot be read, or says two things; the message says what is wrong with it.
    """
    said = after_thoughts(reply.removeprefix("\ufeff"))
    if said is None:
        raise InputError("its thoughts never end")
    found: list[list[bool]] = []
    refusal: InputError | None = None
    for content in _objects(said.strip().removeprefix("\ufeff")):
        try:
            found.append(_verdicts(content, number))
        except InputError as error:
            refusal = error
    if not found:
        raise refusal or InputError("it is no JSON object")
    if any(each != found[0] for each in found):
        raise InputError(f"it has {len(found)} objects that contradict each other")
    return found[0]


def _objects(text: str) -> Iterator[JSONValue]:
    """The reply itself where it is JSON, else all objects with steps in it."""
    try:
        content = json.loads(text, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, list) and all(isinstance(entry, dict) and "correct" in entry for entry in content):
        yield {"steps": content}
    elif content is not None and ((isinstance(content, dict) and "steps" in content) or '"steps"' not in text):
        yield content
    else:  # In prose, or inside of another object.
        start, looks = 0, 0
        while "steps" in text and looks < _MOST_OBJECTS and (opening := _OBJECT.search(text, start)) is not None:
            looks += 1
            end = _end(text, opening.start())
            content = None if end is None else _repaired(text[opening.start() : end])
            start = opening.start() + 1
            if content is not None and end is not None:
                yield content
                start = end


def _end(text: str, start: int) -> int | None:
    """Where the object ends that begins at ``start``; ``None`` when it breaks off, or its brackets do not match."""
    stack: list[str] = []
    quoted = False
    for match in _SIGNS.finditer(text, start):
        sign = match[0]
        if sign == '"':
            quoted = not quoted
        elif quoted or len(sign) > 1:
            continue
        elif sign in "{[":
            stack.append(sign)
        elif not stack or stack.pop() != _PAIRS[sign]:
            return None
        elif not stack:
            return match.end()
    return None


def _repaired(text: str) -> JSONValue:
    """A complete object that names steps, whatever is wrong with the spelling inside; ``None`` for any other.

    Raises:
        InputError: It says two things of one step.
    """
    if "steps" not in text or _TEMPLATE.search(text):
        return None
    try:
        content: Any = json.loads(text, strict=False, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        content = _mended(text)
    return content if isinstance(content, dict) and "steps" in content else None


def _mended(text: str) -> Any:
    """A complete object that is no JSON, by a tolerant parser; ``None`` when that makes nothing of it.

    Raises:
        InputError: It has a name several times: the parser keeps one of them, and does not say so.
    """
    import json_repair

    try:
        content = json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
    entries = content.get("steps") if isinstance(content, dict) else None
    if isinstance(entries, list):
        for name, count in (("steps", 1), ("step", len(entries)), ("correct", len(entries))):
            if len(re.findall(rf"[\"']{name}[\"']\s*:", text)) > count:
                raise InputError(f'it names "{name}" more often than once')
    return content


def _unambiguous(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """An object of JSON.

    Raises:
        InputError: A name stands twice in it, with two values.
    """
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in _READ and name in content and content[name] != value:
            raise InputError(f'it has two values of "{name[:40]}" in one object')
        content[name] = value
    return content


def _verdicts(content: JSONValue, number: int) -> list[bool]:
    """The truth values of an object in the form that was asked for.

    Raises:
        InputError: It has another form.
    """
    entries = content.get("steps") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError('it has no list "steps" of objects')
    if len(entries) != number:
        raise InputError(f"it judges {len(entries)} steps instead of {number}")
    verdicts = []
    for place, entry in enumerate(entries, start=1):
        step, correct = entry.get("step"), entry.get("correct")
        if type(step) not in {int, float, str} or str(step).strip() not in {str(place), str(float(place))}:
            raise InputError(f'entry {place} has "step": {json.dumps(step)[:40]} instead of {place}')
        truth = correct if type(correct) is bool else _TRUTH.get(str(correct).strip().lower())
        if truth is None or type(correct) not in {bool, str}:
            raise InputError(f'entry {place} has no truth value "correct"')
        verdicts.append(truth)
    return verdicts
