"""No fact is believed that cannot be one: what may be put, what an audit finds, and who asks before doing anything."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.cli import main
from visualprm_eval.core.config import ComputeOptions, RunConfig, SamplingOptions, StepLabelOptions
from visualprm_eval.core.errors import (
    CandidateFileError,
    CriticError,
    StoreDamagedError,
    StoreError,
    StoreLockedError,
)
from visualprm_eval.core.types import Candidate, Part, Problem, Prompt, Spec, StepScores, Usage, Verdict, text_id
from visualprm_eval.run.pipeline import run
from visualprm_eval.stages.score.critics import ranged_scoring
from visualprm_eval.stages.score.stage import score_missing
from visualprm_eval.store import STORE_FILE, Store, codec, queries, sound
from visualprm_eval.store.lock import WriterLock
from visualprm_eval.store.merge import absorb_leftovers, merge
from visualprm_eval.store.packs import read_candidates
from visualprm_eval.store.soundness import open_sound

SAMPLING = Spec("sampling", {"policy": "P"})
SCORING = Spec("scoring", {"critic": "visualprm"})
WIDE = Spec("scoring", {"critic": "wide", "score_range": [-1, None]})
GRADING = Spec("grading", {"benchmark": "Bench", "judge": "exact_matching", "prediction": "raw", "host": "none"})
PROBLEM = Problem("Bench", "7", "", (Part("text", "How many?"),), "3", "p7")
KEY = ("p7", text_id("t"))


def filled(path: Path) -> Path:
    """A store with one fact of each kind."""
    with Store.open(path) as store:
        for spec in (SAMPLING, SCORING, WIDE, GRADING):
            store.put_spec(spec)
        store.put_problems([PROBLEM])
        store.put_candidates(SAMPLING.id, [Candidate("p7", 0, "t", tokens=1, seconds=0.5, usage=Usage(2, 1))])
        store.put_scores(SCORING.id, [(*KEY, StepScores((0.5, 1.0), ("a", "b")))])
        store.put_scores(WIDE.id, [(*KEY, StepScores((-0.5, 1e9), ("a", "b")))])
        store.put_verdicts(GRADING.id, [(*KEY, Verdict(1.0))])
        store.put_prompts("Bench", "cot", {"p7": Prompt("w", [["text", "How many?"]], [["a.png", 12, True], "?"])})
        store.put_host_figure(GRADING.id, "picks", 50.0)
        with store.replies() as replies:
            replies.put("asked", 0, "B")
        assert store.verify() == []
    return path


def tampered(path: Path, statement: str) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute(statement)
        db.commit()
    return path


# What may be put


def test_what_cannot_be_a_fact_is_not_put(tmp_path: Path) -> None:
    with Store.open(filled(tmp_path / STORE_FILE)) as store:
        for value in (1.2666, -0.1, math.inf, math.nan, "1"):
            with pytest.raises(StoreError, match=r"verdict on text \w+ of problem p7: .*from 0 to 1"):
                store.put_verdicts(GRADING.id, [(*KEY, Verdict(value))])
        for scores in ((1.5,), (-0.1,), (math.inf,), (math.nan,)):
            with pytest.raises(StoreError, match=r"problem p7: .*(range is 0 to 1|finite)"):
                store.put_scores(SCORING.id, [(*KEY, StepScores(scores))])
        with pytest.raises(StoreError, match="range is -1 to any"):
            store.put_scores(WIDE.id, [(*KEY, StepScores((-2.0,)))])
        for candidate in (
            Candidate("p7", -1, "t"), Candidate("p7", sound.RANK_LIMIT, "t"), Candidate("p7", 1, "t", seconds=-1.0),
            Candidate("p7", 1, "t", seconds=math.nan), Candidate("p7", 1, "t", tokens=-5),
            Candidate("p7", 1, "t", usage=Usage(-1, 0)),
        ):  # fmt: skip
            with pytest.raises(StoreError, match=r"a candidate of problem p7: .*expected"):
                store.put_candidates(SAMPLING.id, [candidate])
        with pytest.raises(StoreError, match="expected a finite number"):
            store.put_host_figure(GRADING.id, "others", math.inf)
        assert store.verify() == []
        assert store.sampled(SAMPLING.id, ["p7"]) == 1


@given(
    scores=st.lists(st.floats() | st.integers(-3, 3), min_size=1, max_size=4), wide=st.booleans(), spare=st.booleans()
)
def test_what_may_be_put_is_what_the_audit_lets_pass(scores: list[float], wide: bool, spare: bool) -> None:
    """One definition: a row that was written past the store is damage just where the store would have refused it."""
    import tempfile

    spec, steps = WIDE if wide else SCORING, () if spare else ("s",) * len(scores)
    with tempfile.TemporaryDirectory() as folder:
        path = filled(Path(folder) / STORE_FILE)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(queries.PUT_STEP_LIST, codec.step_list_row(steps, "t"))
            query = "UPDATE scores SET step_scores = ?, step_list = (SELECT max(position) FROM step_lists)"
            db.execute(f"{query} WHERE spec_id = ?", (json.dumps(scores), spec.id))
        with Store.open(path) as store:
            try:
                store.put_scores(spec.id, [(*KEY, StepScores(tuple(map(float, scores)), steps))])
            except StoreError:
                assert len(store.verify()) == 1
            else:
                assert store.verify() == []


# What an audit finds, with its table and row

DAMAGE = [
    ("UPDATE verdicts SET value = 1.2666", rf"verdicts of spec {GRADING.id}, problem p7, text {KEY[1]}: value: .*1.26"),
    ("UPDATE verdicts SET value = -0.5", "expected a number from 0 to 1"),
    ("UPDATE verdicts SET value = 9e999", "the value inf"),
    ("UPDATE verdicts SET value = 'right'", "the value 'right'"),
    ("UPDATE verdicts SET seconds = -1", "verdicts of .*: seconds: -1.0 seconds"),
    ("UPDATE verdicts SET created_at = 'yesterday'", "created_at: 'yesterday', expected a time"),
    ("UPDATE verdicts SET error = X'FF', value = NULL", "error: .*expected a text"),
    ("UPDATE candidates SET rank = -1", r"candidates of spec \w+, problem p7, rank -1: rank: rank -1"),
    ("UPDATE candidates SET rank = 999999", r"candidates of spec \w+, problem p7: rank 999,999, though no problem has"),
    ("UPDATE candidates SET rank = 1025", "rank 1,025, though no problem has more than 1"),
    ("UPDATE candidates SET rank = 1000000", "rank 1000000, expected a whole number from 0"),
    ("UPDATE candidates SET rank = 1e300", "rank: rank 1e"),
    ("UPDATE candidates SET rank = 'first'", "rank 'first'"),
    ("UPDATE candidates SET tokens = -3", "tokens: -3 tokens"),
    ("UPDATE candidates SET tokens = 'many'", "tokens: 'many' tokens"),
    ("UPDATE candidates SET prompt_tokens = 1.5", "prompt_tokens: 1.5 tokens"),
    ("UPDATE candidates SET seconds = -9e999", "seconds: -inf seconds"),
    ("UPDATE candidates SET seconds = 'long'", "seconds: 'long' seconds"),
    ("UPDATE candidates SET finish = CAST(X'FF' AS TEXT)", "finish: .*expected a text"),
    ("UPDATE candidates SET created_at = -1", "created_at: -1.0, expected a time"),
    ("UPDATE scores SET step_scores = '[0.5, 1.5]'", rf"scores of spec {SCORING.id}, problem p7, .*a score of 1.5"),
    ("UPDATE scores SET step_scores = '[0.5, Infinity]'", "not all finite numbers"),
    ("UPDATE scores SET step_scores = '[0.5, NaN]'", "not all finite numbers"),
    ("UPDATE scores SET step_scores = '[0.5, true]'", "not all finite numbers"),
    ("UPDATE scores SET step_scores = '[0.5]'", "1 numbers for 2 steps"),
    ("UPDATE scores SET step_scores = '[0.5],[0.5'", "cannot be read"),
    ("UPDATE step_lists SET steps = '[\"a\", 2]'", "steps that are no texts"),
    ("UPDATE step_lists SET steps = '[1, 2]'", "2 numbers for 1 steps"),
    ("UPDATE step_lists SET digest = X'00'", "list of steps 1 is not what was stored"),
    ("DELETE FROM step_lists", "2 rows of scores refer to step_lists that are not there"),
    ("UPDATE scores SET error = 'both'", "a failure with step scores"),
    ("UPDATE scores SET seconds = -2", "seconds: -2.0 seconds"),
    ("UPDATE prompts SET wording = X'FF'", "prompts of problem p7, prompt cot: wording: .*expected a text"),
    ("UPDATE prompts SET parts = '[[\"sound\", \"x\"]]'", "prompt cot of problem p7 cannot be read"),
    ("UPDATE prompts SET shown = '[[\"x\", 1.5, true]]'", "prompt cot of problem p7 cannot be read"),
    ("UPDATE problems SET parts = '[[\"sound\", \"x\"]]'", "problem p7, benchmark Bench, row 7: its parts"),
    ("UPDATE problems SET choices = '{\"A\": 1}'", "its parts, options or groups"),
    ("UPDATE problems SET row_groups = '[]'", "its parts, options or groups"),
    ("UPDATE problems SET answer = X'FF'", "answer: .*expected a text"),
    ("UPDATE texts SET id = 'other'", "text other is not what was stored"),
    ("UPDATE host_figures SET figure = 9e999", rf"host_figures of spec {GRADING.id}, selection picks: figure"),
    ("UPDATE host_figures SET figure = 'none'", "the figure 'none'"),
    ("UPDATE judge_replies SET reply = X'FF'", "judge_replies of request asked, attempt 0: reply"),
    ("UPDATE judge_replies SET attempt = -1", "rank -1|CHECK"),
    ("UPDATE specs SET created_at = 'x' WHERE kind = 'sampling'", f"specs of spec {SAMPLING.id}: created_at"),
    ("UPDATE specs SET settings = '[]' WHERE kind = 'sampling'", f"settings of spec {SAMPLING.id} cannot be read"),
]  # fmt: skip


SCOPE = {
    "policy": "P", "greedy": False, "problems": ["p7"], "n": 8, "ks": [1, 8], "grade": "auto", "grading": None,
    "origin": {"total": None},
}  # fmt: skip
ASKED = {"rerankers": [["first", None]], "scorings": {"visualprm": "key"}, "greedy": None, "baseline": "mean"}


@pytest.mark.parametrize(
    ("kind", "value", "change"),
    [
        *(("scope", SCOPE, change) for change in (
            {"n": -5}, {"n": 0}, {"n": 10**9}, {"n": True}, {"ks": [0, 1]}, {"ks": [8, 1]}, {"ks": [10**9]},
            {"grade": "some"}, {"origin": {"total": -3}}, {"origin": {}}, {"unheard of": 1},
        )),
        *(("asked", ASKED, change) for change in (
            {"rerankers": [["first"]]}, {"rerankers": [[None, None]]}, {"scorings": {"visualprm": 3}}, {"scorings": []},
            {"greedy": 2}, {"baseline": "worst"},
        )),
        ("origin", {"total": 3}, {"total": -1}),
    ],
)  # fmt: skip
def test_a_note_that_nobody_wrote_is_named(tmp_path: Path, kind: str, value: dict, change: dict) -> None:
    with Store.open(filled(tmp_path / STORE_FILE), write=True) as store:
        store.put_note(kind, "subject", value)
        assert store.verify() == []
        store.put_note(kind, "subject", {**value, **change})
        assert [line for line in store.verify() if f"cannot be read as one of the kind '{kind}'" in line]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("subject = X'FF00'", "subject: .*expected a text"),
        ("created_at = 9e999", "created_at: inf, expected a time"),
        ("created_at = 'x'", "created_at: 'x', expected a time"),
    ],
)
def test_a_damaged_row_of_the_notes_is_named(tmp_path: Path, change: str, finding: str) -> None:
    path = filled(tmp_path / STORE_FILE)
    with Store.open(path, write=True) as store:
        store.put_note("scope", "subject", SCOPE)
    tampered(path, f"UPDATE notes SET {change} WHERE kind = 'scope'")
    with pytest.raises(StoreDamagedError, match=rf"notes of note \d+: {finding}"):
        open_sound(path)


def test_rows_that_nobody_read_to_the_end_are_no_error_later(tmp_path: Path) -> None:
    store = Store.open(filled(tmp_path / STORE_FILE))
    rows = store._query("SELECT position FROM texts UNION ALL SELECT 1")
    next(rows)
    store.close()
    rows.close()
    with open_sound(tmp_path / STORE_FILE) as again:
        assert again.verify() == []


@pytest.mark.parametrize("statement", ["DROP TABLE notes", "ALTER TABLE candidates DROP COLUMN seconds"])
def test_a_store_that_lacks_a_table_is_no_full_disk(tmp_path: Path, statement: str) -> None:
    path = tampered(filled(tmp_path / STORE_FILE), statement)
    with pytest.raises(StoreDamagedError, match=r"not a sound store: no such (table|column)"):
        open_sound(path)


@pytest.mark.parametrize(("statement", "finding"), DAMAGE)
def test_damage_is_named_with_its_row(tmp_path: Path, statement: str, finding: str) -> None:
    path = tampered(filled(tmp_path / STORE_FILE), statement)
    with pytest.raises(StoreDamagedError, match=rf"(?s)store\.sqlite is damaged: .*({finding})"):
        open_sound(path)


def test_a_scoring_must_declare_a_range(tmp_path: Path) -> None:
    odd = Spec("scoring", {"critic": "odd", "score_range": [2, 1]})
    with Store.open(filled(tmp_path / STORE_FILE)) as store:
        store.put_spec(odd)
        assert "score_range is [2, 1], expected the smaller number first" in store.verify()[0]


# Who asks first: nothing is written of a damaged store


def report(folder: Path) -> None:
    main(["report", "--work-dir", str(folder)])


def compare(folder: Path) -> None:
    main(["compare", "first", "visualprm", "--work-dir", str(folder)])


def export(folder: Path) -> None:
    main(["export-candidates", "--work-dir", str(folder), "-o", str(folder / "pack.jsonl")])


def merged(folder: Path) -> None:
    merge([folder], folder / "out.sqlite")


def merged_into(folder: Path) -> None:
    merge([filled(folder / "sound.sqlite")], folder)


def sampled(folder: Path) -> None:
    sampling, compute = SamplingOptions(num_samples=1), ComputeOptions("cpu")
    run(RunConfig(("demo-policy",), ("DemoWorld",), work_dir=folder, sampling=sampling, compute=compute))


def planned(folder: Path) -> None:
    sampling = SamplingOptions(num_samples=1)
    run(RunConfig(("demo-policy",), ("DemoWorld",), work_dir=folder, sampling=sampling, dry_run=True))


def judged(folder: Path) -> None:
    run(RunConfig(step_labels=StepLabelOptions(critics=("random",)), data=("DemoProcessBench",), work_dir=folder))


@pytest.mark.parametrize("use", [report, compare, export, merged, merged_into, sampled, planned, judged])
def test_whoever_uses_a_store_asks_first(
    tmp_path: Path, use: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    tampered(filled(tmp_path / STORE_FILE), "UPDATE verdicts SET value = 1.2666")
    before = (tmp_path / STORE_FILE).read_bytes()
    try:
        use(tmp_path)
    except (StoreDamagedError, SystemExit) as error:
        said = f"{error} {capsys.readouterr().err}"
    else:
        said = capsys.readouterr().err
    assert "the value 1.2666, expected a number from 0 to 1" in said
    assert (tmp_path / STORE_FILE).read_bytes() == before
    names = [path.name for path in tmp_path.iterdir()]
    assert all(name.startswith(("store.sqlite", "sound.sqlite")) for name in names), "no result, pack or folder"


def test_what_ranks_left_is_looked_at_too(tmp_path: Path) -> None:
    tampered(filled(tmp_path / "store.rank1.sqlite"), "UPDATE verdicts SET value = 2.0")
    with Store.open(tmp_path / STORE_FILE) as store:
        with pytest.raises(StoreDamagedError, match=r"rank1\.sqlite is damaged"):
            absorb_leftovers(store, tmp_path)
        assert store.specs("sampling") == []
    assert (tmp_path / "store.rank1.sqlite").is_file()


# Ranges of critics


def test_a_critic_declares_its_range_in_its_key() -> None:
    plain = Spec("scoring", {"critic": "c"})
    assert ranged_scoring(plain, object()) is plain
    assert ranged_scoring(plain, SimpleNamespace(score_range=(0, 1))) is plain, "keys of today stay"
    declared = ranged_scoring(plain, SimpleNamespace(score_range=(-math.inf, 0)))
    assert declared.settings == {"critic": "c", "score_range": [None, 0.0]}
    assert sound.range_of(declared.settings) == (-math.inf, 0.0)
    for odd in ((1, 0), (0,), "ab", 5, (math.nan, 1)):
        with pytest.raises(CriticError, match="score_range is"):
            ranged_scoring(plain, SimpleNamespace(score_range=odd))


class Scorer:
    """A third party's critic that says what it is told to."""

    def __init__(self, said: Sequence[float]) -> None:
        self.said = list(said)

    def split(self, text: str) -> list[str]:
        return [text]

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        return [StepScores((self.said.pop(0),), tuple(steps)) for _, steps in items]


def test_scores_beyond_the_range_stop_a_run_at_once_or_are_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visualprm_eval.stages.score.stage.FIRST_ITEMS", 1)
    spec = Spec("scoring", {"critic": "mine"})
    with Store.open(filled(tmp_path / STORE_FILE)) as store:
        work = [("p7", text_id("t"), "t"), ("p7", text_id("u"), "u"), ("p7", text_id("v"), "v")]
        store.put_candidates(SAMPLING.id, [Candidate("p7", rank, text) for rank, (*_, text) in enumerate(work)])
        with pytest.raises(CriticError, match=r"a score of 7\.0, and the critic's range is 0 to 1; let .* score_range"):
            score_missing(store, Scorer([7.0, 7.0, 7.0]), spec, {"p7": PROBLEM}, work, label="score")
        assert store.scores(spec.id, ["p7"]) == {}
        monkeypatch.setattr(
            "visualprm_eval.stages.score.stage._chunks", lambda work, _: [[place] for place in range(len(work))]
        )
        score_missing(store, Scorer([0.5, 7.0, math.inf]), spec, {"p7": PROBLEM}, work, label="score")
        found = store.scores(spec.id, ["p7"])
        assert found["p7", text_id("t")].scores == (0.5,)
        assert "a score of 7.0, and the critic's range" in str(found["p7", text_id("u")].error)
        assert "not all finite" in str(found["p7", text_id("v")].error)
        assert store.verify() == []


# Ranks out of proportion


def pack(path: Path, ranks: dict[str, Sequence[int]]) -> Path:
    rows = [
        {"benchmark": "Bench", "index": index, "rank": rank, "text": f"{index} {rank}", "policy": "P", "sampling": {}}
        for index, those in ranks.items()
        for rank in those
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("ranks", "refused"),
    [
        (
            {"1": range(8), "2": [0, 999_999]},
            r"line 10: rank 999,999 of problem '2' of Bench, .* more than 8 candidates",
        ),
        ({"1": range(8), "2": [0, 1025]}, "rank 1,025"),
        ({"1": range(8), "2": [0, 1024]}, None),
        ({"1": range(400), "2": [0, 1600]}, None),
        ({"1": range(400), "2": [0, 1601]}, "rank 1,601"),
    ],
)
def test_a_pack_with_a_rank_out_of_proportion_is_refused(tmp_path: Path, ranks: dict, refused: str | None) -> None:
    path = pack(tmp_path / "pack.jsonl", ranks)
    if refused is None:
        (gap,) = read_candidates(path).gaps
        assert gap.ranks[0] == 1, "gaps stay named"
        return
    with pytest.raises(CandidateFileError, match=refused):
        read_candidates(path)


def test_no_table_is_made_for_a_rank_out_of_proportion(tmp_path: Path) -> None:
    path = tampered(filled(tmp_path / STORE_FILE), "UPDATE candidates SET rank = 999999")
    with Store.open(path) as store:
        with pytest.raises(StoreDamagedError, match="rank 999,999, though no problem has nearly as many"):
            store.sampled(SAMPLING.id, ["p7"])
        store.put_candidates(SAMPLING.id, [Candidate("p7", rank, "t") for rank in range(2_000)])
        store._db.execute("DELETE FROM candidates WHERE rank = 999999")
        assert store.sampled(SAMPLING.id, ["p7"]) == 2_000
        assert store.verify() == []


# A store that is gone, or leads nowhere


def test_a_link_that_leads_nowhere_is_no_new_store(tmp_path: Path) -> None:
    link = tmp_path / "work" / STORE_FILE
    link.parent.mkdir()
    link.symlink_to(tmp_path / "unmounted" / STORE_FILE)
    for write in (True, False):
        with pytest.raises(StoreError, match=r"is a link to .*unmounted/store\.sqlite, which is not there"):
            Store.open(link, write=write)
    with pytest.raises(StoreError, match="is a link to"):
        run(RunConfig(models=("demo-policy",), data=("DemoWorld",), work_dir=link.parent, dry_run=True))
    assert link.is_symlink()
    folder = tmp_path / "outputs"
    folder.symlink_to(tmp_path / "gone")
    for place in (folder, folder / "deeper"):
        with pytest.raises(StoreError, match=r"outputs is a link to .*gone, which is not there"):
            Store.open(place / STORE_FILE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs", "work"]


def test_a_work_dir_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for write in (True, False):
        with pytest.raises(StoreError, match="file is a file, expected a folder; choose another --work-dir"):
            Store.open(tmp_path / "file" / "deeper" / STORE_FILE, write=write)


def test_a_link_to_a_store_elsewhere_is_that_store(tmp_path: Path) -> None:
    real, link = filled(tmp_path / "a" / STORE_FILE), tmp_path / "b" / STORE_FILE
    link.parent.mkdir()
    link.symlink_to(real)
    with Store.open(link) as store:
        store.put_candidates(SAMPLING.id, [Candidate("p7", 1, "by way of the link")])
        with pytest.raises(StoreLockedError):
            Store.open(real)  # However it is reached, it has one writer.
    with Store.open(real, write=False) as store:
        assert store.sampled(SAMPLING.id, ["p7"]) == 2
    assert link.is_symlink()
    assert [path.name for path in link.parent.iterdir()] == [STORE_FILE]


def deleted(path: Path) -> None:
    shutil.rmtree(path.parent)


def replaced(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved away"))
    filled(path)


def file_replaced(path: Path) -> None:
    path.unlink()
    shutil.copyfile(filled(path.parent / "copy.sqlite"), path)


@pytest.mark.parametrize("change", [deleted, replaced, file_replaced])
def test_a_store_that_was_removed_while_in_use_takes_nothing(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = filled(tmp_path / "work" / STORE_FILE)
    with Store.open(path) as store, store.replies() as replies:
        change(path)
        there = sorted(tmp_path.rglob("*"))
        for use in (
            lambda: store.put_candidates(SAMPLING.id, [Candidate("p7", 1, "lost")]),
            lambda: store.put_spec(SAMPLING),
            lambda: replies.put("asked", 1, "lost"),
            store.check_in_place,
            store.replies,
        ):
            with pytest.raises(StoreError, match=r"store\.sqlite (is gone|is another file).*choose another --work-dir"):
                use()
        assert sorted(tmp_path.rglob("*")) == there, "no new empty store"


def test_a_log_that_was_removed_while_in_use(tmp_path: Path) -> None:
    path = filled(tmp_path / STORE_FILE)
    with Store.open(path) as store:
        store.put_candidates(SAMPLING.id, [Candidate("p7", 1, "kept")])
        path.with_name(path.name + "-wal").unlink()
        with pytest.raises(StoreError, match="the log of the store, was removed"):
            store.put_candidates(SAMPLING.id, [Candidate("p7", 2, "refused")])
    with open_sound(path) as store:
        assert store.sampled(SAMPLING.id, ["p7"]) == 2, "what was acknowledged is kept"


def test_a_lock_file_that_was_removed_is_made_again(tmp_path: Path) -> None:
    path = filled(tmp_path / STORE_FILE)
    lock = path.with_name(path.name + ".lock")
    with Store.open(path) as store:
        lock.unlink()
        store.put_candidates(SAMPLING.id, [Candidate("p7", 1, "kept")])
        with pytest.raises(StoreLockedError):
            Store.open(path)
        lock.unlink()
        other = WriterLock(path)
        for _ in range(2):
            with pytest.raises(StoreLockedError):
                store.put_candidates(SAMPLING.id, [Candidate("p7", 2, "refused")])
        other.release()


def test_a_report_brings_no_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visualprm_eval.run import collect_results

    path = filled(tmp_path / "work" / STORE_FILE)
    collect = collect_results.collect
    moved = lambda *plan: (collect(*plan), path.parent.rename(tmp_path / "x"))[0]  # noqa: E731
    monkeypatch.setattr(collect_results, "collect", moved)
    assert main(["report", "--work-dir", str(path.parent)]) != 0
    assert not path.parent.exists()
