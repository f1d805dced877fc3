"""Noise that depends on its name and place only."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from visualprm_eval.engine.noise import gumbel, stream_key


def draw(keys, positions, size):
    return gumbel(torch.tensor(keys), torch.tensor(positions), size)


def splitmix64(seed: int, count: int) -> list[int]:
    """The generator as its authors write it."""
    numbers, mask = [], (1 << 64) - 1
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        bits = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & mask
        numbers.append(bits ^ (bits >> 31))
    return numbers


@given(st.integers(0, 2**63 - 1))
def test_bits_are_splitmix64s(seed):
    uniform = (np.array(splitmix64(seed, 5), dtype=np.uint64) >> np.uint64(11)).astype(np.float64)
    expected = -np.log(-np.log((uniform + 0.5) * 2.0**-53))
    np.testing.assert_allclose(draw([seed], [0], 5)[0].numpy(), expected, rtol=1e-12)


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=5), st.integers(0, 10_000))
def test_a_row_does_not_depend_on_its_company(keys, position):
    together = draw(keys, [position] * len(keys), 7)
    for key, row in zip(keys, together, strict=True):
        assert torch.equal(draw([key], [position], 7)[0], row)
    assert torch.equal(draw(keys, [position] * len(keys), 3), together[:, :3])


def test_streams_and_positions_differ():
    rows = draw([1, 1, 2, 2], [0, 1, 0, 1], 50)
    assert len({tuple(row.tolist()) for row in rows}) == 4
    assert len({stream_key(seed, problem, rank) for seed in (0, 1) for problem in "ab" for rank in (0, 1)}) == 8
    assert stream_key(0, "a", 1) == stream_key(0, "a", 1) < 2**63


def test_noise_is_gumbel_distributed():
    rows = draw([stream_key("test", number) for number in range(200)], list(range(200)), 100)
    assert rows.isfinite().all()
    assert stats.kstest(rows.flatten().numpy(), "gumbel_r").pvalue > 1e-3
    assert abs(np.corrcoef(rows[:-1].flatten(), rows[1:].flatten())[0, 1]) < 0.03


def test_the_largest_sum_is_a_sample_of_the_softmax():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0], dtype=torch.float64)
    keys = [stream_key("sample", number) for number in range(20_000)]
    picks = (logits + draw(keys, [0] * len(keys), 4)).argmax(dim=-1)
    expected = logits.softmax(dim=-1).numpy() * len(keys)
    assert stats.chisquare(np.bincount(picks, minlength=4), expected).pvalue > 1e-3
