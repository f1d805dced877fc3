"""Scores of many solutions: prompts, then batches, then one forward pass per batch.

The three are apart on purpose: prompts know nothing of batches, and the forward pass gets ids and positions only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from visualprm_eval.errors import InputError
from visualprm_eval.prm.features import ImageEncoder, ImageShelf, embed
from visualprm_eval.prm.images import ImageSource
from visualprm_eval.prm.prompt import Prompt, PromptFormat, question_content
from visualprm_eval.prm.tokenizer import IM_END

if TYPE_CHECKING:
    from visualprm_eval.prm.checkpoint import LoadedCheckpoint

IMAGE_TOKENS_PER_WINDOW = 65_536
"""Image features kept at a time: 256 tiles of 448 pixels, half a gigabyte for an 8B model in bfloat16."""

Item = tuple[str, Sequence[str], Sequence[ImageSource]]
"""A question, the steps of one solution [T], and the question's images."""
Outcome = tuple[float, ...] | str
"""The step scores [T], or why there are none."""


@dataclass(frozen=True, slots=True)
class Work:
    """An item made ready.

    Attributes:
        index: Its place among the items.
        prompt: Its prompt.
        images: Its images in order.
    """

    index: int
    prompt: Prompt
    images: tuple[ImageSource, ...]

    @property
    def length(self) -> int:
        """Tokens to be read: what follows the last scored position has no influence."""
        return self.prompt.positions[-1] + 1


def plan_batches(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Groups sequences of like length, so that padding costs little.

    Args:
        lengths: Number of tokens of each sequence.
        batch_tokens: Most tokens of a batch, padding included; a longer sequence is a batch of its own.

    Returns:
        Places in ``lengths``, each in one batch.
    """
    batches: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        # The first of a batch is its longest.
        if batches and lengths[batches[-1][0]] * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


class Scorer:
    """Scores items with one checkpoint.

    Args:
        checkpoint: A loaded reward model.

    Raises:
        TokenizerError: When its tokenizer does not fit the conversation.
    """

    def __init__(self, checkpoint: LoadedCheckpoint) -> None:
        self.checkpoint = checkpoint
        self.format = PromptFormat(checkpoint.tokenizer, checkpoint.config)
        self._encoder = ImageEncoder(checkpoint)

    def score(self, items: Sequence[Item], *, special_tokens: str, batch_tokens: int) -> list[Outcome]:
        """Scores every item; trouble with one does not touch the others.

        Args:
            items: What to score.
            special_tokens: ``"text"`` or ``"original"``.
            batch_tokens: Most tokens of a batch, padding included.

        Returns:
            In the order of ``items``.
        """
        outcomes: list[Outcome] = ["not scored"] * len(items)
        shelf = ImageShelf(self._encoder)
        works: list[Work] = []
        for index, item in enumerate(items):
            if shelf.tokens > IMAGE_TOKENS_PER_WINDOW and not shelf.holds(item[2]):
                self._score_works(works, shelf, batch_tokens, outcomes)
                shelf, works = ImageShelf(self._encoder), []
            try:
                works.append(self._prepare(index, item, shelf, special_tokens))
            except InputError as error:
                outcomes[index] = str(error)
        self._score_works(works, shelf, batch_tokens, outcomes)
        return outcomes

    def _prepare(self, index: int, item: Item, shelf: ImageShelf, special_tokens: str) -> Work:
        """Opens the images and writes the prompt.

        Raises:
            InputError: When an image cannot be read, or the prompt cannot be written or is too long.
        """
        question, steps, images = item
        content = question_content(question, [shelf.count(image) for image in images])
        return Work(index, self.format.prm(content, steps, special_tokens), tuple(images))

    def _score_works(
        self, works: Sequence[Work], shelf: ImageShelf, batch_tokens: int, outcomes: list[Outcome]
    ) -> None:
        for batch in plan_batches([work.length for work in works], batch_tokens):
            chosen = [works[place] for place in batch]
            for work, outcome in zip(chosen, self._score_batch(chosen, shelf), strict=True):
                outcomes[work.index] = outcome

    def _score_batch(self, works: Sequence[Work], shelf: ImageShelf) -> list[Outcome]:
        try:
            logits = self.forward(works, shelf)
        except torch.OutOfMemoryError:
            if len(works) == 1:
                return [f"{works[0].length} tokens are too much for this device's memory"]
            middle = len(works) // 2
            return [*self._score_batch(works[:middle], shelf), *self._score_batch(works[middle:], shelf)]
        return [_outcome(rows) for rows in logits]

    @torch.inference_mode()
    def forward(self, works: Sequence[Work], shelf: ImageShelf) -> list[torch.Tensor]:
        """Logits of the two labels at the scored positions.

        Padding stands on the right, where causal attention never looks, so no mask is needed.

        Args:
            works: One batch.
            shelf: Where its images are.

        Returns:
            Per item float32 [T, 2]: ``+`` and ``-``.
        """
        device, model = self.checkpoint.device, self.checkpoint.model
        longest = max(work.length for work in works)
        padding = self.format.control[IM_END]
        padded = [[*work.prompt.ids[: work.length], *[padding] * (longest - work.length)] for work in works]
        features = shelf.features([image for work in works for image in work.images])
        embeddings = embed(self.checkpoint, torch.tensor(padded, device=device), features)
        hidden = model.model.language_model(inputs_embeds=embeddings, use_cache=False).last_hidden_state
        labels = model.lm_head.weight[[self.format.plus_id, self.format.minus_id]].float()
        return [hidden[row, list(work.prompt.positions)].float() @ labels.T for row, work in enumerate(works)]


def _outcome(logits: torch.Tensor) -> Outcome:
    """P(+) of each step from logits [T, 2]."""
    scores = tuple(logits.softmax(dim=-1)[:, 0].tolist())
    return scores if all(map(math.isfinite, scores)) else "the model's logits are not finite numbers"
