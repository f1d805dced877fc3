"""Which of the protocol's fields a server takes, as its refusals tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from visualprm_eval.core.config import NEUTRAL, SERVERS_OWN

if TYPE_CHECKING:
    from visualprm_eval.core.types import JSONValue

_FIELDS = (*NEUTRAL, "seed", "top_p", "temperature")
"""What a server may do without, in the order in which it is left out when a refusal names several."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which fields a server takes.

    Attributes:
        n: Whether several samples may be asked for at a time.
        limit: The field of the token limit.
        left_out: Fields that it refuses by name; what it does without them is its own affair.
    """

    n: bool = True
    limit: str = "max_tokens"
    left_out: frozenset[str] = frozenset()

    def joined(self, other: Dialect) -> Dialect:
        """What both take: lessons of requests that were in flight at the same time add up."""
        limit = other.limit if self.limit == Dialect().limit else self.limit
        return Dialect(self.n and other.n, limit, self.left_out | other.left_out)

    def after_refusal(self, message: str) -> Dialect | None:
        """What to try when a server refused a request and said why; ``None`` when that names no field to do without.

        One field at a time: a message that names what we would rather keep may do so in passing.
        """
        if self.limit == "max_tokens" and "max_completion_tokens" in message:
            return replace(self, limit="max_completion_tokens")
        for name in _FIELDS:
            if name not in self.left_out and re.search(rf"\b{name}\b", message):
                return replace(self, left_out=self.left_out | {name})
        return None

    def settings(self) -> dict[str, JSONValue]:
        """What the key of samples says of the fields that nobody set, and of those that are left out."""
        return {**NEUTRAL, **dict.fromkeys(sorted(self.left_out), SERVERS_OWN)}

    @classmethod
    def of(cls, settings: Mapping[str, JSONValue]) -> Dialect:
        """The one in which samples with these settings were asked for."""
        return cls(left_out=frozenset(name for name in _FIELDS if settings.get(name) == SERVERS_OWN))


def is_alike(one: Mapping[str, JSONValue], other: Mapping[str, JSONValue]) -> bool:
    """Whether settings are the same but for fields that a server refused to the one or the other."""
    refused = dict.fromkeys(Dialect.of(one).left_out | Dialect.of(other).left_out)
    return {**one, **refused} == {**other, **refused}
