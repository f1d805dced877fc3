"""Keys of candidates and scores from servers, from before requests set all that changes a sample."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, text_id
from visualprm_eval.store import STORE_FILE, Store, schema
from visualprm_eval.store.package_versions import note_versions, recorded_versions
from visualprm_eval.store.repairs import servers_own_settings
from visualprm_eval.store.scopes import Scope, put_scope, scopes
from visualprm_eval.store.upgrade_scores import transaction

OWN = {"top_k": "server's own", "repetition_penalty": "server's own"}
SERVED = {"policy": "P", "engine": "endpoint", "temperature": 0.7, "model": "m"}
OTHERS = [Spec("sampling", {"policy": "Q", "engine": "native"}), Spec("sampling", {**SERVED, "policy": "R", **OWN})]
SAMPLING = Spec("sampling", SERVED)
JUDGE = {"critic": "judge", "max_steps": 12}
SCORING = Spec("scoring", {**JUDGE, "judge": SERVED})
PRM = Spec("scoring", {"critic": "visualprm", "checkpoint": "f"})
PROBLEM = Problem("B", "1", "", (Part("text", "?"),), "1", "id1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Store.open(tmp_path / STORE_FILE) as store:
        store.put_problems([PROBLEM])
        for spec in (SAMPLING, SCORING, PRM, *OTHERS):
            store.put_spec(spec)
        for spec in (SAMPLING, *OTHERS):
            note_versions(store, spec)
            store.put_candidates(spec.id, [Candidate("id1", 0, f"text of {spec.id}"), Candidate("id1", 1, "more")])
            put_scope(store, spec, "B", Scope("P", False, ["id1"], 2, (1, 2), "auto", None, {"total": 1}))
        for spec in (SCORING, PRM):
            store.put_scores(spec.id, [("id1", text_id("more"), StepScores((1.0,), ("more",)))])
        store.put_note("asked", "", {"rerankers": [], "scorings": {"judge:m": SCORING.id, "visualprm": PRM.id}})
    return tmp_path / STORE_FILE


def repaired(path: Path) -> str:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        with transaction(db):
            return servers_own_settings(db)


def test_facts_from_servers_keep_their_place_under_a_key_that_says_what_these_chose(path: Path) -> None:
    said = repaired(path)
    assert said == (
        "the keys of 3 candidates and scores from servers say now that top_k and repetition_penalty were the server's "
        "own, which requests did not set then"
    )
    sampling = Spec("sampling", {**SERVED, **OWN})
    scoring = Spec("scoring", {**JUDGE, "judge": {**SERVED, **OWN}})
    with Store.open(path) as store:
        assert store.verify() == []
        assert store.specs("sampling") == [sampling, *OTHERS]
        assert store.specs("scoring") == [scoring, PRM]
        assert [one.text for one in store.candidates(sampling.id, ["id1"])["id1"]] == [f"text of {SAMPLING.id}", "more"]
        assert all(len(store.candidates(spec.id, ["id1"])["id1"]) == 2 for spec in OTHERS)
        assert len(store.scores(scoring.id, ["id1"])) == len(store.scores(PRM.id, ["id1"])) == 1
        assert set(scopes(store)) == {(spec.id, "B") for spec in (sampling, *OTHERS)}
        assert set(recorded_versions(store)) == {spec.id for spec in (sampling, *OTHERS)}
        assert store.last_note("asked", "")["scorings"] == {"judge:m": scoring.id, "visualprm": PRM.id}


def test_what_has_such_a_key_is_left_alone(path: Path) -> None:
    repaired(path)
    assert repaired(path) == ""


def test_a_store_of_the_former_schema_gets_it_when_it_is_opened() -> None:
    assert any(servers_own_settings in step.repairs for step in schema.MIGRATIONS if step.version == 8)
