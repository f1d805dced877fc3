"""Merging stores: what one machine sampled, another scored and a third graded becomes one set of facts."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from visualprm_eval.cli import main
from visualprm_eval.core.errors import StoreConflictError
from visualprm_eval.core.types import Candidate, Part, Problem, Prompt, Spec, StepScores, Usage, Verdict, text_id
from visualprm_eval.run.process import EXIT_ERROR, EXIT_OK
from visualprm_eval.store import STORE_FILE, Store, queries
from visualprm_eval.store.lock import WriterLock
from visualprm_eval.store.merge import absorb_leftovers, merge

SAMPLING = Spec("sampling", {"policy": "toy", "seed": 0})
SCORING = Spec("scoring", {"critic": "visualprm", "dtype": "float32"})
ROUGH = Spec("scoring", {"critic": "visualprm", "dtype": "bfloat16"})
GRADING = Spec("grading", {"benchmark": "Toy", "judge": "exact_matching"})
NASTY = "a\0b \ud800 \udfff \r\n\u2028"

Fill = Callable[[Store], object]


def problem(index: int, image: str = "/here/1.png", split: str = "test") -> Problem:
    return Problem("Toy", str(index), split, (Part("image", image), Part("text", "How many?")), "3", f"p{index}")


def filled(path: Path, *fills: Fill, problems: int = 3, image: str = "/here/1.png") -> Path:
    with Store.open(path) as store:
        for spec in (SAMPLING, SCORING, ROUGH, GRADING):
            store.put_spec(spec)
        store.put_problems([problem(index, image) for index in range(problems)])
        for fill in fills:
            fill(store)
    return path


def sampled(index: int, rank: int, text: str = "", error: str | None = None) -> Fill:
    said = "" if error else text or f"text {index} {rank}"
    return lambda store: store.put_candidates(SAMPLING.id, [Candidate(f"p{index}", rank, said, error, seconds=1.0)])


def scored(index: int, text: str, *scores: float, error: str | None = None, spec: Spec = SCORING,
           steps: tuple[str, ...] = ()) -> Fill:  # fmt: skip
    outcome = StepScores(scores, steps or tuple("s" * len(scores)), error) if not error else StepScores((), (), error)
    return lambda store: store.put_scores(spec.id, [(f"p{index}", text_id(text), outcome)])


def graded(index: int, text: str, value: float) -> Fill:
    return lambda store: store.put_verdicts(GRADING.id, [(f"p{index}", text_id(text), Verdict(value))])


def replied(request: str, attempt: int, reply: str) -> Fill:
    def fill(store: Store) -> None:
        with store.replies() as replies:
            replies.put(request, attempt, reply)

    return fill


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of a store as it stands there, positions left out."""
    tables = {"specs": "id, kind, settings, created_at", "problems": "id, parts, created_at", "texts": "id, value",
              "candidates": "*", "step_lists": "digest, steps",
              "scores": f"spec_id, problem_id, text_id, error, step_scores, {queries.STEPS}, created_at",
              "verdicts": "*", "judge_replies": "*"}  # fmt: skip
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return {name: sorted(db.execute(f"SELECT {what} FROM {name}"), key=repr) for name, what in tables.items()}


def content(folder: Path) -> dict[str, bytes]:
    """The files of a store; SQLite may put an empty log and its index beside one that is read."""
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix not in {".sqlite-shm", ".lock"}
            and file.stat().st_size}  # fmt: skip


def test_reasoning_comes_along(tmp_path: Path) -> None:
    candidates = [Candidate("p0", 0, "4", reasoning=NASTY), Candidate("p1", 0, "5", reasoning="of another problem")]
    source = filled(tmp_path / "a" / "store.sqlite", lambda store: store.put_candidates(SAMPLING.id, candidates))
    merge([source], tmp_path / "whole.sqlite")
    with Store.open(tmp_path / "whole.sqlite") as store, Store.open(tmp_path / "part.sqlite") as part:
        assert store.candidates(SAMPLING.id, ["p0", "p1"]) == {"p0": candidates[:1], "p1": candidates[1:]}
        part.absorb([store], problem_ids=["p0"])
        assert part.candidates(SAMPLING.id, ["p0"]) == {"p0": candidates[:1]}
        assert part.verify() == store.verify() == []


def test_three_machines_become_one_store(tmp_path: Path) -> None:
    a = filled(tmp_path / "a" / "store.sqlite", sampled(0, 0), sampled(1, 0, NASTY), sampled(2, 0, error="down"))
    b = filled(tmp_path / "b" / "store.sqlite", sampled(0, 0), scored(0, "text 0 0", 0.25, 0.5))
    c = filled(tmp_path / "c" / "store.sqlite", sampled(0, 0), sampled(2, 0), graded(0, "text 0 0", 1.0))
    before = {path: content(path.parent) for path in (a, b, c)}
    out = tmp_path / "out" / "store.sqlite"
    merge([a, b, c], out)
    assert before == {path: content(path.parent) for path in (a, b, c)}
    with Store.open(out, write=False) as store:
        assert store.verify() == []
        found = store.candidates(SAMPLING.id, ["p0", "p1", "p2"])
        assert [(one.text, one.error) for key in found for one in found[key]] == [
            ("text 0 0", None), (NASTY, None), ("text 2 0", None),
        ]  # fmt: skip
        assert store.scores(SCORING.id, ["p0"])["p0", text_id("text 0 0")].scores == (0.25, 0.5)
        assert store.verdicts(GRADING.id, ["p0"])["p0", text_id("text 0 0")].value == 1.0
    assert rows(out)["scores"] == rows(b)["scores"], "with the time of their storing"


def test_merging_again_changes_nothing(tmp_path: Path) -> None:
    a = filled(tmp_path / "a.sqlite", sampled(0, 0), sampled(1, 0, error="down"), sampled(1, 1))
    b = filled(tmp_path / "b.sqlite", sampled(0, 0), sampled(1, 0, error="out of memory"), sampled(1, 1, error="x"))
    out = tmp_path / "out.sqlite"
    merge([a, b], out)
    first = rows(out)
    for again in ([a, b], [b, a], [b], [a]):
        merge(again, out)
        assert rows(out) == first
    assert [row[4] for row in first["candidates"]] == [None, "down", None]


def test_what_the_output_has_stays(tmp_path: Path) -> None:
    out = filled(tmp_path / "out" / "store.sqlite", sampled(0, 0), image="/mine.png")
    before = rows(out)
    merge([filled(tmp_path / "a.sqlite", sampled(0, 0), sampled(0, 1), image="/theirs.png")], tmp_path / "out")
    after = rows(out)
    assert after["problems"] == before["problems"]
    assert before["candidates"][0] in after["candidates"]
    assert len(after["candidates"]) == 2


@pytest.mark.parametrize(
    ("there", "new", "told"),
    [
        ([sampled(0, 1, "x" * 50 + "one")], [sampled(0, 1, "x" * 50 + "two")],
         ("candidate of rank 1 for problem Toy 0 (by toy, key {sampling}): '...xxxxxxxxxxxxxxxone' in {a}, "
         "'...xxxxxxxxxxxxxxxtwo' in {b}")),
        ([sampled(0, 0, "t"), scored(0, "t", 0.25)], [sampled(0, 0, "t"), scored(0, "t", 0.5)],
         ("scores of the text 't' for problem Toy 0 (by visualprm, key {scoring}): step_scores '[0.25]' in {a}, "
         "step_scores '[0.5]' in {b}")),
        ([sampled(0, 0, "t"), scored(0, "t", 0.25, steps=("t",))],
         [sampled(0, 0, "t"), scored(0, "t", 0.25, steps=("u",))], "steps"),
        ([sampled(0, 0, "t"), graded(0, "t", 0.0)], [sampled(0, 0, "t"), graded(0, "t", 1.0)],
         ("verdict of the text 't' for problem Toy 0 (by exact_matching, key {grading}): value 0.0 in {a}, "
         "value 1.0 in {b}")),
        ([], [lambda store: store._db.execute("UPDATE problems SET split = 'dev' WHERE id = 'p1'")],
         "problem Toy 1: split 'test' in {a}, split 'dev' in {b}"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(tmp_path: Path, there: list[Fill], new: list[Fill], told: str) -> None:
    a, b = filled(tmp_path / "a.sqlite", *there), filled(tmp_path / "b.sqlite", sampled(2, 2), *new)
    names = {"a": a, "b": b, "sampling": SAMPLING.id, "scoring": SCORING.id, "grading": GRADING.id}
    out = tmp_path / "out.sqlite"
    with pytest.raises(StoreConflictError) as refusal:
        merge([a, b], out)
    assert told.format(**names) in str(refusal.value)
    assert not any(rows(out).values()), "nothing of any input"
    merge([a], out)
    before = rows(out)
    with pytest.raises(StoreConflictError) as refusal:
        merge([b], out)
    assert told.format(**{**names, "a": out}) in str(refusal.value)
    assert rows(out) == before


def test_scores_may_differ_as_machines_do(tmp_path: Path) -> None:
    t = sampled(0, 0, "t")
    a = filled(tmp_path / "a.sqlite", t, scored(0, "t", 0.25), scored(0, "t", 0.25, spec=ROUGH))
    b = filled(tmp_path / "b.sqlite", t, scored(0, "t", 0.2500001), scored(0, "t", 0.26, spec=ROUGH))
    merge([a, b], tmp_path / "out.sqlite")
    assert rows(tmp_path / "out.sqlite")["scores"] == rows(a)["scores"], "the first one stays"
    far = filled(tmp_path / "far.sqlite", t, scored(0, "t", 0.26))
    with pytest.raises(StoreConflictError):
        merge([a, far], tmp_path / "out.sqlite")


def test_what_judges_replied_is_taken_over_and_the_last_word_counts(tmp_path: Path) -> None:
    """A judge is asked again only when what it said first came to nothing."""
    old = filled(tmp_path / "old.sqlite", replied("q", 0, "Failed"), replied("q", 1, "B"))
    new = filled(tmp_path / "new.sqlite", replied("q", 0, "A"), replied("r", 0, NASTY))
    for order in ([old, new], [new, old]):
        out = tmp_path / f"{order[0].stem}.out.sqlite"
        merge(order, out)
        merge(order, out)
        with Store.open(out) as store, store.replies() as replies:
            found = [replies.get(*asked) for asked in (("q", 0), ("q", 1), ("r", 0), ("q", 2))]
            assert store.verify() == []
        assert found == ["A", "B", NASTY, None]
        assert set(rows(out)["judge_replies"]) < {*rows(old)["judge_replies"], *rows(new)["judge_replies"]}


def test_what_candidates_cost_is_taken_over(tmp_path: Path) -> None:
    paid = Candidate("p0", 0, "t", usage=Usage(100, 7))
    a = filled(tmp_path / "a.sqlite", lambda store: store.put_candidates(SAMPLING.id, [paid]))
    out = filled(tmp_path / "out.sqlite", sampled(0, 0, error="down"))
    merge([a], out)
    with Store.open(out, write=False) as store:
        assert store.candidates(SAMPLING.id, ["p0"])["p0"] == [paid]


def test_misuse_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = filled(tmp_path / "a.sqlite", sampled(0, 0))
    assert main(["merge", str(a), "-o", str(a)]) == EXIT_ERROR
    assert "is among the stores to merge" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "nowhere"), "-o", str(a)]) == EXIT_ERROR
    assert f"there is no store at {tmp_path / 'nowhere' / 'store.sqlite'}" in capsys.readouterr().err
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(a.read_bytes()[:5000])
    assert main(["merge", str(broken), "-o", str(a)]) == EXIT_ERROR
    assert str(broken) in capsys.readouterr().err
    with closing(sqlite3.connect(a)) as db, db:
        db.execute("UPDATE texts SET value = 'forged'")
    assert main(["merge", str(a), "-o", str(tmp_path / "b.sqlite")]) == EXIT_ERROR
    assert "is not what was stored" in capsys.readouterr().err
    assert not (tmp_path / "b.sqlite").exists()


def test_the_command_says_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = filled(tmp_path / "a" / "store.sqlite", sampled(0, 0), sampled(0, 1))
    assert main(["merge", str(a.parent), "-o", str(tmp_path / "out")]) == EXIT_OK
    assert "3 problems, 2 candidates, 0 scores, 0 verdicts are new" in capsys.readouterr().out


def test_a_work_dir_brings_what_its_ranks_left(tmp_path: Path) -> None:
    filled(tmp_path / "a" / "store.rank1.sqlite", sampled(0, 1))
    merge([tmp_path / "a"], tmp_path / "out")
    assert len(rows(tmp_path / "out" / "store.sqlite")["candidates"]) == 1
    filled(tmp_path / "a" / "store.sqlite", sampled(0, 0))
    merge([tmp_path / "a"], tmp_path / "out")
    assert len(rows(tmp_path / "out" / "store.sqlite")["candidates"]) == 2


def test_leftovers_of_ranks_go_when_they_are_safe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rank = filled(tmp_path / "store.rank0.sqlite", sampled(0, 0))
    with Store.open(tmp_path / "store.sqlite") as store:
        absorb_leftovers(store, tmp_path, remove=False)
        assert rank.exists()
        absorb_leftovers(store, tmp_path)
        absorb_leftovers(store, tmp_path)
    assert "1 candidate taken over" in capsys.readouterr().err
    assert not rank.exists()
    assert len(rows(tmp_path / "store.sqlite")["candidates"]) == 1


def test_locks_of_ranks_that_died_before_they_stored_anything_go(tmp_path: Path) -> None:
    left, held = tmp_path / "store.rank0.sqlite", tmp_path / "store.rank1.sqlite"
    WriterLock(left).release()
    lock = WriterLock(held)
    with Store.open(tmp_path / STORE_FILE) as store:
        absorb_leftovers(store, tmp_path)
    assert [path.name for path in tmp_path.glob("*rank*")] == ["store.rank1.sqlite.lock"]
    lock.release()


def test_somebody_may_look_on_while_leftovers_go(tmp_path: Path) -> None:
    rank = filled(tmp_path / "store.rank0.sqlite", sampled(0, 0))
    with (
        closing(sqlite3.connect(f"file:{rank}?mode=ro", uri=True)) as db,
        Store.open(tmp_path / "store.sqlite") as store,
    ):
        db.execute("SELECT count(*) FROM texts").fetchone()
        absorb_leftovers(store, tmp_path)
    assert not list(tmp_path.glob("*rank*"))
    (tmp_path / "store.rank0.sqlite-wal").write_bytes(b"killed before it could be removed")
    with Store.open(tmp_path / "store.sqlite") as store:
        absorb_leftovers(store, tmp_path)
    filled(rank)


def prompted(index: int, wording: str, text: str) -> Fill:
    return lambda store: store.put_prompts("Toy", "cot", {f"p{index}": Prompt(wording, [["text", text]], None)})


def test_prompts_travel_and_the_later_ones_count(tmp_path: Path) -> None:
    a = filled(tmp_path / "a.sqlite", prompted(0, "w1", "old"), prompted(1, "w1", "one"))
    b = filled(tmp_path / "b.sqlite", prompted(0, "w1", "new"))
    for order in ([a, b], [b, a]):
        merge(order, out := tmp_path / f"{order[0].stem}.out.sqlite")
        with Store.open(out) as store:
            assert {key: prompt.parts for key, prompt in store.prompts("Toy", "cot").items()} == {
                "p0": [["text", "new"]], "p1": [["text", "one"]],
            }  # fmt: skip
            assert store.verify() == []
            prompted(2, "w2", "two")(store)
            assert list(store.prompts("Toy", "cot")) == ["p2"], "wordings of two versions are not mixed"
            assert store.prompts("Toy", "direct") == {}


def test_only_the_wanted_problems(tmp_path: Path) -> None:
    a = filled(tmp_path / "a.sqlite", *(sampled(i, 0) for i in range(3)), scored(1, "text 1 0", 0.5),
               scored(0, "text 0 0", 0.5, 0.5), graded(2, "text 2 0", 1.0), replied("q", 0, "A"))  # fmt: skip
    with Store.open(tmp_path / "b.sqlite") as store, Store.open(a, write=False) as source:
        store.absorb([source], problem_ids=["p1"])
        assert store.verify() == []
    found = rows(tmp_path / "b.sqlite")
    assert {name: len(found[name]) for name in found} == {
        "specs": 4, "problems": 1, "texts": 1, "candidates": 1, "step_lists": 1, "scores": 1, "verdicts": 0,
        "judge_replies": 0,
    }  # fmt: skip


KILLED = """
import os, signal, sys
from pathlib import Path
from visualprm_eval.store import STORE_FILE, Store, queries
from visualprm_eval.store.lock import WriterLock
looked_at = 0
def advance(count):
    global looked_at
    looked_at += count
    if looked_at >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
with Store.open(Path(sys.argv[1]), write=False) as source, Store.open(Path(sys.argv[2])) as store:
    store.absorb([source], advance=advance)
"""


@pytest.mark.parametrize("after", [1, 8_000, 12_007])  # of 12,007 rows: at the specs, among candidates, at the last
def test_a_killed_merge_changes_nothing(tmp_path: Path, after: int) -> None:
    many = [Candidate(f"p{i % 3}", i, f"text {i} " * 20) for i in range(6_000)]
    a = filled(tmp_path / "a.sqlite", lambda store: store.put_candidates(SAMPLING.id, many))
    out = filled(tmp_path / "out.sqlite", sampled(1, 0))
    before = rows(out)
    done = subprocess.run([sys.executable, "-c", KILLED, str(a), str(out), str(after)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert rows(out) == before
    with Store.open(out) as store:
        assert store.verify() == []
    merge([a], out)
    assert len(rows(out)["candidates"]) == 6_001


def noted(*values: str) -> Fill:
    def fill(store: Store) -> None:
        for value in values:
            store.put_note("remark", "Toy", value)

    return fill


def test_notes_travel_and_the_last_word_stays_the_last(tmp_path: Path) -> None:
    here = filled(tmp_path / "a.sqlite", noted("A", "B", "A"))
    there = filled(tmp_path / "b.sqlite", noted("C", "B"))
    merge([here, there], tmp_path / "out")
    merge([there, here], tmp_path / "back")
    for path in (tmp_path / "out", tmp_path / "back"):
        with Store.open(path / "store.sqlite") as store:
            assert [value for _, value in store.notes("remark", "Toy")] == ["A", "C", "B"]
            store.put_note("remark", "Toy", "A")
            assert store.last_note("remark", "Toy") == "A"
            assert [problem.id for problem in store.current_problems("Toy")] == ["p0", "p1", "p2"]


def test_equalities_of_formulas_are_taken_over_and_options_of_an_older_store_are_no_contradiction(
    tmp_path: Path,
) -> None:
    pair = ("1+x", "x+1")
    knowing = Problem("Toy", "0", "test", problem(0).parts, "3", "p0", {"A": "3"})
    first = filled(tmp_path / "a" / "store.sqlite", problems=1)
    second = filled(
        tmp_path / "b" / "store.sqlite",
        lambda store: store.put_problems([knowing]),
        lambda store: store.put_equalities("1", {pair: True}),
        problems=1,
    )
    merge([first, second], tmp_path / "c.sqlite")
    with Store.open(tmp_path / "c.sqlite", write=False) as store:
        assert store.equalities() == {pair: True}
