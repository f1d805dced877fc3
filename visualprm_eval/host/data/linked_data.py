"""Lets the host read benchmark files without touching the folder that they lie in.

The host would *move* a file that another benchmark shares, writes pictures and smaller copies of large tables among the
files, in place, and believes whatever it finds of these. Here it reads through links in a folder of this project's own,
one for each content, where what it writes goes as well, each file whole or not at all.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from visualprm_eval.core.atomic_file import atomic_draft, link_atomically, write_atomically
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import cache_root, data_root
from visualprm_eval.core.json_text import parsed
from visualprm_eval.host.data.files import DataFile
from visualprm_eval.host.patching import held, patch, restored

_LOCAL = "_local.tsv"
"""How the host ends the name of a table without the pictures, which are files then."""


def linked_root(name: str, file: DataFile) -> Path:
    """A folder for one content of one file, in which ``NAME.tsv`` is a link to it.

    Raises:
        BenchmarkError: It cannot be written.
    """
    path = file.path.resolve()
    root = cache_root() / "data" / hashlib.sha256(f"{path}\n{file.md5}".encode()).hexdigest()[:12]
    with writable(root):
        root.mkdir(parents=True, exist_ok=True)
        link_atomically(root / f"{name}.tsv", path)
    return root


def link_neighbours(root: Path) -> None:
    """Puts links to what else the data folder has into a folder for one file: its pictures apart, which are many.

    Raises:
        BenchmarkError: They cannot be written.
    """
    source = data_root()
    names = {path.name for path in source.iterdir()} if source.is_dir() else set()
    with writable(root):
        for name in names:
            ours = source / name == cache_root() or name.startswith(".") or name == "images" or _is_copy(name, names)
            if not ours and not os.path.lexists(root / name):
                link_atomically(root / name, (source / name).absolute())


def mirrored_root(name: str) -> Path:
    """A folder with links to all files of the data folder; another one when one of its tables has changed.

    The host's smaller copies of tables are no files of a user's own, and are left out where the table itself is there.

    Raises:
        BenchmarkError: It cannot be written.
    """
    source, links = data_root(), cache_root() / "data"
    place = hashlib.sha256(f"{source.resolve()}\n{name}".encode()).hexdigest()[:12]
    files = dict(_files_below(source, Path()))
    stamps = {str(path): stamp for path, stamp in files.items() if path.parts[0] != "images"}
    with writable(links):
        links.mkdir(parents=True, exist_ok=True)
        root = links / f"{place}-{_generation(links / f'{place}.json', stamps)}"
        root.mkdir(exist_ok=True)
        for path in files:
            if not os.path.lexists(root / path):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                link_atomically(root / path, (source / path).absolute())
    return root


def _files_below(source: Path, below: Path, above: frozenset[str] = frozenset()) -> Iterator[tuple[Path, list[int]]]:
    """Paths and stamps (size, time) of all files below a folder, but for hidden ones and our own."""
    here = source / below
    real = os.path.realpath(here)
    if not here.is_dir() or real in above or here == cache_root():
        return
    entries = sorted(os.scandir(here), key=lambda entry: entry.name)
    names = {entry.name for entry in entries}
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files_below(source, below / entry.name, above | {real})
        elif entry.is_file() and not _is_copy(entry.name, names):
            yield below / entry.name, [entry.stat().st_size, entry.stat().st_mtime_ns]


def _is_copy(name: str, names: set[str]) -> bool:
    """Whether a file is the host's smaller copy of another one that is there."""
    stem = name.removesuffix(_LOCAL)
    return name.endswith(_LOCAL) and not names.isdisjoint({f"{stem}.tsv", f"{stem}.jsonl"})


def _generation(note: Path, stamps: dict[str, list[int]]) -> int:
    """How often files that were linked have changed or gone since; new ones change nothing."""
    before: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        before = parsed(note.read_bytes())
    changed = any(stamps.get(path) != stamp for path, stamp in before.get("stamps", {}).items())
    generation: int = before.get("generation", 0) + changed
    write_atomically(note, json.dumps({"generation": generation, "stamps": stamps}))
    return generation


@contextmanager
def writable(root: Path) -> Iterator[None]:
    """While it lasts, an error of the system is one of a folder in the cache that cannot be written.

    Raises:
        BenchmarkError: It says what to do.
    """
    try:
        yield
    except OSError as error:
        raise BenchmarkError(
            f"cannot write to {root} ({error}): set the environment variable XDG_CACHE_HOME to a folder that can be "
            "written to"
        ) from error


def use_own_image_folder(dataset: Any, file: DataFile, root: Path) -> None:
    """Gives each version of a file a folder for its pictures: the host never refreshes what it once wrote.

    A table that only names picture files may mean those of the data folder, unless the host itself made it so.
    """
    folder = Path(dataset.img_root)
    if "image" not in dataset.data:
        if folder.is_relative_to(root) and not (root / f"{dataset.dataset_name}{_LOCAL}").exists():
            dataset.img_root = str(data_root() / folder.relative_to(root))
    elif folder.is_relative_to(root / "images"):
        with file.path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        dataset.img_root = str(cache_root() / "images" / f"{folder.name}-{content[:8]}")


# What the host writes -------------------------------------------------------------------------------------------------


_call = SimpleNamespace(whole=False)
"""``whole``: whether files appear whole or not at all."""


@functools.cache
def apply() -> None:
    """Lets what writes pictures and tables look at what holds for the present call."""
    from pandas import DataFrame
    from PIL import Image

    patch(Image.Image, "save", _write)
    patch(DataFrame, "to_csv", _write)


def whole_files() -> AbstractContextManager[None]:
    """While it lasts, a picture or table that the host writes appears whole or not at all; not for several threads.

    The host believes every picture whose header it can read, and every table: one that a killed process left half
    written, or that another process is about to write, would be broken for good.
    """
    return held(_call, "whole", value=True)


def _write(original: Any, content: Any, /, *arguments: Any, **options: Any) -> Any:
    """Lets a method that writes a file write a draft, which then takes the file's place."""
    if not _call.whole or not arguments or not isinstance(arguments[0], str | os.PathLike):
        return original(content, *arguments, **options)
    file, *rest = arguments
    with atomic_draft(Path(file), durable=False) as draft:  # Its ending says in which format it is written.
        return original(content, draft, *rest, **options)


@contextmanager
def known_checksums(dataset_class: Any, checksums: dict[str, str | None]) -> Iterator[None]:
    """Keeps the host from downloading a file anew whose checksum it does not know.

    Args:
        dataset_class: Whose checksums.
        checksums: Those that it is to expect; ``None`` for any.
    """
    known: dict[str, Any] = getattr(dataset_class, "DATASET_MD5", {})
    with restored(known):
        known.update({name: checksums[name] for name in checksums.keys() & known.keys()})
        yield
