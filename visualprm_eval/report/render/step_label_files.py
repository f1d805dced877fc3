"""Writes the result files: the names and the columns of the main job's, and figures."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.files import write_figures, write_files

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
    from visualprm_eval.report.render import csv, step_label_page, step_label_sheets
    from visualprm_eval.report.render.step_label_figures import FIGURES, draw_figures
    from visualprm_eval.report.tables.values import all_values

    figures = write_figures(work_dir / "figures", draw_figures(results), FIGURES)
    shown = [path.relative_to(work_dir).as_posix() for path in figures if path.suffix == ".png"]
    contents: dict[str, bytes | str] = {
        "results.csv": csv.render(all_values(results.rows)),
        "results.xlsx": step_label_sheets.render(results),
        "results.md": step_label_page.render(results, shown),
    }
    return [*write_files(work_dir, contents.items()), *figures]
