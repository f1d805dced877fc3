"""What grading may cost: requests, and tokens with all that a judge reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.types import Part, Problem, Spec
from visualprm_eval.host.data.benchmarks import Benchmark
from visualprm_eval.stages.experiment import Cell
from visualprm_eval.stages.grade.judge_cost import Estimate, estimate
from visualprm_eval.tasks import task_for


def cell(name: str, note: str = "") -> Cell:
    task = replace(task_for(name), note=note)
    problems = [Problem(name, str(number), "", (Part("text", "q" * 40),), "", f"p{number}") for number in range(2)]
    return Cell("P", Spec("sampling", {"policy": "P"}), Benchmark(name, task, None, problems), 1)


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
    found = estimate(cell(name), JudgeOptions(name="local"), KNOWN, 0, 4096)
    total = 2 * requests
    assert found == Estimate(total, round(total * characters / 4), total * 16, total * most)


def test_new_texts_are_as_long_as_known_ones() -> None:
    found = estimate(cell("MathVista_MINI"), JudgeOptions(name="local"), KNOWN, 2, 4096)
    assert found.prompt_tokens == 4 * (1740 + 40 + 60) // 4
    alone = estimate(cell("MathVista_MINI"), JudgeOptions(name="local"), [], 1, 100)
    assert alone.prompt_tokens == (1740 + 40 + 400) // 4


def test_a_grader_that_nobody_told_us_of_is_tried_first() -> None:
    assert estimate(cell("MathVista_MINI", note="no task"), JudgeOptions(name="local"), KNOWN, 0, 1).requests == 2 + 8
    assert estimate(cell("MathVista_MINI", note="no task"), JudgeOptions(name="local"), [], 0, 1).requests == 0


def test_without_a_judge_nothing_is_paid() -> None:
    assert estimate(cell("WeMath"), JudgeOptions(name="exact_matching"), KNOWN, 5, 1) == Estimate(0, 0, 0, 0)
