"""The stages of the training run, each from files to files, so that any of them can be run again by itself.

All language models look through the same image encoder, which is trained first and then stays as it is. The policy
learns from worked solutions of careless readers, and errs as they do. The reward model starts from a *verifier* that
learned for longer: to tell true readings from false ones, and to follow worked solutions with mistakes made on purpose,
of which the truth is known. VisualPRM likewise starts from a chat model that is stronger than many of the policies
whose solutions it judges. Only then come the labels of the policy's own solutions, which know nothing of the truth but
the final answer.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from collections.abc import Sequence as Many
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from visualprm_eval.demo.training import courses
from visualprm_eval.demo.training.benchmark import pipeline_problems, write_benchmark
from visualprm_eval.demo.training.fit import fit
from visualprm_eval.demo.training.montecarlo import LabelledSolution, label_solutions, sample_solutions
from visualprm_eval.demo.training.network import Eyes, image_features, network_config, new_network, sequence_loss
from visualprm_eval.demo.training.pictures import Pictures, token_facts
from visualprm_eval.demo.training.sequences import Sequence, Writer, corpus
from visualprm_eval.demo.training.tokenizer import PAD_TOKEN, train_tokenizer
from visualprm_eval.engine.checkpoint import load_checkpoint, save_checkpoint
from visualprm_eval.engine.prompt import PromptFormat
from visualprm_eval.engine.tokenizer import load_tokenizer
from visualprm_eval.tasks.demo_world import world
from visualprm_eval.tasks.demo_world.assets import BENCHMARK_FILE, POLICY, PRM

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import InternVLForConditionalGeneration

    from visualprm_eval.core.types import Problem
    from visualprm_eval.demo.training.recipe import Recipe
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint
    from visualprm_eval.engine.tokenizer import Tokenizer


VISION = "vision"
"""Folder of the checkpoint whose image encoder is trained."""
LOOKING = "looking"
"""Folder of the checkpoint that learned to look, and that all others start from."""
BASE = "base"
"""Folder of the checkpoint that looks closely."""
VERIFIER = "verifier"
"""Folder of the checkpoint that the reward model starts from."""
_FURTHER_RATE = 0.5
"""Factor of the learning rates of a network that can already look."""
_SEEN_AT_ONCE = 64
"""Pictures that are encoded together."""


_Batch = tuple[Many[Sequence], "Tensor"]
"""Sequences, [n], and what the image encoder makes of their pictures, [n, 16, hidden]."""


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
    def features(self) -> Tensor:
        """What the image encoder makes of them, [scenes, 16, hidden]."""
        return self.see([*self.scenes])

    def see(self, scenes: Many[world.Scene]) -> Tensor:
        """What the image encoder makes of some scenes, [n, 16, hidden]."""
        model, pictures = self.load(VISION).model, Pictures(scenes)
        with torch.no_grad():
            parts = [
                image_features(model, pictures.pixels(range(start, min(start + _SEEN_AT_ONCE, len(scenes)))))
                for start in range(0, len(scenes), _SEEN_AT_ONCE)
            ]
        return torch.cat(parts)

    @cached_property
    def writer(self) -> Writer:
        """Writes sequences with the run's tokenizer."""
        tokenizer = load_tokenizer(self.folder / "tokenizer")
        config = network_config(_vocabulary_size(tokenizer))
        return Writer(PromptFormat(tokenizer, config), tokenizer.id_of(PAD_TOKEN))

    def problems(self, split: world.Split, count: int) -> list[Problem]:
        """The first problems of a split, as the pipeline knows them."""
        return pipeline_problems(world.problems(split, count, self.recipe.seed), self.folder / "images" / split)

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
    model = new_network(network_config(_vocabulary_size(tokenizer)), tokenizer, recipe.seed)
    eyes = Eyes(model, recipe.seed)
    facts = torch.from_numpy(np.stack([token_facts(scene) for scene in shop.scenes]))
    pictures, rng = Pictures(shop.scenes), world.stream("vision", recipe.seed)

    def loss_at(_step: int) -> Tensor:
        chosen = rng.sample(range(len(shop.scenes)), recipe.vision_batch)
        return eyes.loss(pictures.pixels(chosen), facts[chosen])

    fit(eyes, loss_at, recipe.vision_steps, VISION)
    shop.save(model, VISION)


@dataclass(frozen=True, slots=True)
class Stage:
    """How a language model is taught.

    Attributes:
        start: Folder of the checkpoint that it starts from.
        course: What it reads.
        steps: For how long.
        scale: Factor of its learning rates.
    """

    start: str
    course: Many[courses.Lesson]
    steps: Callable[[Recipe], int]
    scale: float = 1.0


TAUGHT = {
    # To read, and to tell true readings from false ones; the others start from it.
    LOOKING: Stage(VISION, courses.LOOKING, attrgetter("looking_steps")),
    # Sums and worked solutions by careless readers; most of its mistakes will be about the picture.
    POLICY: Stage(LOOKING, courses.POLICY, attrgetter("policy_steps")),
    # The same as the first, for longer.
    BASE: Stage(LOOKING, courses.BASE, attrgetter("base_steps")),
    # To follow worked solutions into which mistakes have slipped.
    VERIFIER: Stage(BASE, courses.VERIFYING, attrgetter("verifier_steps"), _FURTHER_RATE),
}
"""Language models that learn from fresh sequences about the training scenes, by their folders."""


def teach(shop: Workshop, name: str) -> None:
    """Trains one of ``TAUGHT``."""
    stage = TAUGHT[name]
    shares = [lesson.share for lesson in stage.course]

    def draw(rng: random.Random) -> _Batch:
        (lesson,) = rng.choices(stage.course, shares)
        chosen = rng.sample(range(len(shop.scenes)), lesson.batch)
        return [lesson.write(shop.writer, shop.scenes[number], rng) for number in chosen], shop.features[chosen]

    _train_language(shop, name, stage.start, draw, steps=stage.steps(shop.recipe), scale=stage.scale)


def _train_language(
    shop: Workshop, name: str, start: str, draw: Callable[[random.Random], _Batch], *, steps: int, scale: float
) -> None:
    """Trains all of a checkpoint but the image encoder, whose output was computed beforehand."""
    model = shop.load(start).model.requires_grad_(requires_grad=True)
    model.model.vision_tower.requires_grad_(requires_grad=False)
    model.model.multi_modal_projector.requires_grad_(requires_grad=False)
    rng = world.stream(name, shop.recipe.seed)

    def loss_at(_step: int) -> Tensor:
        sequences, features = draw(rng)
        return sequence_loss(model, *shop.writer.batch(sequences), features)

    fit(model, loss_at, steps, name, scale=scale)
    shop.save(model, name)


def make_labels(shop: Workshop) -> None:
    """Samples solutions from the policy and labels their steps."""
    recipe = shop.recipe
    problems = shop.problems("prm", recipe.prm_problems)
    policy = shop.load(POLICY)
    solutions = sample_solutions(policy, problems, recipe.prm_samples, recipe.seed)
    labelled = label_solutions(policy, problems, solutions, recipe.seed + 1)
    with (shop.folder / "labels.jsonl").open("w", encoding="utf-8") as file:
        for entry in labelled:
            file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")


def read_labels(shop: Workshop) -> list[LabelledSolution]:
    """What ``make_labels`` wrote."""
    rows = map(json.loads, (shop.folder / "labels.jsonl").read_text(encoding="utf-8").splitlines())
    return [LabelledSolution(row["problem"], tuple(row["steps"]), tuple(row["labels"])) for row in rows]


def train_prm(shop: Workshop) -> None:
    """Teaches the verifier the labels of the policy's own solutions; gently, or it would forget how to look."""
    recipe = shop.recipe
    problems = world.problems("prm", recipe.prm_problems, recipe.seed)
    features = shop.see([problem.scene for problem in problems])
    labelled = read_labels(shop)

    def draw(rng: random.Random) -> _Batch:
        chosen = rng.sample(labelled, min(recipe.prm_batch, len(labelled)))
        sequences = [shop.writer.process_labels(problems[e.problem].question, e.steps, e.labels) for e in chosen]
        return sequences, features[[e.problem for e in chosen]]

    _train_language(shop, PRM, VERIFIER, draw, steps=recipe.prm_steps, scale=recipe.prm_rate)


def _vocabulary_size(tokenizer: Tokenizer) -> int:
    """Number of token ids of a tokenizer whose control tokens come last."""
    return max(tokenizer.added.values()) + 1
