"""What grading may cost: requests to the judge and their tokens, estimated without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.stages.cost import CHARACTERS_PER_TOKEN, QUESTION_CHARACTERS, Estimate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from visualprm_eval.stages.experiment import Experiment

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


def estimate(experiment: Experiment, known: Iterable[tuple[str, str, str]], new: int, new_tokens: float) -> Estimate:
    """What the texts of an experiment that have no verdict may cost; nothing without a judge.

    Texts that the host reads by itself, and requests whose replies are stored, cost nothing and are counted all the
    same: which those are shows when they are graded.

    Args:
        experiment: Policy, benchmark and who would be asked.
        known: Problem id, text id and text of stored candidates without a verdict.
        new: Candidates still to be sampled.
        new_tokens: Tokens of each of these, where no stored text tells how long they are.
    """
    task = experiment.benchmark.task
    if not experiment.judge.used:
        return Estimate()
    reads, is_expected = task.judge_reads_question, experiment.benchmark.expected
    questions = {
        problem.id: (QUESTION_CHARACTERS if is_expected else len(problem.question)) if reads else 0
        for problem in experiment.benchmark.problems
    }
    texts = [(questions[problem_id], len(text)) for problem_id, _, text in known if not is_empty_reply(text)]
    mean = sum(questions.values()) / max(1, len(questions))
    length = sum(length for _, length in texts) / len(texts) if texts else new_tokens * CHARACTERS_PER_TOKEN
    overhead = task.judge_overhead + _SYSTEM_CHARACTERS.get(task.host_dataset, 0)
    characters = sum(map(sum, texts)) + new * (mean + length) + (len(texts) + new) * overhead
    requests = (len(texts) + new) * task.judge_requests
    tokens = round(characters * task.judge_requests / CHARACTERS_PER_TOKEN)
    if task.note and requests:
        requests += _TRIAL_REQUESTS * task.judge_requests
    most = _MOST_LIMITED if task.host_dataset in _LIMITED_REPLIES else _MOST
    return Estimate(requests, tokens, requests * _TYPICAL_REPLY_TOKENS, requests * most)
