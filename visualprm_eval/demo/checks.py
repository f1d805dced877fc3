"""True and false statements about pictures, for the base model to tell apart.

A chat model knows how to answer "is this true of the picture?" before it is made into a reward model; so must the
base. These statements stand alone: no question, no solution, no answer to reach. What a *step* is worth the reward
model learns from Monte Carlo labels only.
"""

from __future__ import annotations

import operator
import random
import re

from visualprm_eval.demo.world import Scene, problem

CHECK_REQUEST = "Which of these statements are true?"
STATEMENTS = 8
"""Statements in one conversation."""
_FALSE_SHARE = 0.5
_MISREAD_SHARE = 0.7
"""Share of misread pictures among the false statements; the others are miscalculated."""
_CALCULATION = re.compile(r"(\d+)([*+])(\d+)=(\d+)")
_OPERATORS = {"*": operator.mul, "+": operator.add}


def statements(scene: Scene, rng: random.Random) -> list[tuple[str, bool]]:
    """Statements about a scene, and whether each is true."""
    sentences: list[str] = []
    while len(sentences) < STATEMENTS:
        sentences += problem(scene, rng).steps[:-1]
    rng.shuffle(sentences)
    made = []
    for sentence in sentences[:STATEMENTS]:
        true = rng.random() >= _FALSE_SHARE
        made.append((sentence if true else falsified(sentence, rng), true))
    return made


def falsified(sentence: str, rng: random.Random) -> str:
    """A solution's step with one number misread and the rest calculated from it, or with a wrong result."""
    found = _CALCULATION.search(sentence)
    if found is None:
        raise ValueError(f"no calculation in {sentence!r}")
    head, tail = sentence[: found.start()], sentence[found.end() :]
    left, right = int(found[1]), int(found[3])
    calculate = _OPERATORS[found[2]]
    read = list(re.finditer(r"\d+", head))
    if not read or rng.random() >= _MISREAD_SHARE:
        wrong = _near(int(found[4]), rng, rng.choice((1, 1, 2, 10)))
        return f"{head}{left}{found[2]}{right}={wrong}{tail}"
    number = rng.randrange(len(read))
    misread = _near(int(read[number][0]), rng, rng.choice((1, 1, 2)))
    # A field's width and height are both operands; a count comes first in a product and second in a sum.
    if number == 1 or (len(read) == 1 and found[2] == "+"):
        right = misread
    else:
        left = misread
    head = head[: read[number].start()] + str(misread) + head[read[number].end() :]
    return f"{head}{left}{found[2]}{right}={calculate(left, right)}{tail}"


def wrong_number(value: str, rng: random.Random) -> str:
    """Another number near a value; of a field's width and height, which are two digits, one is changed."""
    if len(value) == 2 and "0" not in value and rng.random() < 0.5:
        return str(_near(int(value[0]), rng, 1)) + value[1]
    return str(_near(int(value), rng, rng.choice((1, 1, 2))))


def _near(value: int, rng: random.Random, distance: int) -> int:
    """Another number that far away, never negative."""
    return value + distance if value < distance or rng.random() < 0.5 else value - distance
