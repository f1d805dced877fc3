"""What a grader is handed of a reply: right answers stay right, wrong ones wrong, and what is neither is none."""

from __future__ import annotations

import time

import pytest

from visualprm_eval.host.grading.forms import form_of

INTEGER = "MathVista_auxeval", {"question_type": "free_form", "answer_type": "integer", "answer": "7"}
FLOAT = "MathVista_auxeval", {"question_type": "free_form", "answer_type": "float", "answer": "7.0"}
OPTION = "MathVista_auxeval", {"question_type": "multi_choice", "choices": "['5 cm', '7', '17']"}
OPEN = "MATH_V_auxeval", {"choices": "[]"}
DYNAMATH = "DynaMath_auxeval", {"answer_type": "float"}
WHOLE = "MATH_V_auxeval", {"choices": "[]", "answer": "7"}
WORD = "MathVista_auxeval", {"question_type": "free_form", "answer_type": "text", "answer": "Yes"}
LIST = "MathVista_auxeval", {"question_type": "free_form", "answer_type": "list", "answer": "[1, 2]"}
SHORT = "DynaMath_auxeval", {"answer_type": "text", "answer": "yes"}
LETTER = "DynaMath_auxeval", {"answer_type": "multiple choice"}
LETTERS = "LogicVista_auxeval", {}
DIGIT = "MathVerse_auxeval_score", {}
DRESSES = [
    "{}", " {}\n", "**{}**", "`{}`", "```\n{}\n```", "${}$", "\\({}\\)", "\\boxed{{{}}}", "$\\boxed{{\\text{{{}}}}}$",
    "Extracted answer: {}", "Extracted answer: **{}**", "**Extracted answer:** {}", "**Extracted answer: {}**",
    "Answer: \\({}\\)", "Final answer: {}.", "The answer is {}.", "Output: {}", "Judgement: {}",
    "<think>8 or C?</think>{}", "8 or C?</think>\n\n**{}**", "<thinking>no</thinking> The extracted answer is {}",
    "<|channel|>analysis<|message|>8<|end|><|start|>assistant<|channel|>final<|message|>{}",
    "<answer>{}</answer>", "Answer: <answer> {} </answer>", "<start>\n{}\n<end>", "<|begin_of_box|>{}<|end_of_box|>",
    "{}<|im_end|>", '{{"answer": "{}"}}', '```json\n{{"answer": "{}"}}\n```', "### Final Answer\n{}", "# {}", "> {}",
    "答案：{}", "答案是{}。", "The model's answer is {}",
]  # fmt: skip


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize(
    ("form", "bare"),
    [(INTEGER, "7"), (INTEGER, "-7"), (FLOAT, "7.25"), (OPEN, "7"), (OPEN, "7.5"), (DYNAMATH, "7.000"), (LETTERS, "B"),
     (LETTER, "B"), (DIGIT, "1"), (("eval_vanilla", {}), "B")],
)  # fmt: skip
def test_mark_up_goes(form, bare, dress):
    assert form_of(*form)(dress.format(bare)) == bare


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("bare", ["B", "7"])
def test_an_option_is_seen_in_mark_up(dress, bare):
    from vlmeval.utils import can_infer

    assert can_infer(form_of(*OPTION)(dress.format(bare)), {"A": "5 cm", "B": "7", "C": "17"}) == "B"


@pytest.mark.parametrize(
    ("form", "reply"),
    [
        *((form, nothing) for form in (INTEGER, OPTION, OPEN, LETTER, DIGIT) for nothing in ("<think>7", "", "  ")),
        *((form, "hard to say, really") for form in (INTEGER, FLOAT, OPTION, OPEN, DYNAMATH, LETTER)),
        *((form, "It is 7, or rather 8") for form in (INTEGER, FLOAT, OPTION, OPEN, DYNAMATH, LETTER)),
        (INTEGER, "7 cm"), (INTEGER, "seven"), (FLOAT, "7%"), (INTEGER, "There are 7 bags with less than 81 buttons."),
        (DYNAMATH, "OK"), (DYNAMATH, "B"), (DYNAMATH, "7 or 8"), (DYNAMATH, "8 is wrong, the angle is larger"),
        (LETTER, "7"), (LETTER, "the second one"),
        (("YOrN_auxeval", {}), "perhaps"), (("YOrN_auxeval", {}), "Yes, there is no doubt"),
        (("YOrN_auxeval", {}), "There is no answer: Unknown"),
        *((form, said) for form in (INTEGER, WHOLE) for said in ("(7)", "7 (see line 3)", "7 cm", "<7>")),
        *((form, said) for form in (WORD, SHORT) for said in ("Yes\n\nIt said 8", "It says yes is right", "(Yes)")),
        (LIST, "[1, 2]\n\nThese are the two"), (LIST, "([1, 2])"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_none(form, reply):
    assert form_of(*form)(reply) is None


@pytest.mark.parametrize(
    ("form", "reply"),
    [
        *((form, said) for form in (INTEGER, FLOAT, OPEN, DYNAMATH) for said in ("N/A", "None", "Cannot be told")),
        (INTEGER, "The text does not provide information needed to answer the question."), (INTEGER, "4.0"),
        (INTEGER, "8"), (INTEGER, "never"), (INTEGER, "angle_MBD"), (INTEGER, "a/2"), (INTEGER, "[7, 8]"),
        (INTEGER, "The twig is about 106 inches long."), (OPTION, "6 cm"), (OPTION, "C"), (OPEN, "\\frac{1}{2}"),
        (OPEN, "(3, 4)"), (OPEN, "5 hours and 30 minutes"), (OPEN, "\\sqrt{2}"), (DIGIT, "0"), (LETTERS, "D"),
        (("YOrN_auxeval", {}), "Unknown"), (WORD, "No"), (WORD, "It is not known"), (SHORT, "no"), (LIST, "[1, 2, 3]"),
        (LIST, "[2, 1]"), *((WHOLE, said) for said in ("-7", "17", "7x", "\\sqrt{7}", "7/2", "7.5", "(7, 8)", "7 + a")),
    ],
)  # fmt: skip
def test_another_answer_is_passed_on(form, reply):
    """It is wrong, and the host's grader says so."""
    assert form_of(*form)(reply) == reply


@pytest.mark.parametrize("dress", [*DRESSES, "{}\n\nThe option is visible."])
@pytest.mark.parametrize("said", ["Yes", "No", "Unknown"])
def test_yes_and_no_are_seen_in_mark_up(dress, said):
    assert form_of("YOrN_auxeval", {})(dress.format(said)) == said


def test_no_option_is_found_in_a_denial():
    """The host would find the letter E in it."""
    assert form_of(*LETTER)("None") == form_of(*LETTER)("N/A") == "Z"


@pytest.mark.parametrize(("reply", "letters"), [("B, C", "BC"), ("(B) and (C)", "BC"), ("BC", "BC"), ("A B D.", "ABD")])
def test_letters_come_together(reply, letters):
    assert form_of(*LETTERS)(reply) == letters


@pytest.mark.parametrize("reply", ['```json\n{"score": 1}\n```', "[Begin Correctness] yes [End Correctness]", "**B**"])
def test_other_graders_get_what_follows_the_thoughts(reply):
    assert form_of("some_grader", None)(f"<think>no</think>\n{reply}") == reply


@pytest.mark.parametrize("form", [INTEGER, OPTION, OPEN, DYNAMATH, LETTER, LETTERS, DIGIT])
@pytest.mark.parametrize("piece", ["ab ", "*", "`", "$", "\\(", "answer: ", "```\n", "1 ", "{", "ab: ", "is 1", "a, "])
def test_long_replies_take_no_time(form, piece):
    start = time.monotonic()
    for size in (900, 3_000, 200_000):
        form_of(*form)(piece * (size // len(piece)))
    assert time.monotonic() - start < 2
