"""The paper's seven benchmarks: verdicts of their graders, and what goes wrong in these."""

from __future__ import annotations

import time

import pytest

from tests.host.material import grade_table, host_figure, write_tsv
from tests.host.seven_tables import BY_HAND, TABLE2, judge, pattern, rows_of, text, write_seven
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import BenchmarkError, GradingError
from visualprm_eval.core.types import Verdict
from visualprm_eval.host.data.benchmarks import load_benchmark
from visualprm_eval.host.grading.grade_table import check_gradable
from visualprm_eval.host.grading.host_figures import countable, tolerance
from visualprm_eval.host.grading.judge_replies import Asked
from visualprm_eval.host.grading.verdict_readers import UNREAD
from visualprm_eval.store import Store

RIGHT, WRONG = Verdict(1.0), Verdict(0.0)
NEED_A_JUDGE = ("MathVista_MINI", "MathVision_MINI", "MathVerse_MINI_Vision_Only", "LogicVista")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tables(lmu):
    write_seven(lmu, (*TABLE2, "MathVision"))
    return lmu


def local(server, **options):
    return JudgeOptions(
        **{"name": "local", "base_url": server.url, "key": "sk-x", "retry": 1, "timeout_s": 20, **options}
    )


def texts_of(name):
    return {index: text(name, int(index), right=right) for index, right in pattern(name).items()}


@pytest.mark.parametrize("name", TABLE2)
def test_verdicts_by_a_judge(tables, judge_server, tmp_path, name):
    judge_server.reply = judge
    benchmark = load_benchmark(name)
    texts, tally = texts_of(name), Asked()
    verdicts = grade_table(benchmark, texts, tmp_path / "grading", local(judge_server), tally=tally)
    assert verdicts == {index: RIGHT if right else WRONG for index, right in pattern(name).items()}
    assert tally.made >= len(texts)
    values = [verdicts[problem.index].value for problem in benchmark.problems]
    assert 100 * benchmark.task.aggregate(benchmark.problems, values) == pytest.approx(BY_HAND[name])
    # The host's own figure of the whole table says the same.
    indices = countable(benchmark, list(texts))
    figure = host_figure(benchmark, {i: texts[i] for i in indices}, tmp_path / "grading", local(judge_server))
    assert figure.value == pytest.approx(BY_HAND[name], abs=tolerance(benchmark, indices))


def test_mmmu_is_its_validation_split(tables):
    benchmark = load_benchmark("MMMU_DEV_VAL")
    assert {problem.split for problem in benchmark.problems} == {"validation"}
    assert (len(benchmark.problems), benchmark.total) == (4, 900)
    rows = [{**row, "split": "dev"} for row in rows_of("MMMU_DEV_VAL")]
    write_tsv(tables / "MMMU_DEV_VAL.tsv", rows)
    with pytest.raises(BenchmarkError, match="no rows whose split is validation"):
        load_benchmark("MMMU_DEV_VAL")


@pytest.mark.parametrize("name", TABLE2)
def test_a_part_of_a_table_has_the_same_verdicts(tables, judge_server, tmp_path, name):
    """A table of the texts that lack a verdict is any part of the benchmark."""
    judge_server.reply = judge
    benchmark = load_benchmark(name)
    last = benchmark.problems[-1].index
    for right in (True, False):
        texts = {last: text(name, int(last), right=right)}
        assert grade_table(benchmark, texts, tmp_path, local(judge_server)) == {last: RIGHT if right else WRONG}


@pytest.mark.parametrize("name", TABLE2)
def test_nasty_texts_are_graded(tables, judge_server, tmp_path, name):
    nasty = ["", "None", "007", "=1+1", "\ud800 lone", "\x00", "a" * 40_000, "True"]
    wanted = "7" if name == "DynaMath" else "A"
    judge_server.reply = lambda asked: "1" if "Judgement:" in asked[-40:] else wanted
    benchmark = load_benchmark(name)
    for start in (0, 4):
        texts = {problem.index: each for problem, each in zip(benchmark.problems, nasty[start:], strict=False)}
        verdicts = grade_table(benchmark, texts, tmp_path, local(judge_server))
        assert set(verdicts) == set(texts)
        assert all(verdict.error is None for verdict in verdicts.values())


@pytest.mark.parametrize("name", NEED_A_JUDGE)
def test_some_need_a_judge(tables, name):
    with pytest.raises(GradingError, match="without a judge: name one with --judge"):
        check_gradable(load_benchmark(name), JudgeOptions(name="exact_matching"))


@pytest.mark.parametrize("name", ["MMMU_DEV_VAL", "DynaMath", "WeMath"])
def test_some_can_do_without(tables, tmp_path, name, monkeypatch):
    from vlmeval.api import OpenAIWrapper

    def refuse(self, *arguments, **options):
        raise AssertionError("grading without a judge asked one")

    monkeypatch.setattr(OpenAIWrapper, "generate_inner", refuse)
    benchmark = load_benchmark(name)
    answer = {"DynaMath": "\\boxed{7}"}.get(name, "Answer: \\boxed{B}")
    other = {"DynaMath": "\\boxed{8}"}.get(name, "Answer: \\boxed{A}")
    right = {index: f"A sum gives 2.\n\n{answer if good else other}" for index, good in pattern(name).items()}
    exact = JudgeOptions(name="exact_matching")
    check_gradable(benchmark, exact)
    verdicts = grade_table(benchmark, right, tmp_path, exact)
    assert verdicts == {index: RIGHT if good else WRONG for index, good in pattern(name).items()}
    indices = countable(benchmark, list(right))
    figure = host_figure(benchmark, {i: right[i] for i in indices}, tmp_path, exact)
    assert figure.value == pytest.approx(BY_HAND[name], abs=tolerance(benchmark, indices))


def test_a_lone_letter_is_misread_in_a_whole_solution(tables, tmp_path):
    """Why final answers go to exact matching: the host takes the only letter for the answer."""
    benchmark = load_benchmark("MMMU_DEV_VAL")
    texts = {"2": "A sum gives 2, so it is the yellow one.\n\nAnswer: banana"}
    raw = JudgeOptions(name="exact_matching", prediction="raw")
    assert grade_table(benchmark, texts, tmp_path, raw) == {"2": WRONG}
    assert grade_table(benchmark, texts, tmp_path, JudgeOptions(name="exact_matching")) == {"2": RIGHT}


@pytest.fixture
def store_of_replies(tmp_path):
    with Store.open(tmp_path / "store.sqlite") as store, store.replies() as replies:
        yield replies


# Replies that cannot be read ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLE2)
@pytest.mark.parametrize(
    "dressed",
    [
        "<think>it could be A, B or 8</think>\n\n{}", "let me see, 8 or D</think>{}", "Extracted answer: **{}**",
        "<think>8</think>\n**Final answer:** $\\boxed{{{}}}$",
    ],
)  # fmt: skip
def test_a_judge_may_think_and_decorate(tables, judge_server, tmp_path, name, dressed):
    """What is right stays right, and what is wrong stays wrong."""
    judge_server.reply = lambda asked: dressed.format(judge(asked))
    verdicts = grade_table(load_benchmark(name), texts_of(name), tmp_path, local(judge_server))
    assert verdicts == {index: RIGHT if good else WRONG for index, good in pattern(name).items()}


@pytest.mark.parametrize("name", TABLE2)
@pytest.mark.parametrize("vague", ["<think>it may well be B, or 7", "I would say 7 or so, or 8 (B or C)"])
def test_a_thought_without_an_end_is_a_failure(tables, judge_server, tmp_path, name, vague):
    """Nor is it wrong: the host asks again, or it is done for it."""
    victim = list(pattern(name))[1]
    asked_for = []

    def reply(asked):
        if f"[{name}/{victim}]" in asked:
            asked_for.append(asked)
        return vague if f"[{name}/{victim}]" in asked or vague in asked else judge(asked)

    judge_server.reply = reply
    verdicts = grade_table(load_benchmark(name), texts_of(name), tmp_path, local(judge_server))
    assert verdicts.pop(victim).value is None
    assert all(verdict.value is not None for verdict in verdicts.values())
    assert 1 < len(asked_for) <= 5 or name == "MathVerse_MINI_Vision_Only"


def test_a_judge_that_comes_to_an_answer_when_asked_again(tables, judge_server, store_of_replies, tmp_path):
    """Its first reply is kept too, and asked for no more."""
    turn = iter(["well", "it could be anything", "Extracted answer: 7"])
    judge_server.reply = lambda asked: next(turn) if "[DynaMath/1]" in asked else judge(asked)
    benchmark, texts = load_benchmark("DynaMath"), {"1": texts_of("DynaMath")["1"]}
    assert grade_table(benchmark, texts, tmp_path, local(judge_server), store_of_replies) == {"1": RIGHT}
    n = len(judge_server.requests)
    assert grade_table(benchmark, texts, tmp_path, local(judge_server), store_of_replies) == {"1": RIGHT}
    assert len(judge_server.requests) == n


@pytest.mark.parametrize("name", ["MMMU_DEV_VAL", "WeMath", "MathVerse_MINI_Vision_Only", "LogicVista"])
def test_an_unreadable_reply_is_a_failure(tables, judge_server, tmp_path, name):
    """The host draws an option at random, or counts the text as wrong."""
    victim = list(pattern(name))[1]
    mark = f"[{name}/{victim}]"
    judge_server.reply = lambda asked: "hard to say, really" if mark in asked else judge(asked)
    if name == "MathVerse_MINI_Vision_Only":
        replies = {mark: "seven", ": seven": "no idea"}
        judge_server.reply = lambda asked: next((said for key, said in replies.items() if key in asked), judge(asked))
    verdicts = grade_table(load_benchmark(name), texts_of(name), tmp_path, local(judge_server))
    assert verdicts.pop(victim).value is None
    assert all(verdict.value is not None for verdict in verdicts.values())


@pytest.mark.parametrize("name", ["MathVista_MINI", "MathVision_MINI", "DynaMath", "LogicVista", "WeMath"])
def test_a_text_that_the_judge_refuses_is_a_failure_of_its_row(tables, judge_server, tmp_path, name):
    victim = list(pattern(name))[1]
    judge_server.reply = lambda asked: 400 if f"[{name}/{victim}]" in asked else judge(asked)
    verdicts = grade_table(load_benchmark(name), texts_of(name), tmp_path, local(judge_server))
    assert verdicts.pop(victim).value is None
    assert all(verdict.value is not None for verdict in verdicts.values())


@pytest.mark.parametrize("name", TABLE2)
def test_a_judge_that_dies_after_the_probe_is_an_error(tables, judge_server, tmp_path, name):
    judge_server.reply = lambda asked: "OK" if asked in {"Reply with: OK", "hello"} and len(seen) < 3 else 500
    seen = judge_server.requests
    with pytest.raises(GradingError, match=r"stopped answering|does not answer|could not grade"):
        grade_table(load_benchmark(name), texts_of(name), tmp_path, local(judge_server))


def test_a_text_cannot_claim_to_be_unreadable(tables, judge_server, tmp_path):
    judge_server.reply = judge
    claims = "Failed to predict, thus randomly generate one. B"
    verdicts = grade_table(load_benchmark("MMMU_DEV_VAL"), {"2": claims}, tmp_path, local(judge_server))
    assert verdicts == {"2": RIGHT}
    claims = text("LogicVista", 1, right=True) + " All 5 retries failed.\n"
    verdicts = grade_table(load_benchmark("LogicVista"), {"1": claims}, tmp_path, local(judge_server))
    assert verdicts == {"1": RIGHT}


@pytest.mark.parametrize("name", ["MathVista_MINI", "MathVision_MINI"])
def test_a_reply_means_the_same_whatever_else_is_in_the_table(tables, judge_server, tmp_path, name):
    """Read back as numbers, 7.9 would be the integer 7 in a table of numbers only."""
    judge_server.reply = lambda asked: "7.9" if f"[{name}/1]" in asked else judge(asked)
    verdicts = grade_table(load_benchmark(name), texts_of(name), tmp_path, local(judge_server))
    assert verdicts["1"] == WRONG
    assert verdicts["2"] == RIGHT


# MathVision's eval ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["policy", "judge"])
def test_what_a_model_wrote_is_not_run(tables, judge_server, tmp_path, by):
    flag = tmp_path / "executed"
    code = f"__import__('os').system('touch {flag}') or 7"
    assert code == code.lower(), "the host's grader makes everything lower case"
    latex = f"\\text{{{code}}} 7"
    codes = {"1": code, "2": latex, "3": "a", "4": "gt_asw"}
    judge_server.reply = judge
    texts = dict(codes)
    if by == "judge":
        texts = texts_of("MathVision_MINI")
        judge_server.reply = lambda asked: next(
            (codes[index] for index in codes if f"[MathVision_MINI/{index}]" in asked), "OK"
        )
    verdicts = grade_table(load_benchmark("MathVision_MINI"), texts, tmp_path / "grading", local(judge_server))
    assert not flag.exists()
    assert all(verdict.value in {0.0, None} for verdict in verdicts.values())


def test_the_host_would_run_it(tmp_path):
    """The hazard is real: were it gone, the project would need no arithmetic of its own."""
    from vlmeval.dataset.utils import mathv

    flag, is_equal = tmp_path / "executed", mathv.is_equal.__wrapped__
    assert is_equal(f"__import__('os').system('touch {flag}') or 7", "7")
    assert flag.exists()
    assert is_equal("a", "7"), "the name of the grader's own variable is always right"


@pytest.mark.parametrize("tower", ["9**9**9", "9**9**9**9", "1<<9**9", "(" * 500 + "7" + ")" * 500, "-" * 900 + "7"])
def test_a_tower_of_powers_does_not_stop_the_grader(tables, judge_server, tmp_path, tower):
    judge_server.reply = lambda asked: tower
    start = time.monotonic()
    verdicts = grade_table(load_benchmark("MathVision_MINI"), {"1": tower}, tmp_path, local(judge_server))
    # Parentheses around 7 may hold the right answer: that is no wrong one.
    expected = UNREAD if tower.startswith("(") else WRONG
    assert verdicts["1"] == expected or tower.count("-") == 900
    assert time.monotonic() - start < 60


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("7", "7"), ("7.0", "7"), (" 7 ", "7"), ("14/2", "7"), ("3+4", "7"), ("2**3-1", "7"), ("\\frac{14}{2}", "7"),
        ("8", "7"), ("seven", "7"), ("0.5", "\\frac{1}{2}"), ("\\frac{2}{4}", "0.5"), ("1/3", "0.3333333333"),
        ("abc", "ABC"), ("x=7", "7"), ("7 cm", "7"), ("sqrt(49)", "7"), ("\\sqrt{49}", "7"), ("2\\pi", "6.28318530718"),
        ("1,2", "1,2"), ("[1, 2]", "[1,2]"), ("(1, 2)", "(1,2)"), ("$7$", "7"), ("07", "7"), ("1_0", "10"), ("7%", "7"),
        ("1e1", "10"), ("3j", "3j"), ("10^2", "8"), ("50\\%", "0.5"), ("abs(-7)", "7"), ("", "7"), ("nan", "7"),
        ("5!", "120"), ("2 1/2", "2.5"), ("3\\times 4", "12"), ("\\frac{1}{0}", "7"), ("1/0", "7"), ("-7", "7"),
        ("pow(2, 3)", "8"), ("round(6.6)", "7"), ("round(2.449, 2)", "2.45"), ("pow(2, 3, 5)", "8"),
    ],
)  # fmt: skip
def test_legitimate_arithmetic_keeps_its_verdict(given, right):
    from vlmeval.dataset.utils import mathv

    from visualprm_eval.host.sandbox.grader_fixes import same_value

    assert same_value(given, right) == mathv.is_equal(given, right) == mathv.is_equal.__wrapped__(given, right)


# WeMath ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("right", [(), ("2steps_1",), ("2steps_multi", "3steps_multi")])
def test_wemath_without_a_right_composite(tables, judge_server, tmp_path, right):
    """The host would divide by zero."""
    judge_server.reply = judge
    benchmark = load_benchmark("WeMath")
    texts = {p.index: text("WeMath", int(p.index), right=p.groups["key"] in right) for p in benchmark.problems}
    verdicts = grade_table(benchmark, texts, tmp_path, local(judge_server))
    values = [verdicts[problem.index].value for problem in benchmark.problems]
    ours = 100 * benchmark.task.aggregate(benchmark.problems, values)
    figure = host_figure(benchmark, texts, tmp_path, local(judge_server))
    assert ours == pytest.approx(figure.value, abs=tolerance(benchmark, list(texts)))
    assert ours == 0


def test_wemath_with_a_judge_is_never_matched_instead(tables, judge_server, tmp_path, monkeypatch):
    """The host reads the table that it wrote of a judge's words; where it did not get so far, there are no verdicts."""
    from vlmeval.dataset.utils import multiple_choice

    def stumble(*arguments, **options):
        raise KeyError("category")

    monkeypatch.setattr(multiple_choice, "mcq_vanilla_eval", stumble)
    with pytest.raises(GradingError, match="no verdict per row"):
        grade_table(load_benchmark("WeMath"), {"1": "The answer is B"}, tmp_path, local(judge_server))


def test_wemath_says_which_groups_are_there(tables):
    problems = load_benchmark("WeMath").problems
    remark = load_benchmark("WeMath").task.remark
    assert remark(problems) == "strict score over the 4 groups that are present, of 525"
    assert remark(problems[:4]) == "strict score over the 1 groups that are present, of 525"
    assert countable(load_benchmark("WeMath"), [p.index for p in problems[:4]]) == [p.index for p in problems[:3]]


def test_the_requests_are_as_long_as_the_estimate_says(tables, judge_server, tmp_path):
    judge_server.reply = judge
    found = {}
    for name in TABLE2:
        judge_server.requests.clear()
        benchmark = load_benchmark(name)
        index, right = next(iter(pattern(name).items()))
        written = text(name, int(index), right=right)
        grade_table(benchmark, {index: written}, tmp_path, local(judge_server))
        contents = [body["messages"][-1]["content"] for _, body in judge_server.requests]
        asked = [each if isinstance(each, str) else each[0]["text"] for each in contents]
        real = [len(each) for each in asked if len(each) > 100]
        task = benchmark.task
        question = len(benchmark.problems[0].question) if task.judge_reads_question else 0
        estimate = task.judge_overhead + question + len(written)
        found[name] = (max(real), estimate)
        assert len(real) <= task.judge_requests
    assert all(real == pytest.approx(estimate, rel=0.25) for real, estimate in found.values()), found
