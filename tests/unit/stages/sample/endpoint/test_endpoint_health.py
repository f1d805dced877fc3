"""When an endpoint is paused and when it is given up."""

from __future__ import annotations

from visualprm_eval.stages.sample.endpoint import Patience
from visualprm_eval.stages.sample.endpoint.client import Kind, TroubleError
from visualprm_eval.stages.sample.endpoint.endpoint_health import Endpoint

BROKEN = TroubleError(Kind.PASSING, "HTTP 500: boom", status=500)
AWAY = TroubleError(Kind.UNREACHABLE, "cannot be reached")
BUSY = TroubleError(Kind.THROTTLED, "HTTP 429: slow down", status=429)


def endpoint() -> Endpoint:
    return Endpoint("http://h/v1", Patience(tries=3, first_s=1.0, longest_s=60.0, jitter=lambda: 1.0))


def test_failures_at_the_same_moment_count_once() -> None:
    one = endpoint()
    for place in range(50):
        assert not one.failed(BROKEN, f"p{place}", sent_at=0.0, now=1.0 + place / 1000)
    assert one.in_a_row == 1
    assert one.paused_until == 0.0, "one odd failure holds up nobody"


def test_many_problems_failing_in_a_row_end_it() -> None:
    one = endpoint()
    assert [one.failed(BROKEN, f"p{at}", sent_at=at, now=at + 0.5) for at in (1.0, 2.0, 3.0)] == [False, False, True]
    assert one.gone == "HTTP 500: boom, 3 times in a row"


def test_a_problem_that_nobody_can_answer_does_not_end_it() -> None:
    one = endpoint()
    assert not any(one.failed(BROKEN, "p", sent_at=at, now=at + 0.5) for at in map(float, range(1, 20)))


def test_a_success_starts_anew() -> None:
    one = endpoint()
    for at in map(float, range(1, 20)):
        assert not one.failed(BROKEN, f"p{at}", sent_at=at, now=at + 0.5)
        one.succeeded()


def test_one_that_cannot_be_reached_is_paused_longer_and_longer_and_given_up() -> None:
    one = endpoint()
    assert not one.failed(AWAY, "p", sent_at=0.0, now=0.0)
    assert one.paused_until == 1.0
    assert not one.failed(AWAY, "p", sent_at=1.0, now=1.0)
    assert one.paused_until == 3.0
    assert one.failed(AWAY, "p", sent_at=3.0, now=3.0)


def test_one_that_throttles_gets_twice_the_tries() -> None:
    one = endpoint()
    assert [one.failed(BUSY, f"p{at}", sent_at=at, now=at) for at in map(float, range(1, 7))] == [False] * 5 + [True]


def test_the_wait_that_it_asks_for_holds() -> None:
    one = endpoint()
    one.failed(TroubleError(Kind.THROTTLED, "x", wait_s=30.0), "p", sent_at=0.0, now=5.0)
    one.failed(TroubleError(Kind.THROTTLED, "x", wait_s=3.0), "q", sent_at=0.0, now=6.0)
    assert one.paused_until == 35.0
    assert not one.failed(TroubleError(Kind.THROTTLED, "x", wait_s=600.0), "p", sent_at=0.0, now=5.0)
    assert (one.paused_until, one.gone) == (605.0, None)


def test_refusals_end_it_only_while_nothing_has_worked() -> None:
    refusal, forbidden = TroubleError(Kind.REFUSED, "no", status=400), TroubleError(Kind.REFUSED, "no", status=403)
    one = endpoint()
    assert [one.refused(refusal, name) for name in "ppqr"] == [False, False, False, True]
    assert endpoint().refused(forbidden, "p")
    sound = endpoint()
    sound.succeeded()
    assert not any(sound.refused(trouble, name) for name in "pqrst" for trouble in (refusal, forbidden))
    assert sound.refused(TroubleError(Kind.UNSERVED, "key was withdrawn", status=401), "p")
