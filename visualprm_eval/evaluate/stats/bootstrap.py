"""95% intervals by the bootstrap over problems, or over groups of problems where a benchmark groups them.

What is resampled is what the benchmark sampled: problems. Candidates enter through ``closed_form``:
resampling them as well draws the same candidate twice, which makes pass@k and best-of-k come out too low.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from visualprm_eval.evaluate.candidate_grid import FloatArray, IntArray

__all__ = ["DRAWS", "group_numbers", "percentiles", "replicates"]

DRAWS = 2000
"""Resamples behind an interval."""
_LEVELS = (2.5, 97.5)
_CHUNK = 4_000_000


def group_numbers(keys: Sequence[Hashable]) -> IntArray:
    """A number per problem that says which group it belongs to, from 0 in order of first appearance, [P]."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def replicates(sums: FloatArray, sizes: FloatArray, *, draws: int = DRAWS, seed: int = 0) -> FloatArray:
    """Ratios of sums over resampled groups; the same seed resamples the same groups, so that differences are paired.

    Args:
        sums: What each group adds to each of Q quantities, [G, Q].
        sizes: What each group adds to the denominator, [G]: its number of problems, or 1 where a group counts once.
        draws: B, the number of resamples.
        seed: Of the resamples.

    Returns:
        The quantities in each resample, [B, Q].
    """
    rng = np.random.default_rng(seed)
    n_groups, result = len(sizes), np.empty((draws, sums.shape[1]))
    step = max(1, _CHUNK // max(1, n_groups))
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn = rng.integers(0, n_groups, (rows, n_groups)) + n_groups * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups).astype(np.float64)
        result[start : start + rows] = (counts @ sums) / (counts @ sizes)[:, None]
    return result


def percentiles(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The 2.5th and the 97.5th percentile of each quantity over the resamples, [B, Q] to two times [Q]."""
    low, high = np.percentile(values, _LEVELS, axis=0)
    return low, high
