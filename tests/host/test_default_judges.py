"""The default judges, which decide what is marked as exact matching: those of the host's own rule, of either host."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from visualprm_eval.core.errors import HostError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.load import runner
from visualprm_eval.host.load.runner import default_judge, load_runner

JUDGES = """
import json
from visualprm_eval.host.load.bridge import load_host
load_host()
from tests.host.test_default_judges import judges
print(json.dumps(judges()))
"""
MOVED = {f"MMLongBench_{size}K": ["gpt-4o", "gpt-5.5-2026-04-24"] for size in (32, 128, 256, 512)}
"""Names for which the rules of the package and of the checkout differ."""


def judges():
    """Type and default judge of every dataset of the host; some of videos have no type of their class."""
    from vlmeval.dataset import DATASET_CLASSES

    typed = [cls for cls in reversed(DATASET_CLASSES) if isinstance(getattr(cls, "TYPE", None), str)]
    types = {name: cls.TYPE for cls in typed for name in cls.supported_datasets()}
    return {name: [kind, default_judge(name, kind)] for name, kind in types.items()}


def test_they_are_what_the_runner_itself_would_take():
    rule, found = load_runner().get_judge_kwargs, judges()
    assert found == {
        name: [kind, rule(name, kind, runner._NO_OPTIONS).get("model")] for name, (kind, _) in found.items()
    }
    assert found["MathVista_MINI"] == ["VQA", "gpt-4o-mini"]
    assert found["ChartQA_TEST"] == ["VQA", None]
    assert {judge for _, judge in found.values()} > {None, "exact_matching", "gpt-4o", "gpt-4-turbo"}


def test_both_hosts_take_the_same(host):
    """What a checkout lacks or has besides is left out, and so is what is of another type in it."""
    if host.kind == "package":
        pytest.skip("there is one host only: VLMEVALKIT names no checkout")
    root = Path(__file__).parents[2]
    path = [str(root), str(importlib.metadata.distribution("ms-vlmeval").locate_file(""))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    environment.pop("VLMEVALKIT")
    line = [sys.executable, "-P", "-c", JUDGES]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=environment)
    packaged, ours = json.loads(done.stdout), judges()
    both = [name for name in packaged if name in ours and packaged[name][0] == ours[name][0]]
    assert len(both) > 400
    rule = {name: [packaged[name][1], ours[name][1]] for name in both if packaged[name] != ours[name]}
    assert rule == {name: pair for name, pair in MOVED.items() if name in both}
    assert default_judge("MMLongBench_32K", "VQA") == "gpt-5.5-2026-04-24"


@pytest.mark.parametrize(
    "text",
    ["", "def get_judge_kwargs(name, kind):\n    return {}\n", "def get_judge_kwargs(*a):\n    return other()\n"],
)
def test_a_rule_that_cannot_be_read_is_an_error(text, tmp_path, monkeypatch):
    file = tmp_path / "run.py"
    file.write_text(f"raise AssertionError('imported')\n{text}")
    monkeypatch.setattr(runner, "runner_file", lambda: file)
    with pytest.raises(HostError, match=r"run\.py does not tell the default judge of MMStar: .* April to August 2026"):
        default_judge("MMStar", "MCQ")


def test_a_benchmark_without_a_task_of_its_own_knows_its_judge(mmstar):
    task = load_benchmark("MMStar").task
    assert task.host_judge == "gpt-4o-mini"
    assert not task.needs_judge
