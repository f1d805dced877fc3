"""Names that people gave to what has a key: two things of one name stay two, and the name is of who had it last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

POLICY_APART = "{name} ({key})"
"""How a policy is called that is not the only one of its name."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that is called by a name.

    Attributes:
        name: The name.
        place: Where it would stand; two things of one place are never called alike.
        model: The model behind it, ``""`` when unknown; two models are never called alike.
        key: What tells it from others of its name.
        said: When it got the name: a greater number is later. Of equal ones nobody has the better claim.
    """

    name: str
    place: str
    model: str
    key: str
    said: float

    def clashes(self, other: Claim) -> bool:
        """Whether the two cannot both have the name."""
        if self.name != other.name:
            return False
        are_two = bool(self.model and other.model) and self.model != other.model
        return are_two or self.place == other.place


def told_apart(claims: Sequence[Claim], pattern: str) -> list[str]:
    """What each is called: by its name where nobody got it later, else by its name and the start of its key.

    Args:
        claims: Who is called what.
        pattern: See :func:`keyed`.
    """
    holders: list[int] = []
    for place in sorted(range(len(claims)), key=lambda place: -claims[place].said):
        claim = claims[place]
        rivals = [each for each, one in enumerate(claims) if one.said == claim.said and each != place]
        if not any(claim.clashes(claims[each]) for each in (*holders, *rivals)):
            holders.append(place)
    return [
        claim.name if place in holders else keyed(claim.name, claim.key, pattern) for place, claim in enumerate(claims)
    ]


def keyed(name: str, key: str, pattern: str) -> str:
    """A name with the start of a key, put together by a pattern with the fields ``name`` and ``key``."""
    return pattern.format(name=name, key=key[:6])
