"""Which policy a name stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import DEMO_POLICY, ModelSource
from visualprm_eval.core.errors import CheckpointError, ConfigError, UnknownNameError
from visualprm_eval.stages.sample.native_policy import NativePolicy
from visualprm_eval.stages.sample.policy import Policy, PolicyOptions, worded_settings

if TYPE_CHECKING:
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
    engine = options.sampling.engine
    if engine == "endpoint" or (engine == "auto" and options.api.base_urls):
        return _endpoint_policy(text, options)
    policy: Policy
    if text == DEMO_POLICY:
        policy = NativePolicy(ModelSource(text, text), options, as_host=None)
    elif (source := ModelSource.parse_hf(text)) is not None:
        from visualprm_eval.stages.sample.chat_policy import ChatPolicy

        policy = ChatPolicy(source, options)
    else:
        source = ModelSource.parse(text, option="--model")
        if source.name == text and not Path(text).is_dir():
            return _host_model(text, options)
        policy = native = NativePolicy(source, options)
        if options.fetch:
            native.look(fetch=True)
    if engine == "host":
        raise ConfigError(f"--engine host cannot run {text}; expected one of auto, native")
    return policy


def _host_model(name: str, options: PolicyOptions) -> Policy:
    """A model of the host, on our native engine where that stands in for its class."""
    from visualprm_eval.host.models.host_model import model_names
    from visualprm_eval.host.models.internvl_prompts import native_keywords
    from visualprm_eval.stages.sample.host_policy import HostModelPolicy

    names, engine = model_names(), options.sampling.engine
    if name not in names:
        raise UnknownNameError("model", name, [*names, DEMO_POLICY], "(or give a checkpoint directory)")
    keywords = native_keywords(name)
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
