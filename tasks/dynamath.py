"""DynaMath: 501 questions in 10 variants each; a question counts when all of its variants are right.

Data: the host's ``DynaMath.tsv`` (5,010 rows, https://opencompass.openxlab.space/utils/VLMEval/DynaMath.tsv);
arXiv:2411.00836. ``qid`` names the question of a row. Papers report the worst case, the host's primary metric is the
average. The host takes the "short answer" out of a JSON object; where there is none, a judge is asked for the answer.
The dataset's own prompt asks for that object and for the answer in a certain form: a letter, three decimals. The form
is asked for with ``--prompt cot`` and ``direct`` too; the object is not: a solution that is a value in it has no steps,
and the last line that the chain of thought ends in says the answer as well. (The host's InternVLChat asks for neither.)
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from visualprm_eval.core.answers import MAX_LENGTH, final_answer, normalise
from visualprm_eval.core.answers import answer as local_answer
from visualprm_eval.core.answers.keys import Vote
from visualprm_eval.core.answers.marks import undecorated
from visualprm_eval.core.thoughts import response
from visualprm_eval.core.types import Problem
from visualprm_eval.tasks.base import Published, Task

VARIANTS = 10
"""Variants of each question in the whole benchmark."""


def worst_case(problems: Sequence[Problem], values: Sequence[float]) -> float:
    """The part of the questions of which all variants are right; NaN where a store does not know the questions."""
    if not _grouped(problems):
        return math.nan
    questions: dict[str, float] = {}
    for problem, value in zip(problems, values, strict=True):
        question = problem.groups["qid"]
        questions[question] = questions.get(question, 1.0) * value
    return math.fsum(questions.values()) / len(questions)


def question_of(problem: Problem) -> str:
    """The question that a problem is a variant of."""
    return problem.groups.get("qid", problem.id)


def _grouped(problems: Sequence[Problem]) -> bool:
    return all("qid" in problem.groups for problem in problems)


def _remark(problems: Sequence[Problem]) -> str:
    if not _grouped(problems):
        return "the store does not know which rows are variants: report once where the host is"
    sizes = Counter(problem.groups["qid"] for problem in problems)
    short = sum(size < VARIANTS for size in sizes.values())
    if not short:
        return ""
    return f"worst case over less than {VARIANTS} variants for {short:,} of {len(sizes):,} questions"


_SHORT_ANSWER = re.compile(r'"short answer"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d[\d.]*(?:[eE][-+]?\d+)?))', re.DOTALL)
"""The key of the benchmark's JSON object with its value: braces around it prove nothing, LaTeX has some as well."""


def concluded(text: str) -> str | None:
    """What a text concludes with: its last "short answer" as in a JSON object, else what other texts conclude with.

    Thoughts do not count. Backslashes go, as in the host: many models write LaTeX into the object without escaping it.
    """
    short = _short_answer(text)
    return final_answer(text) if short is None else short or None


def answer(text: str, choices: Mapping[str, str]) -> str | None:
    """The vote of a text: its "short answer", see :func:`concluded`, else as for other benchmarks."""
    short = _short_answer(text)
    if short is None:
        return local_answer(text, choices)
    key = normalise(short, choices)
    return None if key is None else Vote.of(key)


def _short_answer(text: str) -> str | None:
    """The "short answer" of a text, ``""`` for one that says nothing; ``None`` where there is none."""
    found = list(_SHORT_ANSWER.finditer(response(text)))
    if not found:
        return None
    short = (found[-1][1] or found[-1][2] or "").replace("\\", "")
    return "" if len(short) > MAX_LENGTH else undecorated(short)


_REQUESTS = {
    "multiple choice": "Provide the corresponding choice option, such as 'A', 'B', 'C', or 'D'.",
    "float": "Format the answer as a three-digit floating-point number.",
}
"""What the dataset's own prompt asks of an answer of a type, but for the JSON object around it."""
_REQUEST = "Float numbers in the answer should be formatted as three-digit floating-point numbers."


def answer_request(row: Mapping[str, Any]) -> str:
    """What the benchmark asks of the answer to a row: a letter, or three decimals."""
    return _REQUESTS.get(str(row.get("answer_type")), _REQUEST)


TASK = Task(
    name="DynaMath",
    host_dataset="DynaMath",
    metric="worst-case accuracy",
    split_label="all variants",
    size=5_010,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    answer=answer,
    concluded=concluded,
    group_columns=("qid", "varid"),
    aggregate=worst_case,
    group=question_of,
    remark=_remark,
    published=Published("DynaMath", split="all variants", metric="worst-case accuracy"),
    judge_overhead=80,
    answer_request=answer_request,
    request_note="a letter, or three decimals, as the dataset's own prompt asks for, but not in a JSON object",
    judge_reads_question=False,
)
