"""Sampled on one machine, scored on another, graded on a third, reported where nothing is installed: the same table."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import ROOT, Run, read_rows
from visualprm_eval.cli import main

DEMO = ("--demo", "--limit", "4", "-n", "2", "--reranker", "greedy", "visualprm", "self-consistency", "oracle")


def test_each_stage_on_a_machine_of_its_own(run: Run, tmp_path: Path) -> None:
    whole, sampler, scorer, grader = (tmp_path / name for name in ("whole", "sampler", "scorer", "grader"))
    run(*DEMO, "--work-dir", whole)
    run(*DEMO, "--stages", "sample", "--work-dir", sampler)
    assert main(["merge", str(sampler), "-o", str(scorer)]) == 0
    run(*DEMO, "--stages", "score", "--work-dir", scorer)
    assert main(["merge", str(sampler), str(scorer), "-o", str(grader)]) == 0
    output = run(*DEMO, "--stages", "grade", "report", "--work-dir", grader)
    assert "sample demo-policy" not in output
    assert read_rows(grader) == read_rows(whole)

    reporter = tmp_path / "reporter"
    reporter.mkdir()
    shutil.copy(grader / "store.sqlite", reporter)
    command = [sys.executable, "-m", "tests.blocked", "torch,transformers,vlmeval", "run", *DEMO]
    done = subprocess.run(
        [*command, "--stages", "report", "--work-dir", str(reporter)],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert read_rows(reporter) == read_rows(whole)
