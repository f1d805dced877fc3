"""Facts of older stores whose meaning changed: each repair touches those alone, counts them and says so.

A repair runs inside its migration's transaction, once. It may rewrite facts or drop them; a dropped fact is missing, so
that the next run makes it anew. Nothing that was paid for is dropped where it can be rewritten.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

__all__ = ["REPAIRS_TO_6", "Repair"]

Repair = Callable[["sqlite3.Connection"], str]
"""What it did with how many facts, as a sentence; ``""`` when there were none."""

REPAIRS_TO_6: tuple[Repair, ...] = ()
