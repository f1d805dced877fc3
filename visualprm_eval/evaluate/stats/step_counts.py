"""How candidates fall into steps where these begin at blank lines, as the original step rule has it.

A candidate of one step has one step score, which is of the whole solution: no process is judged then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from visualprm_eval.core.steps import split_steps
from visualprm_eval.core.thoughts import response
from visualprm_eval.core.words import part_of
from visualprm_eval.evaluate.study import Study

MANY = 0.5
"""The part of candidates of one step above which that is said beside the results."""


@dataclass(frozen=True, slots=True)
class StepCounts:
    """The candidates of a policy on a benchmark as the original step rule sees them.

    Attributes:
        policy: Who wrote them.
        benchmark: The benchmark's name.
        candidates: Those with a response; failed ones and empty replies do not count.
        one_step: Those that are one step.
        empty_steps: Those with a step of nothing but blanks.
        crlf: Those with CRLF line ends, of which the rule sees no blank line.
        is_scored_so: Whether a critic in play scores their steps by this rule.
    """

    policy: str
    benchmark: str
    candidates: int
    one_step: int
    empty_steps: int
    crlf: int
    is_scored_so: bool


def step_counts(study: Study, *, is_scored_so: bool) -> StepCounts:
    """Counts the candidates of a policy on a benchmark; thoughts do not count as steps."""
    columns = study.columns
    texts = columns.candidates.texts[columns.below(study.n)[0]]
    times = np.bincount(texts[texts >= 0], minlength=len(columns.values))
    times[columns.empty] = 0
    marks = np.array([_marks(text) for text in columns.values], dtype=np.int64).reshape(-1, 3)
    one_step, empty_steps, crlf = (times @ marks).tolist()
    candidates = int(times.sum())
    return StepCounts(study.policy, study.benchmark, candidates, one_step, empty_steps, crlf, is_scored_so)


def _marks(text: str) -> tuple[bool, bool, bool]:
    """Whether a text is one step, has an empty one, and has CRLF line ends."""
    read = response(text)
    steps = split_steps(read)
    return len(steps) == 1, not all(map(str.strip, steps)), "\r\n" in read


def whole_solutions(counts: Iterable[StepCounts]) -> str:
    """Where scores of steps are mostly scores of whole solutions, in one sentence; ``""`` for nowhere."""
    where = [
        f"{each.policy} on {each.benchmark} ({part_of(each.one_step, each.candidates, 'candidate')})"
        for each in counts
        if each.is_scored_so and each.one_step > MANY * each.candidates
    ]
    if not where:
        return ""
    return (
        f"most candidates are one step, so that their step scores are of whole solutions: {'; '.join(where)}; "
        "--steps lines splits at all line breaks"
    )
