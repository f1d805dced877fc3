"""The stages of the training run, each from files to files, so that any of them can be run again by itself.

The policy is the network after a short time on worked solutions. The reward model starts from a *base* that went on
learning from there: a verifier must see better than what it verifies. VisualPRM likewise starts from a chat model that
is stronger than many of the policies whose solutions it judges.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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
from visualprm_eval.demo.network import Eyes, network_config, new_network, sequence_loss
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
    from visualprm_eval.types import Problem

_Write = Callable[[Writer, world.Scene, "random.Random"], Sequence]
"""Writes one sequence about a scene."""
_Course = tuple[str, str, int, int]
"""A stage of supervised training: from which checkpoint, into which, steps, sequences per step."""


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

    def save(self, model: InternVLForConditionalGeneration, name: str) -> None:
        """Leaves a checkpoint for later stages; what is bundled is stored in bfloat16."""
        save_checkpoint(
            model,
            network_config(model.config.text_config.vocab_size),
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
    _supervise(shop, ("vision", "reading", shop.recipe.reading_steps, shop.recipe.reading_batch), _reading_lesson)


def train_policy(shop: Workshop) -> None:
    """Teaches worked solutions, for so short a time that the policy stays imperfect."""
    _supervise(shop, ("reading", POLICY, shop.recipe.policy_steps, shop.recipe.batch), _writing_lesson)


def train_base(shop: Workshop) -> None:
    """Goes on from the policy with all there is to learn, also in the reward model's conversation."""
    _supervise(shop, (POLICY, "base", shop.recipe.base_steps, shop.recipe.batch), _whole_lesson)


def _reading_lesson(writer: Writer, scene: world.Scene, rng: random.Random) -> Sequence:
    """Readings only."""
    return writer.reading(scene, rng)


def _writing_lesson(writer: Writer, scene: world.Scene, rng: random.Random) -> Sequence:
    """Mostly solutions; the readings keep the eyes in training."""
    lot = rng.random()
    if lot < 0.15:
        return writer.reading(scene, rng)
    return writer.sums(rng) if lot < 0.3 else writer.solution(world.problem(scene, rng))


def _whole_lesson(writer: Writer, scene: world.Scene, rng: random.Random) -> Sequence:
    """The same, and solutions in the reward model's conversation."""
    if rng.random() < 0.4:
        return writer.process_text(world.problem(scene, rng))
    return _writing_lesson(writer, scene, rng)


def _supervise(shop: Workshop, course: _Course, write: _Write) -> None:
    """Trains one checkpoint into the next on fresh sequences about the training scenes."""
    start, result, steps, batch = course
    model = _trainable(shop.load(start))
    rng = world.stream(result, shop.recipe.seed)

    def loss_at(_step: int) -> Tensor:
        chosen = rng.sample(range(len(shop.scenes)), batch)
        sequences = [write(shop.writer, shop.scenes[number], rng) for number in chosen]
        return sequence_loss(model, *shop.writer.batch(sequences), shop.pictures.pixels(chosen))

    fit(model, loss_at, steps, result)
    shop.save(model, result)


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
    model = _trainable(shop.load("base"))
    rng = world.stream("prm", recipe.seed)

    def loss_at(_step: int) -> Tensor:
        chosen = rng.sample(range(len(labelled)), min(recipe.prm_batch, len(labelled)))
        pixels = pictures.pixels([labelled[number].problem for number in chosen])
        return sequence_loss(model, *shop.writer.batch([sequences[number] for number in chosen]), pixels)

    fit(model, loss_at, recipe.prm_steps, "prm", recipe.prm_rate)
    shop.save(model, PRM)


def _trainable(checkpoint: LoadedCheckpoint) -> InternVLForConditionalGeneration:
    return checkpoint.model.requires_grad_()


def _vocabulary_size(folder: Path) -> int:
    """Number of token ids of a tokenizer whose control tokens come last."""
    added: dict[str, int] = json.loads((folder / "added_tokens.json").read_text(encoding="utf-8"))
    return max(added.values()) + 1
