"""What a policy is, and what the keys of all policies hold."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, Self

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.types import Candidate, JSONValue, Problem
from visualprm_eval.stages.sample import prompts

__all__ = ["Policy", "Request", "Twinned", "base_settings", "greedy_config", "notes_of", "worded_settings"]

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


def greedy_config(config: RunConfig) -> RunConfig:
    """The same run at temperature 0."""
    return replace(config, temperature=0.0, top_p=1.0)


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
