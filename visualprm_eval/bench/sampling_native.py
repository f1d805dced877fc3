"""Native sampling: N samples of a problem in one batch against N calls.

Both write the same number of tokens: the policy's own stops are switched off for the measurement, so that each sample
is as long as asked for. Calls read picture and prompt anew each time, as the host's classes do.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.config import SamplingOptions

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

HELP = "native sampling: N samples of a problem in one batch against N calls"


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
    batch_s, calls_s = statistics.median(batch) / number, statistics.median(calls) / number
    return (
        f"native sampling, N = {samples}, {tokens} tokens each, {number} problems with a picture: one batch "
        f"{batch_s:.3f} s, {samples} calls {calls_s:.3f} s per problem; ratio {calls_s / batch_s:.2f}"
    )


def _problems(count: int) -> list[Problem]:
    from visualprm_eval.host.toolkit import load_benchmark

    return load_benchmark("DemoWorld", limit=count).problems


def _seconds(
    checkpoint: LoadedCheckpoint, problems: Sequence[Problem], samples: int, tokens: int, *, one_batch: bool
) -> float:
    """Seconds to draw all samples of all problems."""
    from visualprm_eval.engine.generate import GenerationRequest, generate

    sampling = SamplingOptions(max_tokens=tokens, batch_size=samples)
    begin = time.perf_counter()
    for problem in problems:
        requests = [GenerationRequest(problem, rank) for rank in range(samples)]
        for part in [requests] if one_batch else [[request] for request in requests]:
            for candidates in generate(checkpoint, part, sampling, stop=False):
                if any(candidate.tokens != tokens for candidate in candidates):
                    raise RuntimeError("a sample is shorter than asked for, so the two ways cannot be compared")
    return time.perf_counter() - begin
