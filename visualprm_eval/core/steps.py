"""A solution's steps, and the solution of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from visualprm_eval.core.errors import ConfigError

SEPARATOR = "\n\n"
"""What stands between two steps."""


def split_steps(response: str, max_steps: int | None = None) -> list[str]:
    """Cuts a response at blank lines; nothing is stripped and empty pieces are kept.

    Args:
        response: The solution as the policy wrote it.
        max_steps: When there are more pieces, neighbours are merged evenly, ceil(pieces / max_steps) at a time, so that
            there may be fewer than ``max_steps`` in the end; ``None`` merges nothing.

    Returns:
        The steps, [T] with T >= 1; ``join_steps`` gives the response back.

    Raises:
        ConfigError: When ``max_steps`` is below 1.
    """
    if max_steps is not None and max_steps < 1:
        raise ConfigError(f"max_steps is {max_steps}; expected at least 1, or None for no limit")
    pieces = response.split(SEPARATOR)
    if max_steps is None or len(pieces) <= max_steps:
        return pieces
    size = math.ceil(len(pieces) / max_steps)
    return [SEPARATOR.join(pieces[start : start + size]) for start in range(0, len(pieces), size)]


def join_steps(steps: Sequence[str]) -> str:
    """The inverse of ``split_steps``."""
    return SEPARATOR.join(steps)
