"""DynaMath: 501 questions in 10 variants each; a question counts when all of its variants are right.

Data: the host's ``DynaMath.tsv`` (5,010 rows, https://opencompass.openxlab.space/utils/VLMEval/DynaMath.tsv);
arXiv:2411.00836. ``qid`` names the question of a row. Papers report the worst case, the host's primary metric is the
average. The host takes the "short answer" out of a JSON object; where there is none, a judge is asked for the answer.
The dataset's own prompt asks for that object; the host's InternVLChat, whose prompts ``--prompt cot`` and ``direct``
are, does not.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from visualprm_eval.answers import answer as local_answer
from visualprm_eval.answers import normalise
from visualprm_eval.tasks.base import Published, Task
from visualprm_eval.types import Problem

__all__ = ["TASK", "VARIANTS", "answer", "question_of", "worst_case"]

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


def answer(text: str, choices: Mapping[str, str]) -> str | None:
    """The vote of a text: the "short answer" of a JSON object at its end, else as for other benchmarks."""
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        try:
            found = json.loads(text[start : end + 1].replace("\\", ""), strict=False)
        except (ValueError, RecursionError):
            found = None
        short = found.get("short answer") if isinstance(found, dict) else None
        if isinstance(short, str | int | float):
            key = normalise(str(short), choices)
            return None if key is None else str(key)
    return local_answer(text, choices)


TASK = Task(
    name="DynaMath",
    host_dataset="DynaMath",
    metric="worst-case accuracy",
    split_label="all variants",
    size=5_010,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    answer=answer,
    group_columns=("qid", "varid"),
    aggregate=worst_case,
    group=question_of,
    remark=_remark,
    published=Published("DynaMath", split="all variants", metric="worst-case accuracy"),
    judge_overhead=80,
    own_format="a JSON object with a 'short answer', numbers in it with three decimals",
    judge_reads_question=False,
)
