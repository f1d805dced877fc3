"""From facts to results: the rules one by one, and properties over random facts."""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from visualprm_eval.core.types import Candidate, Part, Problem, StepScores, Verdict, text_id
from visualprm_eval.evaluate import withheld
from visualprm_eval.evaluate.benchmark_values import evaluate_benchmark, picked_tables
from visualprm_eval.evaluate.candidate_grid import build_pool
from visualprm_eval.evaluate.fact_columns import ProblemFacts
from visualprm_eval.evaluate.overall import overall_rows, unfinished
from visualprm_eval.evaluate.reranker_registry import build_rerankers, needed_critics
from visualprm_eval.evaluate.result_rows import OVERALL, WITHOUT_CRITIC, Pick, ResultRow
from visualprm_eval.evaluate.study import Study, picked_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from visualprm_eval.evaluate.rerankers import Reranker


@pytest.fixture(autouse=True, scope="module")
def critics_in_play():
    """However often they fail: a few made-up texts have no part below one in a hundred."""
    with patch.object(withheld, "MAX_UNSCORED", 1.0):
        yield


# The machine may be busy, and facts are costly to draw.
RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
NAMES = ["first", "random", "self-consistency", "visualprm", "visualprm:min", "visualorm", "weighted-vote", "oracle"]
RERANKERS = build_rerankers(NAMES, ["prm"])
CHOOSERS = build_rerankers([name for name in NAMES if name not in {"random", "oracle"}], ["prm"])
CRITICS = ("visualprm", "visualorm")
KS = (1, 2, 4)


def last_word(text: str, choices: Mapping[str, str]) -> str | None:
    """The vote: the part of the text after its colon, if any."""
    del choices
    return text.partition(":")[2] or None


def facts_of(
    texts: Sequence[str | None],
    scores: Mapping[str, float | None] | None = None,
    verdicts: Mapping[str, float | None] | None = None,
    *,
    index: str = "0",
    split: str = "",
) -> ProblemFacts:
    """One problem. ``None`` is a failure: of a candidate, of its score, of its verdict; what is not named, is missing.

    Both critics give the score of a text; by default all texts are scored 0.5 and right.
    """
    problem = Problem("bench", index, split, (Part("text", "How many?"),), "7", f"id{index}{split}")
    known = {text for text in texts if text is not None}
    scores = dict.fromkeys(known, 0.5) if scores is None else scores
    verdicts = dict.fromkeys(known, 1.0) if verdicts is None else verdicts
    scored = {
        text_id(text): StepScores((), error="too long") if score is None else StepScores((score, score))
        for text, score in scores.items()
    }
    return ProblemFacts(
        problem=problem,
        candidates=tuple(
            Candidate(problem.id, rank, text or "", error="timeout" if text is None else None)
            for rank, text in enumerate(texts)
        ),
        scores={critic: MappingProxyType(scored) for critic in CRITICS},
        verdicts={
            text_id(text): Verdict(value, "no judge" if value is None else None) for text, value in verdicts.items()
        },
    )


def study_of(facts: Sequence[ProblemFacts], rerankers: Sequence[Reranker] = RERANKERS, **changes: Any) -> Study:
    study = Study("policy", "bench", "accuracy", facts, rerankers, 1, last_word, grade_all=True)
    return replace(study, **changes)


def results(
    facts: Sequence[ProblemFacts],
    rerankers: Sequence[Reranker] = RERANKERS,
    ks: Sequence[int] = KS,
    *,
    grade_all: bool = True,
) -> tuple[dict[tuple[str, int], ResultRow], list[Pick]]:
    rows, picks = evaluate_benchmark(study_of(facts, rerankers, grade_all=grade_all, n=max(ks)), ks)
    table = {(row.reranker, row.k): row for row in rows}
    assert len(table) == len(rows)
    return table, picks


@st.composite
def random_facts(draw: st.DrawFn, *, n: int = 4, failures: bool = True) -> list[ProblemFacts]:
    """Up to five problems with n candidates, few different texts, scores and answers."""
    texts = st.sampled_from(["a:7", "b:7", "c:8", "d:8", "e", "f"])
    wrong = st.none() if failures else st.nothing()
    return [
        facts_of(
            draw(st.lists(texts | wrong, min_size=n, max_size=n)),
            draw(st.fixed_dictionaries({text: st.sampled_from([0.1, 0.5, 0.9]) | wrong for text in TEXTS})),
            draw(st.fixed_dictionaries({text: st.sampled_from([0.0, 1.0]) | wrong for text in TEXTS})),
            index=str(index),
        )
        for index in range(draw(st.integers(1, 5)))
    ]


TEXTS = ("a:7", "b:7", "c:8", "d:8", "e", "f")


@given(random_facts())
@RELAXED
def test_at_one_all_are_the_same(facts: list[ProblemFacts]) -> None:
    rows, picks = results(facts)
    assert len({rows[name, 1].value for name in NAMES}) == 1
    assert len({(pick.problem_id, pick.rank) for pick in picks if pick.k == 1}) == len(facts)


@given(random_facts())
@RELAXED
def test_nobody_beats_the_oracle(facts: list[ProblemFacts]) -> None:
    rows, _ = results(facts)
    for k in KS:
        values = [rows[name, k].value for name in NAMES]
        assert values == [None] * len(values) or max(value or 0.0 for value in values) == rows["oracle", k].value


@given(random_facts(n=8), random_facts(n=8))
@RELAXED
def test_more_candidates_change_no_earlier_result(facts: list[ProblemFacts], others: list[ProblemFacts]) -> None:
    fewer = [replace(each, candidates=each.candidates[:4]) for each in facts]
    assert results(fewer) == results(facts)
    later = [
        replace(each, candidates=each.candidates[:4] + other.candidates[4:])
        for each, other in zip(facts, others, strict=False)
    ]
    assert results(later)[0] == results(fewer[: len(later)])[0]


@given(random_facts(), st.permutations(RERANKERS), st.permutations([0, 1, 2, 3]))
@RELAXED
def test_no_order_matters(facts: list[ProblemFacts], rerankers: list[Reranker], order: list[int]) -> None:
    shuffled = [
        replace(
            each,
            candidates=tuple(each.candidates[place] for place in order),
            scores=dict(reversed(list(each.scores.items()))),
        )
        for each in facts
    ]
    rows, picks = results(shuffled, rerankers)
    expected_rows, expected_picks = results(facts)
    assert rows == expected_rows

    def chosen(some: list[Pick]) -> list[str]:
        """Without the scores, which for rerankers without a critic are those of the first critic that is named."""
        return sorted(repr(replace(pick, critic=None, step_scores=None)) for pick in some)

    assert chosen(picks) == chosen(expected_picks)


@given(random_facts())
@RELAXED
def test_all_rerankers_choose_from_one_pool(facts: list[ProblemFacts]) -> None:
    rows, picks = results(facts)
    for k in KS:
        assert len({(rows[name, k].n_problems, rows[name, k].n_failed) for name in NAMES}) == 1
    sound = {each.problem.id: set(build_pool(each, CRITICS, last_word, require_verdicts=True).ranks) for each in facts}
    assert all(pick.rank in sound[pick.problem_id] for pick in picks if not pick.note)


@given(random_facts(failures=False))
@RELAXED
def test_grading_picks_gives_the_values_of_grading_all(facts: list[ProblemFacts]) -> None:
    wanted = picked_texts(study_of(facts, n=4), KS)
    graded = [
        replace(each, verdicts={key: value for key, value in each.verdicts.items() if (each.problem.id, key) in wanted})
        for each in facts
    ]
    some, some_picks = results(graded, grade_all=False)
    everything, all_picks = results(facts)
    for name in NAMES:
        for k in KS:
            if name in {"random", "oracle"}:
                assert (some[name, k].value, some[name, k].note) == (None, "needs --grade all")
            else:
                assert some[name, k] == everything[name, k]
    assert some_picks == [pick for pick in all_picks if pick.reranker != "oracle"]


@given(random_facts())
@RELAXED
def test_grading_picks_again_after_failures_comes_to_an_end(facts: list[ProblemFacts]) -> None:
    verdicts: list[dict[str, Verdict]] = [{} for _ in facts]
    for _ in range(len(TEXTS) + 1):
        known = [replace(each, verdicts=own) for each, own in zip(facts, verdicts, strict=True)]
        wanted = picked_texts(study_of(known, CHOOSERS, n=4), KS)
        lacking = [
            (place, key)
            for place, each in enumerate(known)
            for problem_id, key in wanted
            if problem_id == each.problem.id and key not in each.verdicts
        ]
        if not lacking:
            break
        for place, key in lacking:
            verdicts[place][key] = facts[place].verdicts[key]
    assert not lacking
    rows, _ = results(known, CHOOSERS, grade_all=False)
    assert all("not graded" not in row.note for row in rows.values())


def graded_picks(facts: Sequence[ProblemFacts], verdicts: Sequence[Mapping[str, Verdict]]) -> list[ProblemFacts]:
    """What is known after picks, and picks alone, were graded until nothing new came."""
    known = [replace(each, verdicts={}) for each in facts]
    while True:
        wanted = picked_texts(study_of(known, n=4), KS)
        assert {problem_id for problem_id, _ in wanted} <= {each.problem.id for each in facts}
        after = [
            replace(each, verdicts={key: own[key] for key in own if (each.problem.id, key) in wanted})
            for each, own in zip(facts, verdicts, strict=True)
        ]
        if after == known:
            return known
        known = after


@given(random_facts(), st.data())
@RELAXED
def test_what_else_was_graded_changes_no_result_of_picks(facts: list[ProblemFacts], data: st.DataObject) -> None:
    fresh = graded_picks(facts, [each.verdicts for each in facts])
    picked = picked_texts(study_of(fresh, n=4), KS)
    left_over = st.none() | st.sampled_from([Verdict(None, "no judge"), Verdict(0.0), Verdict(1.0)])
    stale = []
    for each in fresh:
        others = [key for key in map(text_id, TEXTS) if (each.problem.id, key) not in picked]
        drawn = {key: data.draw(left_over) for key in others}
        found = {key: verdict for key, verdict in drawn.items() if verdict is not None}
        stale.append(replace(each, verdicts={**each.verdicts, **found}))
    assert picked_texts(study_of(stale, n=4), KS) == picked
    assert results(stale, grade_all=False) == results(fresh, grade_all=False)
    # Whoever starts from the left-over verdicts grades the same texts and ends with the same values.
    every = [{**old.verdicts, **own.verdicts} for old, own in zip(facts, stale, strict=True)]
    assert results(graded_picks(facts, every), grade_all=False) == results(fresh, grade_all=False)


@given(random_facts())
@RELAXED
def test_results_of_picks_rest_on_the_texts_that_are_named(facts: list[ProblemFacts]) -> None:
    named = picked_texts(study_of(facts, n=4), KS)
    only = [
        replace(each, verdicts={key: one for key, one in each.verdicts.items() if (each.problem.id, key) in named})
        for each in facts
    ]
    rows, picks = results(facts, grade_all=False)
    assert (rows, picks) == results(only, grade_all=False)
    assert {(pick.problem_id, text_id(pick.text)) for pick in picks if not pick.note} <= named
    assert not any("not graded" in row.note for row in rows.values())
    assert all(pick.verdict is not None for pick in picks if not pick.note)


def test_a_failed_pick_gives_way_for_all_and_a_failure_nobody_picks_does_not() -> None:
    scores = {"a:7": 0.5, "b:8": 0.9, "c:8": 0.1}
    rerankers = build_rerankers(["first", "visualprm"], ["prm"])
    facts = facts_of(["a:7", "b:8", "c:8"], scores, {"a:7": 1.0, "b:8": None, "c:8": None})
    rows, picks = results([facts], rerankers, ks=(3,), grade_all=False)
    assert {row.note for row in rows.values()} == {"1 of 3 candidates left out"}
    assert {row.n_left_out for row in rows.values()} == {1}
    assert {(pick.rank, pick.verdict) for pick in picks} == {(0, 1.0)}
    named = {(facts.problem.id, text_id(text)) for text in ("a:7", "b:8")}
    assert picked_texts(study_of([facts], rerankers, n=3), (3,)) == named
    rows, _ = results([facts], rerankers[:1], ks=(3,), grade_all=False)
    assert rows["first", 3].note == ""


@pytest.mark.parametrize("broken", ["candidate", "score of the other critic", "verdict", "NaN score", "no step"])
def test_a_failed_candidate_leaves_every_pool(broken: str) -> None:
    texts: list[str | None] = ["a:7", "b:8"]
    facts = facts_of(texts, {"a:7": 0.9, "b:8": 0.1}, {"a:7": 1.0, "b:8": 0.0})
    key = text_id("a:7")
    if broken == "candidate":
        facts = facts_of([None, "b:8"], {"b:8": 0.1}, {"b:8": 0.0})
    elif broken == "verdict":
        facts = facts_of(texts, {"a:7": 0.9, "b:8": 0.1}, {"a:7": None, "b:8": 0.0})
    else:
        bad = {
            "score of the other critic": StepScores((), error="too long"),
            "NaN score": StepScores((0.9, math.nan)),
            "no step": StepScores(()),
        }[broken]
        facts = replace(facts, scores={**facts.scores, "visualorm": {**facts.scores["visualorm"], key: bad}})
    rows, picks = results([facts], ks=(2,))
    assert {row.value for row in rows.values()} == {0.0}
    why = "" if broken in {"candidate", "verdict"} else "; 1 of 2 candidates not scored by visualorm"
    assert {row.note for row in rows.values()} == {f"1 of 2 candidates left out{why}"}
    assert {pick.rank for pick in picks} == {1}
    at_one, no_picks = results([facts], ks=(1,))
    assert {(row.value, row.n_problems, row.n_failed) for row in at_one.values()} == {(None, 1, 1)}
    assert {
        (pick.rank, pick.text, pick.step_scores, pick.verdict, pick.final_answer, pick.note) for pick in no_picks
    } == {(None, "", None, None, None, "failed: the first candidate cannot be used")}
    assert [pick.reranker for pick in no_picks] == [name for name in NAMES if name != "random"]


def test_up_to_one_percent_of_problems_may_fail() -> None:
    sound = [facts_of(["a:7"], index=str(index)) for index in range(198)]
    broken = [facts_of([None], index=f"broken{index}") for index in range(3)]
    rows, _ = results(sound + broken[:2], ks=(1,))
    assert {(row.value, row.n_problems, row.n_failed) for row in rows.values()} == {(100.0, 200, 2)}
    assert rows["first", 1].note == "2 of 200 candidates left out"
    rows, _ = results(sound + broken, ks=(1,))
    assert {(row.value, row.note) for row in rows.values()} == {(None, "withheld: 3 of 201 problems failed")}


def test_a_critic_that_lacks_a_score_loses_its_own_rows_alone() -> None:
    facts = facts_of(["a:7", "b:8"])
    facts = replace(facts, scores={**facts.scores, "visualorm": {text_id("a:7"): StepScores((0.5,))}})
    whole = [facts_of(["a:7", "b:8"], index=str(index)) for index in range(1, 500)]
    rows, picks = results([facts, *whole], ks=(1, 2))
    said = {(row.value, row.note) for (name, _), row in rows.items() if name == "visualorm"}
    assert said == {(None, "withheld without its critic: 1 of 1,000 texts is not scored by visualorm")}
    others = {(row.value, row.note, row.critics) for (name, _), row in rows.items() if name != "visualorm"}
    assert others == {(100.0, "", ("visualprm",))}
    assert {pick.reranker for pick in picks} == set(NAMES) - {"random", "visualorm"}
    assert {pick.critic for pick in picks} == {"visualprm"}


@pytest.mark.parametrize(("failed", "out"), [(10, False), (11, True)])
def test_a_critic_may_fail_on_one_percent(monkeypatch, failed: int, out: bool) -> None:
    monkeypatch.setattr(withheld, "MAX_UNSCORED", 0.01)
    texts = {place: ["a:7", "b:8" if place >= failed else "c:8"] for place in range(500)}
    scores = {"a:7": 0.1, "b:8": 0.9, "c:8": 0.9}
    facts = [facts_of(own, scores, dict.fromkeys(own, 1.0), index=str(place)) for place, own in texts.items()]
    bad = {text_id("c:8"): StepScores((), error="too long")}
    facts = [replace(each, scores={**each.scores, "visualorm": {**each.scores["visualorm"], **bad}}) for each in facts]
    rows, _ = results(facts, ks=(2,))
    if out:
        assert (
            rows["visualorm", 2].note
            == "withheld without its critic: 11 of 1,000 texts failed to be scored by visualorm"
        )
        assert {row.n_left_out for row in rows.values()} == {0}
    else:
        assert {row.n_left_out for row in rows.values()} == {10}
        note = "10 of 1,000 candidates left out; 10 of 1,000 candidates not scored by visualorm"
        assert {row.note for row in rows.values()} == {note}


@pytest.mark.parametrize("lacking", ["candidate", "verdict"])
def test_what_is_not_known_yet_is_no_failure(lacking: str) -> None:
    facts = facts_of(["a:7", "b:8"])
    if lacking == "candidate":
        facts = replace(facts, candidates=facts.candidates[:1])
    else:
        facts = replace(facts, verdicts={text_id("a:7"): Verdict(1.0)})
    whole = [facts_of(["a:7", "b:8"], index=str(index)) for index in range(1, 500)]
    rows, picks = results([facts, *whole], ks=(1, 2))
    assert {row.value for (_, k), row in rows.items() if k == 1} == {100.0}
    for (_, k), row in rows.items():
        if k == 2:
            assert (row.value, row.n_failed) == (None, 0)
            assert row.note == f"incomplete: 1 of 500 problems lacks 1 {lacking}", "it says what, and how many"
    unpicked = [pick for pick in picks if pick.k == 2 and pick.problem_id == facts.problem.id]
    assert {(pick.rank, pick.note) for pick in unpicked} == {(None, f"incomplete: 1 {lacking} lacking")}
    assert [pick.reranker for pick in unpicked] == [name for name in NAMES if name != "random"]
    if lacking != "verdict":
        assert picked_texts(study_of([facts], n=2), (1, 2)) == {(facts.problem.id, text_id("a:7"))}


def test_nothing_is_graded_for_an_incomplete_k() -> None:
    facts = facts_of(["a:7", "b:8"], {"a:7": 0.1, "b:8": 0.9})
    assert picked_texts(study_of([facts], n=4), (1, 4)) == {(facts.problem.id, text_id("a:7"))}
    assert picked_texts(study_of([facts], n=2), (2,)) == {
        (facts.problem.id, text_id("a:7")),
        (facts.problem.id, text_id("b:8")),
    }


def test_a_failed_candidate_needs_no_further_facts() -> None:
    facts = facts_of(["a:7", "b:8"], {"a:7": 0.5, "b:8": None}, {"a:7": 1.0})
    rows, _ = results([facts], ks=(2,))
    assert {row.value for row in rows.values()} == {100.0}


def test_an_ungraded_pick_withholds_the_value() -> None:
    facts = facts_of(["a:7", "b:8"], {"a:7": 0.1, "b:8": 0.9}, {"a:7": 1.0})
    rows, picks = results([facts], ks=(2,), grade_all=False)
    assert rows["first", 2].value == 100.0
    assert (rows["visualprm", 2].value, rows["visualprm", 2].note) == (None, "incomplete: 1 of 1 pick is not graded")
    assert next(pick for pick in picks if pick.reranker == "visualprm").verdict is None


def test_splits_are_never_mixed() -> None:
    facts = [facts_of(["a:7"], verdicts={"a:7": right}, split=split) for split, right in [("val", 1.0), ("test", 0.0)]]
    rows, picks = evaluate_benchmark(study_of(facts, CHOOSERS[:1]), [1])
    assert [(row.split, row.value, row.n_problems) for row in rows] == [("val", 100.0, 1), ("test", 0.0, 1)]
    assert [pick.split for pick in picks] == ["val", "test"]


def test_a_metric_may_weigh_problems_as_it_likes() -> None:
    facts = [facts_of(["a:7"], verdicts={"a:7": right}, index=index) for index, right in [("1", 1.0), ("2", 0.0)]]

    def worst(problems: Sequence[Problem], values: Sequence[float]) -> float:
        return min(values) if len(problems) == len(values) == 2 else math.nan

    rows, _ = evaluate_benchmark(study_of(facts, CHOOSERS[:1], metric="worst case", aggregate=worst), [1])
    assert [(row.metric, row.value) for row in rows] == [("worst case", 0.0)]


def test_a_pick_tells_all_about_itself() -> None:
    facts = facts_of(["a:7", "b:8", "c"], {"a:7": 0.1, "b:8": 0.9, "c": 0.2}, {"a:7": 1.0, "b:8": 0.0, "c": 0.0})
    _, picks = results([facts], ks=(3,))
    by_name = {pick.reranker: pick for pick in picks}
    assert set(by_name) == set(NAMES) - {"random"}
    assert by_name["visualprm"] == Pick(
        policy="policy",
        benchmark="bench",
        split="",
        problem_id="id0",
        index="0",
        question="How many?",
        answer="7",
        reranker="visualprm",
        k=3,
        rank=1,
        text="b:8",
        critic="visualprm",
        step_scores=(0.9, 0.9),
        verdict=0.0,
        final_answer="8",
    )
    assert by_name["oracle"].rank == 0


def test_a_pick_shows_the_scores_of_its_own_critic_or_else_of_the_first() -> None:
    facts = facts_of(["a:7"])
    other = {text_id("a:7"): StepScores((0.25,))}
    facts = replace(facts, scores={**facts.scores, "visualorm": other})
    _, picks = results([facts], ks=(1,))
    shown = {pick.reranker: (pick.critic, pick.step_scores) for pick in picks}
    assert shown.pop("visualorm") == ("visualorm", (0.25,))
    assert set(shown.values()) == {("visualprm", (0.5, 0.5))}
    _, (alone,) = results([facts], build_rerankers(["first"], []), ks=(1,))
    assert (alone.critic, alone.step_scores) == (None, None)


@given(random_facts(), st.data())
@RELAXED
def test_every_problem_has_a_row_for_every_reranker_that_picks(facts: list[ProblemFacts], data: st.DataObject) -> None:
    facts = [replace(each, candidates=each.candidates[: data.draw(st.integers(0, 4))]) for each in facts]
    _, picks = results(facts)
    expected = [(name, k, each.problem.id) for name in NAMES if name != "random" for k in KS for each in facts]
    assert [(pick.reranker, pick.k, pick.problem_id) for pick in picks] == expected
    assert all((pick.rank is None) == bool(pick.note) for pick in picks)


def test_a_reward_model_beside_another_keeps_its_own_scores() -> None:
    rerankers = build_rerankers(["visualprm"], ["A", "B"])
    facts = facts_of(["a:7", "b:8"], verdicts={"a:7": 1.0, "b:8": 0.0})
    scores = {
        "visualprm@A": {text_id("a:7"): StepScores((0.9,)), text_id("b:8"): StepScores((0.1,))},
        "visualprm@B": {text_id("a:7"): StepScores((0.1,)), text_id("b:8"): StepScores((0.9,))},
    }
    rows, _ = results([replace(facts, scores=scores)], rerankers, ks=(2,))
    assert {name: row.value for (name, _), row in rows.items()} == {"visualprm@A": 100.0, "visualprm@B": 0.0}
    assert needed_critics(rerankers) == ["visualprm@A", "visualprm@B"]


def row(benchmark: str, value: float | None, **changes: object) -> ResultRow:
    return replace(ResultRow("policy", benchmark, "", "first", 8, "accuracy", value, 100, 1), **changes)


def test_want_of_a_critic_withholds_the_overall_of_its_own_rows_alone() -> None:
    why = f"{WITHOUT_CRITIC}3 of 9 texts are not scored by visualprm"
    rows = [row("A", 50.0), row("B", 70.0), row("A", 60.0, reranker="visualprm")]
    lost = row("B", None, reranker="visualprm", note=why)
    overall = {one.reranker: one for one in overall_rows([*rows, lost])}
    assert overall["first"].value == 60.0
    assert (overall["visualprm"].value, overall["visualprm"].note) == (None, "withheld: no value for B")
    assert unfinished([*rows, lost]) == {}
    assert unfinished([row("B", None, note="withheld: 3 of 9 problems failed")]) == {"policy": ["B"]}


def test_overall_is_the_plain_mean_over_benchmarks() -> None:
    (overall,) = overall_rows([row("one", 50.0), row("two", 70.0, n_problems=900, n_failed=0)])
    assert overall == ResultRow(
        "policy", OVERALL, "", "first", 8, "accuracy", 60.0, 1000, 1, "mean of one, two"
    )  # fmt: skip


def test_overall_is_of_one_policy_reranker_and_k() -> None:
    rows = [
        row(benchmark, value, policy=policy, reranker=reranker, k=k)
        for policy in ("p", "q")
        for benchmark, value in (("one", 10.0), ("two", 20.0))
        for reranker in ("first", "visualprm")
        for k in (1, 8)
    ]
    overall = overall_rows(rows)
    assert [(each.policy, each.reranker, each.k) for each in overall] == [
        (policy, reranker, k) for policy in ("p", "q") for reranker in ("first", "visualprm") for k in (1, 8)
    ]
    assert {each.value for each in overall} == {15.0}


def test_no_overall_of_one_benchmark() -> None:
    assert overall_rows([row("one", 50.0), row("one", 60.0, k=1)]) == []
    assert overall_rows([row("one", 50.0), row("two", 60.0, policy="other")]) == []


def test_no_overall_with_a_benchmark_that_counts_in_other_units() -> None:
    rows = [
        row("one", 50.0),
        row("points", 90.0),
        row("one", 60.0, reranker="vote"),
        row("points", 700.0, reranker="vote"),
    ]
    found = overall_rows(rows)
    assert [(each.value, each.note) for each in found] == 2 * [(None, "withheld: other units than percent: points")]
    (full,) = overall_rows([row("one", 100.0 + 1e-9), row("two", 100.0)])
    assert full.value == pytest.approx(100)


def test_no_overall_above_one_percent_of_candidates_left_out() -> None:
    def overall(*rows: ResultRow) -> dict[int, ResultRow]:
        return {each.k: each for each in overall_rows(rows)}

    def pair(n_left_out: int, k: int = 8, **changes: str) -> tuple[ResultRow, ResultRow]:
        other = row("two", 60.0, k=k, n_problems=100, n_failed=0, **changes)
        return row("one", 50.0, k=k, n_problems=100, n_failed=0, **changes), replace(other, n_left_out=n_left_out)

    assert overall(*pair(8))[8].value == 55.0
    found = overall(*pair(9))[8]
    assert (found.value, found.n_left_out) == (None, 0)
    assert found.note == "withheld: more than 1% of the candidates left out: two (9 of 800 at k = 8)"
    # At a smaller k where fewer failed there is none either, as in every other view.
    found = overall(*pair(0, k=1), *pair(9))
    assert [found[k].value for k in (1, 8)] == [None, None]
    found = overall(*pair(2, k=1), *pair(8))
    assert [found[k].value for k in (1, 8)] == [None, 55.0]
    assert [one.value for one in overall_rows([*pair(9), *pair(0, policy="Q")])] == [None, 55.0]


def test_overall_is_withheld_unless_every_benchmark_has_a_value() -> None:
    (overall,) = overall_rows([row("one", 50.0), row("two", None)])
    assert (overall.value, overall.note) == (None, "withheld: no value for two")
    (overall,) = overall_rows([row("one", 50.0), row("one", 50.0, k=16), row("two", 60.0)])
    assert (overall.k, overall.value) == (8, 55.0), "two has no best-of-16"
    rows = [row("one", 50.0), row("one", 60.0, reranker="oracle"), row("two", 70.0, metric="F1")]
    overall, oracle = overall_rows(rows)
    assert (oracle.value, oracle.note) == (None, "withheld: no value for two")
    assert oracle.metric == overall.metric == "accuracy and F1", "it is of the same benchmarks, whoever lacks one"


@pytest.mark.parametrize("why", ["incomplete: 3 of 30 picks are not graded", "withheld: 20 of 360 problems failed"])
def test_no_overall_as_long_as_anything_of_the_policy_is_missing(why) -> None:
    rows = [row("one", 50.0), row("two", 60.0), row("one", None, k=16, note=why), row("two", 60.0, k=16)]
    others = [replace(each, policy="finished", value=40.0, note="") for each in rows]
    eight, sixteen, *finished = overall_rows([*rows, *others])
    assert (eight.k, eight.value, eight.note) == (8, None, "withheld: unfinished or failed: one")
    assert (sixteen.k, sixteen.value, sixteen.note) == (16, None, "withheld: no value for one")
    assert [each.value for each in finished] == [40.0, 40.0]


def test_what_was_not_asked_for_is_not_missing() -> None:
    rows = [row("one", 50.0), row("two", 60.0)]
    rows += [replace(each, reranker="oracle", value=None, note="needs --grade all") for each in rows]
    assert [each.value for each in overall_rows(rows)] == [55.0, None]


def test_overall_mixes_no_splits() -> None:
    (overall,) = overall_rows([row("one", 50.0, split="val"), row("one", 60.0, split="test"), row("two", 70.0)])
    assert (overall.value, overall.note) == (None, "withheld: several splits of one")


def test_figures_of_whole_tables_are_looked_up_by_split_reranker_and_k() -> None:
    facts = [facts_of(["a:7", "b:8"], {"a:7": 0.1, "b:8": 0.9}, {}, index=index) for index in ("1", "2")]
    study = study_of(facts, build_rerankers(["first", "visualprm", "oracle"], ["prm"]), n=2, grade_all=False)
    tables = picked_tables(study, [2])
    assert tables == {
        ("", "first", 2): {"1": "a:7", "2": "a:7"},
        ("", "visualprm", 2): {"1": "b:8", "2": "b:8"},
    }
    rows, _ = evaluate_benchmark(study, [2], {("", "first", 2): 31.5})
    assert [(row.reranker, row.value, row.note) for row in rows] == [
        ("first", 31.5, ""),
        ("visualprm", None, "incomplete: the host has not evaluated this table of picks"),
        ("oracle", None, "needs verdicts on single texts, which do not make this metric"),
    ]
    incomplete = [*facts, facts_of(["a:7"], index="3")]
    assert picked_tables(replace(study, facts=incomplete), [2]) == {}
    assert evaluate_benchmark(replace(study, facts=incomplete), [2], {})[0][0].note.startswith("incomplete: 1 of 3")


def test_a_note_tells_what_a_reader_must_know_of_the_candidates() -> None:
    facts = facts_of(["a:7", "b", "c:8", None])
    cut = tuple(replace(one, finish="length" if one.rank == 2 else "stop") for one in facts.candidates)
    study = study_of([replace(facts, candidates=cut)], n=4, n_total=9, remark=lambda problems: f"of {len(problems)}")
    rows, _ = evaluate_benchmark(study, [4])
    notes = {row.reranker: row.note for row in rows}
    said = "1 of 9 problems; of 1; 1 of 4 candidates left out; 1 of 4 candidates cut at the token limit"
    assert notes["first"] == said
    assert notes["weighted-vote"] == (f"{said}; WARNING: 1 of 3 candidates abstains (33.3%): no answer is found in it")


# Empty replies, and texts that exact matching cannot read -------------------------------------------------------------


def test_an_empty_reply_is_a_candidate_that_is_wrong_and_counted() -> None:
    facts = [facts_of(["", "a:7"], {"": 0.1, "a:7": 0.9}, {"": 0.0, "a:7": 1.0}),
             facts_of(["a:7", "<think>b:7"], None, {"a:7": 1.0, "<think>b:7": 0.0}, index="1")]  # fmt: skip
    table, picks = results(facts, ks=(1, 2))
    assert table["first", 1].value == table["first", 2].value == 50, "the first text that came, empty or not"
    assert table["self-consistency", 2].value == 100, "it abstains"
    assert table["random", 2].value == 50
    assert table["oracle", 2].value == 100
    assert table["first", 1].note == "1 of 2 candidates is an empty reply"
    assert table["visualprm", 2].note == "2 of 4 candidates are empty replies"
    assert {row.n_left_out for row in table.values()} == {0}
    assert {(pick.rank, pick.text) for pick in picks if (pick.reranker, pick.k, pick.index) == ("first", 2, "0")} == {
        (0, "")
    }


@pytest.mark.parametrize(
    ("texts", "matched", "warned"),
    [
        (["e", "f", "a:7"], True, "warning: exact matching found no final answer in 2 of 3 candidates"),
        (["e", "f", "a:7"], False, ""),
        (["e", "a:7"], True, ""),
        (["a:7", "", " "], True, ""),
        (["", "e"], True, "warning: exact matching found no final answer in 1 of 1 candidate"),
    ],
)
def test_a_value_of_texts_that_exact_matching_could_not_read_is_marked(
    texts: list[str], matched: bool, warned: str
) -> None:
    study = study_of([facts_of(texts)], build_rerankers(["first"], ["prm"]), n=len(texts), matched=matched)
    rows, _ = evaluate_benchmark(study, [len(texts)])
    assert (warned in rows[0].note) if warned else ("warning" not in rows[0].note)
    assert rows[0].value is not None
