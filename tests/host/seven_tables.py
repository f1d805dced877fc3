"""Tiny versions of the paper's seven benchmarks, in the columns that the host's code reads, and a judge of them.

The texts of :func:`text` are such that no grader of the host reads them by itself, but the judge always can.
"""

from __future__ import annotations

import json
import re

from tests.host.material import mcq_rows, picture, write_tsv

OPTIONS = {"A": "apple", "B": "banana", "C": "cherry", "D": "date"}
RIGHT_NUMBER, WRONG_NUMBER = "7", "8"
TABLE2 = (
    "MMMU_DEV_VAL", "MathVista_MINI", "MathVision_MINI", "MathVerse_MINI_Vision_Only", "DynaMath", "WeMath",
    "LogicVista",
)  # fmt: skip
WEMATH_KEYS = ("2steps_1", "2steps_2", "2steps_multi", "3steps_1", "3steps_2", "3steps_3", "3steps_multi")


def rows_of(name: str) -> list[dict]:
    """The rows of a tiny benchmark; the right answer is option B, or 7."""
    make = {
        "MMMU_DEV_VAL": _mmmu, "MathVista_MINI": _mathvista, "MathVision_MINI": _mathvision, "MathVision": _mathvision,
        "MathVerse_MINI_Vision_Only": _mathverse, "DynaMath": _dynamath, "WeMath": _wemath, "LogicVista": _logicvista,
    }[name]  # fmt: skip
    return [
        {"image": picture((index % 250, 9, 9)), "question": f"{name} question {index}?", **row, "index": index}
        for index, row in enumerate(make(), start=1)
    ]


def write_seven(folder, names=TABLE2) -> None:
    for name in names:
        write_tsv(folder / f"{name}.tsv", rows_of(name))


def _mmmu():
    splits = ("dev", "validation", "validation", "validation", "validation")
    return [{"split": s, "category": "Art", "l2-category": "Art", "answer": "B", **OPTIONS} for s in splits]


def _mathvista():
    kind = {"question_type": "free_form", "answer_type": "integer", "choices": "[]", "answer_option": "",
            "task": "geometry", "skills": "['algebra']", "answer": RIGHT_NUMBER}  # fmt: skip
    return [dict(kind) for _ in range(4)]


def _mathvision():
    return [{"choices": "[]", "category": "algebra", "answer": RIGHT_NUMBER} for _ in range(4)]


def _mathverse():
    about = json.dumps({"subject": "Plane Geometry", "subfield": "Area", "split": "testmini", "source": "x"})
    kind = {"question_for_eval": "How long?", "metadata": about, "problem_version": "Vision Only"}
    return [{**kind, "answer": RIGHT_NUMBER} for _ in range(4)]


def _dynamath():
    kind = {"answer_type": "float", "subject": "algebra", "knowledge_level": "high", "answer": RIGHT_NUMBER}
    return [{**kind, "qid": 1 + (place >= 2) * 2, "varid": 1 + place % 2} for place in range(4)]


def _wemath():
    kind = {**OPTIONS, "knowledge concept": "Area of Triangles", "answer": "B"}
    return [{**kind, "key": key, "ID": group} for group in (1, 2) for key in WEMATH_KEYS]


def _logicvista():
    return [{"skill": "inductive", "answer": "B"}, *({"skill": "spatial", "answer": "B, C"} for _ in range(3))]


def text(name: str, index: int, *, right: bool) -> str:
    """What a policy wrote for a row; only a judge can read it."""
    return f"[{name}/{index}] I take the {'matching' if right else 'clashing'} one, as shown above"


_ABOUT = re.compile(r"\[(\w+)/(\d+)\] I take the (matching|clashing) one")


def judge(asked: str) -> str:
    """What a judge replies that understands :func:`text`."""
    found = _ABOUT.search(asked)
    if found is None:
        given = re.search(r"\[Model_answer\] : (.*)\n\s*Judgement:\Z", asked)
        if given:
            return "1" if given[1] == RIGHT_NUMBER else "0"
        return "OK"
    name, index, how = found[1], int(found[2]), found[3]
    right = how == "matching"
    if name in {"MMMU_DEV_VAL", "WeMath"}:
        return "B" if right else "A"
    if name == "LogicVista":
        answer = "B" if index == 1 else "BC"
        return answer if right else "D"
    return RIGHT_NUMBER if right else WRONG_NUMBER


def pattern(name: str) -> dict[str, bool]:
    """Which rows a policy has right: every third is wrong."""
    return {str(row["index"]): row["index"] % 3 != 0 for row in rows_of(name) if row.get("split") != "dev"}


BY_HAND = {
    "MMMU_DEV_VAL": 75.0,  # rows 2 to 5; 3 is wrong
    "MathVista_MINI": 75.0,  # rows 1 to 4; 3 is wrong
    "MathVision_MINI": 75.0,
    "MathVerse_MINI_Vision_Only": 75.0,
    "DynaMath": 50.0,  # question 1: rows 1, 2; question 3: rows 3 (wrong), 4
    # Group 1, two steps: rows 1, 2 right, 3 (composite) wrong: 0.5. Three steps: 4, 5 right, 6 wrong: 0.
    # Group 2, two steps: rows 8 right, 9 wrong: 0. Three steps: 11 right, 12 wrong: 0.
    "WeMath": 12.5,
    "LogicVista": 75.0,
}
"""The figure of :func:`pattern` for each benchmark, in percent."""

__all__ = ["BY_HAND", "TABLE2", "judge", "mcq_rows", "pattern", "rows_of", "text", "write_seven"]
