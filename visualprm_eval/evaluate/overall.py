"""The mean over benchmarks, where there is one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from visualprm_eval.core.groups import grouped
from visualprm_eval.core.types import digest
from visualprm_eval.evaluate.result_rows import MAX_LEFT_OUT, OVERALL, WITHOUT_CRITIC, ResultRow
from visualprm_eval.tasks.primary_figures import LOWER

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
        no mean may mix, or counts in other units than percent, or has a metric of which less is better, as long as
        anything of the policy is unfinished or failed, at whatever k and of whatever reranker (but for want of a
        critic, its own rows alone), and where too many candidates were left out, at its own k or at the largest one.
        Their protocol is a digest of those of their parts.
    """
    of_policy = grouped(rows, lambda row: row.policy)
    parts = grouped(rows, lambda row: (row.policy, row.reranker, row.k))
    open_ones = unfinished(rows)
    other_units = beyond_percent((row.benchmark, row.value) for row in rows)
    return [
        _overall_row(part, of_policy[policy], open_ones.get(policy, []), other_units)
        for (policy, _, k), part in parts.items()
        if _is_on_all(k, of_policy[policy])
    ]


def _is_on_all(k: int, rows: Sequence[ResultRow]) -> bool:
    """Whether a policy has several benchmarks, and rows at k on each of them.

    With 32 candidates on one benchmark and 8 on another there is a mean of best-of-8, and no word of best-of-32.
    """
    benchmarks = {row.benchmark for row in rows}
    return len(benchmarks) > 1 and benchmarks == {row.benchmark for row in rows if row.k == k}


def _overall_row(
    parts: Sequence[ResultRow], rows: Sequence[ResultRow], left: Sequence[str], other_units: Collection[str]
) -> ResultRow:
    """The mean over the benchmarks.

    Args:
        parts: The rows of one reranker at one k, one for each benchmark and split.
        rows: All rows of the policy. Neither at the largest k nor here may too many candidates be left out.
        left: Benchmarks of which anything of the policy is unfinished or failed.
        other_units: Benchmarks that do not count in percent.
    """
    benchmarks = list(dict.fromkeys(row.benchmark for row in rows))
    splits = Counter(row.benchmark for row in parts)
    valued = {row.benchmark for row in parts if row.value is not None}
    largest = {(row.benchmark, row.reranker): row for row in sorted(rows, key=lambda row: row.k)}
    lost = {
        row.benchmark: f"{row.benchmark} ({row.n_left_out:,} of {row.k * row.n_problems:,} at k = {row.k})"
        for row in (*largest.values(), *parts)
        if row.lacks_too_many
    }
    reasons = {
        "no value for": [name for name in benchmarks if name not in valued],
        "several splits of": [name for name in benchmarks if splits[name] > 1],
        "other units than percent:": [name for name in benchmarks if name in other_units],
        f"{LOWER}:": [name for name in benchmarks if any(LOWER in row.metric for row in rows if row.benchmark == name)],
        "unfinished or failed:": left,
        f"more than {MAX_LEFT_OUT:.0%} of the candidates left out:": lost.values(),
    }
    refused = next((f"withheld: {reason} {', '.join(names)}" for reason, names in reasons.items() if names), "")
    totals = [row.n_total for row in parts if row.n_total is not None]
    metrics = dict.fromkeys(row.metric for name in benchmarks for row in rows if row.benchmark == name)
    protocols = sorted(row.protocol for row in parts)
    return replace(
        parts[0],
        benchmark=OVERALL,
        split="",
        metric=" and ".join(metrics),
        value=None if refused else math.fsum(row.value for row in parts if row.value is not None) / len(parts),
        n_problems=sum(row.n_problems for row in parts),
        n_failed=sum(row.n_failed for row in parts),
        note=refused or f"mean of {', '.join(benchmarks)}",
        n_total=sum(totals) if len(totals) == len(parts) else None,
        protocol=digest(protocols) if all(protocols) else "",
        n_left_out=0,
        critics=(),
    )
