"""One sample at temperature 0 per problem: a row of its own beside the first of N."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.conftest import Run, read_rows, value
from visualprm_eval.store import STORE_FILE, Store

DEMO = ("--demo", "--limit", "6", "-n", "2")


@pytest.fixture
def done(run: Run, tmp_path: Path) -> Path:
    run(*DEMO, "--reranker", "self-consistency", "greedy", "visualprm", "--work-dir", tmp_path)
    return tmp_path


def samplings(work_dir: Path) -> dict[float, int]:
    """Temperature to the number of candidates."""
    with Store.open(work_dir / STORE_FILE, write=False) as store:
        ids = [problem.id for problem in store.problems("DemoWorld")]
        return {
            spec.settings["temperature"]: sum(map(len, store.candidates(spec.id, ids).values()))
            for spec in store.specs("sampling")
        }


def test_greedy_is_a_row_of_its_own(run: Run, done: Path) -> None:
    assert samplings(done) == {0.7: 12, 0.0: 6}
    rows = read_rows(done)
    assert [row["k"] for row in rows if row["reranker"] == "greedy"] == ["1"]
    assert list(dict.fromkeys(row["reranker"] for row in rows))[:2] == ["greedy", "first"]
    with Store.open(done / STORE_FILE, write=False) as store:
        (spec,) = (each for each in store.specs("sampling") if each.settings["temperature"] == 0.0)
        ids = [problem.id for problem in store.problems("DemoWorld")]
        (grading,) = store.specs("grading")
        texts = {key: found[0].text_id for key, found in store.candidates(spec.id, ids).items()}
        verdicts = store.verdicts(grading.id, ids)
        assert len(store.specs("scoring")) == 1
        (scoring,) = store.specs("scoring")
        scored = {text for _, text in store.scores(scoring.id, ids)}
    right = sum(verdicts[item].value or 0.0 for item in texts.items())
    assert value(rows, "greedy", 1) == pytest.approx(100 * right / 6)
    sampled = set(texts.values()) - scored
    assert sampled, "critics have nothing to say of greedy samples"
    # Without the row nothing changes, with it again nothing is drawn again.
    others = [row for row in rows if row["reranker"] != "greedy"]
    run(*DEMO, "--reranker", "self-consistency", "visualprm", "--work-dir", done)
    assert read_rows(done) == others
    plan = run(*DEMO, "--reranker", "greedy", "--dry-run", "--work-dir", done)
    assert "demo-policy on DemoWorld (greedy), 6 problems x 1:\n  sample: 0 candidates\n  grade: 0" in plan


def test_greedy_is_that_of_a_run_at_temperature_0(run: Run, done: Path) -> None:
    run("--demo", "--limit", "6", "-n", "1", "--temperature", "0", "--reranker", "greedy", "--work-dir", done)
    assert samplings(done) == {0.7: 12, 0.0: 6}
    rows = read_rows(done)
    assert value(rows, "greedy", 1) == value(rows, "first", 1)


def test_greedy_samples_travel_in_packs(run: Run, done: Path, tmp_path: Path) -> None:
    from visualprm_eval.cli import main

    pack = tmp_path / "pack.jsonl"
    assert main(["export-candidates", "--work-dir", str(done), "-o", str(pack)]) == 0
    arguments = ("--candidates", pack, "--data", "DemoWorld", "--limit", "6", "-n", "2")
    expected = read_rows(done)
    run(*arguments, "--reranker", "greedy", "self-consistency", "--work-dir", tmp_path / "a")
    rows = read_rows(tmp_path / "a")
    assert value(rows, "greedy", 1) == value(expected, "greedy", 1)
    assert value(rows, "first", 2) == value(expected, "first", 2)
    run(*arguments, "--reranker", "self-consistency", "--work-dir", tmp_path / "b")
    assert {row["reranker"] for row in read_rows(tmp_path / "b")} == {"first", "self-consistency"}
    lines = pack.read_text().splitlines(keepends=True)
    plain = tmp_path / "plain.jsonl"
    plain.write_text("".join(line for line in lines if '"temperature": 0.0' not in line))
    output = run("--candidates", plain, "--data", "DemoWorld", "--limit", "6", "--reranker", "greedy",
                 "--work-dir", tmp_path / "c", status=2)  # fmt: skip
    assert "no samples at temperature 0" in output
