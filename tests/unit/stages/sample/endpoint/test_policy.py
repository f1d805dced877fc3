"""A policy behind endpoints that behave, and behind some that do not."""

from __future__ import annotations

import email.utils
import itertools
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.servers import Answer, Seen, Server, completion, failure, honest
from tests.unit.stages.sample.endpoint.conftest import KEY, QUICK, Asked, problem
from visualprm_eval.core.errors import ConfigError, PolicyError
from visualprm_eval.core.types import Part, Usage
from visualprm_eval.stages.sample.endpoint import Patience
from visualprm_eval.stages.sample.endpoint.request import request_seed


def stops_with_nothing(run: Asked, problems: int = 9) -> str:
    """The message with which a run stops before any candidate, failed ones included, was settled."""
    settled = []
    with pytest.raises(PolicyError) as caught:
        for batch in run.policy.sample([(problem(f"p{place}"), 0) for place in range(problems)]):
            settled += batch
    assert settled == []
    return str(caught.value)


def errors(found: dict) -> list[str | None]:
    return [candidate.error for _, candidate in sorted(found.items())]


# A server that behaves


def test_all_samples_of_a_problem_come_with_one_request() -> None:
    with Server() as server:
        found = Asked([server], temperature=0.3, top_p=0.9, max_tokens=77, seed=5).draw(n=8, problems=3)
    assert len(server.requests) == 3
    for seen in server.requests:
        name = seen.text.strip("<>")
        seed = request_seed(5, name, 0)
        expected = {"model": "m", "temperature": 0.3, "top_p": 0.9, "max_tokens": 77, "seed": seed, "n": 8}
        expected |= {"top_k": -1, "repetition_penalty": 1.0}
        assert {key: value for key, value in seen.body.items() if key != "messages"} == expected
        assert seen.path == "/v1/chat/completions"
        assert seen.headers["authorization"] == f"Bearer {KEY}"
        texts = [found[name, rank].text for rank in range(8)]
        assert texts == [f"<{name}> seed {seed} choice {place}" for place in range(8)]
    assert {candidate.finish for candidate in found.values()} == {"stop"}
    assert all(candidate.error is None and candidate.seconds > 0 for candidate in found.values())


def test_what_a_reply_costs_is_kept_once() -> None:
    with Server() as server:
        found = Asked([server]).draw(n=4)
        alone = Asked([server]).draw(n=1)
    assert [candidate.usage for candidate in found.values()] == [Usage(100, 40), None, None, None]
    assert {candidate.tokens for candidate in found.values()} == {None}, "four samples have one count"
    assert (alone["p0", 0].tokens, alone["p0", 0].usage) == (10, Usage(100, 10))


def test_what_a_reply_costs_is_kept_with_a_sample_that_is_never_drawn_again() -> None:
    with Server(lambda seen: completion(3, "b", "c")) as server:
        found = Asked([server]).draw(n=3)
    assert [(candidate.error is None, candidate.usage) for _, candidate in sorted(found.items())] == [
        (False, None), (True, Usage(100, 30)), (True, None),
    ]  # fmt: skip


def test_a_single_sample_is_asked_for_without_n() -> None:
    with Server() as server:
        Asked([server]).draw(n=1)
    assert "n" not in server.requests[0].body


def test_later_samples_have_another_seed() -> None:
    wanted = [(problem("p"), rank) for rank in (2, 5, 3)]
    with Server() as server:
        found = Asked([server]).candidates(wanted)
    assert server.requests[0].body["seed"] == request_seed(0, "p", 2) != request_seed(0, "p", 0)
    assert [found["p", rank].text[-1] for rank in (2, 3, 5)] == ["0", "1", "2"]


def test_connections_are_kept_and_bounded() -> None:
    def slow(seen: Seen) -> Answer:
        return completion("x", delay_s=0.01)

    with Server(slow) as server:
        Asked([server], nproc=3).draw(n=1, problems=30)
    assert server.connections <= 3
    assert server.most_at_a_time == 3
    assert len(server.requests) == 30


def test_samples_come_as_they_arrive() -> None:
    def one_slow(seen: Seen) -> Answer:
        return completion(seen.text, delay_s=0.0 if seen.text != "<p0>" else 2.0)

    with Server(one_slow) as server:
        wanted = [(problem(f"p{place}"), 0) for place in range(8)]
        batches = Asked([server], nproc=2).policy.sample(wanted)
        order = [candidate.problem_id for batch in batches for candidate in batch]
    assert order[-1] == "p0"


def test_pictures_are_sent_in_their_place(tmp_path: Path) -> None:
    red, blue = tmp_path / "red.png", tmp_path / "blue.jpg"
    Image.new("RGB", (3, 2), "red").save(red)
    Image.new("RGB", (3, 2), "blue").save(blue)
    parts = (Part("text", "a"), Part("image", str(red)), Part("text", "b"), Part("image", str(blue)))
    with Server() as server:
        Asked([server]).candidates([(problem("p", *parts), 0)])
    content = server.requests[0].body["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "text", "image_url"]
    urls = [part["image_url"]["url"].partition(",")[0] for part in content if "image_url" in part]
    assert urls == ["data:image/png;base64", "data:image/jpeg;base64"]


def test_a_picture_that_is_gone_fails_its_problem_only(tmp_path: Path) -> None:
    lost = problem("lost", Part("image", str(tmp_path / "none.png")), Part("text", "?"))
    with Server() as server:
        found = Asked([server]).candidates([(lost, 0), (problem("p"), 0)])
    assert "cannot read the picture" in (found["lost", 0].error or "")
    assert found["p", 0].error is None


# n is refused, ignored, or not fully served


EMPTY = Answer(body=b'{"object": "chat.completion", "choices": []}')


@pytest.mark.parametrize(
    "refusal",
    [
        failure(400, "n must be 1"),
        failure(422),
        failure(500, "Only one completion choice is allowed"),
        failure(501),
        EMPTY,
    ],
)
def test_a_server_that_refuses_n_is_asked_one_by_one_and_remembered(refusal: Answer) -> None:
    with Server(lambda seen: refusal if seen.n > 1 else honest(seen)) as server:
        run = Asked([server], nproc=1, patience=Patience(tries=1))
        found = run.draw(n=4, problems=2)
        assert [seen.n for seen in server.requests] == [4, 1, 1, 1, 1, 1, 1, 1, 1]
        run.draw(n=2)  # Another benchmark of the same run.
        assert [seen.n for seen in server.requests][9:] == [1, 1]
    assert errors(found) == [None] * 8
    assert len({candidate.text for candidate in found.values()}) == 8
    assert {seen.body["seed"] for seen in server.requests[1:5]} == {request_seed(0, "p0", rank) for rank in range(4)}
    assert [warning for warning in run.warnings if "one sample per request" in warning] == run.warnings


@pytest.mark.parametrize("status", [502, 503])
def test_a_status_that_speaks_of_the_server_costs_nobody_the_n(status: int) -> None:
    def stumbling(seen: Seen) -> Answer:
        return failure(status) if seen.number == 0 else honest(seen)

    with Server(stumbling) as server:
        found = Asked([server], nproc=1, patience=Patience(tries=1)).draw(n=4, problems=2)
    assert [seen.n for seen in server.requests] == [4, 1, 3, 4]
    assert errors(found) == [None] * 8


def test_a_server_that_gave_several_samples_does_not_refuse_them_with_a_500() -> None:
    with Server(lambda seen: failure(500) if seen.number == 1 else honest(seen)) as server:
        assert errors(Asked([server], nproc=1).draw(n=4, problems=2)) == [None] * 8
    assert [seen.n for seen in server.requests] == [4, 4, 4]


@pytest.mark.parametrize("status", [408, 409, 504])
def test_a_timeout_is_no_refusal_of_n(status: int) -> None:
    with Server(lambda seen: honest(seen) if seen.number else failure(status)) as server:
        assert errors(Asked([server], nproc=1).draw(n=4)) == [None] * 4
    assert [seen.n for seen in server.requests] == [4, 4]


def test_two_servers_that_refuse_n_in_turn_are_both_understood() -> None:
    def refuses(seen: Seen) -> Answer:
        return failure(500, "one choice only") if seen.n > 1 else honest(seen)

    with Server(refuses) as one, Server(refuses) as other:
        found = Asked([one, other], nproc=4, patience=Patience(tries=1)).draw(n=4, problems=4)
    assert errors(found) == [None] * 16


def test_a_server_that_ignores_n_is_completed_one_by_one() -> None:
    with Server(lambda seen: completion(f"{seen.body['seed']}")) as server:
        found = Asked([server]).draw(n=4, problems=2)
    assert len(server.requests) == 8
    assert len({candidate.text for candidate in found.values()}) == 8


def test_fewer_choices_than_asked_are_completed() -> None:
    def three_at_most(seen: Seen) -> Answer:
        return completion(*(f"{seen.body['seed']} {place}" for place in range(min(seen.n, 3))))

    with Server(three_at_most) as server:
        found = Asked([server]).draw(n=8)
    assert [seen.n for seen in server.requests] == [8, 5, 2]
    assert [seen.body["seed"] for seen in server.requests] == [request_seed(0, "p0", rank) for rank in (0, 3, 6)]
    assert len({candidate.text for candidate in found.values()}) == 8


def test_more_choices_than_asked_are_dropped() -> None:
    with Server(lambda seen: completion("a", "b", "c")) as server:
        found = Asked([server]).draw(n=2)
    assert [candidate.text for candidate in found.values()] == ["a", "b"]


def test_a_refusal_that_is_not_about_n_does_not_cost_the_others_their_n() -> None:
    def picky(seen: Seen) -> Answer:
        return failure(400, "the prompt is too long") if seen.text == "<p1>" else honest(seen)

    with Server(picky) as server:
        found = Asked([server], nproc=1).draw(n=4, problems=3)
    assert [seen.n for seen in server.requests] == [4, 4, 1, 4]
    assert {found["p1", rank].error for rank in range(4)} == {"HTTP 400: the prompt is too long"}
    assert sum(candidate.error is None for candidate in found.values()) == 8


def test_a_server_that_wants_another_limit_is_understood() -> None:
    def modern(seen: Seen) -> Answer:
        if "max_tokens" in seen.body:
            return failure(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        return honest(seen)

    with Server(modern) as server:
        found = Asked([server], nproc=1, max_tokens=9).draw(n=2, problems=3)
    assert errors(found) == [None] * 6
    assert len(server.requests) == 4
    assert server.requests[-1].body["max_completion_tokens"] == 9


def without_top_k(seen: Seen) -> Answer:
    return failure(400, "Unknown parameter: 'top_k'.") if "top_k" in seen.body else honest(seen)


def test_samples_of_one_key_are_drawn_with_the_same_fields() -> None:
    with Server(without_top_k) as server, pytest.raises(PolicyError, match="run the same command again"):
        Asked([server], nproc=1).draw(n=2)
    with Server(without_top_k) as server, Server() as other:
        run = Asked([server, other], nproc=2)
        assert errors(run.draw(n=2, problems=4)) == [None] * 8
    assert all("top_k" in seen.body for seen in other.requests)
    assert any("is given up" in warning for warning in run.warnings)


def test_a_refusal_that_names_a_field_which_the_server_takes_is_about_something_else() -> None:
    def picky(seen: Seen) -> Answer:
        return failure(400, "too long (top_k -1)") if seen.text == "<p1>" else honest(seen)

    with Server(picky) as server:
        found = Asked([server], nproc=1).draw(n=1, problems=3)
    assert errors(found) == [None, "HTTP 400: too long (top_k -1)", None]


# Replies that are no samples


@pytest.mark.parametrize(
    ("answer", "text", "finish"),
    [
        (completion(None), "", "stop"),
        (completion(""), "", "stop"),
        (completion(" \n", finish="length"), " \n", "length"),
        (completion(None, finish="content_filter"), "", "content_filter"),
    ],
)
def test_a_reply_without_a_text_is_an_empty_reply(answer: Answer, text: str, finish: str) -> None:
    with Server(lambda seen: answer) as server:
        found = Asked([server]).draw(n=1)
    candidate = found["p0", 0]
    assert (candidate.text, candidate.error, candidate.finish) == (text, None, finish)
    assert candidate.usage == Usage(100, 10), "it was paid for"
    assert len(server.requests) == 1


def test_a_text_that_was_cut_is_marked() -> None:
    with Server(lambda seen: completion("and then", finish="length")) as server:
        found = Asked([server]).draw(n=1)
    assert (found["p0", 0].text, found["p0", 0].error, found["p0", 0].finish) == ("and then", None, "length")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"<html>",
        b'{"choices": []}',
        b'{"choices": 3}',
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"choices":[1]}',
    ],
)
def test_malformed_replies_are_tried_again_then_fail(body: bytes) -> None:
    with Server(lambda seen: Answer(body=body)) as server:
        found = Asked([server]).draw(n=1)
    assert len(server.requests) == QUICK.tries
    assert "the reply" in found["p0", 0].error and "(4 tries)" in found["p0", 0].error


def test_a_malformed_reply_that_passes_is_forgotten() -> None:
    with Server(lambda seen: honest(seen) if seen.number else Answer(body=b"{")) as server:
        assert errors(Asked([server]).draw(n=2)) == [None, None]


def test_two_megabytes_arrive_whole() -> None:
    text = "é\N{GRINNING FACE}\ud800 " * 300_000
    with Server(lambda seen: completion(text, text)) as server:
        found = Asked([server]).draw(n=2)
    assert len(json.dumps(text)) > 2 * 2**20
    assert [candidate.text for candidate in found.values()] == [text, text]


# Servers in trouble


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    with Server(lambda seen: honest(seen) if seen.number >= 2 else failure(status)) as server:
        assert errors(Asked([server]).draw(n=2)) == [None, None]
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 404, 413, 415, 451])
def test_other_refusals_are_final(status: int) -> None:
    with Server(lambda seen: honest(seen) if seen.text != "<p1>" else failure(status, "never")) as server:
        found = Asked([server], nproc=1).draw(n=1, problems=3)
    assert len(server.requests) == 3
    assert errors(found) == [None, f"HTTP {status}: never", None]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("dated", [False, True])
def test_retry_after_is_heeded_by_all(status: int, dated: bool) -> None:
    times: list[float] = []

    def busy(seen: Seen) -> Answer:
        times.append(time.monotonic())
        if seen.number:
            return honest(seen)
        # A date has whole seconds: two from now is between one and two away.
        value = email.utils.formatdate(time.time() + 2, usegmt=True) if dated else "1"
        return failure(status, headers={"Retry-After": value})

    with Server(busy) as server:
        assert errors(Asked([server], nproc=1).draw(n=1, problems=2)) == [None, None]
    assert times[1] - times[0] > 0.95, "the exponential wait would be a hundredth of a second"
    assert len(server.requests) == 3


@pytest.mark.parametrize("value", ["86400", "1e400", "Fri, 31 Dec 9999 23:59:59 -0100", "9" * 400])
def test_more_than_the_longest_wait_is_not_waited(value: str) -> None:
    def busy(seen: Seen) -> Answer:
        return honest(seen) if seen.number else failure(503, headers={"Retry-After": value})

    with Server(busy) as server:
        run = Asked([server], patience=replace(QUICK, longest_asked_s=0.3))
        start = time.monotonic()
        assert errors(run.draw(n=1)) == [None]
    assert time.monotonic() - start > 0.29
    assert len(server.requests) == 2


def test_a_job_does_not_wait_for_a_server_that_others_stand_in_for() -> None:
    with Server(lambda _: failure(503, headers={"Retry-After": "60"})) as busy, Server() as free:
        run = Asked([busy, free], nproc=1)
        assert errors(run.draw(n=1, problems=4)) == [None] * 4
    assert [warning.partition(": ")[2] for warning in run.warnings] == ["HTTP 503: no; trying again in 60 s"]
    assert (len(busy.requests), len(free.requests)) == (1, 4)


def test_tries_are_counted_and_waits_grow() -> None:
    times: list[float] = []

    def down(seen: Seen) -> Answer:
        times.append(time.monotonic())
        return failure(500, "boom")

    with Server(down) as server:
        patience = Patience(tries=4, first_s=0.05, longest_s=10, jitter=lambda: 1.0)
        found = Asked([server], patience=patience).draw(n=1)
    assert set(errors(found)) == {"HTTP 500: boom (4 tries)"}
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert len(waits) == 3
    assert waits[0] >= 0.05 and waits[1] >= 0.1 and waits[2] >= 0.2


def test_a_reply_that_does_not_come_is_asked_for_again_in_smaller_pieces() -> None:
    def sluggish(seen: Seen) -> Answer:
        return completion(*("x" for _ in range(seen.n)), delay_s=60.0 if seen.n > 2 else 0.0)

    with Server(sluggish) as server:
        found = Asked([server], timeout_s=3.0).draw(n=4)
    assert errors(found) == [None] * 4
    assert [seen.n for seen in server.requests] == [4, 2, 2]


def test_a_server_that_never_replies_fails_its_samples_in_time() -> None:
    started = time.monotonic()
    with Server(lambda seen: completion("x", delay_s=60.0)) as server:
        found = Asked([server], timeout_s=0.1).draw(n=1)
    assert errors(found) == ["no reply within 0.1 s (4 tries)"]
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("broken", [Answer(drop=True), completion("x" * 1000, cut=100)], ids=["dropped", "half"])
def test_connections_that_break_are_made_again(broken: Answer) -> None:
    with Server(lambda seen: honest(seen) if seen.number >= 2 else broken) as server:
        assert errors(Asked([server]).draw(n=1)) == [None]
    with Server(lambda seen: broken) as server:
        (error,) = errors(Asked([server]).draw(n=1))
    assert "the connection broke" in error and len(server.requests) == QUICK.tries


# Endpoints that die


def test_of_two_endpoints_one_dies_and_the_work_goes_on() -> None:
    doomed = Server(lambda seen: (doomed.die() or Answer(drop=True)) if seen.number == 3 else honest(seen))
    with doomed, Server(lambda seen: completion("b", "b", delay_s=0.01)) as other:
        run = Asked([doomed, other], nproc=4)
        found = run.draw(n=2, problems=60)
    assert errors(found) == [None] * 120
    assert 4 <= len(doomed.requests) <= 8
    assert len(other.requests) >= 57
    (warning,) = [warning for warning in run.warnings if "given up" in warning]
    assert doomed.url in warning and "goes on at 1 other endpoint" in warning


def test_an_endpoint_that_was_never_there() -> None:
    with Server() as server:
        run = Asked(["http://127.0.0.1:9/v1", server], nproc=2)
        assert errors(run.draw(n=1, problems=200)) == [None] * 200
    assert "cannot be reached" in run.warnings[0]


def test_when_all_are_dead_the_run_stops_and_what_came_is_kept() -> None:
    server = Server(lambda seen: (server.die() or Answer(drop=True)) if seen.number == 5 else honest(seen))
    got = []
    with server:
        run = Asked([server, "http://127.0.0.1:9/v1"], nproc=2)
        with pytest.raises(PolicyError, match="no endpoint is left to ask") as caught:
            for batch in run.policy.sample([(problem(f"p{place}"), 0) for place in range(50)]):
                got += batch
        with pytest.raises(PolicyError, match="no endpoint is left"):  # The next benchmark of the run.
            list(run.policy.sample([(problem("q"), 0)]))
    assert len(got) >= 3 and all(candidate.error is None for candidate in got)
    assert server.url in str(caught.value) and "run the same command again" in str(caught.value)


def test_work_goes_to_the_endpoint_that_is_free() -> None:
    with Server(lambda seen: completion("s", delay_s=1.5)) as slow, Server(lambda seen: completion("q")) as quick:
        Asked([slow, quick], nproc=4).draw(n=1, problems=60)
    assert 0 < 3 * len(slow.requests) < len(quick.requests)
    assert len(slow.requests) + len(quick.requests) == 60


@pytest.mark.parametrize(
    "answer",
    [failure(401, "bad key"), failure(402), failure(307, headers={"Location": "http://127.0.0.1:9/v1"}),
     Answer(429, b'{"error": {"code": "insufficient_quota", "message": "no money"}}'), failure(404, "no such model")],
    ids=["key", "money", "redirect", "quota", "model"],
)  # fmt: skip
def test_an_endpoint_that_serves_nobody_stops_the_run_and_fails_nothing(answer: Answer) -> None:
    with Server(lambda seen: answer) as server:
        assert "no endpoint is left" in stops_with_nothing(Asked([server], nproc=1))
    assert len(server.requests) == 1


def test_options_that_the_server_refuses_stop_the_run_and_fail_nothing() -> None:
    with Server(lambda seen: failure(400, "temperature must be 1")) as server:
        assert "temperature must be 1" in stops_with_nothing(Asked([server], nproc=2))
    assert len(server.requests) <= 4


def test_a_server_behind_which_all_is_down_is_given_up() -> None:
    with Server(lambda seen: failure(502, "bad gateway")) as server:
        assert "bad gateway, 4 times in a row" in stops_with_nothing(Asked([server], nproc=4))


def test_a_server_that_only_throttles_gets_more_time() -> None:
    with Server(lambda seen: honest(seen) if seen.number >= 6 else failure(429)) as server:
        assert errors(Asked([server], nproc=1).draw(n=1)) == [None]
    assert len(server.requests) == 7


# The key


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_server_that_repeats_the_key_does_not_spread_it(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def parrot(seen: Seen) -> Answer:
        told = seen.headers["authorization"]
        if status == 200 and seen.number % 2:
            message = {"content": "4", "reasoning_content": f"They said {told}"}
            return Answer(body=json.dumps({"choices": [{"message": message}]}).encode())
        return completion(f"you said {told}", finish=told) if status == 200 else failure(status, f"bad {told}")

    with Server(parrot) as server:
        run = Asked([server], nproc=1)
        try:
            said = repr(run.draw(n=1, problems=4))
        except PolicyError as error:
            said = str(error)
    assert "[key]" in said
    assert KEY not in said + repr(run.warnings) + caplog.text + repr(run.policy.settings()) + repr(run.policy._options)


def test_without_a_key_none_is_sent() -> None:
    with Server() as server:
        Asked([server], key=None).draw(n=1)
    assert "authorization" not in server.requests[0].headers


def test_no_waiting_is_busy() -> None:
    with Server(lambda seen: completion("x", delay_s=1.0)) as server:
        before = time.thread_time()
        Asked([server]).draw(n=1)
        assert time.thread_time() - before < 0.5


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A proxy for everything, which answers itself."""
    for name in ("no_proxy", "NO_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://user:secret-password@127.0.0.1:{proxy.port}")
        yield proxy


def test_no_proxy_sees_requests_to_this_machine(proxied: Server) -> None:
    with Server() as server:
        urls = [f"http://{host}:{server.port}/v1" for host in ("127.0.0.1", "localhost")]
        Asked(urls, nproc=2).draw(n=1, problems=8)
    assert len(server.requests) == 8 and proxied.requests == []


def test_a_proxy_is_used_and_named_without_its_password(proxied: Server) -> None:
    run = Asked(["http://model.example:8000/v1"])
    run.draw(n=1)
    (seen,) = proxied.requests
    assert seen.path == "http://model.example:8000/v1/chat/completions"
    proxied.answer = lambda _: failure(407, "who are you?")
    way = f"through the proxy http://127.0.0.1:{proxied.port} (HTTP_PROXY)"
    (candidate,) = run.draw(n=1).values()
    assert candidate.error is not None and candidate.error.endswith(f"HTTP 407: who are you? {way}")
    proxied.die()
    with pytest.raises(PolicyError, match=r"cannot be reached .* through the proxy") as caught:
        run.draw(n=1)
    assert way in str(caught.value)
    assert "secret-password" not in str(caught.value) + repr(run.warnings) + repr(candidate)


def test_a_proxy_that_cannot_be_used_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch, proxied: Server) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks://h:1")
    with pytest.raises(ConfigError, match=r"HTTP_PROXY=socks://h:1 cannot be used as the proxy for http://mod"):
        Asked(["http://model.example:8000/v1"]).draw(n=1)
    assert proxied.requests == []
