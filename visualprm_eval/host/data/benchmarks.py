"""Benchmarks of the host as problems."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from visualprm_eval.core.config import DEFAULT_PICTURES, RAW_PICTURES
from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import (
    BenchmarkError,
    ConfigError,
    MissingFilesError,
    VisualPRMEvalError,
)
from visualprm_eval.core.folders import data_root
from visualprm_eval.core.pictures import AS_THEY_ARE, described
from visualprm_eval.core.progress import QUIET_S, track
from visualprm_eval.core.types import Problem
from visualprm_eval.evaluate.result_rows import lacks_too_many
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.data.data_view import readable
from visualprm_eval.host.data.entries import OF_VIDEOS, entry_of
from visualprm_eval.host.data.files import DataFile, find_file, md5_of
from visualprm_eval.host.data.known import missing_files, own_table, refuse_unusable
from visualprm_eval.host.data.linked_data import use_own_image_folder, whole_files
from visualprm_eval.host.data.rows_to_problems import row_problem
from visualprm_eval.host.data.table_hook import looked_at
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.data.upright import ShownRow, upright_row
from visualprm_eval.host.data.usable import (
    host_type,
    lack_of_answers,
    left_out_remark,
    surplus_remark,
    unusable_rows,
)
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.load.runner import default_judge
from visualprm_eval.tasks import TASKS, Task, task_for

_LOGGER = logging.getLogger(__name__)

_UNDECODABLE = "!" * 65
"""Stands for an image that is not there: longer than any reference to another row, and no base64."""


@dataclass
class _Findings:
    """What a table looks like before the host's constructor sees it.

    Attributes:
        broken: Why rows have no usable picture, by index.
        pictureless: Rows without a picture, which the host leaves out.
        nameless: Rows without an index.
        rows: Where each index stands in the file.
    """

    broken: dict[str, str] = field(default_factory=dict)
    pictureless: tuple[str, ...] = ()
    nameless: tuple[str, ...] = ()
    rows: dict[str, str] = field(default_factory=dict)


def load_benchmark(
    name: str, limit: int | None = None, *, fetch: bool = True, pictures: str = DEFAULT_PICTURES, write: bool = True
) -> Benchmark:
    """Loads a benchmark: the bundled one, one of the host's, or an own TSV file in the host's data folder.

    Args:
        name: The host's name of the dataset.
        limit: Only the first rows; ``None`` for all.
        fetch: Whether files that are missing may be fetched.
        pictures: ``"upright"`` turns and scales pictures as they are meant to be seen; ``"raw"`` leaves them alone.
        write: Whether the pictures become files; their sizes are noted if not.

    Raises:
        UnknownNameError: When the host does not know the name; the message offers the nearest.
        MissingFilesError: When its file is missing and cannot be fetched.
        BenchmarkError: When its data is malformed, or nothing that a picture-and-text policy can answer.
        ConfigError: When ``limit`` is below 1.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"limit {limit}: expected at least 1")
    load_host()
    dataset, findings, file, view = _build(name, fetch=fetch)
    kind = host_type(dataset)
    task = task_for(name, host_type=kind, host_judge=host_judge(name, kind))
    _keep_split(dataset, name, task.row_split)
    left_out = _leave_out(dataset, name, task, findings)
    answerless = lack_of_answers(dataset, has_task=not task.note)
    rows = dataset.data if limit is None else dataset.data.iloc[:limit]
    problems: list[Problem] = []
    broken: dict[str, str] = {}
    files_of: dict[str, tuple[str, ...]] = {}
    changes: dict[str, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    # The host's own output goes elsewhere while it works, so the display begins before.
    with track(f"read {name} with its pictures", len(rows), after_s=QUIET_S) as tracker, at_work(), whole_files():
        for row in map(rows.iloc.__getitem__, range(len(rows))):
            given = ShownRow(row) if pictures == RAW_PICTURES else upright_row(dataset, row)
            noted = None if write else sizes
            problem, files, reason = row_problem(dataset, name, row, task.group_columns, given, sizes=noted)
            tracker.advance()
            problems.append(problem)
            files_of[problem.index] = files
            changes |= {problem.index: given.change} if given.change else {}
            if reason is not None:
                broken[problem.index] = findings.broken.get(problem.index, reason)
    _check_indices(name, problems)
    if broken:
        shown = "; ".join(f"row {index}: {reason}" for index, reason in list(broken.items())[:3])
        _LOGGER.warning("%s: %d rows have a picture that cannot be used (%s)", name, len(broken), shown)
    # The pictures are files by now, and the host's graders do not look at them.
    dataset.data = dataset.data.drop(columns=["image"], errors="ignore")
    surplus = max(0, len(dataset.data) - task.size) if task.size else 0
    if surplus:
        _LOGGER.warning("%s: %s", name, surplus_remark(surplus))
    return Benchmark(
        name, task, dataset, problems, broken, files_of, total=task.size or _rows(dataset, left_out), file=file,
        left_out=left_out, surplus=surplus,
        answerless=f"{file.path if file is not None else name}: {answerless}" if answerless else "", view=view,
        shown=AS_THEY_ARE if pictures == RAW_PICTURES else described(changes), sizes=sizes,
    )  # fmt: skip


def _rows(dataset: Any, left_out: Mapping[str, str]) -> int:
    """How many problems a benchmark has of which the file is the only word: a few rows that nobody can use are none."""
    rows = len(dataset.data) + len(left_out)
    return rows if lacks_too_many(len(left_out), rows) else len(dataset.data)


def load_benchmarks(
    names: Sequence[str], limit: int | None = None, *, fetch: bool = True, pictures: str = DEFAULT_PICTURES,
    write: bool = True,
) -> tuple[list[Benchmark], dict[str, str]]:  # fmt: skip
    """Loads benchmarks in the host's process, as ``host.toolkit.load_benchmarks`` says."""
    load_host()
    missing = missing_files(names, fetch=fetch)
    if missing and fetch:
        return [], missing
    benchmarks: list[Benchmark] = []
    for name in names:
        if name in missing:
            continue
        try:
            benchmarks.append(load_benchmark(name, limit, fetch=fetch, pictures=pictures, write=write))
        except MissingFilesError as error:  # Of a class that loads several files in a way of its own.
            missing[name] = "; ".join(error.missing)
    return benchmarks, missing


def _leave_out(dataset: Any, name: str, task: Task, findings: _Findings) -> dict[str, str]:
    """Takes rows that the host cannot use out of a dataset; why, by where they stand in the file."""
    unusable = unusable_rows(dataset, task.group_columns)
    pictureless = findings.pictureless if getattr(dataset, "skip_noimg", False) and not task.row_split else ()
    left_out = dict.fromkeys(findings.nameless, "no index") | dict.fromkeys(pictureless, "no picture")
    for place, reason in unusable.items():
        index = str(dataset.data["index"].iloc[place])
        left_out[findings.rows.get(index, f"index {index}")] = reason
    if len(unusable) == len(dataset.data) and unusable:
        raise BenchmarkError(
            f"{name}: none of its rows can be used ({left_out_remark(left_out)}). Is it a file of this benchmark?"
        )
    if unusable:
        kept = [place for place in range(len(dataset.data)) if place not in unusable]
        dataset.data = dataset.data.iloc[kept].reset_index(drop=True)
    if left_out:
        _LOGGER.warning("%s: %s", name, left_out_remark(left_out))
    return left_out


# Building the host's dataset ------------------------------------------------------------------------------------------


def _build(name: str, *, fetch: bool) -> tuple[Any, _Findings, DataFile | None, Path]:
    """The host's dataset object, what was found in its table, where that came from, and where the host read it."""
    from vlmeval.dataset import build_dataset

    dataset_class = find_class(name)
    if dataset_class is not None:
        refuse_unusable(name, entry_of(name, dataset_class))
        file = find_file(name, dataset_class, fetch=fetch)
    else:
        file = DataFile(path := own_table(name), md5_of(path))
    if file is not None and not file.is_known:
        _LOGGER.warning(
            "%s: %s has the MD5 %s, the host knows %s: the file is used as it is, and the protocol says so",
            name, file.path, file.md5, file.expected,
        )  # fmt: skip
    findings = _Findings()
    with ExitStack() as stack:
        root = stack.enter_context(readable(name, dataset_class, file, fetch=fetch))
        stack.enter_context(at_work(environment={"LMUData": str(root), "FORCE_LOCAL": None}))
        stack.enter_context(texts_kept())
        stack.enter_context(_checked_loading(name, dataset_class, findings))
        try:
            dataset = build_dataset(name)
        except VisualPRMEvalError:
            raise
        except Exception as error:  # The host raises whatever its code stumbles over.
            place = file.path if file is not None else data_root()
            raise BenchmarkError(
                f"{name}: the host cannot load it ({error_text(error)}); it looked in {place}"
            ) from error
    if dataset is None:
        raise BenchmarkError(f"{data_root()}/{name}.tsv lacks the column question")
    if not hasattr(dataset, "TYPE"):  # ChartBench has none, and the host's runner goes on.
        dataset.TYPE = ""
    if not hasattr(dataset, "img_root"):  # A collection, whose rows name the files of its parts.
        dataset.img_root = str(root / "images" / name)
    if file is not None:
        use_own_image_folder(dataset, file, root)
    return dataset, findings, file, root


def _keep_split(dataset: Any, name: str, split: str) -> None:
    """Leaves the rows that belong to the benchmark, where its file has more."""
    if not split:
        return
    kept = dataset.data[dataset.data["split"] == split] if "split" in dataset.data else None
    if kept is None or kept.empty:
        raise BenchmarkError(f"{name}: {dataset.data_path} has no rows whose split is {split}, which the benchmark is")
    dataset.data = kept.reset_index(drop=True)


def find_class(name: str) -> Any:
    """The host's class of a dataset; ``None`` when the name stands for a user's own file."""
    from vlmeval.dataset import DATASET_CLASSES, supported_video_datasets

    if name in supported_video_datasets:
        refuse_unusable(name, OF_VIDEOS)
    return next((cls for cls in DATASET_CLASSES if name in cls.supported_datasets()), None)


def _checked_loading(name: str, dataset_class: Any, findings: _Findings) -> AbstractContextManager[None]:
    """Looks at a table before the host's constructor does, which fails on the first odd row with a bare assertion."""
    from vlmeval.dataset.image_mcq import CustomMCQDataset
    from vlmeval.dataset.image_vqa import CustomVQADataset

    # An own file becomes one of the two custom classes, depending on its columns.
    classes = (dataset_class,) if dataset_class is not None else (CustomMCQDataset, CustomVQADataset)
    return looked_at(classes, partial(_checked, name, findings))


def _checked(name: str, findings: _Findings, dataset: Any, data: Any) -> Any:
    """A table with the columns that are needed, in which missing pictures are marked."""
    place = getattr(dataset, "data_path", f"{data_root()}/{name}.tsv")
    missing = [column for column in ("index", "question") if column not in data]
    if "image" not in data and "image_path" not in data:
        missing.append("image (or image_path)")
    if getattr(dataset, "TYPE", "") == "Caption" and "question" in missing:
        missing.remove("question")  # The class asks the same of every picture.
    if missing:
        raise BenchmarkError(
            f"{place} lacks the columns {', '.join(missing)}; it has {', '.join(map(str, data.columns))}. "
            "Is it a whole file of this benchmark?"
        )
    data = _with_indices(data, findings)
    if "image" not in data:
        return data
    given, pictureless = data[data["image"].notna()], data[data["image"].isna()]
    findings.pictureless = tuple(findings.rows[index] for index in pictureless["index"].astype(str))
    images = dict(zip(given["index"].astype(str), given["image"].astype(str), strict=True))
    for index, image in images.items():
        # A short text is the index of the row that has the picture; the host asserts that it is.
        if len(image) <= 64 and len(images.get(image, "")) <= 64:
            reason = f"its picture should be that of row {image!r}, which has none" if image else "empty"
            findings.broken[index] = reason
    pairs = zip(data["index"].astype(str), data["image"], strict=True)
    return data.assign(image=[_UNDECODABLE if index in findings.broken else image for index, image in pairs])


def _with_indices(data: Any, findings: _Findings) -> Any:
    """The rows that have an index, which is a whole number where all are."""
    lacking = data["index"].isna()
    findings.nameless = tuple(f"row {place}" for place, lacks in enumerate(lacking, 1) if lacks)
    places = [place for place, lacks in enumerate(lacking, 1) if not lacks]
    if findings.nameless:
        data = data[data["index"].notna()].copy()
        if data["index"].dtype.kind == "f" and (data["index"] % 1 == 0).all():
            data["index"] = data["index"].astype(int)  # One that is missing made all of them fractions.
    for place, index in zip(places, data["index"].astype(str), strict=True):
        findings.rows.setdefault(index, f"row {place}, index {index}")
    return data


def _check_indices(name: str, problems: list[Problem]) -> None:
    doubled = [index for index, count in Counter(problem.index for problem in problems).items() if count > 1]
    if doubled:
        shown = ", ".join(doubled[:5])
        raise BenchmarkError(f"{name}: the index {shown} stands in several rows; expected one row each")
    if not problems:
        raise BenchmarkError(f"{name} has no rows")


def host_judge(name: str, kind: str) -> str | None:
    """The judge that the host would take by default for a benchmark without a task of its own, which has another."""
    return None if name in TASKS else default_judge(name, kind)
