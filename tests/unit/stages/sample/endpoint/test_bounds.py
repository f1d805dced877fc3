"""Replies are bounded, and come from the address that the user named."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import Answer, Server, completion, honest
from visualprm_eval.core import wire
from visualprm_eval.core.wire import leads_away

if TYPE_CHECKING:
    from tests.unit.stages.sample.endpoint.conftest import Asked


def padded(size: int) -> bytes:
    """A chat completion of at least so many bytes."""
    body = json.loads(completion("A").body)
    return json.dumps(body | {"more": "x" * size}).encode()


def packed(data: bytes) -> Answer:
    return Answer(body=gzip.compress(data, 1), headers={"Content-Encoding": "gzip"})


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_REPLY_BYTES", 2**20)


@pytest.mark.parametrize("pack", [lambda data: Answer(body=data), packed], ids=["plain", "packed"])
@pytest.mark.parametrize(("size", "fails"), [(2**19, False), (2**20, True)])
def test_a_long_reply_is_a_failure(asked: type[Asked], small: None, pack: Any, size: int, *, fails: bool) -> None:
    with Server(lambda seen: pack(padded(size)) if "p1" in seen.text else honest(seen)) as server:
        found = asked([server]).draw(n=1, problems=3)
    assert (found["p1", 0].error is not None) == fails
    assert "more than 1 MB" in (found["p1", 0].error or "more than 1 MB")
    assert found["p0", 0].error is found["p2", 0].error is None


def test_a_bomb_is_not_swallowed(asked: type[Asked]) -> None:
    bomb = packed(b" " * (200 * 2**20))
    assert len(bomb.body) < 2**20
    with Server(lambda seen: bomb if "p1" in seen.text else honest(seen)) as server:
        found = asked([server]).draw(n=1, problems=2)
    assert "more than 64 MB" in (found["p1", 0].error or "")


def test_thirty_megabytes_are_a_reply_and_a_bomb_in_a_list_of_models_is_none(asked: type[Asked]) -> None:
    bomb = packed(b" " * (100 * 2**20))
    assert len(bomb.body) < 2**20
    with Server(
        lambda seen: packed(padded(30 * 2**20)), lambda seen: bomb if "models" in seen.path else completion("Hi")
    ) as server:
        run = asked([server])
        run.policy.greet()
        found = run.draw(n=1)
    assert (found["p0", 0].text, found["p0", 0].error) == ("A", None)
    assert any("more than 64 MB" in warning for warning in run.warnings)


def test_packets_in_packets_are_not_opened(asked: type[Asked]) -> None:
    answer = Answer(body=gzip.compress(gzip.compress(padded(9))), headers={"Content-Encoding": "gzip, gzip"})
    with Server(lambda seen: answer if "p1" in seen.text else honest(seen)) as server:
        found = asked([server]).draw(n=1, problems=2)
    assert "packed as 'gzip, gzip'" in (found["p1", 0].error or "")


@pytest.mark.parametrize(
    ("location", "away"),
    [
        ("/v2/chat", False), ("http://h:80/x", False), ("HTTP://H/x", False), ("http://h:81/x", True),
        ("https://h/x", True), ("//other/x", True), ("http://h.other/x", True), ("http://h:port/x", True), ("", False),
    ],
)  # fmt: skip
def test_what_leads_away(location: str, away: bool) -> None:
    assert leads_away("http://h/v1/chat/completions", location) == away
