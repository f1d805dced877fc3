"""VisualPRM: step scores of solutions to questions with pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Literal, overload

from PIL import Image

from visualprm_eval.core.errors import CheckpointError, InputError
from visualprm_eval.core.steps import split_steps
from visualprm_eval.core.types import StepScores
from visualprm_eval.engine.checkpoint import LoadedCheckpoint, load_checkpoint
from visualprm_eval.engine.config import TEMPLATE
from visualprm_eval.engine.images import ImageSource, load_image
from visualprm_eval.engine.prompt import question_content
from visualprm_eval.engine.question_groups import Item
from visualprm_eval.engine.scoring import Outcome, Scorer

BATCH_TOKENS = 16_384
"""Tokens scored at a time unless said otherwise."""


@dataclass(frozen=True, slots=True)
class ScoredResponse:
    """What VisualPRM says of one response.

    Attributes:
        response: The response.
        steps: Its steps, [T].
        step_scores: P(+) of each step, [T]; empty when it failed.
        score: Their mean; ``None`` when it failed.
        error: Why there are no scores; ``None`` when there are.
    """

    response: str
    steps: tuple[str, ...]
    step_scores: tuple[float, ...]
    score: float | None
    error: str | None = None


class VisualPRM:
    """A process reward model in the layout of OpenGVLab/VisualPRM-8B.

    One conversation per solution: each step is a user turn, ``+`` every reply; a step's score is the probability of
    ``+`` against ``-`` where the reply would begin (VisualPRM, arXiv 2503.10291).

    Args:
        checkpoint: A loaded checkpoint; see ``from_pretrained``.

    Raises:
        CheckpointError: When it fails a self-check.
        TokenizerError: When its tokenizer does not fit the conversation.
    """

    def __init__(self, checkpoint: LoadedCheckpoint) -> None:
        if checkpoint.config.template != TEMPLATE:
            raise CheckpointError(
                f"{checkpoint.path}: its template is {checkpoint.config.template!r}, VisualPRM's {TEMPLATE!r}; "
                "it can be a policy, not a reward model"
            )
        self.checkpoint = checkpoint
        self._scorer = Scorer(checkpoint)
        self._check_self()

    @classmethod
    def from_pretrained(
        cls,
        path_or_id: str | Path,
        device: str = "auto",
        dtype: str = "auto",
        revision: str | None = None,
        attn: str = "auto",
    ) -> VisualPRM:
        """Loads a reward model.

        Args:
            path_or_id: A directory, or the name of a repository on the Hugging Face hub.
            device: ``"auto"`` is the GPU when there is one.
            dtype: ``"auto"`` is bfloat16 on a GPU and float32 elsewhere.
            revision: Branch, tag or commit of a hub repository.
            attn: ``"auto"`` (sdpa), ``"eager"``, ``"sdpa"`` or ``"flash_attention_2"``.

        Raises:
            CheckpointError: When it cannot be loaded faithfully, or fails a self-check.
            TokenizerError: When its tokenizer cannot be built exactly.
            ConfigError: When an option is unknown, or the device is not there.
        """
        return cls(load_checkpoint(path_or_id, device, dtype, revision, attn))

    @property
    def fingerprint(self) -> str:
        """The name of the checkpoint's content."""
        return self.checkpoint.fingerprint

    def score(
        self,
        question: str,
        responses: Sequence[str],
        images: Sequence[ImageSource] = (),
        *,
        max_steps: int | None = None,
        orm: bool = False,
        special_tokens: str = "text",
    ) -> list[ScoredResponse]:
        """Scores responses to one question.

        Args:
            question: The question; ``<image>`` says where an image stands, else images come first.
            responses: Solutions, [N]; each is cut into steps at blank lines.
            images: Pictures, paths or bytes of picture files.
            max_steps: Most steps per response; see ``split_steps``.
            orm: Whether a whole response is one step (an outcome reward model).
            special_tokens: ``"text"``: what a response spells is data, never a control token. ``"original"``: token ids
                as the original code makes them.

        Returns:
            In the order of ``responses``; one that is too long for the model has an ``error`` and no score.

        Raises:
            InputError: When an image cannot be read, or the question's tags do not fit them; with ``"original"``, also
                when the original code fails on a response.
            ConfigError: When ``max_steps`` is below 1.
        """
        opened = _open_images(question, images)
        cut = [(response,) if orm else tuple(split_steps(response, max_steps)) for response in responses]
        # Equal responses are scored once: in batches of different shape their scores would differ in the last digits.
        distinct = list(dict.fromkeys(cut))
        items = self.score_items([(question, steps, opened) for steps in distinct], special_tokens=special_tokens)
        by_steps = dict(zip(distinct, items, strict=True))
        scored = [by_steps[steps] for steps in cut]
        failure = next((item.error for item in scored if item.error is not None), None)
        if special_tokens != "text" and failure is not None:
            raise InputError(failure)
        return [
            ScoredResponse(response, item.steps, item.scores, fmean(item.scores) if item.scores else None, item.error)
            for response, item in zip(responses, scored, strict=True)
        ]

    def score_steps(
        self, question: str, steps: Sequence[str], images: Sequence[ImageSource] = (), *, special_tokens: str = "text"
    ) -> list[float]:
        """Scores the steps of one solution as they are given; they are neither split nor merged.

        Args:
            question: As for ``score``.
            steps: The steps, [T].
            images: As for ``score``.
            special_tokens: As for ``score``.

        Returns:
            P(+) of each step, [T].

        Raises:
            InputError: When it cannot be scored.
        """
        opened = _open_images(question, images)
        (outcome,) = self.score_items([(question, steps, opened)], special_tokens=special_tokens)
        if outcome.error is not None:
            raise InputError(outcome.error)
        return list(outcome.scores)

    @overload
    def select_best_response(
        self, question: str, responses: Sequence[str], images: Sequence[ImageSource] = ..., *,
        max_steps: int | None = ..., return_scores: Literal[False] = ...,
    ) -> list[str]: ...  # fmt: skip

    @overload
    def select_best_response(
        self, question: str, responses: Sequence[str], images: Sequence[ImageSource] = ..., *,
        max_steps: int | None = ..., return_scores: Literal[True],
    ) -> list[tuple[str, float | None]]: ...  # fmt: skip

    def select_best_response(
        self,
        question: str,
        responses: Sequence[str],
        images: Sequence[ImageSource] = (),
        *,
        max_steps: int | None = None,
        return_scores: bool = False,
    ) -> list[str] | list[tuple[str, float | None]]:
        """Responses, the best first; equal ones keep their order, and those that cannot be scored come last.

        Args:
            question: As for ``score``.
            responses: As for ``score``.
            images: As for ``score``.
            max_steps: As for ``score``.
            return_scores: Whether to return pairs of response and score (``None`` for one that cannot be scored).

        Raises:
            InputError: As for ``score``, and when no response can be scored.
        """
        scored = self.score(question, responses, images, max_steps=max_steps)
        if scored and all(item.error is not None for item in scored):
            raise InputError(f"none of the {len(scored)} responses can be scored; the first: {scored[0].error}")
        ranked = sorted(scored, key=lambda item: -1.0 if item.score is None else item.score, reverse=True)
        return [(item.response, item.score) for item in ranked] if return_scores else [item.response for item in ranked]

    def score_items(
        self, items: Sequence[Item], *, batch_tokens: int = BATCH_TOKENS, special_tokens: str = "text"
    ) -> list[StepScores]:
        """Scores solutions to any number of questions in batches.

        Solutions to one question share the reading of its images and of all that they begin with, wherever they stand.

        Args:
            items: Question, steps [T] and images of each solution.
            batch_tokens: Most tokens of a batch; a longer sequence is a batch of its own.
            special_tokens: As for ``score``.

        Returns:
            In the order of ``items``; one that cannot be scored has an ``error``.

        Raises:
            ConfigError: When ``batch_tokens`` is below 1.
        """
        parts = self.score_stream(items, batch_tokens=batch_tokens, special_tokens=special_tokens)
        scored = dict(chain.from_iterable(parts))
        return [scored[index] for index in range(len(items))]

    def score_stream(
        self, items: Sequence[Item], *, batch_tokens: int = BATCH_TOKENS, special_tokens: str = "text"
    ) -> Iterator[list[tuple[int, StepScores]]]:
        """As ``score_items``, but scores come as soon as they are there.

        Args:
            items: As for ``score_items``.
            batch_tokens: As for ``score_items``.
            special_tokens: As for ``score``.

        Yields:
            Places in ``items`` and their scores, a batch's at a time; each place once.

        Raises:
            ConfigError: When ``batch_tokens`` is below 1.
        """
        outcomes = self._scorer.score(items, special_tokens=special_tokens, batch_tokens=batch_tokens)
        for part in outcomes:
            yield [(index, _step_scores(items[index][1], outcome)) for index, outcome in part]

    def _check_self(self) -> None:
        """Scores a built-in probe: a wrong number of image tokens or a score that is no number shows here."""
        side = self.checkpoint.config.image_size
        probe = ("What is 1 + 1?", ["1 + 1 = 2", "Answer: 2"], [Image.new("RGB", (side, side), "gray")])
        (outcome,) = self.score_items([probe])
        if outcome.error is not None:
            raise CheckpointError(f"{self.checkpoint.path} fails its self-check: {outcome.error}")


def _step_scores(steps: Sequence[str], outcome: Outcome) -> StepScores:
    return StepScores((), tuple(steps), outcome) if isinstance(outcome, str) else StepScores(outcome, tuple(steps))


def _open_images(question: str, images: Sequence[ImageSource]) -> list[Image.Image]:
    """Opens what all responses share; its trouble is the call's, not a response's.

    Raises:
        InputError: When an image cannot be read, or the question's tags do not fit the images.
    """
    question_content(question, [1] * len(images))
    return [load_image(image) for image in images]
