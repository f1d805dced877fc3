"""The process that is the host's own: its exit status is ours, and it ends when ours has to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from visualprm_eval.host.load import entry_points

LINE = """
import sys
from visualprm_eval.host.load import entry_points
from visualprm_eval.run.process import run_command
entry_points._BOOT = {boot!r}
sys.exit(run_command(lambda: entry_points.start("run", []), str))
"""
PATIENT = """
import os, signal, time
def end(number, frame):
    print("ended", flush=True)
    os._exit(5)
signal.signal(signal.{name}, end)
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("boot", "status"),
    [
        ("import sys; sys.exit(7)", 7),
        ("import sys; sys.exit('run' not in sys.argv or '--data' not in sys.argv)", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
    ],
)
def test_its_exit_status_is_ours(boot: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_points, "_BOOT", boot)
    assert entry_points.start("run", ["--data", "X"]) == status


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_with_ours(name: str) -> None:
    line = [sys.executable, "-c", LINE.format(boot=PATIENT.format(name=name))]
    started = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen(line, **started) as process:  # type: ignore[call-overload]
        child = int(process.stdout.readline())
        process.send_signal(signal.Signals[name])
        if name == "SIGINT":  # A terminal sends it to both.
            os.kill(child, signal.SIGINT)
        said = process.communicate(timeout=120)
    assert said[0] == "ended\n"
    assert process.returncode == 128 + signal.Signals[name]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
