"""The paper's seven benchmarks through the command line, on tiny tables with a judge on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.host.material import JudgeServer
from tests.host.seven_tables import BY_HAND, TABLE2, judge, pattern, rows_of, text, write_seven
from tests.integration.conftest import Run, read_rows, value
from visualprm_eval.cli import main
from visualprm_eval.core.folders import use_data_dir
from visualprm_eval.tasks.demo_world.assets import demo_path

NO_PROXY = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
POLICY, OTHER = "InternVL2_5-8B", "Qwen2.5-VL-7B-Instruct"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[JudgeServer]:
    for name in NO_PROXY:
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    server = JudgeServer()
    server.reply = judge
    yield server
    server.close()
    use_data_dir(None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    write_seven(folder)
    return folder


def write_pack(path: Path, say: object = text, policies: tuple[str, ...] = (POLICY,)) -> Path:
    """Eight candidates per problem: the first is right where ``pattern`` says so, the others always."""
    records = [
        {"benchmark": name, "index": index, "rank": rank, "policy": policy,
         "text": say(name, int(index), right=right or rank > 0)}  # type: ignore[operator]
        for policy in policies
        for name in TABLE2
        for index, right in pattern(name).items()
        for rank in range(8)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def judged(server: JudgeServer) -> list[str | Path]:
    return ["--judge", "local", "--judge-base-url", server.url, "--judge-key", "sk-x", "--judge-retry", "1",
            "--judge-api-nproc", "4"]  # fmt: skip


def test_table_2(run: Run, server: JudgeServer, data: Path, tmp_path: Path) -> None:
    work_dir = tmp_path / "out"
    before = {path: path.read_bytes() for path in data.rglob("*")}
    prm = tmp_path / "VisualPRM-8B"  # By its name papers' rows are found.
    prm.symlink_to(demo_path("prm"))
    pack = write_pack(tmp_path / "pack.jsonl", policies=(POLICY, OTHER))
    common = ["--candidates", pack, "--suite", "table2", "-n", "8", "--data-dir", data, "--prm", f"visualprm={prm}",
              "--work-dir", work_dir, *judged(server)]  # fmt: skip
    both = ["--reranker", "visualprm", "self-consistency"]
    plan = run(*common, *both, "--dry-run")
    assert "judge local: at most" in plan
    assert server.requests == []
    assert "judge local: one request more, to see whether it answers" in plan

    output = run(*common, *both)
    told = re.search(r"judge: ([\d,]+) requests made, ", output)
    assert told is not None and int(told[1].replace(",", "")) == len(server.requests), "what the judge saw"
    everything = read_rows(work_dir)
    rows, others = ([row for row in everything if row["policy"] == policy] for policy in (POLICY, OTHER))
    told = [{(row["benchmark"], row["reranker"], row["k"]): row["value"] for row in side} for side in (rows, others)]
    assert told[0] == told[1], "they wrote the same"
    assert "" not in told[0].values()
    assert {row["reranker"] for row in rows} == {"first", "visualprm", "self-consistency"}
    for name in TABLE2:
        assert value(rows, "first", 8, name) == pytest.approx(BY_HAND[name]), name
        assert value(rows, "self-consistency", 8, name) == pytest.approx(BY_HAND[name]), name
    assert value(rows, "first", 8, "overall") == pytest.approx(62.5)
    about = {row["benchmark"]: row for row in rows}
    assert about["DynaMath"]["metric"] == "worst-case accuracy"
    assert about["WeMath"]["metric"] == "strict score"
    assert "strict score over the 4 groups that are present, of 525" in about["WeMath"]["note"]
    assert (about["MMMU_DEV_VAL"]["split"], about["MMMU_DEV_VAL"]["n_problems"]) == ("validation", "4")
    assert "4 of 900 problems" in about["MMMU_DEV_VAL"]["note"]
    assert {path: path.read_bytes() for path in data.rglob("*")} == before
    check_views(work_dir)

    assert main(["report", "--work-dir", str(work_dir), "--reranker", "visualprm", "self-consistency"]) == 0
    assert read_rows(work_dir) == everything, "a report from the store alone is of the same protocols"

    server.requests.clear()
    server.reply = lambda asked: 500
    run(*common, *both)
    assert server.requests == [], "all replies are there: the judge need not be"
    run(*common, *both, "oracle")
    assert server.requests == [], "the oracle picks among graded texts"
    rows = [row for row in read_rows(work_dir) if row["policy"] == OTHER]
    assert value(rows, "oracle", 8, "WeMath") == 100
    assert value(rows, "oracle", 8, "overall") == 100


def check_views(work_dir: Path) -> None:
    """Published figures stand beside ours; where they are of something else, that is said."""
    book = load_workbook(work_dir / "results.xlsx")
    header = [cell.value for cell in book["published"][1]]
    rows = [
        dict(zip(header, (cell.value for cell in row), strict=True)) for row in book["published"].iter_rows(min_row=2)
    ]
    found = {(row["benchmark"], row["reranker"]): row for row in rows if row["policy"] == POLICY}
    theirs = {(row["benchmark"], row["reranker"]): row["published"] for row in rows if row["policy"] == OTHER}
    assert found["WeMath", "visualprm"]["published"] == 36.5
    assert (theirs["MMMU_DEV_VAL", "random"], theirs["overall", "visualprm"]) == (55.0, 45.1)
    assert found["MathVista_MINI", "random"]["published"] == 64.5
    assert found["MathVista_MINI", "self-consistency"]["published"] == 65.9
    assert found["overall", "random"]["published"] == 32.8
    assert "ours of 4 of 1,000 problems" in found["MathVista_MINI", "random"]["not the same"]
    assert "other split: ours MINI, published full" in found["MathVision_MINI", "random"]["not the same"]
    assert "other split" not in found["MathVision_MINI", "self-consistency"]["not the same"]
    assert {row["difference"] for row in rows} == {None}
    titles = [cell.value for cell in book["summary"][2]]
    assert titles.count("published") == titles.count("difference") == 8
    prints = [[cell.value for cell in row] for row in book["fingerprints"].iter_rows()]
    first = dict(zip(prints[0], prints[1], strict=True))
    assert (first["policy"], first["judge"], first["prediction"]) == (POLICY, "local", "raw")
    rows_now = read_rows(work_dir)
    assert {row["protocol"] for row in rows_now} == {row[0] for row in prints[1:]}
    assert "127.0.0.1" in first["judge address"]
    assert (first["sampled with"], "torch" in first["graded with"]) == ("not recorded", True)
    means = [
        dict(zip(prints[0], row, strict=True)) for row in prints[1:] if row[prints[0].index("benchmark")] == "overall"
    ]
    for mean in means:
        assert [part.split()[0] for part in mean["parts"].split(", ")] == list(TABLE2)
    assert len(means) == len([row for row in rows_now if row["benchmark"] == "overall"])
    protocol = {row[0].value: row[1].value for row in book["protocol"].iter_rows(min_row=2)}
    key = f"{POLICY} on DynaMath: the host's worst-case accuracy of the whole table of first at k = 8"
    assert protocol[key] == 50.0
    assert protocol[f"{POLICY} on DynaMath: version of the file"].startswith("another version than the host's")
    report = (work_dir / "results.md").read_text()
    assert "## Beside published figures" in report
    assert "4 of 304 (0)" in report
    assert "### MathVision_MINI, 4 of 304 problems" in report
    page = (work_dir / "report.html").read_text()
    assert f"{POLICY} on MathVision_MINI (4 of 304 problems)" in page
    for sheet in ("intervals", "curves"):
        named = {(row[1].value, row[-1].value) for row in book[sheet].iter_rows(min_row=2)}
        assert ("MathVision_MINI", "4 of 304 problems") in named, sheet


def test_exact_matching_is_marked(run: Run, data: Path, tmp_path: Path, server: JudgeServer, capsys) -> None:
    def plain(name: str, index: int, *, right: bool) -> str:
        del index
        good, bad = ("7", "8") if name == "DynaMath" else ("B", "A")
        return f"A sum gives 2.\n\nThe answer is {good if right else bad}."

    names = ["MMMU", "DynaMath", "WeMath"]  # The first by its short name.
    arguments = ["--candidates", write_pack(tmp_path / "pack.jsonl", plain), "--data", *names, "--data-dir", data,
                 "--judge", "exact_matching", "--reranker", "self-consistency", "--k", "8"]  # fmt: skip
    output = run(*arguments, "--work-dir", tmp_path / "out")
    rows = read_rows(tmp_path / "out")
    for name in ("MMMU_DEV_VAL", "DynaMath", "WeMath"):
        assert value(rows, "first", 8, name) == pytest.approx(BY_HAND[name])
    assert all(row["metric"].endswith("exact matching") for row in rows)
    told = (tmp_path / "out" / "results.md").read_text()
    assert main(["report", "--work-dir", str(tmp_path / "out")]) == 0
    assert read_rows(tmp_path / "out") == rows, "a report from the store alone is the run's"
    assert (tmp_path / "out" / "results.md").read_text() == told
    report = (tmp_path / "out" / "results.md").read_text()
    assert "other metric" in report
    assert "DynaMath (exact matching)" in report
    assert output.partition("problems (failed)")[0].count("matching)") >= 2, "the terminal folds long titles"
    assert "DynaMath (exact matching, 4 of 5,010 problems)" in (tmp_path / "out" / "report.html").read_text()
    book = load_workbook(tmp_path / "out" / "results.xlsx")
    noted = {(row[1].value, row[-1].value) for row in book["intervals"].iter_rows()}
    assert ("DynaMath", "exact matching, 4 of 5,010 problems") in noted
    assert any("exact matching" in str(cell.value) for cell in book["summary"][1])
    capsys.readouterr()
    stored = ["--work-dir", str(tmp_path / "out"), "--data", "DynaMath"]
    assert main(["compare", "first", "self-consistency", *stored]) == 0
    assert f"{POLICY} on DynaMath (exact matching, 4 of 5,010 problems), 4 problems" in capsys.readouterr().out
    assert main(["report", *stored]) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "DynaMath (exact matching, 4 of 5,010 problems)" in page, "a report from the store alone says it too"
    assert {(row["metric"], row["n_total"]) for row in read_rows(tmp_path / "out")} == {
        ("worst-case accuracy, exact matching", "5010")
    }
    # The whole solution has a lone letter in its words: the host reads that.
    run(*arguments, "--work-dir", tmp_path / "out", "--prediction", "raw")
    assert value(read_rows(tmp_path / "out"), "first", 8, "MMMU_DEV_VAL") < BY_HAND["MMMU_DEV_VAL"]
    run(*arguments[:2], "--data", "LogicVista", *arguments[6:], "--work-dir", tmp_path / "no", status=2)


def test_answers_in_the_form_of_the_benchmark_reach_its_grader(
    run: Run, data: Path, tmp_path: Path, server: JudgeServer
) -> None:
    forms = ('{{"solution": "I look.", "short answer": "{0}"}}', '{{"short answer": "{0}", "solution": "{{I}} look."}}',
             '```json\n{{"solution": "I look.",\n"short answer": "{0}"}}\n```',
             'As $\\frac{{14}}{{2}}$ says: {{"solution": "I look.", "short answer": "{0}"}}')  # fmt: skip

    def say(name: str, index: int, *, right: bool) -> str:
        return forms[index % 4].format("7.000" if right else "8.000")

    run("--candidates", write_pack(tmp_path / "pack.jsonl", say), "--data", "DynaMath", "--data-dir", data, "--k", "8",
        "--judge", "exact_matching", "--reranker", "self-consistency", "--work-dir", tmp_path / "out")  # fmt: skip
    rows = read_rows(tmp_path / "out")
    assert value(rows, "first", 8, "DynaMath") == pytest.approx(BY_HAND["DynaMath"])
    assert value(rows, "self-consistency", 8, "DynaMath") == 100


def test_a_judge_that_dies_keeps_what_is_done(run: Run, data: Path, tmp_path: Path, server: JudgeServer) -> None:
    arguments = ["--candidates", write_pack(tmp_path / "pack.jsonl"), "--data", "MathVista", "LogicVista", "--k", "8",
                 "--data-dir", data, "--reranker", "oracle", "--work-dir", tmp_path / "out",
                 *judged(server)]  # fmt: skip
    server.reply = lambda asked: 500 if asked_about(server, "LogicVista") else judge(asked)
    output = run(*arguments, status=2)
    assert "not graded: LogicVista" in output
    rows = read_rows(tmp_path / "out")
    assert value(rows, "first", 8, "MathVista_MINI") == 75
    assert {row["value"] for row in rows if row["benchmark"] in {"LogicVista", "overall"}} == {""}
    server.reply = judge
    server.requests.clear()
    run(*arguments)
    assert asked_about(server, "LogicVista")
    assert not asked_about(server, "MathVista_MINI")
    assert value(read_rows(tmp_path / "out"), "first", 8, "overall") == 75


def asked_about(server: JudgeServer, name: str) -> bool:
    """Whether the judge was asked about a text of a benchmark."""
    return any(f"[{name}/" in json.dumps(body) for _, body in server.requests)


def test_a_missing_file(run: Run, data: Path, tmp_path: Path, server: JudgeServer) -> None:
    (data / "MathVerse_MINI_Vision_Only.tsv").unlink()
    import urllib.request

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(urllib.request, "urlopen", unreachable)
        output = run("--candidates", write_pack(tmp_path / "pack.jsonl"), "--suite", "table2", "--data-dir", data,
                     "--work-dir", tmp_path / "out", *judged(server), status=2)  # fmt: skip
    assert "MathVerse_MINI_Vision_Only.tsv is missing" in output
    assert str(data / "MathVerse_MINIVOnly.tsv") in output
    assert "https://" in output and "by hand" in output


def test_all_missing_files_are_named_at_once(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seven lie on one server: it is tried once."""
    import urllib.error
    import urllib.request

    tried = []

    def no_network(url: str, **_: object) -> object:
        tried.append(url)
        raise urllib.error.URLError("no network here")

    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    empty = tmp_path / "empty"
    empty.mkdir()
    arguments = ["--candidates", write_pack(tmp_path / "pack.jsonl"), "--suite", "table2", "--data-dir", empty,
                 "--work-dir", tmp_path / "out", "--judge", "x", "--judge-key", "sk-x", "--judge-base-url", "http://127.0.0.1:9/v1",
                 "--reranker", "oracle"]  # fmt: skip
    plan = run(*arguments, "--dry-run")
    assert tried == [] and list(empty.iterdir()) == []
    output = run(*arguments, status=2)
    assert len(tried) == 1
    assert output.count("by hand") == 1
    for name in TABLE2:
        assert plan.count(f"{name}.tsv is missing") == output.count(f"{name}.tsv is missing") == 1
        assert str(empty / f"{name}.tsv") in output
    assert output.count("it comes from https://") == len(TABLE2)


def test_a_dry_run_plans_what_is_there(run: Run, data: Path, tmp_path: Path, server: JudgeServer) -> None:
    (data / "WeMath.tsv").unlink()
    plan = run("--candidates", write_pack(tmp_path / "pack.jsonl"), "--suite", "table2", "--data-dir", data,
               "--work-dir", tmp_path / "out", "--reranker", "oracle", "--dry-run", *judged(server))  # fmt: skip
    assert "WeMath.tsv is missing" in plan and "this plan is made without it" in plan
    assert f"{POLICY} on LogicVista, 4 problems x 8:" in plan
    assert not (data / "WeMath.tsv").exists()


def test_all_that_need_a_judge_are_named_at_once(run: Run, data: Path, tmp_path: Path) -> None:
    output = run("--candidates", write_pack(tmp_path / "pack.jsonl"), "--suite", "table2", "--data-dir", data,
                 "--work-dir", tmp_path / "out", "--judge", "exact_matching", "--reranker", "oracle",
                 status=2)  # fmt: skip
    needing = "MathVista_MINI, MathVision_MINI, MathVerse_MINI_Vision_Only, LogicVista"
    assert f"{needing} cannot be graded without a judge" in output


def test_what_a_judge_talked_nonsense_about_is_tried_again(
    run: Run, data: Path, tmp_path: Path, server: JudgeServer
) -> None:
    arguments = ["--candidates", write_pack(tmp_path / "pack.jsonl"), "--data", "MMMU", "--data-dir", data, "-n", "8",
                 "--reranker", "oracle", "--work-dir", tmp_path / "out", *judged(server)]  # fmt: skip
    server.reply = lambda asked: "OK" if "Reply with" in asked else "foo bar baz"
    output = " ".join(run(*arguments).split())
    assert "5 of 5 texts failed to be graded" in output and "try them again with --retry-failed" in output
    assert not any(row["value"] for row in read_rows(tmp_path / "out"))
    server.reply = judge
    run(*arguments, "--retry-failed")
    assert value(read_rows(tmp_path / "out"), "first", 8, "MMMU_DEV_VAL") == 75


def unreachable(*arguments: object, **options: object) -> object:
    raise OSError("no network here")


def test_a_limit_is_seen_everywhere(run: Run, data: Path, tmp_path: Path, server: JudgeServer) -> None:
    run("--candidates", write_pack(tmp_path / "pack.jsonl"), "--data", "DynaMath", "--data-dir", data, "--limit", "3",
        "--reranker", "oracle", "--k", "8", "--work-dir", tmp_path / "out", *judged(server))  # fmt: skip
    rows = read_rows(tmp_path / "out")
    assert value(rows, "first", 8, "DynaMath") == 50  # Rows 1 and 2 are right, row 3 is wrong.
    assert {(row["n_problems"], row["n_total"]) for row in rows} == {("3", "5010")}
    assert "3 of 5,010 (0)" in (tmp_path / "out" / "results.md").read_text()
    assert len(rows_of("DynaMath")) == 4
