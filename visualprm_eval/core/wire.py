"""What every client of ours takes from a server: a reply of a bounded size, from the address that the user named."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

MAX_REPLY_BYTES = 64 * 2**20
"""The longest reply, after decompression."""
_SINGLE_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
"""What unpacks to at most a thousand times its size; others, and packets in packets, know no such bound."""
_PORTS = {"http": 80, "https": 443}


class ReplyTooLongError(Exception):
    """A reply has more bytes than any reply of a model, or is packed so that it may."""


class ReplySize:
    """Counts the bytes of one reply.

    Args:
        encoding: The header ``Content-Encoding``; ``None`` when there is none.

    Raises:
        ReplyTooLongError: It is packed in a way that knows no bound.
    """

    def __init__(self, encoding: str | None) -> None:
        if (encoding or "").strip().lower() not in _SINGLE_ENCODINGS:
            raise ReplyTooLongError(f"the reply is packed as {str(encoding)[:40]!r}, which was not asked for")
        self._bytes = 0

    def add(self, piece: bytes) -> bytes:
        """A piece of the reply, unpacked, as it came.

        Raises:
            ReplyTooLongError: With it the reply is too long.
        """
        self._bytes += len(piece)
        if self._bytes > MAX_REPLY_BYTES:
            raise ReplyTooLongError(f"the reply has more than {MAX_REPLY_BYTES // 2**20} MB")
        return piece


def leads_away(address: str, location: str) -> bool:
    """Whether a redirect leads to another origin: another scheme, host or port.

    Args:
        address: What was asked.
        location: Where it sends, absolute or not.
    """
    return _origin(address) != _origin(urljoin(address, location))


def _origin(address: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(address)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # No port that there is.
        return address, None, None
