"""Sums of many small groups of numbers, each rounded once like ``math.fsum``, so that no order of terms decides a tie.

Each number is cut into a multiple of 2^-30 and a rest that is a multiple of 2^-75, if it has no bits below; sums of up
to 512 of either have no rounding in double precision, so that only their last addition rounds. Numbers that are larger
than 2^14 or have smaller bits are summed the slow way.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["group_sums", "segment_sums"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_HIGH, _LOW = 2.0**30, 2.0**75
_LARGEST = 2.0**14
_MOST = 512


def segment_sums(numbers: FloatArray, starts: IntArray) -> FloatArray:
    """The sums of S runs of numbers, [M] to [S]; 0 for a run of none.

    Args:
        numbers: All runs, one after the other, [M].
        starts: Where each begins, and where the last one ends, [S + 1].
    """
    sizes = np.diff(starts)
    sums = np.zeros(len(sizes))
    filled = np.flatnonzero(sizes)
    if not len(filled):
        return sums
    high, low, fits = _cut(numbers)
    begins = starts[:-1][filled]
    sums[filled] = np.add.reduceat(high, begins) + np.add.reduceat(low, begins)
    slow = ~np.logical_and.reduceat(fits, begins) | (sizes[filled] > _MOST)
    for place in filled[slow].tolist():
        sums[place] = math.fsum(numbers[starts[place] : starts[place + 1]].tolist())
    return sums


def group_sums(numbers: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """The sums of the numbers of each group of each row, [R, K] to [R, ``count``]; 0 for a group of none.

    Args:
        numbers: [R, K].
        groups: The group of each number within its row, from 0 to ``count`` - 1, [R, K].
        count: How many groups a row may have.
    """
    rows = len(numbers)
    cells = (groups + count * np.arange(rows)[:, None]).ravel()
    high, low, fits = _cut(numbers)
    flat = np.bincount(cells, high.ravel(), rows * count) + np.bincount(cells, low.ravel(), rows * count)
    sums: FloatArray = flat.astype(np.float64).reshape(rows, count)
    slow = ~fits.all(axis=1) if numbers.shape[1] <= _MOST else np.ones(rows, dtype=bool)
    for row in np.flatnonzero(slow).tolist():
        members: dict[int, list[float]] = {}
        for group, number in zip(groups[row].tolist(), numbers[row].tolist(), strict=True):
            members.setdefault(group, []).append(number)
        for group, own in members.items():
            sums[row, group] = math.fsum(own)
    return sums


def _cut(numbers: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Both parts of each number, and whether they are all of it."""
    small = np.abs(numbers) <= _LARGEST
    own = np.where(small, numbers, 0.0)
    high = np.rint(own * _HIGH) / _HIGH
    low = own - high
    scaled = low * _LOW
    return high, low, (scaled == np.rint(scaled)) & small
