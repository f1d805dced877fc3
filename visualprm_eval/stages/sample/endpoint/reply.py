"""What a reply says: the samples, why they ended, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from visualprm_eval.core.json_text import parsed
from visualprm_eval.core.types import JSONValue, Usage

_LONGEST_QUOTE = 300
_LONGEST_LOOK = 100 * _LONGEST_QUOTE
"""Characters of a message that are looked at: some servers send whole pages."""
_LONGEST_WORD = 40
_BROKEN_OFF = frozenset({"abort", "error"})
"""How servers say that a reply without a text is not the model's."""
_REFUSED = "refusal"
"""How a reply ended in which a refusal stands in the place of the text."""


_REASONING = ("reasoning_content", "reasoning")
"""What servers call a model's thoughts that they took out of the text."""


class MalformedReplyError(Exception):
    """What came back is no chat completion."""


class NoChoicesError(MalformedReplyError):
    """A chat completion without a sample: some servers' way to refuse what was asked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One sample.

    Attributes:
        text: What the model wrote, perhaps nothing, as when it refused; ``""`` when it failed.
        error: Why no reply came; ``None`` when one did.
        finish: The server's ``finish_reason``; ``"refusal"`` for a refusal of which it says nothing, ``""`` when it
            gave none.
        reasoning: What the server sent of the model's thoughts beside the text, ``""`` for nothing.
    """

    text: str
    error: str | None = None
    finish: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Attributes:
        choices: Its samples in the server's order; at least one.
        usage: Tokens of the whole reply; ``None`` when the server does not say.
    """

    choices: tuple[Choice, ...]
    usage: Usage | None = None


def parse_reply(data: bytes) -> Reply:
    """Reads the body of a successful reply.

    Raises:
        MalformedReplyError: When it is no chat completion; the message says what it is.
        NoChoicesError: When it is one with an empty list of choices.
    """
    try:
        content = parsed(data)
    except ValueError as error:
        raise MalformedReplyError(f"the reply is not JSON: {quoted(data)}") from error
    if not isinstance(content, dict):
        raise MalformedReplyError(f"the reply is not a chat completion: {quoted(data)}")
    found = content.get("choices")
    if not isinstance(found, list) or not found or not all(isinstance(choice, dict) for choice in found):
        said = error_message(data)
        raise (NoChoicesError if found == [] else MalformedReplyError)(f"the reply has no choices: {said}")
    places = [choice.get("index") for choice in found]
    if all(isinstance(place, int) for place in places):
        found = sorted(found, key=lambda choice: choice["index"])
    return Reply(tuple(_choice(choice) for choice in found), _usage(content.get("usage")))


def listed_models(data: bytes) -> list[str] | None:
    """The models that the body of a reply to ``GET /models`` lists; ``None`` when it lists none."""
    try:
        content = parsed(data)
    except ValueError:
        return None
    found = content.get("data") if isinstance(content, dict) else content
    rows = found if isinstance(found, list) else []
    names = [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
    return names or None


def error_message(data: bytes) -> str:
    """What the body of a failed reply says, in one line."""
    try:
        content = parsed(data)
    except ValueError:
        return quoted(data)
    for name in ("error", "message", "detail"):
        if isinstance(content, dict) and content.get(name):
            content = content[name]
    return _one_line(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False))


def error_code(data: bytes) -> str:
    """The word by which a server names its error, such as ``insufficient_quota``; ``""`` without one."""
    try:
        code = parsed(data)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) else ""


def quoted(data: bytes) -> str:
    """The beginning of something that should have been JSON."""
    return repr(_one_line(data[: 4 * _LONGEST_QUOTE].decode("utf-8", "replace"))) if data else "it is empty"


def _one_line(text: str) -> str:
    """What a server says as one line that does nothing to a terminal."""
    line = "".join(sign if sign.isprintable() else "\ufffd" for sign in " ".join(text[:_LONGEST_LOOK].split()))
    return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 3] + "..."


def _choice(choice: Mapping[str, JSONValue]) -> Choice:
    said = _said(choice)
    message = choice.get("message")
    return replace(said, reasoning=_reasoning(message)) if isinstance(message, dict) else said


def _said(choice: Mapping[str, JSONValue]) -> Choice:
    """A sample without what stands beside its text."""
    reason = choice.get("finish_reason")
    finish = reason[:_LONGEST_WORD] if isinstance(reason, str) else ""
    message = choice.get("message")
    if not isinstance(message, dict):
        return Choice("", "the reply's choice has no message", finish)
    content = message.get("content")
    text = _text(content)
    if text.strip():
        return Choice(text, None, finish)
    if content is not None and not isinstance(content, str | list):
        return Choice("", f"the reply's content is {type(content).__name__}, expected a text", finish)
    if finish in _BROKEN_OFF:
        return Choice("", f"the server broke the reply off (finish_reason {finish})", finish)
    refused = bool(message.get("refusal")) and finish in {"", "stop"}
    return Choice(text, None, _REFUSED if refused else finish)


def _text(content: JSONValue) -> str:
    """The text of a message, which some servers send in pieces."""
    if isinstance(content, list):
        pieces = [piece.get("text") for piece in content if isinstance(piece, dict) and piece.get("type") == "text"]
        return "".join(piece for piece in pieces if isinstance(piece, str))
    return content if isinstance(content, str) else ""


def _reasoning(message: Mapping[str, JSONValue]) -> str:
    """The model's thoughts where a server keeps them apart: under one of two names, or as pieces of the content."""
    found = [_text(message.get(name)) for name in _REASONING]
    content = message.get("content")
    if isinstance(content, list):
        pieces = [piece.get("thinking") for piece in content if isinstance(piece, dict)]
        found.append("".join(map(_text, pieces)))
    return next((text for text in found if text.strip()), "")


def _usage(usage: JSONValue) -> Usage | None:
    if not isinstance(usage, dict):
        return None
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    known = [count if isinstance(count, int) and 0 <= count < 2**53 else None for count in counts]
    return None if known == [None, None] else Usage(known[0] or 0, known[1] or 0)
