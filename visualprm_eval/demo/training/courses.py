"""What the demo's language models are taught: kinds of sequences, mixed into courses."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from visualprm_eval.demo.training.sequences import Sequence, Writer
from visualprm_eval.tasks.demo_world import world


@dataclass(frozen=True, slots=True)
class Lesson:
    """One kind of sequence in a course.

    A step takes sequences of one kind only: in a mixed batch the many words of a solution would drown the few values of
    a reading, and what was learned about looking would be lost.

    Attributes:
        share: How often a step takes it, relative to the course's others.
        batch: Sequences per step.
        write: Writes one about a scene.
    """

    share: float
    batch: int
    write: Callable[[Writer, world.Scene, random.Random], Sequence]


def _careless(writer: Writer, scene: world.Scene, rng: random.Random) -> Sequence:
    return writer.solution(world.problem(world.misread(scene, rng), rng))


def _spoiled(writer: Writer, scene: world.Scene, rng: random.Random) -> Sequence:
    return writer.spoiled(world.problem(scene, rng), rng)


# Comparing what is written with what is seen takes long to learn, unless it is learned first, and of bare claims.
LOOKING = (Lesson(0.4, 32, Writer.reading), Lesson(0.6, 32, Writer.claims))
VERIFYING = (Lesson(0.15, 32, Writer.claims), Lesson(0.2, 16, Writer.check), Lesson(0.65, 16, _spoiled))
BASE = (Lesson(0.15, 32, Writer.reading), Lesson(0.25, 32, Writer.claims), Lesson(0.6, 16, Writer.check))
POLICY = (Lesson(0.3, 32, Writer.sums), Lesson(0.7, 16, _careless))
