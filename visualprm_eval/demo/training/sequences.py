"""Token sequences that the demo models learn from, with a mark on every token that is to be learned.

*Readings* name what the picture shows, the cheapest way to learn to look; *sums* drill arithmetic; *solutions* are the
chat that the policy is asked in; *processes* are the reward model's conversation, one user turn per step; *checks* are
the same conversation about readings that have nothing to do with one another, and *claims* the same without a
conversation around them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import torch

from visualprm_eval.engine.config import SYSTEM_MESSAGE
from visualprm_eval.engine.prompt import Prompt, PromptFormat, question_content
from visualprm_eval.engine.tokenizer import IM_END
from visualprm_eval.tasks.demo_world.world import FACTORS, MOST, Scene, WorldProblem, reading_step, solution_steps

if TYPE_CHECKING:
    from torch import Tensor

_MOST = max(MOST.values())
IGNORED = -100
"""Label of a token that is not learned (cross entropy's default)."""
READ_REQUEST = "Read the picture."
SUMS_REQUEST = "Do sums."
CHECK_REQUEST = "Which statements are true?"
SUMS = 10
"""Calculations in one drill."""
_MISTAKES = 0.25
"""How often a step of a spoiled solution goes wrong."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One conversation.

    Attributes:
        ids: Token ids, [L].
        learned: Which of them are learned, [L].
        wanted: What is learned where it is not what is read, [L]; empty when both are the same.
    """

    ids: tuple[int, ...]
    learned: tuple[bool, ...]
    wanted: tuple[int, ...] = ()


class Writer:
    """Writes conversations as token ids, exactly as the policy and the reward model are asked later.

    Args:
        prompt_format: How the network's prompts are written.
        pad_id: The token that fills up a batch.
    """

    def __init__(self, prompt_format: PromptFormat, pad_id: int) -> None:
        self._format, self._pad_id = prompt_format, pad_id
        self._end_id = prompt_format.control[IM_END]

    def reading(self, scene: Scene, rng: random.Random) -> Sequence:
        """All that can be read in a picture, in random order; only the values are learned.

        A value follows its name at once (" red 5 blue 2"), as in the solutions: the model learns to look where the name
        stands, which takes a tenth of the steps that it takes when the value comes some words later.
        """
        facts = list(scene.values().items())
        rng.shuffle(facts)
        return self._facts(READ_REQUEST, [(f" {name} ", str(value)) for name, value in facts])

    def sums(self, _scene: Scene, rng: random.Random) -> Sequence:
        """A drill of sums and products."""
        drill = [_calculation(rng) for _ in range(SUMS)]
        return self._facts(SUMS_REQUEST, [(f" {one}{sign}{two}=", str(result)) for one, sign, two, result in drill], ())

    def claims(self, scene: Scene, rng: random.Random) -> Sequence:
        """Readings, each right or wrong by the toss of a coin and followed by ``+`` or ``-``, which is learned."""
        made = list(_claims(scene, rng))
        claims = self._facts(CHECK_REQUEST, [(f" {name} {claimed}", "+") for name, claimed, _ in made])
        # Were the labels read, a claim would be judged by an earlier one about the same name.
        labels = iter([self._format.plus_id if true else self._format.minus_id for *_, true in made])
        wanted = tuple(next(labels) if learned else i for i, learned in zip(claims.ids, claims.learned, strict=True))
        return Sequence(claims.ids, claims.learned, wanted)

    def check(self, scene: Scene, rng: random.Random) -> Sequence:
        """Statements in the reward model's conversation; at its placeholders it is learned which are true."""
        made = statements(scene, rng)
        return self.process_labels(CHECK_REQUEST, [step for step, _ in made], [true for _, true in made])

    def _facts(self, request: str, facts: Many[tuple[str, str]], tiles: Many[int] = (1,)) -> Sequence:
        """A reply made of pairs of a text and what is to be learned after it."""
        ids = list(self._format.chat(question_content(request, tiles)).ids)
        learned = [False] * len(ids)
        for given, wanted in facts:
            for text, learn in ((given, False), (wanted, True)):
                new = self._format.tokenizer.encode(text)
                ids += new
                learned += [learn] * len(new)
        return Sequence(tuple(ids), tuple(learned))

    def solution(self, problem: WorldProblem) -> Sequence:
        """A question and its worked solution in the policy's chat."""
        content = question_content(problem.question, [1])
        prompt = self._format.chat(content).ids
        ids = (*self._format.chat(content, problem.solution).ids, self._end_id)
        return Sequence(ids, (False,) * len(prompt) + (True,) * (len(ids) - len(prompt)))

    def spoiled(self, problem: WorldProblem, rng: random.Random) -> Sequence:
        """A solution with mistakes in the reward model's conversation; which steps are right is learned."""
        return self.process_labels(problem.question, *spoiled(problem, rng))

    def process_labels(self, question: str, steps: Many[str], labels: Many[bool]) -> Sequence:
        """A solution in the reward model's conversation; at its placeholders ``+`` or ``-`` is learned.

        Args:
            question: The question.
            steps: Steps of a solution, [T].
            labels: Whether each step is correct, [T].
        """
        prompt: Prompt = self._format.prm(question_content(question, [1]), steps)
        # As in scoring, the model reads "+" after every step, right or wrong. Were it to read the labels, it would
        # learn to repeat the last one (hardly any solution recovers) instead of looking.
        wanted, learned = list(prompt.ids), [False] * len(prompt.ids)
        for position, correct in zip(prompt.positions, labels, strict=True):
            wanted[position + 1] = self._format.plus_id if correct else self._format.minus_id
            learned[position + 1] = True
        return Sequence(prompt.ids, tuple(learned), tuple(wanted))

    def batch(self, sequences: Many[Sequence]) -> tuple[Tensor, Tensor]:
        """Token ids and labels of several sequences, padded at the end: two int64 tensors [B, L]."""
        length = max(len(sequence.ids) for sequence in sequences)
        ids = torch.full((len(sequences), length), self._pad_id)
        labels = torch.full((len(sequences), length), IGNORED)
        for row, sequence in enumerate(sequences):
            values = torch.tensor(sequence.ids)
            ids[row, : len(values)] = values
            wanted = torch.tensor(sequence.wanted or sequence.ids)
            labels[row, : len(values)] = wanted.masked_fill(~torch.tensor(sequence.learned), IGNORED)
        return ids, labels


def _calculation(rng: random.Random) -> tuple[int, str, int, int]:
    """A calculation as in the solutions: left, sign, right, result."""
    one, two = rng.randint(0, 9), rng.choice(FACTORS)
    if rng.random() < 0.5:
        return one, "*", two, one * two
    product, more = one * two, rng.randint(0, 9)
    return product, "+", more, product + more


def statements(scene: Scene, rng: random.Random) -> list[tuple[str, bool]]:
    """Steps that read all that is in a picture, each true or not by the toss of a coin.

    Args:
        scene: What the picture shows.
        rng: Chooses the statements.

    Returns:
        The statements in random order, with their truth.
    """
    return [(reading_step(scene.family, name, claimed), true) for name, claimed, true in _claims(scene, rng)]


def _claims(scene: Scene, rng: random.Random) -> Iterator[tuple[str, int, bool]]:
    """All that is in a picture in random order: name, value that is claimed, and whether it is the true one."""
    for name, value in rng.sample(list(scene.values().items()), len(scene.items)):
        claimed = value if rng.random() < 0.5 else _wrong(value, rng)
        yield name, claimed, claimed == value


def spoiled(problem: WorldProblem, rng: random.Random) -> tuple[list[str], list[bool]]:
    """A worked solution into which mistakes may have slipped, and whether each step is still right.

    As in a policy's solutions, what follows a mistake goes on from it, and no later step is right.
    """
    first, factor, _, second = map(int, re.findall(r"\d+", " ".join(problem.steps[1:3])))
    one = _wrong(first, rng) if rng.random() < _MISTAKES else first
    product = one * factor + (rng.choice((-1, 1)) * factor if rng.random() < _MISTAKES / 2 else 0)
    two = _wrong(second, rng) if rng.random() < _MISTAKES else second
    total = max(0, product + two + (rng.choice((-10, -2, -1, 1, 2, 10)) if rng.random() < _MISTAKES else 0))
    names = [problem.steps[place].split()[1] for place in (0, 2)]
    steps = solution_steps(problem.scene.family, names, (one, two), factor, (max(0, product), total))
    right: list[bool] = [*accumulate((a == b for a, b in zip(steps, problem.steps, strict=True)), lambda a, b: a and b)]
    return list(steps), right


def _wrong(value: int, rng: random.Random) -> int:
    """Another number: more often than not a near one, as mistakes are."""
    near = [other for other in (value - 1, value + 1, value - 2, value + 2) if 0 <= other <= _MOST]
    return rng.choice(near if rng.random() < 0.7 else [other for other in range(_MOST + 1) if other != value])


def corpus(problems: Many[WorldProblem]) -> list[str]:
    """Texts to learn a tokenizer from: all that the models will read and write."""
    texts = [f"system\n{SYSTEM_MESSAGE}", "user\n", "assistant\n", READ_REQUEST, SUMS_REQUEST, CHECK_REQUEST] * 50
    for problem in problems:
        texts += [f"### Question:\n{problem.question}\n\n### Solution Process:\n", problem.question, problem.solution]
    return texts
