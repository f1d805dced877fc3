"""What grading may cost: requests to the judge and their tokens, estimated without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.thoughts import is_empty_reply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from visualprm_eval.stages.experiment import Experiment

_CHARACTERS_PER_TOKEN = 4
"""Of English text, by common tokenizers."""
_SYSTEM_CHARACTERS = {"DynaMath": 120}
"""Characters of the system prompt that goes with each request, by the host's name of the benchmark."""
_TYPICAL_REPLY_TOKENS = 16
"""What a judge writes that answers as it is asked to: a letter, a number, a short phrase."""
_LIMITED_REPLIES = frozenset(
    {"MathVista_MINI", "MathVision_MINI", "MathVision", "MathVerse_MINI_Vision_Only", "LogicVista"}
)
"""Benchmarks for which the host lets a judge write little."""
_MOST_LIMITED, _MOST = 128, 2048
"""Most tokens that the host lets a judge write for these, and for others."""
_TRIAL_REQUESTS = 8
"""Texts that a grader is tried on before anything is graded, for a benchmark without a task of its own."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """At most so many requests with so many tokens.

    Attributes:
        requests: Requests, when every reply can be read.
        prompt_tokens: Tokens that the judge reads.
        reply_tokens: Tokens that it writes when it is as brief as it is asked to be.
        most_reply_tokens: Tokens that the host lets it write.
    """

    requests: int
    prompt_tokens: int
    reply_tokens: int
    most_reply_tokens: int


def estimate(experiment: Experiment, known: Iterable[tuple[str, str, str]], new: int, max_tokens: int) -> Estimate:
    """What the texts of an experiment that have no verdict may cost; nothing without a judge.

    Texts that the host reads by itself, and requests whose replies are stored, cost nothing and are counted all the
    same: which those are shows when they are graded.

    Args:
        experiment: Policy, benchmark and who would be asked.
        known: Problem id, text id and text of stored candidates without a verdict.
        new: Candidates still to be sampled.
        max_tokens: Longest sample, in tokens.
    """
    task = experiment.benchmark.task
    if not experiment.judge.used:
        return Estimate(0, 0, 0, 0)
    reads = task.judge_reads_question
    questions = {problem.id: len(problem.question) if reads else 0 for problem in experiment.benchmark.problems}
    texts = [(questions[problem_id], len(text)) for problem_id, _, text in known if not is_empty_reply(text)]
    mean = sum(questions.values()) / max(1, len(questions))
    length = sum(length for _, length in texts) / len(texts) if texts else max_tokens * _CHARACTERS_PER_TOKEN
    overhead = task.judge_overhead + _SYSTEM_CHARACTERS.get(task.host_dataset, 0)
    characters = sum(map(sum, texts)) + new * (mean + length) + (len(texts) + new) * overhead
    requests = (len(texts) + new) * task.judge_requests
    tokens = round(characters * task.judge_requests / _CHARACTERS_PER_TOKEN)
    if task.note and requests:
        requests += _TRIAL_REQUESTS * task.judge_requests
    most = _MOST_LIMITED if task.host_dataset in _LIMITED_REPLIES else _MOST
    return Estimate(requests, tokens, requests * _TYPICAL_REPLY_TOKENS, requests * most)
