"""Writes the result files, each whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.subprocess_call import beside
from visualprm_eval.report.render.drawing import FORMATS
from visualprm_eval.report.tables.statistics import curve_values
from visualprm_eval.report.tables.values import all_values
from visualprm_eval.report.viewer.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from visualprm_eval.report.results import Results

_MANY_PICKS = 10_000
"""From so many on a spreadsheet takes longer than a process takes to start."""


def write_reports(work_dir: Path, results: Results) -> list[Path]:
    """Writes the result files into the work dir.

    They are ``results.csv``, ``results.png``, ``results.md``, ``report.html`` and ``results.xlsx``, ``curves.csv``
    where there are expected values, and in ``figures`` what there is to draw of curves, gains and step scores, as PNG
    and SVG; files of an earlier report that there is nothing for any more go: they would contradict the tables.

    Args:
        work_dir: Where the files go; made when it is missing.
        results: What they show.

    Returns:
        The paths of the files.

    Raises:
        ConfigError: A file cannot be written.
    """
    # openpyxl and matplotlib are only worth their import time when files are written.
    from visualprm_eval.report.render import csv, html, markdown
    from visualprm_eval.report.render.figures import FIGURES, draw_figures, draw_values

    points = results.insight.points
    with _workbook(results) as workbook:
        figures = draw_figures(results.insight)
        drawn = write_figures(work_dir / "figures", figures, FIGURES)

        def contents() -> Iterator[tuple[str, bytes | str]]:
            yield "results.csv", csv.render(all_values(results.rows, results.insight))
            if points:
                yield "curves.csv", csv.render(curve_values(points))
            yield "results.png", draw_values(results)
            yield "results.md", markdown.render(results, "results.png")
            yield "report.html", html.render(results, {name: kinds["svg"] for name, kinds in figures.items()})
            yield "results.xlsx", _awaited(workbook)

        written = write_files(work_dir, contents())
    remove([] if points else [work_dir / "curves.csv"])
    return [*written, *drawn]


def write_files(folder: Path, contents: Iterable[tuple[str, bytes | str]]) -> list[Path]:
    """Writes files one after the other: a kill leaves the old or the new file.

    Args:
        folder: Where they go; made when it is missing.
        contents: Names and contents; each is made when the one before it is written.

    Returns:
        The paths of the files.

    Raises:
        ConfigError: A file cannot be written.
    """
    paths = []
    for name, content in contents:
        path = folder / name
        try:
            write_atomically(path, content)
        except OSError as error:
            raise ConfigError(
                f"cannot write {path}: {error.strerror or error}; close it where it is open, "
                "or choose a work dir with room that may be written to (--work-dir)"
            ) from error
        paths.append(path)
    return paths


def write_figures(folder: Path, figures: Mapping[str, Mapping[str, bytes]], names: Iterable[str]) -> list[Path]:
    """Writes figures, and removes those of ``names`` that there are none of any more.

    Args:
        folder: Where they go.
        figures: By name the bytes of a file per format.
        names: All that there may be.

    Returns:
        The paths of the files.

    Raises:
        ConfigError: A file cannot be written or removed.
    """
    contents = {f"{name}.{kind}": data for name, kinds in figures.items() for kind, data in kinds.items()}
    remove(folder / file for name in names for kind in FORMATS if (file := f"{name}.{kind}") not in contents)
    return write_files(folder, contents.items())


@contextmanager
def _workbook(results: Results) -> Iterator[Callable[[], bytes]]:
    """What makes the spreadsheet; one of many picks is made by a process beside this one meanwhile."""
    from visualprm_eval.report.render.workbook import render

    if len(results.picks) < _MANY_PICKS:
        yield partial(render, results)
        return
    with beside(render, replace(results, viewer=Viewer())) as outcome:  # The sheets show nothing of the viewer.
        yield outcome


def _awaited(outcome: Callable[[], bytes]) -> bytes:
    return outcome()


def remove(paths: Iterable[Path]) -> None:
    """Removes those of the files that are there."""
    for path in filter(Path.is_file, paths):
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"cannot remove {path}, which is out of date: {error.strerror or error}") from error
