"""Which policy a name stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import DEMO_POLICY, ModelSource
from visualprm_eval.core.errors import CheckpointError, ConfigError, UnknownNameError
from visualprm_eval.stages.sample.native_policy import NativePolicy
from visualprm_eval.stages.sample.policy import Policy, PolicyOptions, worded_settings

if TYPE_CHECKING:
    from visualprm_eval.stages.sample.chat_policy import ChatPolicy
    from visualprm_eval.stages.sample.endpoint import EndpointPolicy


def find_policy(text: str, options: PolicyOptions) -> Policy:
    """The policy that ``--model`` names.

    Args:
        text: The demo's policy, ``[NAME=]DIR``, ``[NAME=]OWNER/MODEL[@REVISION]`` on the hub, either of them after
            ``hf:`` for transformers' own classes, a model of the host, or ``[NAME=]MODEL`` at an endpoint.
        options: What the run says.

    Raises:
        ConfigError: When the name cannot be read, or the engine asked for cannot run it.
        UnknownNameError: When nobody knows it.
    """
    if _is_at_endpoint(options):
        return _endpoint_policy(text, options)
    policy = own_checkpoint(text, options)
    if policy is None:
        return _host_model(text, options)
    if isinstance(policy, NativePolicy) and options.fetch:
        policy.look(fetch=True)
    return policy


def _is_at_endpoint(options: PolicyOptions) -> bool:
    engine = options.sampling.engine
    return engine == "endpoint" or (engine == "auto" and bool(options.api.base_urls))


def own_checkpoint(text: str, options: PolicyOptions) -> NativePolicy | ChatPolicy | None:
    """The policy of a checkpoint that ``--model`` names itself; nothing is imported or looked at for it.

    Args:
        text: As for :func:`find_policy`.
        options: What the run says.

    Returns:
        ``None`` for the name of a model that an endpoint or the host knows.

    Raises:
        ConfigError: When the name cannot be read, or the engine asked for cannot run it.
    """
    if _is_at_endpoint(options):
        return None
    policy: NativePolicy | ChatPolicy
    if text == DEMO_POLICY:
        policy = NativePolicy(ModelSource(text, text), options, as_host=None)
    elif (source := ModelSource.parse_hf(text)) is not None:
        from visualprm_eval.stages.sample.chat_policy import ChatPolicy

        policy = ChatPolicy(source, options)
    else:
        source = ModelSource.parse(text, option="--model")
        if source.name == text and not Path(text).is_dir():
            return None
        policy = NativePolicy(source, options)
    if options.sampling.engine == "host":
        raise ConfigError(f"--engine host cannot run {text}; expected one of auto, native")
    return policy


def policy_name(text: str, options: PolicyOptions) -> str:
    """What results call the policy that ``--model`` names.

    Raises:
        ConfigError: When the name cannot be read, or the engine asked for cannot run it.
    """
    if _is_at_endpoint(options):
        from visualprm_eval.core.server_address import served_model

        return served_model(text)[0]
    policy = own_checkpoint(text, options)
    return text if policy is None else policy.name


def check_host_name(text: str, options: PolicyOptions) -> None:
    """Looks whether the host knows what ``--model`` names, if it names a model of the host; no model is looked at.

    Raises:
        UnknownNameError: When it does not.
        HostError: When the host's names cannot be had.
    """
    from visualprm_eval.host.toolkit import host_names

    if _is_at_endpoint(options) or own_checkpoint(text, options) is not None:
        return
    if text not in (names := host_names().models):
        raise UnknownNameError("model", text, [*names, DEMO_POLICY], "(or give a checkpoint directory)")


def _host_model(name: str, options: PolicyOptions) -> Policy:
    """A model of the host, on our native engine where that stands in for its class."""
    from visualprm_eval.host.toolkit import native_keywords
    from visualprm_eval.stages.sample.host_policy import HostModelPolicy

    check_host_name(name, options)
    engine, keywords = options.sampling.engine, native_keywords(name)
    if engine == "native" and keywords is None:
        raise ConfigError(
            f"--engine native cannot run {name}: it stands in for the host's InternVLChat of version V2.0 only; "
            "leave --engine out, or, where transformers has a class for it, give the checkpoint as hf:PATH_OR_ID"
        )
    if engine == "host" or keywords is None:
        return HostModelPolicy(name, options)
    policy = NativePolicy(ModelSource(name, str(keywords["model_path"])), options, as_host=keywords)
    try:
        policy.look(fetch=options.fetch)
    except CheckpointError:
        if engine == "native":
            raise
        return HostModelPolicy(name, options)  # Another language model, which only the checkpoint's own code runs.
    return policy


def _endpoint_policy(text: str, options: PolicyOptions) -> EndpointPolicy:
    """The model of that name at the run's endpoints, whose addresses are no part of the key of its samples."""
    from visualprm_eval.core.server_address import api_key, base_url, served_model
    from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy, Patience

    name, model = served_model(text)
    api, sampling = options.api, options.sampling
    endpoints = EndpointOptions(
        tuple(map(base_url, api.base_urls)), model, api_key(api.key), sampling.temperature, sampling.top_p,
        sampling.max_tokens, sampling.seed, api.nproc, api.timeout_s, Patience(tries=api.retry), sampling.asked_for,
    )  # fmt: skip
    return EndpointPolicy(name, endpoints, lambda: {**worded_settings(name, "endpoint", options), "model": model})


def greedy_twin(policy: Policy, text: str, options: PolicyOptions) -> Policy:
    """A policy at temperature 0; it shares what is in memory where its class can.

    Args:
        policy: The policy.
        text: What ``--model`` said of it.
        options: What the run says.
    """
    share = getattr(policy, "greedy", None)
    twin: Policy = find_policy(text, options.greedy()) if share is None else share()
    return twin
