"""Puts a benchmark's file where the host looks for it, and its pictures whole.

The host would do this itself, but without a time limit, straight into the final file (so that a broken download passes
for the benchmark), and by *moving* a file that another benchmark shares. It writes pictures in place as well.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visualprm_eval.errors import BenchmarkError
from visualprm_eval.progress import track

__all__ = ["data_root", "ensure_file", "whole_pictures"]

TIMEOUT_S = 20.0
"""How long a server may stay silent, in seconds."""

_CHUNK = 1 << 20


def data_root() -> Path:
    """The folder in which the host keeps benchmarks: ``$LMUData``, else ``~/LMUData``.

    Raises:
        BenchmarkError: When ``$LMUData`` names a folder that is not there (the host would silently take the other), or
            the other cannot be made.
    """
    from vlmeval.smp import LMUDataRoot

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


def ensure_file(name: str, dataset_class: Any) -> None:
    """Makes sure that the file of a dataset is there and is the version that the host expects; else fetches it.

    Only for classes that load one file in the host's standard way; others are left to the host.

    Args:
        name: The host's name of the dataset.
        dataset_class: Its class.

    Raises:
        BenchmarkError: When the file is missing, or another version, and cannot be fetched.
    """
    from vlmeval.dataset.image_base import ImageBaseDataset

    url = dataset_class.DATASET_URL.get(name)
    if getattr(dataset_class, "load_data", None) is not ImageBaseDataset.load_data or not isinstance(url, str):
        return
    md5 = getattr(dataset_class, "DATASET_MD5", {}).get(name)
    path = data_root() / f"{name}.tsv"
    if path.is_file() and (md5 is None or _md5(path) == md5):
        return
    if not path.exists() and url:
        shared = path.with_name(url.rsplit("/", 1)[-1])
        if shared != path and shared.is_file() and (md5 is None or _md5(shared) == md5):
            copy = path.with_suffix(f".{os.getpid()}.part")
            try:
                shutil.copyfile(shared, copy)
                copy.replace(path)
            finally:
                copy.unlink(missing_ok=True)
            return
    what = f"has another MD5 than {md5}, which the host expects" if path.is_file() else "is not there"
    if not url.startswith(("http://", "https://")):
        raise BenchmarkError(f"{name}: {path} {what}, and the host knows no address of it: put the file there by hand")
    try:
        _fetch(url, path, md5)
    except OSError as error:
        raise BenchmarkError(
            f"{name}: {path} {what}, and fetching it from {url} failed ({error}). Download it where there is a network "
            f"and put it there by hand{f' (MD5 {md5})' if md5 else ''}, or set the environment variable LMUData to the "
            "folder that holds it"
        ) from error


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
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - ensure_file admits http(s) only
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
