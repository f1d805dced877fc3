"""The names that the host knows, models and benchmarks, kept per host: a mistyped one is told without the host.

Importing the host takes seconds to a minute. Each import leaves the names in a file of the cache folder, which later
runs read instead, as long as the host is the very same: another version, place or content of its code is another host.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.folders import cache_root, lasting_cache_root
from visualprm_eval.core.packages import VERSION
from visualprm_eval.core.types import digest
from visualprm_eval.host.data.entries import OF_VIDEOS, DatasetEntry, entry_of

HOST = "vlmeval"
_FILE = "host-names.json"


@dataclass(frozen=True, slots=True)
class HostNames:
    """What the host knows by name.

    Attributes:
        host: Which host, see :func:`host_stamp`.
        models: Its models, ours among them, sorted.
        datasets: Its datasets, ours among them.
    """

    host: str
    models: tuple[str, ...]
    datasets: Mapping[str, DatasetEntry]

    @property
    def benchmarks(self) -> list[str]:
        """The datasets that problems can be made of: pictures or text, one turn; sorted."""
        return sorted(name for name, entry in self.datasets.items() if not entry.refusal)


def read_tables() -> HostNames:
    """The names in the tables of the host, which is imported by now."""
    from vlmeval.config import supported_VLM
    from vlmeval.dataset import DATASET_CLASSES, supported_video_datasets

    datasets = dict.fromkeys(supported_video_datasets, OF_VIDEOS)
    for dataset_class in DATASET_CLASSES:
        for name in dataset_class.supported_datasets():
            datasets.setdefault(name, entry_of(name, dataset_class))
    return HostNames(host_stamp(), tuple(sorted(supported_VLM)), datasets)


def host_stamp() -> str:
    """Names the host that an import would find, without importing it; ``""`` when there is none.

    It stands for the folder, for the versions of the packages and of Python, and for size and time of each source file.
    """
    folder = host_folder()
    if folder is None:
        return ""
    facts = [str(folder), sys.version, VERSION]
    for name in ("ms-vlmeval", HOST):
        with suppress(ImportError):
            facts.append(f"{name} {version(name)}")
    for path in sorted(folder.rglob("*.py")):
        with suppress(OSError):  # A link that leads nowhere.
            status = path.stat()
            facts.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return digest(facts)


def has_settings_file() -> bool:
    """Whether the host has its file ``.env``, which may hold keys."""
    folder = host_folder()
    return folder is not None and (folder.parent / ".env").is_file()


def host_folder() -> Path | None:
    """Where an import would find the host."""
    try:
        found = find_spec(HOST)
    except (ImportError, ValueError):  # Somebody put something odd in its place.
        return None
    return None if found is None or found.origin is None else Path(found.origin).parent


def keep_names() -> None:
    """Leaves the names of the host, which is imported by now, for later runs; without a word where that fails."""
    from pydantic import TypeAdapter

    names = read_tables()
    with suppress(OSError):
        write_atomically(cache_root() / _FILE, TypeAdapter(HostNames).dump_json(names), durable=False)


def kept_names() -> HostNames | None:
    """The names that an import of this very host left; ``None`` when there are none that can be used."""
    from pydantic import TypeAdapter

    stamp = host_stamp()
    try:
        names = TypeAdapter(HostNames).validate_json((lasting_cache_root() / _FILE).read_bytes())
    except (OSError, ValueError):  # Not there, not readable, or damaged.
        return None
    return names if stamp and names.host == stamp else None
