"""Views of the results: CSV, spreadsheet, Markdown, plot and terminal. Nothing is ever read back from them."""

from __future__ import annotations

from visualprm_eval.evaluate.result_rows import Failure
from visualprm_eval.report.render.files import write_reports
from visualprm_eval.report.render.terminal import print_table
from visualprm_eval.report.results import Results

__all__ = ["Failure", "Results", "print_table", "write_reports"]
