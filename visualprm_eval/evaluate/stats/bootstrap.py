"""The bootstrap of both tasks: 95% intervals and differences over resampled problems, groups of problems, or solutions.

What is resampled is what the benchmark sampled: problems, not candidates. These enter through closed forms
(``best_of_k``): resampling them as well draws the same candidate twice, which makes pass@k and best-of-k come out too
low.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from visualprm_eval.evaluate.fsum_arrays import FloatArray, IntArray

DRAWS = 2000
"""Resamples behind an interval."""
_LEVELS = (2.5, 97.5)
_CHUNK = 4_000_000


def group_numbers(keys: Sequence[Hashable]) -> IntArray:
    """A number per problem that says which group it belongs to, from 0 in order of first appearance, [P]."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def resample_counts(n_groups: int, *, draws: int = DRAWS, seed: int = 0, together: int = DRAWS) -> Iterator[FloatArray]:
    """How often each of G groups is in each resample of G groups, some resamples at a time, [b, G].

    Args:
        n_groups: G.
        draws: B, the number of resamples.
        seed: Of the resamples; the same one resamples the same groups, so that differences are paired.
        together: The most resamples at a time, which bounds the memory of what is made of them.
    """
    rng = np.random.default_rng(seed)
    step = min(together, max(1, _CHUNK // max(1, n_groups)))
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn = rng.integers(0, n_groups, (rows, n_groups)) + n_groups * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups)
        yield counts.reshape(rows, n_groups).astype(np.float64)


def replicates(sums: FloatArray, sizes: FloatArray, *, draws: int = DRAWS, seed: int = 0) -> FloatArray:
    """Ratios of sums over resampled groups.

    Args:
        sums: What each group adds to each of Q quantities, [G, Q].
        sizes: What each group adds to the denominator, [G]: its number of problems, or 1 where a group counts once.
        draws: B, the number of resamples.
        seed: Of the resamples.

    Returns:
        The quantities in each resample, [B, Q].
    """
    counts = resample_counts(len(sizes), draws=draws, seed=seed)
    return np.concatenate([(each @ sums) / (each @ sizes)[:, None] for each in counts])


def percentiles(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The 2.5th and the 97.5th percentile of each quantity over the resamples, [B, Q] to two times [Q]."""
    low, high = np.percentile(values, _LEVELS, axis=0)
    return low, high


def interval(resamples: FloatArray | None) -> tuple[float | None, float | None]:
    """The 95% interval of one number from its resamples, [B]; two times ``None`` where one of them has no value."""
    if resamples is None or np.isnan(resamples).any():
        return None, None
    low, high = np.percentile(resamples, _LEVELS)
    return float(low), float(high)


def tail_p(differences: FloatArray) -> float | None:
    """The two-sided p-value of "no difference" from its resamples, [B]; ``None`` where one of them has no value.

    It is twice the part of resamples in which the difference has the other sign or is 0, at most 1. One more of each
    keeps it above 0, which no finite number of resamples can show.
    """
    if np.isnan(differences).any():
        return None
    tail = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (tail + 1) / (len(differences) + 1))
