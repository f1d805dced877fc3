"""Model classes of the host as policies: ``--engine host``."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.proxies import direct_loopback
from visualprm_eval.core.types import Candidate, JSONValue
from visualprm_eval.stages.sample.policy import PolicyOptions, Request, Twinned, base_settings

if TYPE_CHECKING:
    from visualprm_eval.host.models.host_model import HostPolicy


class HostModelPolicy(Twinned):
    """A model class of the host: one call per sample, in parallel when the model is an API."""

    def __init__(self, name: str, options: PolicyOptions) -> None:
        super().__init__(name, options)
        self._load = functools.cache(functools.partial(_load, name, options))  # The greedy twin shares the model.
        self._reached = ""

    @property
    def _model(self) -> HostPolicy:
        """The model with this policy's settings."""
        from visualprm_eval.host.models.sampling_settings import SamplingSettings

        sampling = self._options.sampling
        return self._load().at(SamplingSettings(sampling.temperature, sampling.top_p, sampling.max_tokens))

    def prompt_model(self) -> Any:
        """The host's model object, whose class may have prompts of its own."""
        return self._model.model

    def settings(self) -> Mapping[str, JSONValue]:
        """The sampling options and what the host says of the model."""
        from visualprm_eval.host.models.host_model import model_fingerprint

        sampling = self._options.sampling
        settings = {**base_settings(self.name, "host", sampling), "host_model": model_fingerprint(self.name)}
        return {**settings, "remote_code": True} if sampling.allow_remote_code else settings

    def notes(self) -> Mapping[str, JSONValue]:
        """Which class samples, how far that is tested and was seen to work, and whether a checkpoint's code may run."""
        from visualprm_eval.host.models.host_model import TESTED_CLASSES, class_name

        name = class_name(self.name)
        tested = "covered by a test" if name in TESTED_CLASSES else "unverified: no test covers how it samples"
        code = "allowed (--allow-remote-code)" if self._options.sampling.allow_remote_code else "not allowed"
        notes = {"class of the host": f"{name} ({tested})", "code that ships with the checkpoint": code}
        return {**notes, "temperature and top-p": self._reached} if self._reached else notes

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws candidates one by one; an API model is asked for ``api_nproc`` at a time.

        Raises:
            PolicyError: When temperature or top-p do not reach the model.
        """
        from visualprm_eval.host.models.sampling_probe import verify_settings
        from visualprm_eval.host.patching import restored

        if not requests:
            return
        model, seed = self._model, self._options.sampling.seed
        if model.is_api:
            with restored(os.environ):  # Threads share it.
                os.environ.update(direct_loopback())
                yield from self._sample_api(model, requests)
            return
        verify_settings(model, requests[0][0])
        self._reached = "a probe showed that they reach the model"
        for problem, rank in requests:
            yield [model.sample(problem, rank, seed)]

    def _sample_api(self, model: HostPolicy, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """The first request goes alone and is looked at as it leaves: samples of an API are paid for."""
        from visualprm_eval.host.models.request_capture import noted, verify_requests

        seed = self._options.sampling.seed
        with noted() as bodies:
            first = model.sample(*requests[0], seed)
        yield [first]
        self._reached = verify_requests(self.name, bodies, model.settings)
        pool = ThreadPoolExecutor(self._options.api.nproc)
        try:
            futures = [pool.submit(model.sample, problem, rank, seed) for problem, rank in requests[1:]]
            for future in as_completed(futures):  # A slow reply must not hold back those that were paid for.
                yield [future.result()]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # Nor whoever ends the run.


def _load(name: str, options: PolicyOptions) -> HostPolicy:
    from visualprm_eval.host.models.host_model import HostPolicy

    sampling = options.sampling
    return HostPolicy(
        name, temperature=sampling.temperature, top_p=sampling.top_p, max_tokens=sampling.max_tokens,
        retry=options.api.retry, allow_remote_code=sampling.allow_remote_code, cot=sampling.prompt == "cot",
    )  # fmt: skip
