"""How long ``visualprm_eval report`` takes on a made-up store of many problems and candidates, part by part."""

from __future__ import annotations

import argparse
import os
import pkgutil
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from visualprm_eval.bench.machine import machine
from visualprm_eval.bench.report_store import fill
from visualprm_eval.core.config import REPORT
from visualprm_eval.run.plan_report import report
from visualprm_eval.store import STORE_FILE, Store

HELP = "what a report takes, from the store to the files"
_NAMES = ("first", "random", "self-consistency", "visualprm", "visualprm:min", "weighted-vote", "oracle")
_PARTS = (
    ("looking for damage, in a large store beside the rest", "visualprm_eval.run.plan_report", "refuse_damage"),
    ("what there is to report on", "visualprm_eval.run.plan_report", "plan_report"),
    ("reading", "visualprm_eval.run.collect_results", "read_study"),
    ("table", "visualprm_eval.run.collect_results", "evaluate"),
    ("curves, intervals, comparisons, diagnoses", "visualprm_eval.evaluate.stats:Examiner", "add"),
    ("viewer's pictures", "visualprm_eval.report.viewer.thumbnails:Thumbnails", "place_of"),
    ("viewer's texts", "visualprm_eval.run.collect_results", "add_to_viewer"),
    ("protocol, published figures, failures", "visualprm_eval.run.collect_results", "collect"),
    ("figures", "visualprm_eval.report.render.figures", "draw_figures"),
    ("results.csv", "visualprm_eval.report.render.csv", "render"),
    ("results.xlsx, where it is large beside the rest", "visualprm_eval.report.render.files", "_awaited"),
    ("results.png", "visualprm_eval.report.render.figures", "draw_values"),
    ("results.md", "visualprm_eval.report.render.markdown", "render"),
    ("report.html", "visualprm_eval.report.render.html", "render"),
)
"""What each part of a report is for people, and the function that does it; what it calls of the others is not its."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--problems", type=int, default=10_000, help="problems (%(default)s)")
    parser.add_argument("--samples", type=int, default=128, help="candidates per problem (%(default)s)")
    parser.add_argument(
        "--pictures", type=int, default=0, metavar="N",
        help="give that many problems a picture of about 1,000 x 800 pixels, and report a second time, with the small "
        "copies that the first report kept (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--work-dir", type=Path, help="keep the made-up store in this folder, or use the one there (a temporary folder)"
    )


def measure(arguments: argparse.Namespace) -> str:
    """Measures and returns the figures in words."""
    with ExitStack() as stack:
        work_dir = arguments.work_dir or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if not (work_dir / STORE_FILE).exists():
            fill(work_dir, arguments.problems, arguments.samples, arguments.pictures)
        if not arguments.pictures:
            return "\n".join([*_report_of(work_dir, ""), f"  on {_machine()}"])
        # Small copies of its own, so that the first report has none.
        cache = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(patch.dict(os.environ, XDG_CACHE_HOME=cache))
        first, second = (_report_of(work_dir, which) for which in ("first ", "second "))
        return "\n".join([*first, *second, f"  on {_machine()}"])


def _machine() -> str:
    return machine("numpy", "scipy", "openpyxl", "Pillow")


def _report_of(work_dir: Path, which: str) -> list[str]:
    """Reports once; what it took in words, and part by part."""
    n_problems, n, n_pictures = _size(work_dir / STORE_FILE)
    size = (work_dir / STORE_FILE).stat().st_size
    with _timed() as parts:
        before = _clocks()
        report(replace(REPORT, work_dir=work_dir), _NAMES)
        wall_s, own_s, children_s = (late - early for early, late in zip(before, _clocks(), strict=True))
    known_wall_s, known_own_s = map(sum, zip(*parts.values(), strict=True))
    parts["all else"] = (wall_s - known_wall_s, own_s - known_own_s)
    # The most that this process and one that it started held; Linux counts in KiB.
    peak_mib = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    pictures = f"{n_pictures:,} pictures, " if n_pictures else ""
    said = (
        f"{which}report of {len(_NAMES)} rerankers, {n_problems:,} problems x {n} candidates, {pictures}"
        f"a store of {size / 2**20:,.0f} MiB: {wall_s:.1f} s ({own_s:.1f} s of processor time here, "
        f"{children_s:.1f} s beside), {peak_mib:,.0f} MiB of memory at most"
    )
    return [said, *(f"  {name}: {wall:.2f} s ({own:.2f} s)" for name, (wall, own) in parts.items())]


def _size(path: Path) -> tuple[int, int, int]:
    """P and N of a made-up store, and how many pictures it has."""
    with Store.open(path, write=False) as store:
        (sampling,), (benchmark,) = store.specs("sampling"), store.benchmarks()
        problems = store.problems(benchmark)
        ids = [problem.id for problem in problems]
        return len(ids), store.sampled(sampling.id, ids), sum(len(problem.images) for problem in problems)


def _clocks() -> tuple[float, float, float]:
    """Wall-clock time, and the processor seconds of this process and of those that it started and that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own_s, children_s = (each.ru_utime + each.ru_stime for each in used)
    return time.perf_counter(), own_s, children_s


@contextmanager
def _timed() -> Iterator[dict[str, tuple[float, float]]]:
    """Seconds and processor seconds of each part, by name, while it is open; then the functions are theirs again."""
    seconds = {name: (0.0, 0.0) for name, _, _ in _PARTS}
    running: list[str] = []
    last = [(0.0, 0.0)]

    def switch() -> None:
        now = (time.perf_counter(), time.process_time())
        if running:
            wall, own = seconds[running[-1]]
            seconds[running[-1]] = (wall + now[0] - last[0][0], own + now[1] - last[0][1])
        last[0] = now

    def timed(name: str, function: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            switch()
            running.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                switch()
                running.pop()

        return run

    with ExitStack() as patches:
        for name, path, attribute in _PARTS:
            owner = pkgutil.resolve_name(path)
            patches.enter_context(patch.object(owner, attribute, timed(name, getattr(owner, attribute))))
        yield seconds
