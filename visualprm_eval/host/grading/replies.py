"""How the host's API classes take replies: bounded, and from the origin that was asked, as our own client does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from visualprm_eval.core.wire import ReplySize, ReplyTooLongError, leads_away
from visualprm_eval.host.patching import replaced

NO_REPLY = "Failed to obtain answer"
"""How begins what the host's classes return where no reply came, instead of raising."""


@contextmanager
def bounded_replies() -> Iterator[None]:
    """While it lasts, requests of this process follow no redirect to another origin, and read no endless reply.

    The host's judges send with ``requests``, which would send the whole question on to wherever a server says.
    """
    from requests import Response, Session
    from requests.exceptions import ContentDecodingError

    target_of, pieces_of = Session.get_redirect_target, Response.iter_content

    def get_redirect_target(self: Any, response: Any) -> Any:
        target = target_of(self, response)
        return None if target is None or leads_away(response.url, target) else target

    def bounded(response: Any, pieces: Iterator[Any]) -> Iterator[Any]:
        try:
            size = ReplySize(response.headers.get("Content-Encoding"))
            yield from map(size.add, pieces)
        except ReplyTooLongError as error:
            response.close()
            raise ContentDecodingError(str(error)) from error

    def iter_content(self: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        return bounded(self, pieces_of(self, *arguments, **options))

    with (
        replaced(Session, "get_redirect_target", get_redirect_target),
        replaced(Response, "iter_content", iter_content),
    ):
        yield
