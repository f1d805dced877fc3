"""Packs of candidates: the same samples for every reranker, without a policy."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.host.material import mcq_rows, write_tsv
from tests.integration.conftest import Run, read_rows, value
from visualprm_eval.cli import main
from visualprm_eval.store import STORE_FILE, Store

TEXTS = {
    # Right at rank 0 only, right in the majority, right at rank 2 only, never right.
    "0": ["The answer is {right}.", "The answer is {wrong}.", "The answer is {wrong}."],
    "1": ["The answer is {wrong}.", "So, the answer is {right}.", "Hence the answer is {right}."],
    "2": ["The answer is {wrong}.", "The answer is {wrong}.", "The answer is {right}."],
    "3": ["The answer is {wrong}.", "The answer is {wrong}.", "I give up"],
}


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """An own multiple-choice benchmark of four problems in the host's data folder."""
    folder = tmp_path / "LMUData"
    folder.mkdir()
    monkeypatch.setenv("LMUData", str(folder))
    rows = [{name: cell for name, cell in row.items() if name != "split"} for row in mcq_rows()]
    write_tsv(folder / "Tiny.tsv", rows)
    return rows


@pytest.fixture
def pack(benchmark: list[dict[str, str]], tmp_path: Path) -> Path:
    path = tmp_path / "pack.jsonl"
    write_pack(path, benchmark, TEXTS)
    return path


def write_pack(path: Path, benchmark: list[dict[str, str]], texts: dict[str, list[str]]) -> None:
    lines = []
    for position, row in enumerate(benchmark):
        wrong = "B" if row["answer"] == "A" else "A"
        for rank, text in enumerate(texts[str(position)]):
            filled = text.format(right=row["answer"], wrong=wrong)
            record = {"benchmark": "Tiny", "index": str(row["index"]), "rank": rank, "text": filled, "policy": "P"}
            lines.append(json.dumps(record))
    path.write_text("\n".join(lines) + "\n")


def test_hand_computed_values(run: Run, pack: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    run("--candidates", pack, "--data", "Tiny", "--work-dir", work_dir, "--k", "1", "2", "3",
        "--reranker", "random", "self-consistency", "oracle")  # fmt: skip
    rows = read_rows(work_dir)
    got = {name: [value(rows, name, k, "Tiny") for k in (1, 2, 3)] for name in {row["reranker"] for row in rows}}
    assert got["first"] == [25, 25, 25]
    assert got["self-consistency"] == [25, 25, 25]  # problem 0 is lost where problem 1 is won
    assert got["oracle"] == [25, 50, 75]
    assert got["random"] == pytest.approx([25, 25, 100 * (1 / 3 + 2 / 3 + 1 / 3) / 4])


def test_picks_only_grades_less_and_says_what_it_cannot_tell(run: Run, pack: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    output = run("--candidates", pack, "--data", "Tiny", "--work-dir", work_dir, "--grade", "picks",
                 "--reranker", "self-consistency", "oracle")  # fmt: skip
    rows = read_rows(work_dir)
    assert value(rows, "self-consistency", 3, "Tiny") == 25
    oracle = [row for row in rows if row["reranker"] == "oracle"]
    assert [row["value"] for row in oracle] == [""] * len(oracle)
    assert "needs --grade all" in output


SPELLED = {
    "as trained": "First, 1 + 1 is 2.\n\nThe answer is {right}.",
    "CRLF": "First, 1 + 1 is 2.\r\n\r\nThe answer is {right}.",
    "blanks in blank lines": "First, 1 + 1 is 2.\n \t\nThe answer is {right}.",
    "single line breaks": "First, 1 + 1 is 2.\nThe answer is {right}.\n",
    "doubled blank lines": "First, 1 + 1 is 2.\n\n\n\nThe answer is {right}.",
}
"""One solution, as policies and tools spell it."""


def test_a_step_rule_of_lines_scores_one_solution_alike_however_it_is_spelled(
    run: Run, benchmark: list[dict[str, str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack, work_dir = tmp_path / "pack.jsonl", tmp_path / "out"
    write_pack(pack, benchmark, {place: list(SPELLED.values()) for place in "0123"})
    asked = ("--candidates", pack, "--data", "Tiny", "--prm", "demo-prm", "--work-dir", work_dir, "--reranker",
             "visualprm", "visualorm")  # fmt: skip
    told = run(*asked)
    assert "most candidates are one step" in told
    assert "P on Tiny (12 of 20 candidates); --steps lines splits at all line breaks" in " ".join(told.split())
    assert "| P | Tiny | 20 | 12 | 4 | 4 |" in (work_dir / "results.md").read_text()
    assert "score with visualprm: 20 stored texts" in run(*asked, "--steps", "lines", "--dry-run")
    assert "score with visualorm: 0 stored texts" in run(*asked, "--steps", "lines", "--dry-run")
    assert "--steps lines" not in run(*asked, "--steps", "lines"), "there they are steps"

    with Store.open(work_dir / STORE_FILE, write=False) as store:
        ids = [problem.id for problem in store.problems("Tiny")]
        specs = {(spec.settings["critic"], spec.settings.get("step_rule")): spec for spec in store.specs("scoring")}
        assert set(specs) == {("visualprm", None), ("visualprm", "lines"), ("visualorm", None)}
        original, lines = (store.scores(specs["visualprm", rule].id, ids) for rule in (None, "lines"))
    trained = {key: said for key, said in original.items() if len(said.scores) == 2}
    assert len(trained) == len(ids)
    for key, said in trained.items():
        spelled = [one.scores for (problem, _), one in lines.items() if problem == key[0]]
        assert spelled == [pytest.approx(said.scores, abs=1e-4)] * 5, "one solution, one score: that as trained"

    names = ("visualprm@demo-prm", "visualprm@demo-prm-lines")
    assert main(["report", "--work-dir", str(work_dir), "--reranker", *names]) == 0
    rows = {row["reranker"]: row for row in read_rows(work_dir) if row["k"] == "5"}
    assert rows.keys() == {"first", *names}
    assert rows[names[0]]["protocol"] != rows[names[1]]["protocol"]
    assert main(["report", "--work-dir", str(work_dir)]) == 0
    assert {row["reranker"] for row in read_rows(work_dir)} == {"first", "visualprm", "visualorm"}, "as the last run"
    assert "without visualprm@demo-prm;" in capsys.readouterr().err
    run(*asked[:-2], "visualprm", "--steps", "lines", "--stages", "report")


def test_a_failed_verdict_makes_room_for_another_pick(
    run: Run, pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visualprm_eval.core.types import Verdict
    from visualprm_eval.host import toolkit

    real = toolkit.evaluate_table

    def failing(benchmark, predictions, directory, judge, replies, *, known=False, **options):
        table = real(benchmark, predictions, directory, judge, replies, known=known, **options)
        if known:
            return table
        verdicts = {
            index: Verdict(None, "no luck") if predictions[index].startswith("So,") else verdict
            for index, verdict in table.verdicts.items()
        }
        return replace(table, verdicts=verdicts)

    monkeypatch.setattr(toolkit, "evaluate_table", failing)
    work_dir = tmp_path / "out"
    run("--candidates", pack, "--data", "Tiny", "--work-dir", work_dir, "--grade", "picks", "--k", "3",
        "--reranker", "self-consistency")  # fmt: skip
    rows = read_rows(work_dir)
    # Problem 1 loses its first right candidate: one vote against one, and the lowest rank wins.
    assert value(rows, "self-consistency", 3, "Tiny") == 0 + 100 * 0 / 4
    assert {row["n_failed"] for row in rows} == {"0"}
    assert any(row["note"].endswith("1 of 12 candidates left out") for row in rows)
    assert all("primary metric (Overall Acc), here the mean over the rows" in row["note"] for row in rows)


def test_export_and_import_give_the_same_table(run: Run, pack: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run("--candidates", pack, "--data", "Tiny", "--work-dir", first, "--reranker", "oracle")
    copy = tmp_path / "copy.jsonl"
    assert main(["export-candidates", "--work-dir", str(first), "-o", str(copy)]) == 0
    assert (tmp_path / "copy.jsonl.manifest.json").is_file()
    run("--candidates", copy, "--data", "Tiny", "--work-dir", second, "--reranker", "oracle")
    assert read_rows(first) == read_rows(second)


def test_samples_of_another_tool_give_the_same_table(run: Run, pack: Path, tmp_path: Path) -> None:
    texts: dict[str, list[str]] = {}
    for line in pack.read_text().splitlines():
        record = json.loads(line)
        texts.setdefault(record["index"], []).append(record["text"])
    # As lm-evaluation-harness logs samples: a row per document, a list of replies per request.
    foreign = tmp_path / "samples_tiny.jsonl"
    rows = [{"doc_id": place, "doc": {"id": int(index)}, "resps": [replies], "target": "A"}
            for place, (index, replies) in enumerate(texts.items())]  # fmt: skip
    foreign.write_text("\n".join(map(json.dumps, rows)))
    common = ("--data", "Tiny", "--reranker", "self-consistency", "oracle")
    run("--candidates", pack, *common, "--work-dir", tmp_path / "first")
    run("--candidates", foreign, "--candidate-fields", "index=doc.id", "text=resps", "policy:=P", *common,
        "--work-dir", tmp_path / "second")  # fmt: skip
    first, second = ([{**row, "protocol": ""} for row in read_rows(tmp_path / name)] for name in ("first", "second"))
    assert first == second
    protocols = [{row["protocol"] for row in read_rows(tmp_path / name)} for name in ("first", "second")]
    assert not protocols[0] & protocols[1], "two packs are two samplings"


def test_gaps_are_reported_and_hold_back_the_value(run: Run, benchmark, tmp_path: Path) -> None:
    path = tmp_path / "gaps.jsonl"
    write_pack(path, benchmark, {**TEXTS, "2": TEXTS["2"][:1]})
    output = run("--candidates", path, "--data", "Tiny", "--work-dir", tmp_path / "out", "--reranker", "first")
    assert "incomplete: 1 of 4 problems lacks 1 candidate" in output
    rows = read_rows(tmp_path / "out")
    assert {row["k"]: bool(row["value"]) for row in rows} == {"1": True, "2": False, "3": False}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-n", "9"], "-n 9: .* at most 3 candidates per problem of Tiny"),
        (["--k", "4"], "--k 4: expected 1 to 3"),
        (["--candidates", "missing.jsonl"], "missing.jsonl"),
        (["--candidate-fields", "index=nr", "text=text"], r"pack.jsonl, line 1: index: missing field 'nr'"),
        (["--candidate-fields", "txet=text"], "unknown candidate field 'txet'.*did you mean 'text'"),
    ],
)
def test_misuse_is_explained(run: Run, pack: Path, tmp_path: Path, options: list[str], message: str) -> None:
    arguments = [
        "--candidates",
        pack,
        "--data",
        "Tiny",
        "--reranker",
        "first",
        "--work-dir",
        tmp_path / "out",
        *options,
    ]
    assert re.search(message, run(*arguments, status=2))


def test_a_broken_line_is_named(run: Run, pack: Path, tmp_path: Path) -> None:
    pack.write_text(pack.read_text() + "{not json\n")
    output = run("--candidates", pack, "--data", "Tiny", "--work-dir", tmp_path / "out", status=2)
    assert "pack.jsonl" in output
    assert "13" in output, "the number of the line"
