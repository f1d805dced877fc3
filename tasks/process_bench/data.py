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
from typing import Any

from visualprm_eval.core.config import DEFAULT_PICTURES, RAW_PICTURES
from visualprm_eval.core.errors import BenchmarkError
from visualprm_eval.core.folders import cache_root
from visualprm_eval.core.pictures import AS_THEY_ARE, RULES, described, upright_copy
from visualprm_eval.core.types import Part, Problem, digest, text_id

__all__ = [
    "CORRECT",
    "INCORRECT",
    "LABELS_FILE",
    "NEUTRAL",
    "SOURCE_NAMES",
    "BadLine",
    "ProcessSample",
    "ProcessSet",
    "read_set",
    "steps_of",
    "text_of",
]

CORRECT, NEUTRAL, INCORRECT = 1, 0, -1
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
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8").split("\n")
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
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                samples.append(reader.sample(number, line))
            except _BadLineError as error:
                bad.append(BadLine(number, str(error)))
    if not samples:
        first = f"; line {bad[0].line}: {bad[0].reason}" if bad else ""
        raise BenchmarkError(f"{name}: {path} has no line that can be used{first}")
    shown = AS_THEY_ARE if pictures == RAW_PICTURES else described(reader.changes, "line")
    return ProcessSet(name, folder, tuple(samples), tuple(bad), hashlib.sha256(content).hexdigest()[:16], shown)


class _BadLineError(Exception):
    """What is wrong with a line."""


class _Reader:
    """Lines to samples; pictures are looked for and read once.

    Attributes:
        changes: What was done to the pictures of lines, by their numbers.
    """

    def __init__(self, folder: Path, name: str, *, raw: bool) -> None:
        self._folder, self._name, self._raw = folder.resolve(), name, raw
        self.changes: dict[str, str] = {}
        self._picture = cache(self._find_picture)

    def sample(self, number: int, line: str) -> ProcessSample:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _BadLineError(f"it is no JSON ({error})") from error
        if not isinstance(row, dict):
            raise _BadLineError(f"it is a {type(row).__name__}, expected an object")
        steps, labels = _steps_and_labels(row)
        question, answer = _text(row, "question"), row.get("answer", "")
        source = SOURCE_NAMES.get(given := _text(row, "data_source"), given)
        pictures = [self._picture(path) for path in _paths(row)]
        answer = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        # The line is no part of the id: a set that is completed or sorted anew asks nothing twice.
        content = {"benchmark": self._name, "split": source, "question": question, "answer": answer,
                   "pictures": [sha for _, sha, _ in pictures]}  # fmt: skip
        if changed := dict.fromkeys(change for *_, change in pictures if change):
            content["shown"] = RULES
            self.changes[str(number)] = " and ".join(changed)
        parts = (*(Part("image", str(path)) for path, *_ in pictures), Part("text", question))
        problem_id = digest(content)
        problem = Problem(self._name, problem_id, source, parts, answer, problem_id)
        return ProcessSample(number, problem, steps, labels, _text(row, "policy_model"))

    def _find_picture(self, path: str) -> tuple[Path, str, str]:
        """The file of a picture as it is shown, the digest of the set's own content, and what was done to it."""
        relative = PurePosixPath(path)
        if relative.is_absolute() or ".." in relative.parts:
            raise _BadLineError(f"the picture {path} is outside of the set's folder")
        for place in (self._folder / relative, self._folder / "images" / relative):
            if place.is_file():
                try:
                    own = hashlib.sha256(place.read_bytes()).hexdigest()
                    shown = (place, "") if self._raw else upright_copy(place, cache_root() / "pictures")
                    return shown[0], own, shown[1]
                except OSError as error:
                    raise _BadLineError(f"the picture {path} cannot be read, or turned ({error})") from error
        raise _BadLineError(f"the picture {path} is missing")


def _text(row: Mapping[str, Any], field: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        raise _BadLineError(f"{field} is {_shown(value)}, expected a text")
    return value


def _paths(row: Mapping[str, Any]) -> list[str]:
    given = row.get("image")
    paths = [given] if isinstance(given, str) else given
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) and path for path in paths):
        raise _BadLineError(f"image is {_shown(given)}, expected a list of paths")
    return paths


def _steps_and_labels(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    response = row.get("response")
    if not isinstance(response, dict):
        raise _BadLineError(f"response is {_shown(response)}, expected an object with steps and process_correctness")
    steps, labels = response.get("steps"), response.get("process_correctness")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, str) for step in steps):
        raise _BadLineError(f"steps is {_shown(steps)}, expected a list of texts")
    if not isinstance(labels, list):
        raise _BadLineError(f"process_correctness is {_shown(labels)}, expected a list of labels")
    if len(steps) != len(labels):
        raise _BadLineError(f"{len(steps)} steps and {len(labels)} labels, expected one label per step")
    for place, label in enumerate(labels, start=1):
        if type(label) is not int or label not in {CORRECT, NEUTRAL, INCORRECT}:
            raise _BadLineError(f"the label of step {place} is {_shown(label)}, expected 1, 0 or -1")
    return tuple(steps), tuple(labels)


def _shown(value: object) -> str:
    """A value in a message."""
    if value is None:
        return "missing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."
