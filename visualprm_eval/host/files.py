"""Finds a benchmark's file where the host looks for it, and lets the host read it without touching its folder.

The host itself would download a file anew, over the old one, whose checksum is not the one that it knows; would
*move* a file that another benchmark shares; would download without a time limit, straight into the final file; and
writes pictures among the files, in place. Here it reads through a link in a folder of this project's own, where the
pictures go as well, each whole or not at all. Only a file that is not there at all is fetched, into the data folder.
"""

from __future__ import annotations

import functools
import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visualprm_eval.errors import BenchmarkError
from visualprm_eval.progress import track

__all__ = [
    "DataFile",
    "cache_root",
    "data_root",
    "file_here",
    "find_file",
    "linked_root",
    "places",
    "use_data_dir",
    "whole_pictures",
]

TIMEOUT_S = 20.0
"""How long a server may stay silent, in seconds."""

_CHUNK = 1 << 20

_chosen: list[Path] = []
"""The data folder that somebody named, if anybody did."""


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


def use_data_dir(path: Path | None) -> None:
    """Makes a folder the data folder of this process, or the host's again (``None``).

    Raises:
        BenchmarkError: It is no folder.
    """
    if path is not None and not path.is_dir():
        raise BenchmarkError(f"--data-dir {path} is no folder: name the one that holds the benchmarks' TSV files")
    _chosen[:] = [] if path is None else [path.resolve()]


def data_root() -> Path:
    """The folder that holds benchmarks: the one that was named, else the host's: ``$LMUData``, else ``~/LMUData``.

    Raises:
        BenchmarkError: When ``$LMUData`` names a folder that is not there (the host would silently take the other), or
            the other cannot be made.
    """
    from vlmeval.smp import LMUDataRoot

    if _chosen:
        return _chosen[0]
    named = os.environ.get("LMUData")  # noqa: SIM112 - the host spells it so
    if named is not None and not Path(named).is_dir():
        raise BenchmarkError(
            f"the environment variable LMUData names {named}, which is no folder: make it, or unset LMUData"
        )
    try:
        return Path(LMUDataRoot())
    except OSError as error:
        raise BenchmarkError(
            f"the host cannot make its data folder ({error}): set the environment variable LMUData to a folder that "
            "can be written to"
        ) from error


def cache_root() -> Path:
    """The folder for links and pictures: ``$XDG_CACHE_HOME/visualprm_eval``, else ``~/.cache/visualprm_eval``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visualprm_eval"


def linked_root(name: str, path: Path) -> Path:
    """A folder that the host may take for its data folder, in which ``NAME.tsv`` is a link to a file.

    Raises:
        BenchmarkError: It cannot be written.
    """
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    root = cache_root() / "data" / place
    link = root / f"{name}.tsv"
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (link.is_symlink() and link.readlink() == path.resolve()):
            draft = root / f".{name}.{os.getpid()}"
            draft.unlink(missing_ok=True)
            draft.symlink_to(path.resolve())
            draft.replace(link)
    except OSError as error:
        raise BenchmarkError(
            f"cannot write to {root} ({error}): set the environment variable XDG_CACHE_HOME to a folder that can be "
            "written to"
        ) from error
    return root


def places(name: str, dataset_class: Any) -> list[Path]:
    """Where the file of a dataset may be: under its own name, or under the one that it has at its source."""
    url = str(getattr(dataset_class, "DATASET_URL", {}).get(name) or "")
    names = dict.fromkeys([f"{name}.tsv", url.rsplit("/", 1)[-1] or f"{name}.tsv"])
    return [data_root() / each for each in names]


def reads_one_file(dataset_class: Any) -> bool:
    """Whether a class loads one file in the host's standard way; others are left to the host."""
    from vlmeval.dataset.image_base import ImageBaseDataset

    return getattr(dataset_class, "load_data", None) is ImageBaseDataset.load_data


def file_here(name: str, dataset_class: Any) -> DataFile | None:
    """The file of a dataset in the data folder; ``None`` when it is not there."""
    expected = getattr(dataset_class, "DATASET_MD5", {}).get(name)
    found = next((path for path in places(name, dataset_class) if path.is_file()), None)
    return None if found is None else DataFile(found, _md5(found), expected)


def find_file(name: str, dataset_class: Any) -> DataFile | None:
    """The file of a dataset: the one in the data folder, whatever its version; else it is fetched.

    Args:
        name: The host's name of the dataset.
        dataset_class: Its class.

    Returns:
        ``None`` for classes that load something else than one file in the host's standard way.

    Raises:
        BenchmarkError: When the file is missing and cannot be fetched.
    """
    url = dataset_class.DATASET_URL.get(name)
    expected = getattr(dataset_class, "DATASET_MD5", {}).get(name)
    if not reads_one_file(dataset_class) or not isinstance(url, str):
        return None
    found = file_here(name, dataset_class)
    if found is not None:
        return found
    looked = " and ".join(str(path) for path in places(name, dataset_class))
    by_hand = (
        f"put it there by hand{f' (the MD5 that the host knows is {expected})' if expected else ''}, or name the "
        "folder that holds it with --data-dir (or the environment variable LMUData)"
    )
    if not url.startswith(("http://", "https://")):
        raise BenchmarkError(
            f"{name}: {name}.tsv is missing: looked for {looked}, and the host knows no address of it: {by_hand}"
        )
    path = data_root() / f"{name}.tsv"
    try:
        _fetch(url, path, expected)
    except OSError as error:
        raise BenchmarkError(
            f"{name}: {name}.tsv is missing: looked for {looked}, and fetching it from {url} failed ({error}). "
            f"Download it where there is a network and {by_hand}"
        ) from error
    return DataFile(path, _md5(path), expected)


@contextmanager
def whole_pictures() -> Iterator[None]:
    """While it lasts, a picture that the host writes appears whole or not at all; not for several threads at once.

    The host believes every file whose header it can read: a picture that a killed process left half written, or that
    another process is about to write, would be broken for good.
    """
    from PIL import Image

    pictures: Any = Image.Image
    original = pictures.save

    @functools.wraps(original)
    def save(self: Any, fp: Any, *args: Any, **kwargs: Any) -> None:
        if not isinstance(fp, str | os.PathLike):
            original(self, fp, *args, **kwargs)
            return
        path = Path(fp)
        draft = path.with_name(f".{os.getpid()}-{path.name}")  # Its ending says in which format it is written.
        try:
            original(self, draft, *args, **kwargs)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    pictures.save = save
    try:
        yield
    finally:
        pictures.save = original


def _fetch(url: str, path: Path, md5: str | None) -> None:
    """Downloads a file under another name and moves it into place when it is whole.

    Raises:
        OSError: When the server cannot be reached, refuses, falls silent, or sends something else.
    """
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    if endpoint:  # The usual way to name a mirror of the hub.
        url = url.replace("https://huggingface.co", endpoint, 1)
    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - find_file admits http(s) only
            size = int(response.headers.get("Content-Length") or 0)
            with partial.open("wb") as file, track(f"fetch {path.name} (MB)", max(size >> 20, 1)) as tracker:
                while chunk := response.read(_CHUNK):
                    file.write(chunk)
                    tracker.advance(1)
        if size and partial.stat().st_size != size:
            raise OSError(f"the connection broke after {partial.stat().st_size} of {size} bytes")
        if md5 is not None and _md5(partial) != md5:
            raise OSError(f"the file there has another MD5 than {md5}, which the host expects")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _md5(path: Path) -> str:
    """MD5 as the host uses it: to tell versions of a file apart."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
