"""Rerankers against one sample at temperature 0, on the same problems."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.unit import plain_rule
from tests.unit.evaluate.stats.test_groups import RERANKERS, N, dynamath_groups, facts_of
from visualprm_eval.core.types import Candidate, Verdict
from visualprm_eval.evaluate.candidate_grid import build_pool
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.rerankers import Greedy
from visualprm_eval.evaluate.stats import Study, examine
from visualprm_eval.evaluate.stats.paired_tests import holm, sign_flip_test
from visualprm_eval.tasks import TASKS

P = 40


def answer(text: str, _) -> str:
    return text[-1]


def study(facts: list[ProblemFacts], name: str = "LogicVista") -> Study:
    task = TASKS[name]
    return Study(
        "P", name, task.metric, facts, RERANKERS, N, answer, grade_all=True, aggregate=task.aggregate,
        group=task.group,
    )  # fmt: skip


def greedy_of(sampled: Study, right: list[bool]) -> Study:
    """One sample of each problem, which no critic looked at."""
    facts = []
    for fact, is_right in zip(sampled.facts, right, strict=True):
        one = Candidate(fact.problem.id, 0, "greedy a" if is_right else "greedy b")
        facts.append(ProblemFacts(fact.problem, (one,), {}, {one.text_id: Verdict(float(is_right))}))
    return replace(sampled, facts=facts, rerankers=[Greedy("greedy")], n=1)


DRAW = random.Random(3)
SAMPLED = study([facts_of(number, {}, DRAW, ()) for number in range(P)])
RIGHT = [DRAW.random() < 0.3 for _ in range(P)]
GREEDY = greedy_of(SAMPLED, RIGHT)


def worth(facts: ProblemFacts, reranker) -> float:
    pool = build_pool(facts, ["visualprm"], answer, require_verdicts=True)
    if reranker.expectation:
        return sum(pool.verdicts) / len(pool)
    return plain_rule.choose(plain_rule.rule_of(reranker), plain_rule.entries_of(pool)).right


@pytest.mark.parametrize("studies", [[GREEDY, SAMPLED], [SAMPLED, GREEDY]], ids=["greedy first", "greedy last"])
def test_every_reranker_is_paired_with_greedy(studies):
    rows = [row for row in examine(studies).comparisons if row.baseline == "greedy"]
    compared = [one for one in RERANKERS if one.name not in {"oracle", "random"}]
    assert [row.reranker for row in rows] == [one.name for one in compared]
    for row, reranker in zip(rows, compared, strict=True):
        moved = [worth(facts, reranker) - right for facts, right in zip(SAMPLED.facts, RIGHT, strict=True)]
        assert row.difference == pytest.approx(100 * sum(moved) / P)
        assert (row.better, row.worse) == (sum(one > 0 for one in moved), sum(one < 0 for one in moved))
        assert (row.k, row.baseline_k, row.n_problems) == (N, 1, P)
        assert row.low < row.difference < row.high
        assert row.p == pytest.approx(sign_flip_test(np.array(moved)))
    assert [row.p_corrected for row in rows] == pytest.approx(holm([row.p for row in rows]))
    assert any(row.verdict == f"{row.reranker} is better than greedy" for row in rows)


def test_other_comparisons_stay_as_they_are():
    def pairs(studies):
        return {(row.reranker, row.baseline): replace(row, p_corrected=None) for row in examine(studies).comparisons}

    alone, both = pairs([SAMPLED]), pairs([GREEDY, SAMPLED])
    assert {pair: both[pair] for pair in alone} == alone
    beside = {(name, "greedy") for name in ("first", "self-consistency", "visualprm", "weighted-vote")}
    assert both.keys() - alone.keys() == {*beside, ("greedy", "random")}


def test_only_problems_that_both_have_count():
    fewer = replace(GREEDY, facts=GREEDY.facts[:30])
    rows = [row for row in examine([fewer, SAMPLED]).comparisons if row.baseline == "greedy"]
    assert {row.n_problems for row in rows} == {30}
    elsewhere = replace(GREEDY, policy="Q")
    assert not [row for row in examine([elsewhere, SAMPLED]).comparisons if row.baseline == "greedy"]
    assert not examine([GREEDY]).comparisons


def test_groups_of_problems_count_together():
    draw = random.Random(5)
    sampled = study([facts_of(number, each, draw, ()) for number, each in enumerate(dynamath_groups())], "DynaMath")
    right = [number not in {0, 4} for number in range(9)]
    rows = {row.reranker: row for row in examine([greedy_of(sampled, right), sampled]).comparisons
            if row.baseline == "greedy"}  # fmt: skip
    values = {row.reranker: row.value for row in examine([sampled]).standings}
    assert rows
    for name, row in rows.items():
        assert row.difference == pytest.approx(values[name] - 100 / 3), "one question of three is right throughout"
