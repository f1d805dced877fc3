"""How long a server asks to be left alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after_s(value: str | None, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a ``Retry-After`` header asks for; ``None`` when there is none that can be read.

    Args:
        value: The header: seconds, or an HTTP date (RFC 9110, 10.2.3).
        now: The wall clock, in seconds since 1970.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = date.replace(tzinfo=date.tzinfo or UTC).timestamp() - now()
    return max(seconds, 0.0) if math.isfinite(seconds) else None
