"""Policies behind one protocol: an InternVL-layout checkpoint, an endpoint, or any model class of the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from visualprm_eval.checkpoints import CheckpointSource
from visualprm_eval.config import DEMO_POLICY, ModelSource, RunConfig
from visualprm_eval.errors import UnknownNameError
from visualprm_eval.types import Candidate, JSONValue, Problem

if TYPE_CHECKING:
    from visualprm_eval.host.models import HostPolicy
    from visualprm_eval.prm.checkpoint import LoadedCheckpoint
    from visualprm_eval.sample.endpoint import EndpointPolicy

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
        text: The demo's policy, ``[NAME=]DIR``, ``[NAME=]OWNER/MODEL[@REVISION]`` on the hub, a model of the host, or
            ``[NAME=]MODEL`` at an endpoint.
        config: The run.

    Raises:
        ConfigError: When the name cannot be read.
        UnknownNameError: When nobody knows it.
    """
    if config.uses_endpoints:
        return _endpoint_policy(text, config)
    if text == DEMO_POLICY:
        return NativePolicy(ModelSource(text, text), config)
    source = ModelSource.parse(text, option="--model")
    if source.name != text or Path(text).is_dir():
        return NativePolicy(source, config)
    from visualprm_eval.host.models import model_names

    names = model_names()
    if text not in names:
        raise UnknownNameError("model", text, [*names, DEMO_POLICY], "(or give a checkpoint directory)")
    return HostModelPolicy(text, config)


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
    return EndpointPolicy(name, options, {**_settings(name, "endpoint", config), "model": model})


class NativePolicy:
    """A checkpoint in the InternVL layout, sampled in batches across problems.

    The noise of a candidate comes from (seed, problem, rank), so batches and restarts do not change it.
    """

    def __init__(self, source: ModelSource, config: RunConfig) -> None:
        self.name, self._config = source.name, config
        self.checkpoint = CheckpointSource(source.source, source.revision, config.device, config.dtype)
        self._loaded: LoadedCheckpoint | None = None

    def manner(self) -> Mapping[str, JSONValue]:
        """The sampling options."""
        return _settings(self.name, "native", self._config)

    def settings(self) -> Mapping[str, JSONValue]:
        """The sampling options, the checkpoint and its precision."""
        return {**self.manner(), **self.checkpoint.settings()}

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws candidates in batches of the run's batch size."""
        from visualprm_eval.prm.checkpoint import load_checkpoint
        from visualprm_eval.prm.generate import GenerationRequest, generate

        config, source = self._config, self.checkpoint
        if self._loaded is None:
            self._loaded = load_checkpoint(source.location, source.device, source.dtype, source.revision)
        yield from generate(
            self._loaded,
            [GenerationRequest(problem, rank) for problem, rank in requests],
            temperature=config.temperature,
            top_p=config.top_p,
            max_tokens=config.max_tokens,
            seed=config.seed,
            batch_size=config.batch_size,
        )


class HostModelPolicy:
    """A model class of the host: one call per sample, in parallel when the model is an API."""

    def __init__(self, name: str, config: RunConfig) -> None:
        self.name, self._config = name, config

    @cached_property
    def _model(self) -> HostPolicy:
        from visualprm_eval.host.models import HostPolicy

        config = self._config
        return HostPolicy(
            self.name,
            temperature=config.temperature,
            top_p=config.top_p,
            max_tokens=config.max_tokens,
            retry=config.retry,
            allow_remote_code=config.allow_remote_code,
        )

    def settings(self) -> Mapping[str, JSONValue]:
        """The sampling options and what the host says of the model."""
        from visualprm_eval.host.models import model_fingerprint

        return {**_settings(self.name, "host", self._config), "host_model": model_fingerprint(self.name)}

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws candidates one by one; an API model is asked for ``api_nproc`` at a time."""
        seed = self._config.seed
        if not self._model.is_api:
            for problem, rank in requests:
                yield [self._model.sample(problem, rank, seed)]
            return
        with ThreadPoolExecutor(self._config.api_nproc) as pool:
            futures = [pool.submit(self._model.sample, problem, rank, seed) for problem, rank in requests]
            try:
                for future in as_completed(futures):  # A slow reply must not hold back those that were paid for.
                    yield [future.result()]
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _settings(name: str, engine: str, config: RunConfig) -> dict[str, JSONValue]:
    return {
        "policy": name,
        "engine": engine,
        "temperature": config.temperature,
        "top_p": config.top_p,
        "max_tokens": config.max_tokens,
        "prompt": "host",
        "seed": config.seed,
    }
