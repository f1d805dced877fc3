"""Shared by the tests of endpoints: quick patience, and a policy in one line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.servers import Server
from visualprm_eval.core.types import Candidate, Part, Problem
from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy, Patience

QUICK = Patience(tries=4, first_s=0.01, longest_s=0.05, jitter=lambda: 1.0)
KEY = "sk-0123456789abcdef-secret"


def problem(name: str, *parts: Part) -> Problem:
    return Problem("B", name, "", parts or (Part("text", f"<{name}>"),), answer="1", id=name)


class Asked:
    """A policy with what it warned of."""

    def __init__(self, servers: Iterable[Server | str], **more: Any) -> None:
        urls = tuple(one if isinstance(one, str) else one.url for one in servers)
        options: dict[str, Any] = {"model": "m", "key": KEY, "timeout_s": 10.0, "patience": QUICK, **more}
        self.warnings: list[str] = []
        self.policy = EndpointPolicy("P", EndpointOptions(urls, **options), {"policy": "P"}, self.warnings.append)

    def draw(self, n: int = 4, problems: int = 1) -> dict[tuple[str, int], Candidate]:
        """All candidates by problem and rank; fails when one comes twice or not at all."""
        wanted = [(problem(f"p{place}"), rank) for place in range(problems) for rank in range(n)]
        return self.candidates(wanted)

    def candidates(self, wanted: list[tuple[Problem, int]]) -> dict[tuple[str, int], Candidate]:
        found: dict[tuple[str, int], Candidate] = {}
        for batch in self.policy.sample(wanted):
            assert batch, "an empty batch"
            for candidate in batch:
                key = (candidate.problem_id, candidate.rank)
                assert key not in found, f"{key} came twice"
                found[key] = candidate
        assert set(found) == {(one.id, rank) for one, rank in wanted}
        return found


@pytest.fixture
def asked() -> type[Asked]:
    return Asked
