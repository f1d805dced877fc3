"""Where a reranker loses: what it missed, and what its scores go with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from visualprm_eval.evaluate.candidate_grid import BoolArray, FloatArray, Grid
from visualprm_eval.evaluate.stats.rows import PoolFacts, StepScoreHistogram

__all__ = [
    "centred_ranks",
    "identical_share",
    "mean_correlation",
    "pool_facts",
    "ranking",
    "step_scores",
    "tied_share",
    "within_correlation",
]

_BINS = 20


def _compact(usable: BoolArray, *arrays: FloatArray) -> Iterator[tuple[FloatArray, ...]]:
    """The usable numbers of problems that have equally many, [M, n] each, for every such n of at least 2."""
    counts = usable.sum(axis=1)
    for size in np.unique(counts[counts >= 2]):
        rows = counts == size
        yield tuple(array[rows][usable[rows]].reshape(-1, size) for array in arrays)


def within_correlation(first: FloatArray, second: FloatArray, usable: BoolArray) -> float | None:
    """Spearman's rank correlation within problems, averaged over those where both vary.

    Args:
        first: A number per candidate, [P, N].
        second: Another, [P, N].
        usable: Which candidates count, [P, N].

    Returns:
        From -1 to 1; ``None`` where no problem has both varying.
    """
    return mean_correlation(centred_ranks(first, usable), centred_ranks(second, usable))


def centred_ranks(numbers: FloatArray, usable: BoolArray) -> list[FloatArray]:
    """Ranks within problems less their mean, an array [M, n] for every number n of usable candidates."""
    from scipy.stats import rankdata

    ranked = [rankdata(each, axis=1) for (each,) in _compact(usable, numbers)]
    return [each - each.mean(axis=1, keepdims=True) for each in ranked]


def mean_correlation(first: Sequence[FloatArray], second: Sequence[FloatArray]) -> float | None:
    """What :func:`within_correlation` gives, from ranks that are known."""
    found: list[FloatArray] = []
    for x, y in zip(first, second, strict=True):
        scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        found.append((x * y).sum(axis=1)[scale > 0] / scale[scale > 0])
    values = np.concatenate(found) if found else np.empty(0)
    return float(values.mean()) if len(values) else None


def ranking(scores: FloatArray, verdicts: FloatArray, usable: BoolArray) -> float | None:
    """The chance that a right candidate scores above a wrong one of the same problem, ties as one half.

    It is the area under the ROC curve of each problem, averaged over the problems that have both kinds; candidates that
    are neither right nor wrong do not count.

    Returns:
        From 0 to 1; ``None`` where no problem has both.
    """
    from scipy.stats import rankdata

    found: list[FloatArray] = []
    decided = usable & np.isin(verdicts, (0.0, 1.0))
    for score, verdict in _compact(decided, scores, verdicts):
        right = verdict.sum(axis=1)
        wrong = verdict.shape[1] - right
        both = (right > 0) & (wrong > 0)
        sums = (rankdata(score, axis=1) * verdict).sum(axis=1)
        found.append(((sums - right * (right + 1) / 2)[both]) / (right * wrong)[both])
    values = np.concatenate(found) if found else np.empty(0)
    return float(values.mean()) if len(values) else None


def tied_share(grid: Grid, utilities: FloatArray) -> float:
    """The part of problems whose greatest score several different texts share, so that the rank decides."""
    best = np.where(grid.usable, utilities, -np.inf).max(axis=1, keepdims=True)
    at_top = grid.usable & (utilities == best)
    lowest = np.where(at_top, grid.texts, np.iinfo(np.int64).max).min(axis=1)
    highest = np.where(at_top, grid.texts, -1).max(axis=1)
    return int((lowest != highest).sum()) / len(grid)


def identical_share(grid: Grid) -> float:
    """The part of candidates whose text an earlier one of the same problem has."""
    total = int(grid.usable.sum())
    return 1 - np.count_nonzero(np.bincount(grid.texts[grid.usable])) / total if total else 0.0


def pool_facts(grid: Grid, policy: str, benchmark: str, split: str, n_problems: int) -> PoolFacts:
    """What the candidates are like; ``n_problems`` counts those without a usable candidate as well."""
    right = np.where(grid.usable, grid.verdicts, 1.0).min(axis=1) == 1
    none = np.where(grid.usable, grid.verdicts, 0.0).max(axis=1) < 1
    return PoolFacts(
        policy, benchmark, split, grid.n, len(grid), int(grid.usable.sum()),
        n_problems * grid.n - int(grid.usable.sum()), 100 * identical_share(grid), 100 * float(right.mean()),
        100 * float(none.mean()), empty=int((grid.usable & grid.empty).sum()),
    )  # fmt: skip


def step_scores(grid: Grid, critic: str, policy: str, benchmark: str) -> StepScoreHistogram:
    """The distribution of a critic's step scores over right and wrong candidates, in 20 bins."""
    said, verdicts = grid.columns.said[critic], grid.columns.graded.values
    # A text counts as often as there are candidates that wrote it.
    times = np.bincount(grid.texts[grid.usable], minlength=len(verdicts))
    sides = [np.repeat(np.where(verdicts == verdict, times, 0), said.sizes) for verdict in (1, 0)]
    counted = said.numbers[(sides[0] > 0) | (sides[1] > 0)]
    # Chances; a third party's scores may go beyond.
    edges = np.linspace(counted.min(initial=0.0), counted.max(initial=1.0), _BINS + 1)
    bins = np.minimum(np.searchsorted(edges, said.numbers, side="right") - 1, _BINS - 1)  # The last has both its edges.
    counts = [
        tuple(np.bincount(bins[side > 0], side[side > 0], _BINS).astype(int).tolist()) for side in sides
    ]  # fmt: skip
    return StepScoreHistogram(policy, benchmark, critic, tuple(edges.tolist()), *counts)
