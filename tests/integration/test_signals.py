"""A run that is asked to end says so, keeps what it has, and goes on when it is started again."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.conftest import command
from visualprm_eval.store import STORE_FILE, Store

pytestmark = pytest.mark.usefixtures("usual_signals")


def ended(work_dir: Path, number: signal.Signals, *, once_said: str) -> tuple[int, str]:
    """The exit status and the messages of a demo that gets a signal when it has said something."""
    told = work_dir.with_suffix(".txt")
    line = command("--demo", "--limit", "200", "-n", "8", "--batch-size", "8", "--work-dir", work_dir)
    with told.open("w") as file, subprocess.Popen(line, stdout=file, stderr=file) as process:
        deadline = time.monotonic() + 300
        while once_said not in told.read_text() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(number)
        return process.wait(120), told.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_amid_the_sampling(tmp_path: Path, number: signal.Signals) -> None:
    status, told = ended(tmp_path / "out", number, once_said="sample demo-policy on DemoWorld: 0/")
    assert status == 128 + number
    assert told.rstrip().endswith(
        f"interrupted by {number.name}; all that was done is stored: run the same command again to go on"
    )
    assert "Traceback" not in told
    with Store.open(tmp_path / "out" / STORE_FILE) as store:  # Its lock is free.
        assert store.specs("sampling")
