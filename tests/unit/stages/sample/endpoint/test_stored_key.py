"""Which stored samples a run takes as its own: never those drawn without what somebody asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from visualprm_eval.core.config import SERVERS_OWN
from visualprm_eval.core.types import Candidate, Part, Problem, Spec
from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy
from visualprm_eval.stages.sample.endpoint.stored_key import key_at_servers
from visualprm_eval.store import STORE_FILE, Store

SETTINGS = {"policy": "P", "temperature": 0.7, "top_p": 1.0, "seed": 0}


@pytest.mark.parametrize("field", ["temperature", "top_p", "seed"])
def test_samples_drawn_without_what_is_asked_for_are_of_another_run(tmp_path: Path, field: str) -> None:
    stored = Spec("sampling", {**SETTINGS, "top_k": SERVERS_OWN, "repetition_penalty": 1.0, field: SERVERS_OWN})
    problem = Problem("B", "0", "", (Part("text", "question"),), "answer", "p")
    with Store.open(tmp_path / STORE_FILE) as store:
        store.put_problems([problem])
        store.put_spec(stored)
        store.put_candidates(stored.id, [Candidate("p", 0, "text")])
        for asked_for, is_taken in ((frozenset[str](), True), (frozenset({field}), False)):
            options = EndpointOptions(("http://127.0.0.1:9/v1",), "M", asked_for=asked_for)
            policy = EndpointPolicy("P", options, SETTINGS)
            key = key_at_servers("sampling", policy, policy, store, lambda _: True, ask=False)
            assert (key == stored) == is_taken
            assert (key.settings[field] == SERVERS_OWN) == is_taken
