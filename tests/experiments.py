"""Experiments on a benchmark, for tests of how the host grades."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.core.answers.asking import Equalities
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.types import Spec
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.grading.judge_replies import Asked
from visualprm_eval.stages.experiment import Experiment
from visualprm_eval.stages.grade.grader import Grader

SAMPLING = Spec("sampling", {"policy": "P"})


def experiment_on(benchmark: Benchmark, judge: JudgeOptions, grading: Spec) -> Experiment:
    return Experiment(
        "P", SAMPLING, benchmark, 1, ks=(1,), rerankers=(), scorings={}, judge=benchmark.task.judged_by(judge),
        grading=grading, grade_all=True,
    )  # fmt: skip


def grader_in(directory: Path) -> Grader:
    return Grader(directory, Equalities({}), retry_failed=False, tally=Asked())
