"""Model classes of the host as policies: ``--engine host``."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.core.types import Candidate, JSONValue
from visualprm_eval.stages.sample.policy import PolicyOptions, Request, Twinned, base_settings

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.host.model import HostModel
    from visualprm_eval.host.models.sampling_settings import SamplingSettings


class HostModelPolicy(Twinned):
    """A model class of the host, in a process of its own: one call per sample, in parallel when it is an API."""

    def __init__(self, name: str, options: PolicyOptions) -> None:
        super().__init__(name, options)
        self._model = functools.cache(functools.partial(_model, name, options))  # The greedy twin shares the model.
        self._reached = ""

    def put(self, benchmark: Benchmark, problems: Sequence[Problem]) -> list[Problem]:
        """Problems as the host shows them this model, whose class may have prompts of its own.

        Raises:
            PolicyError: When the class cannot make the prompt of a row.
        """
        return self._model().put_problems(benchmark, problems, self._options.sampling.prompt)

    def versions(self) -> str:
        """The versions that samples are made with, where another Python runs the host; else ``""``."""
        from visualprm_eval.host.toolkit import versions_elsewhere

        return versions_elsewhere()

    def settings(self) -> Mapping[str, JSONValue]:
        """The sampling options and what the host says of the model."""
        from visualprm_eval.host.model import model_facts

        sampling = self._options.sampling
        settings = {**base_settings(self.name, "host", sampling), "host_model": model_facts(self.name).fingerprint}
        return {**settings, "remote_code": True} if sampling.allow_remote_code else settings

    def notes(self) -> Mapping[str, JSONValue]:
        """Which class samples, how far that is tested and was seen to work, and whether a checkpoint's code may run."""
        from visualprm_eval.host.model import model_facts
        from visualprm_eval.host.models.host_model import TESTED_CLASSES

        name = model_facts(self.name).class_name
        tested = "covered by a test" if name in TESTED_CLASSES else "unverified: no test covers how it samples"
        code = "allowed (--allow-remote-code)" if self._options.sampling.allow_remote_code else "not allowed"
        notes = {"class of the host": f"{name} ({tested})", "code that ships with the checkpoint": code}
        return {**notes, "temperature and top-p": self._reached} if self._reached else notes

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws candidates one by one; an API model is asked for ``api_nproc`` at a time.

        Raises:
            PolicyError: When temperature or top-p do not reach the model, or its process dies again and again.
        """
        options = self._options
        drawn = self._model().sample(requests, _settings(options), seed=options.sampling.seed, nproc=options.api.nproc)
        for each in drawn:
            if isinstance(each, Candidate):
                yield [each]
            else:
                self._reached = each


def _model(name: str, options: PolicyOptions) -> HostModel:
    from visualprm_eval.host.model import HostModel

    sampling = options.sampling
    return HostModel(
        name, _settings(options), retry=options.api.retry, allow_remote_code=sampling.allow_remote_code,
        cot=sampling.prompt == "cot",
    )  # fmt: skip


def _settings(options: PolicyOptions) -> SamplingSettings:
    from visualprm_eval.host.models.sampling_settings import SamplingSettings

    sampling = options.sampling
    return SamplingSettings(sampling.temperature, sampling.top_p, sampling.max_tokens)
