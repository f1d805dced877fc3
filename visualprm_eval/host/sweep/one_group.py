"""One group of the host's benchmarks: its table made, loaded and graded, in the ways of a run."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import VisualPRMEvalError
from visualprm_eval.core.visible import tell
from visualprm_eval.core.words import digits
from visualprm_eval.host.grading.host_figures import HostFigure
from visualprm_eval.host.sweep.made_tables import MadeRow, made_rows, write_hub_file, write_pictures, write_table
from visualprm_eval.host.sweep.shapes import Shape, shape_of
from visualprm_eval.host.sweep.stub_judge import NAME, stub_judge

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark

_ROUNDING = 0.01
"""How far a figure may be from the greatest one."""

GRADED, SENSELESS, REFUSED = "graded", "senseless", "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a group.

    Attributes:
        group: The host's class.
        benchmark: The benchmark that was tried.
        host_type: The class's ``TYPE``.
        judge: Who judged: ``"none"``, or the stub.
        options: What a run needs that grades it, as on the command line; ``""`` for nothing.
        outcome: ``"graded"``, ``"senseless"``, ``"refused"``, or ``"ended"`` where the process did not come to an end.
        metric: What the host calls the figure.
        reference: The figure of texts that are right.
        wrong: The figure of texts that are wrong.
        reason: Why it was refused, or is senseless.
        seconds: How long it took.
    """

    group: str
    benchmark: str
    host_type: str = ""
    judge: str = ""
    options: str = ""
    outcome: str = REFUSED
    metric: str = ""
    reference: float | None = None
    wrong: float | None = None
    reason: str = ""
    seconds: float = 0.0


def groups() -> list[tuple[str, str]]:
    """The groups: a class of the host and a benchmark of it; without videos and users' own tables."""
    from vlmeval.dataset import DATASET_CLASSES, supported_video_datasets

    from visualprm_eval.host.data.benchmarks import find_class

    found = list[tuple[str, str]]()
    for cls in DATASET_CLASSES:
        if getattr(cls, "MODALITY", "IMAGE") == "VIDEO" or cls.__module__.startswith("visualprm_eval."):
            continue
        # Some names stand in two classes, of which the host takes the first.
        names = [name for name in cls.supported_datasets() if name not in supported_video_datasets]
        own = [name for name in names if find_class(name) is cls]
        chosen = [name for name in shape_of(cls.__name__).benchmarks if name in own]
        found += [(cls.__name__, name) for name in chosen or own[:1]]
    return found


def sweep_group(group: str, name: str, folder: Path) -> Outcome:
    """Makes the table of a group, and lets the host grade it; for a process of its own, whose environment it changes.

    A grader that can do nothing without a judge gets the stub.

    Args:
        group: The host's class.
        name: The benchmark.
        folder: An empty folder of its own.
    """
    data, hub = folder / "data", folder / "hub"
    # Nothing of the user's is read or written.
    os.environ |= {
        "LMUData": str(data), "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder), "HF_HOME": str(folder),
        "HF_HUB_CACHE": str(hub), "VLMEVALKIT_USE_MODELSCOPE": "0",
    }  # fmt: skip
    os.chdir(folder)
    from visualprm_eval.host.data.benchmarks import find_class, load_benchmark

    _forget_checksums()
    host_type = str(getattr(find_class(name), "TYPE", ""))
    shape = shape_of(name, group)
    rows = made_rows(shape, host_type, folder)
    write_pictures(folder, rows)
    for file in () if shape.parts else (f"{name}.tsv", *shape.files):
        write_table(data / file, rows)
    for place in range(len(rows)) if shape.parts else ():
        write_table(data / Template(shape.parts).substitute(i=place, n=place + 1), rows[place : place + 1])
    hub.mkdir()
    for file in shape.hub:
        write_hub_file(hub, file)
    found = Outcome(group, name, host_type, options=_options(shape))
    with stub_judge(rows, shape.replies) as address:
        without = JudgeOptions(metric=shape.metric or None, prediction="raw" if shape.raw else None)
        stub = replace(without, name=NAME, base_url=address, key="none", retry=2, timeout_s=20)
        try:
            benchmark = load_benchmark(name, fetch=False)
            if not (shape.judged or benchmark.task.needs_judge):
                try:
                    return replace(found, judge="none", **_graded(benchmark, rows, shape, folder / "unjudged", without))
                except VisualPRMEvalError as error:
                    tell(f"without a judge: {error}")  # Into the output of the group.
            found = replace(found, judge="stub")
            return replace(found, **_graded(benchmark, rows, shape, folder / "judged", stub))
        except VisualPRMEvalError as error:
            return replace(found, reason=_without_places(f"{error}{_uncounted(folder)}", folder))
        except Exception as error:  # noqa: BLE001 - a fault of ours, which the table is to show
            return replace(found, outcome="fault", reason=_without_places(error_text(error), folder))


def _options(shape: Shape) -> str:
    """The options that a run needs which grades such a group."""
    metric = f"--metric {shape.metric}" if shape.metric else ""
    return " ".join(filter(None, (metric, "--prediction raw" if shape.raw else "")))


def _forget_checksums() -> None:
    """Lets the host take made-up files for its own, also where it reads them again by itself."""
    from vlmeval.dataset import DATASET_CLASSES

    for owner in {owner for cls in DATASET_CLASSES for owner in cls.__mro__}:
        known = vars(owner).get("DATASET_MD5")
        if isinstance(known, dict):
            known.update(dict.fromkeys(known))


def _uncounted(folder: Path) -> str:
    """What the logs say of a table that the host could not count."""
    logs = [log.read_text("utf-8", errors="replace") for log in sorted(folder.glob("judged/*/host.log"))]
    said = re.findall(r"is not counted \((.+)\)$", "\n".join(logs), re.MULTILINE)
    return f" ({said[-1]})" if said else ""


def _without_places(text: str, folder: Path) -> str:
    """A reason that is the same wherever, and whenever, the group is tried."""
    text = re.sub(r"/\S+/site-packages/", "", text.replace(str(folder), "WORK"))
    return re.sub(r"WORK/\S+/(?=table-)|(?<=table-)\w+|(?<=/data/)[0-9a-f-]{12,}", "", text)


def _graded(
    benchmark: Benchmark, rows: Sequence[MadeRow], shape: Shape, folder: Path, judge: JudgeOptions
) -> dict[str, Any]:
    """What becomes of a table: first tried as before a run, then graded with right and with wrong texts.

    Raises:
        VisualPRMEvalError: It is refused.
    """
    from visualprm_eval.host.grading.grade_table import check_gradable, try_grader

    check_gradable(benchmark, judge)
    trial = try_grader(benchmark, folder, judge)
    indices = [problem.index for problem in benchmark.problems]
    # A collection has the rows of each of its benchmarks.
    right = dict(zip(indices, (row.right for row in cycle(rows)), strict=False))
    wrong = dict(zip(indices, (row.wrong for row in cycle(rows)), strict=False))
    tried = right == {problem.index: problem.answer for problem in benchmark.problems}
    best = (trial.figure if tried else None) or _figure(benchmark, right, folder, judge)
    worst = _figure(benchmark, wrong, folder, judge)
    found = {"metric": best.metric, "reference": best.value, "wrong": worst.value}
    wanted = {1.0, 100.0} if best.greatest in {None, math.inf} else {best.greatest}
    wanted = {0.0} if best.lower else {shape.greatest} if shape.greatest is not None else wanted
    if min(abs(best.value - each) for each in wanted) > _ROUNDING:
        named = " or ".join(map(digits, sorted(wanted)))
        return {**found, "outcome": SENSELESS, "reason": f"right texts are worth {digits(best.value)}, not {named}"}
    if (worst.value - best.value if best.lower else best.value - worst.value) <= 0:
        return {**found, "outcome": SENSELESS, "reason": "wrong texts are worth as much as right ones"}
    return {**found, "outcome": GRADED}


def _figure(benchmark: Benchmark, texts: Mapping[str, str], folder: Path, judge: JudgeOptions) -> HostFigure:
    """The figure of a table, which is the mean of its verdicts where the host has none."""
    from visualprm_eval.host.grading.grade_table import evaluate_table

    table = evaluate_table(benchmark, texts, folder, judge)
    figure = table.take_figure()
    if figure is not None:
        return figure
    if not isinstance(table.verdicts, dict):
        raise table.no_figure
    verdicts = [verdict.value or 0.0 for verdict in table.verdicts.values()]
    return HostFigure(100 * math.fsum(verdicts) / len(verdicts), "mean over the rows", 100.0)
