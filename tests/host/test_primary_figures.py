"""The figures of the benchmarks that are used most, by the host's own graders: most for reference answers."""

from __future__ import annotations

import base64
import dataclasses
import io
import json

import pandas as pd
import pytest

from tests.host.material import mcq_rows, picture, write_tsv
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GradingError
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.grading.grade_table import check_gradable, evaluate_table, try_grader
from visualprm_eval.host.grading.host_figures import host_figure_of
from visualprm_eval.host.grading.reference_answers import reference_answers
from visualprm_eval.host.models.prompts import put_problems
from visualprm_eval.tasks.primary_figures import LOWER

EXACT = JudgeOptions(name="exact_matching")
WRONG = "unclear"


def rows(answers, column="answer", **columns):
    """Rows with these answers; other columns have one value for all, or a list with one for each."""
    return [
        {
            "index": number,
            "image": picture((10 * number, 9, 9)),
            "question": "What is it?",
            column: answer,
            **{name: value[number] if isinstance(value, list) else value for name, value in columns.items()},
        }
        for number, answer in enumerate(answers)
    ]


def choices(**columns):
    """Multiple-choice rows without the two splits of the usual ones."""
    return [{**row, "split": "val", "l2-category": "plants", **columns} for row in mcq_rows("ABCD")]


def pairs(categories):
    """Two questions to each of two pictures of every category, one to be answered with yes, the other with no."""
    names = [name for name in categories for _ in range(4)]
    pictures = [f"{number // 2}.png" for number in range(len(names))]
    return rows(["Yes", "No"] * (len(names) // 2), category=names, image_path=pictures)


def hallusion():
    kept = rows(["Yes", "No"] * 2, category="VD", **{"l2-category": "figure"})
    return [{**row, "index": f"VD_figure_0_{number // 2}_{number % 2}_0"} for number, row in enumerate(kept)]


def options_in_a_list():
    options = "['(A) apple', '(B) banana', '(C) cherry', '(D) date', '(E) none']"
    return rows(
        list("ABCE"), category="Perception/Remote Sensing", **{"multi-choice options": options, "l2-category": "color"}
    )


BLIND = ["Subway Connections", "Touching Circles", "Counting Grid - Blank Grids", "Circled Letter"]

# Name: rows, the figure's name, its greatest value for these rows.
MATCHED = {
    **{
        name: (choices(), "Overall", 100)
        for name in (
            "MMBench_DEV_EN", "MMBench_DEV_CN_V11", "CCBench", "MMStar", "AI2D_TEST", "SEEDBench_IMG", "ScienceQA_TEST",
            "RealWorldQA", "BLINK", "MUIRBench", "VStarBench", "MMMU_TEST", "MMMU_Pro_10c",
        )
    },
    "CV-Bench-2D": (choices(split="2D", source="ADE20K", prompt="Which?"), "Overall", 100),
    "MMVP": ([{**row, "question": "Which?"} for row in choices()], "Overall", 100),
    "MME-RealWorld-Lite": (options_in_a_list(), "Overall", 100),
    "VLMBlind": (rows(["2", "Yes", "5,6", "a"], "answers", task=BLIND), "mean over its tasks", 100),
    "MME": (pairs(["OCR", "color", "code_reasoning"]), "perception + reasoning", 600),
    "HallusionBench": (hallusion(), "mean of aAcc, fAcc and qAcc", 100),
    "POPE": (pairs(["popular", "random"]), "F1", 100),
    "AMBER": (
        [{**row, "answer": row["answer"].lower()} for row in pairs(["discriminative-hallucination", "relation"])],
        "Avg ACC", 100,
    ),
    "OCRBench": (rows(["['lemon']", "['melon', 'Melon']"], category="Doc-oriented VQA"), "Final Score", 2),
    "ChartQA_TEST": (rows(["7.5", "blue"], split="test_human"), "Overall", 100),
    "DocVQA_VAL": (rows(["['11 May', 'May 11']", "['x']"]), "Overall", 100),
    "InfoVQA_VAL": (rows(["['20%']", "['Twitter']"]), "Overall", 100),
    "TextVQA_VAL": (rows([str(["lipton"] * 10), str(["gas"] * 10)]), "Overall", 100),
    "GQA_TestDev_Balanced": (rows(["left", "no"]), "Overall", 100),
    "OCRVQA_TESTCORE": (rows(["Jane Austen", "Yes"]), "Overall", 100),
    "MTVQA_TEST": (rows(["Bahnhof", "출구"], category=["DE", "KR"], split="test"), "Average", 100),
    "CountBenchQA": (rows(["3", "12"]), "accuracy", 100),
    "ZEROBench": (rows(["blue square", "12.5", "ACB"], "answers"), "accuracy", 100),
    "ZEROBench_sub": (rows(["7", "Yes"], "answers"), "accuracy", 100),
    "CRPE_EXIST": (rows(["A. apple"] * 4, category="exist"), "total", 100),
}  # fmt: skip


@pytest.fixture
def put(lmu, monkeypatch):
    """Writes a benchmark's table and loads it."""
    from vlmeval.dataset import DATASET_CLASSES

    def load(name, table):
        owner = next(cls for cls in DATASET_CLASSES if name in cls.supported_datasets())
        monkeypatch.delitem(owner.DATASET_MD5, name, raising=False)
        file = getattr(owner, "DATASET_URL", {}).get(name, "").rpartition("/")[2] or f"{name}.tsv"
        write_tsv(lmu / file, table)
        if file != f"{name}.tsv":
            write_tsv(lmu / f"{name}.tsv", table)
        return load_benchmark(name)

    return load


@pytest.mark.parametrize("name", MATCHED)
def test_reference_answers_have_the_greatest_value_and_wrong_ones_less(put, tmp_path, name):
    table, metric, greatest = MATCHED[name]
    benchmark = put(name, table)
    trial = try_grader(benchmark, tmp_path, EXACT)
    figure = trial.figure
    assert (figure.metric, figure.greatest, figure.lower, trial.remark) == (metric, greatest, False, "")
    assert figure.value == pytest.approx(greatest)
    wrong = {problem.index: WRONG for problem in benchmark.problems}
    assert evaluate_table(benchmark, wrong, tmp_path, EXACT).take_figure().value < greatest / 2


def test_a_figure_that_needs_all_categories_is_not_taken_from_a_part(put, tmp_path):
    """The host's summary of MMT-Bench has a column for each of its 32 kinds, which must all be there."""
    from vlmeval.dataset.utils.multiple_choice import MMT_abbrs

    kinds = [{**choices()[0], "index": n, "l2-category": kind, "category": kind} for n, kind in enumerate(MMT_abbrs)]
    trial = try_grader(put("MMT-Bench_VAL", kinds[:3]), tmp_path, EXACT)
    assert (trial.figure, trial.verdicts, trial.remark) == (None, True, "")
    figure = try_grader(put("MMT-Bench_ALL", kinds), tmp_path, EXACT).figure
    assert (figure.metric, figure.value, figure.greatest) == ("Overall", 100, 100)


def test_captions_have_no_greatest_value(put, tmp_path):
    pytest.importorskip("pycocoevalcap")
    texts = ["['a red fruit on a table', 'one red apple']", "['two dogs play outside', 'dogs in the grass']"]
    trial = try_grader(put("COCO_VAL", rows(texts)), tmp_path, EXACT)
    assert (trial.figure.metric, trial.figure.greatest, trial.remark) == ("CIDEr", float("inf"), "")
    assert trial.figure.value > 0


def masked():
    """A table without answers: a point is right where the mask is white, which is the left half."""
    from PIL import Image

    mask = Image.new("L", (200, 100))
    mask.paste(255, (0, 0, 100, 100))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    coded = base64.b64encode(buffer.getvalue()).decode()
    kept = rows(["", ""], prompt="Point at it.", mask=coded, split="Location", step=1, suffix="")
    return [{name: cell for name, cell in row.items() if name != "answer"} for row in kept]


def test_points_are_counted_by_their_rate_not_by_their_number(put, tmp_path):
    benchmark = put("RefSpatial_Location", masked())
    figure = try_grader(benchmark, tmp_path, EXACT).figure
    assert (figure.metric, figure.greatest) == ("Success Rate (%)", 100)
    inside, outside = (json.dumps([{"point_2d": [x, 500]}]) for x in (100, 900))
    texts = {"0": f"It is there.\n\n```json\n{inside}\n```", "1": inside}
    assert evaluate_table(benchmark, texts, tmp_path, EXACT).take_figure().value == 100
    assert evaluate_table(benchmark, {**texts, "1": outside}, tmp_path, EXACT).take_figure().value == 50


def test_what_the_host_does_not_grade_is_refused_with_its_figures(put, tmp_path):
    benchmark = put("MME_CoT_TEST", rows(["A", "B"]))
    with pytest.raises(
        GradingError, match=r"the host does not grade it.*dummy_result \(0\).*--metric MME_CoT_TEST=NAME"
    ):
        try_grader(benchmark, tmp_path, EXACT)


@pytest.mark.parametrize("name", ["ChartX", "MMSafetyBench", "MMVet", "LLaVABench", "CharXiv_reasoning_val"])
def test_what_says_nothing_without_a_judge_needs_one(put, name):
    table = rows(["x", "y"], category="qa", inst_category=[1, 2], reasoning_q="?", grading_query="{PREDICTION}")
    with pytest.raises(GradingError, match="cannot be graded without a judge"):
        check_gradable(put(name, table), EXACT)


def local(server):
    return JudgeOptions(name="local", base_url=server.url, key="sk-x", retry=1, nproc=1)


def test_a_rate_of_attacks_is_better_the_lower_it_is(put, tmp_path, judge_server):
    judge_server.reply = lambda text: "unsafe" if "recipe" in text else "safe"
    benchmark = put("MMSafetyBench", rows(["I cannot help", "No"], category=["01-Illegal", "08-Political_Lobbying"]))
    trial = try_grader(benchmark, tmp_path, local(judge_server))
    assert trial.figure.metric == f"attack_rate ({LOWER})"
    assert (trial.figure.value, trial.figure.lower, trial.remark) == (0, True, "")
    texts = {"0": "the recipe", "1": "No"}
    assert evaluate_table(benchmark, texts, tmp_path, local(judge_server)).take_figure().value == 50
    judge_server.reply = lambda text: "unsafe"
    trial = try_grader(benchmark, tmp_path / "unsafe", local(judge_server))
    assert "come to 100.0 in the host's figure attack_rate (lower is better), expected 0" in trial.remark


def test_mixed_units_are_refused(put, tmp_path, judge_server):
    judge_server.reply = lambda text: "Answer: True"
    benchmark = put("ChartX", rows(["x", "y"], category="qa"))
    with pytest.raises(GradingError, match=r"units of their own.*--metric ChartX=NAME"):
        try_grader(benchmark, tmp_path, local(judge_server))


@pytest.mark.parametrize(("reply", "remark"), [("0.95", ""), ("0.5", "come to 50.0 in the host's figure")])
def test_a_judge_may_keep_a_tenth(put, tmp_path, judge_server, reply, remark):
    judge_server.reply = lambda text: reply
    benchmark = put("MMVet", rows(["lemon", "melon"], category="rec,ocr,know,gen,spat,math"))
    trial = try_grader(benchmark, tmp_path, local(judge_server))
    assert (trial.figure.metric, trial.figure.greatest) == ("Category=Overall|acc", 100)
    assert remark in trial.remark
    assert bool(trial.remark) == bool(remark)


def test_reference_answers_may_stand_in_another_column(put):
    table = rows(["", ""], caption="fruit", gpt4_ans=["It is a lemon.", ""], category="conv")
    benchmark = put("LLaVABench", table)
    assert reference_answers(benchmark, benchmark.problems) == [{"0": "It is a lemon.", "1": "unknown"}]


def test_regions_are_no_answers_that_a_policy_gives(put):
    benchmark = put("TallyQA", rows(["[1, 2, 30, 40]", "[[0.1, 0.1], [0.6, 0.5]]"]))
    assert reference_answers(benchmark, benchmark.problems) == []
    kept = put("CountBenchQA", rows(["[1, 2]", "['a', 'b', 'b']"]))
    assert reference_answers(kept, kept.problems) == [
        {"0": "[1, 2]", "1": "b"},
        {"0": "[1, 2]", "1": "['a', 'b', 'b']"},
    ]


def test_braces_are_asked_for_as_the_datasets_own_prompt_does(put):
    benchmark = put("ZEROBench", rows(["7"], "answers"))
    own = benchmark.problems[0].question
    cot, direct = (put_problems(benchmark, benchmark.problems, prompt)[0].question for prompt in ("cot", "direct"))
    assert all("in curly braces, like this: {final answer}" in " ".join(text.split()) for text in (own, cot, direct))
    assert own not in {cot, direct}


# Other benchmarks, and figures that somebody chose --------------------------------------------------------------------


@pytest.fixture
def returning(put, monkeypatch):
    """A benchmark that is in no table of ours, whose grader returns what it is told."""
    from vlmeval.dataset import TallyQA

    def load(result):
        monkeypatch.setattr(TallyQA, "evaluate", lambda *_args, **_options: result)
        return put("TallyQA", rows(["3", "4"]))

    return load


def test_a_lone_figure_needs_no_name(put, tmp_path):
    trial = try_grader(put("TallyQA", rows(["3", "4"])), tmp_path, EXACT)
    assert (trial.figure.metric, trial.figure.value, trial.remark) == ("TallyQA", 1, "")


@pytest.mark.parametrize(
    ("result", "metric"),
    [
        ({"Overall": 1.0, "acc": 0.5}, "Overall"),
        ({"acc": 1.0, "zeta": 3.0}, "acc"),
        ({"accuracy": 100.0, "n": 2}, "accuracy"),
        ([{"kind": "Overall", "acc": 1.0, "total": 2}, {"kind": "b", "acc": 1.0, "total": 2}], "kind=Overall|acc"),
        ([{"split": "a", "Overall": 1.0}, {"split": "b", "Overall": 1.0}], "Overall"),
    ],
)
def test_the_hosts_rule_goes_by_names(returning, tmp_path, result, metric):
    figure = try_grader(returning(pd.DataFrame(result) if isinstance(result, list) else result), tmp_path, EXACT).figure
    assert figure.metric == metric


@pytest.mark.parametrize(
    "result",
    [
        {"alpha": 1.0, "beta": 1.0},
        {"first accuracy": 1.0, "second accuracy": 1.0},
        [{"metric": "accuracy", "value": 1.0, "n": 2}, {"metric": "other", "value": 1.0, "n": 2}],
    ],
)
def test_the_alphabet_decides_nothing(returning, tmp_path, result):
    benchmark = returning(pd.DataFrame(result) if isinstance(result, list) else result)
    with pytest.raises(
        GradingError, match=r"no figure of the host's result is known.*--metric TallyQA=NAME"
    ) as refused:
        try_grader(benchmark, tmp_path, EXACT)
    assert all(name in str(refused.value) for name in map(str, result if isinstance(result, dict) else ("value", "|n")))


def test_a_chosen_figure(returning, tmp_path):
    benchmark = returning({"alpha": 100.0, "beta": 7.0, "errors": 0.0})

    def trial(metric):
        return try_grader(benchmark, tmp_path, dataclasses.replace(EXACT, metric=metric))

    assert (trial("alpha").figure.value, trial("alpha").remark) == (100, "")
    assert "come to 7.0 in the host's figure beta, expected 100 or 1" in trial("beta").remark, "but it goes on"
    assert (trial("lower:errors").figure.lower, trial("lower:errors").remark) == (True, "")
    with pytest.raises(GradingError, match=r"no figure gamma; it has alpha \(100\), beta \(7\), errors \(0\)"):
        trial("gamma")


def test_reference_answers_that_the_grader_does_not_take_stop_the_run(put, tmp_path):
    """Of a sentence the grader gets what it concludes with, which is not the answer as it stands."""
    benchmark = put("GQA_TestDev_Balanced", rows(["It weighs 3 kg in all, so it is heavy", "no"]))
    with pytest.raises(GradingError) as refused:
        try_grader(benchmark, tmp_path, EXACT)
    said = str(refused.value)
    assert "come to 50.0 in the host's figure Overall, expected 100" in said
    assert "row 0: 'It weighs 3 kg in all, so it is heavy', shown as '3 kg'" in said
    assert "--prediction raw" in said
    assert "--metric GQA_TestDev_Balanced=Overall" in said
    told = try_grader(benchmark, tmp_path, dataclasses.replace(EXACT, metric="Overall"))
    assert "come to 50.0" in told.remark
    raw = dataclasses.replace(EXACT, prediction="raw")
    assert try_grader(benchmark, tmp_path, raw).remark == ""


@pytest.mark.parametrize("share", [0.001, 0.5])
def test_few_right_ones_are_few(mmstar, tmp_path, share):
    """A class with a rule of its own counts in percent: one of a thousand is 0.1, not 10."""
    benchmark = load_benchmark("MMStar")
    figure = host_figure_of(benchmark, pd.DataFrame([{"split": "none", "Overall": share}]), ["0"])
    assert (figure.value, figure.metric) == (100 * share, "Overall Acc")


def test_the_parser_of_points_can_log(host):
    from vlmeval.dataset.utils.spatial_bench.tools.utils import Point2DParser

    Point2DParser._has_logged_hint = False
    Point2DParser.log_hint("RefSpatial")
    assert Point2DParser._has_logged_hint
