"""Sizes of the training run: what is trained for how long, on how much data."""

from __future__ import annotations

from dataclasses import dataclass

from visualprm_eval.tasks.demo_world.world import TEST_PROBLEMS, WORLD_SEED


@dataclass(frozen=True, slots=True)
class Recipe:
    """All numbers of a training run.

    Attributes:
        seed: Seed of everything.
        scenes: Scenes for supervised training.
        tokenizer_problems: Problems whose texts the tokenizer learns from.
        vision_steps: Steps of the image encoder alone (batches of ``vision_batch``).
        vision_batch: Pictures per such step.
        looking_steps: Steps in which the language model that all others start from learns to look.
        policy_steps: Further steps of the policy.
        base_steps: Further steps of the model that the reward model starts from.
        verifier_steps: Its steps on solutions with mistakes.
        prm_problems: Problems whose solutions are sampled and labelled.
        prm_samples: Solutions sampled per problem.
        prm_steps: Steps of the reward model.
        prm_batch: Labelled solutions per such step.
        prm_rate: Factor of the reward model's learning rates.
        test_problems: Problems of the benchmark.
        test_samples: Candidates per problem when the result is measured.
        test_seeds: How many sampling seeds are measured.
    """

    seed: int = WORLD_SEED
    scenes: int = 12_000
    tokenizer_problems: int = 4_000
    vision_steps: int = 800
    vision_batch: int = 64
    looking_steps: int = 300
    policy_steps: int = 400
    base_steps: int = 700
    verifier_steps: int = 450
    prm_problems: int = 500
    prm_samples: int = 6
    prm_steps: int = 200
    prm_batch: int = 16
    prm_rate: float = 0.1
    test_problems: int = TEST_PROBLEMS
    test_samples: int = 8
    test_seeds: int = 3


TINY = Recipe(
    scenes=64, tokenizer_problems=64, vision_steps=2, vision_batch=8, looking_steps=2, policy_steps=20, base_steps=2,
    verifier_steps=2, prm_problems=4, prm_samples=2, prm_steps=2, prm_batch=4, test_problems=4, test_samples=2,
    test_seeds=1,
)  # fmt: skip
"""A run of a few seconds through all stages; its models are of no use."""
