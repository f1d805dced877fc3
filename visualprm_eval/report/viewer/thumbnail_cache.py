"""Small copies of pictures, kept from one report to the next: a file per picture, named by its content.

The folder may be removed at any time, and so may any file in it. One that is damaged is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.folders import cache_root

RULES = "1"
"""The version of how copies are made, which is part of their files' names."""
BOUND = 256 * 2**20
"""Bytes of all files together; beyond, those that were not used for longest go."""
_KEPT = 0.8
"""The part of the bound that is left then."""
_URL = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/]+=*")

Copies = Mapping[str, str | int | None]
"""By kind and longest side, as ``png-448``: a data URL, its length where it was too long to be kept, ``None`` where it
was not made since it would be longer than another kind's."""


def default_folder() -> Path:
    """Where copies are kept, for all work dirs together: benchmarks are the same in many of them."""
    return cache_root() / "thumbnails"


def read_copies(folder: Path, digest: str) -> dict[str, str | int | None]:
    """What is kept of a picture; nothing where there is no file or a damaged one.

    Args:
        folder: Where copies are kept.
        digest: Of the picture file's content.
    """
    path = _path(folder, digest)
    try:
        head, _, body = path.read_text(encoding="ascii").partition("\n")
        copies = json.loads(body) if head == _check(body) else {}
        os.utime(path)
    except (OSError, ValueError):
        return {}
    whole = isinstance(copies, dict) and all(
        _URL.fullmatch(value) if isinstance(value, str) else value is None or isinstance(value, int)
        for value in copies.values()
    )
    return copies if whole else {}


def keep_copies(folder: Path, digest: str, copies: Copies) -> None:
    """Keeps copies of a picture where there is room; without it the next report makes them again."""
    body = json.dumps(copies)
    with suppress(OSError):
        write_atomically(_path(folder, digest), f"{_check(body)}\n{body}", durable=False)


def prune(folder: Path, bound: int = BOUND) -> None:
    """Removes what was not used for longest, where there is more than may be.

    Args:
        folder: Where copies are kept.
        bound: Bytes of all files together.
    """
    with suppress(OSError):  # There is no folder, or somebody else removes files, too.
        found = [(entry.stat(), entry.path) for entry in os.scandir(folder) if entry.name.endswith(".copies")]
        size = sum(stat.st_size for stat, _ in found)
        if size <= bound:
            return
        for stat, path in sorted(found, key=lambda each: each[0].st_mtime_ns):
            if size <= _KEPT * bound:
                return
            Path(path).unlink(missing_ok=True)
            size -= stat.st_size


def _path(folder: Path, digest: str) -> Path:
    return folder / f"{digest[:32]}-{RULES}.copies"


def _check(body: str) -> str:
    return hashlib.sha256(body.encode("ascii", "replace")).hexdigest()
