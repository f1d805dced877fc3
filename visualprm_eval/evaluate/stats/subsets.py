"""What picks from subsets of the candidates are worth: all subsets where they are few, else some drawn with a seed.

This serves what has no closed form: votes, third parties' rerankers, and metrics that are not means over rows.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from visualprm_eval.evaluate.candidate_grid import FloatArray, Grid, IntArray
from visualprm_eval.evaluate.rerankers import Reranker

__all__ = ["DRAWS", "draw_subsets", "values_in_subsets"]

DRAWS = 40_000
"""Picks that are drawn per k, over all problems: the sampling error of a mean over rows stays below 0.25 points, since
a verdict's standard deviation is at most one half."""
_LOOKED_AT = 1_000_000
"""Picks from all subsets, over all problems, up to which none are drawn: arithmetic on arrays does that in a moment."""


def draw_subsets(n: int, k: int, n_problems: int, seed: int, *, fast: bool = True) -> tuple[IntArray, bool]:
    """Subsets of k of N ranks, each ascending.

    Args:
        n: N.
        k: Their size.
        n_problems: P: the more problems, the fewer subsets of each it takes.
        seed: What the drawn ones come from, with N and k.
        fast: Whether picks are arithmetic on arrays; rerankers that are asked subset by subset look at fewer.

    Returns:
        The subsets, [R, k], and whether they are all that there are.
    """
    draws = max(10, DRAWS // max(1, n_problems))
    if math.comb(n, k) <= (max(draws, min(DRAWS, _LOOKED_AT // max(1, n_problems))) if fast else draws):
        return np.array(list(itertools.combinations(range(n), k)), dtype=np.int64), True
    keys = np.random.default_rng([seed, n, k]).random((draws, n))
    return np.sort(np.argpartition(keys, k - 1, axis=1)[:, :k], axis=1).astype(np.int64), False


def values_in_subsets(grid: Grid, reranker: Reranker, subsets: IntArray) -> FloatArray:
    """The verdict of what a reranker picks from each subset.

    Args:
        grid: P problems.
        reranker: Any that picks.
        subsets: Ascending ranks, [R, k].

    Returns:
        Verdicts, [P, R]; NaN where a subset holds no usable candidate of the problem.
    """
    return grid.worth(reranker.in_subsets(grid, subsets))
