"""Benchmarks of a dry run whose files are not here: their sizes are known, and a plan needs little more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.folders import data_root
from visualprm_eval.core.types import Problem
from visualprm_eval.tasks import TASKS

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.store import Store


def expected_benchmarks(names: Sequence[str], limit: int | None, store: Store) -> Iterator[Benchmark]:
    """Those benchmarks of a plan of which nothing but the size is here: no file, and no problems in the store.

    Neither the host nor a network is asked.

    Args:
        names: The host's names of the plan's benchmarks.
        limit: Only the first problems of each.
        store: The work dir's.

    Raises:
        BenchmarkError: When ``$LMUData`` names a folder that is not there.
    """
    from visualprm_eval.host.benchmark import Benchmark

    stored = set(store.benchmarks())
    for name in names:
        task = TASKS.get(name)
        if task is None or task.size is None or task.is_bundled or name in stored:
            continue
        places = [data_root() / file for file in task.files]
        if any(place.is_file() for place in places):
            continue
        problems = [
            Problem(name, str(number), "", (), "", f"{name} {number}") for number in range(1, task.size + 1)[:limit]
        ]
        yield Benchmark(name, task, None, problems, total=task.size, expected=True)


def told(benchmark: Benchmark) -> str:
    """What must be said of such a benchmark."""
    files, size = benchmark.task.files, benchmark.task.size
    places = " and ".join(str(data_root() / file) for file in files)
    return f"{benchmark.name}: {files[0]} is missing: looked for {places}; it is known to have {size:,} problems"
