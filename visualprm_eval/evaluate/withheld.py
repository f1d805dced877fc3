"""The one rule of what is withheld, for tables, curves, figures and comparisons alike.

A critic whose scores are lacking on a benchmark, or failed too often there, loses its own rows and restricts nobody:
the pool of all others is what it would be without that critic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from visualprm_eval.core.words import part_of, verb
from visualprm_eval.evaluate.fact_columns import Columns
from visualprm_eval.evaluate.result_rows import INCOMPLETE, WITHOUT_CRITIC

if TYPE_CHECKING:
    from visualprm_eval.evaluate.candidate_grid import Grid

MAX_FAILED = 0.01
"""The greatest part of problems that may be left out of a value."""
MAX_UNSCORED = 0.01
"""The greatest part of texts on which a critic may have failed and still shape the pool."""


def lost_critics(columns: Columns, critics: Iterable[str], n: int) -> dict[str, str]:
    """The critics that have no rows on a benchmark, and why.

    Args:
        columns: What is known of a policy on the benchmark.
        critics: Labels of all critics of the run.
        n: N; what later candidates wrote does not count.
    """
    texts = columns.below(n)[1]
    total = int(texts.sum())
    lost: dict[str, str] = {}
    for critic in critics:
        said = columns.critic(critic)
        lacking, failed = int((texts & ~said.known).sum()), int((texts & said.failed).sum())
        if lacking:
            not_scored = f"{part_of(lacking, total, 'text')} {verb(lacking, 'is', 'are')} not scored by {critic}"
            lost[critic] = f"{WITHOUT_CRITIC}{not_scored}"
        elif failed > MAX_UNSCORED * total:
            lost[critic] = f"{WITHOUT_CRITIC}{part_of(failed, total, 'text')} failed to be scored by {critic}"
    return lost


def why_withheld(grid: Grid, k: int) -> str:
    """Why no value from the first k candidates is given, whatever reranker picks; ``""`` when there is none.

    Args:
        grid: The problems.
        k: Best of how many.
    """
    complete = grid.complete(k)
    total = len(grid)
    if n_incomplete := int((~complete).sum()):
        lacks = f"{part_of(n_incomplete, total, 'problem')} {verb(n_incomplete, 'lacks', 'lack')}"
        return f"{INCOMPLETE}{lacks} {grid.lacking(k)}"
    n_failed = int((~grid.usable[:, :k].any(axis=1)).sum())
    return f"withheld: {part_of(n_failed, total, 'problem')} failed" if n_failed > MAX_FAILED * total else ""
