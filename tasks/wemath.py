"""WeMath: problems of two or three steps, and each step as a problem of its own.

Data: the host's ``WeMath.tsv`` (1,740 rows of testmini, https://opencompass.openxlab.space/utils/VLMEval/WeMath.tsv);
arXiv:2407.01284. ``key`` says what a row is (``2steps_1``, ``2steps_2``, ``2steps_multi``, ``3steps_1`` ...), ``ID``
to which problem it belongs. In 525 groups of steps and composite problem the strict score is

    (groups - 0.5 * inadequate generalisation - rote memorisation - insufficient knowledge) / groups

where inadequate generalisation is: all steps right, the composite problem wrong; and rote memorisation and
insufficient knowledge are: some step wrong, the composite problem right, or wrong. So a group earns 1 when all is
right, 0.5 when only the composite problem is wrong, else nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from visualprm_eval.core.types import Problem
from visualprm_eval.tasks.base import Published, Task

GROUPS = 525
"""Groups in the whole benchmark."""

Group = tuple[str, str]


def complete_groups(problems: Sequence[Problem]) -> dict[Group, list[int]]:
    """Groups of which every step and the composite problem are there: places of the steps, then of the composite."""
    places: dict[Group, dict[str, int]] = {}
    for place, problem in enumerate(problems):
        steps, _, role = problem.groups["key"].partition("steps_")
        if role:
            places.setdefault((steps, problem.groups["ID"]), {})[role] = place
    return {
        group: [*(found[role] for role in _roles(group)), found["multi"]]
        for group, found in places.items()
        if found.keys() >= {*_roles(group), "multi"}
    }


def group_of(problem: Problem) -> Group:
    """The group of steps and composite problem that a problem is one of."""
    return problem.groups.get("key", "").partition("steps_")[0], problem.groups.get("ID", problem.id)


def _roles(group: Group) -> list[str]:
    return [str(step) for step in range(1, int(group[0]) + 1)]


def strict_score(problems: Sequence[Problem], values: Sequence[float]) -> float:
    """The strict score over the groups that are present; NaN when there is none, or a store does not know them."""
    if not _grouped(problems):
        return math.nan
    earned = []
    for *steps, composite in complete_groups(problems).values():
        earned.append(math.prod(values[step] for step in steps) * (1 + values[composite]) / 2)
    return math.fsum(earned) / len(earned) if earned else math.nan


def _grouped(problems: Sequence[Problem]) -> bool:
    return all({"ID", "key"} <= problem.groups.keys() for problem in problems)


def _remark(problems: Sequence[Problem]) -> str:
    if not _grouped(problems):
        return "the store does not know which rows belong together: report once where the host is"
    present = len(complete_groups(problems))
    return "" if present == GROUPS else f"strict score over the {present:,} groups that are present, of {GROUPS}"


TASK = Task(
    name="WeMath",
    host_dataset="WeMath",
    metric="strict score",
    split_label="testmini",
    size=1_740,
    judge="gpt-4o-mini",
    host_judge="gpt-4o-mini",
    group_columns=("ID", "key"),
    aggregate=strict_score,
    group=group_of,
    remark=_remark,
    published=Published("WeMath", split="testmini", metric="strict score"),
    judge_overhead=850,
)
COT = replace(TASK, name="WeMath-COT", host_dataset="WeMath_COT", source_file="WeMath.tsv")
