"""Policies behind one protocol, which of them a name stands for, and the one that runs checkpoints natively."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, Self

from visualprm_eval import prompts
from visualprm_eval.checkpoints import CheckpointSource
from visualprm_eval.config import DEMO_POLICY, ModelSource, RunConfig
from visualprm_eval.errors import ConfigError, HostError, UnknownNameError
from visualprm_eval.types import Candidate, JSONValue, Problem

if TYPE_CHECKING:
    from visualprm_eval.prm.checkpoint import LoadedCheckpoint
    from visualprm_eval.prm.generate import Shown
    from visualprm_eval.sample.endpoint import EndpointPolicy

_DEFAULTS: Mapping[str, Any] = MappingProxyType({})

Request = tuple[Problem, int]
"""A problem and the rank of the candidate to draw for it."""


class Policy(Protocol):
    """Writes samples."""

    @property
    def name(self) -> str:
        """What results call it."""

    def settings(self) -> Mapping[str, JSONValue]:
        """Everything that can change a sample: the key under which candidates are kept."""

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws one candidate per request; yields them as they are done, in any order."""


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
        from visualprm_eval.sample.chat import ChatPolicy

        return ChatPolicy(source, config)
    source = ModelSource.parse(text, option="--model")
    if source.name != text or Path(text).is_dir():
        _require(config, text, "auto", "native")
        return NativePolicy(source, config)
    return _host_model(text, config)


def _host_model(name: str, config: RunConfig) -> Policy:
    """A model of the host, on our native engine where that stands in for its class."""
    from visualprm_eval.host.internvl import native_keywords
    from visualprm_eval.host.models import model_names
    from visualprm_eval.sample.hosted import HostModelPolicy

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
    from visualprm_eval.sample.endpoint import EndpointOptions, EndpointPolicy, Patience
    from visualprm_eval.sample.endpoint.options import api_key, base_url, served_model

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


class Twinned:
    """A policy that can be had at temperature 0 as well; the two share what is in memory.

    Args:
        name: What results call it.
        config: The run.
    """

    def __init__(self, name: str, config: RunConfig) -> None:
        self.name, self._config = name, config

    def greedy(self) -> Self:
        """The same policy at temperature 0."""
        twin = copy.copy(self)
        twin._config = greedy_config(self._config)  # noqa: SLF001 - its own
        return twin


class NativePolicy(Twinned):
    """A checkpoint in the InternVL layout, sampled in batches across problems.

    The noise of a candidate comes from (seed, problem, rank), so batches and restarts do not change it. The policy is
    shown what the host's InternVLChat shows its models.

    Args:
        source: The checkpoint.
        config: The run.
        as_host: Keywords of the host's entry that it stands in for; ``None`` for the demo's policy, which is shown
            problems as they are.
    """

    def __init__(self, source: ModelSource, config: RunConfig, as_host: Mapping[str, Any] | None = _DEFAULTS) -> None:
        super().__init__(source.name, config)
        self._as_host = as_host
        self.checkpoint = CheckpointSource(source.source, source.revision, config.device, config.dtype)
        self._weights: list[LoadedCheckpoint] = []  # A list, since the greedy twin shares it.

    def foreign(self, *, fetch: bool) -> bool:
        """Whether its config.json is seen to be of a model that is not in this layout.

        Args:
            fetch: Ask the hub when it is not on this machine.
        """
        from visualprm_eval.prm.checkpoint import is_foreign

        return is_foreign(self.checkpoint.location, self.checkpoint.revision, fetch=fetch)

    def prompt_model(self) -> Any:
        """The host's model object whose prompts it gets; ``None`` for those of the datasets."""
        if self._as_host is None:
            return None
        from visualprm_eval.host.internvl import bare_model

        return bare_model(self._as_host, cot=self._config.prompt == "cot")

    def manner(self) -> Mapping[str, JSONValue]:
        """The sampling options and the wording of prompts."""
        manner = base_settings(self.name, "native", self._config)
        if self._as_host is None:
            return manner
        return {**manner, "wording": prompts.wording(self._config, self._as_host)}

    def settings(self) -> Mapping[str, JSONValue]:
        """The sampling options, the checkpoint and its precision."""
        return {**self.manner(), **self.checkpoint.settings()}

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws candidates in batches of the run's batch size."""
        from visualprm_eval.prm.checkpoint import load_checkpoint
        from visualprm_eval.prm.generate import GenerationRequest, generate

        config, source = self._config, self.checkpoint
        if not self._weights:
            self._weights.append(load_checkpoint(source.location, source.device, source.dtype, source.revision))
        shown = self._shown([problem for problem, _ in requests])
        yield from generate(
            self._weights[0],
            [GenerationRequest(problem, rank, shown=shown.get(problem.id)) for problem, rank in requests],
            temperature=config.temperature,
            top_p=config.top_p,
            max_tokens=config.max_tokens,
            seed=config.seed,
            batch_size=config.batch_size,
        )

    def _shown(self, problems: Sequence[Problem]) -> Mapping[str, Shown]:
        """What the policy reads and sees of each problem, by id."""
        if self._as_host is None:
            return {}
        from visualprm_eval.host.internvl import shown

        distinct = {problem.id: problem for problem in problems}
        try:
            model = self.prompt_model()
        except HostError:
            if self._as_host:  # Only the host knows models by such names.
                raise
            return prompts.shown_native(distinct.values(), self._config)
        return dict(zip(distinct, shown(model, distinct.values()), strict=True))


def greedy_config(config: RunConfig) -> RunConfig:
    """The same run at temperature 0."""
    return replace(config, temperature=0.0, top_p=1.0)


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


def notes_of(policy: Policy) -> Mapping[str, JSONValue]:
    """What a reader of results must know of a policy beside its settings."""
    notes: Mapping[str, JSONValue] = getattr(policy, "notes", dict)()
    return notes


def worded_settings(name: str, engine: str, config: RunConfig) -> dict[str, JSONValue]:
    """The key of candidates of a policy that the host has no prompts for."""
    settings = base_settings(name, engine, config)
    if config.prompt == "host":  # The dataset's own prompt is part of the problem's id.
        return settings
    return {**settings, "wording": prompts.wording(config)}


def base_settings(name: str, engine: str, config: RunConfig) -> dict[str, JSONValue]:
    """What the key of every policy's candidates holds."""
    return {
        "policy": name,
        "engine": engine,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "max_tokens": config.max_tokens,
        "prompt": config.prompt,
        "seed": config.seed,
    }
