"""Which benchmarks the host knows, and whether their files are there: told from its names, without its classes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from visualprm_eval.core.errors import BenchmarkError, UnknownNameError
from visualprm_eval.core.folders import data_root
from visualprm_eval.host.data.entries import DatasetEntry
from visualprm_eval.host.data.files import missing_file
from visualprm_eval.host.toolkit import host_names


def benchmark_names() -> list[str]:
    """The host's datasets that problems can be made of: pictures or text, one turn."""
    return host_names().benchmarks


def check_benchmark_names(names: Iterable[str]) -> None:
    """Refuses names of benchmarks that nobody knows, and benchmarks that no problems can be made of.

    Raises:
        UnknownNameError: The host does not know one, and there is no such table in the data folder.
        BenchmarkError: One is made of videos, or a dialogue.
        HostError: The host's names cannot be had.
    """
    known = host_names().datasets
    for name in names:
        if name in known:
            refuse_unusable(name, known[name])
        else:
            own_table(name)


def missing_files(names: Iterable[str], *, fetch: bool) -> dict[str, str]:
    """Says of all benchmarks at once whose file is missing, after an attempt to fetch it where that is allowed.

    Args:
        names: The host's names of the datasets; users' own tables are passed over.
        fetch: Whether files may be fetched.

    Returns:
        A sentence by the name of each benchmark that lacks its file.

    Raises:
        BenchmarkError: The data folder cannot be made.
        HostError: The host's names cannot be had.
    """
    known, unreachable = host_names().datasets, dict[str, str]()
    lacks = {name: missing_file(name, known[name], unreachable, fetch=fetch) for name in names if name in known}
    return {name: lack for name, lack in lacks.items() if lack}


def refuse_unusable(name: str, entry: DatasetEntry) -> None:
    """Refuses a dataset that no problems can be made of.

    Raises:
        BenchmarkError: It says why.
    """
    if entry.refusal:
        raise BenchmarkError(
            f"{name} {entry.refusal}: only benchmarks of pictures or text with one turn, for any policy, can be used"
        )


def own_table(name: str) -> Path:
    """A user's own table in the data folder, for a name that the host does not know.

    Raises:
        UnknownNameError: There is none.
    """
    path = data_root() / f"{name}.tsv"
    if not name or not path.is_file():
        hint = f"(or put an own benchmark into {data_root()}/{name or 'NAME'}.tsv)"
        raise UnknownNameError("benchmark", name, benchmark_names(), hint)
    return path
