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

__all__ = ["Asked", "kept_replies", "no_requests", "request_key"]

_FAILURE = "Failed to obtain answer"
"""What the host returns instead of raising."""


@dataclass
class Asked:
    """What became of the requests to a judge.

    Attributes:
        made: Requests that the judge answered.
        saved: Requests that were answered from the store.
        unanswered: Requests that failed for good, after all the tries that were allowed.
    """

    made: int = 0
    saved: int = 0
    unanswered: int = 0

    def add(self, other: Asked) -> None:
        """Counts what another table asked."""
        self.made += other.made
        self.saved += other.saved
        self.unanswered += other.unanswered


@contextmanager
def kept_replies(replies: Replies | None, *, check: bool = True) -> Iterator[Asked]:
    """While it lasts, the host's API classes take known replies from the store and put new ones there at once.

    The n-th time that the same is asked the n-th reply to it is given, so that a question which the host asks again,
    because it could not read the reply, is asked again. Failures are not kept, nor is the host's check whether the
    judge works at all, which must find out anew.

    Args:
        replies: Where replies are kept; ``None`` keeps none.
        check: Whether the host may check that the judge works. Without it a table whose replies are all known needs no
            judge.
    """
    from vlmeval.api.base import BaseAPI

    asked, seen, lock, checking = Asked(), Counter[str](), threading.Lock(), threading.Event()
    original, works = BaseAPI.generate, BaseAPI.working

    def generate(self: Any, message: Any, **kwargs: Any) -> Any:
        if checking.is_set():
            return original(self, message, **kwargs)
        key = request_key(self, message, kwargs)  # Taken first: the host's code changes messages.
        with lock:
            attempt = seen[key]
            seen[key] += 1
        known = None if replies is None else replies.get(key, attempt)
        if known is not None:
            with lock:
                asked.saved += 1
            return known
        reply = original(self, message, **kwargs)
        failed = not isinstance(reply, str) or _FAILURE in reply
        with lock:
            asked.unanswered += failed
            asked.made += not failed
        if replies is not None and not failed:
            replies.put(key, attempt, reply)
        return reply

    def working(self: Any) -> Any:
        if not check:
            return True
        checking.set()
        try:
            return works(self)
        finally:
            checking.clear()

    BaseAPI.generate, BaseAPI.working = generate, working
    try:
        yield asked
    finally:
        BaseAPI.generate, BaseAPI.working = original, works


@contextmanager
def no_requests() -> Iterator[Asked]:
    """While it lasts, no request leaves the host's API classes: grading without a judge must not ask one.

    DynaMath's grader does, whatever judge it is told.
    """
    from vlmeval.api.base import BaseAPI

    original = BaseAPI.generate

    def generate(self: Any, message: Any, **kwargs: Any) -> str:
        del self, message, kwargs
        return f"{_FAILURE} via API."

    BaseAPI.generate = generate
    try:
        yield Asked()
    finally:
        BaseAPI.generate = original


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
