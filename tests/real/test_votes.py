"""Votes on real outputs: most are the answers that texts end in, and few abstain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visualprm_eval.bench import answers

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"
VOTES = REAL / "votes.jsonl"


@pytest.mark.skipif(not VOTES.exists(), reason=f"{VOTES} is not here")
def test_votes_on_real_outputs_are_the_answers_that_they_end_in() -> None:
    outcomes = [answers.outcome(json.loads(line)) for line in VOTES.read_text("utf-8").split("\n") if line]
    equal = sum(each.what == answers.EQUAL for each in outcomes)
    abstain = sum(each.what == answers.ABSTAIN for each in outcomes)
    assert equal >= 0.97 * len(outcomes)
    assert abstain <= 0.02 * len(outcomes)
