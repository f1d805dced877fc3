"""What the store holds of a policy on a benchmark, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import TypeVar

from visualprm_eval.core.words import part_of, verb
from visualprm_eval.evaluate.fact_columns import Graded, Said
from visualprm_eval.evaluate.stats.rows import Cost
from visualprm_eval.evaluate.study import Study

Number = TypeVar("Number", int, float)


def costs_of(study: Study) -> Iterator[Cost]:
    """What sampling, scoring and grading of a policy on a benchmark took, as far as it was recorded."""
    columns, where = study.columns, (study.policy, study.benchmark)
    candidates = columns.candidates
    below, texts = columns.below(study.n)
    chosen = below.tolist()
    tokens = _sum(candidates.tokens, chosen)
    yield Cost(
        *where, "sample", "candidates", int(below.sum()), int((below & (candidates.texts < 0)).sum()),
        _sum(candidates.completion_tokens, chosen) if tokens is None else tokens, _sum(candidates.seconds, chosen),
        _sum(candidates.prompt_tokens, chosen),
    )  # fmt: skip
    stages: list[tuple[str, str, Said | Graded]] = [("score", *critic) for critic in columns.said.items()]
    for stage, what, facts in [*stages, ("grade", "verdicts", columns.graded)]:
        known = texts & facts.known
        failed, seconds = int(known[list(facts.errors)].sum()), _sum(facts.seconds, known.tolist())
        yield Cost(*where, stage, what, int(known.sum()), failed, seconds=seconds)


def _sum(numbers: Sequence[Number | None], chosen: Sequence[bool]) -> Number | None:
    """The sum of those of the chosen ones that were recorded; ``None`` where none was."""
    known = [number for number in compress(numbers, chosen) if number is not None]
    return sum(known) if known else None


def missing_of(study: Study, *, grade_all: bool) -> Iterator[str]:
    """What is still to be sampled and graded, without which nobody has a value; failures are not missing.

    Args:
        study: A policy on a benchmark.
        grade_all: Whether every distinct text is to have a verdict.
    """
    where, columns, n = f"{study.policy} on {study.benchmark}", study.columns, study.n
    below, texts = columns.below(n)
    wanted, total = len(columns) * n, int(texts.sum())
    if lacking := wanted - int(below.sum()):
        yield f"{where}: {part_of(lacking, wanted, 'candidate')} {verb(lacking, 'is', 'are')} not sampled"
    if grade_all and (lacking := int((texts & ~columns.graded.known).sum())):
        yield f"{where}: {part_of(lacking, total, 'text')} {verb(lacking, 'is', 'are')} not graded"
