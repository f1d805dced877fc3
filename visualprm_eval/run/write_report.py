"""The report of a run or of a store: evaluates, prints, writes."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import tell
from visualprm_eval.stages.experiment import keep_equalities

if TYPE_CHECKING:
    from visualprm_eval.report.render.file_set import Shown
    from visualprm_eval.run.plan_run import Plan
    from visualprm_eval.store import Store


def write_report(
    store: Store, plan: Plan, work_dir: Path, check: Callable[[], None] = lambda: None, folder: Path | None = None
) -> None:
    """Evaluates what the store holds, prints the tables and writes the result files.

    Args:
        store: Where facts are.
        plan: What the report is of.
        work_dir: Where the store is.
        check: Raises if the store turned out to be damaged; asked before any result is shown.
        folder: Where the files go; ``None`` for the work dir.
    """
    from visualprm_eval.report import print_table
    from visualprm_eval.report.render.files import renew_reports, shown_by
    from visualprm_eval.run.collect_results import collect
    from visualprm_eval.store.reading import uncollected

    with uncollected():
        results = collect(store, plan)
        check()
        keep_equalities(store, plan.equalities)
        store.check_in_place()  # Else the files would bring a folder back that somebody removed.
        renewal = renew_reports(folder or work_dir, results)
    print_table(results, files=renewal.paths)
    for note in renewal.notes:
        tell(f"note: {note}")
    shown = shown_by(results)
    if renewal.former is not None and (missing := shown.missing_of(renewal.former)):
        again = shlex.join(["visualprm_eval", "report", "--work-dir", str(work_dir), *_options(shown, renewal.former)])
        tell_missing(folder or work_dir, missing, f"`{again}` shows all, and with -o DIR it writes elsewhere")
    if plan.equalities.lacking:
        tell(f"note: votes were compared by {plan.equalities.told()}")


def tell_missing(folder: Path, missing: dict[str, str], remedy: str) -> None:
    """Tells what files no longer show that those before them did.

    Args:
        folder: Where they are.
        missing: What, by kind.
        remedy: How to see it again.
    """
    listed = "; ".join(f"{kind} {what}" for kind, what in missing.items())
    tell(f"note: the former files in {folder} showed more: {listed}. It is stored: {remedy}")


def _options(shown: Shown, former: Shown) -> list[str]:
    """With what a report from the store alone shows what a former one did, and what this one does."""
    missing, options = shown.missing_of(former), list[str]()
    for option, kind in {"--reranker": "rerankers", "--k": "k"}.items():
        if kind in missing:
            options += [option, *dict.fromkeys((*former.names[kind], *shown.names[kind]))]
    limits = [former.counts[what] for what in missing if what in former.counts]
    return [*options, *(["--limit", str(max(limits))] if limits else [])]
