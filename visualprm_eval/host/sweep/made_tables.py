"""Small made-up benchmark files, and the texts of a policy that knows all answers and of one that knows none."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from visualprm_eval.host.sweep.shapes import Cell, Shape

MARKS = ("zebra", "90417")
"""What no right text holds, and every wrong one that a judge reads."""
_ANSWERS = {
    "choice": ("A", "B", "C", "D"), "yes-no": ("Yes", "No"), "words": ("heron", "maple", "violin", "copper"),
    "number": ("12", "17", "15", "19"),
}  # fmt: skip
_OPTIONS = dict(zip("ABCD", _ANSWERS["words"], strict=True))


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row.

    Attributes:
        cells: Its columns.
        right: A text that answers it.
        wrong: One that does not.
    """

    cells: Mapping[str, Any]
    right: str
    wrong: str


def made_rows(shape: Shape, host_type: str, folder: Path = Path()) -> list[MadeRow]:
    """The rows of a class's table.

    Args:
        shape: What the class needs.
        host_type: The class's ``TYPE``.
        folder: Where the pictures are as files, by the place of their row.
    """
    kind = shape.kind or {"MCQ": "choice", "Y/N": "yes-no"}.get(host_type, "words")
    return [_row(shape, kind, place, folder) for place in range(shape.rows)]


def _row(shape: Shape, kind: str, place: int, folder: Path) -> MadeRow:
    answers = _ANSWERS[kind]
    other = answers[(place + 1) % len(answers)]
    facts = {
        "i": str(place), "answer": answers[place % len(answers)],
        "wrong": {"words": MARKS[0], "number": MARKS[1]}.get(kind, other),
        "picture": picture(place), "file": str(folder / f"{place}.png"),
    }  # fmt: skip
    facts["plain"] = facts["answer"]
    cells: dict[str, Any] = {
        "index": place, "image": facts["picture"], "question": f"Question {place}: what does picture {place} show?",
        "answer": facts["answer"], "category": "even" if place % 2 == 0 else "odd", "l2-category": "shapes",
        **(_OPTIONS if kind == "choice" else {}),
        **{name: _filled(cell, place, facts) for name, cell in shape.columns.items()},
    }  # fmt: skip
    facts["answer"] = str(cells["answer"])
    failed = {**facts, "answer": facts["wrong"], "plain": facts["wrong"]}
    right = str(_filled(shape.right, place, facts))
    wrong = str(_filled(shape.wrong, place, facts) or _filled(shape.right, place, failed))
    return MadeRow({name: cell for name, cell in cells.items() if name not in shape.without}, right, wrong)


def _filled(cell: Cell, place: int, facts: Mapping[str, str]) -> Any:
    value = cell[place % len(cell)] if isinstance(cell, tuple) else cell
    return Template(value).safe_substitute(facts) if isinstance(value, str) else value


def picture(number: int) -> str:
    """A small PNG as base64, another one for each number."""
    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (60 + 8 * number % 196, 90, 160)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def write_hub_file(hub: Path, name: str) -> None:
    """Puts an empty file into a cache of the Hugging Face hub.

    Args:
        hub: The cache.
        name: ``ORGANISATION/REPOSITORY/FILE`` of a data set.
    """
    organisation, repository, file = name.split("/")
    place, commit = hub / f"datasets--{organisation}--{repository}", "0" * 40
    for path, text in ((place / "refs" / "main", commit), (place / "snapshots" / commit / file, "")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")


def write_pictures(folder: Path, rows: Sequence[MadeRow]) -> None:
    """Writes the pictures of rows as files, by the place of their row."""
    for place in range(len(rows)):
        (folder / f"{place}.png").write_bytes(base64.b64decode(picture(place)))


def write_table(path: Path, rows: Sequence[MadeRow]) -> None:
    """Writes rows as the host's benchmark files are written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0].cells), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.cells for row in rows)
