from __future__ import annotations

import pytest

from visualprm_eval.tasks import task_for


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("I count.\n\nThe final answer is {ACB}.", "{ACB}"),
        ("So it is {blue square}", "{blue square}"),
        ("The ratio is \\frac{1}{2}.\n\nThe answer is {12}", "{12}"),
        ("As $x^{2}$ is 49:\n\n\\boxed{7}", "{7}"),
        ("The answer is 12.5.", "{12.5}"),
        ("The answer is Yes.", "{Yes}"),
        ("First {3}, then {4}.", "{4}"),
        ("<think>{9}</think>It is {8}", "{8}"),
        ("rows={5} columns={6}", "rows={5} columns={6}"),
        ("Rows: {5}, columns: {6}", "Rows: {5} columns: {6}"),
        ("The answer is {5,6}", "{5,6} (5, 6)"),
        ("I cannot say.", "I cannot say."),
    ],
)
def test_graders_that_read_braces_get_them(text, shown):
    for name in ("ZEROBench", "ZEROBench_sub", "VLMBlind"):
        assert task_for(name).shown(text, "final") == shown
    assert task_for("ZEROBench").shown(text, "raw") == text.removeprefix("<think>{9}</think>")


def test_votes_do_not_depend_on_the_braces():
    task = task_for("ZEROBench")
    votes = {task.answer(text, {}) for text in ("It is {7}", "The answer is 7.", r"\boxed{7}", "{7}")}
    assert len(votes) == 1
    grids = {task.answer(text, {}) for text in ("rows={5} columns={6}", "So rows: {5}, columns: {6}.")}
    assert len(grids) == 1


def test_prompts_ask_for_the_braces_that_questions_do_not_ask_for():
    assert "{final answer}" in task_for("ZEROBench").answer_request({})
    assert "curly braces" in task_for("ZEROBench").note_on_prompt("cot")
    assert task_for("VLMBlind").answer_request is None, "its questions say so"
