"""Sums of many small groups of numbers, each rounded once like ``math.fsum``, so that no order of terms decides a tie.

Each number is cut into a multiple of 2^-30 and a rest that is a multiple of 2^-75, if it has no bits below; sums of up
to 512 of either have no rounding in double precision, so that only their last addition rounds. Numbers that are larger
than 2^14 or have smaller bits are summed the slow way.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_HIGH, _LOW = 2.0**30, 2.0**75
_LARGEST = 2.0**14
_MOST = 512


def exact_sums(numbers: FloatArray, groups: IntArray, count: int) -> FloatArray:
    """The sum of the numbers of each group, [M] to [``count``]; 0 for a group of none.

    Args:
        numbers: All numbers, [M].
        groups: The group of each, from 0 to ``count`` - 1, [M].
        count: How many groups there may be.
    """
    small = np.abs(numbers) <= _LARGEST
    fitting = np.where(small, numbers, 0.0)
    high = np.rint(fitting * _HIGH) / _HIGH
    low = fitting - high
    scaled = low * _LOW
    sums = np.zeros(count)
    sums += np.bincount(groups, high, count) + np.bincount(groups, low, count)
    slow = np.bincount(groups, minlength=count) > _MOST
    slow[groups[(scaled != np.rint(scaled)) | ~small]] = True
    if slow.any():
        members: dict[int, list[float]] = {}
        rest = slow[groups]
        for group, number in zip(groups[rest].tolist(), numbers[rest].tolist(), strict=True):
            members.setdefault(group, []).append(number)
        for group, terms in members.items():
            sums[group] = math.fsum(terms)
    return sums
