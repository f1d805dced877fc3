"""The metrics of tasks, by hand."""

from __future__ import annotations

import math

import pytest

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.tasks import SUITES, TASKS, host_name
from visualprm_eval.tasks.dynamath import answer, concluded, worst_case
from visualprm_eval.tasks.wemath import complete_groups, strict_score


def problem(**groups):
    return Problem("B", "0", "", (Part("text", "?"),), "", "id", groups=groups)


def test_dynamath_counts_questions_whose_variants_are_all_right():
    problems = [problem(qid=question) for question in "aabbbc"]
    assert worst_case(problems, [1, 1, 1, 0, 1, 0]) == pytest.approx(1 / 3)
    assert worst_case(problems, [1, 1, 1, 1, 1, 1]) == 1
    # Chances of independent picks.
    assert worst_case(problems, [0.5, 0.5, 1, 1, 1, 0]) == pytest.approx((0.25 + 1 + 0) / 3)
    assert "for 3 of 3 questions" in TASKS["DynaMath"].remark(problems)


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


@pytest.mark.parametrize("name", ["DynaMath", "WeMath"])
def test_a_store_that_knows_no_groups_gives_no_value(name):
    """One that an older version wrote, on a machine without the host."""
    task = TASKS[name]
    assert math.isnan(task.aggregate([problem(), problem()], [1, 1]))
    assert "the store does not know" in task.remark([problem()])


def test_the_suite_is_table_2():
    columns = [TASKS[name].published.column for name in SUITES["table2"]]
    assert columns == ["MMMU", "MathVista", "MathVision", "MathVerse-VO", "DynaMath", "WeMath", "LogicVista"]
    assert TASKS["MathVision_MINI"].split_label != TASKS["MathVision"].split_label


@pytest.mark.parametrize(
    ("name", "host"), [("MMMU", "MMMU_DEV_VAL"), ("MathVision", "MathVision"), ("MathVerse-VO", SUITES["table2"][3]),
                       ("MMStar", "MMStar")]
)  # fmt: skip
def test_short_names(name, host):
    assert host_name(name) == host


def test_votes_on_dynamath():
    said = '{"solution": "3 + 4 is\\n\\n7", "short answer": "7.000"}'
    assert answer(said, {}) == "7"
    assert answer('{"short answer": 7}', {}) == "7"
    assert answer("So {x} is what?\n\nAnswer: \\boxed{7}", {}) == "7"
    assert answer("{" * 10_000 + "}" * 10_000, {}) is None


@pytest.mark.parametrize(
    ("said", "short"),
    [
        ('{"solution": "I look.", "short answer": "7.000"}', "7.000"),
        ('{"short answer": "7.000", "solution": "The answer is 8."}', "7.000"),
        ('```json\n{\n  "solution": "I look.",\n  "short answer": "7.000"\n}\n```', "7.000"),
        ('As $\\frac{14}{2}$ says {7}:\n{"solution": "\\frac{14}{2}", "short answer": "$7.000$"}', "7.000"),
        ('{"solution": "They say "seven".", "short answer": 7.000}', "7.000"),
        ('{"solution": "The answer is 8.", "short answer": ""}', None),
        ("A sum gives 2.\n\nThe answer is 7.", "7"),
        ("I do not know", None),
    ],
    ids=["one line", "reversed", "fenced", "braces before it", "quotes inside", "empty", "no object", "no answer"],
)
def test_dynamath_concludes_with_its_short_answer(said, short):
    assert concluded(said) == short
    assert TASKS["DynaMath"].shown(said, "final") == (short or said)
    assert answer(said, {}) == (None if short is None else "7"), "votes read the same"
