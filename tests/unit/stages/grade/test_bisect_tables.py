"""One text that a grader cannot take costs one verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visualprm_eval.core.errors import (
    GraderRefusedError,
    GraderStumbledError,
    GradingError,
    JudgeError,
    NoVerdictsError,
)
from visualprm_eval.core.types import Verdict
from visualprm_eval.stages.grade.bisect_tables import MOST_EVALUATIONS, graded_in_parts

Work = tuple[str, str, str]
Fact = tuple[str, str, Verdict]


def table(bad: set[int], size: int) -> list[Work]:
    return [(f"p{number}", f"t{number}", "bad" if number in bad else "good") for number in range(size)]


class Grader:
    """Raises over tables that hold a bad text, and counts what it was asked."""

    def __init__(self, error: Callable[[], GradingError] = lambda: GraderStumbledError("x", reason="ValueError: x")):
        self.error, self.sizes = error, []

    def __call__(self, part: Sequence[Work]) -> list[Fact]:
        self.sizes.append(len(part))
        if any(text == "bad" for *_, text in part):
            raise self.error()
        return [(problem_id, text_id, Verdict(1.0)) for problem_id, text_id, _ in part]


def graded(work: Sequence[Work], grader: Grader, *, works: bool = False) -> dict[str, Verdict]:
    facts = [fact for part in graded_in_parts(work, grader, works=works) for fact in part]
    assert len({problem_id for problem_id, *_ in facts}) == len(facts), "nothing is told twice"
    return {problem_id: verdict for problem_id, _, verdict in facts}


@given(st.integers(1, 60).flatmap(lambda size: st.tuples(st.just(size), st.sets(st.integers(0, size - 1), max_size=9))))
def test_bad_texts_are_found_and_the_rest_is_graded(drawn: tuple[int, set[int]]) -> None:
    size, bad = drawn
    grader = Grader()
    found = graded(table(bad, size), grader, works=True)
    failed = Verdict(None, "the host's grader cannot take this text (ValueError: x)")
    assert found == {f"p{number}": failed if number in bad else Verdict(1.0) for number in range(size)}
    assert len(grader.sizes) <= 1 + 2 * len(bad) * size.bit_length()


def test_a_grader_that_takes_nothing_is_an_error() -> None:
    grader = Grader()
    with pytest.raises(GraderStumbledError):
        graded(table(set(range(1000)), 1000), grader)
    assert len(grader.sizes) < 40, "it is known soon"
    with pytest.raises(GraderStumbledError):
        graded(table({0}, 1), Grader())
    assert graded(table({0}, 1), Grader(), works=True)["p0"].value is None


@pytest.mark.parametrize("error", [JudgeError, GraderRefusedError, GradingError, NoVerdictsError])
def test_what_is_no_texts_fault_is_no_reason_to_look_for_one(error: type[GradingError]) -> None:
    grader = Grader(lambda: error("x"))
    with pytest.raises(error):
        graded(table({3}, 100), grader, works=True)
    assert grader.sizes == [100]


def test_a_grader_that_leaves_no_verdicts_because_it_raised_may_have_a_texts_fault() -> None:
    def raised() -> NoVerdictsError:
        error = NoVerdictsError("x")
        error.__cause__ = ValueError("bad")
        return error

    found = graded(table({3}, 100), Grader(raised))
    assert [problem_id for problem_id, verdict in found.items() if verdict.value is None] == ["p3"]
    assert found["p3"].error == "the host's grader cannot take this text (ValueError)"


def test_the_search_is_bounded_and_goes_on_with_the_next_run() -> None:
    work, known, said = table(set(range(0, 2000, 2)), 2000), dict[str, Verdict](), [""]
    while said[-1] is not None:
        grader = Grader()
        said.append(after_one_run(work, known, grader))
        assert len(grader.sizes) <= MOST_EVALUATIONS
    assert len(said) > 3
    assert all("texts are left. The same command goes on" in str(each) for each in said[1:-1])
    assert sum(verdict.value is None for verdict in known.values()) == 1000 == len(known) / 2


def after_one_run(work: Sequence[Work], known: dict[str, Verdict], grader: Grader) -> str | None:
    """Adds what a run brings; how it ended."""
    left = [item for item in work if item[0] not in known]
    try:
        for part in graded_in_parts(left, grader, works=bool(known)):
            known |= {problem_id: verdict for problem_id, _, verdict in part}
    except GradingError as error:
        return str(error)
    return None


def test_folders_of_parts_that_are_tried_again_go(tmp_path: Path) -> None:
    def stumbled() -> GraderStumbledError:
        folder = tmp_path / f"table-{len(list(tmp_path.iterdir()))}-{len(grader.sizes)}"
        folder.mkdir()
        return GraderStumbledError("x", folder)

    grader = Grader(stumbled)
    graded(table({5}, 64), grader)
    assert len(list(tmp_path.iterdir())) == 1, "that of the text alone, whose log says why"
