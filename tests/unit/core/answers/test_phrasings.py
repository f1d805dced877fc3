"""Ordinary phrasings of answers, in ten languages: nearly all of them must be read, and few abstained from."""

from __future__ import annotations

import pytest

from visualprm_eval.core.answers import answer

OPTIONS = {"A": "35°", "B": "55°", "C": "145°", "D": "170°"}
WORDS = {"A": "the red ball", "B": "the blue cube", "C": "both", "D": "neither of them"}
YES_NO = {"A": "Yes", "B": "No"}

# What a text says, the options, its vote.
PHRASINGS: list[tuple[str, dict[str, str], str]] = [
    # English, an option's letter
    ("Angles on a line add up to 180.\n\nThe correct option is (C).", OPTIONS, "C"),
    ("So option C is correct.", OPTIONS, "C"),
    ("Therefore, (C) is the correct answer.", OPTIONS, "C"),
    ("Thus C is the right choice.", OPTIONS, "C"),
    ("I would choose C.", OPTIONS, "C"),
    ("I'd go with option (C).", OPTIONS, "C"),
    ("The result would be (C).", OPTIONS, "C"),
    ("### Answer\nC", OPTIONS, "C"),
    ("**Final Answer**\n\n**C**", OPTIONS, "C"),
    ("Work: 180 - 35 = 145.\n\n**C**", OPTIONS, "C"),
    ("Answer: C because the angles add up to 180 degrees.", OPTIONS, "C"),
    ("The answer is C, since 180 - 35 = 145.", OPTIONS, "C"),
    ("The answer is C (145°).", OPTIONS, "C"),
    ("The answer is C - 145°.", OPTIONS, "C"),
    ("Answer: C. Here is why: the angles add up to 180.", OPTIONS, "C"),
    ("Answer: C. 145", OPTIONS, "C"),
    ("Ans: (c)", OPTIONS, "C"),
    ("The best answer here is clearly option C.", OPTIONS, "C"),
    ("Answer: C\n\nThe answer is based on the picture.", OPTIONS, "C"),
    ("The correct choice must therefore be C.", OPTIONS, "C"),
    ("Looking at the options, C matches.\n\nHence, the answer would be: C) 145°", OPTIONS, "C"),
    ("The angle is marked. Select choice C.", OPTIONS, "C"),
    (r"\boxed{A} ... Wait, I misread the picture. The correct answer is C.", OPTIONS, "C"),
    (r"Answer: A? No. $\boxed{\text{C}}$", OPTIONS, "C"),
    (r"Therefore $\boxed{\text{(C) } 145^\circ}$.", OPTIONS, "C"),
    ("C", OPTIONS, "C"),
    ("(C)", OPTIONS, "C"),
    ("C) 145°", OPTIONS, "C"),
    # an option's text
    ("The angle at the top is 145°.", OPTIONS, "C"),
    ("So the answer is 145 degrees.", OPTIONS, "C"),
    (r"Hence $x = 145^{\circ}$.", OPTIONS, "C"),
    ("The picture shows that the blue cube is the heavier one.", WORDS, "B"),
    ("Answer: The blue cube", WORDS, "B"),
    ("The correct answer is neither of them.", WORDS, "D"),
    ("No, there are fewer cars than trucks.", YES_NO, "B"),
    ("There are three cars and two trucks, so the answer is Yes.", YES_NO, "A"),
    ("Yes.", YES_NO, "A"),
    # in tags
    ("<think>The answer is A. Or B?</think>\n\nThe answer is C.", OPTIONS, "C"),
    ("<think>first A</think><answer>C</answer>", OPTIONS, "C"),
    ("<CONCLUSION> The angle is (C). </CONCLUSION>", OPTIONS, "C"),
    ("So it is <|begin_of_box|>C<|end_of_box|>", OPTIONS, "C"),
    ("<Answer>: <<C>>", OPTIONS, "C"),
    ('{"reason": "on a line", "answer": "C"}', OPTIONS, "C"),
    ('```json\n{"final_answer": 40}\n```', {}, "40"),
    ("48 - 8 = 40\n#### 40", {}, "40"),
    ("<|channel|>analysis<|message|>Answer: 3<|end|><|start|>assistant<|channel|>final<|message|>Answer: 40<|return|>",
     {}, "40"),
    # numbers
    ("The age gap is 21 years.", {}, "21 year"),
    ("x = 3 + 4\nprint(x)\n\n7", {}, "7"),
    ("so x = 12 cm.", {}, "12 cm"),
    ("The answer is 7, which is the sum of both.", {}, "7"),
    ("The answer is therefore 5.", {}, "5"),
    ("There are 4 objects left after that.", {}, "4"),
    ("We get a total of $36.", {}, "36 $"),
    ("The value is approximately 3.14.", {}, "3.14"),
    ("Final Answer: 1,250", {}, "1250"),
    (r"Thus, the area is $2\sqrt{3}$.", {}, "2sqrt(3)"),
    ("Therefore, seven people like it.", {}, "7"),
    ("The ratio is **3/4**.\n\nI hope this helps!", {}, "0.75"),
    ("The perimeter equals 24 cm, because all sides are 6 cm long.", {}, "24 cm"),
    (r"\[ \boxed{\dfrac{1}{2}} \]", {}, "0.5"),
    # Chinese
    ("所以，答案是C。", OPTIONS, "C"),
    ("答案：C", OPTIONS, "C"),
    ("故选：C。", OPTIONS, "C"),
    ("因此，正确选项是 (C) 145°。", OPTIONS, "C"),
    ("综上所述，应该选择C。", OPTIONS, "C"),
    ("【答案】C", OPTIONS, "C"),
    ("选项C是正确的。", OPTIONS, "C"),
    ("因此最终答案为 12 厘米。", {}, "12 cm"),
    ("所以一共有 5 个苹果。", {}, "5"),
    ("所以，∠ACE的度数是145°。", OPTIONS, "C"),
    # Japanese
    ("したがって、答えはCです。", OPTIONS, "C"),
    ("正解は (C) です。", OPTIONS, "C"),
    ("答え：C", OPTIONS, "C"),
    ("正しい選択肢は「C」です。", OPTIONS, "C"),
    ("よって、答えは12cmです。", {}, "12 cm"),
    ("Cが正解です。", OPTIONS, "C"),
    # Korean
    ("따라서 정답은 C입니다.", OPTIONS, "C"),
    ("정답: C", OPTIONS, "C"),
    ("최종 답은 (C)입니다.", OPTIONS, "C"),
    ("따라서 답은 12입니다.", {}, "12"),
    # Spanish
    ("Por lo tanto, la respuesta correcta es C.", OPTIONS, "C"),
    ("Respuesta: C) 145°", OPTIONS, "C"),
    ("La opción correcta es la C.", OPTIONS, "C"),
    ("La respuesta final es 2,5.", {}, "2.5"),
    ("La opción C es correcta.", OPTIONS, "C"),
    # French
    ("Donc, la bonne réponse est C.", OPTIONS, "C"),
    ("Réponse : C", OPTIONS, "C"),
    ("La réponse correcte est donc (C).", OPTIONS, "C"),
    ("La réponse est 12 cm.", {}, "12 cm"),
    # German
    ("Die richtige Antwort ist C.", OPTIONS, "C"),
    ("Antwort: C) 145°", OPTIONS, "C"),
    ("Die Antwort lautet also 12.", {}, "12"),
    ("Option C ist richtig.", OPTIONS, "C"),
    ("Die Lösung ist 2,5.", {}, "2.5"),
    # Russian
    ("Следовательно, правильный ответ — C.", OPTIONS, "C"),
    ("Ответ: С", OPTIONS, "C"),
    ("Ответ: 12 см.", {}, "12 cm"),
    ("Правильный вариант: (C) 145°", OPTIONS, "C"),
    # Arabic
    ("إذن الإجابة الصحيحة هي C.", OPTIONS, "C"),
    ("الإجابة: C", OPTIONS, "C"),
    ("الجواب هو ١٢.", {}, "12"),
    ("الخيار الصحيح هو (C).", OPTIONS, "C"),
]  # fmt: skip

# What says nothing that could be counted.
NO_ANSWERS: list[tuple[str, dict[str, str]]] = [
    ("<think>The answer is 5, or is it", {}),
    ("The picture is not clear, so it is not possible to determine the answer.", {}),
    ("I'm sorry, I cannot see the image.", OPTIONS),
    ("The answer is E.", OPTIONS),
    ("The answer is not given in the question.", OPTIONS),
    (r"So the answer is \boxed{", {}),
]


def test_nearly_all_phrasings_are_read() -> None:
    votes = [(text, choices, expected, answer(text, choices)) for text, choices, expected in PHRASINGS]
    missed = [(text, expected, vote) for text, _, expected, vote in votes if vote != expected]
    assert len(votes) >= 60
    assert len(missed) <= 0.03 * len(votes), missed
    assert sum(vote is None for *_, vote in votes) <= 0.02 * len(votes), missed


@pytest.mark.parametrize(("text", "choices"), NO_ANSWERS)
def test_what_says_nothing_abstains(text: str, choices: dict[str, str]) -> None:
    assert answer(text, choices) is None
