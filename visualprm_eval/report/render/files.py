"""Writes the result files, each whole or not at all."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.atomic_file import atomic_draft
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


def write_atomically(path: Path, write: Callable[[Path], None]) -> Path:
    """Lets ``write`` fill a file beside ``path`` and puts it in place at once: a kill leaves the old or the new file.

    Args:
        path: The file to replace.
        write: Writes the file whose path it is given.

    Returns:
        ``path``.

    Raises:
        ConfigError: The file cannot be written.
    """
    try:
        with atomic_draft(path) as draft:
            write(draft)
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror or error}; close it where it is open, "
            "or choose a work dir with room that may be written to (--work-dir)"
        ) from error
    return path


def write_reports(work_dir: Path, results: Results) -> list[Path]:
    """Writes the result files into the work dir.

    They are ``results.csv``, ``results.xlsx``, ``results.png``, ``results.md`` and ``report.html``, ``curves.csv``
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
    from visualprm_eval.report.render.csv import write_csv
    from visualprm_eval.report.render.figures import FIGURES, draw_figures, write_plot
    from visualprm_eval.report.render.html import write_html
    from visualprm_eval.report.render.markdown import write_markdown

    points, values = results.insight.points, all_values(results.rows, results.insight)
    with _workbook(results) as write_results:
        figures = draw_figures(results.insight)
        vectors = {name: kinds["svg"] for name, kinds in figures.items()}
        drawn = write_figures(work_dir / "figures", figures, FIGURES)
        written = [
            write_atomically(work_dir / "results.csv", lambda path: write_csv(path, values)),
            write_atomically(work_dir / "results.png", lambda path: write_plot(path, results)),
            write_atomically(work_dir / "results.md", lambda path: write_markdown(path, results, "results.png")),
            write_atomically(work_dir / "report.html", lambda path: write_html(path, results, vectors)),
        ]
        if points:
            written.insert(
                1, write_atomically(work_dir / "curves.csv", lambda path: write_csv(path, curve_values(points)))
            )
        _remove([] if points else [work_dir / "curves.csv"])
        written.insert(len(written) - 3, write_atomically(work_dir / "results.xlsx", write_results))
    return [*written, *drawn]


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
    contents = {folder / f"{name}.{kind}": data for name, kinds in figures.items() for kind, data in kinds.items()}
    _remove(path for name in names for kind in FORMATS if (path := folder / f"{name}.{kind}") not in contents)
    return [write_atomically(path, _writer(data)) for path, data in contents.items()]


@contextmanager
def _workbook(results: Results) -> Iterator[Callable[[Path], None]]:
    """What writes the spreadsheet; one of many picks is made by a process beside this one meanwhile."""
    from visualprm_eval.report.render.workbook import workbook_bytes, write_workbook

    if len(results.picks) < _MANY_PICKS:
        yield lambda path: write_workbook(path, results)
        return

    with beside(workbook_bytes, replace(results, viewer=Viewer())) as outcome:  # The sheets show nothing of the viewer.

        def write(path: Path) -> None:
            path.write_bytes(_awaited(outcome))

        yield write


def _awaited(outcome: Callable[[], bytes]) -> bytes:
    return outcome()


def _remove(paths: Iterable[Path]) -> None:
    for path in filter(Path.is_file, paths):
        try:
            path.unlink()
        except OSError as error:
            raise ConfigError(f"cannot remove {path}, which is out of date: {error.strerror or error}") from error


def _writer(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write
