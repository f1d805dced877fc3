"""From facts to pools: which candidates of a problem every reranker may choose from, and what they choose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from visualprm_eval.registry import needed_critics
from visualprm_eval.rerankers import Pool, pick
from visualprm_eval.types import text_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

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


def build_pool(
    facts: ProblemFacts,
    critics: Iterable[str],
    answer: AnswerFn,
    *,
    require_verdicts: bool,
    without: Collection[str] = (),
) -> Pool:
    """The candidates of one problem that every reranker may choose from.

    Args:
        facts: What is known of the problem.
        critics: Labels of all critics in play; their order does not matter.
        answer: The local answer of a text.
        require_verdicts: A candidate whose verdict failed or is missing leaves the pool too, and the pool holds the
            verdicts. Without it no verdict matters, and the pool holds none.
        without: Ids of texts that leave the pool whatever is known of them.

    Returns:
        The pool by ascending rank, possibly empty.
    """
    labels = sorted(set(critics))
    standings = _standings(facts, labels, require_verdicts=require_verdicts)
    sound = [each for each, standing in standings if standing == "sound" and each.text_id not in without]
    return _pool(facts, sound, labels, answer, require_verdicts=require_verdicts)


def _pool(
    facts: ProblemFacts, kept: Sequence[Candidate], labels: Sequence[str], answer: AnswerFn, *, require_verdicts: bool
) -> Pool:
    """Candidates by ascending rank, all of whose facts are there, as a pool."""
    ids = [candidate.text_id for candidate in kept]
    return Pool(
        problem_id=facts.problem.id,
        ranks=tuple(candidate.rank for candidate in kept),
        texts=tuple(candidate.text for candidate in kept),
        answers=tuple(answer(candidate.text, facts.problem.choices) for candidate in kept),
        scores={label: tuple(facts.scores[label][key].scores for key in ids) for label in labels},
        verdicts=tuple(verdict_value(facts, key) for key in ids) if require_verdicts else None,
    )


_Standing = Literal["sound", "failed", "unknown"]


def _standings(
    facts: ProblemFacts, labels: Iterable[str], *, require_verdicts: bool
) -> list[tuple[Candidate, _Standing]]:
    """The candidates by ascending rank, with whether each has all its facts, has one that failed, or lacks one."""
    scores = [facts.scores.get(label, {}) for label in labels]
    by_rank = sorted(facts.candidates, key=lambda candidate: candidate.rank)
    return [(each, _standing(facts, each, scores, require_verdicts=require_verdicts)) for each in by_rank]


def _standing(
    facts: ProblemFacts, candidate: Candidate, scores: Iterable[Mapping[str, StepScores]], *, require_verdicts: bool
) -> _Standing:
    if candidate.error is not None:
        return "failed"
    key = candidate.text_id
    lacking = require_verdicts and key not in facts.verdicts
    if require_verdicts and not lacking and math.isnan(verdict_value(facts, key)):
        return "failed"
    for known in scores:
        scored = known.get(key)
        if scored is None:
            lacking = True
        elif not _is_sound(scored):
            return "failed"
    return "unknown" if lacking else "sound"


def _is_sound(scored: StepScores) -> bool:
    """Whether a critic gave numbers to work with."""
    if scored.error is not None or not scored.scores:
        return False
    # A finite sum is one of finite numbers; an infinite one may be so too.
    return math.isfinite(sum(scored.scores)) or all(map(math.isfinite, scored.scores))


def _has_failed(facts: ProblemFacts, key: str) -> bool:
    """Whether a text was graded in vain."""
    return key in facts.verdicts and math.isnan(verdict_value(facts, key))


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
        picked: When only picks are graded: ids of the texts whose verdicts decide the pool and the results.
    """

    facts: ProblemFacts
    pool: Pool
    known: frozenset[int]
    picked: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        facts: ProblemFacts,
        rerankers: Sequence[Reranker],
        ks: Iterable[int],
        answer: AnswerFn,
        *,
        grade_all: bool,
    ) -> Case:
        """Builds the pool of a problem, see :func:`build_pool`.

        When only picks are graded, a pick whose verdict failed leaves the pool and another takes its place, until no
        pick is a failure. No other verdict matters: what else was ever graded changes no result.

        Args:
            facts: What is known of the problem.
            rerankers: All rerankers of the run.
            ks: Best of how many.
            answer: The local answer of a text.
            grade_all: Whether all texts are graded, or only picks.
        """
        labels = sorted(set(needed_critics(rerankers)))
        standings = _standings(facts, labels, require_verdicts=grade_all)
        known = frozenset(each.rank for each, standing in standings if standing != "unknown")
        sound = [each for each, standing in standings if standing == "sound"]
        case = cls(facts, _pool(facts, sound, labels, answer, require_verdicts=grade_all), known)
        return case if grade_all else case._without_failed_picks(rerankers, sorted(set(ks)), answer)

    def _without_failed_picks(self, rerankers: Sequence[Reranker], ks: Sequence[int], answer: AnswerFn) -> Case:
        """Itself with what is picked, after picks whose verdicts failed have given way to others."""
        case, critics = self, needed_critics(rerankers)
        choosers = [reranker for reranker in rerankers if not needs_all_verdicts(reranker)]
        picked: set[str] = set()
        failed: set[str] = set()
        while chosen := case._choices(choosers, ks):
            picked |= chosen
            failures = {key for key in chosen if _has_failed(self.facts, key)}
            # Which picks come next is only certain once all of these are graded.
            if not failures or chosen - self.facts.verdicts.keys():
                break
            failed |= failures
            pool = build_pool(self.facts, critics, answer, require_verdicts=False, without=failed)
            case = replace(case, pool=pool)
        return replace(case, picked=frozenset(picked))

    def complete(self, k: int) -> bool:
        """Whether all is known of the first k candidates; otherwise best-of-k would be a guess from a part of them."""
        return all(rank in self.known for rank in range(k))

    def _choices(self, choosers: Sequence[Reranker], ks: Iterable[int]) -> set[str]:
        """Ids of the texts that rerankers pick from the pool at every complete k."""
        heads = [head for head in (self.pool.head(k) for k in ks if self.complete(k)) if len(head)]
        places = [(head, pick(reranker, head)) for head in heads for reranker in choosers]
        return {text_id(head.texts[place]) for head, place in places if place is not None}


def picked_texts(
    facts: Iterable[ProblemFacts], rerankers: Sequence[Reranker], ks: Sequence[int], answer: AnswerFn
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
        Pairs of problem id and text id, whether graded already or not; picks whose verdict failed are among them.
    """
    cases = (Case.of(each, rerankers, ks, answer, grade_all=False) for each in facts)
    return {(case.facts.problem.id, key) for case in cases for key in case.picked}


def needs_all_verdicts(reranker: Reranker) -> bool:
    """Whether a reranker's value needs the verdicts of all candidates."""
    return reranker.expectation or "verdicts" in reranker.needs
