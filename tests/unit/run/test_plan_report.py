"""Reports and comparisons from a store alone: what is found, what is missing, what is refused."""

from __future__ import annotations

import csv
import shlex
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from visualprm_eval.cli import main
from visualprm_eval.core.config import GIVEN, REPORT, JudgeOptions, filled
from visualprm_eval.core.errors import ConfigError, StoreDamagedError, StoreError, UnknownNameError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Usage, Verdict
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.run import plan_report as stored_run
from visualprm_eval.run.collect_results import collect
from visualprm_eval.run.last_run import Choice, note_asked
from visualprm_eval.run.plan_report import plan_report
from visualprm_eval.store import STORE_FILE, Store, soundness
from visualprm_eval.store.soundness import open_sound
from visualprm_eval.tasks import TASKS

N, P = 4, 40


def fill(
    work_dir: Path, *, better: float = 0.3, graded: int = P, sampled: int = P, benchmark: str = "Bench",
    policy: str = "P", prm: str = "x/my-prm", judge: str = "exact_matching",
) -> None:  # fmt: skip
    """A store of one policy on one benchmark; scores are right for a part of the problems."""
    mark = "" if benchmark == "Bench" else benchmark
    ids = [f"id{i}{mark}" for i in range(P)]
    problems = [Problem(benchmark, str(i), "", (Part("text", f"What is {i}?"),), "1", ids[i]) for i in range(P)]
    sampling = Spec("sampling", {"policy": policy, "temperature": 0.7})
    scoring = Spec("scoring", {"critic": "visualprm", "max_steps": 12, "checkpoint": "f00"})
    grading = Spec("grading", {"benchmark": benchmark, "prediction": "raw", "host": "1", "judge": judge})
    with Store.open(work_dir / STORE_FILE) as store:
        for spec in (sampling, scoring, grading):
            store.put_spec(spec)
        store.put_note("checkpoint", "f00", {"source": prm, "revision": None})
        store.put_problems(problems)
        for number, problem in enumerate(problems[:sampled]):
            right = {number % N, (number + 1) % N}
            texts = [f"{rank}.\n\nThe answer is {1 if rank in right else 2}." for rank in range(N)]
            candidates = [Candidate(problem.id, rank, text, tokens=5, seconds=0.5) for rank, text in enumerate(texts)]
            store.put_candidates(sampling.id, candidates)
            good = number < better * P
            store.put_scores(scoring.id, [
                (problem.id, one.text_id, StepScores((0.9 if (one.rank in right) == good else 0.1, 0.5), ("a", "b"),
                                                     seconds=0.25))
                for one in candidates
            ])  # fmt: skip
            if number < graded:
                verdicts = [
                    (problem.id, one.text_id, Verdict(float(one.rank in right), seconds=0.125)) for one in candidates
                ]
                store.put_verdicts(grading.id, verdicts)


def config(work_dir: Path, **changes):
    return filled(REPORT, {"work_dir": work_dir, **changes})


def results(work_dir: Path, names=(), **changes):
    with open_sound(work_dir / STORE_FILE) as store:
        return collect(store, plan_report(config(work_dir, **changes), store, names))


def test_everything_is_read_off_the_store(tmp_path):
    fill(tmp_path)
    found = results(tmp_path)
    table = {(row.reranker, row.k): row.value for row in found.rows}
    assert {name for name, _ in table} == {
        "first", "random", "self-consistency", "visualprm", "weighted-vote", "oracle",
    }  # fmt: skip
    assert table["random", 4] == 50
    assert table["visualprm", 4] == pytest.approx(30)
    assert table["oracle", 4] == 100
    assert found.insight.banner.startswith("WARNING: scores do not tell right from wrong"), (
        "this critic likes wrong ones"
    )
    assert not found.insight.missing
    for standing in found.insight.standings:
        assert standing.value == pytest.approx(table[standing.reranker, 4]), "the intervals are of the table's values"
        assert standing.low <= standing.value <= standing.high
    last = {point.reranker: point for point in found.insight.points if point.k == 4}
    assert {name: point.value for name, point in last.items()} == pytest.approx({name: table[name, 4] for name in last})
    for point in found.insight.points:
        if (point.reranker, point.k) in table:
            assert point.prefix == pytest.approx(table[point.reranker, point.k])
    costs = {cost.stage: (cost.items, cost.tokens, cost.seconds) for cost in found.insight.costs}
    assert costs == {
        "sample": (P * N, 5 * P * N, 0.5 * P * N), "score": (P * N, None, 0.25 * P * N),
        "grade": (P * N, None, 0.125 * P * N),
    }  # fmt: skip
    assert found.insight.tallies["P", "Bench", "id0"].right == 2
    assert len(found.viewer.index) == P


def note(work_dir: Path, names, prms=("prm",), critics=None) -> None:
    """What a run leaves that showed these rerankers; ``critics`` are its labels and the keys of their scores."""
    with Store.open(work_dir / STORE_FILE) as store:
        (scoring,) = (one for one in store.specs("scoring") if one.settings.get("critic") == "visualprm")
        labels = {"visualprm": scoring} if critics is None else critics
        note_asked(store, Choice(build_rerankers(names, prms), labels, (), greedy=False))


def test_without_names_it_shows_what_the_last_run_showed(tmp_path):
    fill(tmp_path)
    as_before = {row.reranker for row in results(tmp_path).rows}
    shown = ["first", "visualprm:min", "oracle"]
    note(tmp_path, shown)
    assert list(dict.fromkeys(row.reranker for row in results(tmp_path).rows)) == shown
    assert {row.reranker for row in results(tmp_path, ["visualprm"]).rows} == {"first", "visualprm"}
    note(tmp_path, ["first", "random"])
    note(tmp_path, shown)
    assert {row.reranker for row in results(tmp_path).rows} == set(shown), "the last run is the first one again"
    note(tmp_path, [*shown, "visualorm"], critics={"visualorm": Spec("scoring", {"critic": "visualorm"})})
    assert {row.reranker for row in results(tmp_path).rows} == as_before, "some of its scores are not here"


def test_what_the_last_run_showed_is_noted_once(tmp_path):
    fill(tmp_path)
    for _ in range(3):
        note(tmp_path, ["first", "visualprm:min"])
    with Store.open(tmp_path / STORE_FILE) as store:
        assert len(store.notes("asked")) == 1
        assert store.verify() == []


def test_the_last_run_may_have_called_its_reward_model_otherwise(tmp_path):
    fill(tmp_path)
    with Store.open(tmp_path / STORE_FILE) as store:
        (scoring,) = store.specs("scoring")
    note(tmp_path, ["first", "visualprm:min@v1", "weighted-vote@v1"], ("v1", "v2"), {"visualprm@v1": scoring})
    assert {row.reranker for row in results(tmp_path).rows} == {"first", "visualprm:min", "weighted-vote"}


def test_a_reranker_that_is_not_installed_any_more(tmp_path, capsys):
    fill(tmp_path)
    as_before = {row.reranker for row in results(tmp_path).rows}
    with Store.open(tmp_path / STORE_FILE) as store:
        gone = replace(build_rerankers(["random"], ["prm"])[0], name="gone")
        note_asked(store, Choice([gone], {}, (), greedy=False))
    assert {row.reranker for row in results(tmp_path).rows} == as_before
    note(tmp_path, ["first", "random"])
    capsys.readouterr()
    assert {row.reranker for row in results(tmp_path).rows} == {"first", "random"}
    assert "note: as in the last run, without visualprm; --reranker shows" in capsys.readouterr().err


def test_tokens_that_were_read_are_told(tmp_path):
    fill(tmp_path, sampled=P - 1)
    with Store.open(tmp_path / STORE_FILE) as store:
        (sampling,) = store.specs("sampling")
        whole = [
            Candidate(f"id{P - 1}", rank, str(rank), usage=Usage(70, 9) if rank == 0 else None) for rank in range(N)
        ]
        store.put_candidates(sampling.id, whole)
    costs = {cost.stage: cost.prompt_tokens for cost in results(tmp_path).insight.costs}
    assert costs == {"sample": 70, "score": None, "grade": None}


def test_rerankers_may_be_chosen(tmp_path):
    fill(tmp_path)
    found = results(tmp_path, ["visualprm:min"])
    assert {row.reranker for row in found.rows} == {"first", "visualprm:min"}
    with pytest.raises(ConfigError, match="has no scores for visualorm; it has those of visualprm"):
        results(tmp_path, ["visualorm"])


def put_labelled(work_dir: Path) -> None:
    """Solutions with labelled steps beside the candidates, scored by two critics."""
    problem = Problem("Labelled", "0", "", (Part("text", "?"),), "", "given0")
    sampling = Spec("sampling", {"policy": "as given", "engine": GIVEN, "benchmark": "Labelled", "file": "f"})
    scorings = [
        Spec("scoring", {"critic": "visualprm", "steps": GIVEN, "checkpoint": "f00"}),
        Spec("scoring", {"critic": "judge", "steps": GIVEN, "judge": {"policy": "J", "model": "J"}}),
    ]
    with Store.open(work_dir / STORE_FILE) as store:
        store.put_problems([problem])
        for spec in (sampling, *scorings):
            store.put_spec(spec)
        candidate = Candidate(problem.id, 0, "a step")
        store.put_candidates(sampling.id, [candidate])
        for scoring in scorings:
            store.put_scores(scoring.id, [(problem.id, candidate.text_id, StepScores((0.5,), ("a step",)))])


def test_solutions_with_labels_are_neither_candidates_nor_a_benchmark(tmp_path):
    fill(tmp_path / "alone")
    fill(tmp_path / "both")
    put_labelled(tmp_path / "both")
    alone, both = results(tmp_path / "alone"), results(tmp_path / "both")
    assert both.rows == alone.rows
    assert both.insight == alone.insight
    assert both.failures == alone.failures
    assert both.protocol == alone.protocol
    with pytest.raises(UnknownNameError, match="unknown benchmark 'Labelled'"):
        results(tmp_path / "both", data=("Labelled",))
    put_labelled(tmp_path / "labelled")
    with pytest.raises(StoreError, match="has no candidates to report on"):
        results(tmp_path / "labelled")


def put_judged(work_dir: Path, **judge: str) -> None:
    """What a prompted judge says: that the wrong candidates' steps are wrong."""
    with Store.open(work_dir / STORE_FILE) as store:
        scoring = Spec("scoring", {"critic": "judge", "max_steps": 12, "judge": judge})
        store.put_spec(scoring)
        (sampling,) = store.specs("sampling")
        ids = [problem.id for problem in store.problems("Bench")]
        store.put_scores(scoring.id, [
            (one.problem_id, one.text_id, StepScores((float("is 1" in one.text), 1.0), ("a", "b")))
            for found in store.candidates(sampling.id, ids).values() for one in found
        ])  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "label", "other"),
    [
        ({"policy": "GPT4o"}, "judge:GPT4o", "judge:GPT4o"),
        ({"policy": "big", "model": "org/big"}, "judge:org/big", "judge:big"),
        ({"policy": "mine", "model": "org/big"}, "judge:mine=org/big", "judge:mine"),
    ],
)
def test_a_prompted_judge_is_the_reranker_that_a_run_had(tmp_path, capsys, settings, label, other):
    fill(tmp_path)
    put_judged(tmp_path, **settings)
    found = {(row.reranker, row.k): row.value for row in results(tmp_path).rows}
    assert found[label, N] == 100
    for name in (label, other):
        assert {row.reranker for row in results(tmp_path, [name]).rows} == {"first", label}
    assert main(["compare", label, "first", "--work-dir", str(tmp_path)]) == 0
    assert f"{label} is better than first" in capsys.readouterr().out


def test_a_judge_that_graded_nothing_leaves_the_report_alone(tmp_path):
    fill(tmp_path)
    with pytest.raises(UnknownNameError, match="exact_matching"):
        results(tmp_path, judge=JudgeOptions("gpt-4o-mini"))
    assert results(tmp_path, judge=JudgeOptions("exact_matching")).rows


def test_values_that_were_graded_without_the_hosts_judge_say_so(tmp_path):
    metric = TASKS["DynaMath"].metric
    for judge, expected in (("exact_matching", f"{metric}, exact matching"), ("gpt-4o-mini", metric)):
        fill(tmp_path / judge, benchmark="DynaMath", judge=judge)
        with open_sound(tmp_path / judge / STORE_FILE) as store:
            rows = collect(store, plan_report(config(tmp_path / judge), store)).rows
            assert {row.metric for row in rows} == {expected}


def test_published_figures_stand_beside_those_of_the_store(tmp_path, monkeypatch):
    about = {"benchmark": "MathVista_MINI", "policy": "InternVL2_5-8B", "judge": "gpt-4o-mini"}
    fill(tmp_path, prm="OpenGVLab/VisualPRM-8B", **about)
    found = {(each.row.reranker, each.row.k): each for each in results(tmp_path).comparisons}
    assert found["random", N].source == "arXiv:2503.10291v1, table 2"
    assert found["random", N].difference is None
    assert found["random", N].remark == "ours of 40 of 1,000 problems"
    assert ("visualprm", N) not in found, "the papers have no best-of-4 of this benchmark"
    assert found["random", N].manner == (
        "ours is the mean of 4 samples at temperature 0.7, published greedy; prompt of ours not recorded"
    )
    assert results(tmp_path).insight.published == (), "published figures are not of a part of the problems"
    monkeypatch.setitem(TASKS, "MathVista_MINI", replace(TASKS["MathVista_MINI"], size=P))
    whole = results(tmp_path)
    points = {(each.reranker, each.k): each.value for each in whole.insight.published}
    assert points == {("first", 1): 64.5}, "other published k are beyond N"
    [pass_at_1] = [each for each in whole.comparisons if each.row.reranker == "random"]
    assert pass_at_1.difference is not None, "it is the same thing, made otherwise"
    fill(tmp_path / "other", prm="./my-own", **about)
    assert {each.row.reranker for each in results(tmp_path / "other").comparisons} == {"random"}


def test_an_unfinished_store_says_what_is_missing_and_gives_no_value(tmp_path):
    fill(tmp_path, graded=P - 3, sampled=P - 1)
    found = results(tmp_path)
    assert found.insight.missing == (
        "P on Bench: 4 of 160 candidates are not sampled",
        "P on Bench: 8 of 156 texts are not graded",
    )
    assert {row.value for row in found.rows} == {None}
    assert found.insight.standings == ()


def test_too_many_failures_are_missing_too(tmp_path):
    fill(tmp_path, sampled=P - 1)
    with Store.open(tmp_path / STORE_FILE) as store:
        (sampling,) = store.specs("sampling")
        failed = [Candidate(f"id{P - 1}", rank, "", error="timeout") for rank in range(N)]
        store.put_candidates(sampling.id, failed)
    assert results(tmp_path).insight.missing == ("P on Bench: 1 of 40 problems failed",)


def test_the_commands_need_no_host(tmp_path, capsys):
    fill(tmp_path)
    assert main(["report", "--work-dir", str(tmp_path)]) == 0
    assert {"report.html", "results.xlsx", "figures"} <= {path.name for path in tmp_path.iterdir()}
    assert main(["compare", "visualprm", "first", "--work-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("P on Bench, 40 problems, k = 4: ")
    assert "95% interval" in said


def test_two_work_dirs_are_paired(tmp_path, capsys):
    fill(tmp_path / "a", better=0.9)
    fill(tmp_path / "b", better=0.2)
    a, b = map(str, (tmp_path / "a", tmp_path / "b"))
    assert main(["compare", a, b, "--reranker", "visualprm"]) == 0
    (ours,) = capsys.readouterr().out.splitlines()
    assert f"visualprm in {a} is better than visualprm in {b} (+70.0 points" in ours
    assert "p < 0.0001)" in ours, "nothing else was asked for, so that nothing is corrected for"
    assert main(["compare", a, b]) == 0
    said = capsys.readouterr().out.splitlines()
    assert any(f"first in {a} against first in {b}: no difference is shown (+0.0 points" in line for line in said)
    assert all("corrected" in line for line in said if "visualprm in" in line)


def test_work_dirs_of_different_n_say_both_k(tmp_path, capsys):
    fill(tmp_path / "a")
    fill(tmp_path / "b")
    with sqlite3.connect(tmp_path / "b" / STORE_FILE) as db:
        db.execute("DELETE FROM candidates WHERE rank >= 2")
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--reranker", "oracle"]) == 0
    assert "P on Bench, 40 problems, k = 4 against k = 2: oracle in" in capsys.readouterr().out


def test_a_comparison_with_an_unfinished_store_says_what_is_missing(tmp_path, capsys):
    fill(tmp_path, graded=P - 3)
    assert main(["compare", "visualprm", "first", "--work-dir", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert "note: unfinished: P on Bench: 12 of 160 texts are not graded" in said.out
    assert "no finished policy and benchmark with values of both visualprm and first" in said.err


def test_a_reranker_is_not_compared_with_itself(tmp_path, capsys):
    fill(tmp_path)
    assert main(["compare", "first", "first", "--work-dir", str(tmp_path)]) == 2
    assert "first and first are one reranker" in capsys.readouterr().err


def test_a_reranker_and_a_work_dir_do_not_compare(tmp_path, capsys):
    fill(tmp_path)
    assert main(["compare", "first", str(tmp_path)]) == 2
    assert f"{tmp_path} is a work dir and first is none" in capsys.readouterr().err


def test_names_that_the_store_lacks(tmp_path):
    fill(tmp_path)
    with pytest.raises(UnknownNameError, match="unknown benchmark 'Bunch' in this store; did you mean 'Bench'"):
        results(tmp_path, data=("Bunch",))
    with pytest.raises(UnknownNameError, match="unknown policy 'Q'"):
        results(tmp_path, models=("Q",))


def test_a_damaged_store_is_named(tmp_path):
    fill(tmp_path)
    with sqlite3.connect(tmp_path / STORE_FILE) as db:
        db.execute("UPDATE texts SET value = 'forged' WHERE position = 1")
    with pytest.raises(StoreDamagedError, match=r"store\.sqlite is damaged: text \w+ is not what was stored"):
        open_sound(tmp_path / STORE_FILE)


@pytest.mark.parametrize("least", [0, 2**40], ids=["looked at by another process", "looked at by this one"])
def test_a_report_is_of_a_store_without_damage(tmp_path, monkeypatch, capsys, least):
    monkeypatch.setattr(soundness, "_WORTH_A_PROCESS", least)
    fill(tmp_path)
    stored_run.report(config(tmp_path), [])
    assert (tmp_path / "results.xlsx").is_file()
    with sqlite3.connect(tmp_path / STORE_FILE) as db:
        db.execute("UPDATE texts SET value = 'forged' WHERE position = 1")
    (tmp_path / "results.csv").unlink()
    with pytest.raises(StoreDamagedError, match=r"store\.sqlite is damaged: text \w+ is not what was stored"):
        stored_run.report(config(tmp_path), [])
    assert not (tmp_path / "results.csv").exists(), "nothing is written of a damaged store"
    with pytest.raises(StoreDamagedError, match="is not what was stored"):
        stored_run.report(config(tmp_path, data=("Bunch",)), [])  # Damage comes before whatever else is wrong.
    capsys.readouterr()


def test_an_empty_store_has_nothing_to_report(tmp_path):
    Store.open(tmp_path / STORE_FILE).close()
    with pytest.raises(StoreError, match="has no candidates to report on"):
        results(tmp_path)


def add_greedy(work_dir: Path) -> None:
    """One more sample of each problem of the store, at temperature 0; half of them right."""
    with Store.open(work_dir / STORE_FILE) as store:
        (grading,) = store.specs("grading")
        sampling = Spec("sampling", {"policy": "P", "temperature": 0})
        store.put_spec(sampling)
        for number in range(P):
            one = Candidate(f"id{number}", 0, "greedy: the answer is 1")
            store.put_candidates(sampling.id, [one])
            store.put_verdicts(grading.id, [(one.problem_id, one.text_id, Verdict(float(number % 2)))])


def test_gains_of_a_store_are_over_the_baseline_that_is_asked_for(tmp_path):
    fill(tmp_path)
    for asked, kind in ((None, "mean"), ("first", "first"), ("mean", "mean"), ("greedy", None)):
        insight = results(tmp_path, baseline=asked).insight
        assert insight.baselines["P", "Bench", ""].kind == kind
    found = {row.reranker: row for row in results(tmp_path).insight.standings}
    assert found["first"].gain == pytest.approx(found["first"].value - 50)
    add_greedy(tmp_path)
    over = {row.reranker: row for row in results(tmp_path, baseline="greedy").insight.standings}
    assert over["visualprm"].gain == pytest.approx(30 - 50)
    assert over["greedy"].is_baseline


def test_picks_alone_are_not_compared_with_a_mean(tmp_path):
    fill(tmp_path)
    found = results(tmp_path, grade="picks")
    assert found.insight.baselines["P", "Bench", ""].kind == "first"
    assert not found.insight.means


def test_a_mean_and_greedy_are_compared_by_their_names(tmp_path, capsys):
    fill(tmp_path)
    assert main(["compare", "mean", "visualprm", "--work-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "k = 4: mean is better than visualprm (+20.0 points" in said
    assert "; p" in said
    assert main(["compare", "oracle", "visualprm", "--work-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "oracle against visualprm: not tested (+70.0 points" in said
    assert "; p" not in said
    assert main(["compare", "greedy", "visualprm", "--work-dir", str(tmp_path)]) == 2
    assert "has no samples at temperature 0 beside others" in capsys.readouterr().err
    add_greedy(tmp_path)
    assert main(["compare", "greedy", "visualprm", "--work-dir", str(tmp_path)]) == 0
    assert "k = 1 against k = 4" in capsys.readouterr().out
    assert main(["compare", "mean", "random", "--work-dir", str(tmp_path)]) == 2
    assert main(["compare", str(tmp_path), str(tmp_path), "--reranker", "random", "greedy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("random in" in line and "not tested (+0.0 points" in line for line in lines), "two means"
    assert any("greedy in" in line and "p = 1.0000" in line for line in lines)


def test_a_greedy_row_is_of_greedy_samples_alone(tmp_path):
    """The first of N at another temperature must not bear the name."""
    fill(tmp_path)
    with pytest.raises(ConfigError, match="no samples at temperature 0 beside others"):
        results(tmp_path, ["greedy", "visualprm"])
    add_greedy(tmp_path)
    found = {(row.reranker, row.k): row.value for row in results(tmp_path, ["greedy", "visualprm"]).rows}
    assert found["greedy", 1] == 50
    assert ("greedy", N) not in found


def reported(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_narrower_report_tells_what_it_leaves_out_and_what_brings_it_back(tmp_path, capsys):
    fill(tmp_path)
    report = ["report", "--work-dir", str(tmp_path)]
    assert main(report) == 0
    assert "showed more" not in capsys.readouterr().err
    wide = reported(tmp_path)
    assert main([*report, "--reranker", "oracle", "--k", "2", "--limit", "10"]) == 0
    said = capsys.readouterr().err
    missing = "rerankers random, self-consistency, visualprm, weighted-vote; k 1, 4; problems of Bench 40, not 10."
    assert f"note: the former files in {tmp_path} showed more: {missing}" in said
    again = shlex.split(said.partition("`visualprm_eval ")[2].partition("`")[0])
    assert main(again) == 0
    assert "showed more" not in capsys.readouterr().err
    assert reported(tmp_path) == wide


def test_a_report_elsewhere_leaves_the_files_of_the_work_dir(tmp_path, capsys):
    fill(tmp_path / "work")
    report = ["report", "--work-dir", str(tmp_path / "work")]
    assert main(report) == 0
    names = [path for path in (tmp_path / "work").rglob("*") if path.is_file() and "store" not in path.name]
    before = {path: path.read_bytes() for path in names}
    assert main([*report, "--reranker", "oracle", "-o", str(tmp_path / "only the oracle")]) == 0
    assert "showed more" not in capsys.readouterr().err
    assert {path: path.read_bytes() for path in names} == before
    assert {row["reranker"] for row in reported(tmp_path / "only the oracle")} == {"first", "oracle"}
    fill(tmp_path / "other", benchmark="Other")
    (tmp_path / "file").write_text("")
    for folder, why in (("other", "another work dir"), ("file", "is no folder"), ("file/x", "is no folder")):
        assert main([*report, "-o", str(tmp_path / folder)]) == 2
        said = capsys.readouterr()
        assert why in said.err and "-o" in said.err
        assert said.out == "", "nothing was evaluated for nothing"
    assert main([*report, "-o", str(tmp_path / "work")]) == 0
