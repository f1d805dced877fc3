"""How texts are dealt to the host's tables, and what is kept of that."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.experiments import experiment_on, grader_in
from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GraderStumbledError, GradingError
from visualprm_eval.core.types import Candidate, Part, Problem, Spec, Verdict
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.grading.grade_table import Evaluation
from visualprm_eval.stages.grade.stage import ENOUGH_FAILURES, MOST_JUDGED_ROWS, grade_missing, tables
from visualprm_eval.store import Store
from visualprm_eval.tasks import Task

WORK = st.lists(st.tuples(st.sampled_from("abcd"), st.uuids().map(str), st.just("text")), max_size=30)


@given(WORK, st.integers(1, 10))
def test_every_text_is_dealt_once_and_no_table_has_a_problem_twice(work, most_rows: int) -> None:
    dealt = tables(work, most_rows)
    assert sorted(item for table in dealt for item in table) == sorted(work)
    for table in dealt:
        assert 1 <= len(table) <= most_rows
        assert len({problem_id for problem_id, _, _ in table}) == len(table)


def test_as_few_tables_as_possible() -> None:
    work = [("a", "1", ""), ("a", "2", ""), ("b", "3", ""), ("a", "4", ""), ("c", "5", "")]
    assert [[text for _, text, _ in table] for table in tables(work, 9)] == [["1", "3", "5"], ["2"], ["4"]]
    assert [len(table) for table in tables(work, 2)] == [2, 1, 1, 1]


def evaluation(verdicts):
    """What the host makes of a table that leaves these verdicts."""
    return Evaluation(Path("nowhere"), verdicts, None, GradingError())


def test_texts_share_the_seconds_that_their_table_took(tmp_path, monkeypatch) -> None:
    clock = SimpleNamespace(now=100.0)
    problems = [Problem("B", str(number), "", (Part("text", "?"),), "", f"p{number}") for number in range(4)]
    grading, sampling = Spec("grading", {"benchmark": "B"}), Spec("sampling", {"policy": "P"})

    def table(benchmark, predictions, *rest, **options):
        del benchmark, rest, options
        clock.now += 2.0
        return evaluation({index: Verdict(1.0) for index in predictions if index != "3"})

    monkeypatch.setattr("visualprm_eval.stages.grade.stage.time.monotonic", lambda: clock.now)
    monkeypatch.setattr("visualprm_eval.host.toolkit.evaluate_table", table)
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_problems(problems)
        store.put_spec(sampling)
        candidates = [Candidate(problem.id, 0, "a") for problem in problems]
        store.put_candidates(sampling.id, candidates)
        work = [(one.problem_id, one.text_id, one.text) for one in candidates]
        benchmark = Benchmark("B", Task("B", "B"), None, problems)
        grade_missing(store, experiment_on(benchmark, JudgeOptions(), grading), work, grader_in(tmp_path))
        found = store.verdicts(grading.id, [problem.id for problem in problems])
    assert [(one.value, one.seconds) for one in found.values()] == [(1.0, 0.5)] * 3 + [(None, 0.5)]


UNREAD = Verdict(None, "the judge gave no reply that can be read")


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Grades texts of a benchmark by a judge of whose replies those to the indices in ``readable`` can be read."""
    problems = [Problem("B", str(number), "", (Part("text", "?"),), "", f"p{number}") for number in range(300)]
    grading, sampling = Spec("grading", {"benchmark": "B"}), Spec("sampling", {"policy": "P"})
    state = SimpleNamespace(readable=set(), asked=[])

    def table(benchmark, predictions, *rest, **options):
        del benchmark, rest, options
        state.asked += predictions
        return evaluation({index: Verdict(1.0) if int(index) in state.readable else UNREAD for index in predictions})

    monkeypatch.setattr("visualprm_eval.host.toolkit.evaluate_table", table)
    with Store.open(tmp_path / "store.sqlite") as store:
        store.put_problems(problems)
        store.put_spec(sampling)
        candidates = [Candidate(problem.id, 0, "a") for problem in problems]
        store.put_candidates(sampling.id, candidates)
        work = [(one.problem_id, one.text_id, one.text) for one in candidates]
        benchmark = Benchmark("B", Task("B", "B"), None, problems)

        def grade(numbers, judge="local", **options):
            state.asked.clear()
            chosen = [work[number] for number in numbers]
            experiment = experiment_on(benchmark, JudgeOptions(name=judge), grading)
            grade_missing(store, experiment, chosen, grader_in(tmp_path), **options)
            return store.verdicts(grading.id, [problem.id for problem in problems])

        state.grade = grade
        yield state


def test_a_judge_that_cannot_be_read_is_not_asked_about_everything(judged) -> None:
    with pytest.raises(
        GradingError, match=r"none of 128 texts got a verdict \(the judge gave no reply that can be read"
    ):
        judged.grade(range(300))
    assert len(judged.asked) == MOST_JUDGED_ROWS
    with pytest.raises(GradingError, match="--retry-failed asks this one again"):
        judged.grade(range(128, 300))
    assert judged.asked == [], "what is known of it is enough"
    judged.readable = set(range(300))
    assert len(judged.grade(range(300), replies_since=1.0)) == 300


def test_one_readable_reply_is_enough_to_go_on(judged) -> None:
    judged.readable = {5}
    known = judged.grade(range(300))
    assert len(known) == 300
    judged.readable = set()
    assert len(judged.grade(range(8))) == 300, "later failures stop nothing"


def test_few_failures_stop_nothing(judged) -> None:
    """Of the first table of a run with a small limit, say, whose other candidates may have verdicts."""
    assert {verdict.value for verdict in judged.grade(range(ENOUGH_FAILURES - 1)).values()} == {None}
    judged.readable = {20}
    assert len(judged.grade(range(10, 30))) == 27


def test_without_a_judge_failures_are_failures(judged) -> None:
    assert len(judged.grade(range(300), judge=None)) == 300


# Empty replies and texts that graders cannot take ---------------------------------------------------------------------


EMPTY = ("", " \n", "<think>the answer is 7", "<think>7</think>\n")


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    """Grades four empty replies and ten others, of which those that say "odd" make the grader raise."""
    problems = [Problem("B", str(number), "", (Part("text", "?"),), "", f"p{number}") for number in range(14)]
    grading, sampling = Spec("grading", {"benchmark": "B"}), Spec("sampling", {"policy": "P"})
    state = SimpleNamespace(asked=[], unread=False, broken=False)

    def table(benchmark, predictions, *rest, **options):
        del benchmark, rest, options
        state.asked.append(dict(predictions))
        if state.broken or "odd" in predictions.values():
            raise GraderStumbledError("B: the host could not grade", reason="ValueError: odd")
        return evaluation({index: UNREAD if state.unread else Verdict(1.0) for index in predictions})

    monkeypatch.setattr("visualprm_eval.host.toolkit.evaluate_table", table)

    def grade(texts, judge=None, rank=0):
        state.asked.clear()
        candidates = [Candidate(f"p{number}", rank, text) for number, text in enumerate([*EMPTY, *texts])]
        with Store.open(tmp_path / "store.sqlite") as store:
            store.put_problems(problems)
            store.put_spec(sampling)
            store.put_candidates(sampling.id, candidates)
            work = [(one.problem_id, one.text_id, one.text) for one in candidates]
            known = store.verdicts(grading.id, [problem.id for problem in problems])
            work = [item for item in work if item[:2] not in known]
            benchmark = Benchmark("B", Task("B", "B"), None, problems)
            experiment = experiment_on(benchmark, JudgeOptions(name=judge), grading)
            try:
                grade_missing(store, experiment, work, grader_in(tmp_path))
            finally:
                state.found = store.verdicts(grading.id, [problem.id for problem in problems])
        return [verdict.value for verdict in state.found.values()]

    state.grade = grade
    return state


def test_empty_replies_are_wrong_and_nobody_is_asked(mixed) -> None:
    assert mixed.grade(["7"] * 10) == [0.0] * 4 + [1.0] * 10
    assert [sorted(each, key=int) for each in mixed.asked] == [[str(number) for number in range(4, 14)]]


def test_only_empty_replies_need_no_grader(mixed) -> None:
    assert mixed.grade([]) == [0.0] * 4
    assert mixed.asked == []


def test_empty_replies_do_not_hide_a_judge_that_cannot_be_read(mixed) -> None:
    mixed.unread = True
    with pytest.raises(GradingError, match="none of 10 texts got a verdict"):
        mixed.grade(["7"] * 10, judge="local")
    with pytest.raises(GradingError, match="none of 10 texts got a verdict"):
        mixed.grade(["other"] * 10, judge="local", rank=1)
    assert mixed.asked == [], "what is known of it is enough"


def test_one_text_that_the_grader_cannot_take_is_one_failure(mixed) -> None:
    assert mixed.grade([*["7"] * 6, "odd", *["7"] * 3]) == [0.0] * 4 + [1.0] * 6 + [None] + [1.0] * 3
    assert mixed.found["p10", Candidate("", 0, "odd").text_id].error == (
        "the host's grader cannot take this text (ValueError: odd)"
    )


def test_texts_of_a_small_table_may_all_be_such(mixed) -> None:
    """It takes the reference answers, so it is the texts."""
    assert mixed.grade(["odd"] * 3) == [0.0] * 4 + [None] * 3
    assert mixed.asked[-1] == {"4": "unknown", "5": "unknown", "6": "unknown"}
    assert mixed.grade(["7"] * 3, rank=1).count(1.0) == 3, "and a rerun goes on"


def test_a_grader_that_takes_no_answer_is_an_error(mixed) -> None:
    mixed.broken = True
    with pytest.raises(GraderStumbledError):
        mixed.grade(["odd"] * 3)
    assert [verdict.value for verdict in mixed.found.values()] == [0.0] * 4, "no text is blamed"


def test_a_grader_that_takes_no_text_is_an_error(mixed) -> None:
    with pytest.raises(GraderStumbledError):
        mixed.grade(["odd"] * 10)
    assert [verdict.value for verdict in mixed.found.values()] == [0.0] * 4, "no text is blamed"
    assert len(mixed.asked) <= 2 * ENOUGH_FAILURES + 10
