"""Rows that the host cannot use are found when a table is loaded; texts that read "None" are texts."""

from __future__ import annotations

import dataclasses
import logging

import pytest

from tests.host.material import grade_table, mcq_rows, picture, write_tsv
from tests.host.seven_tables import judge, rows_of
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import BenchmarkError, GradingError
from visualprm_eval.core.types import Verdict
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.data.usable import left_out_remark
from visualprm_eval.host.grading.grade_table import check_gradable
from visualprm_eval.run.export_problems import origin_of
from visualprm_eval.tasks import TASKS

EXACT = JudgeOptions(name="exact_matching")
RIGHT, WRONG = Verdict(1.0), Verdict(0.0)


def write(lmu, name, rows, change):
    change(rows)
    return write_tsv(lmu / f"{name}.tsv", rows)


def without(column, place=1):
    def change(rows):
        rows[place][column] = None

    return change


@pytest.mark.parametrize(
    ("name", "column", "reason"),
    [
        ("LogicVista", "answer", "no answer"),
        ("LogicVista", "question", "no question"),
        ("MathVista_MINI", "answer", "no answer"),
        ("DynaMath", "qid", "no qid"),
        ("WeMath", "key", "no key"),
    ],
)
def test_a_row_that_lacks_something_is_named_and_left_out(lmu, caplog, name, column, reason):
    write(lmu, name, rows_of(name), without(column))
    with caplog.at_level(logging.WARNING):
        benchmark = load_benchmark(name)
    assert "2" not in [problem.index for problem in benchmark.problems]
    assert len(benchmark.problems) == len(rows_of(name)) - 1 == len(benchmark.dataset.data)
    assert benchmark.left_out == {"row 2, index 2": reason}
    assert f"1 row of the file cannot be used: left out (row 2, index 2: {reason})" in caplog.text
    assert benchmark.total == benchmark.task.size, "who counts the benchmark's problems does not count such rows"


def test_blank_cells_say_nothing(lmu):
    write(lmu, "LogicVista", rows_of("LogicVista"), lambda rows: rows[1].update(answer=" ", question="\t"))
    assert load_benchmark("LogicVista").left_out == {"row 2, index 2": "no question and no answer"}


def test_logicvista_is_graded_without_its_row_that_has_no_answer(lmu, tmp_path, judge_server):
    """The host stumbles over such a row at the end, after all was paid for."""
    write(lmu, "LogicVista", rows_of("LogicVista"), without("answer"))
    judge_server.reply = judge
    benchmark = load_benchmark("LogicVista")
    texts = {index: f"[LogicVista/{index}] I take the matching one" for index in ("1", "3", "4")}
    local = JudgeOptions(name="local", base_url=judge_server.url, key="sk-x", retry=1, timeout_s=20)
    assert set(grade_table(benchmark, texts, tmp_path, local).values()) == {RIGHT}


@pytest.mark.parametrize("name", ["LogicVista", "MathVista_MINI", "WeMath", "MMMU_DEV_VAL"])
def test_a_file_without_any_answers_says_so(lmu, name):
    rows = rows_of(name)
    for row in rows:
        row["answer"] = None
    file = write_tsv(lmu / f"{name}.tsv", rows)
    benchmark = load_benchmark(name)
    assert benchmark.problems, "it can be sampled"
    with pytest.raises(GradingError, match=rf"{file}: its column answer is empty: there are no answers in it"):
        check_gradable(benchmark, EXACT)


def test_a_test_set_of_multiple_choice_has_no_answers(mmstar):
    write_tsv(mmstar, [{key: value for key, value in row.items() if key != "answer"} for row in mcq_rows()])
    benchmark = load_benchmark("MMStar")
    assert len(benchmark.problems) == 4
    with pytest.raises(GradingError, match=r"MMStar.tsv: it has no column answer: .* leave out the grading"):
        check_gradable(benchmark, EXACT)


def test_a_picture_that_other_rows_refer_to_stays(lmu):
    rows = [{"index": 0, "image": picture(), "question": None, "answer": "A", "A": "x", "B": "y"},
            {"index": 1, "image": "0", "question": "?", "answer": "B", "A": "x", "B": "y"}]  # fmt: skip
    write_tsv(lmu / "Own.tsv", rows)
    benchmark = load_benchmark("Own")
    assert [problem.index for problem in benchmark.problems] == ["1"]
    assert not benchmark.broken


def test_rows_without_an_index_do_not_change_the_others(mmstar):
    rows = mcq_rows()
    rows[1]["index"] = None
    write_tsv(mmstar, rows)
    benchmark = load_benchmark("MMStar")
    assert [problem.index for problem in benchmark.problems] == ["0", "2", "3"]
    assert benchmark.left_out == {"row 2": "no index"}
    assert benchmark.total == 4


def test_options_that_are_missing(mmstar):
    rows = mcq_rows()
    rows[1].update(dict.fromkeys("ABCD"))
    rows[3].update(D=None)
    write_tsv(mmstar, rows)
    benchmark = load_benchmark("MMStar")
    assert benchmark.left_out == {"row 2, index 1": "no options", "row 4, index 3": "no option D, its answer"}


def test_a_table_of_which_no_row_can_be_used_is_refused(mmstar):
    rows = [{**row, "question": None if row["index"] % 2 else "?", "answer": "A" if row["index"] % 2 else None}
            for row in mcq_rows()]  # fmt: skip
    write_tsv(mmstar, rows)
    with pytest.raises(
        BenchmarkError, match=r"MMStar: none of its rows can be used \(4 .*2 with no answer, 2 with no question"
    ):
        load_benchmark("MMStar")


@pytest.mark.parametrize("word", ["None", "NA", "nan", "null", "N/A", "NULL"])
def test_an_option_that_pandas_takes_for_nothing_is_an_option(mmstar, tmp_path, word):
    rows = mcq_rows("BBBB")
    rows[1].update(B=word, question=word)
    write_tsv(mmstar, rows)
    benchmark = load_benchmark("MMStar")
    problem = benchmark.problems[1]
    assert problem.choices["B"] == word
    assert word in problem.question.split()
    assert f"B. {word}" in problem.question
    texts = {"0": f"Answer: {word}", "1": f"Answer: {word}", "2": "Answer: B", "3": "Answer: A"}
    found = grade_table(benchmark, texts, tmp_path, EXACT)
    assert [found[index] for index in "123"] == [RIGHT, RIGHT, WRONG], "the grader sees it too"


def test_an_answer_that_reads_none_is_an_answer(lmu, tmp_path, judge_server):
    rows = rows_of("MathVista_MINI")
    for row in rows:
        row.update(answer_type="text", answer="None")
    write_tsv(lmu / "MathVista_MINI.tsv", rows)
    benchmark = load_benchmark("MathVista_MINI")
    assert [problem.answer for problem in benchmark.problems] == ["None"] * 4
    judge_server.reply = lambda text: "None"
    local = JudgeOptions(name="local", base_url=judge_server.url, key="sk-x", retry=1, timeout_s=20)
    assert set(grade_table(benchmark, {"1": "I see none of them there"}, tmp_path, local).values()) == {RIGHT}


def test_few_rows_are_named_and_many_are_counted():
    assert left_out_remark({}) == ""
    few = {f"row {number}": "no answer" for number in range(1, 4)}
    assert left_out_remark(few) == (
        "3 rows of the file cannot be used: left out (row 1: no answer; row 2: no answer; row 3: no answer)"
    )
    many = {**few, "row 9": "no question", "row 10": "no answer"}
    assert left_out_remark(many) == (
        "5 rows of the file cannot be used: left out (4 with no answer, 1 with no question)"
    )


def test_a_few_rows_that_cannot_be_used_make_a_benchmark_of_unknown_size_no_part(lmu):
    rows = [{**row, "image": picture(), "index": number} for number, row in enumerate(mcq_rows("A" * 301))]
    rows[300]["question"] = None
    write_tsv(lmu / "Own.tsv", rows)
    benchmark = load_benchmark("Own", write=False)
    assert (len(benchmark.problems), benchmark.total, len(benchmark.left_out)) == (300, 300, 1)
    for number in range(4):
        rows[number]["question"] = None
    write_tsv(lmu / "Own.tsv", rows)
    assert load_benchmark("Own", write=False).total == 301, "a damaged file is a part"


def test_a_file_with_more_rows_than_the_benchmark_is_said_to_have(lmu, seven, monkeypatch, caplog):
    name = seven("LogicVista")
    monkeypatch.setitem(TASKS, name, dataclasses.replace(TASKS[name], size=2))
    with caplog.at_level(logging.WARNING):
        benchmark = load_benchmark(name)
    assert (len(benchmark.problems), benchmark.total, benchmark.surplus) == (3, 2, 1)
    said = "the file has 1 problem more than the benchmark is said to have"
    assert said in caplog.text
    assert origin_of(benchmark)["surplus"] == 1
    assert load_benchmark(name, 2).total == 2
