"""Curves, intervals, comparisons and diagnoses as tables, which the workbook and the HTML page show alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.tables.summary import NOT_TESTED, reading, reranker_label

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.rows import Comparison, Cost, CurvePoint, Diagnosis, Insight, PoolFacts, Standing

    Row = Standing | CurvePoint | Comparison | Diagnosis | PoolFacts

__all__ = [
    "NOT_RECORDED",
    "PLACE_COLUMNS",
    "Kind",
    "View",
    "benchmark_names",
    "benchmark_views",
    "comparisons",
    "costs",
    "curve_points",
    "diagnoses",
    "place_of",
    "pools",
    "standings",
    "values",
]

Kind = Literal["name", "count", "percent", "gain", "chance", "correlation", "seconds"]


@dataclass(frozen=True, slots=True)
class View:
    """A table.

    Attributes:
        title: What it is called.
        columns: Title and kind of each column.
        rows: A value per column; ``None`` where there is none, words where a number is unknown.
    """

    title: str
    columns: tuple[tuple[str, Kind], ...]
    rows: tuple[tuple[object, ...], ...]


def place_of(row: Row) -> str:
    """Benchmark and split of a row, with what must be said of its numbers."""
    return _name(row) + (f" ({row.note})" if row.note else "")


def _name(row: Row) -> str:
    return f"{row.benchmark} {row.split}".rstrip()


NOT_RECORDED = "not recorded"

PLACE_COLUMNS = frozenset({"policy", "benchmark", "split", "note"})
"""Titles of the columns that say what a row is of, and what must be said of its numbers."""


def _placed(
    title: str, rows: Iterable[Row], columns: tuple[tuple[str, Kind], ...], cells: Callable[[Any], tuple[object, ...]]
) -> View:
    """A table whose rows begin with policy, benchmark and split, as in the table of all values, and end with a note.

    Without a split or a note in any row there is no such column.
    """
    rows = list(rows)
    split, note = any(row.split for row in rows), any(row.note for row in rows)
    names = ("policy", "benchmark", *(["split"] if split else []))
    first: list[tuple[str, Kind]] = [(name, "name") for name in names]
    last: list[tuple[str, Kind]] = [("note", "name")] if note else []
    made = (
        (*(getattr(row, name) for name in names), *cells(row), *([row.note] if note else []))
        for row in rows
    )  # fmt: skip
    return View(title, (*first, *columns, *last), tuple(made))


def _reading(row: Standing) -> str:
    ends = None if row.gain_low is None or row.gain_high is None else (row.gain_low, row.gain_high)
    return reading(row.gain, ends, is_baseline=row.is_baseline, is_bound=row.is_bound)


def standings(insight: Insight) -> View:
    """All values and gains at k = N with their intervals, overalls last."""
    return values(insight.standings)


def values(rows: Iterable[Standing]) -> View:
    """Values and gains at k = N with their intervals; where baselines differ each row says which is its own."""
    rows = list(rows)
    kinds = list(dict.fromkeys(row.baseline for row in rows if row.baseline))
    several: tuple[tuple[str, Kind], ...] = (("baseline", "name"),) if len(kinds) > 1 else ()
    columns: tuple[tuple[str, Kind], ...] = (
        ("reranker", "name"), ("k", "count"), ("value", "percent"), ("from", "percent"), ("to", "percent"), *several,
        (f"gain over {kinds[0]}" if len(kinds) == 1 else "gain", "gain"), ("gain from", "gain"), ("gain to", "gain"),
        ("reading", "name"),
    )  # fmt: skip
    return _placed("Values with 95% intervals", rows, columns, lambda row: (
        reranker_label(row.reranker), row.k, row.value, row.low, row.high, *([row.baseline] if several else []),
        row.gain, row.gain_low, row.gain_high, _reading(row),
    ))  # fmt: skip


def curve_points(points: Iterable[CurvePoint]) -> View:
    """Curves over k: the expected value and how it was estimated, and the value of the first k candidates beside it."""
    columns: tuple[tuple[str, Kind], ...] = (
        ("reranker", "name"), ("k", "count"), ("expected value", "percent"), ("from", "percent"),
        ("to", "percent"), ("estimated as", "name"), ("sampling error", "percent"), ("first k candidates", "percent"),
    )  # fmt: skip
    return _placed("Over k", points, columns, lambda row: (
        reranker_label(row.reranker), row.k, row.value, row.low, row.high, row.estimator,
        row.sampling_error, row.prefix,
    ))  # fmt: skip


def comparisons(rows: Iterable[Comparison]) -> View:
    """Paired comparisons with their outcome in words."""
    columns: tuple[tuple[str, Kind], ...] = (
        ("reranker", "name"), ("against", "name"), ("k", "count"), ("difference", "gain"), ("from", "gain"),
        ("to", "gain"), ("better", "count"), ("worse", "count"), ("problems", "count"), ("p", "chance"),
        ("p corrected", "chance"), ("in words", "name"),
    )  # fmt: skip
    return _placed("Paired comparisons", rows, columns, lambda row: (
        reranker_label(row.reranker), reranker_label(row.baseline), row.k, row.difference, row.low,
        row.high, row.better, row.worse, row.n_problems,
        *(NOT_TESTED if p is None else p for p in (row.p, row.p_corrected)), row.verdict,
    ))  # fmt: skip


def diagnoses(rows: Iterable[Diagnosis]) -> View:
    """Where rerankers lose."""
    columns: tuple[tuple[str, Kind], ...] = (
        ("reranker", "name"), ("k", "count"), ("pass@k", "percent"), ("oracle gap", "percent"),
        ("solvable", "count"), ("missed", "count"), ("recovered", "percent"), ("ranking", "percent"),
        ("ties", "percent"), ("score and length", "correlation"), ("score and steps", "correlation"),
        ("score and position", "correlation"),
    )  # fmt: skip
    return _placed("Where rerankers lose", rows, columns, lambda row: (
        reranker_label(row.reranker), row.k, row.oracle, row.gap, row.solvable, row.missed,
        row.recovered, row.ranking, row.ties, row.with_length, row.with_steps, row.with_position,
    ))  # fmt: skip


def pools(rows: Iterable[PoolFacts]) -> View:
    """What candidates are like."""
    columns: tuple[tuple[str, Kind], ...] = (
        ("N", "count"), ("problems", "count"), ("candidates", "count"), ("left out", "count"),
        ("empty replies", "count"), ("identical", "percent"), ("all right", "percent"), ("none right", "percent"),
    )  # fmt: skip
    return _placed("Candidates", rows, columns, lambda row: (
        row.n, row.problems, row.candidates, row.left_out, row.empty, row.identical, row.all_right,
        row.none_right,
    ))  # fmt: skip


def costs(rows: Iterable[Cost]) -> View:
    """What stages took; a blank would read as nothing."""
    columns: tuple[tuple[str, Kind], ...] = (
        ("policy", "name"), ("benchmark", "name"), ("stage", "name"), ("of", "name"), ("items", "count"),
        ("failures", "count"), ("tokens read", "count"), ("tokens written", "count"), ("seconds", "seconds"),
    )  # fmt: skip
    cells = tuple(
        (
            row.policy, row.benchmark, row.stage, row.what, row.items, row.failed,
            *(NOT_RECORDED if each is None else each for each in (row.prompt_tokens, row.tokens, row.seconds)),
        )
        for row in rows
    )  # fmt: skip
    return View("Stages, as far as they were recorded", columns, cells)


def benchmark_names(insight: Insight) -> list[str]:
    """Every benchmark (with its split) that there is something to show of, be it only what its stages took."""
    rows: list[Row] = [*insight.pools, *(row for row in insight.standings if row.benchmark != OVERALL)]
    known = {row.benchmark for row in rows}
    lone = (row.benchmark for row in insight.costs if row.benchmark not in known)
    return list(dict.fromkeys([*map(_name, rows), *lone]))


def benchmark_views(insight: Insight, benchmark: str) -> Sequence[View]:
    """All tables of one of :func:`benchmark_names`."""

    def of_it(rows: Iterable[object]) -> list[object]:
        return [row for row in rows if _name(row) == benchmark]  # type: ignore[arg-type]

    own = {row.benchmark for row in insight.standings if _name(row) == benchmark} or {benchmark}
    makers: tuple[tuple[Callable[..., View], Iterable[object]], ...] = (
        (values, of_it(insight.standings)),
        (pools, of_it(insight.pools)),
        (diagnoses, of_it(insight.diagnoses)),
        (comparisons, of_it(insight.comparisons)),
        (costs, [row for row in insight.costs if row.benchmark in own]),
    )
    views = [make(rows) for make, rows in makers]
    return [view for view in views if view.rows]
