"""Which policy a name stands for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import DEMO_POLICY, ModelSource, RunConfig
from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.stages.sample.native_policy import NativePolicy
from visualprm_eval.stages.sample.policy import Policy, greedy_config, worded_settings

if TYPE_CHECKING:
    from visualprm_eval.stages.sample.endpoint import EndpointPolicy


def find_policy(text: str, config: RunConfig) -> Policy:
    """The policy that ``--model`` names.

    Args:
        text: The demo's policy, ``[NAME=]DIR``, ``[NAME=]OWNER/MODEL[@REVISION]`` on the hub, either of them after
            ``hf:`` for transformers' own classes, a model of the host, or ``[NAME=]MODEL`` at an endpoint.
        config: The run.

    Raises:
        ConfigError: When the name cannot be read, or the engine asked for cannot run it.
        UnknownNameError: When nobody knows it.
    """
    if config.uses_endpoints:
        return _endpoint_policy(text, config)
    if text == DEMO_POLICY:
        _require(config, text, "auto", "native")
        return NativePolicy(ModelSource(text, text), config, as_host=None)
    if (source := ModelSource.parse_hf(text)) is not None:
        _require(config, text, "auto", "native")
        from visualprm_eval.stages.sample.chat_policy import ChatPolicy

        return ChatPolicy(source, config)
    source = ModelSource.parse(text, option="--model")
    if source.name != text or Path(text).is_dir():
        _require(config, text, "auto", "native")
        return NativePolicy(source, config)
    return _host_model(text, config)


def _host_model(name: str, config: RunConfig) -> Policy:
    """A model of the host, on our native engine where that stands in for its class."""
    from visualprm_eval.host.models.host_model import model_names
    from visualprm_eval.host.models.internvl_prompts import native_keywords
    from visualprm_eval.stages.sample.host_policy import HostModelPolicy

    names = model_names()
    if name not in names:
        raise UnknownNameError("model", name, [*names, DEMO_POLICY], "(or give a checkpoint directory)")
    _require(config, name, "auto", "native", "host")
    keywords = native_keywords(name)
    if config.engine == "native" and keywords is None:
        raise ConfigError(
            f"--engine native cannot run {name}: it stands in for the host's InternVLChat of version V2.0 only; "
            "leave --engine out, or give the checkpoint as hf:PATH_OR_ID"
        )
    if config.engine == "host" or keywords is None:
        return HostModelPolicy(name, config)
    policy = NativePolicy(ModelSource(name, str(keywords["model_path"])), config, as_host=keywords)
    if config.engine == "auto" and policy.foreign(fetch="sample" in config.stages and not config.dry_run):
        return HostModelPolicy(name, config)  # Another language model, which only the checkpoint's own code runs.
    return policy


def _require(config: RunConfig, name: str, *engines: str) -> None:
    if config.engine not in engines:
        raise ConfigError(f"--engine {config.engine} cannot run {name}; expected one of {', '.join(engines)}")


def _endpoint_policy(text: str, config: RunConfig) -> EndpointPolicy:
    """The model of that name at the run's endpoints, whose addresses are no part of the key of its samples."""
    from visualprm_eval.core.server_address import api_key, base_url, served_model
    from visualprm_eval.stages.sample.endpoint import EndpointOptions, EndpointPolicy, Patience

    name, model = served_model(text)
    options = EndpointOptions(
        urls=tuple(base_url(url) for url in config.base_urls),
        model=model,
        key=api_key(config.key),
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        seed=config.seed,
        nproc=config.api_nproc,
        timeout_s=config.timeout_s,
        patience=Patience(tries=config.retry),
    )
    return EndpointPolicy(name, options, lambda: {**worded_settings(name, "endpoint", config), "model": model})


def greedy_twin(policy: Policy, text: str, config: RunConfig) -> Policy:
    """A policy at temperature 0; it shares what is in memory where its class can.

    Args:
        policy: The policy.
        text: What ``--model`` said of it.
        config: The run.
    """
    share = getattr(policy, "greedy", None)
    twin: Policy = find_policy(text, greedy_config(config)) if share is None else share()
    return twin
