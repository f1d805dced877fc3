"""SIGTERM and SIGHUP end a run as Ctrl-C does."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from visualprm_eval.core import interrupts
from visualprm_eval.core.interrupts import Interrupted, check_interrupted, ending_signals
from visualprm_eval.core.progress import track

pytestmark = pytest.mark.usefixtures("usual_signals")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_raised_and_the_handlers_come_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught, ending_signals():
        os.kill(os.getpid(), number)
    assert caught.value.number == number
    assert isinstance(caught.value, KeyboardInterrupt), "nothing that catches errors may swallow it"
    assert signal.getsignal(number) is before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # As nohup does.
    try:
        with ending_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            check_interrupted()
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_same_request_twice_does_not_stop_the_clean_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = []
    with pytest.raises(Interrupted), ending_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append(True)
    assert cleaned
    monkeypatch.setattr(interrupts, "_ONE_REQUEST_S", 0.0)
    with pytest.raises(Interrupted), ending_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # Somebody insists.
            cleaned.append(False)
    assert cleaned == [True]


def test_one_that_others_swallowed_comes_with_the_next_piece_of_work() -> None:
    with pytest.raises(Interrupted), ending_signals():
        with suppress(BaseException):  # As some of the host's modules do.
            os.kill(os.getpid(), signal.SIGTERM)
        with track("work", 2) as tracker:
            tracker.advance()
            pytest.fail("the work goes on")


def test_a_forked_child_can_be_ended() -> None:
    with ending_signals():
        child = os.fork()
        if child == 0:
            is_default = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            os._exit(0 if is_default and signal.getsignal(signal.SIGINT) is signal.default_int_handler else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
