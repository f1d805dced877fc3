"""Facts as columns: values and picks follow the plain rule, and a store is read as it was filled."""

from __future__ import annotations

import math
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.unit import plain_rule
from visualprm_eval.core.answers import answer
from visualprm_eval.core.errors import StoreDamagedError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Usage, Verdict, text_id
from visualprm_eval.evaluate import withheld
from visualprm_eval.evaluate.benchmark_values import evaluate_benchmark, picked_tables
from visualprm_eval.evaluate.candidate_grid import build_pool
from visualprm_eval.evaluate.fact_columns import AGGREGATES, Columns, ProblemFacts, Said
from visualprm_eval.evaluate.fsum_arrays import exact_sums
from visualprm_eval.evaluate.reranker_registry import build_rerankers, needed_critics
from visualprm_eval.evaluate.rerankers import Reranker
from visualprm_eval.evaluate.stats import Study, examine
from visualprm_eval.evaluate.study import picked_texts
from visualprm_eval.store import Store
from visualprm_eval.tasks import row_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from visualprm_eval.evaluate.rerankers import FloatArray, Pool
    from visualprm_eval.evaluate.result_rows import Pick, ResultRow

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=300)
N = 6
KS = (1, 2, 3, 6)
TEXTS = ("a:7", "b:7", "c:8", "d:8", "e", "f:9")
CRITICS = ("visualprm", "visualorm")


class Shortest(Reranker):
    """A third party's: the shortest text, whatever else is in the pool."""

    pointwise = True

    def utilities(self, pool: Pool) -> FloatArray:
        return -np.array([len(set(text)) for text in pool.texts], dtype=np.float64)


class Rarest(Reranker):
    """A third party's that looks at the whole pool: the answer with the fewest votes."""

    needs = frozenset({"answers"})

    def utilities(self, pool: Pool) -> FloatArray:
        return -np.array([answer is not None and pool.answers.count(answer) for answer in pool.answers], dtype=float)


NAMES = ("first", "random", "self-consistency", "visualprm", "visualprm:min", "visualprm:max", "visualprm:last",
         "visualprm:product", "visualorm", "weighted-vote", "oracle")  # fmt: skip
RERANKERS = (*build_rerankers(NAMES, ["prm"]), Shortest("shortest"), Rarest("rarest"))
NUMBERS_OF: Mapping[str, Callable[[Sequence[plain_rule.Entry]], list[float]]] = {
    "shortest": lambda entries: [-len(set(entry.text)) for entry in entries],
    "rarest": lambda entries: [
        0 if entry.vote is None else -sum(entry.vote == other.vote for other in entries) for entry in entries
    ],
}


def last_word(text: str, choices: Mapping[str, str]) -> str | None:
    """The vote: the part of the text after its colon, if any."""
    return choices.get(text.partition(":")[2], text.partition(":")[2]) or None


def with_units(text: str, choices: Mapping[str, str]) -> str | None:
    """The same as a vote of ours, with units that decide whether two votes are one answer."""
    word = last_word(text, choices)
    unit = ("", " cm", " m", " dots")[ord(text[:1] or "a") % 4]
    return None if word is None else answer(f"Answer: {word}{unit if word.isdigit() else ''}")


# Sums of these are not exact, so that the order of terms decides ties unless they are rounded once.
SCORES = st.sampled_from([0.1, 0.2, 0.3, 0.7, 0.9, 1 / 3, 1e-30])
SAID = st.lists(SCORES, min_size=1, max_size=3).map(lambda scores: StepScores(tuple(scores)))
BROKEN = st.sampled_from([
    StepScores((), error="too long"), StepScores((0.5, math.nan)), StepScores((math.inf, -math.inf)), StepScores(()),
])  # fmt: skip
GRADED = st.sampled_from([Verdict(0.0), Verdict(1.0), Verdict(1 / 3), Verdict(0.1)])


@st.composite
def random_facts(draw: st.DrawFn) -> list[ProblemFacts]:
    """Problems of two splits; candidates, scores and verdicts that failed, and some that are not there yet."""
    whole = draw(st.booleans())
    lacking = 0 if whole else 10
    facts = []
    for index in range(draw(st.integers(1, 4))):
        split, choices = draw(st.sampled_from(["", "val"])), draw(st.sampled_from([{}, {"7": "8"}]))
        problem = Problem("B", str(index), split, (Part("text", "?"),), "7", f"id{index}", choices)
        candidates = [
            Candidate(problem.id, rank, text or "", None if text else "timeout", draw(st.sampled_from(["", "length"])))
            for rank, text in enumerate(draw(st.lists(often(st.sampled_from(TEXTS), 8), min_size=N, max_size=N)))
            if whole or draw(st.integers(0, 9))
        ]
        scores = {
            critic: {text_id(text): draw(SAID if draw(st.integers(0, 9)) else BROKEN)
                     for text in TEXTS if draw(st.integers(0, 20)) >= lacking / 10}
            for critic in CRITICS
        }  # fmt: skip
        verdicts = {
            text_id(text): draw(GRADED) if draw(st.integers(0, 5)) else Verdict(None, "no judge")
            for text in TEXTS if draw(st.integers(0, 20)) >= lacking / 10
        }  # fmt: skip
        facts.append(ProblemFacts(problem, tuple(draw(st.permutations(candidates))), scores, verdicts))
    return facts


def often(values: st.SearchStrategy[str], times: int) -> st.SearchStrategy[str | None]:
    """These values, and once in a while none."""
    return st.integers(0, times).flatmap(lambda number: values if number else st.none())


SUBSETS = st.sampled_from([RERANKERS, RERANKERS[:4], RERANKERS[2:3], RERANKERS[-2:]])
SHARES = st.sampled_from([0.01, 0.5])
"""The greatest part that may have failed; made-up facts are too few for the usual one to leave any."""


@given(random_facts(), st.booleans(), SUBSETS, SHARES, st.sampled_from([last_word, with_units]))
@RELAXED
def test_values_and_picks_follow_the_plain_rule(facts, grade_all, rerankers, share, vote) -> None:
    with patch.multiple(withheld, MAX_FAILED=share, MAX_UNSCORED=share):
        assert_follows_the_plain_rule(facts, rerankers, vote, grade_all=grade_all, share=share)


@given(random_facts(), st.booleans(), SHARES)
@settings(RELAXED, max_examples=50)
def test_a_metric_may_have_nothing_to_be_taken_over(facts, grade_all, share) -> None:
    with patch.multiple(withheld, MAX_FAILED=share, MAX_UNSCORED=share):
        assert_follows_the_plain_rule(facts, RERANKERS, grade_all=grade_all, share=share, metric=picky)


def world_of(facts, rerankers, vote=last_word, *, grade_all, share) -> plain_rule.World:
    rules = [plain_rule.rule_of(one, NUMBERS_OF.get(one.name)) for one in rerankers]
    joins = joins_with_units if vote is with_units else None
    return plain_rule.World(facts, rules, N, vote, grade_all=grade_all, joins=joins, most_failed=share)


def joins_with_units(vote: str, others: Sequence[str]) -> bool:
    """Numbers are one answer unless two of them have different units of measure; dots are none."""
    number = vote.partition(" ")[0]
    measures = {one.partition(" ")[2] for one in (vote, *others)} & {"cm", "m"}
    return vote in others or (number.isdigit() and others[0].partition(" ")[0] == number and len(measures) < 2)


BEGINNINGS = {
    plain_rule.LOST: "withheld without its critic: ",
    plain_rule.UNSAMPLED: "incomplete: ",
    plain_rule.EMPTIED: "withheld: ",
    plain_rule.UNASKED: "needs --grade all",
    plain_rule.UNGRADED: "incomplete: ",
    plain_rule.EMPTY_METRIC: "withheld: ",
}


def assert_follows_the_plain_rule(facts, rerankers, vote=last_word, *, grade_all, share, metric=row_mean) -> None:
    world = world_of(facts, rerankers, vote, grade_all=grade_all, share=share)
    expected = world.results(KS, metric)
    study = Study("P", "B", "accuracy", facts, rerankers, N, vote, grade_all, metric, n_total=9)
    rows, picks = evaluate_benchmark(study, KS)
    assert [(row.split, row.reranker, row.k) for row in rows] == sorted(
        expected, key=lambda key: [one.name for one in rerankers].index(key[1])
    )
    for row in rows:
        plain = expected[row.split, row.reranker, row.k]
        assert row.value == (None if plain.value is None else pytest.approx(plain.value, abs=1e-9)), row
        assert (row.n_problems, row.n_failed, row.n_left_out) == (plain.n_problems, plain.n_empty, plain.n_left_out)
        assert plain.why is None or row.note.startswith(BEGINNINGS[plain.why]), row
        assert row.critics == tuple(sorted(world.in_play))
    problems = [(each.problem.split, each.problem.id) for each in facts]
    wanted = [(*key, one) for key in map(key_of, rows) if expected[key].chosen is not None
              for split, one in problems if split == key[0]]  # fmt: skip
    assert [(*key_of(pick), pick.problem_id) for pick in picks] == wanted
    for pick in picks:
        entry = (expected[key_of(pick)].chosen or {})[pick.problem_id]
        critic = pick.critic or ""
        told = (pick.rank, pick.text, pick.verdict, pick.step_scores)
        if entry is None:
            assert told == (None, "", None, None)
            assert pick.note
        else:
            assert told == (entry.rank, entry.text, entry.right, entry.steps.get(critic))
            assert (pick.final_answer, pick.note) == (entry.vote, "")
    last = evaluate_benchmark(study, KS, picks_at=[KS[-1]])
    assert last == (rows, [pick for pick in picks if pick.k == KS[-1]])
    tables = {
        key: {each.problem.index: entry.text for each in facts if each.problem.split == key[0]
              and (entry := (plain.chosen or {})[each.problem.id]) is not None}
        for key, plain in expected.items()
        if plain.chosen is not None and plain.why in {None, plain_rule.UNGRADED, plain_rule.EMPTY_METRIC}
    }  # fmt: skip
    assert picked_tables(study, KS) == tables


def key_of(row: ResultRow | Pick) -> tuple[str, str, int]:
    return row.split, row.reranker, row.k


@given(random_facts(), st.sampled_from([RERANKERS, RERANKERS[:4], RERANKERS[-2:]]), SHARES)
@RELAXED
def test_what_is_to_be_graded_is_what_the_plain_rule_picks(facts, rerankers, share) -> None:
    with patch.multiple(withheld, MAX_FAILED=share, MAX_UNSCORED=share):
        found = picked_texts(study_of(facts, rerankers, grade_all=False), KS)
        assert found == world_of(facts, rerankers, grade_all=False, share=share).picked(KS)


def study_of(facts, rerankers, *, grade_all) -> Study:
    return Study("P", "B", "accuracy", facts, rerankers, N, last_word, grade_all, n_total=9)


@given(random_facts(), st.booleans(), SHARES)
@RELAXED
def test_a_critic_that_lost_its_rows_changes_no_other(facts, grade_all, share) -> None:
    study = study_of(facts, RERANKERS, grade_all=grade_all)
    with patch.multiple(withheld, MAX_FAILED=share, MAX_UNSCORED=share):
        lost = withheld.lost_critics(Columns.of(facts), CRITICS, N)
        heard = [one for one in RERANKERS if one.critic not in lost]
        rows, picks = evaluate_benchmark(study, KS)
        names = {one.name for one in heard}
        kept = [row for row in rows if row.reranker in names], [pick for pick in picks if pick.reranker in names]
        assert kept == evaluate_benchmark(replace(study, rerankers=heard), KS)
        assert picked_texts(study, KS) == picked_texts(replace(study, rerankers=heard), KS)
    gone = [row for row in rows if row.reranker not in names]
    assert all(row.value is None and row.note in lost.values() for row in gone)
    assert len(gone) + len(kept[0]) == len(rows)


@given(random_facts(), st.booleans(), SHARES, st.booleans())
@settings(RELAXED, max_examples=100)
def test_no_view_shows_what_results_withhold(facts, grade_all, share, grouped) -> None:
    """Nor does a critic that lost its rows change what they show of others."""
    study = Study("P", "B", "accuracy", facts, RERANKERS, N, last_word, grade_all, picky if grouped else row_mean)
    with patch.multiple(withheld, MAX_FAILED=share, MAX_UNSCORED=share):
        lost = withheld.lost_critics(Columns.of(facts), CRITICS, N)
        rows, _ = evaluate_benchmark(study, range(1, N + 1))
        insight = examine([study])
        fewer = examine([replace(study, rerankers=[one for one in RERANKERS if one.critic not in lost])])
    shown = {(row.split, row.reranker, row.k) for row in rows if row.value is not None}
    assert {(one.split, one.reranker, one.k) for one in insight.points} <= shown
    assert {(one.split, one.reranker, one.k) for one in insight.standings} <= shown
    for one in insight.comparisons:
        assert {(one.split, one.reranker, N), (one.split, one.baseline, N)} <= shown
    prefixes = {(one.split, one.reranker, one.k): one.prefix for one in insight.points}
    values = {(row.split, row.reranker, row.k): row.value for row in rows}
    assert all(prefix == pytest.approx(values[place]) for place, prefix in prefixes.items())
    assert replace(insight, unheard=(), costs=()) == replace(fewer, costs=())


def picky(problems, values) -> float:
    """A metric that has nothing to be taken over without the first problem."""
    return math.fsum(values) / len(values) if any(one.index == "0" for one in problems) else math.nan


@given(random_facts(), st.booleans())
@RELAXED
def test_pools_are_those_of_the_plain_rule(facts, graded) -> None:
    critics = needed_critics(RERANKERS)
    world = world_of(facts, RERANKERS, grade_all=graded, share=1.0)
    for each, entries in zip(facts, world.entries, strict=True):
        if world.in_play != critics:
            continue  # The rule leaves out critics that lack a score.
        fine = [entry for entry in entries if entry.state == plain_rule.FINE]
        pool = build_pool(each, critics, last_word, require_verdicts=graded)
        assert pool.ranks == tuple(entry.rank for entry in fine)
        assert pool.texts == tuple(entry.text for entry in fine)
        assert pool.answers == tuple(entry.vote for entry in fine)
        assert pool.scores == {critic: tuple(entry.steps[critic] for entry in fine) for critic in critics}
        assert pool.verdicts == (tuple(entry.right for entry in fine) if graded else None)


NUMBERS = st.one_of(SCORES, st.floats(-1, 1), st.floats(-1e300, 1e300), st.floats(-1e-300, 1e-300))


@given(st.lists(st.tuples(st.integers(0, 3), NUMBERS), max_size=20))
@example([(0, 0.1)] * 700 + [(1, 0.1), (1, 0.2), (1, 0.3)])
@RELAXED
def test_sums_of_groups_are_rounded_once(pairs) -> None:
    groups, numbers = ([pair[place] for pair in pairs] for place in (0, 1))
    expected = [math.fsum(number for group, number in pairs if group == own) for own in range(5)]
    found = exact_sums(np.array(numbers, dtype=np.float64), np.array(groups, dtype=np.int64), 5)
    assert found.tolist() == expected


@given(st.lists(st.one_of(st.none(), SAID, BROKEN), max_size=6), st.sampled_from(list(AGGREGATES)))
@RELAXED
def test_responses_are_scored_as_one_by_one(scores, how) -> None:
    sound = [one is not None and not one.error and bool(one.scores) and all(map(math.isfinite, one.scores))
             for one in scores]  # fmt: skip
    said = Said.of(scores)
    assert said.sound.tolist() == sound
    summary = plain_rule.SUMMARIES[how]
    expected = [summary(one.scores) if good else None for one, good in zip(scores, sound, strict=True)]
    found = [None if math.isnan(number) else number for number in said.aggregate(how).tolist()]
    assert found == expected


def test_two_candidates_of_one_rank_are_refused() -> None:
    problem = Problem("B", "0", "", (), "", "id0")
    facts = ProblemFacts(problem, (Candidate("id0", 1, "x"), Candidate("id0", 1, "y")), {}, {})
    with pytest.raises(ValueError, match=r"problem id0: ranks \[1, 1\] do not ascend"):
        Columns.of([facts])


SAMPLING, GRADING = Spec("sampling", {"policy": "P"}), Spec("grading", {"benchmark": "B"})
SCORINGS = {critic: Spec("scoring", {"critic": critic}) for critic in CRITICS}


def fill(store: Store, facts: list[ProblemFacts]) -> None:
    for spec in (SAMPLING, GRADING, *SCORINGS.values()):
        store.put_spec(spec)
    store.put_problems([each.problem for each in facts])
    for each in facts:
        # What is said of texts that nobody here wrote belongs to another sampling.
        other = Spec("sampling", {"policy": "another"})
        store.put_spec(other)
        store.put_candidates(other.id, [Candidate(each.problem.id, rank, text) for rank, text in enumerate(TEXTS)])
        store.put_candidates(SAMPLING.id, each.candidates)
        for critic, scores in each.scores.items():
            store.put_scores(SCORINGS[critic].id, [(each.problem.id, key, one) for key, one in scores.items()])
        store.put_verdicts(GRADING.id, [(each.problem.id, key, one) for key, one in each.verdicts.items()])


def plain(columns: Columns) -> dict[str, object]:
    """Everything that columns hold, as plain values."""
    found = columns.candidates
    return {
        "problems": [one.id for one in columns.problems], "values": list(columns.values), "ids": list(columns.ids),
        "owners": columns.owners.tolist(), "ranks": found.ranks.tolist(), "of": found.owners.tolist(),
        "texts": found.texts.tolist(), "errors": dict(found.errors), "finishes": list(found.finishes),
        "costs": [list(each) for each in (found.tokens, found.seconds, found.prompt_tokens, found.completion_tokens)],
        "graded": (columns.graded.known.tolist(), repr(columns.graded.values.tolist()), dict(columns.graded.errors),
                   list(columns.graded.seconds)),
        "said": {
            critic: (said.known.tolist(), dict(said.errors), repr(said.numbers.tolist()), said.starts.tolist(),
                     list(said.seconds))
            for critic, said in columns.said.items()
        },
    }  # fmt: skip


def stored_facts() -> list[ProblemFacts]:
    """Everything that a store can hold of candidates, scores and verdicts."""
    facts = []
    for index in range(3):
        problem = Problem("B", str(index), "", (Part("text", "?"),), "7", f"id{index}")
        candidates = (
            Candidate(problem.id, 0, "a:7", finish="stop", tokens=3, seconds=0.5, usage=Usage(7, 3)),
            Candidate(problem.id, 1, "", error="time\0out"), Candidate(problem.id, 2, "a:7", finish="length"),
            Candidate(problem.id, 4, f"\ud800 of {index}"),
        )  # fmt: skip
        keys = [one.text_id for one in candidates if one.error is None]
        scores = {
            "visualprm": {text_id("b:7"): StepScores((0.25,), ("b",))} | {
                key: StepScores((place / 10, 0.5), ("x", "y"), seconds=0.25)
                for place, key in enumerate(dict.fromkeys(keys))
            },
            "visualorm": {keys[0]: StepScores((), error="too \udc80 long"), keys[2]: StepScores((0.25, 1.0))},
        }  # fmt: skip
        verdicts = {text_id("c:8"): Verdict(1.0), keys[0]: Verdict(1 / 3, seconds=2.0),
                    keys[2]: Verdict(None, "no judge")}  # fmt: skip
        facts.append(ProblemFacts(problem, candidates, scores, verdicts))
    return facts


@pytest.mark.parametrize("others", [0, 50], ids=["most texts are wanted", "few texts are wanted"])
def test_a_store_is_read_as_it_was_filled(tmp_path: Path, others: int) -> None:
    facts = stored_facts()
    keys = {critic: spec.id for critic, spec in SCORINGS.items()}
    with Store.open(tmp_path / "s.sqlite") as store:
        fill(store, facts)
        store.put_candidates(SAMPLING.id, [Candidate("id1", 100 + rank, f"later {rank}") for rank in range(others)])
        problems = [facts[2].problem, facts[0].problem]
        found = store.columns(problems, SAMPLING.id, 5, keys, grading_id=GRADING.id)
        assert plain(found) == plain(Columns.of([facts[2], facts[0]]))
        twice = store.columns([problems[0], *problems], SAMPLING.id, 5, keys, grading_id=GRADING.id)
        assert plain(twice) == plain(Columns.of([facts[2], facts[2], facts[0]]))
        assert len(store.columns(problems, SAMPLING.id, 2, keys, grading_id=GRADING.id).candidates) == 4
        nothing = store.columns(problems, "unknown", 5, keys, grading_id=GRADING.id)
        assert (len(nothing.candidates), nothing.values) == (0, [])


def test_steps_are_read_of_the_texts_that_are_asked_for(tmp_path: Path) -> None:
    facts = stored_facts()
    with Store.open(tmp_path / "s.sqlite") as store:
        fill(store, facts)
        keys = [("id0", text_id("a:7")), ("id1", text_id("never written"))]
        found = store.scores_of(SCORINGS["visualprm"].id, keys)
    assert found == {keys[0]: StepScores((0.0, 0.5), ("x", "y"))}


def test_a_text_that_is_gone_is_damage(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s.sqlite") as store:
        fill(store, stored_facts())
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        db.execute("DELETE FROM texts WHERE id = ?", (text_id("a:7"),))
    with (
        Store.open(tmp_path / "s.sqlite", write=False) as store,
        pytest.raises(StoreDamagedError, match="lacks text"),
    ):
        store.columns([stored_facts()[0].problem], SAMPLING.id, 5, {}, grading_id=GRADING.id)
