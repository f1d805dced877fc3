"""The store: what goes in comes out, nothing acknowledged is lost, and a broken file is named, never touched."""

from __future__ import annotations

import json
import math
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visualprm_eval.core.errors import StoreDamagedError, StoreError, StoreLockedError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, StepScores, Usage, Verdict, text_id
from visualprm_eval.store import Store, audit, codec, connection, queries, schema
from visualprm_eval.store.connection import copy_store

SAMPLING = Spec("sampling", {"policy": "toy", "temperature": 0.7, "seed": 0})
SCORING = Spec("scoring", {"critic": "visualprm", "max_steps": 12})
GRADING = Spec("grading", {"judge": None})
NASTY = "a\0b \ud800 \udfff \ud83d\ude00 \U0001f600 \r\n\u2028 \ufffe"

# Any character, lone surrogates and NUL included.
texts = st.text(st.characters(exclude_categories=()))


def problem(index: str, benchmark: str = "Toy", image: str = "/images/1.png") -> Problem:
    parts = (Part("image", image), Part("text", f"How many dots in {index}?"))
    return Problem(benchmark, index, "test", parts, "3", f"{benchmark}-{index}", {"A": "one", "B": "two"})


PROBLEMS = [problem(str(index)) for index in range(3)]
IDS = [one.id for one in PROBLEMS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "store.sqlite"


def filled(path: Path) -> Store:
    """An open store that knows the specs and the problems."""
    store = Store.open(path)
    for spec in (SAMPLING, SCORING, GRADING):
        store.put_spec(spec)
    store.put_problems(PROBLEMS)
    return store


# What goes in comes out


def test_specs_come_back_by_kind_in_order(path: Path) -> None:
    second = Spec("sampling", {"policy": NASTY, "nested": {"list": [1, 2.5, None, True]}})
    with filled(path) as store:
        assert store.put_spec(second) == second.id
        store.put_spec(SAMPLING)
        assert store.specs("sampling") == [SAMPLING, second]
        assert [spec.id for spec in store.specs("sampling")] == [SAMPLING.id, second.id]
        assert store.specs("grading") == [GRADING]


def test_reasoning_stands_beside_a_text_and_is_no_part_of_it(path: Path) -> None:
    plain = Candidate(IDS[0], 0, "4", finish="stop")
    thoughtful = [replace(plain, rank=1, reasoning=NASTY), Candidate(IDS[1], 0, "", finish="length", reasoning="hm ")]
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [plain, *thoughtful])
        assert store.candidates(SAMPLING.id, IDS) == {
            IDS[0]: [plain, thoughtful[0]],
            IDS[1]: [thoughtful[1]],
            IDS[2]: [],
        }
        assert thoughtful[0].text_id == plain.text_id
        keys = [(IDS[0], 0), (IDS[0], 1), (IDS[1], 0), (IDS[2], 0)]
        assert store.reasonings(SAMPLING.id, keys) == {(IDS[0], 1): NASTY, (IDS[1], 0): "hm "}
        missing = store.missing_scores(SCORING.id, SAMPLING.id, IDS, 9)
        assert [text for *_, text in missing] == ["4", ""], "no critic reads it"
        columns = store.columns(PROBLEMS, SAMPLING.id, 9, {}, grading_id=GRADING.id)
        assert columns.candidates.reasoned == {1, 2} and columns.values == ["4", ""]
        assert store.verify() == []
        store._db.execute("PRAGMA foreign_keys = OFF")
        store._db.execute("DELETE FROM texts WHERE value = 'hm '")
        assert store.verify() == ["1 row of candidates refers to texts that are not there"]
        store._db.execute("UPDATE candidates SET reasoning_id = x'ff' WHERE rank = 1")
        assert any("reasoning_id: b'\\xff', expected a text" in finding for finding in store.verify())


@pytest.mark.parametrize(
    ("texts", "repeats"),
    [
        ([], 0),
        (["a", "a", "b", "b", "b"], 3),
        (["a", "c", "b", "b", "b"], 0),
        (["a", None, "b", "", "b"], 1),
        (["a", "", "", "", ""], 0),
    ],
)
def test_equal_candidates_are_counted_as_long_as_none_differ(path: Path, texts: list[str | None], repeats: int) -> None:
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [
            Candidate(IDS[place], rank, text or "", None if text is not None else "failed")
            for (place, rank), text in zip(places, texts, strict=False)
        ])  # fmt: skip
        assert store.equal_candidates(SAMPLING.id, IDS, 3) == repeats
        assert store.equal_candidates(SAMPLING.id, IDS, 1) == 0


def test_no_picture_is_stored_with_a_failure(path: Path) -> None:
    url = "data:image/png;base64," + "iVBO" * 9_000
    told = "400: cannot take data:image/png;base64,... (36,022 characters)"
    with filled(path) as store:
        error = f"400: cannot take {url}"
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "", error), Candidate(IDS[0], 1, url)])
        store.put_scores(SCORING.id, [(IDS[0], text_id(url), StepScores((), (), error))])
        store.put_verdicts(GRADING.id, [(IDS[0], text_id(url), Verdict(None, error))])
        failed, whole = store.candidates(SAMPLING.id, IDS[:1])[IDS[0]]
        assert (failed.error, whole.text) == (told, url), "what a model wrote stays whole"
        assert [one.error for one in store.scores(SCORING.id, IDS[:1]).values()] == [told]
        assert [one.error for one in store.verdicts(GRADING.id, IDS[:1]).values()] == [told]


def test_a_failure_with_reasoning_gives_way_whole(path: Path) -> None:
    broken = Candidate(IDS[0], 0, "", "the server broke the reply off", reasoning="hm")
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [broken])
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "4")])
        assert store.candidates(SAMPLING.id, IDS[:1])[IDS[0]] == [Candidate(IDS[0], 0, "4")]
        assert store.verify() == []


def test_a_checkpoint_is_noted_but_is_the_key_of_no_fact(path: Path) -> None:
    checkpoint = Spec("checkpoint", {"source": "org/model", "revision": None, "fingerprint": "f00"})
    with filled(path) as store:
        assert store.put_spec(checkpoint) == checkpoint.id
        assert store.specs("checkpoint") == [checkpoint]
        assert store.specs("sampling") == [SAMPLING]
        with pytest.raises(StoreError, match="is a checkpoint, expected a sampling"):
            store.put_candidates(checkpoint.id, [Candidate(IDS[0], 0, "text")])
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "text")])
        assert store.verify() == []
        store._db.execute("UPDATE candidates SET spec_id = ?", (checkpoint.id,))
        assert any("not a sampling" in finding for finding in store.verify())


def test_what_is_said_again_is_the_last_word_again(path: Path) -> None:
    with Store.open(path) as store:
        for value in ({"file": "A"}, {"file": "B"}, {"file": "A"}):
            store.put_note("remark", NASTY, value)
            store.put_note("remark", "other", [1, None])
        assert store.last_note("remark", NASTY) == {"file": "A"}
        assert store.notes("remark", NASTY) == [(NASTY, {"file": "B"}), (NASTY, {"file": "A"})]
        assert [subject for subject, _ in store.notes("remark")] == [NASTY, NASTY, "other"]
        assert (store.last_note("remark", "nothing"), store.notes("nothing")) == (None, [])
        assert store.verify() == []


def test_the_last_word_is_told_though_the_clock_goes_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(path) as store:
        for now, value in ((1000.0, "first"), (10.0, "second"), (10.0, "third"), (5.0, "second")):
            monkeypatch.setattr("time.time", lambda now=now: now)
            store.put_note("kind", "subject", value)
        assert [value for _, value in store.notes("kind")] == ["first", "third", "second"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("versions", 5), ("problems", ["a", 5]), ("scope", {"policy": "P"}), ("name", {"name": "a", "given": 1})],
)
def test_a_note_that_is_not_what_its_kind_says_is_damage(path: Path, kind: str, value: object) -> None:
    with filled(path) as store:
        store.put_note("of no known kind", "", value)
        assert store.verify() == []
        store.put_note(kind, "subject", value)
        assert [finding for finding in store.verify() if f"the kind '{kind}'" in finding]


def test_a_note_that_is_no_json_is_damage(path: Path) -> None:
    with filled(path) as store:
        store.put_note("versions", "a", "1")
        store._db.execute("PRAGMA ignore_check_constraints = ON")
        store._db.execute("UPDATE notes SET value = '[' WHERE kind = 'versions'")
        assert store.verify()


def test_a_problem_that_is_put_again_is_the_current_one_again(path: Path) -> None:
    old, new = PROBLEMS[0], replace(PROBLEMS[0], id="newer", answer="other")
    with Store.open(path) as store:
        for version in (old, new):
            store.put_problems([version, *PROBLEMS[1:]])
            assert {problem.id for problem in store.current_problems(old.benchmark)} >= {version.id}
        store.put_problems([old])
        current = store.current_problems(old.benchmark)
    assert old in current and new not in current
    assert len(current) == len([problem for problem in PROBLEMS if problem.benchmark == old.benchmark])


def test_a_kind_nobody_knows_is_refused(path: Path) -> None:
    with Store.open(path) as store, pytest.raises(StoreError, match="refused"):
        store.put_spec(Spec("guessing", {}))


def test_problems_keep_their_order_and_everything_in_them(path: Path) -> None:
    odd = Problem(NASTY, NASTY, NASTY, (Part("text", NASTY),), NASTY, "odd", {"B": NASTY, "A": "x"})
    with filled(path) as store:
        store.put_problems([odd, *reversed(PROBLEMS)])
        assert store.problems("Toy") == PROBLEMS
        assert store.problems(NASTY) == [odd]
        assert list(store.problems(NASTY)[0].choices) == ["B", "A"]
        assert store.problems("Other") == []
        assert store.benchmarks() == ["Toy", NASTY]


def test_a_known_problem_follows_its_images(path: Path) -> None:
    with filled(path) as store:
        moved = problem("1", image="/elsewhere/1.png")
        store.put_problems([moved])
        assert store.problems("Toy") == [PROBLEMS[0], moved, PROBLEMS[2]]


def test_candidates_come_back_by_rank_in_the_order_asked(path: Path) -> None:
    first = Candidate(IDS[0], 0, "one", None, "stop", 12, 0.25, Usage(345, 12))
    second = Candidate(IDS[0], 1, NASTY, None, "length", None, None)
    failed = Candidate(IDS[2], 0, "", f"no answer {NASTY}")
    with filled(path) as store:
        assert store.put_candidates(SAMPLING.id, [second, failed, first]) == 3
        found = store.candidates(SAMPLING.id, [IDS[2], IDS[1], IDS[0], "unknown"])
        assert found == {IDS[2]: [failed], IDS[1]: [], IDS[0]: [first, second], "unknown": []}
        assert list(found) == [IDS[2], IDS[1], IDS[0], "unknown"]


def test_facts_are_there_after_reopening(path: Path) -> None:
    scores = StepScores((0.1, 1 / 3, 5e-324), ("a", "b", NASTY))
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, NASTY)])
        store.put_scores(SCORING.id, [(IDS[0], text_id(NASTY), scores)])
        store.put_verdicts(GRADING.id, [(IDS[0], text_id(NASTY), Verdict(0.75))])
    with Store.open(path, write=False) as store:
        assert store.candidates(SAMPLING.id, IDS)[IDS[0]] == [Candidate(IDS[0], 0, NASTY)]
        assert store.scores(SCORING.id, IDS) == {(IDS[0], text_id(NASTY)): scores}
        assert store.verdicts(GRADING.id, IDS) == {(IDS[0], text_id(NASTY)): Verdict(0.75)}
        assert store.verify() == []


def test_steps_can_be_left_out(path: Path) -> None:
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "t")])
        store.put_scores(SCORING.id, [(IDS[0], text_id("t"), StepScores((0.5,), ("t",)))])
        assert store.scores(SCORING.id, IDS, with_steps=False) == {(IDS[0], text_id("t")): StepScores((0.5,))}


@given(text=texts)
def test_any_text_survives_packing(text: str) -> None:
    assert codec.unpack_text(codec.pack_text(text)) == text
    assert codec.unpack_json(codec.pack_json([text, {text: text}])) == [text, {text: text}]


@given(
    st.lists(
        st.builds(
            Candidate,
            problem_id=st.sampled_from(IDS),
            rank=st.integers(0, 50),
            text=texts,
            error=st.none() | texts,
            finish=st.sampled_from(["stop", "length", ""]),
            tokens=st.none() | st.integers(0, 2**40),
            seconds=st.none() | st.floats(0, 1e6),
            usage=st.none() | st.builds(Usage, st.integers(0, 2**40), st.integers(0, 2**40)),
        ),
        unique_by=lambda one: (one.problem_id, one.rank),
    )
)
@settings(max_examples=50, deadline=None)
def test_any_candidates_survive(candidates: list[Candidate]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "store.sqlite"
        with filled(path) as store:
            store.put_candidates(SAMPLING.id, candidates)
        with Store.open(path, write=False) as store:
            found = store.candidates(SAMPLING.id, IDS)
            for problem_id in IDS:
                mine = [one for one in candidates if one.problem_id == problem_id]
                assert found[problem_id] == sorted(mine, key=lambda one: one.rank)
            assert store.verify() == []


@given(scores=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), step=texts)
def test_any_step_scores_survive_to_the_bit(scores: list[float], step: str) -> None:
    given_scores = StepScores(tuple(scores), (step,) * len(scores))
    text = "\n\n".join(given_scores.steps)
    digest, steps = codec.step_list_row(given_scores.steps, text)
    key = ("spec", "problem", "text")
    row = codec.scores_row(key, given_scores, digest, 0.0, allowed=(-math.inf, math.inf))
    found = codec.scores_of(*row[3:5], steps, codec.pack_text(text))
    assert found.steps == given_scores.steps
    for before, after in zip(scores, found.scores, strict=True):
        assert before == after
        assert math.copysign(1, before) == math.copysign(1, after)


@pytest.mark.parametrize(
    ("text", "steps", "stored"),
    [
        ("a\n\nb", ("a", "b"), "[0, 1, 3, 4]"),
        ("a a", ("a", "", "a"), "[0, 1, 1, 1, 2, 3]"),
        ("a\n\nb", ("b", "a"), '["b", "a"]'),
        ("7", (), "[]"),
        ("\ud800 \0", ("\ud800", "\0"), "[0, 1, 2, 3]"),
        ("", ("a", "\0"), '["a", "\\u0000"]'),
    ],
)
def test_steps_are_where_they_are_in_the_text(text: str, steps: tuple[str, ...], stored: str) -> None:
    _, row = codec.step_list_row(steps, text)
    assert row == stored
    assert codec.steps_of(row, text) == steps


# Which of two outcomes stays


def test_a_success_stays_and_a_failure_gives_way(path: Path) -> None:
    def put(store: Store, text: str, error: str | None = None) -> tuple[int, Candidate]:
        changed = store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, text, error)])
        return changed, store.candidates(SAMPLING.id, IDS)[IDS[0]][0]

    with filled(path) as store:
        assert put(store, "", "timeout") == (1, Candidate(IDS[0], 0, "", "timeout"))
        assert put(store, "", "refused") == (1, Candidate(IDS[0], 0, "", "refused"))
        assert put(store, "good") == (1, Candidate(IDS[0], 0, "good"))
        assert put(store, "", "timeout") == (0, Candidate(IDS[0], 0, "good"))
        assert put(store, "other") == (0, Candidate(IDS[0], 0, "good"))
        assert store.verify() == []


def test_scores_and_verdicts_follow_the_same_rule(path: Path) -> None:
    key = (IDS[0], text_id("t"))
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "t")])
        for scores in (StepScores((), (), "too long"), StepScores((0.5,)), StepScores((), (), "x"), StepScores((0.9,))):
            store.put_scores(SCORING.id, [(*key, scores)])
        for verdict in (Verdict(None, "judge is away"), Verdict(0.0), Verdict(None, "x"), Verdict(1.0)):
            store.put_verdicts(GRADING.id, [(*key, verdict)])
        assert store.scores(SCORING.id, IDS) == {key: StepScores((0.5,))}
        assert store.verdicts(GRADING.id, IDS) == {key: Verdict(0.0)}


def test_specs_do_not_mix(path: Path) -> None:
    other = Spec("sampling", {"policy": "other"})
    with filled(path) as store:
        store.put_spec(other)
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "a")])
        store.put_candidates(other.id, [Candidate(IDS[0], 0, "b")])
        assert store.candidates(SAMPLING.id, IDS)[IDS[0]] == [Candidate(IDS[0], 0, "a")]
        assert store.candidates(other.id, IDS)[IDS[0]] == [Candidate(IDS[0], 0, "b")]


def test_one_call_is_kept_whole_or_not_at_all(path: Path) -> None:
    with filled(path) as store:
        with pytest.raises(StoreError, match="put the specs, problems"):
            store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "a"), Candidate("unknown", 0, "b")])
        assert store.candidates(SAMPLING.id, IDS)[IDS[0]] == []
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "a")])
        assert store.verify() == []


def test_a_source_that_breaks_off_leaves_nothing(path: Path) -> None:
    def source():
        yield problem("new")
        raise KeyboardInterrupt

    with filled(path) as store:
        with pytest.raises(KeyboardInterrupt):
            store.put_problems(source())
        assert store.problems("Toy") == PROBLEMS


@pytest.mark.parametrize(
    ("verdict", "scores"),
    [
        (Verdict(None), StepScores(())),
        (Verdict(1.0, "both"), StepScores((0.5,), (), "both")),
        (Verdict(math.nan), StepScores((0.5, 0.5), ("one",))),
    ],
)
def test_what_is_neither_outcome_nor_failure_is_refused(path: Path, verdict: Verdict, scores: StepScores) -> None:
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "t")])
        with pytest.raises(StoreError, match=r"expected|failure"):
            store.put_verdicts(GRADING.id, [(IDS[0], text_id("t"), verdict)])
        with pytest.raises(StoreError, match=r"numbers for|failure with"):
            store.put_scores(SCORING.id, [(IDS[0], text_id("t"), scores)])


def test_facts_need_a_spec_of_their_kind(path: Path) -> None:
    with filled(path) as store:
        with pytest.raises(StoreError, match="knows no sampling"):
            store.put_candidates("0" * 16, [])
        with pytest.raises(StoreError, match="is a grading, expected a sampling"):
            store.put_candidates(GRADING.id, [])
        with pytest.raises(StoreError, match="rank -1, expected a whole number from 0"):
            store.put_candidates(SAMPLING.id, [Candidate(IDS[0], -1, "t")])


# What is missing


def test_missing_candidates(path: Path) -> None:
    with filled(path) as store:
        store.put_candidates(
            SAMPLING.id,
            [Candidate(IDS[0], 0, "a"), Candidate(IDS[0], 2, "", "failed"), Candidate(IDS[1], 5, "beyond n")],
        )
        asked = [IDS[1], IDS[0], IDS[1]]
        missing = [(IDS[1], 0), (IDS[1], 1), (IDS[1], 2), (IDS[0], 1)]
        assert store.missing_candidates(SAMPLING.id, asked, 3) == missing
        assert store.missing_candidates(SAMPLING.id, asked, 3, retry_failed=True) == [*missing, (IDS[0], 2)]
        assert store.missing_candidates(SAMPLING.id, [IDS[0]], 1) == []
        assert store.missing_candidates(SAMPLING.id, [], 3) == []


def test_missing_scores_are_distinct_texts_in_order(path: Path) -> None:
    with filled(path) as store:
        ranks = ["b", "a", "b", NASTY, "late"]
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], rank, text) for rank, text in enumerate(ranks)])
        store.put_candidates(SAMPLING.id, [Candidate(IDS[1], 0, "", "failed"), Candidate(IDS[1], 1, "a")])
        store.put_candidates(SAMPLING.id, [Candidate(IDS[2], 0, "")])

        def missing(*ids: str, retry_failed: bool = False) -> list[tuple[str, str]]:
            rows = store.missing_scores(SCORING.id, SAMPLING.id, ids, 4, retry_failed)
            assert all(key == text_id(text) for _, key, text in rows)
            return [(problem_id, text) for problem_id, _, text in rows]

        first = [(IDS[0], "b"), (IDS[0], "a"), (IDS[0], NASTY)]
        assert missing(IDS[1], IDS[0]) == [(IDS[1], "a"), *first]
        assert missing(IDS[2]) == [(IDS[2], "")]
        store.put_scores(SCORING.id, [(IDS[0], text_id("a"), StepScores((0.5,)))])
        store.put_scores(SCORING.id, [(IDS[0], text_id("b"), StepScores((), (), "too long"))])
        assert missing(IDS[0], IDS[1]) == [(IDS[0], NASTY), (IDS[1], "a")]
        assert missing(IDS[0], retry_failed=True) == [(IDS[0], "b"), (IDS[0], NASTY)]


def test_long_lists_of_problems(path: Path) -> None:
    many = [problem(str(index), "Large") for index in range(40_000)]
    ids = [one.id for one in many]
    with filled(path) as store:
        store.put_problems(many)
        store.put_candidates(SAMPLING.id, [Candidate(ids[-1], 0, "a")])
        assert len(store.missing_candidates(SAMPLING.id, ids, 1)) == 39_999
        assert store.missing_scores(SCORING.id, SAMPLING.id, ids, 1) == [(ids[-1], text_id("a"), "a")]


def test_missing_is_asked_by_key_and_not_by_scanning(path: Path) -> None:
    with filled(path) as store:
        store.missing_candidates(SAMPLING.id, IDS, 1)
        plan = store._db.execute("EXPLAIN QUERY PLAN " + queries.MISSING_SCORES, ("s", 8, "c", False)).fetchall()
    details = [row[-1] for row in plan]
    assert [detail for detail in details if "SCAN" in detail] == ["SCAN w"]
    assert not [detail for detail in details if "TEMP B-TREE" in detail]


# One writer, many readers


def test_the_same_process_cannot_open_twice(path: Path) -> None:
    with Store.open(path), pytest.raises(StoreLockedError, match=rf"process {os.getpid()} on {socket.gethostname()}"):
        Store.open(path)
    with Store.open(path) as store:
        assert store.verify() == []


def test_a_second_writer_is_refused_until_the_first_is_gone(path: Path) -> None:
    script = "import sys; from pathlib import Path; from visualprm_eval.store import Store\n"
    script += "store = Store.open(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreLockedError, match=f"process {other.pid} on {socket.gethostname()}"):
            Store.open(path)
        with Store.open(path, write=False) as store:
            assert store.specs("sampling") == []
        other.send_signal(signal.SIGKILL)
    with Store.open(path) as store:
        assert store.verify() == []


def test_a_forked_child_does_not_keep_the_lock(path: Path) -> None:
    script = (
        "import os, sys, time; from pathlib import Path; from visualprm_eval.store import Store\n"
        "store = Store.open(Path(sys.argv[1])); child = os.fork()\n"
        "if child == 0: os.close(1); time.sleep(60); os._exit(0)\n"
        "print(child, flush=True); os.kill(os.getpid(), 9)"
    )
    run = subprocess.run([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True, check=False)
    child = int(run.stdout)
    try:
        with Store.open(path) as store:
            assert store.verify() == []
        os.kill(child, 0)  # It lived all the while.
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_reader_sees_what_a_writer_adds(path: Path) -> None:
    with filled(path) as writer, Store.open(path, write=False) as reader:
        assert reader.candidates(SAMPLING.id, IDS)[IDS[0]] == []
        writer.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "a")])
        assert reader.candidates(SAMPLING.id, IDS)[IDS[0]] == [Candidate(IDS[0], 0, "a")]


def test_a_reader_cannot_write(path: Path) -> None:
    filled(path).close()
    before = path.read_bytes()
    with Store.open(path, write=False) as store, pytest.raises(StoreError, match="opened for reading"):
        store.put_spec(SAMPLING)
    assert path.read_bytes() == before


def test_a_copy_is_a_store_of_its_own(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    with filled(path) as writer:
        writer.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, NASTY)])
        copy_store(path, copy)
        with pytest.raises(StoreError, match="already"):
            copy_store(path, copy)
        writer.put_candidates(SAMPLING.id, [Candidate(IDS[0], 1, "later")])
    with Store.open(copy) as store:
        assert store.candidates(SAMPLING.id, IDS)[IDS[0]] == [Candidate(IDS[0], 0, NASTY)]
        assert store.verify() == []


def test_a_copy_leaves_nothing_beside_a_closed_store(path: Path, tmp_path: Path) -> None:
    filled(path).close()
    before = sorted(tmp_path.rglob("*"))
    copy_store(path, copy := tmp_path / "copy.sqlite")
    assert sorted(tmp_path.rglob("*")) == sorted([*before, copy])


def test_a_writer_that_comes_while_a_store_is_copied(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path).close()
    back_up, times = connection._back_up, []

    def interrupted(db: sqlite3.Connection, target: Path) -> None:
        back_up(db, target)
        if not times:
            with Store.open(path) as writer:
                writer.put_candidates(SAMPLING.id, [Candidate(IDS[0], 7, "while it was copied")])
        times.append(target)

    monkeypatch.setattr(connection, "_back_up", interrupted)
    copy_store(path, tmp_path / "copy.sqlite")
    assert len(times) == 2
    with Store.open(tmp_path / "copy.sqlite") as store:
        assert store.candidates(SAMPLING.id, IDS)[IDS[0]][-1].text == "while it was copied"


# kill -9

_WRITER = """
import sys
from pathlib import Path
from visualprm_eval.store import Store
from visualprm_eval.core.types import Candidate, Spec, Verdict

path, sampling, grading, ids, start = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4].split(), int(sys.argv[5])
with Store.open(path) as store:
    print("open", flush=True)
    for rank in range(start, start + 10**6):
        candidates = [Candidate(problem_id, rank, f"{rank} \\ud800 " + "x" * 5000) for problem_id in ids]
        store.put_candidates(sampling, candidates)
        print("candidate", rank, flush=True)
        store.put_verdicts(grading, [(one.problem_id, one.text_id, Verdict(1.0)) for one in candidates])
        print("verdict", rank, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(path: Path) -> None:
    filled(path).close()
    acknowledged: set[tuple[str, int]] = set()
    dice = random.Random(0)
    for attempt in range(6):
        start = 1_000_000 * attempt
        command = [sys.executable, "-c", _WRITER, str(path), SAMPLING.id, GRADING.id, " ".join(IDS), str(start)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout.readline() == "open\n"
            time.sleep(dice.uniform(0.0, 0.4))
            writer.kill()
            lines = writer.stdout.read().split("\n")[:-1]
        acknowledged |= {(kind, int(rank)) for kind, rank in (line.split() for line in lines)}
        with Store.open(path) as store:
            assert store.verify() == []
            found = store.candidates(SAMPLING.id, IDS)
            verdicts = store.verdicts(GRADING.id, IDS)
        ranks = [{one.rank for one in candidates} for candidates in found.values()]
        assert ranks[0] == ranks[1] == ranks[2]
        assert {rank for kind, rank in acknowledged if kind == "candidate"} <= ranks[0]
        for rank in (rank for kind, rank in acknowledged if kind == "verdict"):
            assert (IDS[0], text_id(f"{rank} \ud800 " + "x" * 5000)) in verdicts
    assert acknowledged


# Files that are not sound stores


def refused(path: Path, error: type[StoreError] = StoreDamagedError) -> str:
    """What opening either way says is wrong; it names the file and changes nothing."""
    before = path.read_bytes()
    said = set()
    for write in (True, False):
        with pytest.raises(error) as caught:
            Store.open(path, write=write)
        said.add(str(caught.value))
        assert path.read_bytes() == before
    (message,) = said
    assert str(path) in message
    return message


@pytest.mark.parametrize("content", [b"", b"not a database" * 1000, b"SQLite format 3\0", b"SQLite format 3\0" * 500])
def test_garbage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "store.sqlite"
    path.write_bytes(content)
    assert "Nothing was changed" in refused(path)


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_file_that_was_cut_off(path: Path, kept: float) -> None:
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], rank, str(rank) * 3000) for rank in range(20)])
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert re.search("not a sound store.*move it away", refused(path))


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cookies (name TEXT)")
    assert "another program" in refused(path)


def test_a_store_of_a_newer_version(path: Path) -> None:
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {schema.latest_version() + 1}")
    assert re.search("newer version.*upgrade", refused(path, StoreError))


def test_a_page_overwritten_with_garbage_is_found(path: Path) -> None:
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], rank, str(rank) * 3000) for rank in range(20)])
    with closing(sqlite3.connect(path)) as db:
        ((root,),) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'texts'")
    content = bytearray(path.read_bytes())
    start = (root - 1) * 4096
    content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
    with Store.open(path, write=False) as store:
        with pytest.raises(StoreDamagedError, match="malformed"):
            store.candidates(SAMPLING.id, IDS)
        assert "SQLite: " in store.verify()[0]


def test_verify_reports_when_sqlite_gives_up() -> None:
    class Hopeless:
        def execute(self, *_: object) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

    assert audit.findings(Hopeless()) == ["SQLite: database disk image is malformed"]


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE texts SET value = 'forged'", "is not what was stored"),
        ("""UPDATE specs SET settings = '{"policy":"other"}' WHERE kind = 'sampling'""", "does not fit its settings"),
        ("DELETE FROM problems WHERE position = 1", "to problems that are not there"),
        ("UPDATE scores SET step_scores = '[]'", "0 numbers for 1 steps"),
        (f"UPDATE verdicts SET spec_id = '{SAMPLING.id}'", "which is not a grading"),
        ("UPDATE scores SET step_scores = '[0.5'", f"problem {IDS[0]}, text {text_id('t')}: they cannot be read"),
        ("UPDATE step_lists SET steps = X'5B22FF225D'", f"problem {IDS[0]}, text {text_id('t')}: they cannot be read"),
        ("UPDATE step_lists SET steps = '[0, 1, 1]'", "they cannot be read"),
        ("UPDATE step_lists SET steps = '[\"u\"]'", "list of steps 1 is not what was stored"),
        ("UPDATE scores SET step_list = 2", "1 row of scores refers to step_lists that are not there"),
        ("UPDATE scores SET step_scores = '[NaN]'", "they are not all finite numbers"),
        ("UPDATE scores SET step_scores = '[1e999]'", "they are not all finite numbers"),
        ("UPDATE scores SET step_scores = '[\"0.5\"]'", "they are not all finite numbers"),
        ("UPDATE scores SET step_scores = '0.5'", "expected a list of numbers and a list of steps"),
        (
            "UPDATE problems SET parts = '[[' WHERE position = 1",
            f"problem {IDS[0]}, benchmark Toy, row 0: its parts, options or groups",
        ),
        (
            "UPDATE problems SET parts = '[[1, 2]]' WHERE position = 1",
            f"problem {IDS[0]}, benchmark Toy, row 0: its parts",
        ),
        (
            "UPDATE problems SET choices = '[\"A\"]' WHERE position = 1",
            f"problem {IDS[0]}, benchmark Toy, row 0: its parts",
        ),
        ("UPDATE specs SET settings = '{' WHERE kind = 'sampling'", f"settings of spec {SAMPLING.id} cannot be read"),
        ("UPDATE texts SET value = X'FF'", "is not what was stored"),
        ("DELETE FROM migrations", "migrations"),
    ],
)
def test_verify_finds_what_was_tampered_with(path: Path, statement: str, finding: str) -> None:
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "t")])
        store.put_scores(SCORING.id, [(IDS[0], text_id("t"), StepScores((0.5,), ("t",)))])
        store.put_verdicts(GRADING.id, [(IDS[0], text_id("t"), Verdict(1.0))])
        assert store.verify() == []
    with closing(sqlite3.connect(path)) as db:
        db.execute(statement)
        db.commit()
    with Store.open(path, write=False) as store:
        assert finding in " ".join(store.verify())


def test_a_missing_store_cannot_be_read(path: Path) -> None:
    with pytest.raises(StoreError, match="no store at"):
        Store.open(path, write=False)
    assert not path.parent.exists()


def test_the_log_of_a_lost_store_is_not_replayed_into_a_new_one(path: Path) -> None:
    path.parent.mkdir()
    log = path.with_name(path.name + "-wal")
    log.write_bytes(b"facts")
    with pytest.raises(StoreDamagedError, match="is gone but its log"):
        Store.open(path)
    assert log.read_bytes() == b"facts"


def test_places_where_no_store_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "directory").mkdir()
    for place in (tmp_path / "file" / "store.sqlite", tmp_path / "directory"):
        with pytest.raises(StoreError, match=str(place)):
            Store.open(place)


def test_an_unwritable_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, whom no permission stops
    with pytest.raises(StoreError, match=r"cannot write in .*Permission denied.*--work-dir"):
        Store.open(tmp_path / "store.sqlite")


def test_a_full_disk_is_an_error_and_leaves_the_store_sound(path: Path) -> None:
    with filled(path) as store:
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r"full.*check free space"):
            store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "x" * 100_000)])
        store._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "x" * 100_000)])
        assert store.verify() == []


def test_a_read_only_disk_can_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path).close()
    monkeypatch.setattr(connection.os, "access", lambda *_: False)
    with Store.open(path, write=False) as store:
        assert store.specs("sampling") == [SAMPLING]
    assert not path.with_name(path.name + "-shm").exists()


# Replies of judges


def test_replies_come_back_by_request_and_attempt(path: Path) -> None:
    with filled(path) as store, store.replies() as replies:
        replies.put("what", 0, "B")
        replies.put("what", 1, NASTY)
        assert [replies.get("what", attempt) for attempt in range(3)] == ["B", NASTY, None]
        assert replies.get("other", 0) is None
        assert store.verify() == []
    with filled(path) as store, store.replies() as replies:
        assert replies.get("what", 1) == NASTY


def test_replies_that_led_to_a_failure_are_passed_over(path: Path) -> None:
    with filled(path) as store:
        assert store.last_failed_verdict(GRADING.id) == 0
        with store.replies() as replies:
            replies.put("what", 0, "unreadable")
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "a"), Candidate(IDS[0], 1, "b")])
        store.put_verdicts(GRADING.id, [(IDS[0], text_id("a"), Verdict(None, "unreadable"))])
        since = store.last_failed_verdict(GRADING.id)
        store.put_verdicts(GRADING.id, [(IDS[0], text_id("b"), Verdict(1.0))])
        assert store.last_failed_verdict(GRADING.id) == since > 0
        with store.replies(since) as replies:
            assert replies.get("what", 0) is None
            replies.put("what", 0, "B")
            assert replies.get("what", 0) == "B"
        with store.replies() as replies:
            assert replies.get("what", 0) == "B"


def test_threads_put_replies_while_the_store_is_in_use(path: Path) -> None:
    with filled(path) as store, store.replies() as replies, ThreadPoolExecutor(8) as pool:
        done = pool.map(lambda number: replies.put(str(number % 10), number // 10, f"reply {number}"), range(100))
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], rank, f"text {rank}") for rank in range(50)])
        assert list(done) == [None] * 100
        assert [replies.get(str(number % 10), number // 10) for number in range(100)] == [
            f"reply {number}" for number in range(100)
        ]


def test_a_reader_keeps_no_replies(path: Path) -> None:
    filled(path).close()
    with Store.open(path, write=False) as store, pytest.raises(StoreError, match="opened for reading"):
        store.replies()


# Migrations


def as_before_token_usage(patch: pytest.MonkeyPatch, schema_version: int) -> None:
    """Stores that are made meanwhile have an older schema, without the columns of token usage."""
    whole = codec.candidate_row
    patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:schema_version])
    patch.setattr(queries, "PUT_CANDIDATE", "INSERT INTO candidates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
    patch.setattr(codec, "candidate_row", lambda *fact: whole(*fact)[:9])
    problem = codec.problem_row  # Nor with a column for the groups of rows.
    query = "INSERT INTO problems VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
    patch.setattr(queries, "PUT_PROBLEM", query)
    patch.setattr(codec, "problem_row", lambda *fact: (*problem(*fact)[:7], problem(*fact)[8]))
    as_before_seconds(patch, schema_version)


def as_before_seconds(patch: pytest.MonkeyPatch, schema_version: int) -> None:
    """The same for the seconds of scores and verdicts, for notes, and for reasoning beside texts."""
    if schema_version > 2:
        whole, columns = codec.candidate_row, "spec_id problem_id rank text_id error finish tokens seconds created_at"
        key = "spec_id problem_id rank"
        query = queries.put("candidates", f"{columns} prompt_tokens completion_tokens", key, "error IS NOT NULL")
        patch.setattr(queries, "PUT_CANDIDATE", query)
        patch.setattr(codec, "candidate_row", lambda *fact: whole(*fact)[:11])
    scores, verdict = codec.scores_row, codec.verdict_row
    patch.setattr(queries, "PUT_NOTE", "DELETE FROM problems WHERE ? || ? || ? || ? IS NULL")
    patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:schema_version])
    patch.setattr(queries, "PUT_STEP_LIST", "DELETE FROM problems WHERE ? || ? IS NULL")
    patch.setattr(codec, "step_list_row", lambda steps, _: (codec.pack_json(steps), ""))
    patch.setattr(queries, "PUT_SCORES", "INSERT INTO scores VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)")
    patch.setattr(codec, "scores_row", lambda *fact, **named: scores(*fact, **named)[:7])
    patch.setattr(queries, "PUT_VERDICT", "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?)")
    patch.setattr(codec, "verdict_row", lambda *fact: verdict(*fact)[:6])


def test_a_store_of_the_first_schema_keeps_its_facts(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        as_before_token_usage(patch, 1)
        with filled(path) as store:
            store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "a")])
    with Store.open(path) as store, store.replies() as replies:
        replies.put("what", 0, "B")
        assert store.candidates(SAMPLING.id, IDS[:1]) == {IDS[0]: [Candidate(IDS[0], 0, "a")]}
        assert store.problems(PROBLEMS[0].benchmark)[0].groups == {}
        store.put_problems([replace(PROBLEMS[0], groups={"qid": "7"})])
        assert store.problems(PROBLEMS[0].benchmark)[0].groups == {"qid": "7"}
        assert store.verify() == []


def test_the_hosts_figures_are_kept(path: Path) -> None:
    with filled(path) as store:
        assert store.host_figure(GRADING.id, "these") is None
        store.put_host_figure(GRADING.id, "these", 40.0)
        store.put_host_figure(GRADING.id, "those", 41.0)
        store.put_host_figure(GRADING.id, "these", 42.0)
    with Store.open(path) as store:
        assert [store.host_figure(GRADING.id, name) for name in ("these", "those", "others")] == [42.0, 41.0, None]
        assert store.verify() == []


def test_a_store_from_before_token_usage_is_brought_up_to_date(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        as_before_token_usage(patch, 2)
        with filled(path) as store, store.replies() as replies:
            store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 0, "old", None, "stop", 3, 0.5)])
            replies.put("what", 0, "B")
    with Store.open(path) as store, store.replies() as replies:
        store.put_candidates(SAMPLING.id, [Candidate(IDS[0], 1, "new", usage=Usage(1, 2))])
        found = store.candidates(SAMPLING.id, IDS)[IDS[0]]
        assert replies.get("what", 0) == "B"
        assert store.verify() == []
    assert found == [Candidate(IDS[0], 0, "old", None, "stop", 3, 0.5), Candidate(IDS[0], 1, "new", usage=Usage(1, 2))]


def test_a_store_from_before_seconds_tells_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        as_before_seconds(patch, 4)
        with filled(path) as store:
            candidate = Candidate(IDS[0], 0, "a")
            store.put_candidates(SAMPLING.id, [candidate])
            store.put_scores(SCORING.id, [(IDS[0], candidate.text_id, StepScores((0.5,), ("a",)))])
            store.put_verdicts(GRADING.id, [(IDS[0], candidate.text_id, Verdict(1.0))])
    with Store.open(path) as store:
        (scored,), (graded,) = store.scores(SCORING.id, IDS).values(), store.verdicts(GRADING.id, IDS).values()
        assert (scored, scored.seconds) == (StepScores((0.5,), ("a",)), None)
        assert (graded, graded.seconds) == (Verdict(1.0), None)
        assert store.verify() == []


def test_seconds_are_kept_and_travel(path: Path, tmp_path: Path) -> None:
    candidate = Candidate(IDS[0], 0, "a")
    for place, seconds in ((path, 0.25), (tmp_path / "other.sqlite", 0.75)):
        with filled(place) as store:
            store.put_candidates(SAMPLING.id, [candidate])
            store.put_scores(SCORING.id, [(IDS[0], candidate.text_id, StepScores((0.5,), ("a",), seconds=seconds))])
            store.put_verdicts(GRADING.id, [(IDS[0], candidate.text_id, Verdict(1.0, seconds=seconds))])
    with Store.open(tmp_path / "third.sqlite") as third, Store.open(path) as first:
        third.absorb([first])
        with Store.open(tmp_path / "other.sqlite") as other:
            third.absorb([other])  # The same facts took another time there: no contradiction, and the first one stays.
        for found in (third.scores(SCORING.id, IDS), third.verdicts(GRADING.id, IDS)):
            assert [one.seconds for one in found.values()] == [0.25]


def test_a_retry_takes_the_place_of_a_failures_seconds(path: Path) -> None:
    candidate = Candidate(IDS[0], 0, "a")
    key = (IDS[0], candidate.text_id)
    with filled(path) as store:
        store.put_candidates(SAMPLING.id, [candidate])
        store.put_scores(SCORING.id, [(*key, StepScores((), error="no", seconds=9.0))])
        store.put_scores(SCORING.id, [(*key, StepScores((0.5,), ("a",), seconds=1.0))])
        store.put_verdicts(GRADING.id, [(*key, Verdict(None, "no", seconds=9.0))])
        store.put_verdicts(GRADING.id, [(*key, Verdict(1.0, seconds=2.0))])
        assert store.scores(SCORING.id, IDS)[key].seconds == 1.0
        assert store.verdicts(GRADING.id, IDS)[key].seconds == 2.0


def test_migrations_are_ordered_and_listed(path: Path) -> None:
    assert [one.version for one in schema.MIGRATIONS] == list(range(1, schema.latest_version() + 1))
    Store.open(path).close()
    with closing(sqlite3.connect(path)) as db:
        applied = db.execute("SELECT version, name FROM migrations ORDER BY version").fetchall()
        assert applied == [(one.version, one.name) for one in schema.MIGRATIONS]
        assert db.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_older_store_is_brought_up_to_date_by_a_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path).close()
    newer = schema.Migration(schema.latest_version() + 1, "others", ("CREATE TABLE others (value TEXT)",))
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, newer))
    with pytest.raises(StoreError, match="open it for writing once"):
        Store.open(path, write=False)
    with Store.open(path) as store:
        assert store.specs("sampling") == [SAMPLING]
        assert store.verify() == []
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM others").fetchone() == (0,)


def test_a_migration_that_fails_leaves_the_former_schema(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path).close()
    broken = schema.Migration(schema.latest_version() + 1, "broken", ("CREATE TABLE others (value TEXT)", "NONSENSE"))
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        with pytest.raises(StoreError, match="syntax error"):
            Store.open(path)
    with Store.open(path) as store:
        assert store.specs("sampling") == [SAMPLING]
        assert store.verify() == []
        assert store._db.execute("SELECT name FROM sqlite_master WHERE name = 'others'").fetchall() == []


def test_commits_are_synced_and_references_checked(path: Path) -> None:
    with Store.open(path) as store:
        settings = {name: store._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "foreign_keys")}
    assert settings == {"synchronous": 2, "foreign_keys": 1}


def test_a_store_holds_times(path: Path) -> None:
    before = time.time()
    filled(path).close()
    with closing(sqlite3.connect(path)) as db:
        created = db.execute("SELECT min(created_at), max(created_at) FROM problems").fetchone()
        assert before <= created[0] <= created[1] <= time.time()
        assert json.loads(db.execute("SELECT settings FROM specs").fetchone()[0]) == dict(SAMPLING.settings)


def test_importing_the_store_is_light() -> None:
    script = "import sys, visualprm_eval.store; print({'torch', 'vlmeval', 'numpy', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_equalities_of_formulas_are_kept_by_version(path: Path) -> None:
    with Store.open(path) as store:
        store.put_equalities("1.0", {("1+x", "x+1"): True, ("a", "b"): False})
        store.put_equalities("1.0", {("a", "b"): True})
        store.put_equalities("2.0", {("a", "b"): True})
        assert store.equalities("1.0") == {("1+x", "x+1"): True, ("a", "b"): False}
        assert store.equalities("3.0") == {}
    with Store.open(path, write=False) as store:
        assert store.equalities() == {("1+x", "x+1"): True, ("a", "b"): True}


def test_a_known_problem_follows_its_options(path: Path) -> None:
    with Store.open(path) as store:
        known = problem("1")
        store.put_problems([known])
        store.put_problems([replace(known, choices={"A": "7"})])
        assert store.problems("Toy")[0].choices == {"A": "7"}
        assert len(store.problems("Toy")) == 1


def test_a_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"w-\xff\xfe %41?#")
    with Store.open(folder / "store.sqlite") as store:
        store.put_note("kind", "subject", 1)
    with Store.open(folder / "store.sqlite", write=False) as store:
        assert store.path == folder / "store.sqlite"
    assert os.listdir(os.fsencode(tmp_path)) == [b"w-\xff\xfe %41?#"]  # noqa: PTH208 - the name as it is
