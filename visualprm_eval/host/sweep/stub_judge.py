"""A judge that knows the answers: an OpenAI-compatible address on this machine, for graders that need a judge.

What it replies depends on the text of its prompt alone: a prompt with a wrong text in it gets the reply that calls it
wrong. So it shows that a grader asks, reads replies and counts them, and nothing of how well a judge would judge.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from typing import Any

from visualprm_eval.host.sweep.made_tables import MARKS, MadeRow

NAME = "stub-judge"
_QUESTION = re.compile(r"Question (\d+)")


@contextmanager
def stub_judge(rows: Sequence[MadeRow], replies: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    """While it lasts, the judge answers.

    Args:
        rows: The rows that it knows.
        replies: Its replies, see :class:`visualprm_eval.host.sweep.shapes.Shape`; without one that fits it replies with
            the answer that the prompt has of the policy.

    Yields:
        Its address.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = reply_to("\n".join(map(_text_of, asked["messages"])), rows, replies)
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            body = json.dumps({"object": "chat.completion", "choices": [choice], "usage": {}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def reply_to(prompt: str, rows: Sequence[MadeRow], replies: Sequence[tuple[str, str, str]]) -> str:
    """What the judge says to a prompt."""
    is_wrong = any(mark in prompt for mark in MARKS)
    row = _row_of(prompt, rows)
    templates = next((texts for pattern, *texts in replies if re.search(pattern, prompt)), ["$answer", "$wrong"])
    facts = {name: str(cell) for name, cell in row.cells.items()} | {"right": row.right, "wrong": row.wrong}
    return Template(templates[is_wrong]).safe_substitute(facts)


def _row_of(prompt: str, rows: Sequence[MadeRow]) -> MadeRow:
    """The row that a prompt is about: by its question, else by its answer."""
    # Examples come before what is asked.
    numbers = _QUESTION.findall(prompt)
    if numbers and int(numbers[-1]) < len(rows):
        return rows[int(numbers[-1])]
    return max(rows, key=lambda row: prompt.rfind(str(row.cells.get("answer", row.right))))


def _text_of(message: Any) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content)
