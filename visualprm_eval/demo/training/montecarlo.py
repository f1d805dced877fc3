"""Step labels by Monte Carlo, as VisualPRM400K was made: a step is correct if some continuation ends right.

As the VisualPRM paper has it, solutions are sampled from the policy, then 16 continuations from the end of each step;
the step is correct when at least one of them reaches the right answer. Nothing looks into the scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from visualprm_eval.core.answers import announced_answer
from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.progress import track
from visualprm_eval.core.steps import split_steps
from visualprm_eval.core.types import Candidate, Problem, digest
from visualprm_eval.engine.generate import GenerationRequest, generate

if TYPE_CHECKING:
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

CONTINUATIONS = 16
"""Continuations per step prefix (the paper's number)."""
TEMPERATURE = 0.7
MAX_TOKENS = 96
_BATCH = 256
# One success settles a prefix, so the later continuations are only drawn where the earlier ones all failed. The labels
# are the same as with all 16 drawn at once, for about half the work.
_WAVES = ((0, 3), (3, CONTINUATIONS))


@dataclass(frozen=True, slots=True)
class LabelledSolution:
    """A sampled solution with its step labels.

    Attributes:
        problem: Its place in the list of problems.
        steps: The solution's steps, [T].
        labels: Whether each step can still reach the right answer, [T].
    """

    problem: int
    steps: tuple[str, ...]
    labels: tuple[bool, ...]


def is_right(text: str, problem: Problem) -> bool:
    """Whether a text ends in the problem's answer."""
    return announced_answer(text) == problem.answer


def sample_solutions(
    policy: LoadedCheckpoint, problems: Sequence[Problem], count: int, seed: int, label: str = "sample"
) -> list[list[str]]:
    """``count`` solutions of every problem, [P][N]."""
    requests = [GenerationRequest(problem, rank) for problem in problems for rank in range(count)]
    texts = {(done.problem_id, done.rank): done.text for done in _generate(policy, requests, seed, label)}
    return [[texts[problem.id, rank] for rank in range(count)] for problem in problems]


def _generate(
    policy: LoadedCheckpoint, requests: Sequence[GenerationRequest], seed: int, label: str
) -> Iterator[Candidate]:
    sampling = SamplingOptions(temperature=TEMPERATURE, max_tokens=MAX_TOKENS, seed=seed, batch_size=_BATCH)
    with track(label, len(requests)) as tracker:
        for batch in generate(policy, requests, sampling):
            yield from batch
            tracker.advance(len(batch))


def label_solutions(
    policy: LoadedCheckpoint, problems: Sequence[Problem], solutions: Sequence[Sequence[str]], seed: int
) -> list[LabelledSolution]:
    """Labels the steps of sampled solutions.

    Args:
        policy: What continues them: the policy that wrote them.
        problems: The problems, [P].
        solutions: Solutions of each problem, [P][N]; equal ones are labelled once.
        seed: Seed of the continuations.

    Returns:
        One entry per distinct solution, in order.
    """
    distinct = [(number, text) for number, texts in enumerate(solutions) for text in dict.fromkeys(texts)]
    prefixes = dict.fromkeys((number, prefix) for number, text in distinct for prefix in _prefixes(split_steps(text)))
    reached = _reached(policy, problems, list(prefixes), seed)
    labelled = []
    for number, text in distinct:
        steps = split_steps(text)
        # The last step has nothing after it: the solution itself is its only continuation.
        last = is_right(text, problems[number])
        labels = (*((number, prefix) in reached for prefix in _prefixes(steps)), last)
        labelled.append(LabelledSolution(number, tuple(steps), labels))
    return labelled


def _prefixes(steps: Sequence[str]) -> list[str]:
    """What is written at the end of every step but the last."""
    return ["\n\n".join(steps[: count + 1]) + "\n\n" for count in range(len(steps) - 1)]


def _reached(
    policy: LoadedCheckpoint, problems: Sequence[Problem], prefixes: Sequence[tuple[int, str]], seed: int
) -> set[tuple[int, str]]:
    """The prefixes from which some continuation reaches the right answer."""
    # A candidate is known by its problem and rank, so every prefix becomes a problem of its own.
    waiting = {digest([problems[number].id, text]): (number, text) for number, text in prefixes}
    for first, end in _WAVES:
        requests = [
            GenerationRequest(replace(problems[number], id=name), rank, text)
            for name, (number, text) in waiting.items()
            for rank in range(first, end)
        ]
        done = list(_generate(policy, requests, seed, f"continuations {first} to {end - 1}"))
        for candidate in done:
            number, text = waiting.get(candidate.problem_id, (-1, ""))
            if number >= 0 and is_right(text + candidate.text, problems[number]):
                del waiting[candidate.problem_id]
    return set(prefixes) - set(waiting.values())
