"""The sample stage: every candidate that the store lacks is drawn and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.progress import track
from visualprm_eval.types import Problem, Spec

if TYPE_CHECKING:
    from visualprm_eval.sample.policies import Policy
    from visualprm_eval.store import Store


def sample_missing(
    store: Store, policy: Policy, sampling: Spec, problems: Mapping[str, Problem], missing: Sequence[tuple[str, int]]
) -> None:
    """Draws ``missing`` and stores each candidate as soon as it is written.

    Args:
        store: Where candidates go.
        policy: Who writes.
        sampling: The key of the candidates.
        problems: Problems by id.
        missing: Problem ids and ranks, as the store said.

    Raises:
        PolicyError: When the policy cannot write samples.
    """
    if not missing:
        return
    store.put_spec(sampling)
    with track(f"sample {policy.name}", len(missing)) as tracker:
        for batch in policy.sample([(problems[problem_id], rank) for problem_id, rank in missing]):
            store.put_candidates(sampling.id, [candidate.or_failure() for candidate in batch])
            tracker.advance(len(batch))
