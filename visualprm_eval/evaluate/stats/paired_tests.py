"""Paired comparisons of two rerankers on the same problems.

The test flips the sign of each problem's (or group's) difference: if neither were better, each difference could as well
have gone the other way. With verdicts that are right or wrong this is McNemar's exact test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from visualprm_eval.evaluate.fsum_arrays import FloatArray

_DRAWS = 20_000
_ENUMERATE_UP_TO = 14
_CHUNK = 4_000_000
_NEVER = 1e-12


def sign_flip_test(differences: FloatArray, *, seed: int = 0) -> float:
    """The two-sided p-value of "no difference", from the differences of problems or groups, [G].

    Exact where all differences that are not 0 are of one size (the binomial distribution) or where there are at most 14
    of them; otherwise from 20,000 random flips, counting the observed one as one of them.

    Args:
        differences: One per problem or group; those of 0 decide nothing.
        seed: Of the random flips.
    """
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    sizes = np.abs(moved)
    if np.allclose(sizes, sizes[0], rtol=1e-12, atol=0):
        from scipy.stats import binomtest

        return float(binomtest(int((moved > 0).sum()), len(moved)).pvalue)
    observed = abs(float(moved.sum()))
    # Sums that differ by rounding alone are equal.
    bar = observed - 1e-9 * float(sizes.sum())
    if 2 * _DRAWS * math.exp(-(bar**2) / (2 * float((sizes**2).sum()))) < _NEVER:
        return 1 / (1 + _DRAWS)  # By Hoeffding's inequality no draw comes near.
    if len(moved) <= _ENUMERATE_UP_TO:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(moved))))
        return float(np.mean(np.abs(signs @ sizes) >= bar))
    # Of m differences of one size, as many keep their sign as a fair coin shows heads in m throws.
    distinct, counts = np.unique(np.round(sizes, 12), return_counts=True)
    rng = np.random.default_rng(seed)
    hits, step = 0, max(1, _CHUNK // len(distinct))
    for start in range(0, _DRAWS, step):
        heads = rng.binomial(counts, 0.5, (min(step, _DRAWS - start), len(distinct)))
        hits += int((np.abs((2 * heads - counts) @ distinct) >= bar).sum())
    return (1 + hits) / (1 + _DRAWS)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction for several comparisons: p-values that may be held against 0.05 together.

    Source: S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(order))
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p_values[index]))
        adjusted[index] = largest
    return [float(value) for value in adjusted]
