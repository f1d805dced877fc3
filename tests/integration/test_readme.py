"""What the README shows runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.integration.conftest import ROOT
from visualprm_eval.cli import _build_parser

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_the_better_response() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    score, *best = done.stdout.splitlines()
    assert 0 < float(score) <= 1
    assert best[-1] == r"The answer is \boxed{22}."


def test_its_options_exist() -> None:
    run = _build_parser()._subparsers._group_actions[0].choices["run"]
    known = {option for action in run._actions for option in action.option_strings} | {"--quiet"}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README))
    assert named <= known, named - known
