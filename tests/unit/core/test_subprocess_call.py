"""Work in a process of its own: the outcome, and what happens when that process cannot do it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from visualprm_eval.core.subprocess_call import beside
from visualprm_eval.core.types import text_id


def process_id(prefix: str, *, suffix: str = "") -> str:
    return f"{prefix}{os.getpid()}{suffix}"


def only_here(here: int) -> int:
    if os.getpid() != here:
        raise ValueError
    return here


def refuse(what: str) -> str:
    raise ValueError(f"refused {what}")


def test_another_process_does_the_work():
    with beside(process_id, "<", suffix=">") as outcome:
        told = outcome()
        assert told.startswith("<") and told.endswith(">")
        assert told != f"<{os.getpid()}>"
        assert outcome() == told, "the work is done once"


def test_much_goes_there_and_comes_back():
    text = "word " * 1_000_000
    with beside(str.upper, text) as outcome, beside(text_id, text) as other:
        assert outcome() == text.upper()
        assert other() == text_id(text)


def test_what_fails_there_is_done_here():
    with beside(only_here, os.getpid()) as outcome:
        assert outcome() == os.getpid()
    with beside(refuse, "this") as outcome, pytest.raises(ValueError, match="refused this"):
        outcome()


def test_where_no_process_can_run_the_work_is_done_here(monkeypatch):
    monkeypatch.setattr(sys, "executable", "")
    with beside(process_id, "") as outcome:
        assert outcome() == str(os.getpid())


def test_who_does_not_wait_leaves_nothing_behind(monkeypatch):
    started = []

    class Watched(subprocess.Popen):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    with beside(time.sleep, 600):
        assert started[0].poll() is None
    assert started[0].returncode == -signal.SIGKILL
