"""The host's own figure of a whole table: which number of what its ``evaluate`` returns is the metric."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.types import Problem
from visualprm_eval.core.words import first_few
from visualprm_eval.host.data.usable import host_type
from visualprm_eval.tasks.primary_figures import PrimaryFigure, chosen_figure
from visualprm_eval.tasks.wemath import GROUPS, complete_groups

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark

_MOST_NAMED = 12
"""Figures that a message lists."""


@dataclass(frozen=True, slots=True)
class HostFigure:
    """The host's own number for a table.

    Attributes:
        value: In percent for benchmarks with a task of their own, and for multiple choice; else as the class counts.
        metric: What the host calls it, or the task's metric.
        greatest: The greatest value that it can have for this table, infinite where there is none; ``None`` where
            nobody knows.
        lower: Whether less is better.
    """

    value: float
    metric: str
    greatest: float | None = None
    lower: bool = False


class FigureError(Exception):
    """The host's result is not laid out as expected."""


def host_figure_of(
    benchmark: Benchmark, result: Any, indices: Sequence[str], metric: str | None = None
) -> HostFigure | None:
    """The benchmark's metric, as the host's ``evaluate`` counted it.

    Args:
        benchmark: What was evaluated.
        result: What ``evaluate`` returned.
        indices: The rows of the table that was evaluated.
        metric: The figure that somebody chose, see ``visualprm_eval.tasks.primary_figures.chosen_figure``.

    Returns:
        ``None`` for benchmarks without a task of their own for which nobody chose a figure, and of which neither our
        table nor the host's rule knows one.

    Raises:
        FigureError: The number is not there.
    """
    reader = _FIGURES.get(benchmark.name)
    if reader is not None:
        try:
            return HostFigure(reader(benchmark, result, indices), benchmark.task.metric, 100.0)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise FigureError(f"the host's result has no such figure ({error_text(error)})") from error
    figures = figures_in(result)
    if not figures:
        return None
    if metric is None:
        return _known(benchmark, figures, indices)
    with suppress(FigureError):
        known = _known(benchmark, figures, indices)
        if known is not None and known.metric == metric:
            return known
    return _named(benchmark, figures, chosen_figure(metric), indices)


def _known(benchmark: Benchmark, figures: Mapping[str, float], indices: Sequence[str]) -> HostFigure | None:
    """The figure that our table or the host's rule knows."""
    known = benchmark.task.figure
    if known is not None and known.refusal:
        return None
    if known is None or known.is_by_rule:
        return _by_rule(benchmark, figures, known)
    return _named(benchmark, figures, known, indices)


def figures_in(result: Any) -> dict[str, float]:
    """All numbers of what ``evaluate`` returned, by the names that the host gives them; without those that are NaN."""
    try:
        from vlmeval.smp.status_report import flatten_summary_metrics
    except ImportError:  # A checkout may have it elsewhere.
        return {}
    numbers = ((str(name), float(number)) for name, number in flatten_summary_metrics(result).items())
    return {name: number for name, number in numbers if not math.isnan(number)}


def without_splits(figures: Mapping[str, float]) -> dict[str, float]:
    """Figures by their names without the dataset's split.

    A table of picks has one split. That of reference answers may have several, of which the least counts then, unless
    there is one of all rows.
    """
    found: dict[str, dict[str, float]] = {}
    for name, value in figures.items():
        split, _, rest = name.partition("|") if name.startswith("split=") else ("", "", name)
        found.setdefault(rest or name, {})[split.removeprefix("split=").lower() if rest else ""] = value
    return {
        name: next((of[split] for split in ("", "overall", "all") if split in of), min(of.values()))
        for name, of in found.items()
    }


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


def _by_rule(benchmark: Benchmark, figures: Mapping[str, float], known: PrimaryFigure | None) -> HostFigure | None:
    """For other benchmarks: the host's primary metric, where it names one alone.

    Classes of our table that have a rule of their own give percent. The rule of all others prefers what is called
    overall, then accuracy, then score; where the alphabet alone would decide, there is none.
    """
    from vlmeval.dataset.image_base import ImageBaseDataset

    rule = getattr(type(benchmark.dataset), "report_primary_metric", None)
    own = {} if rule is None else rule(dict(figures))
    if own != ImageBaseDataset.report_primary_metric(dict(figures)):
        greatest = None if known is None or known.greatest is None else known.factor * known.greatest
        return HostFigure(float(*own.values()), str(*own), greatest) if len(own) == 1 else None
    plain = without_splits(figures)
    ranks = {name: _rank(name) for name in plain}
    best = [name for name in plain if ranks[name] == max(ranks.values())]
    if len(best) != 1 or (len(plain) > 1 and not any(ranks[best[0]])):
        return None
    value = plain[best[0]]
    if known is not None and known.greatest is not None:
        return HostFigure(known.factor * value, best[0], known.factor * known.greatest)
    return HostFigure(_in_percent(benchmark, value), best[0])


def _rank(name: str) -> tuple[int, ...]:
    """How the host's rule ranks a figure by its name; the later words tell two of equal rank apart."""
    name = name.lower()
    return tuple(
        3 if name == word else 2 if name.endswith(f"|{word}") else int(word in name)
        for word in ("overall", "acc", "score")
    )


def _in_percent(benchmark: Benchmark, value: float) -> float:
    """A figure of which nobody knows the greatest value: most multiple choice counts in parts of 1."""
    return 100 * value if host_type(benchmark.dataset) == "MCQ" and value <= 1 else value


def _named(
    benchmark: Benchmark, figures: Mapping[str, float], known: PrimaryFigure, indices: Sequence[str]
) -> HostFigure:
    """The figure that somebody chose, or that our table knows."""
    there = {**without_splits(figures), **figures}
    names = known.names or tuple(figures)
    if missing := [name for name in names if name not in there]:
        raise FigureError(
            f"the host's result has no figure {', '.join(missing)}; it has {listed_figures(figures)}. Choose one with "
            f"--metric {benchmark.name}=NAME"
        )
    value = math.fsum(there[name] for name in names) / (1 if known.how == "sum" else len(names))
    if known.source == "":
        return HostFigure(_in_percent(benchmark, value), known.metric, lower=known.lower)
    times = {"row": len(indices), "category": _categories(benchmark, indices)}.get(known.per, 1)
    greatest = math.inf if known.greatest is None else known.factor * known.greatest * times
    return HostFigure(known.factor * value, known.metric, greatest, known.lower)


def _categories(benchmark: Benchmark, indices: Sequence[str]) -> int:
    """How many categories rows are of."""
    data, wanted = benchmark.dataset.data, set(indices)
    if "category" not in data:
        return 1
    pairs = zip(data["index"].astype(str), data["category"], strict=True)
    return len({category for index, category in pairs if index in wanted})


def listed_figures(figures: Mapping[str, float]) -> str:
    """Names and values of figures, without their splits, the first of many."""
    plain = without_splits(figures)
    return first_few([f"{name} ({value:g})" for name, value in plain.items()], _MOST_NAMED)


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
