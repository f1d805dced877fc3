"""Builds the host's view of its data folder, whatever a class reads there, so that nothing in the real one is touched.

Most classes read one file, through a link. Others load in a way of their own: they see a link to every file of the data
folder. What they would download is fetched into the data folder like any other missing file; what they would take from
the Hugging Face hub must lie in the hub's own cache.
"""

from __future__ import annotations

import functools
import importlib
import os
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from visualprm_eval.core.atomic_file import link_atomically
from visualprm_eval.core.errors import BenchmarkError, MissingFilesError
from visualprm_eval.core.folders import cache_root, data_root
from visualprm_eval.host.data.files import DataFile, fetch_file, md5_of
from visualprm_eval.host.data.linked_data import (
    known_checksums,
    link_neighbours,
    linked_root,
    mirrored_root,
    whole_files,
)
from visualprm_eval.host.patching import held, patch, restored

_call = SimpleNamespace(retrieve=None)
"""``retrieve`` stands for ``urlretrieve``."""


@functools.cache
def apply() -> None:
    """Lets downloads look at what holds for the present call."""
    patch(urllib.request, "urlretrieve", lambda original, *a, **options: (_call.retrieve or original)(*a, **options))


@dataclass(frozen=True, slots=True)
class _Unfetched:
    """A file that a class of the host wanted to download.

    Attributes:
        url: From where.
        file: What it is called in the data folder.
        reason: Why it is not here.
    """

    url: str
    file: str
    reason: str


@contextmanager
def readable(name: str, dataset_class: Any, file: DataFile | None, *, fetch: bool = True) -> Iterator[Path]:
    """While it lasts, the host may take the folder that this gives for its data folder and build a dataset from it.

    Args:
        name: The host's name of the dataset.
        dataset_class: Its class; ``None`` for a user's own table.
        file: The file that it reads; ``None`` for a class that loads in a way of its own.
        fetch: Whether missing files may be fetched.

    Raises:
        MissingFilesError: When such a class lacks files.
        BenchmarkError: When the folder cannot be written, or such a class would take its files from the hub.
    """
    if file is not None:
        with whole_files(), known_checksums(dataset_class, {name: None}):
            yield linked_root(name, file)
    elif getattr(dataset_class, "__module__", "").startswith("visualprm_eval."):
        cache_root().mkdir(parents=True, exist_ok=True)
        yield cache_root() if getattr(dataset_class, "is_bundled", False) else data_root()
    else:
        with _own_loading(name, dataset_class, fetch=fetch) as root:
            yield root


@contextmanager
def readable_again(dataset_class: Any, file: DataFile | None, view: Path) -> Iterator[None]:
    """While it lasts, graders may read their tables, and what else is in the data folder, where the host loaded them.

    Args:
        dataset_class: The dataset's class.
        file: The file that it reads; ``None`` for a class that loads in a way of its own.
        view: The folder that :func:`readable` gave.
    """
    if file is not None:
        link_neighbours(view)
    any_version: dict[str, str | None] = dict.fromkeys(getattr(dataset_class, "DATASET_MD5", {}))
    with known_checksums(dataset_class, any_version):
        yield


@contextmanager
def _own_loading(name: str, dataset_class: Any, *, fetch: bool) -> Iterator[Path]:
    folder, root = data_root(), mirrored_root(name)
    tables = {each: folder / f"{each}.tsv" for each in getattr(dataset_class, "DATASET_MD5", {})}
    here: dict[str, str | None] = {each: md5_of(path) for each, path in tables.items() if path.is_file()}
    failed: list[_Unfetched] = []
    with ExitStack() as stack:
        stack.enter_context(whole_files())
        stack.enter_context(known_checksums(dataset_class, here))
        stack.enter_context(_fetching(root, folder, failed, fetch=fetch))
        stack.enter_context(_hub_offline())
        try:
            yield root
        except BenchmarkError as error:
            if failed:
                raise MissingFilesError([_missing_parts(name, dataset_class, root, failed[0])]) from error
            url = str(getattr(dataset_class, "DATASET_URL", {}).get(name, ""))
            source = url if "://" in url else "a place that only its class knows"
            if _needs_hub(error):
                raise BenchmarkError(
                    f"{name}: the host's class takes its files from the Hugging Face hub and they are not in the "
                    f"hub's cache, which is all that is looked at ({error.__cause__}). They come from {source}: where "
                    "there is a network, `hf download --repo-type dataset REPOSITORY` puts them into the cache, which "
                    "can be copied (HF_HOME)"
                ) from error
            if isinstance(error.__cause__, FileNotFoundError):
                lack = str(error.__cause__).replace(str(root), str(folder))
                raise MissingFilesError([f"{name}: a file is missing ({lack}); it comes from {source}"]) from error
            raise


def _needs_hub(error: BaseException | None) -> bool:
    while error is not None:
        kind = type(error).__name__
        if kind in {"OfflineModeIsEnabled", "LocalEntryNotFoundError"} or "offline" in str(error).lower():
            return True
        error = error.__cause__ or error.__context__
    return False


def _missing_parts(name: str, dataset_class: Any, root: Path, first: _Unfetched) -> str:
    """Names all missing files of a dataset in parts, from the one that the host missed first."""
    parts = {first.file: first.url}
    for known in (getattr(dataset_class, "DATASET_PART_URL", {}), getattr(dataset_class, "DATASET_URL", {})):
        key = next((key for key, address in known.items() if address == first.url), "")
        stem = key.rstrip("0123456789")
        if key != stem and key in first.file:
            alike = {each: address for each, address in known.items() if each.rstrip("0123456789") == stem}
            parts |= {first.file.replace(key, each): address for each, address in alike.items()}
    listed = ", ".join(f"{part} from {address}" for part, address in parts.items() if not (root / part).exists())
    return f"{name}: files are missing in {data_root()}: {listed} ({first.reason})"


def _fetching(root: Path, folder: Path, failed: list[_Unfetched], *, fetch: bool) -> AbstractContextManager[None]:
    """What the host would download into its folder is fetched into the data folder, as any missing file is.

    Args:
        root: The folder that the host takes for its data folder.
        folder: The data folder.
        failed: Gets what could not be fetched; nothing is tried after that.
        fetch: Whether anything may be fetched.
    """

    def retrieve(url: str, filename: Any = None, *_: Any, **__: Any) -> None:
        path = Path(filename)
        inside = path.is_relative_to(root)
        shown = str(path.relative_to(root) if inside else path)
        if failed or not fetch:
            failed.append(_Unfetched(url, shown, "nothing is fetched now"))
            raise OSError(f"{shown} is not fetched")
        target = folder / shown if inside else path
        try:
            fetch_file(url, target, None)
        except OSError as error:
            failed.append(_Unfetched(url, shown, str(error)))
            raise
        if inside:
            link_atomically(path, target.absolute())

    return held(_call, "retrieve", retrieve)


@contextmanager
def _hub_offline() -> Iterator[None]:
    """While it lasts, the hub's libraries read their cache and ask nobody: without a network they try for long."""
    with ExitStack() as stack:
        stack.enter_context(restored(os.environ))
        # Else its classes ask ModelScope first, by a package that need not be there.
        os.environ.setdefault("VLMEVALKIT_USE_MODELSCOPE", "0")
        for name in ("huggingface_hub.constants", "datasets.config"):
            with suppress(ImportError):
                stack.enter_context(held(importlib.import_module(name), "HF_HUB_OFFLINE", value=True))
        yield
