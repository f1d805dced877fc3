"""Writes the result files: the names and the columns of the main job's, and figures."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.files import write_atomically, write_figures

__all__ = ["write_process_reports"]


def write_process_reports(work_dir: Path, results: ProcessResults) -> list[Path]:
    """Writes ``results.csv``, ``results.xlsx``, the figures and ``results.md`` into the work dir.

    Args:
        work_dir: Where the files go; made when it is missing.
        results: What they show.

    Returns:
        The paths of the files; a figure that there is nothing for is removed.

    Raises:
        ConfigError: A file cannot be written.
    """
    # openpyxl and matplotlib are only worth their import time when files are written.
    from visualprm_eval.report.render.csv import write_csv
    from visualprm_eval.report.render.step_label_figures import FIGURES, draw_figures
    from visualprm_eval.report.render.step_label_page import write_page
    from visualprm_eval.report.render.step_label_sheets import write_sheets
    from visualprm_eval.report.tables.values import all_values

    figures = write_figures(work_dir / "figures", draw_figures(results), FIGURES)
    paths = [
        write_atomically(work_dir / "results.csv", lambda path: write_csv(path, all_values(results.rows))),
        write_atomically(work_dir / "results.xlsx", lambda path: write_sheets(path, results)),
    ]
    shown = [path.relative_to(work_dir).as_posix() for path in figures if path.suffix == ".png"]
    written = write_atomically(work_dir / "results.md", lambda path: write_page(path, results, shown))
    return [*paths, written, *figures]
