from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import math
import time

import pandas as pd
import pytest

from tests.host.material import demo_rows, grade_table, host_figure, mcq_rows, write_tsv
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GradingError, NoVerdictsError
from visualprm_eval.core.types import Verdict
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.grading.grade_table import check_gradable
from visualprm_eval.host.grading.host_figures import HostFigure, host_figure_of
from visualprm_eval.host.grading.judge import judge_spec, probe_judge
from visualprm_eval.host.grading.prediction_file import sanitise, write_predictions
from visualprm_eval.tasks import Task

RIGHT, WRONG = Verdict(1.0), Verdict(0.0)


def test_demo_world_takes_the_final_answer(demo_world, tmp_path):
    texts = {
        "0": "0 plus 1.\n\nThe answer is 1.",
        "1": "The picture shows 1.\n\nSo \\boxed{2}",
        "2": "Answer: 4",
        "3": "I do not know.",
    }
    verdicts = grade_table(load_benchmark("DemoWorld"), texts, tmp_path / "grading", JudgeOptions())
    assert verdicts == {"0": RIGHT, "1": RIGHT, "2": WRONG, "3": WRONG}


def test_multiple_choice_by_exact_matching(mmstar, tmp_path):
    texts = {
        "0": "It is a fruit that A person eats.\n\nThe answer is A.",
        "1": "banana",
        "2": "Final answer: (B)",
        "3": "no idea",
    }
    verdicts = grade_table(load_benchmark("MMStar"), texts, tmp_path / "grading", JudgeOptions())
    assert verdicts == {"0": RIGHT, "1": RIGHT, "2": WRONG, "3": WRONG}


def test_short_answers_by_the_hosts_own_rule(lmu, tmp_path, monkeypatch):
    from vlmeval.dataset import ImageVQADataset

    monkeypatch.delitem(ImageVQADataset.DATASET_MD5, "ChartQA_TEST")
    write_tsv(lmu / "ChartQA_TEST.tsv", [{**row, "split": "all"} for row in demo_rows()])
    benchmark = load_benchmark("ChartQA_TEST")
    # ChartQA forgives five per cent.
    texts = {"0": "The answer is 1.04.", "1": "The answer is 2.2.", "2": "3", "3": "\\boxed{4.0}"}
    verdicts = grade_table(benchmark, texts, tmp_path, JudgeOptions())
    assert verdicts == {"0": RIGHT, "1": WRONG, "2": RIGHT, "3": RIGHT}


def test_several_tables_of_one_benchmark(mmstar, tmp_path):
    benchmark = load_benchmark("MMStar")
    place = tmp_path / "grading"
    first = grade_table(benchmark, {"0": "A", "1": "A"}, place, JudgeOptions())
    second = grade_table(benchmark, {"1": "B", "2": "B", "3": "D"}, place, JudgeOptions())
    assert first == {"0": RIGHT, "1": WRONG}
    assert second == {"1": RIGHT, "2": WRONG, "3": RIGHT}


def test_the_host_answers_with_stale_scores_in_a_used_folder(mmstar, tmp_path):
    """Why each table gets a folder of its own."""
    benchmark = load_benchmark("MMStar")
    file = write_predictions(benchmark, {"0": "A"}, tmp_path)
    benchmark.dataset.evaluate(str(file), model="exact_matching", nproc=1)
    write_predictions(benchmark, {"0": "B"}, tmp_path)
    benchmark.dataset.evaluate(str(file), model="exact_matching", nproc=1)
    results = [path for path in tmp_path.glob("*_result.*") if path.suffix != ".pkl"]
    assert [list(pd.read_excel(path)["hit"]) for path in results] == [[1]]
    assert grade_table(benchmark, {"0": "B"}, tmp_path, JudgeOptions()) == {"0": WRONG}


NASTY = [
    "", "   ", "\n", "None", "NA", "nan", "null", "N/A", "-", "007", "1e5", "7", "True", "=1+1", "{=1}", "+1", "-1",
    "@x", "a\tb", 'say "no"', "line\nbreak", "line\r\nbreak", "\r", "\x00", "\x07bell", "\ud800 lone", "\udcff", "😀",
    "😀 7", "a" * 40_000, "http://example.org/" + "x" * 3000, "# hash", "\\", '"', "'", "\u2028", "\ufeff", "\x1a", ",",
]  # fmt: skip


def own_benchmark(lmu, count, name="Own"):
    rows = [{"index": number, "image_path": "none.png", "question": "?", "answer": "07"} for number in range(count)]
    write_tsv(lmu / f"{name}.tsv", rows)
    return load_benchmark(name)


@pytest.mark.parametrize("texts", [NASTY, ["1", "2"], ["007"], ["1", ""], ["True", "False"], ["None"], ["1.50", "2"]])
def test_the_host_reads_what_was_meant(lmu, tmp_path, texts):
    from vlmeval.smp import load

    benchmark = own_benchmark(lmu, len(texts))
    file = write_predictions(benchmark, {str(index): text for index, text in enumerate(texts)}, tmp_path)
    with texts_kept():
        read = list(load(str(file))["prediction"])
    assert read == [sanitise(text) for text in texts]
    for text, got in zip(texts, read, strict=True):
        if text.strip() and text.isprintable():
            assert got.strip() == text.strip()


def test_sanitise_keeps_ordinary_texts():
    for text in ("The answer is 7.", "7", "x = -1", "A\n\nB", "日本"):
        assert sanitise(text) == text
    assert sanitise("") == sanitise(" \n") == sanitise("\t") != ""
    assert sanitise("None") == " None"


def test_nasty_texts_are_graded(demo_world, tmp_path):
    benchmark = load_benchmark("DemoWorld")
    for start in range(0, len(NASTY), 4):
        texts = {str(number): text for number, text in enumerate(NASTY[start : start + 4])}
        verdicts = grade_table(benchmark, texts, tmp_path, JudgeOptions())
        assert set(verdicts) == set(texts)
        assert all(verdict.error is None for verdict in verdicts.values())


def test_output_goes_to_the_log(mmstar, tmp_path, capfd, monkeypatch):
    benchmark = load_benchmark("MMStar")
    evaluate = type(benchmark.dataset).evaluate

    def fail(self, file, **options):
        evaluate(self, file, **options)
        raise RuntimeError("at the end")

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", fail)
    gc.collect()  # What other tests left open is told now, not then.
    capfd.readouterr()
    with pytest.raises(GradingError, match="at the end"):
        grade_table(benchmark, {"0": "A"}, tmp_path / "grading", JudgeOptions())
    assert capfd.readouterr() == ("", "")
    [log] = (tmp_path / "grading").glob("*/host.log")
    assert "100%" in log.read_text()


def test_only_tables_without_all_verdicts_keep_their_folder(lmu, tmp_path, monkeypatch):
    benchmark = own_benchmark(lmu, 2)
    place = tmp_path / "grading"

    def evaluate(self, file, **options):
        table = pd.DataFrame({"index": [0], "hit": [1]})
        table.to_csv(file.replace(".tsv", "_result.tsv"), sep="\t", index=False)

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    assert grade_table(benchmark, {"0": "7"}, place, JudgeOptions()) == {"0": RIGHT}
    assert list(place.iterdir()) == []
    assert grade_table(benchmark, {"0": "7", "1": "8"}, place, JudgeOptions())["1"].value is None
    [folder] = place.iterdir()
    assert (folder / "host.log").is_file()


def test_an_exact_matching_judge_named_explicitly(mmstar, tmp_path):
    benchmark = load_benchmark("MMStar")
    judge = JudgeOptions(name="exact_matching")
    assert benchmark.task.judged_by(judge).used is False
    check_gradable(benchmark, judge)
    assert grade_table(benchmark, {"0": "The answer is A.", "1": "A"}, tmp_path, judge) == {"0": RIGHT, "1": WRONG}


def test_unknown_index(mmstar, tmp_path):
    with pytest.raises(GradingError, match="no rows 17"):
        grade_table(load_benchmark("MMStar"), {"0": "A", "17": "B"}, tmp_path, JudgeOptions())


def test_dataset_without_an_evaluation(lmu, tmp_path):
    benchmark = own_benchmark(lmu, 1)
    with pytest.raises(GradingError, match="NotImplementedError"):
        grade_table(benchmark, {"0": "7"}, tmp_path, JudgeOptions())


def test_yes_or_no(lmu, tmp_path, monkeypatch):
    from vlmeval.dataset import ImageYORNDataset

    monkeypatch.setitem(ImageYORNDataset.DATASET_URL, "OwnYesNo", "")
    rows = [{**row, "answer": answer} for row, answer in zip(demo_rows(3), ["Yes", "No", "Yes"], strict=True)]
    write_tsv(lmu / "OwnYesNo.tsv", rows)
    texts = {"0": "It is red.\n\nThe answer is yes.", "1": "Yes", "2": "perhaps"}
    verdicts = grade_table(load_benchmark("OwnYesNo"), texts, tmp_path, JudgeOptions())
    assert verdicts == {"0": RIGHT, "1": WRONG, "2": WRONG}


def test_verdicts_that_are_not_understood(lmu, tmp_path, monkeypatch):
    benchmark = own_benchmark(lmu, 1)
    monkeypatch.setattr(type(benchmark.dataset), "evaluate", lambda self, file, **options: {"Overall": 1.0})
    with pytest.raises(NoVerdictsError, match="CustomVQADataset, type VQA"):
        grade_table(benchmark, {"0": "7"}, tmp_path, JudgeOptions())


@pytest.mark.parametrize(
    ("column", "values", "second"),
    [("hit", [1, 0], 0.0), ("score", [1, 0.25], 0.25), ("correct", [True, False], 0.0), ("score", [3, 5], None),
     ("correct", ["good", "bad"], None)],
)  # fmt: skip
def test_columns_that_graders_leave(lmu, tmp_path, monkeypatch, column, values, second):
    benchmark = own_benchmark(lmu, 2)

    def evaluate(self, file, **options):
        table = pd.DataFrame({"index": [0, 1], column: values})
        table.to_csv(file.replace(".tsv", "_result.tsv"), sep="\t", index=False)

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    texts = {"0": "7", "1": "8"}
    if second is None:
        with pytest.raises(NoVerdictsError):
            grade_table(benchmark, texts, tmp_path, JudgeOptions())
    else:
        assert grade_table(benchmark, texts, tmp_path, JudgeOptions()) == {"0": RIGHT, "1": Verdict(second)}


def test_rows_that_the_host_skips_have_no_verdict(lmu, tmp_path, monkeypatch):
    benchmark = own_benchmark(lmu, 3)

    def evaluate(self, file, **options):
        table = pd.DataFrame({"index": [0, 1], "hit": [1, None]})
        table.to_csv(file.replace(".tsv", "_result.tsv"), sep="\t", index=False)

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    verdicts = grade_table(benchmark, {"0": "7", "1": "8", "2": "9"}, tmp_path, JudgeOptions())
    assert verdicts["0"] == RIGHT
    assert verdicts["1"].value is verdicts["2"].value is None
    assert "did not grade" in verdicts["1"].error


def test_verdicts_out_of_range_are_refused(lmu, tmp_path, monkeypatch):
    benchmark = own_benchmark(lmu, 1)

    def evaluate(self, file, **options):
        table = pd.DataFrame({"index": [0], "hit": [50]})
        table.to_csv(file.replace(".tsv", "_result.tsv"), sep="\t", index=False)

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    with pytest.raises(GradingError, match="between 0 and 1"):
        grade_table(benchmark, {"0": "7"}, tmp_path, JudgeOptions())


def test_unwritable_and_unusable_folders(mmstar, tmp_path):
    benchmark = load_benchmark("MMStar")
    (tmp_path / "file").write_text("")
    with pytest.raises(GradingError, match="cannot write"):
        grade_table(benchmark, {"0": "A"}, tmp_path / "file", JudgeOptions())
    with pytest.raises(GradingError, match=r"\.tsv in its path"):
        grade_table(benchmark, {"0": "A"}, tmp_path / "my.tsv.d", JudgeOptions())


# The judge ------------------------------------------------------------------------------------------------------------


def local_judge(server, **options):
    return JudgeOptions(name="local", base_url=server.url, key="sk-secret", retry=1, timeout_s=20, **options)


def test_judge_reads_what_matching_cannot(mmstar, tmp_path, judge_server):
    judge_server.reply = lambda text: "B" if "yellow and long" in text else "OK"
    texts = {"0": "A", "1": "the yellow and long one", "2": "C"}
    verdicts = grade_table(load_benchmark("MMStar"), texts, tmp_path, local_judge(judge_server))
    assert verdicts == {"0": RIGHT, "1": RIGHT, "2": RIGHT}
    headers, body = judge_server.requests[0]
    assert headers["Authorization"] == "Bearer sk-secret"
    assert body["model"] == "local"


def test_the_key_is_nowhere(mmstar, tmp_path, judge_server):
    judge = local_judge(judge_server)
    judge_server.reply = lambda text: "OK" if text in {"hello", "Reply with: OK"} else "I cannot tell"
    grade_table(load_benchmark("MMStar"), {"1": "the yellow one"}, tmp_path, judge)  # Unread, so its folder stays.
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"[secret]" in written  # The host does log it.
    assert b"sk-secret" not in written
    assert "sk-secret" not in repr(judge)
    assert "sk-secret" not in json.dumps(judge_spec(judge))


@pytest.mark.parametrize("where", ["GOOGLE_API_KEY", "XAI_API_KEY", "HF_TOKEN", "password", "query"])
def test_other_secrets_are_nowhere_either(mmstar, tmp_path, judge_server, monkeypatch, where):
    """The host takes the keys of vendors from the environment by the judge's name, and logs them and the address."""
    secret, url, names = (
        "not-for-everybody",
        judge_server.url,
        {"GOOGLE_API_KEY": "gemini-2.0", "XAI_API_KEY": "grok-2"},
    )
    if where == "password":
        url = url.replace("http://", f"http://me:{secret}@")
    elif where == "query":
        url = f"{url}?api-key={secret}"
    else:
        monkeypatch.setenv(where, secret)
    judge = JudgeOptions(name=names.get(where, "local"), base_url=url, retry=1, timeout_s=20)
    judge_server.reply = lambda text: "OK" if text in {"hello", "Reply with: OK"} else f"I cannot tell {secret}"
    with contextlib.suppress(GradingError):  # Not every address is one that the host can use.
        grade_table(load_benchmark("MMStar"), {"1": "the yellow one"}, tmp_path / "grading", judge)
    logs = list((tmp_path / "grading").glob("*/host.log"))
    assert logs
    assert all(secret not in log.read_text() for log in logs)


def test_a_dead_judge_is_an_error_at_once(mmstar, tmp_path):
    judge = JudgeOptions(name="local", base_url="http://127.0.0.1:9/v1", key="sk-secret")
    start = time.monotonic()
    with pytest.raises(GradingError, match=r"the judge local at http://127\.0\.0\.1:9/v1 does not answer") as caught:
        grade_table(load_benchmark("MMStar"), {"0": "A"}, tmp_path, judge)
    assert time.monotonic() - start < 30
    assert "sk-secret" not in str(caught.value)


def test_a_judge_that_refuses_is_an_error(judge_server):
    judge_server.reply = lambda text: 401
    with pytest.raises(GradingError, match="status 401"):
        probe_judge(local_judge(judge_server))


@pytest.mark.parametrize("key", ["sk-secret", "x"])  # A letter must not be blanked out of "exact matching".
def test_a_judge_that_dies_after_the_probe_is_an_error(mmstar, tmp_path, judge_server, key):
    answered = []

    def reply(text):
        answered.append(text)
        return "OK" if len(answered) == 1 else 500

    judge_server.reply = reply
    with pytest.raises(GradingError, match="does not answer"):
        judge = dataclasses.replace(local_judge(judge_server), key=key)
        grade_table(load_benchmark("MMStar"), {"1": "the yellow one"}, tmp_path, judge)


def probes(server):
    return sum("Reply with: OK" in json.dumps(body) for _, body in server.requests)


def test_a_judge_is_probed_once_until_it_stops_answering(mmstar, tmp_path, judge_server):
    benchmark, judge = load_benchmark("MMStar"), local_judge(judge_server)
    for _ in range(2):
        check_gradable(benchmark, judge)
        assert grade_table(benchmark, {"0": "A"}, tmp_path, judge) == {"0": RIGHT}
    assert probes(judge_server) == 1
    judge_server.reply = lambda text: 500
    with pytest.raises(GradingError, match="does not answer"):
        grade_table(benchmark, {"0": "the red and round one"}, tmp_path, judge)
    with pytest.raises(GradingError, match="status 500"):
        check_gradable(benchmark, judge)


def test_what_cannot_be_graded_is_known_before(demo_world, mmstar, judge_server, tmp_path):
    judge = local_judge(judge_server)
    check_gradable(load_benchmark("DemoWorld"), JudgeOptions())
    assert judge_server.requests == []
    known = load_benchmark("MMStar")
    task = Task(name="MMStar", host_dataset="MMStar", needs_judge=True, judge="gpt-4o-mini")
    judged = dataclasses.replace(known, task=task)
    with pytest.raises(GradingError, match="without a judge: name one with --judge"):
        check_gradable(judged, JudgeOptions(name="exact_matching"))
    judge_server.reply = lambda text: 401
    with pytest.raises(GradingError, match="status 401"):
        check_gradable(judged, judge)


def test_the_bundled_benchmark_needs_no_judge_but_bears_one(demo_world, tmp_path, judge_server):
    texts = {"0": "The answer is 1."}
    assert grade_table(load_benchmark("DemoWorld"), texts, tmp_path, local_judge(judge_server)) == {"0": RIGHT}


def test_the_hosts_dice_are_failures(mmstar, tmp_path, judge_server):
    judge_server.reply = lambda text: "OK" if text in {"hello", "Reply with: OK"} else "I cannot tell"
    texts = {"0": "A", "1": "the yellow one"}
    verdicts = grade_table(load_benchmark("MMStar"), texts, tmp_path, local_judge(judge_server))
    assert verdicts["0"] == RIGHT
    assert verdicts["1"].value is None
    assert "at random" in verdicts["1"].error


def test_judge_with_a_slash_in_its_name(mmstar, tmp_path, judge_server, monkeypatch):
    monkeypatch.setenv("LOCAL_LLM", "somebody/else")
    judge_server.reply = lambda text: "B" if "yellow" in text else "OK"
    benchmark = load_benchmark("MMStar")
    for name in ("org/served", "plain"):
        judge = JudgeOptions(name=name, base_url=judge_server.url, key="sk-x", retry=1, timeout_s=20)
        assert grade_table(benchmark, {"1": "the yellow one"}, tmp_path, judge) == {"1": RIGHT}
        assert judge_server.requests[-1][1]["model"] == name


def test_a_benchmark_that_needs_a_judge_says_so(lmu, tmp_path, monkeypatch):
    benchmark = own_benchmark(lmu, 1)

    def evaluate(self, file, **options):
        raise AssertionError("no judge")

    monkeypatch.setattr(type(benchmark.dataset), "evaluate", evaluate)
    task = Task(name="Own", host_dataset="Own", needs_judge=True, judge="gpt-4o-mini")
    judged = type(benchmark)(benchmark.name, task, benchmark.dataset, benchmark.problems)
    with pytest.raises(GradingError, match="needs a judge: name one with --judge"):
        grade_table(judged, {"0": "7"}, tmp_path, JudgeOptions(name="exact_matching"))


def test_judge_specs():
    task = Task(name="Own", host_dataset="Own", needs_judge=True, judge="gpt-4o-mini")
    assert task.judged_by(JudgeOptions()).name == "gpt-4o-mini"
    assert task.judged_by(JudgeOptions(name="mine")).name == "mine"
    assert not JudgeOptions(name="exact_matching").used
    assert judge_spec(JudgeOptions(name="m", base_url="http://me:pass@host/v1?key=sk-secret")) == {
        "judge": "m",
        "judge_url": "host/v1",
    }
    assert judge_spec(JudgeOptions(name="exact_matching", base_url="http://host/v1")) == {"judge": "exact_matching"}


def test_splits_and_rows_of_a_limited_benchmark(mmstar, tmp_path):
    benchmark = load_benchmark("MMStar", limit=2)
    texts = {problem.index: row["answer"] for problem, row in zip(benchmark.problems, mcq_rows(), strict=False)}
    assert grade_table(benchmark, texts, tmp_path, JudgeOptions()) == {"0": RIGHT, "1": RIGHT}


def test_the_bundled_benchmark(lmu, tmp_path):
    benchmark = load_benchmark("DemoWorld")
    assert len(benchmark.problems) >= 300
    assert benchmark.broken == {}
    right = {problem.index: f"Some step.\n\nThe answer is {problem.answer}." for problem in benchmark.problems}
    assert set(grade_table(benchmark, right, tmp_path, JudgeOptions()).values()) == {RIGHT}
    wrong = dict.fromkeys(right, "The answer is -1.")
    assert set(grade_table(benchmark, wrong, tmp_path, JudgeOptions()).values()) == {WRONG}


def test_the_hosts_primary_metric_of_a_whole_table(mmstar, lmu, demo_world, tmp_path, monkeypatch):
    """In percent, whatever the class counts in; of a benchmark without a task of its own too."""
    from vlmeval.dataset import ImageVQADataset

    monkeypatch.delitem(ImageVQADataset.DATASET_MD5, "ChartQA_TEST")
    write_tsv(lmu / "ChartQA_TEST.tsv", [{**row, "split": "all"} for row in demo_rows()])
    texts = {
        "MMStar": {"2": "B", "3": "D"},  # Of one split: the tables of picks are.
        "ChartQA_TEST": {"0": "1", "1": "2", "2": "9", "3": "9"},
        "DemoWorld": {"0": "\\boxed{1}", "1": "\\boxed{7}", "2": "\\boxed{7}", "3": "\\boxed{7}"},
    }
    found = {name: host_figure(load_benchmark(name), told, tmp_path, JudgeOptions()) for name, told in texts.items()}
    assert {name: figure.value for name, figure in found.items()} == {
        "MMStar": 50.0, "ChartQA_TEST": 50.0, "DemoWorld": 25.0,
    }  # fmt: skip
    assert {figure.metric for figure in found.values()} == {"Overall"}, "without the split, which tables have one of"


def test_no_figure_where_the_host_names_no_single_metric(mmstar):
    benchmark = load_benchmark("MMStar")
    assert host_figure_of(benchmark, {"words": "none"}, ["0"]) is None
    assert host_figure_of(benchmark, None, ["0"]) is None
    assert host_figure_of(benchmark, {"Overall": math.nan}, ["0"]) is None
    assert host_figure_of(benchmark, {"Overall": 0.25, "other": 0.5}, ["0"]) == HostFigure(25.0, "Overall", 100.0)
