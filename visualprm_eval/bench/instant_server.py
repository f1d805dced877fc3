"""A server in a process of its own that answers every request at once with the same short reply.

It does as little as HTTP allows, so that what is measured is the client.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CHOICE = {"message": {"role": "assistant", "content": "The answer is \\boxed{42}."}, "finish_reason": "stop"}


def reply(n: int) -> bytes:
    """A chat completion with ``n`` choices, headers included."""
    choices = [{"index": index, **_CHOICE} for index in range(n)]
    usage = {"prompt_tokens": 100, "completion_tokens": 10 * n, "total_tokens": 100 + 10 * n}
    body = json.dumps({"object": "chat.completion", "choices": choices, "usage": usage}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class _Instant(asyncio.Protocol):
    """One connection."""

    def __init__(self, answer: bytes) -> None:
        self._answer, self._received = answer, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            found = _LENGTH.search(self._received, 0, end)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._received) < size:
                return
            self._received = self._received[size:]
            self._transport.write(self._answer)


@contextmanager
def instant_server(n: int) -> Iterator[str]:
    """Runs the server while the block lasts and gives its base address.

    Args:
        n: Choices of every reply.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, n), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        process.kill()
        process.join()


def _serve(pipe: Connection, n: int) -> None:
    asyncio.run(_listen(pipe, reply(n)))


async def _listen(pipe: Connection, answer: bytes) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Instant(answer), "127.0.0.1", 0)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
