"""The first contact with servers of models, before the host and torch are loaded and anything is paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from visualprm_eval.core.baselines import GREEDY
from visualprm_eval.core.config import DEFAULT_NUM_SAMPLES, NEUTRAL
from visualprm_eval.evaluate.reranker_registry import JUDGE, needed_critics
from visualprm_eval.stages.sample.endpoint.dialect import Dialect, is_alike
from visualprm_eval.stages.sample.endpoint.stored_key import Served, stored_keys
from visualprm_eval.stages.sample.find_policy import find_policy
from visualprm_eval.stages.sample.policy import PolicyOptions, base_settings
from visualprm_eval.stages.score.critics import build_critics
from visualprm_eval.store.scopes import scopes

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig, SamplingOptions
    from visualprm_eval.core.types import JSONValue
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.stages.sample.endpoint import EndpointPolicy
    from visualprm_eval.store import Store


def greet_servers(config: RunConfig, store: Store, rerankers: Iterable[Reranker]) -> None:
    """Looks whether those servers are there that the run has to ask, as far as that is known before problems are read.

    Args:
        config: What was asked for.
        store: Where facts are; what it holds need not be asked for.
        rerankers: What selects.

    Raises:
        PolicyError: A server is not there, or does not know the model.
    """
    if config.dry_run or config.candidates is not None:
        return
    for policy in _lacking_policies(config, store):
        policy.greet()
    if "score" in config.stages and config.judges_api.base_urls:
        labels = [label for label in needed_critics(rerankers) if label.startswith(JUDGE)]
        greet_judges(build_critics(labels, config).values(), store)


def greet_judges(critics: Iterable[object], store: Store) -> None:
    """Looks whether the servers of prompted judges are there of which the store has no scores at all.

    Raises:
        PolicyError: A server is not there, or does not know the model.
    """
    for critic in critics:
        if not isinstance(critic, Served):
            continue
        if (served := critic.served) is not None and not stored_keys(store, "scoring", critic.settings()):
            served.greet()


def _lacking_policies(config: RunConfig, store: Store) -> Iterator[EndpointPolicy]:
    """The policies at servers of which candidates lack for sure."""
    options = PolicyOptions.of(config)
    n = config.sampling.num_samples or DEFAULT_NUM_SAMPLES
    wanted = [(config.sampling, n), *([(config.sampling.greedy(), 1)] if GREEDY in config.rerankers else [])]
    if "sample" not in config.stages or not options.api.base_urls:
        return
    for model in config.models:
        policy = find_policy(model, options)
        served = policy.served if isinstance(policy, Served) else None
        if served is not None and any(_lacks(store, served, config, sampling, most) for sampling, most in wanted):
            yield served


def _lacks(store: Store, policy: EndpointPolicy, config: RunConfig, sampling: SamplingOptions, n: int) -> bool:
    """Whether candidates lack under every key that the policy's may be; what the host says of prompts is not known."""
    known: dict[str, JSONValue] = {**base_settings(policy.name, "endpoint", sampling), **NEUTRAL}
    known |= {"model": policy.model, "wording": None}
    keys = [spec for spec in store.specs("sampling") if is_alike({**spec.settings, "wording": None}, known)]
    keys = [spec for spec in keys if not Dialect.of(spec.settings).left_out & sampling.asked_for]
    noted = scopes(store)
    for key in keys:
        places = [noted.get((key.id, name)) for name in config.data]
        if not noted or all(
            scope is not None
            and not store.missing_candidates(
                key.id, list(scope.problems)[: config.limit], n, retry_failed=config.retry_failed
            )
            for scope in places
        ):
            return False
    return True
