"""Policies of any family through transformers' own classes: ``--model hf:PATH_OR_ID``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from visualprm_eval.core.config import ModelSource
from visualprm_eval.core.types import Candidate, JSONValue
from visualprm_eval.stages.checkpoint_source import CheckpointSource, CheckpointUser
from visualprm_eval.stages.sample.policy import PolicyOptions, Request, Twinned, worded_settings

if TYPE_CHECKING:
    from visualprm_eval.engine.chat_model import ChatModel


class _ChatSource(CheckpointSource):
    """A checkpoint with a chat template, whose content counts too."""

    @cached_property
    def fingerprint(self) -> str:
        """Names the files by their content."""
        from visualprm_eval.engine.chat_model import chat_fingerprint

        return chat_fingerprint(self.location, self.revision)

    def load(self) -> ChatModel:
        """Loads the model with its processor."""
        from visualprm_eval.engine.chat_model import load_chat_model

        return load_chat_model(self.location, self.device, self.dtype, self.revision)

    def look(self) -> bool:
        """Looks at what can be told in seconds, without torch and transformers.

        Returns:
            ``False``: what transformers says of it is still to come.

        Raises:
            CheckpointError: When there is no such checkpoint, or one of its files was cut off.
        """
        from visualprm_eval.engine.checkpoint_check import look_at_chat_model

        look_at_chat_model(self.location, self.revision)
        return False

    def inspect(self) -> None:
        """Looks at the files, so that a damaged checkpoint is told before its first turn comes.

        Raises:
            CheckpointError: When there is no such checkpoint, it is damaged, or it is no chat model.
        """
        from visualprm_eval.engine.chat_model import inspect_chat_model

        inspect_chat_model(self.location, self.revision)


class ChatPolicy(Twinned, CheckpointUser):
    """A chat model that transformers has a class for; the samples of a problem are drawn in one batch.

    The noise of a candidate comes from (seed, problem, rank), so batches and restarts do not change it.
    """

    def __init__(self, source: ModelSource, options: PolicyOptions) -> None:
        super().__init__(source.name, options)
        self.checkpoint = _ChatSource(source.source, source.revision, options.compute.device, options.compute.dtype)

    def manner(self) -> Mapping[str, JSONValue]:
        """The sampling options and the wording of prompts."""
        return worded_settings(self.name, "transformers", self._options)

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws the samples of a problem together, at most the run's batch size at a time."""
        from visualprm_eval.engine.chat_model import draw

        options, model = self._options.sampling, self.checkpoint.model
        for _, group in groupby(requests, key=lambda request: request[0].id):
            wanted = list(group)
            for start in range(0, len(wanted), options.batch_size):
                batch = wanted[start : start + options.batch_size]
                yield draw(model, batch[0][0], [rank for _, rank in batch], options)
