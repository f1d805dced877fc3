"""A report is of what the last run had of each policy and benchmark; of older stores, of what was finished."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.run.test_plan_report import N, P, config, fill, results
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import UnknownNameError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Verdict
from visualprm_eval.evaluate.fact_columns import Columns, ProblemFacts
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.run.last_run import Choice, note_asked
from visualprm_eval.run.plan_report import plan_report
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.scopes import Scope, finished_part, put_scope, scopes
from visualprm_eval.store.soundness import open_sound


def scope_in(work_dir, **changes):
    """What a run notes that had all of a store that ``fill`` made, but for these changes."""
    with Store.open(work_dir / STORE_FILE) as store:
        sampling, grading = store.specs("sampling")[0], store.specs("grading")[0]
        ids = [problem.id for problem in store.problems("Bench")]
        noted = Scope("P", False, ids, N, (1, 2, N), "auto", grading.settings, {"total": P})
        put_scope(store, sampling, "Bench", replace(noted, **changes))


def shown(work_dir, **options):
    rows = results(work_dir, **options).rows
    return {row.k for row in rows}, {row.n_problems for row in rows}, {row.n_total for row in rows}


def test_the_last_run_says_how_much(tmp_path):
    fill(tmp_path)
    ids = [f"id{number}" for number in range(12)]
    scope_in(tmp_path, n=2, ks=(1, 2), problems=ids)
    assert shown(tmp_path) == ({1, 2}, {12}, {P})
    scope_in(tmp_path)
    assert shown(tmp_path) == ({1, 2, 4}, {P}, {P})
    scope_in(tmp_path, n=2, ks=(1, 2), problems=ids)
    assert shown(tmp_path) == ({1, 2}, {12}, {P}), "a run that was there before is the last one again"


def test_options_widen_and_narrow_it(tmp_path):
    fill(tmp_path)
    scope_in(tmp_path, n=2, ks=(1, 2), problems=[f"id{number}" for number in range(12)])
    assert shown(tmp_path, limit=5) == ({1, 2}, {5}, {P})
    assert shown(tmp_path, limit=20) == ({1, 2}, {20}, {P})
    assert shown(tmp_path, ks=(1, 4)) == ({1, 4}, {12}, {P})
    assert shown(tmp_path, ks=(1,)) == ({1}, {12}, {P})


def test_the_judge_is_the_last_runs(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        (first,) = store.specs("grading")
        second = Spec("grading", {**first.settings, "judge": "other"})
        store.put_spec(second)
    for spec in (second, first):
        scope_in(tmp_path, grading=spec.settings)
        with open_sound(tmp_path / STORE_FILE) as store:
            assert plan_report(config(tmp_path), store).experiments[0].grading == spec
            assert (
                plan_report(config(tmp_path, judge=JudgeOptions("exact_matching")), store).experiments[0].grading
                == first
            )


def test_only_picks_were_graded(tmp_path):
    fill(tmp_path)
    scope_in(tmp_path, grade="picks")
    for options, values in (({}, {None}), ({"grade": "all"}, {50.0, 75.0, 100.0})):
        oracle = [row for row in results(tmp_path, **options).rows if row.reranker == "oracle"]
        assert {row.value for row in oracle} == values


def test_two_samplings_of_one_name(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        (old,) = store.specs("sampling")
        new = Spec("sampling", {**old.settings, "temperature": 1.0})
        store.put_spec(new)
        store.put_candidates(new.id, [Candidate("id0", 0, "text")])
    apart = {f"P ({old.id[:6]})", f"P ({new.id[:6]})"}
    assert {row.policy for row in results(tmp_path).rows} == apart, "no run says who had the name last"
    scope_in(tmp_path)
    assert {row.policy for row in results(tmp_path).rows} == {"P", f"P ({new.id[:6]})"}
    assert {row.policy for row in results(tmp_path, models=(f"P ({new.id[:6]})",)).rows} == {f"P ({new.id[:6]})"}
    assert len({row.policy for row in results(tmp_path, models=("P",)).rows}) == 2
    with pytest.raises(UnknownNameError, match="unknown policy 'Q'"):
        results(tmp_path, models=("Q",))


def test_what_came_to_a_store_later_does_not_make_it_unfinished(tmp_path):
    """A pack holds more than a run used, and another run brought more problems."""
    fill(tmp_path)
    before = results(tmp_path).rows
    with Store.open(tmp_path / STORE_FILE) as store:
        (sampling,) = store.specs("sampling")
        store.put_candidates(
            sampling.id, [Candidate(f"id{i}", rank, f"late {rank}") for i in range(P) for rank in (4, 5)]
        )
        store.put_problems([Problem("Bench", str(i), "", (Part("text", "?"),), "1", f"late{i}") for i in (P, P + 1)])
    found = results(tmp_path).rows
    assert {row.value for row in found} == {row.value for row in before}
    assert {(row.n_problems, row.n_total) for row in found} == {(P, P + 2)}


def facts(*rows):
    """Problems of which each is a list of candidates: what is known of each one's text, in letters.

    ``s`` scored, ``g`` graded, ``f`` a failed candidate, ``-`` none.
    """
    problems = []
    for number, row in enumerate(rows):
        candidates = [
            Candidate(str(number), rank, "" if "f" in what else f"text {rank}", error="no" if "f" in what else None)
            for rank, what in enumerate(row) if what != "-"
        ]  # fmt: skip
        known = {letter: [one for one in candidates if letter in row[one.rank]] for letter in "sg"}
        problems.append(
            ProblemFacts(
                Problem("Bench", str(number), "", (), "", str(number)), tuple(candidates),
                {"critic": {one.text_id: StepScores((0.5,)) for one in known["s"]}},
                {one.text_id: Verdict(1.0) for one in known["g"]},
            )
        )  # fmt: skip
    return Columns.of(problems)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["sg", "sg"], ["sg", "sg"]], (2, 2)),
        ([["sg", "sg", " "], ["sg", "sg", " "]], (2, 2)),
        ([["sg", "sg"], ["-", "-"]], (1, 2)),
        ([["sg", "f", " "], ["f", "g", " "]], (2, 2)),
        ([["sg", "sg"], [" ", " "]], None),
        ([["sg", "sg"], ["sg", "s"]], None),
        ([["sg", "sg"], ["sg", " "]], None),
        ([["sg", "s"], ["sg", "s"]], None),
        ([["-", "-"], ["sg", "sg"]], None),
        ([["s", "s"], ["s", "s"]], None),
    ],
    ids=[
        "all", "a pack holds more", "a limit", "failures", "the last problem lacks all", "being graded: some",
        "being graded: one", "graded in part, scored whole", "not the first ones", "not graded",
    ],
)  # fmt: skip
def test_what_is_finished_of_a_store_that_notes_nothing(rows, expected):
    assert finished_part(facts(*rows), len(rows[0])) == expected


def test_texts_that_repeat_are_of_the_first_candidate_that_says_them():
    found = facts(["sg", "sg", "sg"])
    same = replace(found.candidates, texts=np.array([0, 1, 0]))
    assert finished_part(replace(found, candidates=same), 3) == (1, 3)


def test_a_scope_comes_back(tmp_path):
    fill(tmp_path)
    scope_in(tmp_path, greedy=True)
    with open_sound(tmp_path / STORE_FILE) as store:
        (sampling,) = store.specs("sampling")
        [(place, found)] = scopes(store).items()
        assert place == (sampling.id, "Bench")
        assert scopes(store, sampling, "Bench") == {place: found}
        assert scopes(store, sampling, "Other") == {}
        assert (found.policy, found.greedy, found.n, found.graded) == ("P", True, N, store.specs("grading")[0])


def test_greedy_samples_are_shown_as_the_last_run_had_them(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        (sampling,) = store.specs("sampling")
        twin = Spec("sampling", {**sampling.settings, "temperature": 0.0})
        store.put_spec(twin)
        store.put_candidates(twin.id, [Candidate(f"id{number}", 0, "text") for number in range(P)])
    assert "greedy" in {row.reranker for row in results(tmp_path).rows}
    with Store.open(tmp_path / STORE_FILE) as store:
        put_scope(store, twin, "Bench", Scope("P", False, ["id0"], 1, (1,), "auto", None, {"total": P}))
    rows = results(tmp_path).rows
    assert "greedy" not in {row.reranker for row in rows}, "it was a policy of its own"
    assert {row.policy for row in rows} == {"P", f"P ({sampling.id[:6]})"}


def test_gains_are_over_the_baseline_of_the_last_run(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        note_asked(store, Choice(build_rerankers(["first", "oracle"], ()), {}, (), greedy=False, baseline="first"))
    assert results(tmp_path).protocol["baseline of gains"] == "first"
    assert results(tmp_path, baseline="mean").protocol["baseline of gains"] == "mean"
