"""Rows of the host's tables with their pictures upright and in eight bits, before the host writes or names files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import cache_root
from visualprm_eval.core.pictures import RULES, png_of, upright_copy
from visualprm_eval.host.patching import replaced


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row as it is given to the host.

    Attributes:
        row: The row.
        change: What was done to its pictures; ``""`` for nothing, and then it is the table's own.
        originals: Files that its pictures were copied from, by copy.
    """

    row: Any
    change: str = ""
    originals: Mapping[str, str] = field(default_factory=dict)


def upright_row(dataset: Any, row: Any) -> ShownRow:
    """A row with its pictures as they are meant to be seen.

    Args:
        dataset: The host's dataset object.
        row: One row of its table; it is not changed.

    Raises:
        BenchmarkError: A copy of a picture cannot be written.
    """
    if "image" in row:
        return _with_images(row)
    return _with_copies(dataset, row) if "image_path" in row else ShownRow(row)


def _with_images(row: Any) -> ShownRow:
    """Of a table that holds the pictures themselves, in base64."""
    given = row["image"] if isinstance(row["image"], list) else [row["image"]]
    made = [png_of(_bytes(image), as_png=True) for image in given]  # As the host writes it.
    done = dict.fromkeys(each[1] for each in made if each is not None)
    if not done:
        return ShownRow(row)
    shown = [
        image if each is None else base64.b64encode(each[0]).decode("ascii")
        for image, each in zip(given, made, strict=True)
    ]
    changed = row.astype(object).copy()
    changed.at["image"] = shown if isinstance(row["image"], list) else shown[0]
    return ShownRow(changed, " and ".join(done))


def _bytes(image: object) -> bytes:
    try:
        return base64.b64decode(image) if isinstance(image, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _with_copies(dataset: Any, row: Any) -> ShownRow:
    """Of a table that names picture files, which are wherever the host would look for them."""
    given = row["image_path"] if isinstance(row["image_path"], list) else [row["image_path"]]
    shown: list[Any] = []
    done: dict[str, None] = {}
    originals: dict[str, str] = {}
    for path in given:
        found = next((one for one in (Path(str(path)), Path(dataset.img_root) / str(path)) if one.is_file()), None)
        copy, change = (path, "") if found is None else _copy(found)
        shown.append(str(copy) if change else path)
        if change:
            done[change] = None
            originals[str(copy)] = str(found)
    if not done:
        return ShownRow(row)
    changed = row.astype(object).copy()
    changed.at["image_path"] = shown if isinstance(row["image_path"], list) else shown[0]
    return ShownRow(changed, " and ".join(done), originals)


def _copy(picture: Path) -> tuple[Path, str]:
    folder = cache_root() / "pictures"
    try:
        return upright_copy(picture, folder)
    except OSError as error:
        raise BenchmarkError(
            f"cannot write to {folder} ({error}): set the environment variable XDG_CACHE_HOME to a folder that can be "
            "written to"
        ) from error


def written_apart(dataset: Any, shown: ShownRow) -> AbstractContextManager[None]:
    """While it lasts, the host writes changed pictures beside the folder of the others, which it never writes anew."""
    folder = getattr(dataset, "img_root", None)
    if not shown.change or shown.originals or folder is None:
        return nullcontext()
    return replaced(dataset, "img_root", f"{folder}-{RULES}")
