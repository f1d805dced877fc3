"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.integration.conftest import ROOT
from visualprm_eval import cli
from visualprm_eval.bench import __main__ as bench
from visualprm_eval.run import sweep

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """What the example prints."""
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_example_prints_a_response_with_its_score(printed: list[str]) -> None:
    assert 0 < float(printed[0]) <= 1
    assert printed[-1].startswith(r"The answer is \boxed{")


def test_the_example_prints_the_better_response(printed: list[str]) -> None:
    assert printed[-1] == r"The answer is \boxed{19}."


OTHER_TOOLS = {"--nproc-per-node", "--log_samples", "--no-deps"}
"""Options of torchrun, lm-evaluation-harness and pip."""


def test_its_options_exist() -> None:
    commands = [each._subparsers._group_actions[0].choices for each in (cli._build_parser(), bench._build_parser())]
    parsers = [sweep._parser(), *(parser for choices in commands for parser in choices.values())]
    known = {option for parser in parsers for action in parser._actions for option in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z_-]*", README)) - OTHER_TOOLS
    assert named <= known, named - known
