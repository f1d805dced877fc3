"""Problems of the demo world: a picture, a question, a step-by-step solution and its answer.

Four families, each with two or more steps that begin with reading something in the picture:

* ``shapes``: coloured shapes on a 4 x 4 board, counted by colour or by kind and multiplied by a price;
* ``bars``: a bar chart; heights are read off and multiplied by a weight;
* ``dice``: four coloured dice, one multiplied, one added;
* ``fields``: two coloured rectangles on squared paper, their areas added.

Prices and weights differ within a problem, so that two misread numbers seldom cancel out: a solution that misreads
the picture rarely ends in the right answer, which is what Monte Carlo step labels rest on.

Splits are disjoint by construction: the digest of a scene decides which split may use it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from visualprm_eval.types import digest

Split = Literal["train", "prm", "test"]

COLOURS = ("red", "blue", "green", "yellow")
KINDS = ("circle", "square", "triangle", "star")
FAMILIES = ("shapes", "bars", "dice", "fields")
PICTURE_SIZE = 112
"""Width and height of every picture in pixels."""
WORLD_SEED = 20250
"""The seed of the bundled benchmark and of the bundled models' data."""
TEST_PROBLEMS = 360
"""Number of problems of the bundled benchmark."""

# Of 16 classes of scene digests: 11 for supervised training, 3 for the reward model's problems, 2 for testing.
_SPLIT_OF_CLASS: tuple[Split, ...] = ("train",) * 11 + ("prm",) * 3 + ("test",) * 2


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in a picture.

    Attributes:
        colour: One of ``COLOURS``.
        kind: One of ``KINDS`` for a shape, else the family's only kind (``"bar"``, ``"die"``, ``"field"``).
        place: Where it stands: ``(column, row)`` of its cell (shapes 4 x 4, dice 2 x 2, fields 8 x 8: the upper left
            one) or ``(column, 0)`` for a bar.
        size: ``(dx, dy)`` jitter in pixels for a shape, ``(1, height)`` for a bar, ``(pips, 0)`` for a die,
            ``(width, height)`` in squares for a field.
    """

    colour: str
    kind: str
    place: tuple[int, int]
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture shows.

    Attributes:
        family: One of ``FAMILIES``.
        items: The things in it; fields do not overlap, cells hold one shape or die.
    """

    family: str
    items: tuple[Item, ...]

    @property
    def id(self) -> str:
        """Digest of the whole content; equal pictures have equal ids."""
        return digest([self.family, [[i.colour, i.kind, *i.place, *i.size] for i in self.items]])

    @property
    def split(self) -> Split:
        """The only split that may show this scene."""
        return _SPLIT_OF_CLASS[int(self.id, 16) % len(_SPLIT_OF_CLASS)]

    def item(self, colour: str) -> Item:
        """The only item of a colour (bars, dice, fields)."""
        (found,) = (item for item in self.items if item.colour == colour)
        return found


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


def _shapes_scene(rng: random.Random) -> Scene:
    cells = rng.sample(range(16), rng.randint(7, 14))
    items = (
        Item(rng.choice(COLOURS), rng.choice(KINDS), (cell % 4, cell // 4), (rng.randint(-3, 3), rng.randint(-3, 3)))
        for cell in sorted(cells)
    )
    return Scene("shapes", tuple(items))


def _bars_scene(rng: random.Random) -> Scene:
    colours = rng.sample(COLOURS, 4)
    return Scene("bars", tuple(Item(c, "bar", (k, 0), (1, rng.randint(1, 9))) for k, c in enumerate(colours)))


def _dice_scene(rng: random.Random) -> Scene:
    colours = rng.sample(COLOURS, 4)
    return Scene("dice", tuple(Item(c, "die", (k % 2, k // 2), (rng.randint(1, 6), 0)) for k, c in enumerate(colours)))


def _fields_scene(rng: random.Random) -> Scene:
    while True:
        items = []
        for colour in rng.sample(COLOURS, 2):
            width, height = rng.randint(1, 5), rng.randint(1, 5)
            place = rng.randint(0, 8 - width), rng.randint(0, 8 - height)
            items.append(Item(colour, "field", place, (width, height)))
        if not _overlap(*items):
            return Scene("fields", tuple(items))


def _overlap(one: Item, two: Item) -> bool:
    """Whether two fields share a square or touch along an edge."""
    return all(
        one.place[axis] <= two.place[axis] + two.size[axis] and two.place[axis] <= one.place[axis] + one.size[axis]
        for axis in (0, 1)
    )


_SCENES = {"shapes": _shapes_scene, "bars": _bars_scene, "dice": _dice_scene, "fields": _fields_scene}


# ------------------------------------------------------------------------------------- questions and solutions


def _answer_step(value: int) -> str:
    return rf"The answer is \boxed{{{value}}}."


def _shapes_problem(scene: Scene, rng: random.Random) -> WorldProblem:
    by_colour = rng.random() < 0.5
    name = "{} shape" if by_colour else "{}"
    counts: dict[str, int] = {}
    for item in scene.items:
        trait = item.colour if by_colour else item.kind
        counts[trait] = counts.get(trait, 0) + 1
    first, second = rng.sample(sorted(counts), 2) if len(counts) > 1 else rng.sample(COLOURS if by_colour else KINDS, 2)
    prices = rng.sample(range(2, 6), 2)
    one, two = name.format(first), name.format(second)
    question = (
        f"A {one} costs {prices[0]} coins and a {two} costs {prices[1]} coins. "
        f"What do all {one}s and {two}s cost together?"
    )
    steps, totals = [], []
    for noun, trait, price in ((one, first, prices[0]), (two, second, prices[1])):
        count = counts.get(trait, 0)
        totals.append(count * price)
        steps.append(f"The number of {noun}s is {count}: {count}*{price}={totals[-1]} coins.")
    total = sum(totals)
    steps.append(f"Together they cost {totals[0]}+{totals[1]}={total} coins.")
    return WorldProblem(scene, question, (*steps, _answer_step(total)), str(total))


def _bars_problem(scene: Scene, rng: random.Random) -> WorldProblem:
    colours, weights = rng.sample(COLOURS, 2), rng.sample(range(2, 6), 2)
    question = (
        f"The bars count crates. A {colours[0]} crate weighs {weights[0]} kg "
        f"and a {colours[1]} crate weighs {weights[1]} kg. "
        f"What do all {colours[0]} and {colours[1]} crates weigh together?"
    )
    steps, totals = [], []
    for colour, weight in zip(colours, weights, strict=True):
        height = scene.item(colour).size[1]
        totals.append(height * weight)
        steps.append(f"The {colour} bar shows {height} crates: {height}*{weight}={totals[-1]} kg.")
    total = sum(totals)
    steps.append(f"Together they weigh {totals[0]}+{totals[1]}={total} kg.")
    return WorldProblem(scene, question, (*steps, _answer_step(total)), str(total))


def _dice_problem(scene: Scene, rng: random.Random) -> WorldProblem:
    one, two = rng.sample(COLOURS, 2)
    pips, more = scene.item(one).size[0], scene.item(two).size[0]
    factor = rng.randint(2, 5)
    question = (
        f"Multiply the number on the {one} die by {factor}, then add the number on the {two} die. What is the result?"
    )
    product, result = pips * factor, pips * factor + more
    steps = (
        f"The {one} die shows {pips}: {pips}*{factor}={product}.",
        f"The {two} die shows {more}: {product}+{more}={result}.",
    )
    return WorldProblem(scene, question, (*steps, _answer_step(result)), str(result))


def _fields_problem(scene: Scene, rng: random.Random) -> WorldProblem:
    areas = {item.colour: item.size[0] * item.size[1] for item in scene.items}
    one, two = rng.sample(sorted(areas), 2)
    question = f"How many squares do the {one} field and the {two} field cover together?"
    result = areas[one] + areas[two]
    last = f"Together they cover {areas[one]}+{areas[two]}={result} squares."
    steps = [
        "The {} field is {} wide and {} high: {}*{}={} squares.".format(
            colour, *scene.item(colour).size, *scene.item(colour).size, areas[colour]
        )
        for colour in (one, two)
    ]
    return WorldProblem(scene, question, (*steps, last, _answer_step(result)), str(result))


_PROBLEMS = {"shapes": _shapes_problem, "bars": _bars_problem, "dice": _dice_problem, "fields": _fields_problem}


def stream(*names: str | int) -> random.Random:
    """A stream of random numbers of its own for every name."""
    return random.Random("/".join(map(str, names)))  # noqa: S311 - must be reproducible, need not be secret


def problem(scene: Scene, rng: random.Random) -> WorldProblem:
    """A question about a scene, chosen by ``rng``, with its solution."""
    return _PROBLEMS[scene.family](scene, rng)


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
            while (scene := _SCENES[family](rng)).split != split or scene.id in seen:
                pass
            seen.add(scene.id)
            yield scene


def problems(split: Split, count: int, seed: int = WORLD_SEED) -> list[WorldProblem]:
    """The first ``count`` problems of a split, one question per scene, the families in turn."""
    rng = stream("questions", seed, split)
    return [problem(scene, rng) for scene, _ in zip(scenes(split, seed), range(count), strict=False)]
