"""What tables the host's classes and their graders need, read from ``shapes.toml``, which has a section for each."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter

Scalar = str | int | float
Cell = Scalar | tuple[Scalar, ...]
"""A value for all rows, or values that they take in turn."""


@dataclass(frozen=True)
class Shape:
    """What a class of the host, or one of its benchmarks, needs beside the columns that every table has.

    In every text ``$answer`` stands for the row's answer, ``$plain`` for what it is without the form that a column
    ``answer`` here gives it, ``$wrong`` for a wrong answer, ``$i`` for the row's place, ``$picture`` for its picture as
    base64 and ``$file`` for the file of its picture.

    Attributes:
        kind: Of the answers: ``"choice"``, ``"yes-no"``, ``"words"`` or ``"number"``; ``""`` for what the class's type
            says.
        columns: More columns, or others, by name.
        without: Columns that every other table has.
        right: What a policy writes that knows the answer.
        wrong: What one writes that does not; ``""`` for the row's wrong answer in place of the answer.
        replies: What a judge replies: a pattern that is searched in its prompt, the reply to right texts, and the reply
            to wrong ones. The first pattern that is found counts.
        files: More files in the data folder that hold the table, where the class reads others than its benchmark's.
        parts: The file of each row, of a class that reads several instead; ``$n`` counts from 1.
        hub: Empty files in the cache of the Hugging Face hub, as ``ORGANISATION/REPOSITORY/FILE``.
        rows: How many rows the table has.
        judged: Whether a judge is asked though the host would take none by default.
        greatest: The figure of right texts, where it is neither 1 nor 100.
        metric: What ``--metric`` has to name, of a benchmark whose figure nobody else names.
        raw: Whether graders get whole texts (``--prediction raw``), of a class that reads a form of its own.
        benchmarks: Of a class whose benchmarks are graded in several ways: one for each. Of others one is taken.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: Literal["", "choice", "yes-no", "words", "number"] = ""
    columns: Mapping[str, Cell] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    right: Cell = "$answer"
    wrong: Cell = ""
    replies: tuple[tuple[str, str, str], ...] = ()
    files: tuple[str, ...] = ()
    parts: str = ""
    hub: tuple[str, ...] = ()
    rows: int = 4
    judged: bool = False
    greatest: float | None = None
    metric: str = ""
    raw: bool = False
    benchmarks: tuple[str, ...] = ()


@functools.cache
def shapes() -> Mapping[str, Shape]:
    """The shapes by the name of the host's class, or of a benchmark; a section may have several, between blanks."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    sections = TypeAdapter(dict[str, Shape]).validate_python(tomllib.loads(text))
    return {name: shape for names, shape in sections.items() for name in names.split()}


def shape_of(*names: str) -> Shape:
    """The shape of the first of some names that has one, such as a benchmark and its class; else that of all tables."""
    known = shapes()
    return next((known[name] for name in names if name in known), Shape())
