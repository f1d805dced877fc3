"""Writes the result files: the names and the columns of the main job's, and three figures."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.report.render.files import write_atomically

__all__ = ["FIGURES", "write_process_reports"]

FIGURES = ("f1-threshold.png", "reliability.png", "error-by-step.png")


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
    from visualprm_eval.report.render.step_label_figures import figures
    from visualprm_eval.report.render.step_label_page import write_page
    from visualprm_eval.report.render.step_label_sheets import write_sheets

    drawn = dict(zip(FIGURES, figures(results), strict=True))
    paths = [
        write_atomically(work_dir / "results.csv", lambda path: write_csv(path, results.rows)),
        write_atomically(work_dir / "results.xlsx", lambda path: write_sheets(path, results)),
    ]
    for name, draw in drawn.items():
        if draw is None:
            (work_dir / name).unlink(missing_ok=True)
        else:
            paths.append(write_atomically(work_dir / name, draw))
    shown = [name for name, draw in drawn.items() if draw is not None]
    return [*paths, write_atomically(work_dir / "results.md", lambda path: write_page(path, results, shown))]
