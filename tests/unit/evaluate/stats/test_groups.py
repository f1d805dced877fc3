"""Benchmarks that count rows together, DynaMath's and WeMath's way: curves and intervals by plain enumeration."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.unit import plain_rule
from tests.unit.evaluate.stats.test_closed_form import enumerated
from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.candidate_grid import build_pool
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.evaluate.stats import Study, examine
from visualprm_eval.tasks import TASKS

N = 4
RERANKERS = build_rerankers(["first", "random", "self-consistency", "visualprm", "weighted-vote", "oracle"], ["prm"])
RANDOM = RERANKERS[1]


def dynamath_groups() -> list[dict[str, str]]:
    return [{"qid": question, "varid": str(variant)} for question in "abc" for variant in range(3)]


def wemath_groups() -> list[dict[str, str]]:
    """Three whole groups, and one that lacks its composite problem and so does not count."""
    whole = [("2", "7"), ("3", "7"), ("2", "8")]
    keys = [(f"{steps}steps_{role}", name) for steps, name in whole for role in (*"123"[: int(steps)], "multi")]
    return [{"key": key, "ID": name} for key, name in (*keys, ("2steps_1", "9"), ("2steps_2", "9"))]


def facts_of(
    number: int, groups: dict[str, str], draw: random.Random, failed: tuple[tuple[int, int], ...] = ((1, 2),)
) -> ProblemFacts:
    """Candidates of which most are right; one problem has a failed one, unless other ones are named."""
    problem = Problem("B", str(number), "", (Part("text", "?"),), "a", f"id{number}", groups=groups)
    chance = draw.choice((0.4, 0.7, 0.9))
    candidates, scores, verdicts = [], {}, {}
    for rank in range(N):
        right = draw.random() < chance
        one = Candidate(problem.id, rank, f"{rank} {'a' if right else draw.choice('bc')}")
        one = replace(one, text="", error="timeout") if (number, rank) in failed else one
        candidates.append(one)
        scores[one.text_id] = StepScores((draw.choice((0.25, 0.5, 0.75)) + 0.25 * right, 0.5))
        verdicts[one.text_id] = Verdict(float(right))
    return ProblemFacts(problem, tuple(candidates), {"visualprm": scores}, verdicts)


@pytest.fixture(params=[("DynaMath", dynamath_groups), ("WeMath", wemath_groups)], ids=["DynaMath", "WeMath"])
def study(request) -> Study:
    return study_of(*request.param, ((1, 2),))


def study_of(name: str, groups: Callable[[], list[dict[str, str]]], failed: tuple[tuple[int, int], ...]) -> Study:
    task, draw = TASKS[name], random.Random(4)
    facts = [facts_of(number, each, draw, failed) for number, each in enumerate(groups())]
    return Study(
        "P", name, task.metric, facts, RERANKERS, N, lambda text, _: text[-1], grade_all=True,
        aggregate=task.aggregate, group=task.group,
    )  # fmt: skip


def members_of(study: Study) -> list[list[ProblemFacts]]:
    """The problems by group."""
    found: dict[object, list[ProblemFacts]] = {}
    for one in study.facts:
        found.setdefault(study.group(one.problem), []).append(one)
    return list(found.values())


def renamed(problem: Problem, copy: int) -> Problem:
    """The problem in a group of another name, for a group that is drawn more than once."""
    return replace(problem, groups={name: f"{value}#{copy}" if name in {"qid", "ID"} else value
                                    for name, value in problem.groups.items()})  # fmt: skip


def chances(facts: ProblemFacts, k: int, reranker) -> list[float]:
    """What picks from all subsets of k are worth, each as likely as the others."""
    pool = build_pool(facts, ["visualprm"], lambda text, _: text[-1], require_verdicts=True)
    return list(pool.verdicts) if reranker.expectation else enumerated(pool, N, k, reranker)


def expected(study: Study, outcomes: Callable[[ProblemFacts], list[float]]) -> float:
    """The mean over groups of what each is worth on average, all outcomes of its problems taken with all others'."""
    worth = []
    for members in members_of(study):
        problems = [one.problem for one in members]
        joint = [study.aggregate(problems, values) for values in itertools.product(*map(outcomes, members))]
        worth.append(np.mean(joint))
    return 100 * float(np.nanmean(worth))


@pytest.mark.filterwarnings("error")
def test_expected_values_are_those_of_all_subsets_of_all_problems(study):
    points = {(point.reranker, point.k): point.value for point in examine([study]).points}
    for reranker in RERANKERS:
        for k in range(1, N + 1):
            # Of candidates in any order the first is any of them.
            by_hand = expected(study, partial(chances, k=k, reranker=RANDOM if reranker.name == "first" else reranker))
            assert points[reranker.name, k] == pytest.approx(by_hand), (reranker.name, k)
    assert len({round(value, 6) for value in points.values()}) > 6, "rerankers and k differ"


def values_of(study: Study, name: str) -> dict[str, float]:
    """What a reranker's pick from all candidates is worth, by problem; a random one's on average."""
    (reranker,) = [one for one in RERANKERS if one.name == name]
    found = {}
    for one in study.facts:
        pool = build_pool(one, ["visualprm"], lambda text, _: text[-1], require_verdicts=True)
        rule, entries = plain_rule.rule_of(reranker), plain_rule.entries_of(pool)
        is_mean = reranker.expectation
        found[one.problem.id] = float(np.mean(pool.verdicts)) if is_mean else plain_rule.choose(rule, entries).right
    return found


def resamples(study: Study, values: dict[str, float]) -> np.ndarray:
    """The metric over every way to draw as many groups again as count, each as likely as the others."""
    groups = [[one.problem for one in members] for members in members_of(study)]
    groups = [each for each in groups if not np.isnan(study.aggregate(each, [1.0] * len(each)))]
    found = []
    for drawn in itertools.product(groups, repeat=len(groups)):
        pairs = [(renamed(each, copy), values[each.id]) for copy, members in enumerate(drawn) for each in members]
        found.append(100 * study.aggregate(*map(list, zip(*pairs, strict=True))))
    return np.array(found)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("asked", "base"), [(None, "first"), ("mean", "random"), ("first", "first")])
def test_intervals_are_those_of_all_ways_to_draw_the_groups_again(request, study, asked, base):
    if asked == "mean":  # A failed candidate has no verdict.
        study = study_of(*request.node.callspec.params["study"], ())
    first = resamples(study, values_of(study, base))
    standings = examine([study], asked).standings
    assert {standing.baseline for standing in standings} == {asked or "first"}
    assert [standing.reranker for standing in standings if standing.gain is None] == [base]
    for standing in standings:
        own = resamples(study, values_of(study, standing.reranker))
        ends = [(standing.low, standing.high, own)]
        if standing.reranker == "oracle":
            assert standing.gain_low is standing.gain_high is None, "an upper bound is not tested"
        elif standing.gain is not None:
            ends.append((standing.gain_low, standing.gain_high, own - first))
        for low, high, ways in ends:
            # Of 27 ways the least and the greatest have more than 2.5% each: an interval reaches both ends.
            assert (low, high) == pytest.approx((ways.min(), ways.max())), standing.reranker


@pytest.mark.filterwarnings("error")
def test_values_at_n_are_the_metric_over_the_picks(study):
    problems = [one.problem for one in study.facts]
    found = examine([study])
    for standing in found.standings:
        values = values_of(study, standing.reranker)
        assert standing.value == pytest.approx(100 * study.aggregate(problems, [values[one.id] for one in problems]))
    last = {point.reranker: (point.value, point.prefix) for point in found.points if point.k == N}
    values = {standing.reranker: standing.value for standing in found.standings}
    for name, value in values.items():
        assert last[name] == pytest.approx((values["random"] if name == "first" else value, value))


def test_differences_are_tested_by_groups(study):
    """The better and worse problems are single ones, the test flips whole groups."""
    (row,) = [one for one in examine([study]).comparisons if (one.reranker, one.baseline) == ("visualprm", "first")]
    values, base = values_of(study, "visualprm"), values_of(study, "first")
    assert row.better == sum(values[key] > base[key] for key in base)
    moved = []
    for members in members_of(study):
        problems = [one.problem for one in members]
        worth = [study.aggregate(problems, [side[one.id] for one in problems]) for side in (values, base)]
        moved += [] if np.isnan(worth).any() else [worth[0] - worth[1]]
    sums = [abs(sum(sign * each for sign, each in zip(signs, moved, strict=True)))
            for signs in itertools.product((1, -1), repeat=len(moved))]  # fmt: skip
    assert row.p == pytest.approx(np.mean([each >= abs(sum(moved)) - 1e-9 for each in sums]))
