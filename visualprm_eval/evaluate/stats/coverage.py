"""What the store holds of a policy on a benchmark, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import TypeVar

from visualprm_eval.evaluate.fact_columns import Columns
from visualprm_eval.evaluate.stats.rows import Cost

__all__ = ["costs_of", "missing_of"]

Number = TypeVar("Number", int, float)


def costs_of(policy: str, benchmark: str, columns: Columns, n: int) -> Iterator[Cost]:
    """What sampling, scoring and grading took, as far as it was recorded.

    Args:
        policy: The policy's name.
        benchmark: The benchmark's name.
        columns: What is known.
        n: N; later candidates do not count.
    """
    candidates = columns.candidates
    below, texts = columns.below(n)
    tokens = _known(candidates.tokens, below.tolist())
    usage = _known(candidates.completion_tokens, below.tolist())
    read = _known(candidates.prompt_tokens, below.tolist())
    yield Cost(
        policy, benchmark, "sample", "candidates", int(below.sum()), int((below & (candidates.texts < 0)).sum()),
        sum(tokens) if tokens else sum(usage) if usage else None, _sum(candidates.seconds, below.tolist()),
        sum(read) if read else None,
    )  # fmt: skip
    for critic, said in columns.said.items():
        scored = texts & said.known
        failed = int(scored[list(said.errors)].sum())
        yield Cost(
            policy, benchmark, "score", critic, int(scored.sum()), failed, seconds=_sum(said.seconds, scored.tolist())
        )
    graded = texts & columns.graded.known
    failed = int(graded[list(columns.graded.errors)].sum())
    seconds = _sum(columns.graded.seconds, graded.tolist())
    yield Cost(policy, benchmark, "grade", "verdicts", int(graded.sum()), failed, seconds=seconds)


def _known(numbers: Sequence[Number | None], chosen: Sequence[bool]) -> list[Number]:
    """Those of the chosen ones that were recorded."""
    return [number for number in compress(numbers, chosen) if number is not None]


def _sum(seconds: Sequence[float | None], chosen: Sequence[bool]) -> float | None:
    """The time that facts took, as far as it was recorded; ``None`` where it never was."""
    known = _known(seconds, chosen)
    return sum(known) if known else None


def missing_of(policy: str, benchmark: str, columns: Columns, n: int, *, grade_all: bool) -> Iterator[str]:
    """What is still to be sampled and graded, without which nobody has a value; failures are not missing.

    Args:
        policy: The policy's name.
        benchmark: The benchmark's name.
        columns: What is known.
        n: N, candidates per problem.
        grade_all: Whether every distinct text is to have a verdict.
    """
    where = f"{policy} on {benchmark}"
    below, texts = columns.below(n)
    wanted, total = len(columns) * n, int(texts.sum())
    if lacking := wanted - int(below.sum()):
        yield f"{where}: {lacking:,} of {wanted:,} candidates are not sampled"
    if grade_all and (lacking := int((texts & ~columns.graded.known).sum())):
        yield f"{where}: {lacking:,} of {total:,} texts are not graded"
