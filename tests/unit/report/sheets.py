"""Workbooks as files, for what reads them."""

from __future__ import annotations

from pathlib import Path

from visualprm_eval.report import Results
from visualprm_eval.report.render.workbook import render


def write_workbook(path: Path, results: Results, **options: int) -> None:
    """Writes ``results.xlsx`` alone."""
    path.write_bytes(render(results, **options))
