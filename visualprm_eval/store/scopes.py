"""How much a run had of each policy and benchmark, so that a report from the store alone is of the same.

Facts do not tell it: a pack may hold more candidates than a run used, the file of a benchmark more problems, and two
judges may have graded. So each run leaves a note per policy and benchmark, and the last one counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.types import JSONValue, Spec

if TYPE_CHECKING:
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.store import Store

_SCOPE = "scope"
"""The kind of notes on what a run had of a sampling on a benchmark."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run had of one policy on one benchmark.

    Attributes:
        policy: What the run called the policy.
        greedy: Whether it was the policy's one sample at temperature 0 beside its others.
        problems: Ids of the problems in order.
        n: Candidates per problem.
        ks: Best of how many, ascending.
        grade: Which texts were to be graded, as for ``RunConfig``.
        grading: The settings of the key of the verdicts; ``None`` while no run wanted any.
        origin: What is known of the benchmark, see ``run.export_problems.origin_of``.
    """

    policy: str
    greedy: bool
    problems: Sequence[str]
    n: int
    ks: Sequence[int]
    grade: str
    grading: Mapping[str, JSONValue] | None
    origin: Mapping[str, JSONValue]

    @property
    def graded(self) -> Spec | None:
        """The key of the verdicts."""
        return None if self.grading is None else Spec("grading", self.grading)


def put_scope(store: Store, sampling: Spec, benchmark: str, scope: Scope) -> None:
    """Keeps what a run has of a sampling on a benchmark."""
    store.put_note(_SCOPE, _subject(sampling, benchmark), asdict(scope))


def scopes(store: Store, sampling: Spec | None = None, benchmark: str = "") -> dict[tuple[str, str], Scope]:
    """What the last run that had it had of each sampling on each benchmark, by their key and name, the last one last.

    Args:
        store: Where runs noted it.
        sampling: With a benchmark, only of this sampling there.
        benchmark: The benchmark's name.
    """
    found: dict[tuple[str, str], Scope] = {}
    for subject, value in store.notes(_SCOPE, None if sampling is None else _subject(sampling, benchmark)):
        key, _, name = subject.partition(" ")
        found.pop((key, name), None)
        found[key, name] = Scope(**value)
    return found


def finished_part(facts: Columns, n: int) -> tuple[int, int] | None:
    """The smaller run that the facts of an older store, which notes no scopes, are all of.

    Args:
        facts: All that is known of P problems and their first N candidates.
        n: N.

    Returns:
        How many first problems and first candidates have verdicts, where other problems have no candidates, and nothing
        is known of the texts of other candidates; ``None`` when there is no such part, and what lacks is unfinished.
    """
    candidates, problems = facts.candidates, len(facts.problems)
    places = (candidates.owners, candidates.ranks)
    numbers = np.full((problems, n), -2)
    numbers[places] = candidates.texts
    graded = np.append(facts.graded.known, [False, True])  # The last two stand for no candidate and for a failed one.
    begun = np.logical_or.reduce([graded, *(np.append(said.known, [False, False]) for said in facts.said.values())])
    begun[-1] = False
    finished = np.cumprod(graded[numbers], axis=1).sum(axis=1)
    rows = int(np.argmin(np.append(finished, 0) > 0))
    if not rows or (numbers[rows:] != -2).any():
        return None
    columns = int(finished[:rows].min())
    inside = np.zeros_like(numbers, dtype=bool)
    inside[:rows, :columns] = True
    others = np.setdiff1d(numbers[~inside], numbers[inside])
    return None if begun[others].any() else (rows, columns)


def _subject(sampling: Spec, benchmark: str) -> str:
    return f"{sampling.id} {benchmark}"
