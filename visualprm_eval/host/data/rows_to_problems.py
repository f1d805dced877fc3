"""Rows of the host's tables as problems, with what the host's own prompt for them says."""

from __future__ import annotations

import ast
import base64
import binascii
import copy
import dataclasses
import errno
import hashlib
import string
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import is_file
from visualprm_eval.core.pictures import RULES, size_of
from visualprm_eval.core.types import Part, Problem, digest
from visualprm_eval.core.visible import one_line
from visualprm_eval.host.data.upright import ShownRow, written_apart
from visualprm_eval.host.patching import held

_CANNOT_WRITE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})

_LONGEST_NAME = 200
"""Characters of a name that messages repeat."""


def row_problem(
    dataset: Any, name: str, row: Any, group_columns: Sequence[str] = (), shown: ShownRow | None = None, *,
    sizes: dict[str, tuple[int, int]] | None = None,
) -> tuple[Problem, tuple[str, ...], str | None]:  # fmt: skip
    """The problem of a row, its picture files, and why one of them cannot be used.

    Args:
        dataset: The host's dataset object.
        name: The host's name of the dataset.
        row: One row of its table; it is not changed.
        group_columns: Columns by which the benchmark's metric groups rows.
        shown: The row with its pictures as they are shown, where that is not as the table has them: the problem has
            an id of its own then.
        sizes: Takes width and height of the pictures by the files that they would be, and no file is written; ``None``
            to have them written.

    Returns:
        The problem; the files of the row's pictures in the row's order, of which the prompt may show some, or some
        twice; why one of its pictures cannot be used (``None`` when all can).

    Raises:
        BenchmarkError: When the host cannot make the row's prompt, or makes one of more than text and pictures.
    """
    shown = shown or ShownRow(row)
    with written_apart(dataset, shown):
        message, files, reason = _prompt(dataset, name, shown.row, write=sizes is None)
    parts = []
    for item in message:
        if item["type"] not in {"text", "image"}:
            place = f"{name}: row {row['index']}"
            raise BenchmarkError(f"{place} has a part of type {item['type']}; expected text and pictures")
        parts.append(Part(item["type"], str(item["value"])))
    lettered = {letter: str(row[letter]) for letter in string.ascii_uppercase if _given(row, letter)}
    split, answer = (str(row[column]) if _given(row, column) else "" for column in ("split", "answer"))
    problem = Problem(
        benchmark=name, index=str(row["index"]), split=split, parts=tuple(parts), answer=answer, id="",
        choices=lettered or listed_options(row), groups=_groups(row, name, group_columns),
    )  # fmt: skip
    pictures, unreadable = _picture_digests(row, problem.images, shown.originals, written=sizes is None)
    if sizes is not None:
        sizes |= _sizes(shown.row, files)
    content = {
        "benchmark": name,
        "index": problem.index,
        "answer": problem.answer,
        # A path says where this machine keeps the picture; its name says which of the row's pictures it is.
        "parts": [[part.kind, part.value if part.kind == "text" else Path(part.value).name] for part in parts],
        "pictures": pictures,
        **({"shown": RULES} if shown.change else {}),
    }
    return dataclasses.replace(problem, id=digest(content)), files or problem.images, reason or unreadable


def listed_options(row: Any) -> dict[str, str]:
    """The options of a row whose table has them as one list, spelled as in Python or JSON, in a column ``choices``."""
    found = row["choices"] if _given(row, "choices") else None
    if isinstance(found, str):
        try:
            found = ast.literal_eval(found)  # Literals only.
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return {}
    if not isinstance(found, list | tuple) or len(found) > len(string.ascii_uppercase):
        return {}
    return {letter: str(option) for letter, option in zip(string.ascii_uppercase, found, strict=False)}


def _groups(row: Any, name: str, columns: Sequence[str]) -> dict[str, str]:
    missing = [column for column in columns if column not in row]
    if missing:
        raise BenchmarkError(f"{name}: the table lacks the columns {', '.join(missing)}, which its metric needs")
    return {column: str(row[column]) for column in columns}


def _prompt(
    dataset: Any, name: str, row: Any, *, write: bool
) -> tuple[list[dict[str, Any]], tuple[str, ...], str | None]:
    """The host's message of a row and its pictures' files; when one cannot be written, as it would be, and why."""
    if not write:
        with suppress(Exception):  # Some class wants to look at the files.
            return _unwritten(dataset, row)
    dump = dataset.dump_image
    files: list[str] = []

    def noted(line: Any) -> Any:
        paths = dump(line)
        files[:] = [paths] if isinstance(paths, str) else paths
        return paths

    try:
        with held(dataset, "dump_image", noted):
            return dataset.build_prompt(copy.deepcopy(row)), tuple(files), None
    except Exception as error:  # Told apart here and below: the disk's fault, the picture's, or the row's.
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            raise BenchmarkError(f"{name}: cannot write pictures to {dataset.img_root}: {error}") from error
        reason = error_text(error)
    try:
        return (*_unwritten(dataset, row)[:2], reason)
    except Exception as error:
        if isinstance(error, KeyError) and isinstance(error.args[0], str):
            raise BenchmarkError(f"{name}: the table lacks the column {error}, which the prompt needs") from error
        raise BenchmarkError(f"{name}: the host cannot make the prompt of row {row['index']} ({reason})") from error


def _unwritten(dataset: Any, row: Any) -> tuple[list[dict[str, Any]], tuple[str, ...], None]:
    """The host's message of a row with the files that its pictures would be."""
    with held(dataset, "dump_image", lambda line: _expected_paths(dataset, line)):
        return dataset.build_prompt(copy.deepcopy(row)), tuple(_expected_paths(dataset, row)), None


def _sizes(row: Any, files: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Width and height of a row's pictures, as far as they can be read, by their files."""
    images = (row["image"] if isinstance(row["image"], list) else [row["image"]]) if _given(row, "image") else files
    sizes: dict[str, tuple[int, int]] = {}
    for file, image in zip(files, images, strict=False):
        with suppress(binascii.Error, ValueError):
            size = size_of(Path(file) if image is file else base64.b64decode(str(image)))
            sizes |= {} if size is None else {file: size}
    return sizes


def _expected_paths(dataset: Any, line: Any) -> list[str]:
    """Where the host would write the pictures of a row."""
    names = line["image_path"] if "image_path" in line else f"{line['index']}.png"
    if isinstance(line["image"], list) and "image_path" not in line:
        names = [f"{line['index']}_{number}.png" for number in range(len(line["image"]))]
    return [str(Path(dataset.img_root) / path) for path in ([names] if isinstance(names, str) else names)]


def _picture_digests(
    row: Any, paths: tuple[str, ...], originals: Mapping[str, str], *, written: bool
) -> tuple[list[str], str | None]:
    """Digests of a row's pictures as the benchmark holds them, and which file cannot be read."""
    looked_at = paths if written else ()
    unreadable = next(
        (f"{one_line(path, _LONGEST_NAME)} is missing or no picture" for path in looked_at if not _is_picture(path)),
        None,
    )
    if _given(row, "image"):
        # Not of the files: the host encodes pictures anew, and another version of Pillow writes other bytes.
        images = row["image"] if isinstance(row["image"], list) else [row["image"]]
        return [hashlib.sha256(str(image).encode()).hexdigest() for image in images], unreadable
    files = [Path(originals.get(path, path)) for path in paths]
    return [hashlib.sha256(file.read_bytes()).hexdigest() if is_file(file) else "" for file in files], unreadable


def _is_picture(path: str) -> bool:
    """What the host's ``read_ok`` says; that leaves the file open."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return min(image.size) > 0
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return False


def _given(row: Any, column: str) -> bool:
    """Whether a row has a value in a column."""
    import pandas as pd

    return column in row and (isinstance(row[column], list) or not pd.isna(row[column]))
