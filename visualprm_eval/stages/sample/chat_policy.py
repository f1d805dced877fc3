"""Policies of any family through transformers' own classes: ``--model hf:PATH_OR_ID``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from visualprm_eval.core.config import ModelSource
from visualprm_eval.core.types import Candidate, JSONValue
from visualprm_eval.stages.checkpoint_source import CheckpointSource
from visualprm_eval.stages.sample.policy import PolicyOptions, Request, Twinned, worded_settings

if TYPE_CHECKING:
    from visualprm_eval.engine.chat_model import ChatModel

__all__ = ["ChatPolicy"]


class _ChatSource(CheckpointSource):
    """A checkpoint with a chat template, whose content counts too."""

    @cached_property
    def fingerprint(self) -> str:
        """Names the files by their content."""
        from visualprm_eval.engine.chat_model import chat_fingerprint

        return chat_fingerprint(self.location, self.revision)

    def inspect(self) -> None:
        """Looks at the files, so that a damaged checkpoint is told before its first turn comes.

        Raises:
            CheckpointError: When there is no such checkpoint, it is damaged, or it is no chat model.
        """
        from visualprm_eval.engine.chat_model import inspect_chat_model

        inspect_chat_model(self.location, self.revision)


class ChatPolicy(Twinned):
    """A chat model that transformers has a class for; the samples of a problem are drawn in one batch.

    The noise of a candidate comes from (seed, problem, rank), so batches and restarts do not change it.
    """

    def __init__(self, source: ModelSource, options: PolicyOptions) -> None:
        super().__init__(source.name, options)
        self.checkpoint = _ChatSource(source.source, source.revision, options.compute.device, options.compute.dtype)
        self._loaded: list[ChatModel] = []  # A list, since the greedy twin shares it.

    def manner(self) -> Mapping[str, JSONValue]:
        """The sampling options and the wording of prompts."""
        return worded_settings(self.name, "transformers", self._options)

    def settings(self) -> Mapping[str, JSONValue]:
        """The sampling options, the checkpoint and its precision."""
        return {**self.manner(), **self.checkpoint.settings()}

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws the samples of a problem together, at most the run's batch size at a time."""
        from visualprm_eval.engine.chat_model import ChatSampling, draw, load_chat_model

        options, source = self._options.sampling, self.checkpoint
        if not self._loaded:
            self._loaded.append(load_chat_model(source.location, source.device, source.dtype, source.revision))
        sampling = ChatSampling(options.temperature, options.top_p, options.max_tokens, options.seed)
        for _, group in groupby(requests, key=lambda request: request[0].id):
            wanted = list(group)
            for start in range(0, len(wanted), options.batch_size):
                batch = wanted[start : start + options.batch_size]
                yield draw(self._loaded[0], batch[0][0], [rank for _, rank in batch], sampling)
