"""Rows of the host's tables with their pictures upright and in eight bits, before the host writes or names files."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visualprm_eval.core.folders import cache_root, is_file
from visualprm_eval.core.pictures import RULES, png_of, upright_copy
from visualprm_eval.host.data.linked_data import writable
from visualprm_eval.host.patching import held


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
    column = "image" if "image" in row else "image_path"
    if column not in row:
        return ShownRow(row)
    given = row[column] if isinstance(row[column], list) else [row[column]]
    shown = [_image(value) if column == "image" else _copy(dataset, value) for value in given]
    changes = dict.fromkeys(change for _, change, _ in shown if change)
    if not changes:
        return ShownRow(row)
    values = [value for value, *_ in shown]
    changed = row.astype(object).copy()
    changed.at[column] = values if isinstance(row[column], list) else values[0]
    return ShownRow(changed, " and ".join(changes), {value: original for value, _, original in shown if original})


def _image(image: Any) -> tuple[Any, str, str]:
    """A picture of a table that holds the pictures themselves, in base64, and what was done to it."""
    try:
        data = base64.b64decode(image) if isinstance(image, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    made = png_of(data, as_png=True)  # As the host writes it.
    return (image, "", "") if made is None else (base64.b64encode(made[0]).decode("ascii"), made[1], "")


def _copy(dataset: Any, path: Any) -> tuple[Any, str, str]:
    """A picture file, wherever the host would look for it: its copy, what was done to it, and itself."""
    picture = next((each for each in (Path(str(path)), Path(dataset.img_root) / str(path)) if is_file(each)), None)
    if picture is None:
        return path, "", ""
    folder = cache_root() / "pictures"
    with writable(folder):
        copy, change = upright_copy(picture, folder)
    return (str(copy), change, str(picture)) if change else (path, "", "")


def written_apart(dataset: Any, shown: ShownRow) -> AbstractContextManager[None]:
    """While it lasts, the host writes changed pictures beside the folder of the others, which it never writes anew."""
    folder = getattr(dataset, "img_root", None)
    if not shown.change or shown.originals or folder is None:
        return nullcontext()
    return held(dataset, "img_root", f"{folder}-{RULES}")
