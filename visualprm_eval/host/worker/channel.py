"""JSON messages over a socket, each after its length."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
from typing import Any

_LENGTH = struct.Struct(">Q")
_PIECE = 1 << 20


class ClosedError(Exception):
    """The other end is gone."""


class Channel:
    """One end of a connection; any thread may send, one receives.

    Args:
        connection: A connected stream socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket, self._sending, self._received = connection, threading.Lock(), bytearray()

    def send(self, message: dict[str, Any]) -> None:
        """Sends a message.

        Raises:
            ClosedError: Nobody is there to get it.
        """
        # Lone surrogates become escapes, which the other end turns back.
        content = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode("ascii")
        try:
            with self._sending:
                self._socket.sendall(_LENGTH.pack(len(content)) + content)
        except OSError as error:
            raise ClosedError(str(error)) from error

    def receive(self, wait_s: float | None = None) -> dict[str, Any] | None:
        """The next message; ``None`` where none has come in time.

        Args:
            wait_s: How long to wait for one, in seconds; ``None`` for ever.

        Raises:
            ClosedError: None will come any more.
        """
        while (content := self._taken()) is None:
            try:
                if wait_s is not None and not select.select([self._socket], [], [], wait_s)[0]:
                    return None
                piece = self._socket.recv(_PIECE)
            except (OSError, ValueError) as error:
                raise ClosedError(str(error)) from error
            if not piece:
                raise ClosedError("the connection was closed")
            self._received += piece
        message: dict[str, Any] = json.loads(content)
        return message

    def _taken(self) -> bytes | None:
        """The content of the first whole message that was received."""
        received = self._received
        if len(received) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(received)[0]
        if len(received) < end:
            return None
        content = bytes(received[_LENGTH.size : end])
        del received[:end]
        return content

    def close(self) -> None:
        """Ends the connection for both."""
        self._socket.close()
