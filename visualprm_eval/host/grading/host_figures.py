"""The host's own figure of a whole table: which number of what its ``evaluate`` returns is the metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.types import Problem
from visualprm_eval.host.data.usable import host_type
from visualprm_eval.tasks.wemath import GROUPS, complete_groups

if TYPE_CHECKING:
    from visualprm_eval.host.data.benchmarks import Benchmark


@dataclass(frozen=True, slots=True)
class HostFigure:
    """The host's own number for a table.

    Attributes:
        value: In percent for benchmarks with a task of their own, and for multiple choice; else as the class counts.
        metric: What the host calls it, or the task's metric.
    """

    value: float
    metric: str


class FigureError(Exception):
    """The host's result is not laid out as expected."""


def host_figure_of(benchmark: Benchmark, result: Any, indices: Sequence[str]) -> HostFigure | None:
    """The benchmark's metric, as the host's ``evaluate`` counted it.

    Args:
        benchmark: What was evaluated.
        result: What ``evaluate`` returned.
        indices: The rows of the table that was evaluated.

    Returns:
        ``None`` for benchmarks without a task of their own in whose result the host sees no single primary metric.

    Raises:
        FigureError: The number is not there.
    """
    reader = _FIGURES.get(benchmark.name)
    try:
        if reader is None:
            return _primary(benchmark, result)
        return HostFigure(reader(benchmark, result, indices), benchmark.task.metric)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        if reader is None:
            return None
        raise FigureError(f"the host's result has no such figure ({error_text(error)})") from error


def tolerance(benchmark: Benchmark, indices: Sequence[str]) -> float:
    """How far the host's figure may be from ours by its rounding, in points.

    WeMath's is printed with two decimals, as a part of all groups.
    """
    if "key" not in benchmark.task.group_columns:
        return 1e-6
    return 0.0051 * GROUPS / max(1, len(complete_groups(_chosen(benchmark, indices))))


def countable(benchmark: Benchmark, indices: Sequence[str]) -> list[str]:
    """The rows that the host counts as our metric does: of WeMath those of complete groups."""
    if "key" not in benchmark.task.group_columns:
        return list(indices)
    chosen = _chosen(benchmark, indices)
    places = sorted(place for group in complete_groups(chosen).values() for place in group)
    return list(dict.fromkeys(chosen[place].index for place in places))


def _chosen(benchmark: Benchmark, indices: Sequence[str]) -> list[Problem]:
    wanted = set(indices)
    return [problem for problem in benchmark.problems if problem.index in wanted]


Figure = Callable[["Benchmark", Any, Sequence[str]], float]


def _by(column: str, value: str, figure: str, factor: float = 1.0) -> Figure:
    """The one cell of a column in the row that has a value in another column."""
    return lambda _benchmark, table, _indices: factor * float(table.loc[table[column] == value, figure].item())


def _wemath(benchmark: Benchmark, result: Any, indices: Sequence[str]) -> float:
    """The host divides by the number of groups of the whole benchmark, whatever is in the table."""
    strict = float(result["Score (Strict)"][0].rstrip("%"))
    lost = GROUPS * (1 - strict / 100)
    return 100 * (1 - lost / len(complete_groups(_chosen(benchmark, indices))))


def _primary(benchmark: Benchmark, result: Any) -> HostFigure | None:
    """For other benchmarks: the host's primary metric, where it names one alone.

    The host's rule prefers what is called overall, then accuracy, then score. Its multiple choice counts in parts of
    1, or in percent (a checkout); all else is as the class reports it.
    """
    try:
        from vlmeval.smp.status_report import flatten_summary_metrics
    except ImportError:  # A checkout may have it elsewhere.
        return None
    primary = type(benchmark.dataset).report_primary_metric(flatten_summary_metrics(result))
    figure = float(*primary.values()) if len(primary) == 1 else math.nan
    if math.isnan(figure):
        return None
    (name,) = map(str, primary)
    # A table of picks has one split only.
    plain = name.rpartition("|")[2] if name.startswith("split=") else name
    return HostFigure(100 * figure if host_type(benchmark.dataset) == "MCQ" and figure <= 1 else figure, plain)


_FIGURES: Mapping[str, Figure] = {
    "MMMU_DEV_VAL": _by("split", "validation", "Overall", 100.0),
    "MathVista_MINI": _by("Task&Skill", "Overall", "acc"),
    "MathVision": _by("Subject", "Overall", "acc"),
    "MathVision_MINI": _by("Subject", "Overall", "acc"),
    "MathVerse_MINI_Vision_Only": _by("split", "Vision Only", "Overall"),
    "DynaMath": _by("Setting", "Worst Case", "Overall", 100.0),
    "WeMath": _wemath,
    "WeMath_COT": _wemath,
    "LogicVista": _by("Task&Skill", "Overall", "acc"),
}
