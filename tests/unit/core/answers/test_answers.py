"""Final answers and their names: worked examples, and properties that hold for anything a model may write."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from visualprm_eval.core.answers import (
    MAX_LENGTH,
    AnswerKey,
    announced_answer,
    answer,
    final_answer,
    normalise,
    reading,
)

if TYPE_CHECKING:
    from decimal import Decimal

RELAXED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
CHOICES = {"A": "7 cm", "B": "8 cm", "C": "Paris", "D": "1/2"}
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)  # lone surrogates and NUL included
FRAGMENTS = st.lists(
    st.sampled_from(
        ["\\boxed{", "{", "}", "\\{", "\\}", "\\\\", "7", "B", "(", ")", " ", "\n", "$", "**", "\\frac{", "\\text{",
         "!", "answer is ", "Answer:", "Final answer\n", ".", ",", "=", "-", "1,000", "%", "½", "²", "\ud800", "\x00",
         "9**9"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"so \boxed{7}", "7"),
        (r"first \boxed{6}, no: \boxed{7}, done", "7"),
        (r"\boxed{7} but \boxed{}", "7"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"{ \boxed{7} is in a brace that never closes", "7"),
        (r"\boxed{a \\{b} c}", r"a \\{b} c"),
        (r"\\boxed{7} in twice-escaped JSON", "7"),
        (r"\boxed{5!}", "5!"),
        (r"Answer: 8. \boxed{7}", "7"),
        (r"Answer: 8. \boxed{7", "8"),
        ("The answer is 6. No, the answer is 7.", "7"),
        ("The answer is **7**.", "7"),
        ("**Answer:** 7", "7"),
        ("**Answer**: 3.5 apples. They are red.", "3.5 apples"),
        ("### Final Answer\n\n$7.0$", "7.0"),
        ("Final answer: 7", "7"),
        ("Answer: \\[\n 7 \n\\]", "7"),
        ("Answer:\n\n$$\n7\n$$", "7"),
        ("the answer is $7.$ And so on", "7"),
        ("The answer is 7!", "7"),
        ("Answer: -7", "-7"),
        ("Answer: $5", "$5"),
        ("ANSWER: (B)\nmore", "(B)"),
        ("The answer is 7. This is my final answer.", "7"),
        (r"Answer: $\text{B}$", "B"),
        ("Answer: B because it fits", "B"),
        ("Answer: B (no).", "B"),
        ("The answer is 7, which is the sum", "7"),
        ("Answer: C ... The answer is based on the picture.", "C"),
        (r"\boxed{5} ... Wait. The correct answer is 7.", "7"),
        ("The age gap is 21 years.", "21 years"),
        ("<think>The answer is 3</think>", None),
        ("no conclusion", None),
        ("the answer is", None),
        ("Answer:", None),
        (r"\boxed{7", None),
        (r"\boxed{ }", None),
        ("", None),
    ],
)
def test_final_answer(text: str, expected: str | None) -> None:
    assert final_answer(text) == expected


@pytest.mark.parametrize(
    "spellings",
    [
        ["7", "7.0", "+7", "$7$", r"\(7\)", "**7**", "x = 7", "2+5=7", "7.", "`7`", "７", "14/2", r"\frac{14}{2}"],
        ["1,000", "1000", "1000.00", r"1{,}000", r"1\,000", "1e3", r"1 \times 10^{3}"],
        ["3/4", "0.75", ".75", r"\frac{3}{4}", r"\dfrac34", "¾", "3 / 4"],
        ["1 1/2", "1.5", "1½", r"1\frac{1}{2}", "3/2"],
        ["-1/2", "−0.5", r"-\frac{1}{2}", r"-\frac12"],
        ["50%", "50 %", r"50\%", "50 percent", "50.0%"],
        ["45°", r"45^\circ", r"45^{\circ}", "45 degrees", "45.0 deg"],
        ["7 cm", r"7\text{ cm}", r"7\,\mathrm{cm}", "7.0 centimeters", "7cm", "x = 7 cm"],
        ["$5", r"\$5", "5 dollars", "$5.00"],
        ["B", "(B)", "B.", "B)", "**B**", "option B", r"\text{B}", "(B) 8 cm", "[B]", "(b)"],
        ["the red circle", "Red  circle.", "a RED circle", "`red circle`"],
        ["(1, 2)", "(1,2)", r"\left(1, 2\right)"],
        [r"\frac{\sqrt{3}}{2}", r"\sqrt{3}/2", "√(3)/2"],
        ["x + 1", "x+1"],
        [r"2\pi", "2π"],
    ],
)
def test_equal_answers_have_one_key(spellings: list[str]) -> None:
    keys = {spelling: normalise(spelling, {}) for spelling in spellings}
    assert None not in keys.values()
    assert len(set(keys.values())) == 1, keys


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("50%", "0.5"),
        ("50%", "50"),
        ("7 cm", "7 m"),
        ("7 cm", "7"),
        ("5²", "52"),
        ("1½", "11/2"),
        ("1, 234", "1234"),
        ("9**9", "99"),
        ("7", "-7"),
        ("1/3", "0.333"),
        ("x", "X"),
        ("x=7 or x=8", "8"),
        ("5!", "5"),
        ("(1, 2)", r"\{1, 2\}"),
    ],
)
def test_different_answers_have_different_keys(one: str, other: str) -> None:
    assert str(normalise(one, {})) != str(normalise(other, {}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", "B"),
        ("b", "B"),
        ("B. Paris", "B"),
        ("(B) 8 cm because", "B"),
        ("**B**: 8 cm", "B"),
        ("Paris", "C"),
        ("paris.", "C"),
        ("8 cm", "B"),
        ("8", "B"),
        ("0.5", "D"),
        ("8 m", "8 m"),
        ("E", "e"),
        ("(A) and (B)", "(a)and(b)"),
        ("9", "9"),
    ],
)
def test_options(text: str, expected: str) -> None:
    assert str(normalise(text, CHOICES)) == expected


def test_two_options_that_say_the_same_settle_nothing() -> None:
    assert normalise("7", {"A": "7", "B": "7.0"}) == AnswerKey("number", "7")
    assert normalise("7", {"A": "7 cm", "B": "7 m"}) == AnswerKey("number", "7")
    assert normalise("7", {"A": "7", "B": "7 m"}) == AnswerKey("option", "A")


def test_answer_puts_both_steps_together() -> None:
    assert answer(r"... \boxed{\frac{1}{2}}", CHOICES) == "D"
    assert answer(r"... \boxed{\frac{1}{2}}") == "0.5"
    assert answer("7 cm is long") == "7 cm"


@pytest.mark.parametrize(
    ("text", "expected"), [("B", "B"), ("(b).", "B"), ("9.0", "9"), ("Paris", "C"), ("\n7 cm\n", "A")]
)
def test_a_bare_reply_is_its_own_answer(text: str, expected: str) -> None:
    assert answer(text, CHOICES) == expected


@pytest.mark.parametrize("text", ["London", r"\boxed{7", "", "  ", "**", "7 cm " * 20])
def test_a_reply_without_an_answer_abstains(text: str) -> None:
    assert answer(text, CHOICES) is None


@pytest.mark.parametrize("text", ["9**9**9", "1e999", "9^9^9^9", "1/0", "1" * 900, "__import__('os')"])
def test_nothing_is_evaluated(text: str) -> None:
    key = normalise(text)
    assert key is not None
    assert len(str(key)) <= len(text) + 1


@pytest.mark.parametrize(
    "text",
    [
        "{" * 2_000_000,
        "\\boxed{" * 300_000,
        "\\boxed{" * 200_000 + "}" * 200_000,
        "\\boxed{ " * 200_000 + "}" * 200_000,
        "\\boxed{" + "9" * 2_000_000 + "}",
        "answer is " * 200_000,
        "final answer\n" * 200_000,
        "answer:" + " " * 2_000_000,
        "Answer: " + "̀" * 2_000_000,
        "Answer: " + "\\frac{" * 160,
        "Answer: " + "1a" * 490,
        "\\" * 2_000_000,
        "\n" * 2_000_000,
        "<answer>" * 200_000,
        '"answer": "' * 200_000,
        "<think></think>" * 100_000,
        "#### " * 300_000,
        "option A is correct. " * 100_000,
        "".join(f"The answer is {number}. " for number in range(50_000)),
        "".join(f"final answer\n{number} because\n" for number in range(50_000)),
        "答案是选" * 300_000,
        "정답은 " * 300_000,
        "الإجابة هي " * 100_000,
        "1, " * 500_000,
        "= " * 500_000,
        "therefore " * 200_000,
        "(A) " * 300_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_megabytes_are_no_trouble(text: str) -> None:
    # A quadratic search would run for hours here; nothing else is asked of the clock.
    vote = answer(text, CHOICES)
    assert vote is None or len(vote) <= 2 * MAX_LENGTH


def test_a_long_answer_is_no_answer() -> None:
    assert final_answer("\\boxed{" + "a" * MAX_LENGTH + "}") == "a" * MAX_LENGTH
    assert final_answer("\\boxed{" + "a" * (MAX_LENGTH + 1) + "}") is None
    assert final_answer("Answer: " + "a" * (MAX_LENGTH + 1)) is None
    assert normalise("a" * (MAX_LENGTH + 1)) is None


@given(ANY_TEXT | FRAGMENTS)
@RELAXED
@example("\ud800")
@example("≈")
def test_any_text_is_answered_or_abstained_from(text: str) -> None:
    for choices in ({}, CHOICES):
        found = final_answer(text, choices)
        assert found is None or 0 < len(found) <= MAX_LENGTH
        vote = answer(text, choices)
        assert vote is None or vote
        key = normalise(text, choices)
        assert key is None or key.value
        if found is not None and not (choices and len(found) == 1):  # a letter that the problem does not have
            key = normalise(found, choices)
            assert vote == (None if key is None else str(key))


def boxed_by_hand(text: str) -> str | None:
    """The last balanced box, by walking outwards from every box: quadratic and plain."""
    last = None
    for match in re.finditer(r"\\boxed\{", text):
        depth = 1
        for position in range(match.end(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[position], 0)
            if depth == 0:
                if text[match.end() : position].strip():
                    last = text[match.end() : position]
                break
    return last


@given(st.lists(st.sampled_from(["\\boxed{", "{", "}", "a", " ", "7"]), max_size=20).map("".join))
@RELAXED
def test_the_last_box_is_found_as_by_hand(text: str) -> None:
    expected = boxed_by_hand(text)
    if expected is not None and re.fullmatch(r"\s*\\boxed\{\s*\}\s*", expected):
        expected = None  # a box around an empty box says nothing
    if expected is not None:  # else what its last sentence comes to
        assert final_answer(text) == expected.strip()


@given(st.fractions(max_denominator=999).filter(lambda value: abs(value) < 10**6))
@RELAXED
def test_fractions_are_named_by_value(value: Fraction) -> None:
    key = normalise(f"{value.numerator}/{value.denominator}")
    assert key is not None
    assert Fraction(key.value) == value
    assert normalise(f"\\boxed{{x = \\frac{{{value.numerator * 3}}}{{{value.denominator * 3}}}}}") == key
    assert normalise(key.value) == key


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
@RELAXED
def test_decimals_are_named_by_value(value: Decimal) -> None:
    key = normalise(f"{value:,f}")
    assert key is not None
    assert key.kind == "number"
    assert Fraction(key.value) == Fraction(value)
    assert "," not in key.value
    assert not key.value.endswith(".0")


@given(
    st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}.", "**{}**", "$\\text{{{}}}$", "option {}", "{}) so"])
)
@RELAXED
def test_letters_are_recognised_in_every_dress(letter: str, dress: str) -> None:
    assert answer("Answer: " + dress.format(letter), CHOICES) == letter


PIECES = st.sampled_from([
    "answer", "Answer", "ANSWER", "an\u017fwer", "final ", "Final\t", "f\u0131nal ", "the ", " is ", "is", ": ", "：",
    "=", "**", "_", "`", "'", " ", "   ", "\n", "\r\n", "\n\n", "7", "(B)", "7 cm.", " 3/4", "\\boxed{", "}", "$",
    "\\[",
    "\u0130", "é", "!", ". ", "#", "答案", "answers", "#" * 120, "y" * 600,
])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join), st.sampled_from([{}, {"A": "7", "B": "x"}]))
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_look_at_the_end_finds_what_a_look_at_all_of_it_finds(text: str, choices: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_WINDOWS", ())
        at_once = answer(text, choices)
    assert answer(text, choices) == at_once


def test_what_is_announced_leaves_last_sentences_out() -> None:
    assert announced_answer("The answer is 7. It is long.") == "7"
    assert announced_answer("So there are 7 of them.") is None
    assert announced_answer("__import__('os').system('true') or 7") is None
