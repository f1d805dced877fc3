from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from visualprm_eval.cli import main
from visualprm_eval.host.load import runner
from visualprm_eval.host.load.entry_points import become_host


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """The host's runner sets up logging for its whole process, and reads the process's command line."""
    monkeypatch.setattr(sys, "argv", ["test"])
    logger = logging.getLogger("vlmeval")
    before = list(logger.handlers), logger.level, logger.propagate
    yield
    for handler in [handler for handler in logger.handlers if handler not in before[0]]:
        handler.close()
    logger.handlers[:], logger.propagate = before[0], before[2]
    logger.setLevel(before[1])


@pytest.fixture
def fake_model(monkeypatch):
    from vlmeval.config import supported_VLM
    from vlmeval.vlm.base import BaseModel

    class Fake(BaseModel):
        INTERLEAVE = True

        def generate_inner(self, message, dataset=None):
            if "What is 3" in message[-1]["value"]:
                return "The answer is 99."
            return f"The answer is {int(message[-1]['value'].split()[2]) + 1}."

    monkeypatch.setitem(supported_VLM, "fake-model", Fake)
    return "fake-model"


def test_the_list_shows_ours_and_leaves_nothing_of_the_host_in_our_process(tmp_path):
    line = (
        "import sys; from visualprm_eval.cli import main; status = main(sys.argv[1:]); print('vlmeval' in sys.modules)"
    )
    line += "; sys.exit(status)"
    command = [sys.executable, "-c", line, "host", "mlist"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = done.stdout.split()
    assert "demo-policy" in names and names[-1] == "False"


@pytest.mark.parametrize("rest", [[], ["all"]])
def test_lists_show_ours(rest, capsys):
    assert become_host(["dlist", *rest]) == 0
    assert "DemoWorld" in capsys.readouterr().out.split()


def test_the_hosts_own_run_grades_the_demo(demo_world, fake_model, tmp_path, host):
    work = tmp_path / "work"
    assert become_host(["run", "--data", "DemoWorld", "--model", fake_model, "--work-dir", str(work)]) == 0
    # A checkout gives each run a folder of its own.
    [file] = (work / fake_model).glob("status.json" if host.kind == "package" else "T*/status.json")
    assert json.loads(file.read_text())["datasets"]["DemoWorld"]["metrics"]["Overall"] == 75.0


@pytest.mark.filterwarnings("ignore:Data")
@pytest.mark.parametrize(
    "arguments",
    [["--data", "DemoWorld", "--model", "no-such-model"], ["--data", "NoSuchData", "--model", "fake-model"]],
)
def test_the_hosts_failures_become_exit_codes(demo_world, fake_model, tmp_path, arguments, capsys):
    assert become_host(["run", *arguments, "--work-dir", str(tmp_path / "work")]) == 1
    assert "The host reported an error" in capsys.readouterr().err


def test_a_host_without_a_runner_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(runner, "host_folder", lambda: tmp_path)
    (tmp_path / "__init__.py").touch()
    assert become_host(["run", "--data", "DemoWorld"]) == 2
    assert "has no run.py, neither in it nor beside it" in capsys.readouterr().err
    assert become_host(["sing"]) == 2
    assert "expected one of run, dlist, mlist" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"), [([], "are required: entry"), (["frobnicate"], "expected one of run, dlist, mlist")]
)
def test_wrong_usage(arguments, said, capsys):
    assert main(["host", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_help(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["host", "--help"])
    assert ended.value.code == 0
    assert "run,dlist,mlist" in capsys.readouterr().out
