"""Pools with failures, ties and abstentions."""

from __future__ import annotations

import random

import pytest

from visualprm_eval.rerankers import Pool


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


@pytest.fixture(params=[(1, 1), (2, 2), (3, 5), (4, 6)], ids=lambda pair: f"seed {pair[0]}, N = {pair[1]}")
def pools(request) -> list[Pool]:
    seed, n = request.param
    return make_pools(12, n, seed)


@pytest.fixture
def n(request, pools) -> int:
    del pools
    return request.node.callspec.params["pools"][1]
