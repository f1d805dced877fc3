"""Rows of the host's tables that it cannot use: without a question, an answer, options, or what the metric needs.

Its prompts would say "nan", and its graders raise over them after hours of sampling. They are found when a table is
loaded, are named, and belong to no problem.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from visualprm_eval.core.words import counted

MATCHED_TYPES = ("MCQ", "Y/N")
"""Types whose reference answers the host matches without a judge."""
_CHOICE = "MCQ"


def host_type(dataset: Any) -> str:
    """The host's type of a dataset; all kinds of multiple choice are one, and a class that says nothing asks freely."""
    own = str(getattr(dataset, "TYPE", None) or "VQA")
    return _CHOICE if own.startswith(_CHOICE) else own


_SHOWN = 3


def unusable_rows(dataset: Any, group_columns: Sequence[str] = ()) -> dict[int, str]:
    """Which rows of a dataset cannot be used, by their place, and why.

    A column in which no row says anything is one that the dataset does without.

    Args:
        dataset: The host's dataset object.
        group_columns: Columns that the benchmark's metric needs.
    """
    data = dataset.data
    columns = {"question", "answer", *group_columns, *string.ascii_uppercase}
    said = {str(name): list(map(_says, data[name])) for name in data if name in columns}
    needed = [name for name in ("question", "answer", *group_columns) if any(said.get(name, ()))]
    letters = [name for name in said if name in string.ascii_uppercase and len(name) == 1]
    is_choice = host_type(dataset) == _CHOICE and any(any(said[letter]) for letter in letters)
    found: dict[int, str] = {}
    for place in range(len(data)):
        lacking = [f"no {name}" for name in needed if not said[name][place]]
        if is_choice and not lacking:
            options = {letter for letter in letters if said[letter][place]}
            answer = str(data["answer"].iloc[place]).strip() if "answer" in data else ""
            lacking += ["no options"] if not options else []
            lacking += [f"no option {answer}, its answer"] if answer in set(letters) - options and options else []
        if lacking:
            found[place] = " and ".join(lacking)
    return found


def _says(value: Any) -> bool:
    """Whether a cell says anything."""
    import pandas as pd

    return isinstance(value, list) or (not pd.isna(value) and str(value).strip() != "")


def lack_of_answers(dataset: Any, *, has_task: bool) -> str:
    """Why nothing of a dataset can be graded, ``""`` where it has answers, or may keep them in a way of its own.

    Args:
        dataset: The host's dataset object.
        has_task: Whether the benchmark has a task of its own, which needs the column.
    """
    data = dataset.data
    # Such as "final_answer"; "answer_type" says nothing of the answer.
    kept = [name for name in data if str(name).lower().endswith(("answer", "answers"))]
    if any(_says(value) for name in kept for value in data[name]):
        return ""
    if "answer" in data:
        return "its column answer is empty"
    sure = has_task or host_type(dataset) in MATCHED_TYPES
    return "it has no column answer" if sure else ""


def left_out_remark(left_out: Mapping[str, str]) -> str:
    """What must be said of values where rows of the file are left out, by place: the reasons."""
    if not left_out:
        return ""
    listed = "; ".join(f"{place}: {reason}" for place, reason in left_out.items())
    if len(left_out) > _SHOWN:
        listed = ", ".join(f"{count:,} with {reason}" for reason, count in Counter(left_out.values()).most_common())
    rows = "row" if len(left_out) == 1 else "rows"
    return f"{len(left_out):,} {rows} of the file cannot be used: left out ({listed})"


def surplus_remark(surplus: int) -> str:
    """What must be said of values where the file has more problems than the benchmark is said to have."""
    return f"the file has {counted(surplus, 'problem')} more than the benchmark is said to have" if surplus else ""
