"""HTTP: one request to one endpoint, and what went wrong in words that tell what to do about it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

import httpx2

from visualprm_eval.core.packages import VERSION
from visualprm_eval.core.proxies import Proxy, check_way, proxy_of
from visualprm_eval.core.server_address import origin
from visualprm_eval.core.wire import ReplySize, ReplyTooLongError
from visualprm_eval.stages.sample.endpoint.options import EndpointOptions
from visualprm_eval.stages.sample.endpoint.reply import (
    MalformedReplyError,
    NoChoicesError,
    Reply,
    error_code,
    error_message,
    listed_models,
    parse_reply,
)

_USER_AGENT = f"visualprm_eval/{VERSION}"
_CONNECT_S = 10.0
_IDLE_S = 4.0
"""How long idle connections are kept: a little less than the 5 s after which common servers close theirs."""

_SLOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.GATEWAY_TIMEOUT})
"""Statuses that say nothing of the request."""
_BUSY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})
"""Statuses that speak of the server, as a rule."""
_WORTH_ANOTHER_TRY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT})
_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


class Kind(Enum):
    """What a trouble means for the request and for the endpoint."""

    UNREACHABLE = auto()
    """Nobody answers at this address; the request never arrived."""
    THROTTLED = auto()
    """The server lives and asks to slow down."""
    PASSING = auto()
    """Another try may succeed."""
    REFUSED = auto()
    """The server will never take this request."""
    UNSERVED = auto()
    """The server will take no request of ours."""


class TroubleError(Exception):
    """A request that brought no reply.

    Attributes:
        kind: What it means.
        status: The HTTP status; 0 without one, or where a reply came that cannot be read.
        wait_s: Seconds that the server asks to wait; ``None`` when it does not.
        timed_out: Whether the reply did not come in time.
    """

    def __init__(
        self, kind: Kind, message: str, *, status: int = 0, wait_s: float | None = None, timed_out: bool = False
    ) -> None:
        super().__init__(message)
        self.kind, self.status, self.wait_s, self.timed_out = kind, status, wait_s, timed_out

    @property
    def may_be_refusal(self) -> bool:
        """Whether the server may take the request in other terms: some refuse with a 5xx, or an empty reply."""
        return self.kind in {Kind.REFUSED, Kind.PASSING} and self.status not in {0, *_SLOW}

    @property
    def is_lesson(self) -> bool:
        """Whether other terms that were taken thereupon are to be kept."""
        return self.may_be_refusal and self.status not in _BUSY


class Client:
    """Connections, kept alive, to all endpoints of a run; used within one event loop.

    Args:
        options: Addresses, key and timeout.
        connect_s: Longest wait for a connection, in seconds.

    Raises:
        ConfigError: When the environment names a proxy or certificates that cannot be used.
    """

    def __init__(self, options: EndpointOptions, connect_s: float = _CONNECT_S) -> None:
        self._options = options
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": _USER_AGENT}
        if options.key is not None:
            headers["Authorization"] = f"Bearer {options.key}"
        self._headers = httpx2.Headers(headers)
        timeout = httpx2.Timeout(options.timeout_s, connect=min(connect_s, options.timeout_s), pool=None)
        self._extensions = {"timeout": timeout.as_dict()}
        self._ways = {url: check_way(url) for url in options.urls}
        self._http = httpx2.AsyncClient(
            transport=_transport(options.urls),
            mounts={origin(url): _transport([url], proxy) for url in options.urls if (proxy := proxy_of(url))},
            follow_redirects=False,  # The key is for the address that the user named.
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._http.aclose()

    async def ask(self, url: str, body: bytes) -> Reply:
        """Posts one request.

        Args:
            url: The base address of one of the endpoints.
            body: The request as JSON.

        Raises:
            TroubleError: When no reply came of it; the message names the proxy in between.
        """
        with self._naming_the_way(url):
            return self._read(await self._exchanged("POST", f"{url}/chat/completions", body))

    async def models(self, url: str) -> list[str] | None:
        """The models that an endpoint lists; ``None`` when what came is no such list.

        Args:
            url: Its base address.

        Raises:
            TroubleError: When no reply came; the message names the proxy in between.
        """
        with self._naming_the_way(url):
            return listed_models(await self._exchanged("GET", f"{url}/models", b""))

    @contextmanager
    def _naming_the_way(self, url: str) -> Iterator[None]:
        try:
            yield
        except TroubleError as trouble:
            trouble.args = (f"{trouble}{self._ways[url]}",)
            raise

    async def _exchanged(self, method: str, address: str, body: bytes) -> bytes:
        """The body of a successful reply.

        Raises:
            TroubleError: When none came.
        """
        timeout_s = self._options.timeout_s
        try:
            async with asyncio.timeout(timeout_s):  # A reply that comes drop by drop has a limit too.
                response, data = await self._received(method, address, body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise TroubleError(
                Kind.UNREACHABLE, self._options.blanked(f"cannot be reached ({_described(error)})")
            ) from None
        except (TimeoutError, httpx2.TimeoutException):
            raise TroubleError(Kind.PASSING, f"no reply within {timeout_s:g} s", timed_out=True) from None
        except ReplyTooLongError as error:
            raise TroubleError(Kind.PASSING, str(error)) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            raise TroubleError(
                Kind.PASSING, self._options.blanked(f"the connection broke ({_described(error)})")
            ) from None
        if not response.is_success:
            raise self._failure(response, data)
        return data

    def _read(self, data: bytes) -> Reply:
        try:
            return parse_reply(data)
        except MalformedReplyError as error:
            status = HTTPStatus.OK if isinstance(error, NoChoicesError) else 0
            raise TroubleError(Kind.PASSING, self._options.blanked(str(error)), status=status) from None

    async def _received(self, method: str, address: str, body: bytes) -> tuple[httpx2.Response, bytes]:
        """The reply to a request, with its body."""
        # Requests are put together here: the client's defaults ask for packed replies and send cookies back.
        request = httpx2.Request(method, address, headers=self._headers, content=body, extensions=self._extensions)
        response = await self._http.send(request, stream=True)
        try:
            size = ReplySize(response.headers.get("Content-Encoding"))
            return response, b"".join([size.add(piece) async for piece in response.aiter_bytes()])
        finally:
            await response.aclose()

    def _failure(self, response: httpx2.Response, data: bytes) -> TroubleError:
        status, kind, said = response.status_code, Kind.REFUSED, error_message(data)
        if response.is_redirect:
            kind, said = Kind.UNSERVED, f"it redirects to {response.headers.get('Location')}; name that address"
        elif status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED} or error_code(data) in _NO_MONEY:
            kind = Kind.UNSERVED
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            kind = Kind.THROTTLED
        elif status in _WORTH_ANOTHER_TRY or not response.is_client_error:
            kind = Kind.PASSING
        may_pass = kind in {Kind.THROTTLED, Kind.PASSING}
        wait_s = retry_after_s(response.headers.get("Retry-After")) if may_pass else None
        if wait_s is not None:
            wait_s = min(wait_s, self._options.patience.longest_asked_s)
        return TroubleError(kind, self._options.blanked(f"HTTP {status}: {said}"), status=status, wait_s=wait_s)


def _transport(urls: Sequence[str], proxy: Proxy | None = None) -> httpx2.AsyncHTTPTransport:
    """Connections to addresses, through a proxy or none; certificates of the environment are read if any is needed."""
    limits = httpx2.Limits(keepalive_expiry=_IDLE_S)
    addresses = [*urls, *([proxy.url] if proxy else [])]
    secure = any(address.startswith("https:") for address in addresses)
    return httpx2.AsyncHTTPTransport(limits=limits, proxy=proxy.url if proxy else None, trust_env=secure)


def retry_after_s(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds from 0 that a ``Retry-After`` header asks for, perhaps infinitely many; ``None`` when it cannot be read.

    Args:
        value: The header: seconds, or an HTTP date (RFC 9110, 10.2.3).
        now: The wall clock, in seconds since 1970.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            seconds = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now()
        except (ValueError, TypeError, IndexError, ArithmeticError):  # Odd fields and zones, and ends of the calendar.
            return None
    return None if math.isnan(seconds) else max(seconds, 0.0)


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
