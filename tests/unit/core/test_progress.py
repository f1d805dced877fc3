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


def test_short_work_says_nothing_where_it_need_not() -> None:
    out = io.StringIO()
    with progress.track("read", 3, out, after_s=2.0) as tracker:
        tracker.advance(3)
    assert out.getvalue() == ""


def test_work_that_turns_out_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 2.5, 3.0, 6.0, 8.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    with progress.track("read", 100, out, after_s=2.0) as tracker:
        for _ in range(4):
            tracker.advance(10)
    assert out.getvalue().splitlines() == [
        "read: 20/100 (20%), 2 s, ETA 10 s",
        "read: 40/100 (40%), 6 s, ETA 9 s",
        "read: 40/100, 8.0 s",
    ]


def test_lines_become_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = range(1, 101)
    clock = iter([0.0, *map(float, seconds), 101.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    out = io.StringIO()
    with progress.track("score", 1000, out) as tracker:
        for _ in seconds:
            tracker.advance()
    told = [line.partition("%), ")[2].partition(" s")[0] for line in out.getvalue().splitlines()[1:-1]]
    assert told == ["3", "6", "12", "24", "39", "54", "69", "84", "99"]


class Shown:
    """What a display was told."""

    def __init__(self) -> None:
        self.reached: list[int] = []

    def advance(self, count: int = 1) -> None:
        raise AssertionError(count)

    def reach(self, count: int) -> None:
        self.reached.append(count)


def test_rows_that_are_worked_on_again_count_once() -> None:
    rows = progress.Rows(shown := Shown())
    with pytest.raises(RuntimeError), rows.part(4) as done:
        done(3)
        raise RuntimeError  # The host stumbles: halves of the table are graded again.
    with rows.part(2) as done:
        done(1)
        done(2)  # More than there are.
    rows.finish(2)
    with rows.part(2, times=2) as done:
        done(1)
        done(1)
    rows.finish(2)
    assert shown.reached == [3, 1, 2, 2, 2, 3, 4]
