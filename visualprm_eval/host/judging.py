"""Keeps every reply of a judge as soon as it came: the host would ask again after a crash in the middle of a table."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visualprm_eval.host.fingerprint import plain, without_credentials
from visualprm_eval.store import Replies
from visualprm_eval.types import JSONValue, canonical_json

__all__ = ["Asked", "kept_replies", "request_key"]

_FAILURE = "Failed to obtain answer"
"""What the host returns instead of raising."""


@dataclass
class Asked:
    """What became of the requests to a judge.

    Attributes:
        unanswered: Requests that failed for good, after all the tries that were allowed.
    """

    unanswered: int = 0


@contextmanager
def kept_replies(replies: Replies | None) -> Iterator[Asked]:
    """While it lasts, the host's API classes take known replies from the store and put new ones there at once.

    The n-th time that the same is asked the n-th reply to it is given, so that a question which the host asks again,
    because it could not read the reply, is asked again. Failures are not kept, nor is the host's check whether the
    judge works at all, which must find out anew.

    Args:
        replies: Where replies are kept; ``None`` keeps none.
    """
    from vlmeval.api.base import BaseAPI

    asked, seen, lock, checking = Asked(), Counter[str](), threading.Lock(), threading.Event()
    original, check = BaseAPI.generate, BaseAPI.working

    def generate(self: Any, message: Any, **kwargs: Any) -> Any:
        if checking.is_set():
            return original(self, message, **kwargs)
        key = request_key(self, message, kwargs)  # Taken first: the host's code changes messages.
        with lock:
            attempt = seen[key]
            seen[key] += 1
        known = None if replies is None else replies.get(key, attempt)
        if known is not None:
            return known
        reply = original(self, message, **kwargs)
        if not isinstance(reply, str) or _FAILURE in reply:
            with lock:
                asked.unanswered += 1
        elif replies is not None:
            replies.put(key, attempt, reply)
        return reply

    def working(self: Any) -> Any:
        checking.set()
        try:
            return check(self)
        finally:
            checking.clear()

    BaseAPI.generate, BaseAPI.working = generate, working
    try:
        yield asked
    finally:
        BaseAPI.generate, BaseAPI.working = original, check


def request_key(model: Any, message: Any, options: Mapping[str, Any]) -> str:
    """A digest of all that a reply depends on: the judge, its settings, the message and its pictures; never its key.

    Args:
        model: The host's API object.
        message: What it is asked, in any of the host's forms.
        options: Keyword arguments of this request.
    """
    content = {
        "model": str(getattr(model, "model", type(model).__name__)),
        "address": without_credentials(str(getattr(model, "api_base", ""))),
        "system": getattr(model, "system_prompt", None),
        "max_tokens": plain(getattr(model, "max_tokens", None)),
        "temperature": plain(getattr(model, "temperature", None)),
        "options": plain({**getattr(model, "default_kwargs", {}), **options}),
        "message": _content(message),
    }
    return hashlib.sha256(canonical_json(content).encode("ascii")).hexdigest()[:32]


def _content(message: Any) -> JSONValue:
    """A message as JSON, with the bytes of its pictures instead of their places."""
    if isinstance(message, str):
        return message
    if isinstance(message, Mapping):
        part = {str(name): _content(value) for name, value in message.items()}
        if message.get("type") not in {None, "text"}:
            with suppress(OSError, ValueError):  # Not a file: an address, or the picture itself as text.
                part["value"] = hashlib.sha256(Path(str(message.get("value"))).read_bytes()).hexdigest()
        return part
    if isinstance(message, list | tuple):
        return [_content(part) for part in message]
    return plain(message)
