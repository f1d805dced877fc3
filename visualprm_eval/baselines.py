"""What gains are measured against: the mean of all samples, one sample at temperature 0, or the first of N."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visualprm_eval.insight.facts import Mean
    from visualprm_eval.outcomes import ResultRow

__all__ = ["BASELINES", "FIRST", "GREEDY", "LACKING", "MEAN", "MEANINGS", "ROWS", "chosen", "lacking_means"]

MEAN, GREEDY, FIRST = "mean", "greedy", "first"
BASELINES = (MEAN, GREEDY, FIRST)
"""The first of them that there is counts where nobody names one."""
ROWS: Mapping[str, str] = {MEAN: "random", GREEDY: "greedy", FIRST: "first"}
"""The reranker whose value a baseline is."""
MEANINGS: Mapping[str, str] = {
    MEAN: "of all N samples, the expected pass@1",
    GREEDY: "one sample at temperature 0",
    FIRST: "the first of the N samples",
}
LACKING: Mapping[str, str] = {
    MEAN: "not every candidate has a verdict",
    GREEDY: "no samples at temperature 0",
    FIRST: "no value of the first sample",
}
"""Why there is no such baseline."""


def chosen(asked: str | None, known: Collection[str], n: int) -> str | None:
    """Which baseline gains are measured against.

    Args:
        asked: The one that was asked for, ``None`` for the default.
        known: Those that there are.
        n: N; the mean of one sample is the first, whichever of them was asked for.

    Returns:
        One of ``BASELINES``; ``None`` where there is none of the kind that was asked for.
    """
    if n == 1 and asked in {None, MEAN} and FIRST in known:
        return FIRST
    if asked is not None:
        return asked if asked in known else None
    return next((kind for kind in BASELINES if kind in known), None)


def lacking_means(rows: Sequence[ResultRow], means: Mapping[tuple[str, str, str], Mean]) -> Iterator[ResultRow]:
    """The means of all samples as rows, where nobody asked for these.

    Args:
        rows: What was asked for.
        means: By policy, benchmark and split.
    """
    alike = {(row.policy, row.benchmark, row.split): row for row in rows}
    there = {(row.policy, row.benchmark, row.split, row.k) for row in rows if row.reranker == ROWS[MEAN]}
    for place, mean in means.items():
        if place in alike and (*place, mean.k) not in there:
            yield replace(
                alike[place], reranker=ROWS[MEAN], k=mean.k, value=mean.value, n_problems=mean.n_problems,
                n_failed=mean.n_failed, note="",
            )  # fmt: skip
