"""Native sampling: N samples of a problem in one batch against N calls.

Both write the same number of tokens: the policy's own stops are switched off for the measurement, so that each sample
is as long as asked for. Calls read picture and prompt anew each time, as the host's classes do.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

HELP = "native sampling: N samples of a problem in one batch against N calls"


@dataclass(frozen=True, slots=True)
class NativeTimes:
    """What was measured.

    Attributes:
        samples: N.
        tokens: Length of each sample.
        problems: Problems that were sampled one after the other.
        batch_s: Seconds for N samples of a problem in one batch; the median over rounds.
        calls_s: Seconds for N calls of one sample; the median over rounds.
    """

    samples: int
    tokens: int
    problems: int
    batch_s: float
    calls_s: float

    @property
    def ratio(self) -> float:
        """How many times as fast the batch is."""
        return self.calls_s / self.batch_s

    def __str__(self) -> str:
        return (
            f"native sampling, N = {self.samples}, {self.tokens} tokens each, {self.problems} problems with a picture: "
            f"one batch {self.batch_s:.3f} s, {self.samples} calls {self.calls_s:.3f} s per problem; "
            f"ratio {self.ratio:.2f}"
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this part."""
    parser.add_argument("--model", default=None, help="a checkpoint in the InternVL layout (the bundled policy)")
    parser.add_argument("-n", "--num-samples", type=int, default=8, help="N, samples per problem (%(default)s)")
    parser.add_argument("--tokens", type=int, default=64, help="length of each sample (%(default)s)")
    parser.add_argument("--problems", type=int, default=4, help="problems to sample (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of either way (%(default)s)")
    parser.add_argument("--device", default="auto", help="where to compute (%(default)s)")


def measure(arguments: argparse.Namespace) -> str:
    """Measures and returns the figures in words."""
    from visualprm_eval.engine.checkpoint import load_checkpoint
    from visualprm_eval.tasks.demo_world.assets import POLICY, demo_path

    samples, tokens, number = arguments.num_samples, arguments.tokens, arguments.problems
    checkpoint = load_checkpoint(arguments.model or demo_path(POLICY), device=arguments.device)
    problems = _problems(number)
    _seconds(checkpoint, problems[:1], samples, tokens, one_batch=True)  # Not measured: the first pass is slow.
    batch: list[float] = []
    calls: list[float] = []
    for _ in range(arguments.rounds):  # By turns, so that a busy machine is busy for both.
        batch.append(_seconds(checkpoint, problems, samples, tokens, one_batch=True))
        calls.append(_seconds(checkpoint, problems, samples, tokens, one_batch=False))
    return str(
        NativeTimes(samples, tokens, number, statistics.median(batch) / number, statistics.median(calls) / number)
    )


def _problems(count: int) -> list[Problem]:
    from visualprm_eval.host.data.benchmarks import load_benchmark

    return load_benchmark("DemoWorld", limit=count).problems


def _seconds(
    checkpoint: LoadedCheckpoint, problems: Sequence[Problem], samples: int, tokens: int, *, one_batch: bool
) -> float:
    """Seconds to draw all samples of all problems."""
    from visualprm_eval.engine.generate import GenerationRequest, generate

    begin = time.perf_counter()
    for problem in problems:
        requests = [GenerationRequest(problem, rank) for rank in range(samples)]
        for part in [requests] if one_batch else [[request] for request in requests]:
            done = generate(checkpoint, part, temperature=0.7, max_tokens=tokens, batch_size=samples, stop=False)
            for candidates in done:
                if any(candidate.tokens != tokens for candidate in candidates):
                    raise RuntimeError("a sample is shorter than asked for, so the two ways cannot be compared")
    return time.perf_counter() - begin
