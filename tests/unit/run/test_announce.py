"""The line that a command begins with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from visualprm_eval.core.config import DEMO, RunConfig, SamplingOptions, StepLabelOptions
from visualprm_eval.run.announce import announce, run_line

TWO = RunConfig(("A", "B"), ("X", "Y", "Z"))


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (TWO, "work dir outputs, 2 policies, 3 benchmarks, N = 8"),
        (DEMO, "work dir outputs, policy demo-policy, benchmark DemoWorld, N = 8"),
        (
            replace(TWO, stages=("score", "grade")),
            "work dir outputs, 2 policies, 3 benchmarks, N = 8, only score and grade",
        ),
        (replace(TWO, dry_run=True), "work dir outputs, 2 policies, 3 benchmarks, N = 8 (dry run)"),
        (
            RunConfig(data=("X",), candidates=Path("p.jsonl"), sampling=SamplingOptions(num_samples=None)),
            "work dir outputs, candidates of p.jsonl, benchmark X",
        ),
        (
            RunConfig(data=("VisualProcessBench",), step_labels=StepLabelOptions(("visualprm", "random"))),
            "work dir outputs, 2 critics, benchmark VisualProcessBench",
        ),
    ],
)
def test_it_says_what_a_run_is_about(config: RunConfig, line: str) -> None:
    assert run_line(config) == line


@pytest.mark.parametrize(("rank", "err"), [(None, "look\n"), ("0", "look\n"), ("1", "")])
def test_one_rank_says_it_for_all(
    rank: str | None, err: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("RANK", rank)
    announce("look")
    assert capsys.readouterr() == ("", err)
