"""Benchmarks of the host without a task of their own, through the command line with the host's real graders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.host.material import JudgeServer, picture, write_tsv
from tests.integration.conftest import Run, read_rows, value
from visualprm_eval.cli import main
from visualprm_eval.core.folders import use_data_dir

RERANKERS = ["--reranker", "self-consistency", "random", "oracle"]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    use_data_dir(None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    return folder


def write_pack(path: Path, name: str, texts: dict[int, list[str]]) -> Path:
    records = [
        {"benchmark": name, "index": str(index), "rank": rank, "policy": "somebody", "text": text}
        for index, solutions in texts.items()
        for rank, text in enumerate(solutions)
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def reading(word: str) -> str:
    return f"I read it.\n\nThe answer is {word}"


@pytest.fixture
def ocr(data: Path, tmp_path: Path) -> list[str | Path]:
    """A grader that counts right readings and says nothing of single ones: options for four candidates per problem.

    The first candidates read two of three words, the votes over three or four all of them.
    """
    words = {1: "lemon", 2: "melon", 3: "olive"}
    rows = [{"index": index, "image": picture((9 * index, 9, 9)), "question": "What does it say?",
             "answer": str([word]), "category": "Doc-oriented VQA"} for index, word in words.items()]  # fmt: skip
    write_tsv(data / "OCRBench.tsv", rows)
    texts = {index: [reading(word)] * 4 for index, word in words.items()}
    texts[3] = [reading("live"), reading("olive"), reading("olive"), reading("love")]
    pack = write_pack(tmp_path / "ocr.jsonl", "OCRBench", texts)
    return ["--candidates", pack, "--data", "OCRBench", "-n", "4", "--data-dir", data, *RERANKERS]


def test_the_hosts_figures_of_whole_tables(run: Run, ocr: list[str | Path], tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    output = run(*ocr, "--work-dir", work_dir)
    assert "leaves no verdict per row that is understood" in output
    assert "OCRBench (the host's Final Score)" in " ".join(output.replace("┃", " ").split())
    rows = read_rows(work_dir)
    assert [value(rows, "first", k, "OCRBench") for k in (1, 2, 4)] == [2, 2, 2], "the host counts readings"
    assert [value(rows, "self-consistency", k, "OCRBench") for k in (1, 2, 4)] == [2, 2, 3]
    assert {row["metric"] for row in rows} == {"the host's Final Score"}
    assert all(
        "primary metric (Final Score) of each table of picks, of at most 3" in row["note"]
        for row in rows
        if row["value"]
    )
    for row in rows:
        if row["reranker"] in {"random", "oracle"}:
            assert (row["value"], row["note"]) == ("", "needs verdicts on single texts, which do not make this metric")
    page = (work_dir / "report.html").read_text()
    assert "UNFINISHED" not in page
    assert "figure of a whole table" in page
    sheets = load_workbook(work_dir / "results.xlsx")
    assert "Final Score" in str([[cell.value for cell in row] for row in sheets["all values"].iter_rows()])
    # Nothing is evaluated twice, and the store alone tells the same.
    again = run(*ocr, "--work-dir", work_dir)
    assert "leaves no verdict" not in again
    told = (work_dir / "results.csv").read_text().splitlines()
    assert main(["report", "--work-dir", str(work_dir), "--reranker", "self-consistency", "random", "oracle"]) == 0
    assert (work_dir / "results.csv").read_text().splitlines() == told
    prints = sheets["fingerprints"]
    graded_with = [cell.value for cell in prints[1]].index("graded with")
    assert all("visualprm-eval" in row[graded_with].value for row in prints.iter_rows(min_row=2))


def test_what_it_would_cost_and_what_cannot_be_compared(
    run: Run, ocr: list[str | Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work_dir = tmp_path / "out"
    assert "grade: 4 stored texts, in tables of each reranker's picks" in run(*ocr, "--work-dir", work_dir, "--dry-run")
    run(*ocr, "--work-dir", work_dir)
    assert "grade: 0 stored texts" in run(*ocr, "--work-dir", work_dir, "--dry-run")
    assert main(["compare", "first", "self-consistency", "--work-dir", str(work_dir)]) != 0
    assert "problems cannot be paired" in "".join(capsys.readouterr())


@pytest.mark.usefixtures("inline")
def test_a_killed_grader_loses_no_figure(
    run: Run, ocr: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmeval.dataset import OCRBench

    evaluated = []
    own = OCRBench.evaluate.__func__

    def counted(cls: type, file: str, **options: object) -> object:
        evaluated.append(file)
        if 0 < stop <= len(evaluated):
            raise RuntimeError("stopped")
        return own(cls, file, **options)

    monkeypatch.setattr(OCRBench, "evaluate", classmethod(counted))
    stop = 3  # The reference answers, one table of picks, and no more.
    stopped = run(*ocr, "--work-dir", tmp_path / "out", status=2)
    assert "OCRBench: the host could not grade: RuntimeError: stopped" in stopped
    held = {row["value"] for row in read_rows(tmp_path / "out")}
    assert held == {"", "2.0"}
    stop = 0
    run(*ocr, "--work-dir", tmp_path / "out")
    # Of the picks of two rerankers at k = 1, 2 and 4 there are two different tables; one was tried with reference
    # answers too, in case that a text of it was why.
    assert len(evaluated) == 4 + 1
    assert value(read_rows(tmp_path / "out"), "self-consistency", 4, "OCRBench") == 3


def test_empty_replies_count_as_wrong_in_whole_tables(run: Run, ocr: list[str | Path], tmp_path: Path) -> None:
    texts = {index: [reading(word)] for index, word in {1: "lemon", 2: "melon"}.items()}
    texts[3] = ["<think>It is olive"]
    pack = write_pack(tmp_path / "empty.jsonl", "OCRBench", texts)
    run("--candidates", pack, *ocr[2:4], *ocr[6:], "--work-dir", tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert value(rows, "first", 1, "OCRBench") == 2
    assert "1 of 3 candidates is an empty reply" in rows[0]["note"]


@pytest.mark.usefixtures("inline")
def test_a_text_that_the_grader_cannot_take_leaves_its_pool(
    run: Run, ocr: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmeval.dataset import OCRBench
    from vlmeval.smp import load

    own = OCRBench.evaluate.__func__
    tables: list[list[str]] = []

    def odd(cls: type, file: str, **options: object) -> object:
        said = list(load(file)["prediction"])
        tables.append(said)
        if any("love" in text for text in said):
            raise AttributeError("no such text")
        return own(cls, file, **options)

    monkeypatch.setattr(OCRBench, "evaluate", classmethod(odd))
    texts = {1: [reading("lemon")] * 2, 2: [reading("love"), reading("melon")], 3: [reading("olive")] * 2}
    pack = write_pack(tmp_path / "odd.jsonl", "OCRBench", texts)
    output = run("--candidates", pack, *ocr[2:4], "-n", "2", *ocr[6:], "--work-dir", tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert value(rows, "first", 2, "OCRBench") == 3, "the next candidate is picked"
    assert "1 of 6 candidates left out" in next(row["note"] for row in rows if row["k"] == "2")
    withheld = next(row for row in rows if (row["reranker"], row["k"]) == ("first", "1"))
    assert (withheld["value"], withheld["note"]) == ("", "withheld: 1 of 3 problems failed")
    assert "the host's grader cannot take this text (AttributeError: no such text)" in " ".join(output.split())
    tables.clear()
    run("--candidates", pack, *ocr[2:4], "-n", "2", *ocr[6:], "--work-dir", tmp_path / "out")
    assert tables == [], "it is known by now"


@pytest.mark.usefixtures("inline")
def test_what_the_host_cannot_grade_is_known_before(
    run: Run, ocr: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmeval.dataset import OCRBench

    monkeypatch.setattr(OCRBench, "evaluate", classmethod(lambda cls, file, **options: {"words": "none"}))
    assert "names no single primary metric" in run(*ocr, "--work-dir", tmp_path / "out", status=2)


@pytest.fixture
def circular(data: Path, tmp_path: Path) -> list[str | Path]:
    """MMBench asks each question with its options in other places too, and a question counts when all are answered.

    All rows are answered but the turned one of the first question, of which the second candidate is right.
    """
    options = ["apple", "banana", "cherry", "date"]
    rows = []
    for turn in range(2):
        for number in range(2):
            turned = options[turn:] + options[:turn]
            rows.append({
                "index": number + 1_000_000 * turn, "image": picture((9 * number, 9, 9)), "question": "Which?",
                **dict(zip("ABCD", turned, strict=True)), "answer": "ABCD"[turned.index("cherry")],
                "category": "object_localization", "l2-category": "finegrained", "split": "dev",
            })  # fmt: skip
    write_tsv(data / "MMBench_DEV_EN.tsv", rows)
    right = {row["index"]: f"The answer is {row['answer']}" for row in rows}
    texts = {index: [text, text] for index, text in right.items()}
    texts[1_000_000] = ["The answer is A", right[1_000_000]]
    pack = write_pack(tmp_path / "pack.jsonl", "MMBench_DEV_EN", texts)
    return ["--candidates", pack, "--data", "MMBench_DEV_EN", "-n", "2", "--data-dir", data, *RERANKERS,
            "--judge", "exact_matching"]  # fmt: skip


def test_a_metric_that_is_no_mean_over_the_rows(run: Run, circular: list[str | Path], tmp_path: Path) -> None:
    output = run(*circular, "--work-dir", tmp_path / "out")
    assert "leaves no verdict per row" in output
    found = read_rows(tmp_path / "out")
    assert value(found, "first", 2, "MMBench_DEV_EN") == 50, "one of two questions, not three of four rows"
    assert {row["metric"] for row in found} == {"the host's Overall, exact matching"}


def test_the_first_problems_do_not_tell_what_a_grader_leaves_of_all(
    run: Run, circular: list[str | Path], tmp_path: Path
) -> None:
    """Those of MMBench have no turned rows among them."""
    work_dir = tmp_path / "out"
    assert "leaves no verdict" not in run(*circular, "--limit", "2", "--work-dir", work_dir)
    assert value(read_rows(work_dir), "first", 2, "MMBench_DEV_EN") == 100
    assert "leaves no verdict per row" in run(*circular, "--work-dir", work_dir)
    assert value(read_rows(work_dir), "first", 2, "MMBench_DEV_EN") == 50
    assert "leaves no verdict" not in run(*circular, "--limit", "2", "--work-dir", work_dir)
    assert value(read_rows(work_dir), "first", 2, "MMBench_DEV_EN") == 100


def test_merged_stores_have_the_hosts_figures(run: Run, ocr: list[str | Path], tmp_path: Path) -> None:
    run(*ocr, "--work-dir", tmp_path / "here")
    assert main(["merge", str(tmp_path / "here"), "-o", str(tmp_path / "merged")]) == 0
    assert main(["report", "--work-dir", str(tmp_path / "merged"), *RERANKERS]) == 0
    assert read_rows(tmp_path / "merged") == read_rows(tmp_path / "here")


@pytest.mark.usefixtures("inline")
def test_a_table_that_cannot_be_evaluated_costs_no_other_policy_its_values(
    run: Run, ocr: list[str | Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmeval.dataset import OCRBench

    own = OCRBench.evaluate.__func__

    def choosy(cls: type, file: str, **options: object) -> object:
        if "unbearable" in Path(file).read_text(errors="replace"):
            raise RuntimeError("unbearable")
        return own(cls, file, **options)

    monkeypatch.setattr(OCRBench, "evaluate", classmethod(choosy))
    pack = Path(str(ocr[1]))
    records = [json.loads(line) for line in pack.read_text().splitlines()]
    others = [{**record, "policy": "another", "text": "unbearable"} for record in records]
    pack.write_text("".join(json.dumps(record) + "\n" for record in (*others, *records)))
    assert "unbearable" in run(*ocr, "--work-dir", tmp_path / "out", status=2)
    rows = read_rows(tmp_path / "out")
    assert {row["value"] for row in rows if row["policy"] == "another"} == {""}
    lone = [row for row in rows if row["policy"] == "somebody"]
    assert value(lone, "self-consistency", 4, "OCRBench") == 3


def test_values_below_n_stand_on_the_page(run: Run, ocr: list[str | Path], tmp_path: Path) -> None:
    run(*ocr, "--k", "1", "2", "--work-dir", tmp_path / "out")
    assert value(read_rows(tmp_path / "out"), "first", 2, "OCRBench") == 2
    assert "figure of a whole table" in (tmp_path / "out" / "report.html").read_text()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "")
    server = JudgeServer()
    yield server
    server.close()


@pytest.fixture
def vet(data: Path, tmp_path: Path, server: JudgeServer) -> list[str | Path]:
    """A class that nobody told us of, with a judge that gives parts of a point: the second candidate is better."""
    rows = [{"index": index, "image": picture((9 * index, 9, 9)), "question": "What is it?", "answer": word,
             "category": "rec,ocr,know,gen,spat,math"} for index, word in enumerate(("lemon", "melon"))]  # fmt: skip
    write_tsv(data / "MMVet.tsv", rows)
    pack = write_pack(tmp_path / "vet.jsonl", "MMVet", {0: ["half", "whole"], 1: ["nothing", "whole"]})
    said = {"half": "0.5", "whole": "1.0", "nothing": "0.0"}
    server.reply = lambda text: next((reply for word, reply in said.items() if f"| {word}" in text), "0.25")
    return ["--candidates", pack, "--data", "MMVet", "-n", "2", "--data-dir", data, *RERANKERS, "--judge", "local",
            "--judge-base-url", server.url, "--judge-key", "sk-x", "--judge-retry", "1"]  # fmt: skip


def test_verdicts_that_a_grader_leaves_are_used(
    run: Run, vet: list[str | Path], server: JudgeServer, tmp_path: Path
) -> None:
    work_dir = tmp_path / "out"
    output = run(*vet, "--work-dir", work_dir)
    assert "leaves no verdict" not in output
    rows = read_rows(work_dir)
    got = {name: value(rows, name, 2, "MMVet") for name in ("first", "random", "oracle")}
    assert got == {"first": 25, "random": 62.5, "oracle": 100}
    notes = {row["note"] for row in rows}
    assert notes == {"the host's primary metric (Category=Overall|acc), here the mean over the rows"}
    asked = len(server.requests)
    run(*vet, "--work-dir", work_dir)
    assert len(server.requests) == asked, "a rerun costs nothing"


def test_a_part_that_the_host_cannot_count_has_verdicts_all_the_same(
    run: Run, vet: list[str | Path], data: Path, tmp_path: Path
) -> None:
    """It divides by the number of problems of each kind."""
    table = data / "MMVet.tsv"
    table.write_text(table.read_text().replace("rec,ocr,know,gen,spat,math", "rec"))
    run(*vet, "--work-dir", tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert value(rows, "oracle", 2, "MMVet") == 100
    assert {row["note"] for row in rows} == {"mean over the rows; the host has named no single primary metric"}


def test_a_judge_that_gives_up_makes_failures(
    run: Run, vet: list[str | Path], server: JudgeServer, tmp_path: Path
) -> None:
    """The host would count such rows as wrong."""
    said = server.reply
    server.reply = lambda text: "I cannot tell" if "| half" in text else said(text)
    run(*vet, "--work-dir", tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    assert value(rows, "first", 2, "MMVet") == 50, "the failed candidate left the pool, and the next one is whole"
    assert any("1 of 4 candidates left out" in row["note"] for row in rows)


def test_a_judge_that_fails_at_the_trial_decides_nothing(
    run: Run, vet: list[str | Path], server: JudgeServer, data: Path, tmp_path: Path
) -> None:
    """It answers the short question before, and nothing about more than that."""
    rows = [{"index": index, "image": picture((9 * index, 9, 9)), "question": "What is it?", "answer": "lemon",
             "category": "rec,ocr,know,gen,spat,math"} for index in range(9)]  # fmt: skip
    write_tsv(data / "MMVet.tsv", rows)
    write_pack(Path(str(vet[1])), "MMVet", {index: ["half", "whole"] for index in range(9)})
    said = server.reply
    server.reply = lambda text: 500 if "lemon" in text else said(text)
    run(*vet, "--work-dir", tmp_path / "out", status=2)
    server.reply = said
    assert "leaves no verdict" not in run(*vet, "--work-dir", tmp_path / "out")
    assert value(read_rows(tmp_path / "out"), "oracle", 2, "MMVet") == 100


def test_an_unreadable_reply_at_the_trial_decides_nothing(
    run: Run, vet: list[str | Path], server: JudgeServer, tmp_path: Path
) -> None:
    said = server.reply
    server.reply = lambda text: "I cannot tell" if "lemon | lemon" in text else said(text)
    assert "leaves no verdict" not in run(*vet, "--work-dir", tmp_path / "out")
    assert value(read_rows(tmp_path / "out"), "oracle", 2, "MMVet") == 100
