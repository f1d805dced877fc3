"""What the released VisualProcessBench holds, and how far a set of that name is from it.

Counts: VisualPRM paper, arXiv:2503.10291v1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from visualprm_eval.core.config import PROCESS_BENCHMARKS
from visualprm_eval.tasks.process_bench.data import CORRECT, INCORRECT, NEUTRAL, ProcessSample, ProcessSet

NAME = PROCESS_BENCHMARKS[0]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much of a source there is.

    Attributes:
        samples: Solutions.
        correct: Steps labelled correct.
        incorrect: Steps labelled incorrect.
    """

    samples: int
    correct: int
    incorrect: int


RELEASED: Mapping[str, Counts] = {
    "MMMU": Counts(267, 1698, 708),
    "MathVision": Counts(712, 3875, 2350),
    "MathVerse-VO": Counts(1026, 5767, 2960),
    "DynaMath": Counts(570, 3469, 1091),
    "WeMath": Counts(291, 1776, 582),
}
"""The released set by source; the order is that of the paper's table 3."""

RELEASED_LABELS: Mapping[int, int] = {CORRECT: 16_585, INCORRECT: 7_691, NEUTRAL: 2_674}
"""The released set's steps by label; 26,950 in all."""


def counts(samples: Sequence[ProcessSample]) -> dict[str, Counts]:
    """How much of each source there is, in the order of first appearance."""
    found: dict[str, Counter[int]] = {}
    number = Counter(sample.source for sample in samples)
    for sample in samples:
        found.setdefault(sample.source, Counter()).update(sample.labels)
    return {source: Counts(number[source], labels[CORRECT], labels[INCORRECT]) for source, labels in found.items()}


def total(name: str, source: str | None = None) -> int | None:
    """How many solutions a released set has, or one of its sources; ``None`` when nobody knows."""
    if name != NAME:
        return None
    if source is None:
        return sum(each.samples for each in RELEASED.values())
    return RELEASED[source].samples if source in RELEASED else None


def differences(process_set: ProcessSet) -> list[str]:
    """How a set called VisualProcessBench differs from the released one, one clause each; ``[]`` when it is whole.

    Sets of other names have no published counts and differ from nothing.
    """
    if process_set.name != NAME:
        return []
    found, samples, wanted_samples = counts(process_set.samples), process_set.samples, total(NAME)
    labels = Counter(label for sample in samples for label in sample.labels)
    said = []
    if len(samples) != wanted_samples:
        said.append(f"{len(samples):,} of {wanted_samples:,} samples")
    steps, all_steps = sum(labels.values()), sum(RELEASED_LABELS.values())
    if labels != RELEASED_LABELS:
        said.append(
            f"{steps:,} of {all_steps:,} steps ({labels[CORRECT]:,} correct, {labels[INCORRECT]:,} incorrect, "
            f"{labels[NEUTRAL]:,} neutral)"
        )
    for source, wanted in RELEASED.items():
        there = found.get(source, Counts(0, 0, 0))
        if there != wanted:
            said.append(
                f"{source}: {there.samples:,} of {wanted.samples:,} samples, {there.correct:,} of {wanted.correct:,} "
                f"correct and {there.incorrect:,} of {wanted.incorrect:,} incorrect steps"
            )
    unknown = sorted(found.keys() - RELEASED.keys())
    if unknown:
        said.append(f"unknown sources {', '.join(unknown)}")
    return said
