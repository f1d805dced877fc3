"""Keeps every reply of a judge as soon as it came: the host would ask again after a crash in the middle of a table."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from visualprm_eval.core.secrets import redacted
from visualprm_eval.core.types import JSONValue, canonical_json
from visualprm_eval.host.grading.forms import ASKS_AGAIN
from visualprm_eval.host.grading.jobs import current_job, rows_apart
from visualprm_eval.host.grading.replies import NO_REPLY, bounded_replies
from visualprm_eval.host.load.model_fingerprint import plain, without_credentials
from visualprm_eval.host.models.request_capture import watched
from visualprm_eval.host.patching import replaced

_TRIES = 3
"""How often a question is asked that its grader would ask once, until the reply can be read."""


class Replies(Protocol):
    """Where a judge's replies are kept, see ``visualprm_eval.store.Replies``; any thread may use it."""

    def get(self, request: str, attempt: int) -> str | None:
        """The reply to an attempt, from 0; ``None`` when there is none."""

    def put(self, request: str, attempt: int, reply: str) -> None:
        """Keeps a reply for good."""


@dataclass
class Asked:
    """What became of the requests to a judge.

    Attributes:
        made: Requests that the judge answered.
        saved: Requests whose replies were known already, from the store or from another row of the table.
        unanswered: Requests that failed for good, after all the tries that were allowed.
        unread: Rows, by index, of which the last request brought nothing that can be read; their graders go on as they
            like, so what they say of them is void.
        unplaced: Requests that brought nothing that can be read, of rows that are not known.
        sent: Everything that was sent while :func:`counted_requests` looked: every try, and the question whether the
            judge works at all.
    """

    made: int = 0
    saved: int = 0
    unanswered: int = 0
    sent: int = 0
    unread: set[str] = field(default_factory=set)
    unplaced: int = 0

    def add(self, other: Asked) -> None:
        """Counts what another table asked."""
        for name in ("made", "saved", "unanswered", "unplaced", "sent"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@contextmanager
def counted_requests(asked: Asked) -> Iterator[None]:
    """While it lasts, all that this process sends is counted as sent to the judge; nobody else may be asked meanwhile.

    Args:
        asked: Where it is counted.
    """
    lock = threading.Lock()

    def count(request: Any) -> None:
        if request.method == "POST":
            with lock:
                asked.sent += 1

    with watched(count):
        yield


@contextmanager
def kept_replies(
    replies: Replies | None, *, secrets: Sequence[str] = (), done: Callable[[int], None] = lambda _: None
) -> Iterator[Asked]:
    """While it lasts, the host's API classes take known replies from the store and put new ones there at once.

    The n-th time that a row of the table asks the same, the n-th reply to it is given, so that a question which the
    host asks again, because it could not read the reply, is asked again. Rows that ask the same share their replies,
    also while the first of them is still being waited for. Failures are not kept.

    Replies are kept as they came. What a grader is handed is the answer in them, see ``host.grading.forms``; of
    a reply without one it is told that there is none, and most graders ask again, each time at a higher temperature.
    For the others that is done here.

    The host's own check whether the judge works is not made: the judge has answered before, or is not needed, because
    all its replies are known.

    Args:
        replies: Where replies are kept; ``None`` keeps them as long as the table is worked on.
        secrets: What must not be kept where a judge repeats it, beside the key that it is asked with.
        done: Told how many rows are done, each time that some are, by any thread.
    """
    from vlmeval.api.base import BaseAPI

    table = _Table(replies, secrets, BaseAPI.generate)
    asked = replaced(BaseAPI, "generate", lambda api, message, **kwargs: table.ask(api, message, kwargs))
    with asked, replaced(BaseAPI, "working", lambda _: True), rows_apart(table.asked.unread, done), bounded_replies():
        yield table.asked


class _Table:
    """What was asked while one table was graded; for any number of threads.

    Args:
        replies: Where replies are kept.
        secrets: What must not be kept.
        generate: The host's way to ask.
    """

    def __init__(self, replies: Replies | None, secrets: Sequence[str], generate: Any) -> None:
        self.asked = Asked()
        self._replies, self._secrets, self._generate = replies, secrets, generate
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, int], Future[Any]] = {}

    def ask(self, api: Any, message: Any, options: Mapping[str, Any]) -> Any:
        """What a grader gets of a reply, or the host's word that there is none."""
        job = current_job()
        question = request_key(api, message, {name: value for name, value in options.items() if name != "temperature"})
        for number in range(1 if job.grader in ASKS_AGAIN else _TRIES):
            hotter = {"temperature": 0.5 * number} if number else {}
            reply = self._reply(api, deepcopy(message), {**options, **hotter})
            if _has_failed(reply):
                break
            if (said := job.read(reply)) is not None:
                job.unread.discard(question)
                return said
        else:
            reply = f"{NO_REPLY} via API. "
        job.unread.add(question)
        if not job.rows:
            self._count("unplaced")
        return reply

    def _reply(self, api: Any, message: Any, options: Mapping[str, Any]) -> Any:
        """A reply as it came, or the host's word that there is none."""
        key = request_key(api, message, options)  # Taken first: the host's code changes messages.
        place = key, current_job().attempt(key)
        with self._lock:
            first = place not in self._waiting
            reply = self._waiting.setdefault(place, Future())
        if not first:  # Another row asked the same before, or asks it at this moment.
            if not _has_failed(reply.result()):
                self._count("saved")
            return reply.result()
        try:
            found = self._known_or_new(place, api, message, options)
        except BaseException as error:  # noqa: BLE001 - it is raised below, and in whoever waits for the same reply
            reply.set_exception(error)
        else:
            reply.set_result(found)
        if reply.exception() is not None or _has_failed(reply.result()):
            with self._lock:  # A failure is no reply: the next row that asks the same is not told it.
                del self._waiting[place]
        return reply.result()

    def _count(self, what: str) -> None:
        with self._lock:
            setattr(self.asked, what, getattr(self.asked, what) + 1)

    def _known_or_new(self, place: tuple[str, int], api: Any, message: Any, options: Mapping[str, Any]) -> Any:
        secrets = (getattr(api, "key", None), urlsplit(str(getattr(api, "api_base", ""))).password, *self._secrets)
        known = None if self._replies is None else self._replies.get(*place)
        if known is not None:
            self._count("saved")
            return redacted(known, secrets)
        reply = self._generate(api, message, **options)
        if _has_failed(reply):
            self._count("unanswered")
            return reply
        self._count("made")
        reply = redacted(reply, secrets)
        if self._replies is not None:
            self._replies.put(*place, reply)
        return reply


def _has_failed(reply: Any) -> bool:
    return not isinstance(reply, str) or NO_REPLY in reply


@contextmanager
def no_requests() -> Iterator[Asked]:
    """While it lasts, no request leaves the host's API classes: grading without a judge must not ask one.

    DynaMath's grader does, whatever judge it is told.
    """
    from vlmeval.api.base import BaseAPI

    with replaced(BaseAPI, "generate", lambda *_, **__: f"{NO_REPLY} via API."):
        yield Asked()


def request_key(model: Any, message: Any, options: Mapping[str, Any]) -> str:
    """A digest of all that a reply depends on: the judge, its settings, the message and its pictures; never its key.

    The judge's address belongs to it: behind another one the same name may stand for other weights.

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
