from __future__ import annotations

import dataclasses

import pytest

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.tasks import task_for
from visualprm_eval.tasks.primary_figures import FIGURES, LOWER, chosen_figure, primary_figure


@pytest.mark.parametrize("pattern", FIGURES)
def test_each_entry_says_what_it_is_and_where_the_host_counts_it(pattern):
    figure = FIGURES[pattern]
    assert "." in figure.source
    assert figure.greatest is None or figure.greatest > 0
    assert len(figure.names) <= 1 or figure.title or figure.how == "sum"
    assert not figure.refusal or not figure.names


@pytest.mark.parametrize(
    ("name", "metric", "greatest"),
    [
        ("MME", "perception + reasoning", 200), ("MMBench_DEV_EN_V11", "", 1), ("MMMU_TEST", "", 1),
        ("MMMU_Pro_10c", "Overall", 1), ("MMSafetyBench", f"attack_rate ({LOWER})", 1), ("COCO_VAL", "CIDEr", None),
        ("RefSpatial-Bench-Unseen", "Success Rate (%)", 100), ("OCRBench", "Final Score", 1),
    ],
)  # fmt: skip
def test_figures_of_families_of_names(name, metric, greatest):
    figure = primary_figure(name)
    assert (figure.metric, figure.greatest) == (metric, greatest)


@pytest.mark.parametrize("name", ["OCRBench_v2", "RefSpatial_wo_unseen", "Mine", "MMEsomething"])
def test_other_names_have_none(name):
    assert primary_figure(name) is None


def test_a_chosen_figure_may_be_better_the_lower_it_is():
    assert (chosen_figure("errors").metric, chosen_figure("errors").lower) == ("errors", False)
    lower = chosen_figure("lower:split=Overall|errors")
    assert (lower.names, lower.metric) == (("split=Overall|errors",), f"split=Overall|errors ({LOWER})")


def test_what_the_key_of_verdicts_says_of_the_figure():
    """What the host's rule finds is in older stores too, whose keys say nothing."""
    exact = JudgeOptions(name="exact_matching")
    keys = {name: task_for(name, host_type="MCQ").metric_key(exact) for name in ("MMStar", "VLMBlind", "Mine")}
    assert keys == {"MMStar": "", "VLMBlind": "mean over its tasks", "Mine": ""}
    chosen = dataclasses.replace(exact, metric="acc")
    assert task_for("Mine").judged_by(chosen).metric == "acc"
    assert task_for("Mine").metric_key(chosen) == "acc"
    assert task_for("MathVista_MINI").judged_by(chosen).metric is None, "it has a metric of its own"


def test_what_only_a_judge_can_count_needs_one():
    assert task_for("ChartX", host_type="VQA", host_judge=None).needs_judge
    assert not task_for("MMStar", host_type="MCQ", host_judge="gpt-4o-mini").needs_judge
