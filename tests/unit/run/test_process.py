"""How a command ends: its message, its exit status, and what becomes of output that nobody reads."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from visualprm_eval.cli import main
from visualprm_eval.core.error_text import LONGEST
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.run.process import FAULT_FILE, run_command


def ended(capsys: pytest.CaptureFixture[str], error: BaseException) -> tuple[int, str]:
    def command() -> int:
        raise error

    status = run_command(command, lambda error: f"a fault: {error}")
    return status, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ConfigError("--k 9"), 2, "error: --k 9\n"),
        (MemoryError(), 2, "error: the machine's memory is full"),
        (OSError(errno.ENOSPC, "No space left on device", "/x/y"), 2, "error: No space left on device: /x/y; "),
        (KeyboardInterrupt(), 130, "interrupted; all that was done is stored"),
        (KeyError("x\x1b"), 3, "error: a fault: "),
        (OSError(errno.EBADF, "Bad file descriptor"), 3, "error: a fault: "),
        (BrokenPipeError(), 128 + signal.SIGPIPE, ""),
    ],
)
def test_endings(capsys: pytest.CaptureFixture[str], error: BaseException, status: int, said: str) -> None:
    assert ended(capsys, error)[0] == status
    _, told = ended(capsys, error)
    assert told.startswith(said)
    assert told.count("\n") == bool(said)


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_command(capsys: pytest.CaptureFixture[str], number: signal.Signals) -> None:
    status = run_command(lambda: os.kill(os.getpid(), number), lambda _: "")
    assert status == 128 + number
    assert capsys.readouterr().err.startswith(f"interrupted by {number.name}; all that was done is stored")


def test_a_fault_of_ours_is_a_short_message_and_a_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("sk-secret-key \x1b[31m")

    monkeypatch.setattr("visualprm_eval.run.plan_report.report", broken)
    line = ["report", "--work-dir", str(tmp_path)]
    assert main(line) == 3
    _, error = capsys.readouterr().err.split("\n", 1)  # After the line that a command begins with.
    assert error.startswith("error: this is a fault of visualprm_eval, in cli.py, _report: ZeroDivisionError: ")
    assert error.count("\n") == 1
    assert str(tmp_path / FAULT_FILE) in error
    assert "in broken" in (tmp_path / FAULT_FILE).read_text()


def test_keys_are_not_in_the_file_and_verbose_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("sk-secret-key")

    monkeypatch.setattr("visualprm_eval.run.pipeline.run", broken)
    line = ["run", "--model", "m", "--data", "D", "--base-url", "http://127.0.0.1:9", "--key", "sk-secret-key"]
    assert main([*line, "--work-dir", str(tmp_path)]) == 3
    assert main([*line, "--work-dir", str(tmp_path), "--verbose"]) == 3
    error = capsys.readouterr().err
    assert "Traceback (most recent call last)" in error
    assert "sk-secret" not in error + (tmp_path / FAULT_FILE).read_text()


def test_exit_called_by_somebody_is_no_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualprm_eval.run.plan_report.report", lambda *_: sys.exit(0))
    assert main(["report", "--work-dir", "nowhere"]) == 3
    assert "something called exit(0)" in capsys.readouterr().err


def shell(line: str, code: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text("import os, sys\nfrom visualprm_eval.core.visible import say, tell\n"
                      "from visualprm_eval.run.process import leave, run_command\n" + textwrap.dedent(code)
                      + "\nleave(run_command(command, repr))\n")  # fmt: skip
    line = line.replace("SCRIPT", f"{sys.executable} {script}")
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)


def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path) -> None:
    code = "def command():\n    for number in range(100_000):\n        say(f'line {number}')\n"
    done = shell("SCRIPT | head -1; echo ${PIPESTATUS[0]}", code, tmp_path)
    assert (done.stdout, done.stderr) == ("line 0\n141\n", "")


def test_a_closed_output_is_no_error_and_no_file_takes_its_place(tmp_path: Path) -> None:
    code = f"""
    def command():
        with open({str(tmp_path / "file")!r}, "w") as file:
            say("a result")
            os.write(1, b"a library")
            tell("a note")
            assert file.fileno() > 2
    """
    done = shell("SCRIPT >&- 2>&- <&-; echo $? > STATUS".replace("STATUS", str(tmp_path / "status")), code, tmp_path)
    assert (tmp_path / "status").read_text() == "0\n"
    assert (tmp_path / "file").read_text() == ""
    assert done.stdout == ""


def test_a_terminal_without_a_sign_gets_an_escape(tmp_path: Path) -> None:
    done = shell("PYTHONUTF8=0 PYTHONIOENCODING=ascii SCRIPT", "def command():\n    say('é – \\udcff')\n", tmp_path)
    assert done.stdout == "\\xe9 \\u2013 \\udcff\n"


def test_a_full_disk_behind_the_output_is_told(tmp_path: Path) -> None:
    done = shell("SCRIPT > /dev/full", "def command():\n    say('x')\n", tmp_path)
    assert done.stderr.startswith("error: No space left on device")
    assert done.stderr.count("\n") == 1
    assert done.returncode == 2


def test_a_list_of_lines_is_told_whole_and_a_long_line_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> int:
        raise ConfigError("\n".join([*(f"file {number} {'x' * 300} is missing" for number in range(20)), "y" * 9000]))

    assert run_command(command, str) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.endswith("is missing") for line in told] == [True] * 20 + [False]
    assert len(told[-1]) == LONGEST and "y ... (9,000 characters) ... y" in told[-1]
