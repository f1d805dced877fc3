"""What the store holds of a policy on a benchmark, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Sequence

from visualprm_eval.insight.facts import Cost
from visualprm_eval.pools import ProblemFacts
from visualprm_eval.types import Candidate, StepScores, Verdict

__all__ = ["costs_of", "missing_of", "texts_of"]


Texts = Sequence[tuple[ProblemFacts, KeysView[str]]]
"""What is known of each problem, with the ids of its distinct texts."""


def costs_of(policy: str, benchmark: str, texts: Texts, n: int) -> Iterator[Cost]:
    """What sampling, scoring and grading took, as far as it was recorded.

    Args:
        policy: The policy's name.
        benchmark: The benchmark's name.
        texts: See :func:`texts_of`.
        n: N; later candidates do not count.
    """
    facts = [fact for fact, _ in texts]
    candidates = [one for fact in facts for one in fact.candidates if one.rank < n]
    tokens = [one.tokens for one in candidates if one.tokens is not None]
    usage = [one.usage.completion_tokens for one in candidates if one.usage is not None]
    read = [one.usage.prompt_tokens for one in candidates if one.usage is not None]
    failed = sum(one.error is not None for one in candidates)
    yield Cost(
        policy, benchmark, "sample", "candidates", len(candidates), failed,
        sum(tokens) if tokens else sum(usage) if usage else None, _seconds(candidates), sum(read) if read else None,
    )  # fmt: skip
    for critic in dict.fromkeys(label for fact in facts for label in fact.scores):
        known = [(fact.scores.get(critic, {}), keys) for fact, keys in texts]
        scored = [scores[key] for scores, keys in known for key in keys if key in scores]
        failed = sum(one.error is not None for one in scored)
        yield Cost(policy, benchmark, "score", critic, len(scored), failed, seconds=_seconds(scored))
    graded = [fact.verdicts[key] for fact, keys in texts for key in keys if key in fact.verdicts]
    failed = sum(one.error is not None for one in graded)
    yield Cost(policy, benchmark, "grade", "verdicts", len(graded), failed, seconds=_seconds(graded))


def _seconds(facts: Sequence[Candidate | StepScores | Verdict]) -> float | None:
    """The time that facts took, as far as it was recorded; ``None`` where it never was."""
    known = [one.seconds for one in facts if one.seconds is not None]
    return sum(known) if known else None


def missing_of(
    policy: str, benchmark: str, texts: Texts, n: int, critics: Sequence[str], *, grade_all: bool
) -> Iterator[str]:
    """What is still to be sampled, scored and graded; failures are not missing.

    Args:
        policy: The policy's name.
        benchmark: The benchmark's name.
        texts: See :func:`texts_of`.
        n: N, candidates per problem.
        critics: Labels of the critics whose scores are wanted.
        grade_all: Whether every distinct text is to have a verdict.
    """
    where = f"{policy} on {benchmark}"
    candidates = len(texts) * n - sum(one.rank < n for fact, _ in texts for one in fact.candidates)
    if candidates:
        yield f"{where}: {candidates:,} of {len(texts) * n:,} candidates are not sampled"
    total = sum(len(keys) for _, keys in texts)
    for critic in critics:
        lacking = sum(len(keys - fact.scores.get(critic, {}).keys()) for fact, keys in texts)
        if lacking:
            yield f"{where}: {lacking:,} of {total:,} texts are not scored by {critic}"
    lacking = sum(len(keys - fact.verdicts.keys()) for fact, keys in texts) if grade_all else 0
    if lacking:
        yield f"{where}: {lacking:,} of {total:,} texts are not graded"


def texts_of(facts: Sequence[ProblemFacts], n: int) -> Texts:
    """Ids of the distinct texts of each problem; failed candidates have none."""
    return [
        (fact, dict.fromkeys(one.text_id for one in fact.candidates if one.rank < n and one.error is None).keys())
        for fact in facts
    ]
