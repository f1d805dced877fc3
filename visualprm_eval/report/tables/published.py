"""Published figures beside ours, as all views show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_lowercase
from typing import TYPE_CHECKING

from visualprm_eval.report.render.text import shown
from visualprm_eval.report.table import WITHHELD, Column, Stacked, Table, columns
from visualprm_eval.report.tables.summary import Column as Place
from visualprm_eval.report.tables.summary import reranker_label
from visualprm_eval.tasks.base import UNJUDGED

if TYPE_CHECKING:
    from visualprm_eval.evaluate.published.comparison import Comparison

__all__ = ["ABOUT_PUBLISHED", "by_value", "published", "published_in_brief", "published_in_full"]

ABOUT_PUBLISHED = "Ours less published, in points; no difference where the two are not of the same thing."
_COLUMNS = columns(
    ("policy", "name"), ("reranker", "name"), ("k", "count"), ("benchmark", "name"), ("ours", "percent"),
    ("published", "percent"), ("difference", "gain"), ("source and what differs", "text"),
)  # fmt: skip


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
        about = comparison.source + (f" ({comparison.remarks})" if comparison.remarks else "")
        if comparison.gain is not None and comparison.published_gain is not None:
            gains = [shown(gain, "gain") for gain in (comparison.gain, comparison.published_gain)]
            about += f"; gain over greedy: ours {gains[0]}, published {gains[1]}"
        rows.append([*_values(comparison), comparison.published, comparison.difference, about])
    return Table("", _COLUMNS, rows)


def published_in_brief(comparisons: Sequence[Comparison]) -> Table:
    """The same without the last column: letters and numbers lead to notes on where values are from and what differs."""
    sources = dict.fromkeys(comparison.source for comparison in comparisons)
    letters = dict(zip(sources, ascii_lowercase, strict=False))
    remarks = dict.fromkeys(comparison.remarks for comparison in comparisons if comparison.remarks)
    numbers = {remark: f" ({number})" for number, remark in enumerate(remarks, 1)}
    rows = [
        [
            *_values(comparison),
            Stacked(f"{shown(comparison.published, 'percent')} {letters.get(comparison.source, comparison.source)}"),
            Stacked(shown(comparison.difference, "gain") + numbers.get(comparison.remarks, "")),
        ]
        for comparison in comparisons
    ]
    notes = ["Published: " + "; ".join(f"{letter} {source}" for source, letter in letters.items())]
    notes += [f"{mark.strip()} {remark}" for remark, mark in numbers.items()]
    title = "Beside published figures (difference in points)"
    return Table(title, _COLUMNS[:-1], rows, notes, is_grouped=True)


def _values(comparison: Comparison) -> list[object]:
    row = comparison.row
    benchmark = f"{row.benchmark} {row.split}".rstrip() + (f" ({UNJUDGED})" if UNJUDGED in row.metric else "")
    ours = WITHHELD if row.value is None else row.value
    return [row.policy, reranker_label(row.reranker), row.k, benchmark, ours]


def published_in_full(comparisons: Iterable[Comparison]) -> Table:
    """One row per comparison with every number of it, for a spreadsheet."""
    return Table(
        "", (
            Column("policy", width=28), Column("benchmark", width=24), Column("split", width=12),
            Column("reranker", width=24), Column("k", "count", 6), Column("ours", "percent", 10),
            Column("published", "percent", 11), Column("difference", "gain", 11), Column("source", width=28),
            Column("not the same", width=60), Column("gain over greedy", "gain", 11),
            Column("published gain", "gain", 11),
        ),
        [
            (
                row.policy, row.benchmark, row.split, row.reranker, row.k, row.value, comparison.published,
                comparison.difference, comparison.source, comparison.remarks or None, comparison.gain,
                comparison.published_gain,
            )
            for comparison in comparisons
            for row in [comparison.row]
        ],
        name="published", frozen=4,
    )  # fmt: skip
