"""Sentences with more than an answer in them: formulas and units, refusals taken back, letters denied or left open."""

from __future__ import annotations

import time

import pytest

from visualprm_eval.core.answers import answer, normalise
from visualprm_eval.core.answers.equality import leaders

OPTIONS = {"A": "12 cm", "B": "15 cm", "C": "18 cm", "D": "21 cm"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("After simplification we have 3/4.", "0.75"),
        ("After simplifying, we are left with 5/8.", "0.625"),
        ("We end up with 2 1/2.", "2.5"),
        (r"In the end we have $\frac{3}{4}$.", "0.75"),
        (r"Here we end with $-\frac{3}{4}$ of it.", "-0.75"),
        (r"This simplifies to $\frac{\sqrt{3}}{2}$.", "sqrt(3)/2"),
        (r"The angle is $\frac{5\pi}{6}$ radians.", "(5pi)/6"),
        (r"Therefore the area equals $25\pi$ square centimeters.", "25pi cm^2"),
        (r"The area is $36\pi$ cm$^2$.", "36pi cm^2"),
        (r"The area is $36\pi\text{ cm}^2$.", "36pi cm^2"),
        (r"The area is $36\pi \text{cm}^2$.", "36pi cm^2"),
        (r"Therefore the length is $3\sqrt{5}$ cm.", "3sqrt(5) cm"),
        ("The hypotenuse is 5√2 units.", "5sqrt(2) unit"),
        ("Thus the circumference is 10π cm.", "10pi cm"),
        ("Somit beträgt die Fläche 25π.", "25pi"),
        ("Следовательно, площадь равна 25π.", "25pi"),
        ("따라서 넓이는 25π 입니다.", "25pi"),
        ("所以面积为 25π 平方厘米。", "25pi cm^2"),
        ("The population is 3.2 million.", "3.2 million"),
        ("The revenue was $3.5 million.", "3.5 million $"),
        ("Die Länge ist $2\\sqrt{3}$.", "2sqrt(3)"),
        ("因此它的值为 $2\\sqrt{3}$。", "2sqrt(3)"),
        (r"So the total area is $16 - 4\pi$ square units.", "16-4pi"),
        (r"The expression simplifies to $x^2 + 2x$.", "x^2+2x"),
        ("I can't tell it precisely, but I'd estimate 40.", "40"),
        ("答えは「はい」です。", "はい"),
        ("I paid 12 in total.", "12"),
        ("There are 15 boys and 10 girls, so 25 children in total.", "25"),
        ("So we get x = 5 or x = -2.", "{-2,5}"),
        ("x = -2, x = 5", "{-2,5}"),
        ("The answer is $x = 5$ or $x = -2$.", "{-2,5}"),
    ],
)
def test_what_belongs_to_a_number_stays_with_it(text: str, expected: str) -> None:
    assert answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("答えは 15 です。", "15"),
        ("最終的な答えは 3/4 です。", "0.75"),
        ("したがって、x = 5 です。", "5"),
        ("答えは 15 になります。", "15"),
        ("答えは東京です。", "東京"),
        ("답은 15 입니다.", "15"),
        ("답은 15 예요.", "15"),
        ("따라서 x = 5 이다.", "5"),
        ("정답은 서울 입니다.", "서울"),
    ],
)
def test_it_is_behind_an_answer_is_no_part_of_it(text: str, expected: str) -> None:
    assert answer(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am not sure, but probably (B).", "B"),
        ("I cannot see the image clearly, but my best guess is B.", "B"),
        ("答えはBだと思います。", "B"),
        ("정답은 B 번 입니다.", "B"),
        ("La réponse correcte est la (B).", "B"),
        ("It isn't (A), so (B).", "B"),
        ("A is not correct, hence B.", "B"),
        ("C is wrong and B is correct.", "B"),
        ("Result: **15 cm**", "B"),
        ("AではなくBです。", "B"),
        ("A가 아니라 B입니다.", "B"),
        ("The side is 15 cm, not 12 cm.", "B"),
        ("正しいのはBです。", "B"),
        ("B가 맞습니다.", "B"),
        ("따라서 B번이 정답입니다.", "B"),
        ("맞는 것은 B입니다.", "B"),
    ],
)
def test_the_letter_that_is_meant(text: str, expected: str) -> None:
    assert answer(text, OPTIONS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It is not (B).",
        "The answer isn't (B).",
        "The answer is not B.",
        "The correct answer cannot be B.",
        "B is not correct.",
        "B is wrong.",
        "Neither A nor B is correct.",
        "答案不是B。",
        "B不正确。",
        "La respuesta no es B.",
        "Die Antwort ist nicht B.",
        "It is A or B.",
        "I cannot choose between (A) and (B).",
        "I'm sorry, but the picture does not load.",
    ],
)
def test_letters_that_are_denied_or_left_open_are_no_votes(text: str) -> None:
    assert answer(text, OPTIONS) is None


@pytest.mark.parametrize(
    "text",
    [
        "Now we substitute x = 3 into the equation to find",
        "In 2020, the",
        "Figure 2 shows it.",
        "See step 3.",
        "He paid five hundred.",
    ],
)
def test_labels_and_broken_sentences_are_no_numbers(text: str) -> None:
    vote = answer(f"We look closely at what is shown in the picture and think about what that may mean. {text}")
    assert vote is None


def test_a_formula_and_its_unit() -> None:
    votes = [answer(text) for text in (r"\boxed{25\pi}", "The area is 25π cm.", "The area is 25π m.", "25π cm")]
    assert len({leaders(votes, {})[str(vote)] for vote in votes[:2]}) == 1
    assert leaders(votes[1:], {})["25pi m"] == "25pi m"
    assert str(normalise("pi r^2 h")) == "pir^2h", "a letter behind variables is no unit"


@pytest.mark.parametrize(
    "unit",
    ["not A ", "A or B ", "\\frac{1}{", "π", "√", "\\sqrt{2}", "1/", "1 1/1", ", so 1", "です", ", but ", "x = 1, "],
)
def test_sentences_are_read_in_linear_time(unit: str) -> None:
    start = time.perf_counter()
    for text in (unit * 100_000, "The answer is " + unit * 300, "so " + unit * 300 + "."):
        answer(text, OPTIONS)
        answer(text)
    assert time.perf_counter() - start < 20
