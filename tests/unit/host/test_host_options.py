"""Whoever knows the host's command line is told what to use here."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from visualprm_eval.run.host_options import HINTS
from visualprm_eval.run.options import OPTIONS


def options_of_the_host() -> set[str]:
    """The long options of the host's runner, read from its source: in the package, or beside it in a checkout."""
    found = find_spec("vlmeval")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    runner = next(path for path in (package / "run.py", package.parent / "run.py") if path.is_file())
    calls = (node for node in ast.walk(ast.parse(runner.read_text("utf-8"))) if isinstance(node, ast.Call))
    added = (
        call.args[0] for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument"
    )
    return {name.value for name in added if isinstance(name, ast.Constant) and str(name.value).startswith("--")}


def test_each_option_of_the_host_is_one_here_or_has_a_hint() -> None:
    hosts = options_of_the_host()
    assert {"--data", "--reuse", "--judge-args"} <= hosts
    assert hosts <= OPTIONS.keys() | HINTS.keys()


@pytest.mark.parametrize("name", HINTS)
def test_hints_are_for_what_is_no_option_and_name_only_such_as_are(name: str) -> None:
    assert name not in OPTIONS
    words = (word.strip(",;:`") for word in HINTS[name].replace("host run --config", "").split())
    named = {each for word in words if word.startswith("-") for each in [word.rpartition("/")[2]]}
    assert named <= OPTIONS.keys()
