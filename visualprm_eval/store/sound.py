"""What a sound fact is: the one definition for what is put into a store, for the audit of what is there, and for packs.

Each function says what is wrong with a value, ``""`` for nothing, so that every message reads alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

ScoreRange = tuple[float, float]
"""The least and the greatest step score of a critic; either may be infinite, a score never is."""

UNIT: ScoreRange = (0.0, 1.0)
"""Of verdicts, and of critics that declare nothing else."""

SCORE_RANGE = "score_range"
"""The setting of a scoring under which a critic declares another range, ``null`` where there is no bound."""

RANK_LIMIT = 1_000_000
"""No policy is sampled this often; a larger rank is a mistake."""

_NEAR_RANK, _CROWD = 1_024, 4


def is_too_far(greatest: int, fullest: int) -> bool:
    """Whether a sampling's greatest rank is out of proportion; tables have a column for every rank up to it.

    Args:
        greatest: Its greatest rank.
        fullest: How many candidates the problem with most of them has.
    """
    return greatest > max(_NEAR_RANK, _CROWD * fullest)


def range_of(settings: Mapping[str, Any]) -> ScoreRange:
    """The range that a scoring declares.

    Raises:
        ValueError: What it declares is no range.
    """
    declared = settings.get(SCORE_RANGE, UNIT)
    if not isinstance(declared, Sequence) or len(declared) != 2 or not all(_is_bound(each) for each in declared):
        raise ValueError(f"{SCORE_RANGE} is {declared!r}, expected two numbers or nulls")
    low, high = (
        end if each is None else float(each) for each, end in zip(declared, (-math.inf, math.inf), strict=True)
    )
    if not low < high:
        raise ValueError(f"{SCORE_RANGE} is {declared!r}, expected the smaller number first")
    return low, high


def _is_bound(value: object) -> bool:
    return value is None or (_is_number(value) and not math.isnan(value))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_count(value: object) -> bool:
    """Whether it is a whole number from 0, or ``None`` for unknown."""
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0)


def is_seconds(value: object) -> bool:
    """Whether it is a finite number from 0, or ``None`` for unknown."""
    return value is None or (_is_number(value) and math.isfinite(value) and value >= 0)


def wrong_with_rank(rank: object) -> str:
    """What is wrong with a rank."""
    if isinstance(rank, int) and not isinstance(rank, bool) and 0 <= rank < RANK_LIMIT:
        return ""
    return f"rank {rank!r}, expected a whole number from 0 to {RANK_LIMIT - 1:,}"


def wrong_with_costs(seconds: object, *counts: object) -> str:
    """What is wrong with the time and the tokens that something took."""
    if not is_seconds(seconds):
        return f"{seconds!r} seconds, expected a finite number from 0"
    odd = next((count for count in counts if not is_count(count)), None)
    return "" if odd is None else f"{odd!r} tokens, expected a whole number from 0"


def wrong_with_verdict(value: object, *, failed: bool) -> str:
    """What is wrong with a verdict's value, which a failed one has not."""
    if failed:
        return "" if value is None else f"a failure with the value {value!r}"
    if _is_number(value) and UNIT[0] <= value <= UNIT[1]:
        return ""
    return f"the value {value!r}, expected a number from 0 to 1"


def wrong_with_scores(scores: object, steps: object, allowed: ScoreRange, *, failed: bool) -> str:
    """What is wrong with the step scores of one text, of which a failure has none.

    Args:
        scores: The numbers, [T].
        steps: The steps, [T]; or none of them.
        allowed: The critic's range.
        failed: Whether they are those of a failure.
    """
    if not isinstance(scores, list | tuple) or not isinstance(steps, list | tuple):
        return "expected a list of numbers and a list of steps"
    if not all(isinstance(step, str) for step in steps):
        return "steps that are no texts"
    if failed:
        return "a failure with step scores" if scores else ""
    if not scores or len(steps) not in {0, len(scores)}:
        return f"{len(scores)} numbers for {len(steps)} steps"
    return wrong_with_numbers(scores, allowed)


def wrong_with_numbers(scores: Sequence[object], allowed: ScoreRange) -> str:
    """What is wrong with the numbers that a critic gave."""
    if not all(_is_number(score) and math.isfinite(score) for score in scores):
        return "they are not all finite numbers"
    odd = next((score for score in scores if not allowed[0] <= score <= allowed[1]), None)  # type: ignore[operator]
    if odd is None:
        return ""
    low, high = ("any" if math.isinf(end) else f"{end:g}" for end in allowed)
    return f"a score of {odd!r}, and the critic's range is {low} to {high}"


def wrong_with_figure(figure: object) -> str:
    """What is wrong with the host's figure of a table."""
    if _is_number(figure) and math.isfinite(figure):
        return ""
    return f"the figure {figure!r}, expected a finite number"
