"""What grading may cost: requests, and tokens with all that a judge reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.experiments import experiment_on
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.types import Part, Problem, Spec
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.stages.experiment import Experiment
from visualprm_eval.stages.grade.judge_cost import Estimate, estimate
from visualprm_eval.tasks import task_for


def experiment(name: str, judge: str = "local", note: str = "") -> Experiment:
    task = replace(task_for(name), note=note)
    problems = [Problem(name, str(number), "", (Part("text", "q" * 40),), "", f"p{number}") for number in range(2)]
    return experiment_on(Benchmark(name, task, None, problems), JudgeOptions(name=judge), Spec("grading", {}))


KNOWN = [("p0", "t0", "a" * 60), ("p1", "t1", "a" * 60)]


@pytest.mark.parametrize(
    ("name", "requests", "characters", "most"),
    [
        ("MathVista_MINI", 1, 1740 + 40 + 60, 128),
        ("MathVerse_MINI_Vision_Only", 2, 1470 + 40 + 60, 128),
        ("LogicVista", 1, 1360 + 40 + 60, 128),
        ("DynaMath", 1, 80 + 120 + 60, 2048),
        ("WeMath", 1, 850 + 40 + 60, 2048),
        ("MMMU_DEV_VAL", 1, 710 + 40 + 60, 2048),
    ],
)
def test_tokens_of_all_that_is_read_and_written(name: str, requests: int, characters: int, most: int) -> None:
    found = estimate(experiment(name), KNOWN, 0, 4096)
    total = 2 * requests
    assert found == Estimate(total, round(total * characters / 4), total * 16, total * most)


def test_new_texts_are_as_long_as_known_ones() -> None:
    found = estimate(experiment("MathVista_MINI"), KNOWN, 2, 4096)
    assert found.prompt_tokens == 4 * (1740 + 40 + 60) // 4
    alone = estimate(experiment("MathVista_MINI"), [], 1, 100)
    assert alone.prompt_tokens == (1740 + 40 + 400) // 4


def test_a_grader_that_nobody_told_us_of_is_tried_first() -> None:
    assert estimate(experiment("MathVista_MINI", note="no task"), KNOWN, 0, 1).requests == 2 + 8
    assert estimate(experiment("MathVista_MINI", note="no task"), [], 0, 1).requests == 0


def test_without_a_judge_nothing_is_paid() -> None:
    assert estimate(experiment("WeMath", judge="exact_matching"), KNOWN, 5, 1) == Estimate(0, 0, 0, 0)
