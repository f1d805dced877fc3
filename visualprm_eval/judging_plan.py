"""What grading may cost: requests to the judge and their tokens, estimated without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from visualprm_eval.cells import Cell
    from visualprm_eval.host.judge import Judge

__all__ = ["Estimate", "estimate"]

_CHARACTERS_PER_TOKEN = 4
"""Of English text, by common tokenizers."""
_REPLY_TOKENS = 128
"""Most that the host lets a judge write for the paper's benchmarks."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """At most so many requests with so many tokens.

    Attributes:
        requests: Requests, when every reply can be read.
        prompt_tokens: Tokens that the judge reads.
        reply_tokens: Tokens that it may write.
    """

    requests: int
    prompt_tokens: int
    reply_tokens: int


def estimate(cell: Cell, judge: Judge, known: Iterable[tuple[str, str, str]], new: int, max_tokens: int) -> Estimate:
    """What the texts of a cell that have no verdict may cost; nothing without a judge.

    Texts that the host reads by itself, and requests whose replies are stored, cost nothing and are counted all the
    same: which those are shows when they are graded.

    Args:
        cell: Policy and benchmark.
        judge: Who would be asked.
        known: Problem id, text id and text of stored candidates without a verdict.
        new: Candidates still to be sampled.
        max_tokens: Longest sample, in tokens.
    """
    task = cell.benchmark.task
    if not judge.resolve(task).used:
        return Estimate(0, 0, 0)
    reads = task.judge_reads_question
    questions = {problem.id: len(problem.question) if reads else 0 for problem in cell.benchmark.problems}
    texts = [(questions[problem_id], len(text)) for problem_id, _, text in known]
    mean = sum(questions.values()) / max(1, len(questions))
    length = sum(length for _, length in texts) / len(texts) if texts else max_tokens * _CHARACTERS_PER_TOKEN
    characters = sum(map(sum, texts)) + new * (mean + length) + (len(texts) + new) * task.judge_overhead
    requests = (len(texts) + new) * task.judge_requests
    tokens = round(characters * task.judge_requests / _CHARACTERS_PER_TOKEN)
    return Estimate(requests, tokens, requests * _REPLY_TOKENS)
