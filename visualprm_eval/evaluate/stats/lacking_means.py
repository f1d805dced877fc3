"""Means of all samples as rows, where nobody asked for these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visualprm_eval.core.baselines import MEAN, ROWS

if TYPE_CHECKING:
    from visualprm_eval.evaluate.result_rows import ResultRow
    from visualprm_eval.evaluate.stats.rows import Mean

__all__ = ["lacking_means"]


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
