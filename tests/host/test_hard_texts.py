"""Texts that graders of the host cannot take, or would read as something else: with its real graders."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.experiments import experiment_on, grader_in
from tests.host.material import grade_table, mcq_rows, picture, write_tsv
from tests.host.seven_tables import rows_of, write_seven
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import JudgeError
from visualprm_eval.core.types import Candidate, Spec, Verdict
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.toolkit import load_benchmark
from visualprm_eval.stages.grade.stage import grade_missing
from visualprm_eval.store import Store

EXACT = JudgeOptions(name="exact_matching")
RIGHT, WRONG = Verdict(1.0), Verdict(0.0)


def local(server):
    return JudgeOptions(name="local", base_url=server.url, key="sk-x", retry=1, timeout_s=20)


@pytest.fixture
def graded(tmp_path):
    """Grades texts, by index, through a store; gives verdicts by index."""
    with Store.open(tmp_path / "store.sqlite") as store:

        def grade(benchmark, texts, judge=EXACT):
            sampling, grading = Spec("sampling", {"policy": "P"}), Spec("grading", {"benchmark": benchmark.name})
            store.put_problems(benchmark.problems)
            store.put_spec(sampling)
            ids = {problem.index: problem.id for problem in benchmark.problems}
            candidates = [Candidate(ids[index], rank, text) for rank, (index, text) in enumerate(texts.items())]
            store.put_candidates(sampling.id, candidates)
            known = store.verdicts(grading.id, ids.values())
            work = [(one.problem_id, one.text_id, one.text) for one in candidates]
            work = [item for item in work if item[:2] not in known]
            grade_missing(store, experiment_on(benchmark, judge, grading), work, grader_in(tmp_path / "grading"))
            found = store.verdicts(grading.id, ids.values())
            return {index: found[ids[index], Candidate("", 0, text).text_id] for index, text in texts.items()}

        yield grade


# Columns of texts -----------------------------------------------------------------------------------------------------


def test_texts_are_read_as_they_stand_there(tmp_path):
    file = tmp_path / "a.tsv"
    rows = {"index": [1, 2], "prediction": ["007", "True"], "answer": ["None", "7"], "A": ["NA", "nan"],
            "unit": ["1.50", None], "size": [1.5, None], "res": ["", "null"]}  # fmt: skip
    pd.DataFrame(rows).to_csv(file, sep="\t", index=False)
    with texts_kept({"unit"}):
        read = pd.read_csv(file, sep="\t")
        assert list(read["prediction"]) == ["007", "True"]
        assert list(read["res"]) == ["", "null"]
        assert list(read["answer"]) == ["None", "7"]
        assert list(read["A"]) == ["NA", "nan"]
        assert read["unit"][0] == "1.50" and pd.isna(read["unit"][1])
        assert read["size"][0] == 1.5 and pd.isna(read["size"][1])
        assert list(read["index"]) == [1, 2]
        assert list(pd.read_csv(file, sep="\t", dtype=str)["index"]) == ["1", "2"], "who knows what it wants gets it"
    assert pd.isna(pd.read_csv(file, sep="\t")["answer"][0])


@pytest.mark.parametrize("words", [("7", "8"), ("True", "False"), ("1.50", "2"), ("007", "7")])
def test_wemath_takes_tables_of_numbers_and_truth_values(lmu, graded, words):
    write_seven(lmu, ["WeMath"])
    benchmark = load_benchmark("WeMath")
    texts = {
        problem.index: f"Answer: \\boxed{{{words[place % 2]}}}" for place, problem in enumerate(benchmark.problems)
    }
    assert set(graded(benchmark, texts).values()) == {WRONG}


def olympiad_rows(count, answers="7"):
    about = {"question": "How many?", "source": "maths_en_COMP", "answer_type": "Numerical", "unit": "",
             "is_multiple_answer": False, "error": "", "language": "English", "question_type": "Open-ended",
             "subfield": "Algebra", "context": ""}  # fmt: skip
    return [
        {**about, "index": number, "image": picture((number, 9, 9)), "final_answer": f"['{answers}']"}
        for number in range(count)
    ]


def test_olympiad_bench_takes_whole_numbers(lmu, graded, monkeypatch):
    from vlmeval.dataset import OlympiadBench

    monkeypatch.delitem(OlympiadBench.DATASET_MD5, "OlympiadBench")
    write_tsv(lmu / "OlympiadBench.tsv", olympiad_rows(4))
    benchmark = load_benchmark("OlympiadBench")
    texts = {str(number): str(7 + number % 2) for number in range(4)}
    assert [verdict.value for verdict in graded(benchmark, texts).values()] == [1.0, 0.0, 1.0, 0.0]


def test_a_part_of_a_table_is_read_as_the_whole(lmu, tmp_path):
    """A column of texts whose cells all look like numbers in a part of the table."""
    rows = rows_of("DynaMath")
    for row, kind in zip(rows, ("float", "float", "multiple choice", "multiple choice"), strict=True):
        row["answer_type"], row["answer"] = kind, "7" if kind == "float" else "B"
    for row in rows[2:]:
        row["answer"] = "B"
    write_tsv(lmu / "DynaMath.tsv", rows)
    benchmark = load_benchmark("DynaMath")
    assert grade_table(benchmark, {"1": "\\boxed{7}"}, tmp_path, EXACT) == {"1": RIGHT}


# Texts that a grader cannot take --------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["3²", "10²", "①"])
def test_dynamath_goes_on_without_what_it_cannot_take(lmu, graded, tmp_path, odd):
    """A digit to ``str.isdigit`` that is none to ``float``."""
    write_seven(lmu, ["DynaMath"])
    benchmark = load_benchmark("DynaMath")
    texts = {"1": "\\boxed{7}", "2": f"So \\boxed{{{odd}}}", "3": "\\boxed{7}", "4": "\\boxed{8}"}
    found = graded(benchmark, texts)
    assert [found[index] for index in "134"] == [RIGHT, RIGHT, WRONG]
    assert found["2"].value is None
    assert "the host's grader cannot take this text (ValueError: could not convert string to float" in found["2"].error
    assert graded(benchmark, texts) == found, "a rerun stops nowhere"
    assert len(list((tmp_path / "grading").iterdir())) == 1, "the log of the one text"


def test_a_judge_is_asked_nothing_twice_while_a_text_is_looked_for(lmu, tmp_path, judge_server):
    write_seven(lmu, ["DynaMath"])
    benchmark = load_benchmark("DynaMath")
    judge_server.reply = lambda text: "7"
    texts = {"1": "I say seven", "2": "3²", "3": "seven, I say", "4": "it is seven"}
    sampling, grading = Spec("sampling", {"policy": "P"}), Spec("grading", {"benchmark": "DynaMath"})
    ids = {problem.index: problem.id for problem in benchmark.problems}
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_problems(benchmark.problems)
        store.put_spec(sampling)
        candidates = [Candidate(ids[index], 0, text) for index, text in texts.items()]
        store.put_candidates(sampling.id, candidates)
        work = [(one.problem_id, one.text_id, one.text) for one in candidates]
        experiment = experiment_on(benchmark, local(judge_server), grading)
        grade_missing(store, experiment, work, grader_in(tmp_path / "grading"))
        found = [verdict.value for verdict in store.verdicts(grading.id, ids.values()).values()]
    assert sorted(found, key=str) == [1.0, 1.0, 1.0, None]
    asked = [body["messages"][-1]["content"] for _, body in judge_server.requests]
    about = [str(each) for each in asked if "Free-form answer" in str(each)]
    assert len(about) == len(set(about)) == 3


def test_a_judge_that_dies_over_a_table_is_no_texts_fault(lmu, tmp_path, judge_server):
    write_seven(lmu, ["DynaMath"])
    benchmark = load_benchmark("DynaMath")
    judge_server.reply = lambda text: 500 if "Free-form" in text else "OK"
    with pytest.raises(JudgeError):
        grade_table(benchmark, {"1": "I say seven", "2": "3²"}, tmp_path, local(judge_server))


def test_multiple_choice_goes_on_without_what_it_cannot_take(lmu, graded, monkeypatch):
    """Any grader of the host: here one of ours stands for what may raise in its code."""
    from vlmeval.dataset import ImageMCQDataset
    from vlmeval.dataset.utils import multiple_choice

    monkeypatch.delitem(ImageMCQDataset.DATASET_MD5, "MMStar")
    write_tsv(lmu / "MMStar.tsv", mcq_rows("ABCDABCD"))
    own = multiple_choice.can_infer

    def infer(answer, choices):
        if "poison" in answer:
            raise RuntimeError("cannot")
        return own(answer, choices)

    monkeypatch.setattr(multiple_choice, "can_infer", infer)
    benchmark = load_benchmark("MMStar")
    texts = {str(number): f"Answer: {letter}" for number, letter in enumerate("ABCDABCA")}
    texts["3"] = texts["5"] = "Answer: poison"
    found = graded(benchmark, texts)
    assert [verdict.value for verdict in found.values()] == [1.0, 1.0, 1.0, None, 1.0, None, 1.0, 0.0]


# Empty replies in the host's tables -----------------------------------------------------------------------------------


@pytest.mark.parametrize("judged", [True, False])
@pytest.mark.parametrize("empty", ["", " \n", "<think>The answer is B", "<think>B</think>"])
def test_multiple_choice_takes_an_empty_reply_for_no_option(lmu, tmp_path, monkeypatch, judge_server, judged, empty):
    """As where the figure of a whole table is the value; no judge is asked, and no option is drawn."""
    from vlmeval.dataset import ImageMCQDataset

    monkeypatch.delitem(ImageMCQDataset.DATASET_MD5, "MMStar")
    write_tsv(lmu / "MMStar.tsv", mcq_rows("BBBB"))
    judge_server.reply = lambda text: "B" if "MMStar" not in text and "Question" in text else "OK"
    benchmark = load_benchmark("MMStar")
    texts = {"0": empty, "1": empty, "2": empty, "3": "The answer is B"}
    judge = local(judge_server) if judged else EXACT
    assert list(grade_table(benchmark, texts, tmp_path, judge).values()) == [WRONG] * 3 + [RIGHT]
    assert not any("Question" in str(body) for _, body in judge_server.requests)


def test_wemath_takes_an_empty_reply_for_no_option(lmu, tmp_path):
    write_seven(lmu, ["WeMath"])
    benchmark = load_benchmark("WeMath")
    texts = {"1": "", "2": "Answer: \\boxed{B}", "3": "<think>B"}
    assert list(grade_table(benchmark, texts, tmp_path, EXACT).values()) == [WRONG, RIGHT, WRONG]
