"""Problems of the demo world: a picture, a question, a step-by-step solution and its answer.

Two families. A solution reads something in the picture, multiplies it, reads something else, and adds that:

* ``bars``: a bar chart whose heights are read off against faint lines;
* ``dice``: four coloured dice whose pips are counted.

What is read first counts two to five times, what is read second once, so that two misread numbers seldom cancel out: a
solution that misreads the picture rarely ends in the right answer, which is what Monte Carlo step labels rest on.

Splits are disjoint by construction: the digest of a scene decides which split may use it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from visualprm_eval.core.types import digest

Split = Literal["train", "spare", "prm", "test"]

COLOURS = ("red", "blue", "green", "yellow")
FAMILIES = ("bars", "dice")
PICTURE_SIZE = 112
"""Width and height of every picture in pixels."""
WORLD_SEED = 20250
"""The seed of the bundled benchmark and of the bundled models' data."""
TEST_PROBLEMS = 360
"""Number of problems of the bundled benchmark."""

# Of 16 classes of scene digests: 10 for supervised training, 1 that nothing uses, 3 for the reward model's problems, 2
# for testing.
_SPLIT_OF_CLASS: tuple[Split, ...] = ("train",) * 10 + ("spare",) + ("prm",) * 3 + ("test",) * 2


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a picture.

    Attributes:
        colour: One of ``COLOURS``.
        place: Where it stands: ``(column, row)`` of its quarter for a die, ``(column, 0)`` for a bar.
        value: The height of a bar (1 to 9), the pips of a die (1 to 6).
    """

    colour: str
    place: tuple[int, int]
    value: int


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows.

    Attributes:
        family: One of ``FAMILIES``.
        items: The four things in it, one of each colour.
    """

    family: str
    items: tuple[Item, ...]

    @property
    def id(self) -> str:
        """Digest of the whole content; equal pictures have equal ids."""
        return digest([self.family, [[i.colour, *i.place, i.value] for i in self.items]])

    @property
    def split(self) -> Split:
        """The only split that may show this scene."""
        return _SPLIT_OF_CLASS[int(self.id, 16) % len(_SPLIT_OF_CLASS)]

    def values(self) -> dict[str, int]:
        """What is to be read, by colour."""
        return {item.colour: item.value for item in self.items}


@dataclass(frozen=True, slots=True)
class WorldProblem:
    """One problem with its worked solution.

    Attributes:
        scene: What the picture shows (``draw.picture`` draws it).
        question: The question's text.
        steps: The solution's steps, [T]; a text is their join by blank lines.
        answer: The final answer, a non-negative integer as text.
    """

    scene: Scene
    question: str
    steps: tuple[str, ...]
    answer: str

    @property
    def solution(self) -> str:
        """The whole solution as a policy would write it."""
        return "\n\n".join(self.steps)


# ---------------------------------------------------------------------------------------------------- scenes


MOST = {"bars": 9, "dice": 6}
"""The largest value in a picture."""


_PLACES = {"bars": ((0, 0), (1, 0), (2, 0), (3, 0)), "dice": ((0, 0), (1, 0), (0, 1), (1, 1))}


def _scene(family: str, rng: random.Random) -> Scene:
    colours = rng.sample(COLOURS, 4)
    items = (
        Item(colour, place, rng.randint(1, MOST[family]))
        for colour, place in zip(colours, _PLACES[family], strict=True)
    )
    return Scene(family, tuple(items))


_CARELESSNESS = 0.7
"""How often the thing that is hardest to read is misread."""


def misread(scene: Scene, rng: random.Random) -> Scene:
    """The scene as a careless reader sees it.

    Everyone misreads the same things: how often an item is misread, and as what, depends on its colour and value. What
    learns from such readings errs from habit too, so that a vote among its answers does not heal everything.
    """
    return replace(scene, items=tuple(replace(item, value=_read(scene.family, item, rng)) for item in scene.items))


def _read(family: str, item: Item, rng: random.Random) -> int:
    habit = stream("habit", family, item.colour, item.value)
    share, shift = habit.uniform(0, _CARELESSNESS), habit.choice((-1, 1))
    other = item.value + shift if 1 <= item.value + shift <= MOST[family] else item.value - shift
    return other if rng.random() < share else item.value


# ------------------------------------------------------------------------------------- questions and solutions


_QUESTIONS = {
    "bars": (
        "The bars count crates. A {one} crate weighs {factor} kg and a {two} crate weighs 1 kg. "
        "What do all {one} and {two} crates weigh together?"
    ),
    "dice": (
        "Multiply the number on the {one} die by {factor}, then add the number on the {two} die. What is the result?"
    ),
}
_NOUNS = {"bars": "Bars", "dice": "Dice"}
FACTORS = range(2, 6)
"""By what the first reading may be multiplied."""


def reading_step(family: str, name: str, value: int) -> str:
    """The step that states what is read; the value follows the name at once."""
    return f"{_NOUNS[family]}: {name} {value}."


def solution_steps(
    family: str, names: Sequence[str], readings: tuple[int, int], factor: int, results: tuple[int, int]
) -> tuple[str, ...]:
    """All steps: a reading, its product with a factor, another reading, the sum, the answer.

    Args:
        family: The scene's.
        names: Of what is read.
        readings: What is read of them.
        factor: By what the first is multiplied.
        results: What product and sum are said to give.
    """
    return (
        reading_step(family, names[0], readings[0]),
        f"{readings[0]}*{factor}={results[0]}.",
        reading_step(family, names[1], readings[1]),
        f"{results[0]}+{readings[1]}={results[1]}.",
        rf"The answer is \boxed{{{results[1]}}}.",
    )


def problem(scene: Scene, rng: random.Random) -> WorldProblem:
    """A question about a scene, chosen by ``rng``, with its solution."""
    family, values = scene.family, scene.values()
    one, two = rng.sample(list(values), 2)
    factor = rng.choice(FACTORS)
    question = _QUESTIONS[family].format(one=one, two=two, factor=factor)
    product = values[one] * factor
    result = product + values[two]
    steps = solution_steps(family, (one, two), (values[one], values[two]), factor, (product, result))
    return WorldProblem(scene, question, steps, str(result))


def stream(*names: str | int) -> random.Random:
    """A stream of random numbers of its own for every name."""
    return random.Random("/".join(map(str, names)))  # noqa: S311 - must be reproducible, need not be secret


def scenes(split: Split, seed: int = WORLD_SEED) -> Iterator[Scene]:
    """Endless distinct scenes of one split, the families in turn.

    Args:
        split: Only scenes whose digest belongs to it are given.
        seed: The same seed gives the same scenes in the same order.
    """
    rng = stream("scenes", seed, split)
    seen: set[str] = set()
    while True:
        for family in FAMILIES:
            while (scene := _scene(family, rng)).split != split or scene.id in seen:
                pass
            seen.add(scene.id)
            yield scene


def problems(split: Split, count: int, seed: int = WORLD_SEED) -> list[WorldProblem]:
    """The first ``count`` problems of a split, one question per scene, the families in turn."""
    rng = stream("questions", seed, split)
    return [problem(scene, rng) for scene, _ in zip(scenes(split, seed), range(count), strict=False)]
