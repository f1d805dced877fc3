"""The report of a run or of a store: evaluates, prints, writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import tell
from visualprm_eval.stages.experiment import keep_equalities

if TYPE_CHECKING:
    from visualprm_eval.run.plan_run import Plan
    from visualprm_eval.store import Store


def write_report(store: Store, plan: Plan, work_dir: Path, check: Callable[[], None] = lambda: None) -> None:
    """Evaluates what the store holds, prints the tables and writes the result files.

    Args:
        store: Where facts are.
        plan: What the report is of.
        work_dir: Where the files go.
        check: Raises if the store turned out to be damaged; asked before any result is shown.
    """
    from visualprm_eval.report import print_table, write_reports
    from visualprm_eval.run.collect_results import collect
    from visualprm_eval.store.reading import uncollected

    with uncollected():
        results = collect(store, plan)
        check()
        keep_equalities(store, plan.equalities)
        store.check_in_place()  # Else the files would bring a folder back that somebody removed.
        paths = write_reports(work_dir, results)
    print_table(results, files=paths)
    if plan.equalities.lacking:
        tell(f"note: votes were compared by {plan.equalities.told()}")
