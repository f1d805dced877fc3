"""Views of the results: CSV, spreadsheet, Markdown, plot and terminal. Nothing is ever read back from them."""

from __future__ import annotations

from visualprm_eval.report.files import write_reports
from visualprm_eval.report.results import Failure, Results
from visualprm_eval.report.terminal import print_table

__all__ = ["Failure", "Results", "print_table", "write_reports"]
