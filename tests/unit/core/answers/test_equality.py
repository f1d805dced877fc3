"""Which votes of one problem are one answer, and what is asked of math-verify."""

from __future__ import annotations

import time

import pytest

from visualprm_eval.core.answers import answer, normalise
from visualprm_eval.core.answers.asking import Equalities, MathVerify
from visualprm_eval.core.answers.equality import leaders
from visualprm_eval.core.answers.formulas import comparable, latex


@pytest.fixture(scope="module")
def math_verify():
    asked = MathVerify()
    yield asked
    asked.close()


def grouped(texts: list[str], ask=None, choices: dict[str, str] | None = None) -> list[str | None]:
    votes = [answer(text, choices) for text in texts]
    spelled = leaders(votes, choices or {}, Equalities({}, ask))
    return [None if vote is None else spelled[vote] for vote in votes]


@pytest.mark.parametrize(
    ("texts", "groups"),
    [
        (["7 cm", "7", "7.0 cm"], [0, 0, 0]),
        (["7", "7 cm", "7 m"], [0, 0, 2]),
        (["7 cm", "7 m", "7"], [0, 1, 0]),
        (["50%", "50", "0.5"], [0, 0, 2]),
        (["Answer: 4 objects", "Answer: 4 blocks", "4"], [0, 0, 0]),
        (["Answer: A and C", "Answer: A, C", "Answer: (C), (A)", "Answer: A"], [0, 0, 0, 3]),
        ([r"\boxed{\frac1{2}}", r"\boxed{\cfrac{1}{2}}", r"\boxed{{1 \over 2}}", "0.5"], [0, 0, 0, 0]),
        ([r"\boxed{2\sqrt{3}}", "2√3", r"\boxed{2\sqrt3}"], [0, 0, 0]),
        ([r"\boxed{x \le 3}", "x ≤ 3", "x <= 3"], [0, 0, 0]),
        ([r"\boxed{x \pm 1}", "x ± 1"], [0, 0]),
        ([r"\boxed{2\alpha}", "2α"], [0, 0]),
        ([r"\boxed{\{1, 2\}}", "Answer: {1,2}"], [0, 0]),
        (["approximately 3.14", "3.14", "≈ 3.14"], [0, 0, 0]),
    ],
)
def test_own_rules_need_nobody(texts: list[str], groups: list[int]) -> None:
    found = grouped(texts)
    assert [found.index(one) for one in found] == groups


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("sqrt(12)", "2sqrt(3)", True),
        ("(x-1)(x+1)", "x^2-1", True),
        ("x+1", "1+x", True),
        ("2^3", "8", True),
        ("x<=3", "3>=x", True),
        ("{1,2}", "{2,1}", True),
        ("sqrt(3)", "sqrt(2)", False),
        ("x+1", "x-1", False),
    ],
)
def test_formulas_of_other_spelling_are_asked_for(math_verify: MathVerify, one: str, other: str, equal: bool) -> None:
    keys = normalise(one), normalise(other)
    assert None not in keys
    assert comparable(*keys)
    assert math_verify(keys[0].value, keys[1].value) is equal


def test_a_formula_that_equals_an_option_is_that_option(math_verify: MathVerify) -> None:
    choices = {"A": r"2\sqrt{3}", "B": "5"}
    assert grouped([r"\boxed{\sqrt{12}}", "(A)", "5"], math_verify, choices) == ["A", "A", "B"]


def test_a_number_that_equals_a_formula_brings_its_units_along(math_verify: MathVerify) -> None:
    assert grouped([r"\boxed{2^3}", "8", "8 cm"], math_verify) == ["2^3", "2^3", "2^3"]


@pytest.mark.parametrize(
    "value",
    [
        "9^9^9", "9^(9^9)", "2^1000", "99999!", "(9!)!", "__import__('os')", "open(x)", "x" * 200, "((1+1)", "1" * 40,
        "exec(1)", "lambda:0", "[[1]]", "9**9**9",
    ],
)  # fmt: skip
def test_what_could_evaluate_to_much_is_not_handed_on(value: str) -> None:
    assert latex(value) is None or set(latex(value)) <= set("0123456789abcdefghijklmnopqrstuvwxyz()+-\\{}^ .,")
    if value[0].isdigit() or value.startswith(("__", "((", "(9", "[[")):
        assert latex(value) is None


def test_nothing_a_model_writes_is_run_by_the_child(math_verify: MathVerify, tmp_path) -> None:
    # Straight into the library, past the rules on what is handed on.
    process = math_verify._process or math_verify._start()
    assert process is not None
    marker = tmp_path / "ran"
    hostile = [f"__import__('pathlib').Path('{marker}').touch()", f"open('{marker}','w')", "\\input{/etc/passwd}"]
    import json

    for text in hostile:
        process.stdin.write(json.dumps([text, "1"]).encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() in {b"false\n", b"true\n"}
    assert not marker.exists()


def test_a_child_that_takes_too_long_is_killed_and_the_next_question_answered() -> None:
    hasty = MathVerify(patience_s=0.0)
    assert hasty("x+1", "1+x") is False
    assert hasty._process is None
    hasty._patience_s = 60.0
    assert hasty("x+1", "1+x") is True
    hasty.close()


def test_a_child_that_dies_knows_nothing_and_the_next_one_does() -> None:
    asked = MathVerify(patience_s=60.0)
    assert asked("x+1", "1+x") is True
    asked._process.kill()
    asked._process.wait()
    assert asked("x+2", "2+x") is False
    assert asked("x+2", "2+x") is True
    asked.close()


def test_what_cannot_be_asked_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    equalities = Equalities({}, MathVerify())
    assert equalities("x+1", "1+x") is False
    assert equalities.taken() == {}
    assert equalities.lacking == {("1+x", "x+1")}


def test_outcomes_are_asked_for_once_and_what_nobody_knows_is_told() -> None:
    asked = []

    def ask(left: str, right: str) -> bool:
        asked.append((left, right))
        return True

    equalities = Equalities({("a+b", "b+a"): False}, ask)
    assert equalities("b+a", "a+b") is False
    assert equalities("x+1", "1+x") is True
    assert equalities("1+x", "x+1") is True
    assert asked == [("1+x", "x+1")]
    assert equalities.taken() == {("1+x", "x+1"): True}
    assert equalities.taken() == {}
    silent = Equalities({("a+b", "b+a"): True})
    assert silent("a+b", "b+a") is True
    assert silent("x+1", "1+x") is False
    assert "1 pairs of formulas count as different" in silent.told()


def test_most_votes_reach_nobody() -> None:
    def never(left: str, right: str) -> bool:
        raise AssertionError((left, right))

    texts = [
        "7",
        "7 cm",
        "B",
        "(C)",
        "the red ball",
        "red ball",
        "Answer: 8",
        "x",
        r"\boxed{2x+1}",
        r"\boxed{y-3}",
        "1:2",
    ]
    assert grouped(texts, never) == grouped(texts)


def test_ten_thousand_votes_take_no_time() -> None:
    votes = [answer(f"Answer: {number} cm") for number in range(10_000)]
    start = time.process_time()
    assert len(leaders(votes, {})) == 10_000
    assert time.process_time() - start < 5
