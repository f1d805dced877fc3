"""A scripted HTTP server on 127.0.0.1 that speaks, or pretends to speak, the chat completions protocol.

Standard library only, so that it can misbehave below HTTP: cut replies short, hang, drop connections, die.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True)
class Seen:
    """A request: its place among all, the connection it came by, headers (lower case), the JSON of its body."""

    number: int
    connection: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def n(self) -> int:
        return self.body.get("n", 1)

    @property
    def text(self) -> str:
        """The text of the conversation."""
        content = self.body["messages"][0]["content"]
        if isinstance(content, str):
            return content
        return "".join(part.get("text", "") for part in content)


@dataclass(frozen=True)
class Answer:
    """What is sent back.

    ``cut`` closes the connection after so many bytes of the body; ``drop`` closes it before any byte.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut: int | None = None
    drop: bool = False


def completion(*texts: Any, finish: str = "stop", usage: bool = True, **more: Any) -> Answer:
    """A reply with one choice per text; ``None`` is a null content."""
    choices = [
        {"index": place, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        for place, text in enumerate(texts)
    ]
    content: dict[str, Any] = {"object": "chat.completion", "choices": choices}
    if usage:
        content["usage"] = {"prompt_tokens": 100, "completion_tokens": 10 * len(texts)}
    return Answer(body=json.dumps(content).encode(), **more)


def failure(status: int, message: str = "no", **more: Any) -> Answer:
    return Answer(status=status, body=json.dumps({"error": {"message": message}}).encode(), **more)


def honest(seen: Seen) -> Answer:
    """As many samples as asked, each different."""
    return completion(*(f"{seen.text} seed {seen.body.get('seed')} choice {place}" for place in range(seen.n)))


def sociable(seen: Seen) -> Answer:
    """The first contact as a server has it that lists no models and takes all fields."""
    return failure(404, "no such path") if seen.path.endswith("/models") else completion("Hi")


def listing(*names: str) -> Answer:
    return Answer(body=json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode())


class Server:
    """Runs in a thread while the block lasts.

    ``requests`` is what came, in order; ``contacts`` is what came of first contacts, which ``contact`` answers.
    """

    def __init__(self, answer: Callable[[Seen], Answer] = honest, contact: Callable[[Seen], Answer] = sociable) -> None:
        self.answer, self.contact = answer, contact
        self.requests: list[Seen] = []
        self.contacts: list[Seen] = []
        self.connections = 0
        self.most_at_a_time = 0
        self._at_work = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self.die()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def die(self) -> None:
        """Stops listening and cuts all connections; may be called from ``answer``."""
        if threading.current_thread() is self._thread:
            self._cut_all()
        else:
            self._call(self._die())

    async def _die(self) -> None:
        self._cut_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _cut_all(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self._writers.add(writer)
        try:
            while await self._exchange(connection, reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _exchange(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; false when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        path = head[0].split(" ")[1]
        is_contact = path.endswith("/models") or 1 in {body.get("max_tokens"), body.get("max_completion_tokens")}
        kept, reply = (self.contacts, self.contact) if is_contact else (self.requests, self.answer)
        seen = Seen(len(kept), connection, path, headers, body)
        kept.append(seen)
        self._at_work += 1
        self.most_at_a_time = max(self.most_at_a_time, self._at_work)
        try:
            answer = reply(seen)
            await asyncio.sleep(answer.delay_s)
        finally:
            self._at_work -= 1
        if answer.drop:
            return False
        lines = [f"HTTP/1.1 {answer.status} X", f"Content-Length: {len(answer.body)}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body[: answer.cut])
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        return answer.cut is None
