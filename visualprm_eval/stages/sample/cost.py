"""What sampling may cost: requests, and tokens to read and to write, estimated without asking anybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.types import Spec
from visualprm_eval.stages.cost import INTERNVL, Estimate, Tiling, tokens_in
from visualprm_eval.stages.sample.chat_policy import ChatPolicy
from visualprm_eval.stages.sample.endpoint import EndpointPolicy
from visualprm_eval.stages.sample.endpoint.dispatch import jobs_of
from visualprm_eval.stages.sample.native_policy import NativePolicy

if TYPE_CHECKING:
    from visualprm_eval.core.config import SamplingOptions
    from visualprm_eval.stages.cost import Questions
    from visualprm_eval.stages.sample.policy import Policy
    from visualprm_eval.store import Store

_WORDING_CHARACTERS = {"cot": 420, "direct": 80, "host": 0}
"""What ``--prompt`` adds to a question: the host's request to think step by step, or to answer with a letter."""
_TEMPLATE_TOKENS = 40
"""Of a conversation beside what the user says: its marks and a short system message."""

Missing = Sequence[tuple[str, int]]
"""Problem ids and ranks of candidates that are still to be drawn."""


def sampling_cost(
    policy: Policy, questions: Questions, missing: Missing, options: SamplingOptions, mean_tokens: float | None
) -> Estimate:
    """What drawing candidates may cost; tries that fail cost more.

    Args:
        policy: Who writes.
        questions: The problems.
        missing: What is to be drawn.
        options: How.
        mean_tokens: What a candidate of such a policy had in tokens, see :func:`measured_tokens`.
    """
    times = prompts_read(policy, questions, missing, options.batch_size)
    beside = tokens_in(_WORDING_CHARACTERS[options.prompt]) + _TEMPLATE_TOKENS
    tiling = Tiling.of(policy.checkpoint) if isinstance(policy, NativePolicy) else INTERNVL
    read = sum(number * (questions.tokens(problem_id, tiling) + beside) for problem_id, number in times.items())
    written = None if mean_tokens is None else round(len(missing) * min(mean_tokens, options.max_tokens))
    return Estimate(times.total(), read, written, len(missing) * options.max_tokens)


def prompts_read(policy: Policy, questions: Questions, missing: Missing, batch_size: int) -> Counter[str]:
    """How often a policy reads the prompt of each problem: once per request, or once for all samples of a batch."""
    if isinstance(policy, EndpointPolicy):
        jobs = jobs_of((questions.problems[problem_id], rank) for problem_id, rank in missing)
        return Counter(job.problem.id for job in jobs)
    samples = Counter(problem_id for problem_id, _ in missing)
    if isinstance(policy, NativePolicy | ChatPolicy):
        return Counter({problem_id: -(-number // batch_size) for problem_id, number in samples.items()})
    return samples


def measured_tokens(store: Store, sampling: Spec, benchmark: str) -> float | None:
    """What a stored candidate mostly had in tokens, as far as servers and models said.

    It is one of the same policy on the benchmark, else of the policy elsewhere, else of any policy on the benchmark;
    ``None`` when the store has none.
    """
    policy = sampling.settings.get("policy")
    best, found = 0, list[tuple[int, int]]()
    for spec, name, candidates, tokens in store.written_tokens():
        same_policy, same_benchmark = spec.settings.get("policy") == policy, name == benchmark
        likeness = 4 * (spec.id == sampling.id and same_benchmark) + 2 * same_policy + same_benchmark
        if likeness > best:
            best, found = likeness, []
        if likeness == best > 0:
            found.append((candidates, tokens))
    return sum(tokens for _, tokens in found) / sum(count for count, _ in found) if found else None
