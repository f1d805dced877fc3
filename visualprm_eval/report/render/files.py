"""The result files of best-of-N."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.progress import track
from visualprm_eval.core.subprocess_call import beside
from visualprm_eval.evaluate.result_rows import OVERALL
from visualprm_eval.report.render.file_set import Renewal, Shown, renew
from visualprm_eval.report.tables.statistics import curve_values
from visualprm_eval.report.tables.values import all_values
from visualprm_eval.report.viewer.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from visualprm_eval.report.results import Results

_MANY_PICKS = 10_000
"""From so many on a spreadsheet takes longer than a process takes to start."""


def write_reports(work_dir: Path, results: Results) -> list[Path]:
    """Writes the result files into the work dir, as :func:`renew_reports` does.

    Returns:
        The paths of the files.

    Raises:
        ConfigError: A file cannot be written; those of the former report are still there.
    """
    return renew_reports(work_dir, results).paths


def renew_reports(folder: Path, results: Results) -> Renewal:
    """Writes the result files, all or none, in place of those of the former report there.

    They are ``results.csv``, ``results.png``, ``results.md``, ``report.html`` and ``results.xlsx``, ``curves.csv``
    where there are expected values, and in ``figures`` what there is to draw of curves, gains and step scores, as PNG
    and SVG.

    Args:
        folder: Where the files go; made when it is missing.
        results: What they show.

    Raises:
        ConfigError: A file cannot be written; those of the former report are still there.
    """
    # openpyxl and matplotlib are only worth their import time when files are written.
    from visualprm_eval.report.render import csv, html, markdown
    from visualprm_eval.report.render.figures import draw_figures, draw_values

    points = results.insight.points
    with _workbook(results) as workbook, track("write the report", 6 + bool(points)) as tracker:

        def told(content: bytes | str) -> bytes | str:
            tracker.advance()
            return content

        figures = draw_figures(results.insight)
        tracker.advance()
        contents: dict[str, Callable[[], bytes | str]] = {
            "results.csv": lambda: told(csv.render(all_values(results.rows, results.insight))),
            **({"curves.csv": lambda: told(csv.render(curve_values(points)))} if points else {}),
            "results.png": lambda: told(draw_values(results)),
            "results.md": lambda: told(markdown.render(results, "results.png")),
            "report.html": lambda: told(html.render(results, {name: kinds["svg"] for name, kinds in figures.items()})),
            "results.xlsx": lambda: told(_awaited(workbook)),
            **figure_files(figures),
        }
        return renew(folder, contents, shown_by(results))


def figure_files(figures: Mapping[str, Mapping[str, bytes]]) -> dict[str, Callable[[], bytes]]:
    """What makes the files of figures, by their names below the folder of a report.

    Args:
        figures: By name the bytes of a file per format.
    """
    return {
        f"figures/{name}.{kind}": partial(bytes, data)
        for name, kinds in figures.items()
        for kind, data in kinds.items()
    }


def shown_by(results: Results) -> Shown:
    """Whose values there are, of what, and of how many problems."""
    rows = [row for row in results.rows if row.benchmark != OVERALL]
    names = {
        "policies": [row.policy for row in rows],
        "benchmarks": [row.benchmark for row in rows],
        "rerankers": [row.reranker for row in rows],
        "k": [str(row.k) for row in rows],
    }
    counts: dict[str, int] = {}
    for row in rows:
        what = f"problems of {row.benchmark} {row.split}".rstrip()
        counts[what] = max(counts.get(what, 0), row.n_problems)
    return Shown({kind: list(dict.fromkeys(each)) for kind, each in names.items()}, counts)


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
