"""The released format of VisualProcessBench: one JSON object per line, pictures as files beside it.

A line has ``image`` (a list of paths), ``question``, ``answer``, ``response`` with ``steps`` and
``process_correctness`` (1 correct, 0 neutral, -1 incorrect), ``policy_model`` and ``data_source``.
Source: https://huggingface.co/datasets/OpenGVLab/VisualProcessBench.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter

from visualprm_eval.core.config import DEFAULT_PICTURES, RAW_PICTURES
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import cache_root, is_file
from visualprm_eval.core.json_rows import RowError, checked, parse_row
from visualprm_eval.core.pictures import AS_THEY_ARE, RULES, described, upright_copy
from visualprm_eval.core.progress import QUIET_S, track
from visualprm_eval.core.types import JSONValue, Part, Problem, digest, text_id
from visualprm_eval.core.visible import one_line

_LONGEST_NAME = 120
"""Characters of a name that messages repeat."""
CORRECT, NEUTRAL, INCORRECT = 1, 0, -1
_Text = Annotated[str, Field(min_length=1)]
LABELS_FILE = "test.jsonl"
"""The file with the solutions and their labels."""

SOURCE_NAMES: Mapping[str, str] = {
    "MMMU_DEV_VAL": "MMMU",
    "MathVision_MINI": "MathVision",
    "MathVerse_MINI_Vision_Only": "MathVerse-VO",
}
"""What results call the sources whose names in the released file are longer; other names stay as they are."""


@dataclass(frozen=True, slots=True)
class ProcessSample:
    """One solution whose steps somebody labelled.

    Attributes:
        line: Its line in the file, from 1.
        problem: The question with its pictures; ``split`` is the source. Solutions to one question share it.
        steps: The steps exactly as they are given, [T]; a step may hold blank lines.
        labels: ``CORRECT``, ``NEUTRAL`` or ``INCORRECT`` for each step, [T].
        policy: The model that wrote the solution.
    """

    line: int
    problem: Problem
    steps: tuple[str, ...]
    labels: tuple[int, ...]
    policy: str

    @property
    def source(self) -> str:
        """The benchmark that the question comes from."""
        return self.problem.split

    @property
    def key(self) -> tuple[str, str]:
        """Problem id and text id: what its scores are kept under."""
        return self.problem.id, text_id(text_of(self.steps))


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used.

    Attributes:
        line: Its number, from 1.
        reason: What is wrong with it.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class ProcessSet:
    """A set of labelled solutions.

    Attributes:
        name: What results call it.
        folder: Where its files are.
        samples: What can be used, in the order of the file, [S].
        bad: What cannot.
        file_digest: Names the content of the file with the labels.
        shown: What was done to pictures, and to whose, or that nothing was to be; ``""`` where nothing had to be.
    """

    name: str
    folder: Path
    samples: tuple[ProcessSample, ...]
    bad: tuple[BadLine, ...]
    file_digest: str
    shown: str = ""

    @property
    def problems(self) -> dict[str, Problem]:
        """Its questions by id, each once."""
        return {sample.problem.id: sample.problem for sample in self.samples}


def text_of(steps: tuple[str, ...]) -> str:
    """Steps as one text that gives exactly them back, see :func:`steps_of`.

    A join by blank lines would not: steps hold blank lines of their own.
    """
    return json.dumps(steps, ensure_ascii=False)


def steps_of(text: str) -> list[str]:
    """The inverse of :func:`text_of`."""
    steps: list[str] = json.loads(text)
    return steps


def read_set(folder: Path, name: str, pictures: str = DEFAULT_PICTURES) -> ProcessSet:
    """Reads a set; lines that cannot be used are named and left out.

    Args:
        folder: Holds ``test.jsonl`` and the pictures, in it or in its folder ``images``.
        name: What results call the set.
        pictures: Whether pictures are turned and scaled as they are meant to be seen, as for ``RunConfig``.

    Raises:
        BenchmarkError: When there is no such file, it is no UTF-8 text, or none of its lines can be used.
    """
    path = folder / LABELS_FILE
    if path.exists() and not path.is_file():
        raise BenchmarkError(
            f"{name}: {path} is a device, a pipe or a folder; expected the released {LABELS_FILE} there"
        )
    try:
        content = path.read_bytes()
        content.decode("utf-8")
    except OSError as error:
        raise BenchmarkError(
            f"{name}: cannot read {path} ({error.strerror}); expected the released {LABELS_FILE} there, with the "
            "pictures beside it"
        ) from error
    except UnicodeDecodeError as error:
        raise BenchmarkError(f"{name}: {path} is no UTF-8 text ({error}); fetch it again") from error
    reader = _Reader(folder, name, raw=pictures == RAW_PICTURES)
    samples: list[ProcessSample] = []
    bad: list[BadLine] = []
    lines = content.split(b"\n")
    with track(f"read {name} with its pictures", len(lines), after_s=QUIET_S) as tracker:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    samples.append(reader.sample(number, line))
                except RowError as error:
                    bad.append(BadLine(number, str(error)))
            tracker.advance()
    if not samples:
        first = f"; line {bad[0].line}: {bad[0].reason}" if bad else ""
        raise BenchmarkError(f"{name}: {path} has no line that can be used{first}")
    shown = AS_THEY_ARE if pictures == RAW_PICTURES else described(reader.changes, "line")
    return ProcessSet(name, folder, tuple(samples), tuple(bad), hashlib.sha256(content).hexdigest()[:16], shown)


def _paths(image: JSONValue) -> JSONValue:
    return [image] if isinstance(image, str) else image


@dataclass(frozen=True, slots=True)
class _Response:
    steps: Annotated[list[str], Field(min_length=1)]
    process_correctness: list[Annotated[int, Field(strict=True, ge=INCORRECT, le=CORRECT)]]


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the file."""

    image: Annotated[list[_Text], Field(min_length=1), BeforeValidator(_paths)]
    question: _Text
    response: _Response
    policy_model: _Text
    data_source: _Text


_FORM = TypeAdapter(_Row)


class _Reader:
    """Lines to samples; pictures are looked for and read once.

    Attributes:
        changes: What was done to the pictures of lines, by their numbers.
    """

    def __init__(self, folder: Path, name: str, *, raw: bool) -> None:
        self._folder, self._name, self._raw = folder.resolve(), name, raw
        self.changes: dict[str, str] = {}
        self._picture = cache(self._find_picture)

    def sample(self, number: int, line: bytes) -> ProcessSample:
        content = parse_row(line)
        row, answer = checked(_FORM, content), content.get("answer", "")
        steps, labels = tuple(row.response.steps), tuple(row.response.process_correctness)
        if len(steps) != len(labels):
            raise RowError(f"{len(steps)} steps and {len(labels)} labels, expected one label per step")
        source = SOURCE_NAMES.get(row.data_source, row.data_source)
        pictures = [self._picture(path) for path in row.image]
        answer = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        # The line is no part of the id: a set that is completed or sorted anew asks nothing twice.
        facts = {"benchmark": self._name, "split": source, "question": row.question, "answer": answer,
                 "pictures": [sha for _, sha, _ in pictures]}  # fmt: skip
        if changed := dict.fromkeys(change for *_, change in pictures if change):
            facts["shown"] = RULES
            self.changes[str(number)] = " and ".join(changed)
        parts = (*(Part("image", str(path)) for path, *_ in pictures), Part("text", row.question))
        problem_id = digest(facts)
        problem = Problem(self._name, problem_id, source, parts, answer, problem_id)
        return ProcessSample(number, problem, steps, labels, row.policy_model)

    def _find_picture(self, path: str) -> tuple[Path, str, str]:
        """The file of a picture as it is shown, the digest of the set's own content, and what was done to it."""
        relative, shown = PurePosixPath(path), one_line(path, _LONGEST_NAME)
        if relative.is_absolute() or ".." in relative.parts:
            raise RowError(f"the picture {shown} is outside of the set's folder")
        roots = (
            self._folder,
            self._folder / "images",
        )  # The latter may be a link of whoever keeps the pictures elsewhere.
        for folder in roots:
            if not is_file(folder / relative):  # No device, no pipe, nothing that no file can be called.
                continue
            place = (folder / relative).resolve()
            if not any(place.is_relative_to(root.resolve()) for root in roots):
                raise RowError(f"the picture {shown} is a link that leads out of the set's folder; copy the file there")
            try:
                own = hashlib.sha256((folder / relative).read_bytes()).hexdigest()
                plain = (folder / relative, "")
                seen, change = plain if self._raw else upright_copy(plain[0], cache_root() / "pictures")
            except OSError as error:
                raise RowError(f"the picture {shown} cannot be read, or turned ({error})") from error
            return seen, own, change
        raise RowError(f"the picture {shown} is missing")
