"""Several benchmarks at once: whatever files are missing is told in one go."""

from __future__ import annotations

from collections.abc import Sequence

from visualprm_eval.core.config import DEFAULT_PICTURES
from visualprm_eval.core.errors import MissingFilesError
from visualprm_eval.host.data.benchmarks import Benchmark, find_class, load_benchmark
from visualprm_eval.host.data.files import missing_file
from visualprm_eval.host.load.bridge import load_host

__all__ = ["load_benchmarks"]


def load_benchmarks(
    names: Sequence[str], limit: int | None = None, *, fetch: bool = True, pictures: str = DEFAULT_PICTURES
) -> tuple[list[Benchmark], list[str]]:
    """Loads benchmarks, and says of all files at once which are missing.

    Args:
        names: The host's names of the datasets.
        limit: Only the first rows of each; ``None`` for all.
        fetch: Whether files that are missing may be fetched.
        pictures: As for :func:`load_benchmark`.

    Returns:
        The benchmarks, and a sentence on each one that lacks files. When files may be fetched and one is missing all
        the same, nothing is loaded.

    Raises:
        HostError, UnknownNameError, BenchmarkError, ConfigError: As for :func:`load_benchmark`.
    """
    load_host()
    unreachable: dict[str, str] = {}
    classes = {name: find_class(name) for name in names}
    lacks = {
        name: missing_file(name, dataset_class, unreachable, fetch=fetch)
        for name, dataset_class in classes.items()
        if dataset_class is not None
    }
    missing = [lack for lack in lacks.values() if lack]
    if missing and fetch:
        return [], missing
    benchmarks: list[Benchmark] = []
    for name in names:
        if lacks.get(name):
            continue
        try:
            benchmarks.append(load_benchmark(name, limit, fetch=fetch, pictures=pictures))
        except MissingFilesError as error:  # Of a class that loads several files in a way of its own.
            missing += error.missing
    return benchmarks, missing
