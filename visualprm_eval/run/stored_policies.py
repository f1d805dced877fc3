"""Whose samples a store holds, and what these policies are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from visualprm_eval.core.config import SERVERS_OWN
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.types import Spec
from visualprm_eval.stages.checkpoint_source import CHECKPOINT
from visualprm_eval.stages.experiment import Samples, settings_of
from visualprm_eval.stages.sample.endpoint.dialect import is_alike
from visualprm_eval.store.names import POLICY_APART, Claim, told_apart
from visualprm_eval.store.scopes import Scope

if TYPE_CHECKING:
    from visualprm_eval.core.config import SamplingOptions
    from visualprm_eval.store import Store

_OF_THE_HOST = frozenset({"host_model", "wording"})
"""Settings of samplings that depend on the host's version."""


def stored_sampling(store: Store, policy: str, sampling: SamplingOptions) -> Spec:
    """The key of a policy's samples where the policy itself cannot be looked up.

    Raises:
        ConfigError: The store has no such samples, or several kinds of them.
    """
    wanted = sampling.settings()
    named = [spec for spec in store.specs("sampling") if spec.settings.get("policy") == policy]
    fitting = [
        spec for spec in named if all(spec.settings.get(name) in {each, SERVERS_OWN} for name, each in wanted.items())
    ]
    if len(fitting) == 1:
        return fitting[0]
    listed = "".join(f"\n  {dict(spec.settings)}" for spec in fitting or named)
    if fitting:
        raise ConfigError(
            f"{store.path} has several samplings of {policy} with these settings:{listed}\n"
            "Export one of them with export-candidates and pass it with --candidates"
        )
    had = f"; it has:{listed}" if named else ""
    raise ConfigError(f"{store.path} has no samples of {policy} with {wanted}{had}")


def known_policy(store: Store, name: str) -> str | None:
    """A policy that a former run was given as ``NAME=PATH``, as that run was given it; ``None`` where none was."""
    for spec in reversed(store.specs("sampling")):
        settings = spec.settings
        if settings.get("policy") == name and "host_model" not in settings:
            source = store.last_note(CHECKPOINT, str(settings.get("checkpoint")))
            if source is not None:
                revision = f"@{source['revision']}" if source["revision"] else ""
                kind = "hf:" if settings.get("engine") == "transformers" else ""
                return f"{name}={kind}{source['source']}{revision}"
    return None


def of_this_policy(sampling: Spec, store: Store) -> Spec:
    """A sampling as the store has it: it may have been drawn with another version of the host.

    Args:
        sampling: What this machine would call it.
        store: Where the samples are.

    Returns:
        Itself when the store has it; the only stored one that differs in nothing but what the host says of the model
        and how it words prompts; else itself.
    """
    stored = store.specs("sampling")
    theirs = dict.fromkeys(_OF_THE_HOST & sampling.settings.keys())
    if sampling in stored or not theirs:
        return sampling
    settings = {**sampling.settings, **theirs}
    alike = [spec for spec in stored if is_alike({**spec.settings, **theirs}, settings)]
    return alike[0] if len(alike) == 1 else sampling


def with_greedy(candidates: Sequence[Samples], known: Mapping[tuple[str, str], Scope]) -> list[Samples]:
    """Samples of which one at temperature 0 is the greedy one.

    It is that if a run had it so, or if there are others of its policy and no run said what it is.
    """
    told = []
    for samples in candidates:
        scope = known.get((samples.sampling.id, samples.benchmark.name))
        beside = any(_place(one) == _place(samples) and not _is_greedy(one) for one in candidates)
        greedy = _is_greedy(samples) and beside if scope is None else scope.greedy
        told.append(replace(samples, n=1, greedy=True) if greedy else samples)
    return told


def named_apart(candidates: Sequence[Samples], order: Sequence[tuple[str, str]]) -> list[Samples]:
    """Samples in which policies of one name are told apart; who had it in a later run keeps it.

    Args:
        candidates: The samples.
        order: Samplings and benchmarks that runs had, the last ones last.
    """
    sampled = [samples for samples in candidates if not samples.greedy]
    said = {place: number for number, place in enumerate(order)}
    claims = []
    for samples in sampled:
        settings, key, benchmark = settings_of(samples.sampling), samples.sampling.id, samples.benchmark.name
        model = str(settings.get("checkpoint") or settings.get("model") or "")
        claims.append(Claim(samples.policy, benchmark, model, key, said.get((key, benchmark), -1)))
    names = dict(zip(map(id, sampled), told_apart(claims, POLICY_APART), strict=True))
    return [replace(samples, policy=names.get(id(samples), samples.policy)) for samples in candidates]


def _place(samples: Samples) -> tuple[str, str]:
    return samples.policy, samples.benchmark.name


def _is_greedy(samples: Samples) -> bool:
    return samples.n == 1 and samples.sampling.settings.get("temperature") == 0
