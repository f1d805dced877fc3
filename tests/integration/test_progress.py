"""Whatever may take long says what it works on: which policy, which benchmark, and how far it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.integration.conftest import Run


@pytest.mark.usefixtures("inline")
def test_every_stage_tells(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("host.data.benchmarks", "stages.grade.confirm"):
        monkeypatch.setattr(f"visualprm_eval.{module}.QUIET_S", 0.0)
    output = run("--demo", "--limit", "3", "-n", "2", "--reranker", "visualprm", "oracle", "--work-dir", tmp_path)
    of = "demo-policy on DemoWorld"
    told = [
        "read DemoWorld with its pictures: 0/3", "read DemoWorld with its pictures: 3/3",
        f"sample {of}: 0/6", f"sample {of}: 6/6",
        rf"score {of} with visualprm: 0/\d", rf"score {of} with visualprm: (\d)/\1",
        rf"grade {of}: 0/\d", rf"grade {of}: (\d)/\1",
        rf"{of}: the host's own figures of picks, rows: 0/9", rf"{of}: the host's own figures of picks, rows: 9/9",
        "evaluate: 0/2", "evaluate: 2/2", "write the report: 0/7", "write the report: 7/7",
    ]  # fmt: skip
    lines = iter(output.splitlines())
    for pattern in told:  # In this order.
        assert any(re.match(pattern, line) for line in lines), f"{pattern} in\n{output}"
