"""What is to be scored, question by question: which candidates share what, and what fits into a batch.

Nothing here computes; see ``prefix_batches`` for the model and ``scoring`` for the order of things.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from visualprm_eval.core.groups import grouped
from visualprm_eval.engine.images import ImageSource, Picture, image_key
from visualprm_eval.engine.prompt import Prompt

Item = tuple[str, Sequence[str], Sequence[ImageSource | Picture]]
"""A question, the steps of one solution [T], and the question's images."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Work:
    """One solution made ready.

    Attributes:
        indices: Its places among the items; equal solutions are scored once.
        prompt: Its prompt.
    """

    indices: tuple[int, ...]
    prompt: Prompt

    @property
    def length(self) -> int:
        """Tokens to be read: what follows the last scored position has no influence."""
        return self.prompt.positions[-1] + 1


@dataclass(frozen=True)
class Question:
    """A question with its solutions.

    Attributes:
        images: Its images in order.
        works: Its solutions, at least one.
    """

    images: tuple[ImageSource | Picture, ...]
    works: tuple[Work, ...]

    @cached_property
    def shared(self) -> int:
        """Number of tokens that all solutions begin with: all tokens of a lone solution."""
        first, *others = self.works
        shared = first.length
        for other in others:
            shared = _common(first.prompt.ids, other.prompt.ids, min(shared, other.length))
        return shared

    @cached_property
    def shared_positions(self) -> tuple[int, ...]:
        """Scored positions of any solution among the shared tokens, in order."""
        places = {place for work in self.works for place in work.prompt.positions if place < self.shared}
        return tuple(sorted(places))


def by_question(items: Sequence[Item]) -> list[list[int]]:
    """Places of the items of each question with its images, in the order in which questions first come."""
    keys: list[Hashable] = [(question, *map(image_key, images)) for question, _, images in items]
    return list(grouped(range(len(items)), keys.__getitem__).values())


def batches(parts: Iterable[_T], tokens: Callable[[_T], int], budget: Callable[[], int]) -> Iterator[list[_T]]:
    """Fills batches in order.

    Args:
        parts: What to batch; taken one ahead of what is returned.
        tokens: How many tokens a part has.
        budget: Most tokens of a batch, asked for each part; a larger part is a batch of its own.
    """
    batch: list[_T] = []
    total = 0
    for part in parts:
        size = tokens(part)
        if batch and total + size > budget():
            yield batch
            batch, total = [], 0
        batch.append(part)
        total += size
    if batch:
        yield batch


def _common(one: Sequence[int], other: Sequence[int], most: int) -> int:
    """How many tokens, ``most`` at most, two sequences have in common at their beginning."""
    low, high = 0, most
    while low < high:  # Comparing slices is much faster than comparing tokens.
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
