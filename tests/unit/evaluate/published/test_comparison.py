from __future__ import annotations

import pytest

from visualprm_eval.core.config import ModelSource
from visualprm_eval.evaluate.overall import overall_rows
from visualprm_eval.evaluate.published.comparison import compare, published_name, published_points, selectors
from visualprm_eval.evaluate.result_rows import OVERALL, ResultRow
from visualprm_eval.evaluate.stats.curve_points import MEAN_OF_BENCHMARKS, MEAN_OF_SUITE
from visualprm_eval.tasks import SUITES, TASKS

PRM = ModelSource("VisualPRM-8B", "OpenGVLab/VisualPRM-8B")
NAMES = selectors([PRM])


def row(benchmark="MathVista_MINI", reranker="visualprm", k=8, value=70.0, **changes):
    task = TASKS[benchmark]
    values = {
        "policy": "InternVL2_5-8B", "benchmark": benchmark, "split": "", "reranker": reranker, "k": k,
        "metric": task.metric, "value": value, "n_problems": task.size or 448, "n_failed": 0,
        "n_total": task.size or 448,
    }  # fmt: skip
    return ResultRow(**(values | changes))


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        ("InternVL2_5-8B", "InternVL2.5-8B"), ("OpenGVLab/InternVL2_5-8B", "InternVL2.5-8B"),
        ("Qwen2.5-VL-7B-Instruct", "Qwen2.5-VL-7B"), ("MiniCPM-V-2_6", "MiniCPM-V2.6"),
        ("InternVL3-8B", "InternVL3-8B"),
        ("InternVL3-8B-Instruct", None), ("demo-policy", None), ("Qwen2.5-VL-7B-Instruct-AWQ", None),
    ],
)  # fmt: skip
def test_names_of_policies(policy, name):
    assert published_name(policy) == name


def test_names_of_rerankers():
    assert NAMES == {
        "first": "pass@1", "greedy": "pass@1", "random": "pass@1", "self-consistency": "self-consistency",
        "visualprm": "VisualPRM-8B",
    }  # fmt: skip
    several = selectors([ModelSource("v1", "OpenGVLab/VisualPRM-8B"), ModelSource("mine", "./mine")])
    assert several["visualprm@v1"] == "VisualPRM-8B"
    assert "visualprm@mine" not in several
    assert "visualprm" not in selectors([ModelSource("demo-prm", "demo-prm")])


def test_a_gain_over_a_published_figure():
    [found] = compare([row()], NAMES)
    assert (found.published, found.source, found.remark) == (68.5, "arXiv:2503.10291v1, table 2", "")
    assert found.difference == pytest.approx(1.5)


def test_nothing_is_compared_that_is_not_published():
    rows = [
        row(k=4),
        row(k=1),
        row(reranker="self-consistency", k=1),
        row(reranker="visualprm:min"),
        row(reranker="oracle"),
        row(policy="mine"),
        row(reranker="random"),
    ]
    assert compare(rows, NAMES) == []


def test_k_counts():
    [found] = compare([row(k=128, value=70.8)], NAMES)
    assert (found.published, found.source) == (70.8, "arXiv:2503.10291v1, tables 6 and 7")


def test_pass_at_1_is_compared_once():
    rows = [row(reranker="first", k=k) for k in (1, 2, 4, 8)]
    [found] = compare(rows, NAMES)
    assert (found.row.k, found.published) == (8, 64.5)


def test_another_split_is_no_gain():
    [full] = compare([row("MathVision")], NAMES)
    assert full.difference is None
    assert full.remark == "other split: ours full, published MINI"
    [crossed] = compare([row("MathVision_MINI", reranker="first")], NAMES)
    assert (crossed.published, crossed.remark) == (17.0, "other split: ours MINI, published full")
    [alike] = compare([row("MathVision", reranker="first")], NAMES)
    assert alike.remark == ""
    [usual] = compare([row("MathVision_MINI", reranker="first", policy="Qwen2.5-VL-7B-Instruct")], NAMES)
    assert usual.remark == ""


def test_another_metric_or_a_part_is_no_gain():
    [average] = compare([row("DynaMath", metric="accuracy")], NAMES)
    assert (average.difference, average.remark) == (
        None, "other metric: ours accuracy, published worst-case accuracy",
    )  # fmt: skip
    [part] = compare([row(n_problems=100)], NAMES)
    assert (part.difference, part.remark) == (None, "ours of 100 of 1,000 problems")


def test_a_withheld_value_has_no_difference():
    [found] = compare([row(value=None)], NAMES)
    assert (found.published, found.difference, found.remark) == (68.5, None, "")


USUAL = {"prompt": "cot", "temperature": 0.7, "top_p": 1.0, "max_steps": 12}


def made(reranker="visualprm", policy="InternVL2_5-8B", **changes):
    """What stands beside a value that is of the papers' problems, and made so."""
    [found] = compare(
        [row(reranker=reranker, policy=policy, protocol="abc")], NAMES, [{"protocol": "abc", **USUAL, **changes}]
    )
    assert (found.remark, found.difference) == ("", pytest.approx(70 - found.published)), "it hides no difference"
    assert found.remarks == found.manner
    return found.manner


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"prompt": "direct"}, "prompt: ours direct, published chain of thought"),
        ({"prompt": "host"}, "prompt: ours the host's, published chain of thought"),
        ({"temperature": 1.0}, "temperature: ours 1.0, published 0.7"),
        ({"max_steps": 6}, "steps at most: ours 6, published 12"),
        ({"step rule": "original"}, ""),
        ({"step rule": "lines"}, "steps: ours at line breaks, published at blank lines"),
        ({"top_p": 0.9}, "top-p: ours 0.9, published not stated"),
        ({"prompt": "direct", "temperature": 0.3},
         "prompt: ours direct, published chain of thought; temperature: ours 0.3, published 0.7"),
        ({"prompt": "", "temperature": None}, "prompt and temperature of ours not recorded"),
        ({"prompt": ["a"], "temperature": "warm"},
         "prompt: ours ['a'], published chain of thought; temperature: ours warm, published 0.7"),
    ],
    ids=["same", "direct", "host", "temperature", "steps", "rule", "lines", "top-p", "two", "unknown", "strange"],
)  # fmt: skip
def test_what_was_made_otherwise_is_said(changes, said):
    assert made(**changes) == said


def test_one_sample_is_greedy_in_papers():
    assert made("first") == "ours is one sample at temperature 0.7, published greedy"
    assert made("greedy", temperature=0.0) == ""
    assert made("greedy", temperature=0.0, max_steps="") == ""
    assert made("greedy", temperature=0.0, prompt="direct") == "prompt: ours direct, published not stated"


def test_a_paper_that_says_nothing_of_its_samples():
    assert made(policy="InternVL3-8B") == ""
    assert made(policy="InternVL3-8B", temperature=0.3) == "temperature: ours 0.3, published not stated"


def test_the_mean_tells_of_a_part_that_was_made_otherwise():
    rows = [row(name, protocol=name) for name in SUITES["table2"]]
    prints = [{"protocol": one.protocol, **USUAL} for one in rows]
    prints[2]["temperature"] = 1.0
    *_, overall = compare([*rows, *overall_rows(rows)], NAMES, prints)
    assert overall.row.benchmark == OVERALL
    assert overall.manner == "temperature: ours 1.0, published 0.7"
    assert overall.difference == pytest.approx(70 - 41.2)


def test_the_mean_is_compared_when_all_seven_are_there():
    rows = [row(name) for name in SUITES["table2"]]
    overall = [each for each in compare([*rows, *overall_rows(rows)], NAMES) if each.row.benchmark == OVERALL]
    assert [(each.published, each.remark) for each in overall] == [(41.2, "")]
    assert overall[0].difference == pytest.approx(70 - 41.2)
    rows = rows[1:]
    assert not [each for each in compare([*rows, *overall_rows(rows)], NAMES) if each.row.benchmark == OVERALL]


def test_the_mean_tells_of_a_part_that_is_something_else():
    rows = [row(name, reranker="first") for name in SUITES["table2"]]
    *_, overall = compare([*rows, *overall_rows(rows)], NAMES)
    assert overall.remark == "MathVision-MINI: other split: ours MINI, published full"
    assert overall.difference is None


def test_points_for_the_curves_are_those_of_the_papers_figure():
    place = ("InternVL2_5-8B", "MathVista_MINI", "", "accuracy")
    found = {(each.reranker, each.k): each.value for each in published_points(place, NAMES, 128)}
    assert found["first", 1] == 64.5
    assert [found["visualprm", k] for k in (8, 16, 32, 64, 128)] == [68.5, 69.9, 70.4, 69.6, 70.8]
    assert [found["self-consistency", k] for k in (8, 16, 32, 64, 128)] == [65.9, 65.8, 66.7, 66.7, 67.4]
    assert len(found) == 11, "of one candidate every selector picks it, and greedy has no curve"
    assert {each.k for each in published_points(place, NAMES, 16)} == {1, 8, 16}


def test_points_of_the_mean_are_of_all_seven_on_the_same_splits():
    place = ("InternVL2_5-8B", OVERALL, "", MEAN_OF_SUITE)
    found = {(each.reranker, each.k): each.value for each in published_points(place, NAMES, 8)}
    # The mean of the papers' pass@1 has MathVision's whole set in it.
    assert found == {("visualprm", 8): 41.2, ("self-consistency", 8): 38.8}
    assert published_points((*place[:3], MEAN_OF_BENCHMARKS), NAMES, 8) == []


@pytest.mark.parametrize(
    "place",
    [
        ("demo-policy", "MathVista_MINI", "", "accuracy"),
        ("InternVL2_5-8B", "DemoWorld", "", "accuracy"),
        ("InternVL2_5-8B", "MathVista_MINI", "", "accuracy, exact matching"),
    ],
    ids=["policy", "benchmark", "metric"],
)
def test_there_are_no_points_of_another_thing(place):
    assert published_points(place, NAMES, 128) == []


def test_points_are_of_the_split_of_the_curves():
    found = {
        name: {(each.reranker, each.k) for each in published_points(("InternVL2_5-8B", name, "", "accuracy"), NAMES, 8)}
        for name in ("MathVision_MINI", "MathVision")
    }
    # The papers' pass@1 of this policy is of the whole set, all else of the small one.
    assert found["MathVision"] == {("first", 1)}
    assert found["MathVision_MINI"] == {("visualprm", 8), ("self-consistency", 8)}
