"""The stages of the training run, each from files to files, so that any of them can be run again by itself.

The policy is the network after a short time on worked solutions. The reward model starts from a *base* that went on
learning from there: a verifier must see better than what it verifies. VisualPRM likewise starts from a chat model that
is stronger than many of the policies whose solutions it judges.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from visualprm_eval.demo import world
from visualprm_eval.demo.assets import BENCHMARK_FILE, POLICY, PRM
from visualprm_eval.demo.benchmark import pipeline_problems, write_benchmark
from visualprm_eval.demo.fit import fit
from visualprm_eval.demo.montecarlo import LabelledSolution, label_solutions, sample_solutions
from visualprm_eval.demo.network import Eyes, network_config, new_network, sequence_loss, with_judgement
from visualprm_eval.demo.pictures import Pictures, token_facts
from visualprm_eval.demo.sequences import Sequence, Writer, corpus
from visualprm_eval.demo.tokenizer import PAD_TOKEN, train_tokenizer
from visualprm_eval.prm.checkpoint import load_checkpoint, save_checkpoint
from visualprm_eval.prm.prompt import PromptFormat
from visualprm_eval.prm.tokenizer import load_tokenizer

if TYPE_CHECKING:
    import random

    from torch import Tensor
    from transformers import InternVLForConditionalGeneration

    from visualprm_eval.demo.recipe import Recipe
    from visualprm_eval.prm.checkpoint import LoadedCheckpoint
    from visualprm_eval.prm.config import CheckpointConfig
    from visualprm_eval.types import Problem


JUDGEMENT_LAYERS = 2
"""Layers that the reward model has on top of its base."""
_FURTHER_RATE = 0.6
"""Factor of the learning rates of a network that can already read: at the full rates it would forget how."""


@dataclass(frozen=True, slots=True)
class _Lesson:
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


_READING = _Lesson(0.4, 32, lambda writer, scene, rng: writer.reading(scene, rng))
_SUMS = _Lesson(0.2, 16, lambda writer, _, rng: writer.sums(rng))
_SOLUTION = _Lesson(0.4, 16, lambda writer, scene, rng: writer.solution(world.problem(scene, rng)))
_PROCESS = _Lesson(0.2, 16, lambda writer, scene, rng: writer.process_text(world.problem(scene, rng)))


@dataclass(frozen=True)
class Workshop:
    """Where a training run keeps its files, and the data that its stages share.

    Attributes:
        folder: Where everything is written; what is to be bundled goes to ``folder / "assets"``.
        recipe: The run's sizes.
    """

    folder: Path
    recipe: Recipe

    @property
    def assets(self) -> Path:
        """What is to be bundled."""
        return self.folder / "assets"

    @cached_property
    def scenes(self) -> list[world.Scene]:
        """The scenes of supervised training."""
        return list(islice(world.scenes("train", self.recipe.seed), self.recipe.scenes))

    @cached_property
    def pictures(self) -> Pictures:
        """Their pictures."""
        return Pictures(self.scenes)

    @cached_property
    def writer(self) -> Writer:
        """Writes sequences with the run's tokenizer."""
        tokenizer = load_tokenizer(self.folder / "tokenizer")
        config = network_config(_vocabulary_size(self.folder / "tokenizer"))
        return Writer(PromptFormat(tokenizer, config), tokenizer.id_of(PAD_TOKEN))

    def problems(self, split: world.Split, count: int) -> tuple[list[world.WorldProblem], list[Problem]]:
        """The first problems of a split, as the world and as the pipeline know them."""
        made = world.problems(split, count, self.recipe.seed)
        return made, pipeline_problems(made, self.folder / "images" / split)

    def load(self, name: str) -> LoadedCheckpoint:
        """A checkpoint that an earlier stage left."""
        return load_checkpoint(self.path(name), device="cpu", dtype="float32")

    def save(
        self, model: InternVLForConditionalGeneration, name: str, config: CheckpointConfig | None = None
    ) -> None:  # fmt: skip
        """Leaves a checkpoint for later stages; what is bundled is stored in bfloat16."""
        save_checkpoint(
            model,
            config or network_config(model.config.text_config.vocab_size),
            self.folder / "tokenizer",
            self.path(name),
            dtype="bfloat16" if name in (POLICY, PRM) else "float32",
            architecture="InternVLRewardModel" if name == PRM else "InternVLChatModel",
        )

    def path(self, name: str) -> Path:
        """The folder of a checkpoint."""
        return (self.assets if name in (POLICY, PRM) else self.folder) / name


def make_benchmark(shop: Workshop) -> None:
    """Writes the benchmark's file."""
    shop.assets.mkdir(parents=True, exist_ok=True)
    test = world.problems("test", shop.recipe.test_problems, shop.recipe.seed)
    write_benchmark(test, shop.assets / BENCHMARK_FILE)


def make_tokenizer(shop: Workshop) -> None:
    """Learns the tokenizer."""
    problems = world.problems("train", shop.recipe.tokenizer_problems, shop.recipe.seed)
    train_tokenizer(corpus(problems), shop.folder / "tokenizer")


def train_vision(shop: Workshop) -> None:
    """Teaches the image encoder what each part of a picture shows."""
    recipe = shop.recipe
    tokenizer = load_tokenizer(shop.folder / "tokenizer")
    model = new_network(network_config(_vocabulary_size(shop.folder / "tokenizer")), tokenizer, recipe.seed)
    eyes = Eyes(model, recipe.seed)
    facts = torch.from_numpy(np.stack([token_facts(scene) for scene in shop.scenes]))
    rng = world.stream("vision", recipe.seed)

    def loss_at(_step: int) -> Tensor:
        chosen = rng.sample(range(len(shop.scenes)), recipe.vision_batch)
        return eyes.loss(shop.pictures.pixels(chosen), facts[chosen])

    fit(eyes, loss_at, recipe.vision_steps, "vision")
    shop.save(model, "vision")


def train_reading(shop: Workshop) -> None:
    """Teaches the language model to name what the picture shows."""
    model = _supervise(shop, "vision", [_READING], shop.recipe.reading_steps)
    shop.save(model, "reading")


def train_policy(shop: Workshop) -> None:
    """Teaches worked solutions, for so short a time that the policy stays imperfect."""
    model = _supervise(shop, "reading", [_READING, _SUMS, _SOLUTION], shop.recipe.policy_steps)
    shop.save(model, POLICY)


def train_base(shop: Workshop) -> None:
    """Goes on, also in the reward model's conversation, still with worked solutions."""
    model = _supervise(shop, POLICY, [_READING, _SUMS, _SOLUTION, _PROCESS], shop.recipe.base_steps)
    shop.save(model, "base")


def _supervise(
    shop: Workshop, start: str, lessons: Many[_Lesson], steps: int
) -> InternVLForConditionalGeneration:  # fmt: skip
    """Trains a checkpoint on fresh sequences about the training scenes."""
    model = _trainable(shop.load(start))
    rng = world.stream("after", start, shop.recipe.seed)
    shares = [lesson.share for lesson in lessons]

    def loss_at(_step: int) -> Tensor:
        (lesson,) = rng.choices(lessons, shares)
        chosen = rng.sample(range(len(shop.scenes)), lesson.batch)
        sequences = [lesson.write(shop.writer, shop.scenes[number], rng) for number in chosen]
        return sequence_loss(model, *shop.writer.batch(sequences), shop.pictures.pixels(chosen))

    fit(model, loss_at, steps, f"after {start}", 1.0 if start == "vision" else _FURTHER_RATE)
    return model


def make_labels(shop: Workshop) -> None:
    """Samples solutions from the policy and labels their steps."""
    recipe = shop.recipe
    _, problems = shop.problems("prm", recipe.prm_problems)
    policy = shop.load(POLICY)
    solutions = sample_solutions(policy, problems, recipe.prm_samples, recipe.seed)
    labelled = label_solutions(policy, problems, solutions, recipe.seed + 1)
    with (shop.folder / "labels.jsonl").open("w", encoding="utf-8") as file:
        for entry in labelled:
            row = {"problem": entry.problem, "steps": entry.steps, "labels": entry.labels}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def read_labels(shop: Workshop) -> list[LabelledSolution]:
    """What ``make_labels`` wrote."""
    lines = (shop.folder / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, lines)
    return [LabelledSolution(row["problem"], tuple(row["steps"]), tuple(row["labels"])) for row in rows]


def train_prm(shop: Workshop) -> None:
    """Teaches the base to say of every step whether it is correct."""
    recipe = shop.recipe
    problems = world.problems("prm", recipe.prm_problems, recipe.seed)
    pictures = Pictures([problem.scene for problem in problems])
    labelled = read_labels(shop)
    sequences = [shop.writer.process_labels(problems[e.problem].question, e.steps, e.labels) for e in labelled]
    base = shop.load("base")
    model, config = with_judgement(base.model, base.config, JUDGEMENT_LAYERS, recipe.seed)
    rng = world.stream("prm", recipe.seed)

    def loss_at(_step: int) -> Tensor:
        chosen = rng.sample(range(len(labelled)), min(recipe.prm_batch, len(labelled)))
        pixels = pictures.pixels([labelled[number].problem for number in chosen])
        return sequence_loss(model, *shop.writer.batch([sequences[number] for number in chosen]), pixels)

    fit(model, loss_at, recipe.prm_steps, "prm", recipe.prm_rate)
    shop.save(model, PRM, config)


def _trainable(checkpoint: LoadedCheckpoint) -> InternVLForConditionalGeneration:
    return checkpoint.model.requires_grad_()


def _vocabulary_size(folder: Path) -> int:
    """Number of token ids of a tokenizer whose control tokens come last."""
    added: dict[str, int] = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
    return max(added.values()) + 1
