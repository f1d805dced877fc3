"""The protocol of a value tells facts apart that are not the same, and is the same for the same facts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.run.test_plan_report import N, P, fill, results
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.types import Spec, digest
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.run.protocol import FIELDS
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store import package_versions as versions


def prints_of(work_dir: Path, **changes):
    found = results(work_dir, **changes)
    return found, {each["protocol"]: each for each in found.fingerprints}


def protocols(work_dir: Path, **changes):
    return {(row.reranker, row.k): row.protocol for row in results(work_dir, **changes).rows}


def refill(work_dir: Path, kind: str, **changes) -> None:
    """The facts of :func:`fill` under a key with other settings."""
    fill(work_dir)
    with Store.open(work_dir / STORE_FILE) as store:
        [spec] = store.specs(kind)
        other = Spec(kind, {**spec.settings, **changes})
        store.put_spec(other)
        ids = [problem.id for problem in store.problems("Bench")]
        if kind == "grading":
            store.put_verdicts(other.id, [(*key, one) for key, one in store.verdicts(spec.id, ids).items()])


def test_every_row_has_a_protocol_on_the_sheet(tmp_path):
    fill(tmp_path)
    found, prints = prints_of(tmp_path)
    for row in found.rows:
        facts = prints[row.protocol]
        assert tuple(facts) == FIELDS
        assert (facts["reranker"], facts["k"], facts["N"]) == (row.reranker, row.k, N)
        assert facts["step rule"] == ("original" if facts["scoring key"] else "")
        assert facts["protocol"] == digest(
            {name: facts[name] for name in FIELDS if name not in ("protocol", "step rule")}
        )
        assert (facts["scoring key"] == "") == (row.reranker in {"first", "random", "self-consistency", "oracle"})
        assert facts["parts"] == ""
    assert len(prints) == len(found.rows), "no two of them are of the same thing"


def test_judges_of_one_name_at_two_addresses_are_two(tmp_path):
    for place in ("a", "b"):
        refill(tmp_path / place, "grading", judge="local", judge_url=f"http://{place}/v1")
    one, other = (protocols(tmp_path / place, judge=JudgeOptions("local")) for place in ("a", "b"))
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())
    _, prints = prints_of(tmp_path / "a", judge=JudgeOptions("local"))
    assert {each["judge address"] for each in prints.values()} == {"http://a/v1"}


def test_settings_that_have_no_field_of_their_own_count(tmp_path):
    fill(tmp_path / "a")
    refill(tmp_path / "b", "grading", retries=3)
    one, other = protocols(tmp_path / "a"), protocols(tmp_path / "b")
    assert not set(one.values()) & set(other.values())


def test_scores_of_two_step_rules_are_two_protocols_and_two_critics(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        [spec] = store.specs("scoring")
        other = Spec("scoring", {**spec.settings, "step_rule": "lines"})
        store.put_spec(other)
        ids = [problem.id for problem in store.problems("Bench")]
        low = {key: replace(one, scores=(0.25,) * len(one.scores)) for key, one in store.scores(spec.id, ids).items()}
        store.put_scores(other.id, [(*key, one) for key, one in low.items()])
    found, prints = prints_of(tmp_path)
    rules = {row.reranker: prints[row.protocol]["step rule"] for row in found.rows if row.reranker.startswith("visual")}
    assert rules == {"visualprm@my-prm": "original", "visualprm@my-prm-lines": "lines"}
    assert found.protocol["critic visualprm@my-prm-lines: step rule"] == "lines"
    after = protocols(tmp_path)
    assert all(after["visualprm@my-prm", k] != after["visualprm@my-prm-lines", k] for k in (1, N))
    scores = {pick.critic: set(pick.step_scores) for pick in found.picks if pick.reranker.startswith("visualprm")}
    assert scores["visualprm@my-prm-lines"] == {0.25} != scores["visualprm@my-prm"]


def test_a_part_of_the_problems_is_another_set(tmp_path):
    fill(tmp_path)
    _, everything = prints_of(tmp_path)
    _, half = prints_of(tmp_path, limit=P // 2)
    assert not {each["problem set"] for each in everything.values()} & {each["problem set"] for each in half.values()}


def test_the_mean_names_its_parts(tmp_path):
    fill(tmp_path)
    fill(tmp_path, benchmark="Other")
    found, prints = prints_of(tmp_path)
    overall = [row for row in found.rows if row.benchmark == OVERALL]
    assert overall
    for row in overall:
        parts = [one for one in found.rows if (one.reranker, one.k) == (row.reranker, row.k) and one is not row]
        assert row.protocol == digest(sorted(one.protocol for one in parts))
        facts = prints[row.protocol]
        assert facts["parts"] == ", ".join(f"{one.benchmark} {one.protocol}" for one in parts)
        assert (facts["benchmark"], facts["k"], facts["temperature"]) == (OVERALL, row.k, 0.7)
        assert facts["problem set"] == "", "it is not the same in all parts"


def test_versions_are_those_of_the_facts(tmp_path, monkeypatch):
    fill(tmp_path)
    before, prints = prints_of(tmp_path)
    assert {each["sampled with"] for each in prints.values()} == {versions.NOT_RECORDED}
    monkeypatch.setattr(versions, "_here", lambda: "torch 3")
    assert results(tmp_path).rows == before.rows, "a report with other versions is of the same numbers"
    with Store.open(tmp_path / STORE_FILE) as store:
        [scoring] = store.specs("scoring")
        versions.note_versions(store, scoring)
    after, prints = prints_of(tmp_path)
    said = f"{versions.NOT_RECORDED}; then torch 3"
    assert {each["scored with"] for each in prints.values()} == {"", said}
    assert after.protocol["critic visualprm: scored with"] == said
    changed = {new.reranker for new, old in zip(after.rows, before.rows, strict=True) if new.protocol != old.protocol}
    assert changed == {"visualprm", "weighted-vote"}


@pytest.mark.parametrize("asked", ["cot", "host"])
def test_a_prompt_that_changes_nothing_is_not_recorded_as_asked(tmp_path, asked):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        [sampling] = store.specs("sampling")
        put = Spec("sampling", {**sampling.settings, "prompt": asked})
        store.put_spec(put)
        ids = [problem.id for problem in store.problems("Bench")]
        candidates = [one for found in store.candidates(sampling.id, ids).values() for one in found]
        store.put_candidates(put.id, candidates)
        store.put_note("unheeded prompts", "Bench", ["cot", "direct"])
    found, prints = prints_of(tmp_path)
    own = f"the dataset's own ({asked} changes nothing there)" if asked == "cot" else asked
    assert {each["prompt"] for each in prints.values() if each["sampling key"] == put.id} == {own}
    said = {value for name, value in found.protocol.items() if name.endswith(": prompt")}
    assert said == ({own} if asked == "cot" else set())
