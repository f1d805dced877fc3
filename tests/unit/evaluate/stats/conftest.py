"""Pools with failures, ties and abstentions."""

from __future__ import annotations

import random

import pytest

from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict
from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fact_columns import Columns, ProblemFacts
from visualprm_eval.evaluate.rerankers import Pool


def make_pools(n_problems: int, n: int, seed: int, *, failures: float = 0.15) -> list[Pool]:
    """Random pools of up to ``n`` candidates with few distinct scores and answers, so that ties abound."""
    draw = random.Random(seed)
    pools = []
    for number in range(n_problems):
        ranks = [rank for rank in range(n) if draw.random() >= failures] or [draw.randrange(n)]
        scores = tuple(tuple(draw.choice((0.25, 0.5, 0.75)) for _ in range(draw.randint(1, 3))) for _ in ranks)
        pools.append(
            Pool(
                f"p{number}",
                tuple(ranks),
                tuple(f"text {rank}" for rank in ranks),
                tuple(draw.choice(("a", "b", "c", None)) for _ in ranks),
                {"visualprm": scores},
                tuple(draw.choice((0.0, 1.0, 1.0, 0.5)) for _ in ranks),
            )
        )
    return pools


def grid_of(pools: list[Pool], n: int) -> Grid:
    """The pools' candidates at their ranks, with failed ones at all others."""
    facts = []
    answers: dict[str, str | None] = {}
    for pool in pools:
        problem = Problem("B", pool.problem_id, "", (Part("text", "?"),), "", pool.problem_id)
        texts = {rank: f"{pool.problem_id} {text}" for rank, text in zip(pool.ranks, pool.texts, strict=True)}
        answers |= dict(zip(texts.values(), pool.answers, strict=True))
        candidates = tuple(
            Candidate(problem.id, rank, texts.get(rank, ""), error=None if rank in texts else "timeout")
            for rank in range(n)
        )
        keys = [one.text_id for one in candidates if one.error is None]
        scores = {
            label: {key: StepScores(own) for key, own in zip(keys, rows, strict=True)}
            for label, rows in pool.scores.items()
        }
        verdicts = {key: Verdict(float(value)) for key, value in zip(keys, pool.verdicts or (), strict=True)}
        facts.append(ProblemFacts(problem, candidates, scores, verdicts))
    critics = {label for pool in pools for label in pool.scores}
    return Grid.of(Columns.of(facts), critics, lambda text, _: answers[text], n, graded=True)


@pytest.fixture(params=[(1, 1), (2, 2), (3, 5), (4, 6)], ids=lambda pair: f"seed {pair[0]}, N = {pair[1]}")
def pools(request) -> list[Pool]:
    seed, n = request.param
    return make_pools(12, n, seed)


@pytest.fixture
def n(request, pools) -> int:
    del pools
    return request.node.callspec.params["pools"][1]
