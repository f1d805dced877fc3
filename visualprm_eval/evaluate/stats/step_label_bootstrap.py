"""How far values would move with other samples: percentile intervals and paired differences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.step_labels.metrics import FloatArray

__all__ = ["REPEATS", "Difference", "difference", "draws", "interval"]

REPEATS = 1000
"""Resamples behind every interval."""
_TOGETHER = 50
"""Resamples at a time, which bounds the memory."""
LEVEL = 0.95


def draws(samples: int, seed: int, repeats: int = REPEATS) -> Iterator[FloatArray]:
    """How often each sample is in each resample of the same size, some resamples at a time: [b, samples].

    Args:
        samples: Number of samples, at least 1.
        seed: The same seed gives the same resamples, which is what pairs two critics.
        repeats: Number of resamples.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, repeats, _TOGETHER):
        size = min(_TOGETHER, repeats - start)
        yield rng.multinomial(samples, np.full(samples, 1 / samples), size).astype(np.float64)


def interval(values: FloatArray) -> tuple[float, float] | None:
    """The middle 95% of a metric's values over resamples [B]; ``None`` when some resample has no value."""
    if not len(values) or np.isnan(values).any():
        return None
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Difference:
    """One critic against another on the same samples.

    Attributes:
        value: By how much the first is better.
        low: Lower end of the 95% interval.
        high: Its upper end.
        p: Two-sided: twice the part of resamples in which the difference has the other sign or is 0, at most 1.
    """

    value: float
    low: float
    high: float
    p: float


def difference(value: float, first: FloatArray, second: FloatArray) -> Difference | None:
    """A paired comparison from the values of both critics over the same resamples, [B] each.

    Returns:
        The difference; ``None`` when some resample has no value.
    """
    apart = first - second
    ends = interval(apart)
    if ends is None or np.isnan(value):
        return None
    # One more of each keeps it above 0, which no finite number of resamples can show.
    tail = min(int((apart <= 0).sum()), int((apart >= 0).sum()))
    return Difference(value, *ends, min(1.0, 2 * (tail + 1) / (len(apart) + 1)))
