"""Published figures beside ours, as all views show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.report.tables.summary import ABSENT, WITHHELD, Column, in_points, reranker_label
from visualprm_eval.tasks.base import UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from visualprm_eval.evaluate.published.comparison import Comparison

__all__ = ["HEADER", "Place", "by_place", "shown_rows"]

Place = tuple[str, Column, str, int]
"""Policy, column, reranker and k."""

HEADER = ("policy", "reranker", "k", "benchmark", "ours", "published", "difference", "source and what differs")
"""Titles of the columns of :func:`shown_rows`."""


def by_place(comparisons: Iterable[Comparison]) -> dict[Place, Comparison]:
    """Comparisons by where the summary has our figure."""
    places = {}
    for each in comparisons:
        row = each.row
        places[row.policy, Column(row.benchmark, row.split, row.metric), row.reranker, row.k] = each
    return places


def shown_rows(comparisons: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """One row of text per comparison; no difference stands where the two are not of the same thing."""
    rows: list[tuple[str, ...]] = []
    for each in comparisons:
        row, difference = each.row, each.difference
        benchmark = f"{row.benchmark} {row.split}".rstrip() + (f" ({UNJUDGED})" if UNJUDGED in row.metric else "")
        ours = WITHHELD if row.value is None else f"{row.value:.1f}"
        points = ABSENT if difference is None else in_points(difference)
        about = each.source + (f" ({each.remarks})" if each.remarks else "")
        if each.gain is not None and each.published_gain is not None:
            about += f"; gain over greedy: ours {in_points(each.gain)}, published {in_points(each.published_gain)}"
        name = reranker_label(row.reranker)
        rows.append((row.policy, name, str(row.k), benchmark, ours, f"{each.published:.1f}", points, about))
    return rows
