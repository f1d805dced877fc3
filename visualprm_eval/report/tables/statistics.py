"""Curves, intervals, comparisons and diagnoses as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.evaluate.stats.best_of_k import curve_ks
from visualprm_eval.evaluate.stats.step_counts import StepCounts, whole_solutions
from visualprm_eval.report.table import Column, Fields, Table, by_place, filled, of_fields
from visualprm_eval.report.tables.summary import NOT_TESTED, reading, reranker_label

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.rows import Comparison, Cost, CurvePoint, Diagnosis, Insight, PoolFacts, Standing

NOT_RECORDED = "not recorded"


def _table(title: str, name: str, rows: Iterable[Any], fields: Fields, unknown: str | None = None) -> Table:
    """A table whose rows begin with policy, benchmark and split, as in the table of all values, and end with a note.

    Without a split or a note in any row there is no such column.

    Args:
        title: Its title.
        name: Its sheet's name.
        rows: What the rows are made of.
        fields: Its other columns.
        unknown: What stands for ``None``.
    """
    rows = list(rows)
    places = ["policy", "benchmark", *(["split"] if any(getattr(row, "split", "") for row in rows) else [])]
    notes = ["note"] if any(getattr(row, "note", "") for row in rows) else []
    placed: Fields = {
        **{title: ("name", title) for title in places}, **fields, **{title: ("name", title) for title in notes}
    }  # fmt: skip
    frozen = len(places) + 1 if "reranker" in fields else 2
    return of_fields(rows, placed, title, unknown=unknown, name=name, frozen=frozen)


def _label(row: Any) -> str:
    return reranker_label(row.reranker)


def values(rows: Iterable[Standing]) -> Table:
    """Values and gains at k = N with their intervals; where baselines differ each row says which is its own."""
    rows = list(rows)
    kinds = list(dict.fromkeys(row.baseline for row in rows if row.baseline))
    gain = f"gain over {kinds[0]}" if len(kinds) == 1 else "gain"
    several: Fields = {"baseline": ("name", "baseline")} if len(kinds) > 1 else {}
    fields: Fields = {
        "reranker": ("name", _label), "k": ("count", "k"), "value": ("percent", "value"), "from": ("percent", "low"),
        "to": ("percent", "high"), **several, gain: ("gain", "gain"), "gain from": ("end", "gain_low"),
        "gain to": ("end", "gain_high"), "reading": ("words", reading),
    }  # fmt: skip
    return _table("Values with 95% intervals", "intervals", rows, fields)


def curve_points(points: Iterable[CurvePoint]) -> Table:
    """Curves over k: the expected value and how it was estimated, and the value of the first k candidates beside it."""
    return _table("Over k", "curves", points, {
        "reranker": ("name", _label), "k": ("count", "k"), "expected value": ("percent", "value"),
        "from": ("percent", "low"), "to": ("percent", "high"), "estimated as": ("name", "estimator"),
        "sampling error": ("percent", "sampling_error"), "first k candidates": ("percent", "prefix"),
    })  # fmt: skip


def curve_values(points: Iterable[CurvePoint]) -> Table:
    """The columns of ``curves.csv``, which are the same for all results.

    A value is ``None`` where there is none: no interval, or no usable candidate among the first k of any problem.
    """
    fields: Fields = {
        **{title: ("name", title) for title in ("policy", "benchmark", "split", "metric", "reranker")},
        "k": ("count", "k"), "estimated as": ("name", "estimator"), "expected value": ("percent", "value"),
        "from": ("percent", "low"), "to": ("percent", "high"), "sampling error": ("percent", "sampling_error"),
        "first k candidates": ("percent", "prefix"), "n_problems": ("count", "n_problems"), "note": ("name", "note"),
    }  # fmt: skip
    return of_fields(points, fields, "Over k")


def expected_tables(points: Iterable[CurvePoint]) -> list[Table]:
    """Expected values at every k of a figure against rerankers, a table per policy and benchmark."""
    tables = []
    for table in by_place(curve_points(points)):
        values = {(reranker, k): value for reranker, k, value, *_ in table.rows}
        names = list(dict.fromkeys(reranker for reranker, _ in values))
        ks = curve_ks(max(k for _, k in values))
        columns = [Column("k", "count"), *(Column(name, "percent") for name in names)]
        tables.append(Table(table.title, columns, [[k, *(values.get((name, k)) for name in names)] for k in ks]))
    return tables


def comparisons(rows: Iterable[Comparison]) -> Table:
    """Paired comparisons with their outcome in words."""
    return _table("Paired comparisons", "comparisons", rows, {
        "reranker": ("name", _label), "against": ("name", lambda row: reranker_label(row.baseline)),
        "k": ("count", "k"), "difference": ("gain", "difference"), "from": ("end", "low"), "to": ("end", "high"),
        "better": ("count", "better"), "worse": ("count", "worse"), "problems": ("count", "n_problems"),
        "p": ("chance", lambda row: NOT_TESTED if row.p is None else row.p),
        "p corrected": ("chance", lambda row: NOT_TESTED if row.p_corrected is None else row.p_corrected),
        "in words": ("words", "verdict"),
    })  # fmt: skip


def diagnoses(rows: Iterable[Diagnosis]) -> Table:
    """Where rerankers lose."""
    return _table("Where rerankers lose", "losses", rows, {
        "reranker": ("name", _label), "k": ("count", "k"), "pass@k": ("percent", "oracle"),
        "oracle gap": ("percent", "gap"), "solvable": ("count", "solvable"), "missed": ("count", "missed"),
        "recovered": ("percent", "recovered"), "ranking": ("percent", "ranking"), "ties": ("percent", "ties"),
        "score and length": ("correlation", "with_length"), "score and steps": ("correlation", "with_steps"),
        "score and position": ("correlation", "with_position"),
    })  # fmt: skip


def pools(rows: Iterable[PoolFacts]) -> Table:
    """What candidates are like."""
    return _table("Candidates", "candidates", rows, {
        "N": ("count", "n"), "problems": ("count", "problems"), "candidates": ("count", "candidates"),
        "left out": ("count", "left_out"), "empty replies": ("count", "empty"), "identical": ("percent", "identical"),
        "all right": ("percent", "all_right"), "none right": ("percent", "none_right"),
    })  # fmt: skip


def costs(rows: Iterable[Cost]) -> Table:
    """What stages took; a blank would read as nothing."""
    return _table("Stages, as far as they were recorded", "stages", rows, {
        "stage": ("name", "stage"), "of": ("name", "what"), "items": ("count", "items"),
        "failures": ("count", "failed"), "tokens read": ("count", "prompt_tokens"),
        "tokens written": ("count", "tokens"), "seconds": ("seconds", "seconds"),
    }, unknown=NOT_RECORDED)  # fmt: skip


def steps(rows: Sequence[StepCounts]) -> Table:
    """How candidates fall into steps."""
    table = _table("Steps of candidates, at blank lines", "steps", rows, {
        "candidates": ("count", "candidates"), "one step": ("count", "one_step"),
        "empty steps": ("count", "empty_steps"), "CRLF": ("count", "crlf"),
    })  # fmt: skip
    remark = whole_solutions(rows)
    return replace(table, notes=[f"Note: {remark}"] if remark else [])


def _name(row: Any) -> str:
    return f"{row.benchmark} {row.split}".rstrip()


def benchmark_names(insight: Insight) -> list[str]:
    """Every benchmark (with its split) that there is something to show of, be it only what its stages took."""
    rows: list[Any] = [*insight.pools, *(row for row in insight.standings if row.benchmark != OVERALL)]
    known = {row.benchmark for row in rows}
    lone = (row.benchmark for row in insight.costs if row.benchmark not in known)
    return list(dict.fromkeys([*map(_name, rows), *lone]))


def benchmark_tables(insight: Insight, benchmark: str) -> Sequence[Table]:
    """All tables of one of :func:`benchmark_names`."""

    def of_it(rows: Iterable[Any]) -> list[Any]:
        return [row for row in rows if _name(row) == benchmark]

    owners = {row.benchmark for row in insight.standings if _name(row) == benchmark} or {benchmark}
    return filled(
        values(of_it(insight.standings)), pools(of_it(insight.pools)), diagnoses(of_it(insight.diagnoses)),
        comparisons(of_it(insight.comparisons)), costs(row for row in insight.costs if row.benchmark in owners),
    )  # fmt: skip
