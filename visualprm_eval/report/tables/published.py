"""Published figures beside ours, as all views show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import WITHHELD, Table, columns, of_fields
from visualprm_eval.report.tables.summary import Column as Place
from visualprm_eval.report.tables.summary import reranker_label
from visualprm_eval.tasks.base import UNJUDGED

if TYPE_CHECKING:
    from visualprm_eval.evaluate.published.comparison import Comparison

ABOUT_PUBLISHED = "Ours less published, in points; no difference where the two are not of the same thing."


def by_value(comparisons: Iterable[Comparison]) -> dict[tuple[str, Place, str, int], Comparison]:
    """Comparisons by the value that they are of: policy, benchmark with split and metric, reranker and k."""
    return {
        (row.policy, Place(row.benchmark, row.split, row.metric), row.reranker, row.k): comparison
        for comparison in comparisons
        for row in [comparison.row]
    }


def published(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison; no difference stands where the two are not of the same thing."""
    rows = []
    for comparison in comparisons:
        row = comparison.row
        benchmark = f"{row.benchmark} {row.split}".rstrip() + (f" ({UNJUDGED})" if UNJUDGED in row.metric else "")
        about = comparison.source + (f" ({comparison.remarks})" if comparison.remarks else "")
        if comparison.gain is not None and comparison.published_gain is not None:
            gains = [shown(gain, "gain") for gain in (comparison.gain, comparison.published_gain)]
            about += f"; gain over greedy: ours {gains[0]}, published {gains[1]}"
        ours = WITHHELD if row.value is None else row.value
        name = reranker_label(row.reranker)
        rows.append((row.policy, name, row.k, benchmark, ours, comparison.published, comparison.difference, about))
    titles = columns(
        ("policy", "name"), ("reranker", "name"), ("k", "count"), ("benchmark", "name"), ("ours", "percent"),
        ("published", "percent"), ("difference", "gain"), ("source and what differs", "text"),
    )  # fmt: skip
    return Table("Beside published figures (difference in points)", titles, rows, is_grouped=True)


def published_in_full(comparisons: Iterable[Comparison]) -> Table:
    """One row per comparison with every number of it, for a spreadsheet."""
    return of_fields(comparisons, {
        "policy": ("name", "row.policy"), "benchmark": ("name", "row.benchmark"), "split": ("name", "row.split"),
        "reranker": ("name", "row.reranker"), "k": ("count", "row.k"), "ours": ("percent", "row.value"),
        "published": ("percent", "published"), "difference": ("gain", "difference"), "source": ("name", "source"),
        "not the same": ("message", lambda comparison: comparison.remarks or None),
        "gain over greedy": ("gain", "gain"), "published gain": ("gain", "published_gain"),
    }, name="published", frozen=4)  # fmt: skip
