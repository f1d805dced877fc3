from __future__ import annotations

import dataclasses
import math
import subprocess
import sys

import pytest

from visualprm_eval.core.types import Part, Problem
from visualprm_eval.tasks import EXACT_MATCHING, SUITES, TASKS, Task, host_name, task_for
from visualprm_eval.tasks.demo_world.world import TEST_PROBLEMS

STEPS = "There are 3 dots.\n\n3 plus 4 is 7.\n\nThe answer is 7."


def test_demo_task():
    task = task_for("DemoWorld")
    assert task.host_dataset == "DemoWorld"
    assert not task.needs_judge
    assert task.judge == EXACT_MATCHING
    assert task.shows(judged=False) == task.shows(judged=True) == "raw"
    assert task.shown(STEPS, "raw") == STEPS
    assert task.answer(STEPS, {}) == "7"
    assert task.answer("I do not know", {}) is None
    assert task.note == ""


@pytest.mark.parametrize("host_type", ["MCQ", "Y/N"])
def test_types_that_the_host_matches_itself_need_no_judge(host_type):
    task = task_for("Somebody's", host_type=host_type, host_judge="gpt-4o-mini")
    assert not task.needs_judge
    assert task.judge == EXACT_MATCHING
    assert (task.shows(judged=False), task.shows(judged=True)) == ("final", "raw")
    assert task.shown(STEPS, "final") == "7"


def test_judged_types_show_the_whole_text():
    task = task_for("Somebody's", host_type="VQA", host_judge="gpt-4o-mini")
    assert task.needs_judge
    assert task.judge == "gpt-4o-mini"
    assert task.shows(judged=True) == "raw"


def test_short_answers_show_the_final_answer():
    task = task_for("Somebody's", host_type="VQA")
    assert not task.needs_judge
    assert task.shown(STEPS, "final") == "7"
    assert task.shown("seven", "final") == "seven"


def test_a_final_answer_that_is_an_option_is_shown_as_its_letter():
    task = task_for("Somebody's", host_type="MCQ")
    options = {"A": "apple", "B": "banana"}
    text = "A sum gives 2.\n\nThe answer is banana."
    assert task.shown(text, "final", options) == "B"
    assert task.shown(text, "final") == "banana"
    assert task.shown(text, "raw", options) == text
    assert task.shown("I do not know", "final", options) == "I do not know"


def test_the_size_of_the_bundled_benchmark():
    """What a report from the store alone calls partial."""
    assert TASKS["DemoWorld"].size == TEST_PROBLEMS


def test_a_generic_task_says_so():
    task = task_for("Somebody's")
    assert "no task of its own" in task.note
    assert "the host's primary metric" in task.note


def test_an_answer_format_that_a_prompt_leaves_out_is_told():
    task = task_for("DynaMath")
    assert "three decimals" in task.note_on_prompt("cot")
    assert task.note_on_prompt("direct") == task.note_on_prompt("cot")
    assert task.note_on_prompt("host") == task.note_on_prompt(None) == ""
    assert task_for("MathVista_MINI").note_on_prompt("cot") == ""


def test_options_count_as_answers():
    task = task_for("Somebody's", host_type="MCQ")
    assert task.answer("So the answer is cherry.", {"A": "apple", "B": "cherry"}) == "B"


def test_tasks_are_facts():
    assert all(name == task.host_dataset for name, task in TASKS.items())
    with pytest.raises(dataclasses.FrozenInstanceError):
        task_for("DemoWorld").name = "other"
    assert isinstance(task_for("Somebody's"), Task)


def test_tasks_do_not_import_the_host():
    code = "import sys, visualprm_eval.tasks; print([n for n in ('vlmeval', 'torch') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


THOUGHTS = "<think>It may be \\boxed{8}</think>\n\n"


@pytest.mark.parametrize("name", sorted(TASKS))
def test_thoughts_are_not_graded(name):
    task = TASKS[name]
    assert task.shown(THOUGHTS + STEPS, "raw") == STEPS
    assert task.shown(THOUGHTS + STEPS, "final") == "7"
    assert task.shown(STEPS + "\n", "raw") == STEPS + "\n", "a text without thoughts stays as it is"
    for empty in ("", " \n", THOUGHTS, "<think>so \\boxed{7}"):
        for how in ("raw", "final"):
            assert task.shown(empty, how).strip() == ""


@pytest.mark.parametrize("name", ["DynaMath", "WeMath"])
def test_a_store_that_knows_no_groups_gives_no_value(name):
    """One that an older version wrote, on a machine without the host."""
    task, problem = TASKS[name], Problem("B", "0", "", (Part("text", "?"),), "", "id")
    assert math.isnan(
        task.aggregate(
            [
                problem,
                problem,
            ],
            [1, 1],
        )
    )
    assert "the store does not know" in task.remark([problem])


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
