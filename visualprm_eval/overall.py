"""The mean over benchmarks, where there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from visualprm_eval.outcomes import OVERALL, ResultRow
from visualprm_eval.types import digest

__all__ = ["overall_rows"]


def overall_rows(rows: Sequence[ResultRow]) -> list[ResultRow]:
    """The plain mean over benchmarks, for each policy, reranker and k.

    Args:
        rows: Rows of any policies and benchmarks.

    Returns:
        Rows of the benchmark ``OVERALL`` for policies with more than one benchmark, in the order of ``rows``; without a
        value when a benchmark has none, or has several splits, which no mean may mix. Their protocol is a digest of
        those of their parts.
    """
    overall: list[ResultRow] = []
    cells: dict[tuple[str, str, int], dict[str, list[ResultRow]]] = {}
    benchmarks: dict[str, dict[str, None]] = {}  # of each policy, in order
    for row in rows:
        by_benchmark = cells.setdefault((row.policy, row.reranker, row.k), {})
        by_benchmark.setdefault(row.benchmark, []).append(row)
        benchmarks.setdefault(row.policy, {})[row.benchmark] = None
    for (policy, _, _), by_benchmark in cells.items():
        if len(benchmarks[policy]) > 1:
            overall.append(_overall_row(list(benchmarks[policy]), by_benchmark))
    return overall


def _overall_row(benchmarks: Sequence[str], by_benchmark: Mapping[str, Sequence[ResultRow]]) -> ResultRow:
    """The mean of one policy, reranker and k over all of the policy's benchmarks."""
    rows = [row for found in by_benchmark.values() for row in found]
    split_up = [name for name in benchmarks if len(by_benchmark.get(name, ())) > 1]
    lacking = [name for name in benchmarks if all(row.value is None for row in by_benchmark.get(name, ()))]
    value: float | None = None
    if lacking:
        note = f"withheld: no value for {', '.join(lacking)}"
    elif split_up:
        note = f"withheld: several splits of {', '.join(split_up)}"
    else:
        value = math.fsum(row.value for row in rows if row.value is not None) / len(rows)
        note = f"mean of {', '.join(benchmarks)}"
    metrics = dict.fromkeys(row.metric for row in rows)
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
    )


def _all_totals(rows: Sequence[ResultRow]) -> bool:
    return all(row.n_total is not None for row in rows)
