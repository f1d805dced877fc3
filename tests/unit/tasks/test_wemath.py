"""WeMath's strict score, by hand."""

from __future__ import annotations

import math

import pytest

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.tasks import TASKS
from visualprm_eval.tasks.wemath import complete_groups, strict_score


def problem(**groups):
    return Problem("B", "0", "", (Part("text", "?"),), "", "id", groups=groups)


@pytest.mark.parametrize(
    ("steps", "composite", "earned"), [((1, 1), 1, 1), ((1, 1), 0, 0.5), ((1, 0), 1, 0), ((0, 0), 0, 0)]
)
def test_wemath_groups(steps, composite, earned):
    problems = [problem(ID="1", key=f"2steps_{role}") for role in ("2", "multi", "1")]
    assert strict_score(problems, [steps[1], composite, steps[0]]) == earned


def test_wemath_leaves_out_groups_that_are_not_whole():
    keys = ["2steps_1", "2steps_2", "2steps_multi", "3steps_1", "3steps_multi", "3steps_2"]
    problems = [problem(ID="1", key=key) for key in keys]
    assert complete_groups(problems) == {("2", "1"): [0, 1, 2]}
    assert strict_score(problems, [1, 1, 1, 0, 0, 0]) == 1
    assert math.isnan(strict_score(problems[3:], [1, 1, 1]))
    assert "1 groups that are present" in TASKS["WeMath"].remark(problems)
