"""Samples come one by one as they are done, and a full memory halves the batch without changing any of them."""

from __future__ import annotations

import pytest
import torch

from tests.unit.engine.conftest import load
from tests.unit.engine.test_generate import REQUESTS, sample, texts
from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.engine import generate as module
from visualprm_eval.engine.checkpoint import LoadedCheckpoint


@pytest.fixture
def checkpoint(name) -> LoadedCheckpoint:
    return load(name).checkpoint


def fails_beyond(monkeypatch: pytest.MonkeyPatch, most: int, after: int) -> list[int]:
    """Makes batches of more than ``most`` samples run out of memory after ``after`` tokens; returns all batch sizes."""
    real, sizes = module._BatchWriter._sample, []

    def limited(writer, state, jobs):
        sizes.append(len(jobs))
        for step, finished in enumerate(real(writer, state, jobs)):
            if len(jobs) > most and step >= after:
                raise torch.OutOfMemoryError
            yield finished

    monkeypatch.setattr(module._BatchWriter, "_sample", limited)
    return sizes


@pytest.mark.parametrize("after", [0, 4])
def test_a_full_memory_halves_the_batch(checkpoint, monkeypatch, after: int) -> None:
    expected = texts(sample(checkpoint, batch_size=12))
    sizes = fails_beyond(monkeypatch, 3, after)
    assert texts(sample(checkpoint, batch_size=12)) == expected
    assert max(sizes) == 12
    assert min(sizes) <= 3


def test_a_single_sample_that_does_not_fit_fails_alone(checkpoint, monkeypatch) -> None:
    fails_beyond(monkeypatch, 0, 0)
    done = sample(checkpoint, REQUESTS[:3])
    assert {candidate.error for candidate in done.values()} == {"too long for this device's memory"}


def test_the_shortest_sample_does_not_wait_for_the_longest(checkpoint) -> None:
    sampling = SamplingOptions(temperature=1.0, max_tokens=40, seed=5, batch_size=12)
    batches = list(module.generate(checkpoint, REQUESTS, sampling))
    lengths = [max(candidate.tokens for candidate in batch) for batch in batches]
    assert len(batches) > 1
    assert lengths == sorted(lengths)
