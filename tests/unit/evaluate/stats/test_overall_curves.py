"""Curves of the mean over benchmarks."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.unit.evaluate.stats.test_groups import RERANKERS, N, dynamath_groups, facts_of, wemath_groups
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats import CurvePoint, Study, examine
from visualprm_eval.evaluate.stats.best_of_k import ALL_SUBSETS, DRAWN_SUBSETS
from visualprm_eval.evaluate.stats.curve_points import MEAN_OF_BENCHMARKS, MEAN_OF_SUITE, overall_points
from visualprm_eval.tasks import SUITES, TASKS


def study(name: str, seed: int, policy: str = "P", failed: tuple[tuple[int, int], ...] = ()) -> Study:
    """A policy on two groups or more of DynaMath's or WeMath's problems, or on as many that count by themselves."""
    groups = {"DynaMath": dynamath_groups, "WeMath": wemath_groups}.get(name, lambda: [{} for _ in range(12)])
    task, draw = TASKS[name], random.Random(seed)
    facts = [facts_of(number, each, draw, failed) for number, each in enumerate(groups())]
    return Study(
        policy, name, task.metric, facts, RERANKERS, N, lambda text, _: text[-1], grade_all=True,
        aggregate=task.aggregate, group=task.group,
    )  # fmt: skip


STUDIES = [study(name, seed) for seed, name in enumerate(("DynaMath", "WeMath", "LogicVista"))]


def overall(insight) -> dict[tuple[str, int], CurvePoint]:
    return {(one.reranker, one.k): one for one in insight.points if one.benchmark == OVERALL}


def test_it_is_the_mean_of_the_benchmarks_at_every_k():
    insight = examine(STUDIES)
    found = overall(insight)
    assert set(found) == {(one.name, k) for one in RERANKERS for k in range(1, N + 1)}
    for (reranker, k), point in found.items():
        own = [one for one in insight.points if (one.reranker, one.k) == (reranker, k) and one.benchmark != OVERALL]
        assert len(own) == 3
        assert point.value == pytest.approx(sum(one.value for one in own) / 3)
        assert point.prefix == pytest.approx(sum(one.prefix for one in own) / 3)
        assert point.metric == MEAN_OF_BENCHMARKS


def test_at_n_it_is_the_overall_value_with_its_interval():
    insight = examine(STUDIES)
    standings = {row.reranker: row for row in insight.standings if row.benchmark == OVERALL}
    for reranker, row in standings.items():
        point = overall(insight)[reranker, N]
        same = standings["random"] if reranker == "first" else row  # Expected of any one sample.
        assert (point.value, point.low, point.high) == pytest.approx((same.value, same.low, same.high), abs=1e-4)
        assert point.low < point.high


def test_there_is_none_of_one_benchmark_nor_of_an_unfinished_policy():
    assert overall(examine(STUDIES[:1])) == {}
    lacking = replace(STUDIES[0], facts=[replace(STUDIES[0].facts[0], verdicts={}), *STUDIES[0].facts[1:]])
    assert overall(examine([lacking, *STUDIES[1:]])) == {}
    others = [replace(each, policy="Q") for each in STUDIES]
    assert {one.policy for one in examine([lacking, *STUDIES[1:], *others]).points if one.benchmark == OVERALL} == {"Q"}


def test_there_is_none_where_too_many_candidates_failed():
    partly = study("LogicVista", 2, failed=((1, 2),))
    insight = examine([*STUDIES[:2], partly])
    assert [row for row in insight.standings if row.benchmark == OVERALL] == []
    assert overall(insight) == {}
    assert insight.lost == ("P on LogicVista: 1 of 48 candidates cannot be picked",)
    assert insight.missing == (), "nothing is left to be done"
    assert "Overalls are withheld where more than 1% of the candidates failed: P on Logic" in insight.banner
    assert examine([partly]).banner.count("Overalls") == 0, "one benchmark has no overall anyway"


def test_a_few_failures_leave_the_overall():
    many = study("LogicVista", 2)
    facts = [facts_of(number, {}, random.Random(number), ((0, 0),)) for number in range(40)]
    insight = examine([*STUDIES[:2], replace(many, facts=facts)])
    assert insight.lost == ()
    assert overall(insight)


def test_there_is_none_where_a_benchmark_has_values_and_no_curve():
    by_picks = replace(STUDIES[0], grade_all=False)
    insight = examine([by_picks, *STUDIES[1:]])
    assert any(row.benchmark == OVERALL for row in insight.standings)
    assert overall(insight) == {}


def test_the_mean_of_the_papers_seven_is_called_so():
    seven = [study(name, seed) for seed, name in enumerate(SUITES["table2"])]
    assert {one.metric for one in overall(examine(seven)).values()} == {MEAN_OF_SUITE}
    unjudged = [replace(seven[0], metric="accuracy, exact matching"), *seven[1:]]
    for others in (seven[1:], unjudged):
        assert {one.metric for one in overall(examine(others)).values()} == {MEAN_OF_BENCHMARKS}


def test_what_is_drawn_in_part_is_drawn():
    def point(benchmark: str, estimator: str, error: float) -> CurvePoint:
        return CurvePoint("P", benchmark, "", "vote", 8, "accuracy", estimator, 50.0, None, None, error, 50.0)

    points = [point("A", ALL_SUBSETS, 0.0), point("B", DRAWN_SUBSETS, 0.3)]
    row = next(row for row in examine(STUDIES).standings if row.benchmark == OVERALL)
    standings = [replace(row, benchmark=name, reranker="vote", k=8) for name in ("A", "B", OVERALL)]
    (mean,) = overall_points(points, standings, {})
    assert (mean.estimator, mean.sampling_error, mean.low) == (DRAWN_SUBSETS, 0.15, None)


def test_points_say_of_how_many_problems_they_are():
    insight = examine(STUDIES)
    sizes = {one.benchmark: one.n_problems for one in insight.points}
    assert sizes == {"DynaMath": 9, "WeMath": 12, "LogicVista": 12, OVERALL: 33}
