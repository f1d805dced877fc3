"""Progress lines in a log."""

from __future__ import annotations

import io

import pytest

from visualprm_eval.core import progress


def test_a_log_gets_a_first_and_a_last_line() -> None:
    out = io.StringIO()
    with progress.track("score", 3, out) as tracker:
        tracker.advance(2)
        tracker.advance()
    lines = out.getvalue().splitlines()
    assert lines[0] == "score: 0/3"
    assert lines[-1].startswith("score: 3/3, ")
    assert len(lines) == 2


def test_long_work_tells_an_eta(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 20.0, 30.0, 60.0, 61.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    with progress.track("score", 100, out) as tracker:
        tracker.advance(25)
        tracker.advance(5)  # too soon for another line
        tracker.advance(30)
    lines = out.getvalue().splitlines()
    assert lines[1] == "score: 25/100 (25%), 20 s, ETA 60 s"
    assert lines[2] == "score: 60/100 (60%), 60 s, ETA 40 s"
    assert len(lines) == 4


def test_work_that_fails_says_how_far_it_got() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), progress.track("score", 3, out) as tracker:
        tracker.advance()
        raise RuntimeError
    assert out.getvalue().splitlines()[-1].startswith("score: 1/3")


def test_a_terminal_gets_a_bar_with_names_as_text() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with progress.track("score [bold]x[/bold]", 1, out) as tracker:
        tracker.advance()
    assert "[bold]x" in out.getvalue()
