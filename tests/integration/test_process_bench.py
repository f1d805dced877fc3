"""Critics against labelled steps, as a user runs them."""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from pathlib import Path

import openpyxl
import pytest

from tests.integration.conftest import Run, read_rows
from tests.integration.test_resume import kill_when, stored
from tests.servers import Answer, Server, completion
from tests.unit.evaluate.step_labels.material import row, write_set
from tests.unit.run.test_plan_report import fill
from visualprm_eval.cli import main
from visualprm_eval.report.render.step_label_figures import FIGURES

DEMO = ("--data", "DemoProcessBench", "--critic")


@pytest.fixture(scope="module", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def work_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("process")


def files(work_dir: Path, name: str = "DemoProcessBench") -> Path:
    """Where the report of a set is."""
    return work_dir / "step_labels" / name


def value(report: Path, critic: str, metric: str, split: str = "pooled", policy: str = "all") -> float:
    wanted = {"reranker": critic, "metric": metric, "split": split, "policy": policy}
    (found,) = [each for each in read_rows(report) if wanted.items() <= each.items()]
    return float(found["value"])


def test_the_bundled_reward_model_finds_slips(run: Run, work_dir: Path) -> None:
    output = run(*DEMO, "visualprm", "random", "all-correct", "--work-dir", work_dir)
    # Measured: 83.7 (results/demo-process-bench).
    assert value(files(work_dir), "visualprm", "macro F1, cross-validated threshold") >= 75
    assert 40 <= value(files(work_dir), "random", "macro F1") <= 55
    assert value(files(work_dir), "all-correct", "F1 incorrect") == 0
    assert "cross-validated threshold" in output
    assert f"Page: {files(work_dir) / 'report.html'}\n" in output
    assert {row["n_failed"] for row in read_rows(files(work_dir))} == {"0"}


def test_the_files(work_dir: Path) -> None:
    assert {path.name for path in work_dir.iterdir()} <= {"store.sqlite", "store.sqlite.lock", "step_labels"}
    assert {"results.csv", "results.xlsx", "results.md", "report.html"} <= {
        path.name for path in files(work_dir).iterdir()
    }
    figures = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    assert {path.name for path in (files(work_dir) / "figures").iterdir()} == figures
    book = openpyxl.load_workbook(files(work_dir) / "results.xlsx", read_only=True)
    assert book.sheetnames == [
        "table 3", "per source", "thresholds", "f1 by threshold", "comparisons", "by policy", "by step", "by length",
        "calibration",
        "steps", "all values", "bad lines", "protocol", "failures", "glossary",
    ]  # fmt: skip
    steps = list(book["steps"].iter_rows(values_only=True))
    header, first = steps[0], dict(zip(steps[0], steps[1], strict=True))
    assert header[:7] == ("critic", "line", "source", "policy", "step", "label", "score")
    assert first["critic"] == "visualprm"
    assert 0 <= first["score"] <= 1
    assert len(steps) - 1 == 3 * sum(len(json.loads(line)["response"]["steps"]) for line in lines())
    page = (files(work_dir) / "results.md").read_text()
    assert all(f"(figures/{name}.png)" in page for name in FIGURES)


def lines() -> list[str]:
    from visualprm_eval.core.folders import cache_root
    from visualprm_eval.tasks.process_bench.demo_set import NAME

    (folder,) = cache_root().glob(f"{NAME}-*")
    return (folder / "test.jsonl").read_text().splitlines()


def test_a_second_run_scores_nothing_and_another_threshold_costs_nothing(run: Run, work_dir: Path, tmp_path) -> None:
    before, table = stored(work_dir), (files(work_dir) / "results.csv").read_text()
    output = run(*DEMO, "visualprm", "random", "all-correct", "--work-dir", work_dir)
    assert (files(work_dir) / "results.csv").read_text() == table
    output += run(*DEMO, "visualprm", "--threshold", "0.3", "--work-dir", work_dir)
    assert f"the former files in {files(work_dir)} showed more: critics random, all-correct" in output
    assert value(files(work_dir), "visualprm", "macro F1") > 75
    assert stored(work_dir) == before
    assert "score DemoProcessBench" not in output


def test_kill_and_resume_ends_with_the_same_table(run: Run, tmp_path: Path) -> None:
    arguments = (*DEMO, "visualprm", "--limit", "60", "--token-budget", "2048")
    program = [sys.executable, "-m", "tests.blocked", "vlmeval", "run", *arguments, "--work-dir", str(tmp_path)]
    kill_when(program, tmp_path, "scores", 1)
    survivors = stored(tmp_path)
    assert 0 < len(survivors["scores"]) < 60
    run(*arguments, "--work-dir", tmp_path)
    assert survivors["scores"] <= stored(tmp_path)["scores"], "what was stored must not be made again"
    undisturbed = tmp_path / "undisturbed"
    run(*DEMO, "visualprm", "--limit", "60", "--work-dir", undisturbed)
    # Other batches: the last digits of scores may differ.
    pairs = zip(read_rows(files(tmp_path)), read_rows(files(undisturbed)), strict=True)
    assert all(float(one["value"]) == pytest.approx(float(two["value"]), abs=0.5) for one, two in pairs if one["value"])


def judging(seen) -> Answer:
    """All steps are fine; two solutions get no readable reply."""
    if "unreadable" in seen.text:
        return completion("Well, ...")
    number = int(seen.text.partition("The solution has ")[2].split()[0])
    verdicts = [{"step": place, "correct": place < 3} for place in range(1, number + 1)]
    return completion(json.dumps({"steps": verdicts}))


def test_a_partial_set_with_a_prompted_judge(run: Run, tmp_path: Path) -> None:
    rows = [row(), row(question="unreadable?"), row(image=["images/none.png"]),
            row(image=["images/a.png", "images/b.png"], data_source="DynaMath")]  # fmt: skip
    folder, work = write_set(tmp_path / "set", rows), tmp_path / "work"
    report = files(work, "VisualProcessBench")
    arguments = ("--data", "VisualProcessBench", "--vpb-dir", folder, "--work-dir", work)
    with Server(judging) as server:
        output = run(*arguments, "--critic", "org/m", "all-correct", "--critic-base-url", server.url)
        asked = len(server.requests)
        pictures = [part for part in server.requests[-1].body["messages"][0]["content"] if part["type"] == "image_url"]
        run(*arguments, "--critic", "org/m", "--critic-base-url", server.url)
        assert len(server.requests) == asked == 5, "two good ones, three tries of the third, and none again"
    assert pictures
    assert "line 3: the picture images/none.png is missing" in output
    assert "partial set" in output
    page = (report / "results.md").read_text()
    for said in (output, page):
        assert "VisualPRM-8B" in said, "the published rows stand beside ours"
    assert "| VisualPRM-8B | 58.5 | 62.1 | 61.0 | 62.7 | 61.8 | 62.0 | published: arXiv:2503.10291v1, table 3 |" in page
    found = read_rows(report)
    assert all(each["note"].startswith("partial set: 3 of 2,866 samples") for each in found)
    assert {each["n_total"] for each in found if each["split"] == "pooled" and each["policy"] == "all"} == {"2866"}
    assert value(report, "org/m", "macro F1") == 100
    assert value(report, "org/m", "macro F1, failures wrong") < 100
    assert {each["n_failed"] for each in found if each["split"] == "pooled" and each["policy"] == "all"} == {"1"}
    with sqlite3.connect(work / "store.sqlite") as db:
        assert db.execute("SELECT count(*) FROM judge_replies").fetchone() == (5,)
    book = openpyxl.load_workbook(report / "results.xlsx", read_only=True)
    assert list(book["bad lines"].iter_rows(values_only=True))[1] == (3, "the picture images/none.png is missing")


def test_a_judge_picks_among_candidates(run: Run, tmp_path: Path) -> None:
    def strict(seen) -> Answer:
        number = int(seen.text.partition("The solution has ")[2].split()[0])
        good = "The answer is \\boxed{7}" in seen.text
        return completion(json.dumps({"steps": [{"step": k + 1, "correct": good} for k in range(number)]}))

    pack = tmp_path / "pack.jsonl"
    texts = ["The answer is \\boxed{1}.", "The answer is \\boxed{7}.", "The answer is \\boxed{2}."]
    pack.write_text(json.dumps({"index": 1, "text": texts}) + "\n")
    with Server(strict) as server:
        run(
            "--candidates", pack, "--candidate-fields", "index=index", "text=text", "policy:=p", "--data", "DemoWorld",
            "--limit", "1", "--reranker", "judge:org/m", "--critic-base-url", server.url, "--work-dir", tmp_path / "w",
        )  # fmt: skip
        assert len(server.requests) == 3
    book = openpyxl.load_workbook(tmp_path / "w" / "results.xlsx", read_only=True)
    header, *rest = book["problems"].iter_rows(values_only=True)
    picks = [dict(zip(header, each, strict=True)) for each in rest]
    (pick,) = [each for each in picks if each["reranker"] == "judge:org/m"]
    assert pick["rank (from 0)"] == 1
    assert pick["response score (mean)"] == 1.0
    header, *rest = book["fingerprints"].iter_rows(values_only=True)
    shaped = {dict(zip(header, each, strict=True))["pool critics"].partition(" (")[0] for each in rest}
    assert shaped == {"judge"}, "whose scores a candidate needs"


def test_a_judge_is_shown_the_steps_of_the_rule(run: Run, tmp_path: Path) -> None:
    def count(seen) -> Answer:
        number = int(seen.text.partition("The solution has ")[2].split()[0])
        return completion(json.dumps({"steps": [{"step": k + 1, "correct": True} for k in range(number)]}))

    pack, work_dir = tmp_path / "pack.jsonl", tmp_path / "w"
    pack.write_text(json.dumps({"index": 1, "text": ["1 + 1 = 2\r\n\r\n2 + 2 = 4\nThe answer is \\boxed{7}."]}) + "\n")
    shown = []
    for rule in ("original", "lines"):
        with Server(count) as server:
            run(
                "--candidates", pack, "--candidate-fields", "index=index", "text=text", "policy:=p", "--data",
                "DemoWorld", "--limit", "1", "--reranker", "judge:org/m", "--critic-base-url", server.url, "--work-dir",
                work_dir, "--steps", rule,
            )  # fmt: skip
            shown += [int(seen.text.partition("The solution has ")[2].split()[0]) for seen in server.requests]
    assert shown == [1, 3]


def test_a_judge_that_cannot_be_read_costs_its_own_rows_alone(tmp_path: Path, capsys) -> None:
    """It is asked about one batch, and what it said is told."""
    from visualprm_eval.cli import main

    pack = tmp_path / "pack.jsonl"
    rows = [
        {"index": index, "text": [f"So \\boxed{{{index}}}", f"No, \\boxed{{{index + 1}}}"]} for index in range(1, 41)
    ]
    pack.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Server(lambda _: completion("all steps look fine to me")) as server:
        status = main(
            ["run", "--candidates", str(pack), "--candidate-fields", "index=index", "text=text", "policy:=p", "--data",
             "DemoWorld", "--limit", "40", "--reranker", "first", "oracle", "judge:org/m", "--critic-base-url",
             server.url, "--work-dir", str(tmp_path / "w")]
        )  # fmt: skip
        assert len(server.requests) == 3 * 64
    assert status != 0
    told = capsys.readouterr().err
    assert "'all steps look fine to me'" in told
    assert "It is not asked about the other 16" in told
    found = {(row["reranker"], row["k"]): row for row in read_rows(tmp_path / "w")}
    assert found["judge:org/m", "2"]["value"] == ""
    assert found["judge:org/m", "2"]["note"] == (
        "withheld without its critic: 16 of 80 texts are not scored by judge:org/m"
    )
    for name in ("first", "oracle"):
        assert (found[name, "2"]["value"] != "", found[name, "2"]["n_failed"]) == (True, "0")
    with (tmp_path / "w" / "curves.csv").open(encoding="utf-8") as stream:
        assert {row["reranker"] for row in csv.DictReader(stream)} == {"first", "oracle"}


def test_the_given_solutions_are_no_candidates(run: Run, work_dir: Path, tmp_path: Path, capsys) -> None:
    from visualprm_eval.cli import main

    assert main(["export-candidates", "--work-dir", str(work_dir), "-o", str(tmp_path / "pack.jsonl")]) == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.usefixtures("inline")
def test_a_model_of_the_host_is_a_judge(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visualprm_eval.host.load.bridge import load_host

    load_host()
    from vlmeval.config import supported_VLM
    from vlmeval.vlm.base import BaseModel

    class Fine(BaseModel):
        INTERLEAVE = True

        def generate_inner(self, message, dataset=None):
            number = int(message[-1]["value"].partition("The solution has ")[2].split()[0])
            return json.dumps({"steps": [{"step": place + 1, "correct": True} for place in range(number)]})

    monkeypatch.setitem(supported_VLM, "fine-model", Fine)
    run(*DEMO, "fine-model", "all-correct", "--limit", "6", "--work-dir", tmp_path)
    rows = read_rows(files(tmp_path))
    assert all(row["note"].startswith("partial set: 6 of 300 samples") for row in rows)
    values = {name: [row["value"] for row in rows if row["reranker"] == name] for name in ("fine-model", "all-correct")}
    assert values["fine-model"] == values["all-correct"]


def test_dry_run_leaves_nothing(run: Run, tmp_path: Path) -> None:
    output = run(*DEMO, "visualprm", "random", "--limit", "7", "--dry-run", "--work-dir", tmp_path / "new")
    assert "score with visualprm: " in output
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--data VisualProcessBench", "judges critics: name them with --critic"),
        ("--data VisualProcessBench --critic random --vpb-dir nowhere", "--vpb-dir nowhere: no test.jsonl in it"),
        ("--data DemoWorld --critic random", "--critic: expected --data with one of VisualProcessBench"),
        ("--data DemoProcessBench DemoWorld --critic random", "--critic: expected --data"),
        ("--data DemoProcessBench --critic random --model m", "--critic conflicts with --model"),
        ("--data DemoProcessBench --critic visualpmr", "did you mean 'visualprm'"),
        ("--data DemoProcessBench --critic random --threshold nan", "--threshold nan"),
        ("--demo --critic random", "--demo conflicts with --critic"),
        ("--demo --vpb-dir x", "--vpb-dir goes with --critic"),
        ("--demo --critic-base-url http://h", "--critic-base-url: no critic is a prompted judge"),
        ("--demo --reranker judge:", "lacks the model that judges"),
        ("--data DemoProcessBench --critic random --critic-key k", "--critic-key: it is for the endpoints"),
    ],
)
def test_options_that_make_no_sense(run: Run, tmp_path: Path, argv: str, said: str) -> None:
    assert said in run(*argv.split(), "--work-dir", tmp_path / "w", status=2)


def test_torchrun_is_refused(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visualprm_eval.run.pipeline.launched", lambda *_: "two ranks")
    assert "start it without torchrun" in run(*DEMO, "random", "--work-dir", tmp_path, status=2)


def test_reports_of_best_of_n_and_of_several_sets_live_side_by_side(run: Run, tmp_path: Path) -> None:
    fill(tmp_path / "work")
    assert main(["report", "--work-dir", str(tmp_path / "work")]) == 0
    theirs = {path: path.read_bytes() for path in (tmp_path / "work").rglob("[rcgs]*.*") if "store" not in path.name}
    assert len(theirs) > 6
    folder = write_set(tmp_path / "set", [row(), row()])
    random = ("--critic", "random", "--work-dir", tmp_path / "work")
    run("--data", "DemoProcessBench", *random, "--limit", "5")
    run("--data", "VisualProcessBench", "--vpb-dir", folder, *random)
    assert {path: path.read_bytes() for path in theirs} == theirs
    assert {each["benchmark"] for each in read_rows(files(tmp_path / "work"))} == {"DemoProcessBench"}
    found = {each["benchmark"] for each in read_rows(files(tmp_path / "work", "VisualProcessBench"))}
    assert found == {"VisualProcessBench"}
