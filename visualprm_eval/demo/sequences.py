"""Token sequences that the demo models learn from, with a mark on every token that is to be learned.

*Readings* name what the picture shows, the cheapest way to learn to look; *sums* drill arithmetic; *solutions* are the
chat that the policy is asked in; *processes* are the reward model's
conversation, one user turn per step.
"""

from __future__ import annotations

import random
from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from visualprm_eval.demo.world import COLOURS, KINDS, Scene, WorldProblem
from visualprm_eval.prm.config import SYSTEM_MESSAGE
from visualprm_eval.prm.prompt import Prompt, PromptFormat, question_content
from visualprm_eval.prm.tokenizer import IM_END

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -100
"""Label of a token that is not learned (cross entropy's default)."""
READ_REQUEST = "Read the picture."
SUMS_REQUEST = "Do sums."
SUMS = 10
"""Calculations in one drill."""
_END_OF_STEP = 4
"""From the scored position back to the ``<|im_end|>`` of its step: the header's three tokens and a newline between."""
_NEXT_STEP = 7
"""From the scored position to the next step: ``+``, ``<|im_end|>``, newline, ``<|im_start|>``, ``user``, newline."""


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

        A value follows its name at once (" red5 blue2"): the model learns to look where the name stands, which takes a
        tenth of the steps that it takes when the value comes some words later.
        """
        facts = readings(scene)
        rng.shuffle(facts)
        return self._facts(READ_REQUEST, [(f" {name}", value) for name, value in facts])

    def sums(self, rng: random.Random) -> Sequence:
        """A drill of calculations; only the results are learned. The picture beside it has nothing to do with it."""
        return self._facts(SUMS_REQUEST, [_calculation(rng) for _ in range(SUMS)])

    def _facts(self, request: str, facts: Many[tuple[str, str]]) -> Sequence:
        """A reply made of pairs of a text and what is to be learned after it."""
        ids = list(self._format.chat(question_content(request, [1])).ids)
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

    def process_text(self, problem: WorldProblem) -> Sequence:
        """The worked solution in the reward model's conversation; the steps' texts are learned."""
        content = question_content(problem.question, [1])
        prompt = self._format.prm(content, problem.steps)
        learned = [False] * len(prompt.ids)
        start = self._format.prm(content, [""]).positions[0] - _END_OF_STEP
        for position in prompt.positions:
            for place in range(start, position - _END_OF_STEP + 1):
                learned[place] = True
            start = position + _NEXT_STEP
        return Sequence(prompt.ids, tuple(learned))

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


def _calculation(rng: random.Random) -> tuple[str, str]:
    """A calculation as in the solutions, and its result."""
    if rng.random() < 0.5:
        one, two = rng.randint(0, 9), rng.randint(1, 5)
        return f" {one}*{two}=", str(one * two)
    one, two = rng.randint(0, 45), rng.randint(0, 45)
    return f" {one}+{two}=", str(one + two)


def readings(scene: Scene) -> list[tuple[str, str]]:
    """Names and values of all that a question about the scene may ask for; a field's value is its width and height."""
    if scene.family == "shapes":
        colours = [(name, sum(item.colour == name for item in scene.items)) for name in COLOURS]
        kinds = [(f"{name}s", sum(item.kind == name for item in scene.items)) for name in KINDS]
        return [(name, str(count)) for name, count in colours + kinds]
    if scene.family == "fields":
        return [(item.colour, "{}{}".format(*item.size)) for item in scene.items]
    number = 1 if scene.family == "bars" else 0
    return [(item.colour, str(item.size[number])) for item in scene.items]


def corpus(problems: Many[WorldProblem]) -> list[str]:
    """Texts to learn a tokenizer from: all that the models will read and write."""
    texts = [f"system\n{SYSTEM_MESSAGE}", "user\n", "assistant\n", READ_REQUEST, SUMS_REQUEST] * 50
    for problem in problems:
        texts += [f"### Question:\n{problem.question}\n\n### Solution Process:\n", problem.question, problem.solution]
    return texts
