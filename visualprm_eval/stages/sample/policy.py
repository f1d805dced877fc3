"""What a policy is, and what the keys of all policies hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

from visualprm_eval.core.config import ApiOptions, ComputeOptions, RunConfig, SamplingOptions
from visualprm_eval.core.types import Candidate, JSONValue, Problem
from visualprm_eval.stages.sample.prompts import PromptSource

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


@dataclass(frozen=True, slots=True)
class PolicyOptions:
    """What a run tells its policies.

    Attributes:
        sampling: How candidates are drawn.
        api: How models behind an API are asked.
        compute: Where models run that run here.
        prompts: Where the prompts come from.
        fetch: Whether the hub may be asked what kind of model a name stands for.
    """

    sampling: SamplingOptions
    api: ApiOptions
    compute: ComputeOptions
    prompts: PromptSource
    fetch: bool

    @classmethod
    def of(cls, config: RunConfig) -> PolicyOptions:
        """Those of a run."""
        prompts = PromptSource(config.sampling.prompt, config.work_dir, config.data)
        fetch = "sample" in config.stages and not config.dry_run
        return cls(config.sampling, config.api, config.compute, prompts, fetch)

    def greedy(self) -> PolicyOptions:
        """The same at temperature 0."""
        return replace(self, sampling=self.sampling.greedy())


class Twinned:
    """A policy that can be had at temperature 0 as well; the two share what is in memory.

    Args:
        name: What results call it.
        options: What the run says.
    """

    def __init__(self, name: str, options: PolicyOptions) -> None:
        self.name, self._options = name, options

    def greedy(self) -> Self:
        """The same policy at temperature 0."""
        twin = copy.copy(self)
        twin._options = self._options.greedy()  # noqa: SLF001 - its own
        return twin


def notes_of(policy: Policy) -> Mapping[str, JSONValue]:
    """What a reader of results must know of a policy beside its settings."""
    notes: Mapping[str, JSONValue] = getattr(policy, "notes", dict)()
    return notes


def worded_settings(name: str, engine: str, options: PolicyOptions) -> dict[str, JSONValue]:
    """The key of candidates of a policy that the host has no prompts for."""
    settings = base_settings(name, engine, options.sampling)
    if options.sampling.prompt == "host":  # The dataset's own prompt is part of the problem's id.
        return settings
    return {**settings, "wording": options.prompts.wording()}


def base_settings(name: str, engine: str, sampling: SamplingOptions) -> dict[str, JSONValue]:
    """What the key of every policy's candidates holds."""
    return {"policy": name, "engine": engine, **sampling.settings()}
