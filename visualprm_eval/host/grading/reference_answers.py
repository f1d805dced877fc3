"""Reference answers as texts of a policy, and whether a grader gives them all that it has to give.

A figure that they do not bring to its greatest value says little of a policy's texts: it is another one than meant, or
the grader cannot read the answers as they are shown to it.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import one_line
from visualprm_eval.core.words import digits
from visualprm_eval.host.data.usable import host_type

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem, Verdict
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.host.grading.host_figures import HostFigure

UNKNOWN = "unknown"
"""What stands for the answer of a row that has none."""
MATCHED_SLACK = 0.01
"""Which part of the greatest value may be lacking where answers are matched: files have a few rows that are odd."""
JUDGED_SLACK = 0.1
"""The same where a judge rates texts."""
EXACT = 1e-6
_LEAST_NUMBERS = 4
_LONGEST = 60
_SHOWN = 3


def reference_answers(benchmark: Benchmark, problems: Sequence[Problem]) -> list[dict[str, str]]:
    """Tables of reference answers by index, in the ways in which they may be meant.

    There are none where there are no answers, or these are regions of a picture, in which a policy's point may lie: a
    mask, or a list of numbers.

    First each as one would say it: the most frequent of several that are right, written as the grader reads it. Then
    as they stand, where that is different.
    """
    if host_type(benchmark.dataset) == "GUI" or "mask" in benchmark.dataset.data:
        return []
    given = {problem.index: problem.answer for problem in problems}
    if not any(given.values()):
        given = _in_other_columns(benchmark, set(given))
    if not any(given.values()) or all(_is_region(text) for text in given.values() if text):
        return []
    said = {index: benchmark.task.written(_one_of(text)) if text else UNKNOWN for index, text in given.items()}
    plain = {index: text or UNKNOWN for index, text in given.items()}
    return [said] if said == plain else [said, plain]


def _in_other_columns(benchmark: Benchmark, indices: set[str]) -> dict[str, str]:
    """The answers of a table that has them in a column of another name: ``answers``, ``final_answer``, ``gpt4_ans``."""
    data = benchmark.dataset.data
    for name in data:
        if str(name).lower().endswith(("answer", "answers", "_ans")) and data[name].notna().any():
            cells = zip(data["index"].astype(str), data[name], data[name].notna(), strict=True)
            return {index: str(cell) if given else "" for index, cell, given in cells if index in indices}
    return {}


def _one_of(text: str) -> str:
    """One of several answers that are right, where a cell lists texts; else all of the cell."""
    several = _listed(text)
    if not several or not all(isinstance(each, str) for each in several):
        return text
    return str(Counter(several).most_common(1)[0][0])


def _is_region(text: str) -> bool:
    """Whether an answer is a box or a polygon: a list of four numbers, or of points."""
    numbers = [each for part in _listed(text) for each in (part if isinstance(part, list | tuple) else [part])]
    return len(numbers) >= _LEAST_NUMBERS and all(isinstance(each, int | float) for each in numbers)


def _listed(text: str) -> list[object]:
    """What a cell lists; nothing where it is no list."""
    if not text.startswith("["):
        return []
    try:
        several = ast.literal_eval(text)  # Literals only.
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    return several if isinstance(several, list) else []


def lacking_part(figure: HostFigure) -> float:
    """How far the figure of reference answers is from its best value, as a part of the greatest one."""
    if figure.greatest == math.inf:
        return 0.0
    return min(abs(figure.value - best) / (figure.greatest or best or 1.0) for best in _expected(figure))


def _expected(figure: HostFigure) -> Sequence[float]:
    """The values that they may come to; most figures whose greatest value nobody knows count in percent or parts."""
    if figure.lower:
        return (0.0,)
    return (100.0, 1.0) if figure.greatest is None else (figure.greatest,)


def shortfall(
    figure: HostFigure, answers: Mapping[str, str], shown: Mapping[str, str], verdicts: Mapping[str, Verdict]
) -> str:
    """What the reference answers come to, and the first rows whose own answer is not right, in a sentence.

    Args:
        figure: Their figure.
        answers: They, by index.
        shown: What the grader got of them.
        verdicts: The grader's verdicts on them, as far as it leaves some.
    """
    best = " or ".join(f"{value:,g}" for value in _expected(figure))
    said = f"the reference answers come to {digits(figure.value)} in the host's figure {figure.metric}, expected {best}"
    wrong = [index for index, verdict in verdicts.items() if verdict.value is not None and verdict.value < 1]
    if wrong:
        rows = "; ".join(
            f"row {index}: {one_line(answers[index], _LONGEST)!r}"
            + (f", shown as {one_line(shown[index], _LONGEST)!r}" if shown[index] != answers[index] else "")
            for index in wrong[:_SHOWN]
        )
        said += f"; not right are, among others, {rows}"
    return said
