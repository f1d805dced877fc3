"""From facts to pools: which candidates of a problem every reranker may choose from, and what they choose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from visualprm_eval.registry import needed_critics
from visualprm_eval.rerankers import Pool, pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from visualprm_eval.rerankers import Reranker
    from visualprm_eval.types import Candidate, Problem, StepScores, Verdict

AnswerFn = Callable[[str, Mapping[str, str]], str | None]
"""A text and the problem's options to the text's vote, ``None`` for an abstention."""

__all__ = ["AnswerFn", "Case", "ProblemFacts", "build_pool", "needs_all_verdicts", "picked_texts", "verdict_value"]


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """All that is known of one policy on one problem.

    Attributes:
        problem: The problem.
        candidates: Its samples, failed ones included.
        scores: Critic label to text id to what that critic said.
        verdicts: Text id to what the host said.
    """

    problem: Problem
    candidates: tuple[Candidate, ...]
    scores: Mapping[str, Mapping[str, StepScores]]
    verdicts: Mapping[str, Verdict]


def build_pool(facts: ProblemFacts, critics: Iterable[str], answer: AnswerFn, *, require_verdicts: bool) -> Pool:
    """The candidates of one problem that every reranker may choose from.

    Args:
        facts: What is known of the problem.
        critics: Labels of all critics in play; their order does not matter.
        answer: The local answer of a text.
        require_verdicts: A candidate that was never graded leaves the pool too, and the pool holds the verdicts.
            Without it only a verdict that failed counts, and the pool holds none.

    Returns:
        The pool by ascending rank, possibly empty.
    """
    labels = sorted(set(critics))
    by_rank = sorted(facts.candidates, key=lambda candidate: candidate.rank)
    kept = [each for each in by_rank if _standing(facts, each, labels, require_verdicts=require_verdicts) == "sound"]
    ids = [candidate.text_id for candidate in kept]
    return Pool(
        problem_id=facts.problem.id,
        ranks=tuple(candidate.rank for candidate in kept),
        texts=tuple(candidate.text for candidate in kept),
        answers=tuple(answer(candidate.text, facts.problem.choices) for candidate in kept),
        scores={label: tuple(facts.scores[label][key].scores for key in ids) for label in labels},
        verdicts=tuple(verdict_value(facts, key) for key in ids) if require_verdicts else None,
    )


def _standing(
    facts: ProblemFacts, candidate: Candidate, labels: Iterable[str], *, require_verdicts: bool
) -> Literal["sound", "failed", "unknown"]:
    """Whether a candidate has all its facts, has one that is a failure, or still lacks one."""
    if candidate.error is not None:
        return "failed"
    key = candidate.text_id
    found = [facts.scores.get(label, {}).get(key) for label in labels]
    if any(scored is not None and not _is_sound(scored) for scored in found):
        return "failed"
    if key in facts.verdicts and not math.isfinite(verdict_value(facts, key)):
        return "failed"
    if None in found or (require_verdicts and key not in facts.verdicts):
        return "unknown"
    return "sound"


def _is_sound(scored: StepScores) -> bool:
    """Whether a critic gave numbers to work with."""
    return scored.error is None and bool(scored.scores) and all(map(math.isfinite, scored.scores))


def verdict_value(facts: ProblemFacts, key: str) -> float:
    """The verdict of a text by its id, NaN when there is none or it failed."""
    verdict = facts.verdicts.get(key)
    return math.nan if verdict is None or verdict.value is None or verdict.error is not None else verdict.value


@dataclass(frozen=True, slots=True)
class Case:
    """One problem with its full pool.

    Attributes:
        facts: What is known of the problem.
        pool: The candidates to choose from.
        known: Ranks of the candidates of which all is known, be it a failure.
    """

    facts: ProblemFacts
    pool: Pool
    known: frozenset[int]

    @classmethod
    def of(cls, facts: ProblemFacts, critics: Iterable[str], answer: AnswerFn, *, require_verdicts: bool) -> Case:
        """Builds the pool, see :func:`build_pool`, and notes what is known."""
        labels = list(critics)
        known = frozenset(
            candidate.rank
            for candidate in facts.candidates
            if _standing(facts, candidate, labels, require_verdicts=require_verdicts) != "unknown"
        )
        return cls(facts, build_pool(facts, labels, answer, require_verdicts=require_verdicts), known)

    def complete(self, k: int) -> bool:
        """Whether all is known of the first k candidates; otherwise best-of-k would be a guess from a part of them."""
        return all(rank in self.known for rank in range(k))


def picked_texts(
    facts: Iterable[ProblemFacts], rerankers: Sequence[Reranker], ks: Iterable[int], answer: AnswerFn
) -> set[tuple[str, str]]:
    """The texts whose verdicts decide the results when only picks are graded.

    A pick whose verdict fails leaves its pool and another takes its place, so ask again after grading until nothing
    new comes.

    Args:
        facts: What is known of each problem.
        rerankers: All rerankers of the run; those that need all verdicts pick nothing here.
        ks: Best of how many.
        answer: The local answer of a text.

    Returns:
        Pairs of problem id and text id, whether graded already or not.
    """
    critics = needed_critics(rerankers)
    choosers = [reranker for reranker in rerankers if not needs_all_verdicts(reranker)]
    sizes = sorted(set(ks))
    picked: set[tuple[str, str]] = set()
    for each in facts:
        case = Case.of(each, critics, answer, require_verdicts=False)
        ids = {candidate.rank: candidate.text_id for candidate in each.candidates}
        for k in sizes:
            head = case.pool.head(k)
            if len(head) and case.complete(k):
                places = [pick(reranker, head) for reranker in choosers]
                picked.update((each.problem.id, ids[head.ranks[place]]) for place in places if place is not None)
    return picked


def needs_all_verdicts(reranker: Reranker) -> bool:
    """Whether a reranker's value needs the verdicts of all candidates."""
    return reranker.expectation or "verdicts" in reranker.needs
