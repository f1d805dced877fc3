"""A benchmark as the main process knows it: its problems, and by which key the host's process finds its dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from visualprm_eval.core.types import Problem
from visualprm_eval.host.data.files import DataFile
from visualprm_eval.tasks import Task


@dataclass(frozen=True, slots=True)
class DatasetKey:
    """How the host's process finds a dataset, or loads it again after an end.

    Attributes:
        name: The host's name of the dataset.
        limit: Only the first rows; ``None`` for all.
        pictures: How its pictures are shown.
        write: Whether its pictures are files.
        md5: The MD5 of its file; ``None`` for what is not one file.
    """

    name: str
    limit: int | None
    pictures: str
    write: bool
    md5: str | None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A dataset of the host and its problems.

    Attributes:
        name: The host's name of the dataset.
        task: What results need beyond the host's data.
        dataset: In the host's process its dataset object, without the image column: its ``evaluate`` grades; elsewhere
            its key. ``None`` where the problems come from a store, because there is no host.
        problems: In the host's order.
        broken: Why a row's picture cannot be used, by index. Such problems stay: whoever opens the picture fails.
        pictures: The files of a row's pictures in the row's order, by index; a prompt may show some only. Only the
            host's process knows them.
        total: How many problems the whole benchmark has; ``None`` when nobody here knows.
        file: Where the data come from; ``None`` for what is not one file in the host's data folder.
        left_out: Why rows of the table are no problems, by where they stand.
        surplus: How many problems the file has more than the benchmark is said to have.
        answerless: Why nothing of it can be graded; ``""`` where it has answers.
        view: The folder that the host takes for its data folder when it reads this benchmark; ``None`` without a host.
        shown: What was done to pictures, and to whose, or that nothing was to be; ``""`` where nothing had to be.
        sizes: Width and height of pictures by their files, where these were not written.
        expected: Whether only the number of its problems is known, which have neither text nor pictures then.
        has_verdicts: Whether its grader leaves verdicts on single texts that are understood, as far as its class tells.
        unheeded: The values of ``--prompt`` that change nothing for it.
    """

    name: str
    task: Task
    dataset: Any = field(repr=False)
    problems: list[Problem] = field(repr=False)
    broken: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    total: int | None = None
    file: DataFile | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    surplus: int = 0
    answerless: str = ""
    view: Path | None = None
    shown: str = ""
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    expected: bool = False
    has_verdicts: bool = True
    unheeded: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LoadedDataset:
    """What the host's process tells of a dataset that it has loaded.

    Attributes:
        key: How it is found there.
        host_type: The host's ``TYPE`` of it.
        host_judge: The judge that the host would take by default.
        facts: The other attributes of :class:`Benchmark`.
    """

    key: DatasetKey
    host_type: str
    host_judge: str | None
    facts: Mapping[str, Any]
