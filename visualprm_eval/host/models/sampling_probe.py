"""Do temperature and top-p reach a model of the host? A few short samples tell.

Most of the host's classes are greedy by default, each keeps its settings elsewhere, and some have them fixed in their
code. Samples with the same seed say nothing, so each has another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import PolicyError

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem
    from visualprm_eval.host.models.host_model import HostPolicy

_SAMPLES = 3
_TOKENS = 24
_COLD, _HOT = 1e-4, 100.0
"""Temperatures at which all samples are equal, and at which none are."""
_NARROW = 1e-6
"""A nucleus of one token."""
_ADVICE = "use another policy or engine, or sample elsewhere and pass the texts with --candidates"


def verify_settings(policy: HostPolicy, problem: Problem) -> None:
    """Draws short samples of one problem at extreme settings and compares them; none is kept.

    Models behind an API are not asked: they are paid, and their temperatures have limits. Their first real samples are
    watched instead, as everybody's are.

    Args:
        policy: The policy; its settings say what must reach the model.
        problem: What to ask.

    Raises:
        PolicyError: When samples differ that must be equal, or are equal that must differ.
    """
    if policy.is_api:
        return
    wanted = policy.settings
    cold = _draw(policy, problem, _COLD if wanted.temperature > 0 else 0.0, 1.0)
    if len(cold) > 1:
        raise PolicyError(
            f"{policy.name}: the temperature does not reach the model: at {_COLD if wanted.temperature > 0 else 0} "
            f"{len(cold)} of {_SAMPLES} samples differ. Its class in the host samples in a way of its own; {_ADVICE}"
        )
    if wanted.temperature == 0 or not cold:
        return
    if len(_draw(policy, problem, _HOT, 1.0)) == 1:
        raise PolicyError(
            f"{policy.name}: the temperature does not reach the model: at {_HOT:g} {_SAMPLES} samples are identical. "
            f"Its class in the host ignores the sampling settings, so best-of-N would choose among copies; {_ADVICE}"
        )
    if wanted.top_p < 1 and len(_draw(policy, problem, _HOT, _NARROW)) > 1:
        raise PolicyError(
            f"{policy.name}: --top-p does not reach the model: samples from a nucleus of one token differ; "
            f"leave --top-p out, or {_ADVICE}"
        )


def _draw(policy: HostPolicy, problem: Problem, temperature: float, top_p: float) -> set[str]:
    """The distinct texts of a few samples; empty when one of them failed or is blank, which tells nothing."""
    tokens = min(_TOKENS, policy.settings.max_tokens or _TOKENS)
    prober = policy.at(replace(policy.settings, temperature=temperature, top_p=top_p, max_tokens=tokens))
    candidates = [prober.sample(problem, rank, seed=rank) for rank in range(_SAMPLES)]
    if any(candidate.error is not None or not candidate.text.strip() for candidate in candidates):
        return set()
    return {candidate.text for candidate in candidates}
