"""What the client of endpoints costs per reply, the store's part apart.

A server in a process of its own answers at once, so that the wall-clock time per reply is that of the client, and of
what the server and the loopback device add; a second figure, the client's processor time, is without them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from visualprm_eval.bench.instant_server import instant_server
from visualprm_eval.bench.machine import machine
from visualprm_eval.core.types import Part, Problem, Spec
from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy
from visualprm_eval.store import Store

HELP = "the client's overhead per reply of an endpoint"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this part."""
    parser.add_argument("--replies", type=int, default=10_000, help="replies to measure with (%(default)s)")
    parser.add_argument("--nproc", type=int, default=4, help="requests in flight at a time (%(default)s)")


def measure(arguments: argparse.Namespace) -> str:
    """Measures and returns the figures in words."""
    lines = [f"client of endpoints, {arguments.replies:,} short replies, {arguments.nproc} in flight"]
    for samples, stored in ((1, False), (8, False), (1, True)):
        with instant_server(samples) as url:
            wall_s, busy_s = _seconds(url, arguments.replies, arguments.nproc, samples, stored=stored)
        what = f"{samples} sample{'s' * (samples > 1)} per reply" + (", stored as they arrive" if stored else "")
        per = 1000 / arguments.replies
        lines.append(f"  {what}: {wall_s * per:.3f} ms per reply ({busy_s * per:.3f} ms of processor time)")
    return "\n".join([*lines, f"  on {machine('httpx2', 'httpcore2')}"])


def _seconds(url: str, replies: int, nproc: int, samples: int, *, stored: bool) -> tuple[float, float]:
    """Wall-clock and processor seconds of this process for so many replies."""
    spec = Spec("sampling", {"policy": "bench"})
    policy = EndpointPolicy("bench", EndpointOptions((url,), "bench", key="none", nproc=nproc), spec.settings)
    problems = [Problem("B", str(i), "", (Part("text", f"{i} + 1 = ?"),), "", str(i)) for i in range(replies)]
    requests = [(problem, rank) for problem in problems for rank in range(samples)]
    with tempfile.TemporaryDirectory() as directory, Store.open(Path(directory) / "store.sqlite") as store:
        store.put_spec(spec)
        store.put_problems(problems)
        wall, busy, count = time.perf_counter(), time.process_time(), 0
        for batch in policy.sample(requests):
            count += len(batch)
            if stored:
                store.put_candidates(spec.id, batch)
        elapsed = time.perf_counter() - wall, time.process_time() - busy
    assert count == len(requests), "samples are lacking"
    return elapsed
