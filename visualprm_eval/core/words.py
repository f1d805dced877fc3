"""Numbers in sentences: one rule of singular and plural, and of digits, for all messages and reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """``"1 problem"``, ``"2,345 problems"``.

    Args:
        number: How many.
        noun: Of what, in the singular.
        plural: The same in the plural, where that is not the noun with an s.
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def part_of(number: int, total: int, noun: str, plural: str = "") -> str:
    """``"1 of 1 problem"``, ``"2 of 1,000 problems"``."""
    return f"{number:,} of {counted(total, noun, plural)}"


def verb(number: int, singular: str, plural: str) -> str:
    """The verb of a number of things: ``verb(1, "is", "are")`` is ``"is"``."""
    return singular if number == 1 else plural


def digits(number: float) -> str:
    """A number in words, with the digits that it was meant to have.

    Twelve significant ones: ``29.099999999999998``, which is 100 times 0.291, is ``"29.1"``.
    """
    return repr(float(f"{number:.12g}"))


def first_few(names: Sequence[str], most: int) -> str:
    """``"a, b and 3 more"``; ``""`` for none."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def listed(parts: Iterable[str]) -> str:
    """``"a"``, ``"a and b"``, ``"a, b and c"``."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else last
