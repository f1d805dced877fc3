"""Policies of any family through transformers' own classes: ``--model hf:PATH_OR_ID``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from visualprm_eval.core.config import ModelSource
from visualprm_eval.core.types import Candidate, JSONValue
from visualprm_eval.core.visible import tell
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
        self._obstacle = ""

    def manner(self) -> Mapping[str, JSONValue]:
        """The sampling options and the wording of prompts."""
        return worded_settings(self.name, "transformers", self._options)

    def notes(self) -> Mapping[str, JSONValue]:
        """Why samples were drawn one by one, where they were."""
        return {"samples drawn one by one": self._obstacle} if self._obstacle else {}

    def sample(self, requests: Sequence[Request]) -> Iterator[Sequence[Candidate]]:
        """Draws the samples of a problem together, at most the run's batch size at a time.

        One by one where a first look shows that the model's class cannot keep them apart. Then each is what it would
        be in a batch of a class that can, so its key is the same.

        Raises:
            PolicyError: When the model's class does not ask our sampler, or the device failed.
        """
        from visualprm_eval.engine.chat_sampling import draw

        options, model = self._options.sampling, self.checkpoint.model
        groups = [list(group) for _, group in groupby(requests, key=lambda request: request[0].id)]
        size = self._batch_size(groups)
        for wanted in groups:
            for start in range(0, len(wanted), size):
                batch = wanted[start : start + size]
                yield draw(model, batch[0][0], [rank for _, rank in batch], options)

    def _batch_size(self, groups: Sequence[Sequence[Request]]) -> int:
        """How many samples of a problem are drawn at a time."""
        from visualprm_eval.engine.chat_check import batch_obstacle

        sampling = self._options.sampling
        size = min(sampling.batch_size, max(map(len, groups), default=1))
        if size == 1 or sampling.temperature == 0 or self._obstacle:  # All greedy samples are one.
            return 1 if self._obstacle else sampling.batch_size
        problems = [wanted[0][0] for wanted in groups if len(wanted) > 1]
        if obstacle := batch_obstacle(self.checkpoint.model, problems, size):
            self._obstacle = obstacle
            tell(f"{self.name}: {obstacle}; samples are drawn one by one")
            return 1
        return sampling.batch_size
