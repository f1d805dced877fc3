"""What gains are measured against: the mean of all samples, one sample at temperature 0, or the first of N."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

MEAN, GREEDY, FIRST = "mean", "greedy", "first"
Baseline = Literal["mean", "greedy", "first"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
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
