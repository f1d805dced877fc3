"""Finds a benchmark's file where the host looks for it, or fetches it.

The host itself would download a file anew, over the old one, whose checksum is not the one that it knows, and without a
time limit, straight into the final file. Here only a file that is not there at all is fetched, into the data folder,
whole or not at all. How the host reads what is there: see ``visualprm_eval.host.data.linked_data``.
"""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from visualprm_eval.core.atomic_file import atomic_draft
from visualprm_eval.core.errors import BenchmarkError, MissingFilesError
from visualprm_eval.core.folders import data_root
from visualprm_eval.core.progress import track
from visualprm_eval.host.data.entries import DatasetEntry, entry_of

TIMEOUT_S = 20.0
"""How long a server may stay silent, in seconds."""

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DataFile:
    """A benchmark's file.

    Attributes:
        path: Where it is.
        md5: Its MD5.
        expected: The MD5 that the host knows; ``None`` when it knows none.
    """

    path: Path
    md5: str
    expected: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is the version that the host knows, as far as the host knows one."""
        return self.expected in {None, self.md5}


@contextmanager
def no_folder_made() -> Iterator[None]:
    """Takes ``~/LMUData`` away again where the host's import made it: some of its classes ask for its name."""
    folder = Path.home() / "LMUData"
    was_there = folder.exists()
    try:
        yield
    finally:
        if not was_there:
            with suppress(OSError):  # It is not there, or somebody has put something in.
                folder.rmdir()


def places(name: str, entry: DatasetEntry) -> list[Path]:
    """Where the file of a dataset may be: under its own name, or under the one that it has at its source."""
    names = dict.fromkeys([f"{name}.tsv", (entry.url or "").rsplit("/", 1)[-1] or f"{name}.tsv"])
    return [data_root() / each for each in names]


def file_here(name: str, entry: DatasetEntry) -> DataFile | None:
    """The file of a dataset in the data folder; ``None`` when it is not there."""
    found = next((path for path in places(name, entry) if path.is_file()), None)
    return None if found is None else DataFile(found, md5_of(found), entry.md5)


def find_file(name: str, dataset_class: Any, *, fetch: bool = True) -> DataFile | None:
    """The file of a dataset: the one in the data folder, whatever its version; else it is fetched.

    Args:
        name: The host's name of the dataset.
        dataset_class: Its class.
        fetch: Whether a missing file may be fetched.

    Returns:
        ``None`` for classes that load something else than one file in the host's standard way.

    Raises:
        MissingFilesError: When the file is missing and cannot be fetched.
    """
    entry = entry_of(name, dataset_class)
    if missing := missing_file(name, entry, {}, fetch=fetch):
        raise MissingFilesError([missing])
    return file_here(name, entry) if entry.one_file and entry.url is not None else None


def missing_file(name: str, entry: DatasetEntry, unreachable: dict[str, str], *, fetch: bool) -> str:
    """What is to be said of a dataset whose file is not there; ``""`` when it is, or could be fetched.

    Args:
        name: The host's name of the dataset.
        entry: What the host says of it.
        unreachable: Servers that could not be reached, and why. They are not tried again, which may take long; those
            that cannot be reached now are added.
        fetch: Whether a missing file may be fetched.

    Raises:
        BenchmarkError: When the data folder cannot be made.
    """
    url, expected, here = entry.url, entry.md5, places(name, entry)
    if not entry.one_file or url is None or any(path.is_file() for path in here):
        return ""
    lack = f"{name}: {name}.tsv is missing: looked for {' and '.join(map(str, here))}"
    if not url.startswith(("http://", "https://")):
        return f"{lack}; the host knows no address of it"
    lack += f"; it comes from {url}" + (f" (MD5 {expected})" if expected else "")
    if not fetch:
        return lack
    try:
        data_root().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchmarkError(
            f"cannot make the data folder ({error}): set the environment variable LMUData to a folder that can be "
            "written to"
        ) from error
    try:
        _fetch_once(url, data_root() / f"{name}.tsv", expected, unreachable)
    except OSError as error:
        return f"{lack}, and fetching it failed ({error})"
    return ""


def _fetch_once(url: str, path: Path, md5: str | None, unreachable: dict[str, str]) -> None:
    server = urlsplit(url).netloc
    if server in unreachable:
        raise OSError(f"not tried, since {server} could not be reached: {unreachable[server]}")
    try:
        fetch_file(url, path, md5)
    except urllib.error.HTTPError:
        raise  # It can be reached.
    except (urllib.error.URLError, TimeoutError) as error:
        unreachable[server] = str(error)
        raise


def fetch_file(url: str, path: Path, md5: str | None) -> None:
    """Downloads a file under another name and moves it into place when it is whole.

    Raises:
        OSError: When the server cannot be reached, refuses, falls silent, or sends something else.
    """
    if endpoint := os.environ.get("HF_ENDPOINT", "").rstrip("/"):  # The usual way to name a mirror of the hub.
        url = url.replace("https://huggingface.co", endpoint, 1)
    with atomic_draft(path) as draft:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - find_file admits http(s) only
            size = int(response.headers.get("Content-Length") or 0)
            with draft.open("wb") as file, track(f"fetch {path.name} (MB)", max(size >> 20, 1)) as tracker:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    tracker.advance(1)
        if size and draft.stat().st_size != size:
            raise OSError(f"the connection broke after {draft.stat().st_size} of {size} bytes")
        if md5 is not None and md5_of(draft) != md5:
            raise OSError(f"the file there has another MD5 than {md5}, which the host expects")


def md5_of(path: Path) -> str:
    """MD5 as the host uses it: to tell versions of a file apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
