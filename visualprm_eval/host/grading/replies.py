"""How the host's API classes take replies: bounded, and from the origin that was asked, as our own client does."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from visualprm_eval.core.wire import ReplySize, ReplyTooLongError, leads_away
from visualprm_eval.host.patching import held, patch

NO_REPLY = "Failed to obtain answer"
"""How begins what the host's classes return where no reply came, instead of raising."""


_call = SimpleNamespace(bounded=False)
"""``bounded``: whether replies must be what our own client would take."""


@functools.cache
def apply() -> None:
    """Lets ``requests`` look at what holds for the present call."""
    from requests import Response, Session

    patch(Session, "get_redirect_target", _target)
    patch(Response, "iter_content", _pieces)


def bounded_replies() -> AbstractContextManager[None]:
    """While it lasts, requests of this process follow no redirect to another origin, and read no endless reply.

    The host's judges send with ``requests``, which would send the whole question on to wherever a server says.
    """
    return held(_call, "bounded", value=True)


def _target(target_of: Any, session: Any, response: Any) -> Any:
    target = target_of(session, response)
    return None if _call.bounded and target is not None and leads_away(response.url, target) else target


def _pieces(pieces_of: Any, response: Any, /, *arguments: Any, **options: Any) -> Iterator[Any]:
    pieces: Iterator[Any] = pieces_of(response, *arguments, **options)
    return _bounded(response, pieces) if _call.bounded else pieces


def _bounded(response: Any, pieces: Iterator[Any]) -> Iterator[Any]:
    from requests.exceptions import ContentDecodingError

    try:
        size = ReplySize(response.headers.get("Content-Encoding"))
        yield from map(size.add, pieces)
    except ReplyTooLongError as error:
        response.close()
        raise ContentDecodingError(str(error)) from error
