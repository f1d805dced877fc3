"""Expected values of best-of-k over all subsets of k of N candidates, in closed form.

Sort a problem's candidates by falling score, ties by rank. The one at place i (from 0) is the best of a random subset
of size k when it is in the subset and none before it is, which has the probability C(N-1-i, k-1) / C(N, k). So the
expectation is a weighted sum, exact and without bias, and at k = N it is the pick itself. With verdicts in place of
scores it is the unbiased pass@k of Chen et al., "Evaluating Large Language Models Trained on Code" (arXiv:2107.03374).

Failed candidates take up places in subsets and are never picked; a subset of nothing else counts for nothing, just as a
problem without usable candidates is left out everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visualprm_eval.evaluate.candidate_grid import BoolArray, FloatArray

__all__ = ["curve_ks", "expected_best", "mean_value", "place_weights"]

_ALL_UP_TO = 8


def curve_ks(n: int) -> tuple[int, ...]:
    """The k at which a curve has intervals and drawn values: all up to 8, then powers of the root of two, and ``n``."""
    powers = {round(2 ** (power / 2)) for power in range(2 * n.bit_length())}
    return tuple(sorted({k for k in powers | set(range(1, _ALL_UP_TO + 1)) if k < n} | {n}))


def place_weights(n: int, ks: Sequence[int]) -> FloatArray:
    """The chance of each place to be the best of a random subset, [K, N].

    Args:
        n: N.
        ks: Sizes of subsets, each from 1 to N.

    Returns:
        ``C(n-1-i, k-1) / C(n, k)`` for each k and place i, by a recurrence of products that neither overflows nor
        cancels.

    Raises:
        ValueError: A k is not from 1 to N.
    """
    if any(not 1 <= k <= n for k in ks):
        raise ValueError(f"k of {list(ks)}: expected 1 to {n}")
    sizes = np.asarray(ks, dtype=np.float64)
    weights = np.empty((len(sizes), n))
    weights[:, 0] = sizes / n
    for place in range(1, n):
        weights[:, place] = weights[:, place - 1] * np.maximum(n - sizes - place + 1, 0) / (n - place)
    return weights


def expected_best(utilities: FloatArray, verdicts: FloatArray, usable: BoolArray, ks: Sequence[int]) -> FloatArray:
    """The expected verdict of the best-scored candidate of a random subset of size k.

    Args:
        utilities: A score per candidate that does not depend on the rest of the pool, [P, N].
        verdicts: From 0 to 1, [P, N].
        usable: Which candidates can be picked, [P, N]; at least one per problem.
        ks: Sizes of subsets, each from 1 to N, [K].

    Returns:
        The expectation per problem and k, [P, K], over the subsets that hold a usable candidate.
    """
    falling = -np.where(usable & ~np.isnan(utilities), utilities, np.where(usable, -np.inf, 0.0))
    order = np.lexsort((falling, ~usable), axis=1)  # stable: ties keep the order of ranks
    ordered = np.take_along_axis(np.where(usable, verdicts, 0.0), order, axis=1)
    present = np.take_along_axis(usable, order, axis=1).astype(np.float64)
    weights = place_weights(utilities.shape[1], ks).T
    expected: FloatArray = (ordered @ weights) / (present @ weights)
    return expected


def mean_value(verdicts: FloatArray, usable: BoolArray) -> FloatArray:
    """The mean verdict of each problem's usable candidates, [P]: what a random pick gets at any k."""
    means: FloatArray = np.where(usable, verdicts, 0.0).sum(axis=1) / usable.sum(axis=1)
    return means
