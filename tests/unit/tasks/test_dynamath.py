"""DynaMath's metric, by hand, and its short answers."""

from __future__ import annotations

import pytest

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.tasks import TASKS
from visualprm_eval.tasks.dynamath import answer, concluded, worst_case


def problem(**groups):
    return Problem("B", "0", "", (Part("text", "?"),), "", "id", groups=groups)


def test_dynamath_counts_questions_whose_variants_are_all_right():
    problems = [problem(qid=question) for question in "aabbbc"]
    assert worst_case(problems, [1, 1, 1, 0, 1, 0]) == pytest.approx(1 / 3)
    assert worst_case(problems, [1, 1, 1, 1, 1, 1]) == 1
    # Chances of independent picks.
    assert worst_case(problems, [0.5, 0.5, 1, 1, 1, 0]) == pytest.approx((0.25 + 1 + 0) / 3)
    assert "for 3 of 3 questions" in TASKS["DynaMath"].remark(problems)


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
