"""The mean over benchmarks, where there is one."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from visualprm_eval.core.types import digest
from visualprm_eval.evaluate.result_rows import MAX_LEFT_OUT, OVERALL, WITHOUT_CRITIC, ResultRow

__all__ = ["beyond_percent", "overall_rows", "unfinished"]

_MOST_PERCENT = 100.001  # Sums are rounded.

_OF_NO_OTHER = ("needs ", WITHOUT_CRITIC)
"""How notes of values begin that are withheld for reasons of their own: nobody asked for them, or lack of a critic."""


def beyond_percent(values: Iterable[tuple[str, float | None]]) -> set[str]:
    """The benchmarks, of pairs with one of their values each, that do not count in percent: no mean may have them."""
    return {benchmark for benchmark, value in values if value is not None and value > _MOST_PERCENT}


def unfinished(rows: Iterable[ResultRow]) -> dict[str, list[str]]:
    """The benchmarks of each policy on which anything is unfinished or failed; such policies have no overall."""
    found: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.value is None and row.benchmark != OVERALL and not row.note.startswith(_OF_NO_OTHER):
            found.setdefault(row.policy, {})[row.benchmark] = None
    return {policy: list(benchmarks) for policy, benchmarks in found.items()}


def overall_rows(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """The plain mean over benchmarks, for each policy, reranker and k.

    Args:
        rows: Rows of any policies and benchmarks.

    Returns:
        Rows of the benchmark ``OVERALL`` for policies with more than one benchmark, in the order of ``rows``, at every
        k that the policy has on each of them; without a value when a benchmark has none, or has several splits, which
        no mean may mix, or counts in other units than percent, as long as anything of the policy is unfinished or
        failed, at whatever k and of whatever reranker (but for want of a critic, its own rows alone), and where too
        many candidates were left out, at its own k or at the largest one. Their protocol is a digest of those of their
        parts.
    """
    overall: list[ResultRow] = []
    cells: dict[tuple[str, str, int], dict[str, list[ResultRow]]] = {}
    metrics: dict[str, dict[str, dict[str, None]]] = {}  # of each policy on each benchmark, in order
    ks: dict[tuple[str, str], set[int]] = {}
    open_ones = unfinished(rows)
    other_units = beyond_percent((row.benchmark, row.value) for row in rows)
    largest = {(row.policy, row.benchmark, row.reranker): row for row in sorted(rows, key=lambda row: row.k)}
    for row in rows:
        by_benchmark = cells.setdefault((row.policy, row.reranker, row.k), {})
        by_benchmark.setdefault(row.benchmark, []).append(row)
        metrics.setdefault(row.policy, {}).setdefault(row.benchmark, {})[row.metric] = None
        ks.setdefault((row.policy, row.benchmark), set()).add(row.k)
    for (policy, _, k), by_benchmark in cells.items():
        # With 32 candidates on one benchmark and 8 on another there is a mean of best-of-8, and no word of best-of-32.
        if len(metrics[policy]) > 1 and all(k in ks[policy, benchmark] for benchmark in metrics[policy]):
            final = [row for row in largest.values() if row.policy == policy]
            left = open_ones.get(policy, [])
            overall.append(_overall_row(metrics[policy], by_benchmark, left, final, other_units))
    return overall


def _overall_row(
    benchmarks: Mapping[str, Iterable[str]], by_benchmark: Mapping[str, Sequence[ResultRow]],
    left: Sequence[str], final: Sequence[ResultRow], other_units: Collection[str],
) -> ResultRow:  # fmt: skip
    """The mean of one policy, reranker and k over its benchmarks, given with their metrics, if none is left open.

    ``final`` are the policy's rows at the largest k; neither there nor here may too many candidates be left out.
    """
    rows = [row for found in by_benchmark.values() for row in found]
    split_up = [name for name in benchmarks if len(by_benchmark.get(name, ())) > 1]
    lacking = [name for name in benchmarks if all(row.value is None for row in by_benchmark.get(name, ()))]
    value: float | None = None
    if lacking:
        note = f"withheld: no value for {', '.join(lacking)}"
    elif split_up:
        note = f"withheld: several splits of {', '.join(split_up)}"
    elif mixed := [name for name in benchmarks if name in other_units]:
        note = f"withheld: other units than percent: {', '.join(mixed)}"
    elif left:
        note = f"withheld: unfinished or failed: {', '.join(left)}"
    elif lost := {row.benchmark: _lost(row) for row in (*final, *rows) if row.lacks_too_many}:
        note = f"withheld: more than {MAX_LEFT_OUT:.0%} of the candidates left out: {', '.join(lost.values())}"
    else:
        value = math.fsum(row.value for row in rows if row.value is not None) / len(rows)
        note = f"mean of {', '.join(benchmarks)}"
    metrics = dict.fromkeys(metric for names in benchmarks.values() for metric in names)
    return replace(
        rows[0],
        benchmark=OVERALL,
        split="",
        metric=" and ".join(metrics),
        value=value,
        n_problems=sum(row.n_problems for row in rows),
        n_failed=sum(row.n_failed for row in rows),
        note=note,
        n_total=sum(row.n_total for row in rows if row.n_total is not None) if _all_totals(rows) else None,
        protocol=digest(sorted(row.protocol for row in rows)) if all(row.protocol for row in rows) else "",
        n_left_out=0,
        critics=(),
    )


def _lost(row: ResultRow) -> str:
    return f"{row.benchmark} ({row.n_left_out:,} of {row.k * row.n_problems:,} at k = {row.k})"


def _all_totals(rows: Sequence[ResultRow]) -> bool:
    return all(row.n_total is not None for row in rows)
