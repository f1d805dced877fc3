"""The report of a run or of a store: evaluates, prints, writes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from visualprm_eval.run.plan_run import Session

__all__ = ["write_report"]


def write_report(session: Session) -> None:
    """Evaluates what the store holds, prints the tables and writes the result files."""
    from visualprm_eval.report import print_table, write_reports
    from visualprm_eval.run.collect_results import collect
    from visualprm_eval.store.reading import uncollected

    with uncollected():
        results = collect(session)
        session.keep_equalities()
        session.store.check_in_place()  # Else the files would bring a folder back that somebody removed.
        paths = write_reports(session.config.work_dir, results)
    print_table(results, files=paths)
    if session.equalities.lacking:
        print(f"note: votes were compared by {session.equalities.told()}", file=sys.stderr)
