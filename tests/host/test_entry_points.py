from __future__ import annotations

import json
import logging
import sys

import pytest

from visualprm_eval.cli import main


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


@pytest.mark.parametrize(("command", "name"), [("dlist", "DemoWorld"), ("mlist", "demo-policy")])
def test_lists_show_ours(command, name, capsys):
    assert main(["host", command]) == 0
    assert name in capsys.readouterr().out.split()
    assert main(["host", command, "all"]) == 0
    assert name in capsys.readouterr().out.split()


def test_the_hosts_own_run_grades_the_demo(demo_world, fake_model, tmp_path):
    work = tmp_path / "work"
    assert main(["host", "run", "--data", "DemoWorld", "--model", fake_model, "--work-dir", str(work)]) == 0
    status = json.loads((work / fake_model / "status.json").read_text())
    assert status["datasets"]["DemoWorld"]["metrics"]["Overall"] == 75.0


@pytest.mark.filterwarnings("ignore:Data")
@pytest.mark.parametrize(
    "arguments",
    [["--data", "DemoWorld", "--model", "no-such-model"], ["--data", "NoSuchData", "--model", "fake-model"]],
)
def test_the_hosts_failures_become_exit_codes(demo_world, fake_model, tmp_path, arguments, capsys):
    assert main(["host", "run", *arguments, "--work-dir", str(tmp_path / "work")]) == 1
    assert "The host reported an error" in capsys.readouterr().err


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
