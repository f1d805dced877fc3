"""Where a set's files are: named by the user, in the host's data folder, fetched from the hub, or made here."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from visualprm_eval.core.atomic_file import atomic_draft
from visualprm_eval.core.config import DEFAULT_PICTURES
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import cache_root, data_root
from visualprm_eval.core.visible import tell
from visualprm_eval.tasks.process_bench import demo_set, released
from visualprm_eval.tasks.process_bench.data import LABELS_FILE, ProcessSet, read_set

REPOSITORY = "OpenGVLab/VisualProcessBench"
REVISION = "b727f7b791628ad701adfbc2a60892ff340dd651"
"""The revision of the repository that is fetched."""

_PICTURES_FILE = "images.zip"


def load_set(
    name: str, folder: Path | None = None, data_dir: Path | None = None, pictures: str = DEFAULT_PICTURES
) -> ProcessSet:
    """Reads a set, after finding, fetching or making it.

    Args:
        name: One of ``config.PROCESS_BENCHMARKS``.
        folder: Where its files are; ``None`` looks into its folder in the data folder.
        data_dir: The folder that holds benchmarks; ``None`` for the host's.
        pictures: As for ``read_set``.

    Raises:
        BenchmarkError: When it is not there and cannot be had, or cannot be read, or ``$LMUData`` names no folder.
    """
    if folder is not None:
        return read_set(folder, name, pictures)
    if name == demo_set.NAME:
        return read_set(demo_set.make(cache_root()), name, pictures)
    place = (data_dir or data_root()) / name
    if not is_here(name, folder, data_dir):
        _fetch(place)
    return read_set(place, name, pictures)


def is_here(name: str, folder: Path | None = None, data_dir: Path | None = None) -> bool:
    """Whether a set can be read without fetching it; arguments as for :func:`load_set`.

    Raises:
        BenchmarkError: When ``$LMUData`` names no folder.
    """
    if folder is not None or name == demo_set.NAME:
        return True  # Its reader says so where it is not.
    return ((data_dir or data_root()) / name / LABELS_FILE).is_file()


def _fetch(place: Path) -> None:
    """Puts the released files of the pinned revision into a folder.

    Raises:
        BenchmarkError: When the hub cannot be reached, or what it sends cannot be unpacked or written.
    """
    from huggingface_hub import snapshot_download

    tell(f"fetching {REPOSITORY} at {REVISION[:8]} (0.5 GB) to {place}")
    try:
        wanted = [LABELS_FILE, _PICTURES_FILE]
        files = Path(snapshot_download(REPOSITORY, repo_type="dataset", revision=REVISION, allow_patterns=wanted))
        place.mkdir(parents=True, exist_ok=True)
        if (files / _PICTURES_FILE).is_file():
            unpack(files / _PICTURES_FILE, place)
        with atomic_draft(place / LABELS_FILE) as draft:  # Last, since its presence says that all is there.
            shutil.copyfile(files / LABELS_FILE, draft)
    except Exception as error:  # The hub's client raises errors of several libraries.
        raise BenchmarkError(
            f"{released.NAME} is not in {place} and cannot be fetched from {REPOSITORY} "
            f"({type(error).__name__}: {error}). Where there is a network, download {LABELS_FILE} and {_PICTURES_FILE} "
            f"of that dataset repository, unpack the pictures beside {LABELS_FILE}, and name the folder with --vpb-dir"
        ) from error


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks pictures; nothing lands outside of the folder.

    Raises:
        BenchmarkError: When a member's name leads out of the folder.
        OSError: When something cannot be written.
        zipfile.BadZipFile: When it is no sound archive.
    """
    with zipfile.ZipFile(archive) as opened:
        for member in opened.namelist():
            if not (folder / member).resolve().is_relative_to(folder.resolve()):
                raise BenchmarkError(f"{archive} holds {member!r}, which leads out of the folder; fetch it again")
        opened.extractall(folder)
