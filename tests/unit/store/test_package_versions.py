"""Versions that made facts are those of the machine that made them, whoever reports."""

from __future__ import annotations

import pytest

from visualprm_eval.core.packages import installed
from visualprm_eval.core.types import Candidate, Part, Problem, Spec
from visualprm_eval.stages.sample.stage import sample_missing
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store import package_versions as versions
from visualprm_eval.store.package_versions import NOT_RECORDED, note_unknown_versions, note_versions, recorded_versions

SAMPLING = Spec("sampling", {"policy": "P"})
PROBLEM = Problem("Bench", "1", "", (Part("text", "?"),), "1", "id1")


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / STORE_FILE) as store:
        store.put_problems([PROBLEM])
        store.put_spec(SAMPLING)
        yield store


def upgrade(monkeypatch, text):
    monkeypatch.setattr(versions, "_here", lambda: text)


def put(store, rank=0):
    store.put_candidates(SAMPLING.id, [Candidate(PROBLEM.id, rank, f"text {rank}")])


def test_a_note_names_packages_and_versions(store):
    note_versions(store, SAMPLING)
    [said] = recorded_versions(store).values()
    assert f"numpy {installed('numpy')}" in said
    assert said.startswith("visualprm-eval ")


def test_one_note_per_set_of_versions_oldest_first(store, monkeypatch):
    for text in ("torch 2", "torch 3", "torch 2", "torch 3"):
        upgrade(monkeypatch, text)
        note_versions(store, SAMPLING)
        put(store)
    assert recorded_versions(store) == {SAMPLING.id: "torch 2; then torch 3"}
    assert len(store.notes("versions")) == 2


def test_facts_of_an_older_store_are_not_laid_on_todays_versions(store, monkeypatch):
    put(store)
    assert recorded_versions(store) == {}
    upgrade(monkeypatch, "torch 3")
    note_versions(store, SAMPLING)
    put(store, 1)
    assert recorded_versions(store) == {SAMPLING.id: f"{NOT_RECORDED}; then torch 3"}


def test_a_key_without_facts_is_nobodys(store, monkeypatch):
    upgrade(monkeypatch, "torch 3")
    note_versions(store, SAMPLING)
    assert recorded_versions(store) == {SAMPLING.id: "torch 3"}


class Policy:
    """Writes one sample, unless it fails."""

    name = "P"

    def __init__(self, error=None):
        self.error = error

    def sample(self, work):
        if self.error is not None:
            raise self.error
        yield [Candidate(problem.id, rank, "text") for problem, rank in work]


def test_a_stage_that_made_nothing_notes_nothing(store, monkeypatch):
    work = (SAMPLING, {PROBLEM.id: PROBLEM}, [(PROBLEM.id, 0)])
    upgrade(monkeypatch, "torch 2")
    with pytest.raises(RuntimeError):
        sample_missing(store, Policy(RuntimeError("no memory")), *work)
    assert recorded_versions(store) == {}
    upgrade(monkeypatch, "torch 3")
    sample_missing(store, Policy(), *work)
    assert recorded_versions(store) == {SAMPLING.id: "torch 3"}


def test_facts_from_elsewhere_are_said_to_be(store, monkeypatch):
    upgrade(monkeypatch, "torch 3")
    note_versions(store, SAMPLING)
    note_unknown_versions(store, SAMPLING)
    assert recorded_versions(store) == {SAMPLING.id: f"torch 3; then {NOT_RECORDED}"}


def test_what_is_not_installed_says_so():
    assert installed("no-such-package-of-ours") == "not installed as a package"
