"""The two kinds of passes through the model: over what the solutions to a question share, and over how each goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from visualprm_eval.engine.decoder import Decoder, Piece, Prefix, slice_prefix
from visualprm_eval.engine.image_features import embed
from visualprm_eval.engine.question_groups import Question, Work

if TYPE_CHECKING:
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

Ending = tuple[int, Work]
"""A solution, and the place of its question among those whose beginnings were read."""


class Beginnings:
    """What was read of some questions.

    Attributes:
        questions: These questions.
        logits: Of each, the labels' logits at its shared positions, float32 [positions, 2].
        prefixes: Of each, keys and values of its shared tokens, where solutions go on from them.
    """

    def __init__(self, questions: Sequence[Question], logits: Sequence[torch.Tensor], kept: Prefix) -> None:
        self.questions, self.logits = questions, logits
        self.prefixes: list[Prefix] = []
        begin = 0
        for question in questions:
            self.prefixes.append(slice_prefix(kept, begin, begin + question.shared))
            begin += question.shared

    def endings(self) -> list[Ending]:
        """Solutions that go on after what is shared, in order."""
        return [
            (number, work)
            for number, question in enumerate(self.questions)
            for work in question.works
            if work.length > question.shared
        ]

    def tokens(self, ending: Ending) -> int:
        """How many a solution has after what is shared."""
        number, work = ending
        return work.length - self.questions[number].shared

    def only(self, endings: Sequence[Ending]) -> list[list[Question]]:
        """The questions of some solutions, each alone and with these solutions only."""
        works: dict[int, list[Work]] = {}
        for number, work in endings:
            works.setdefault(number, []).append(work)
        return [[Question(self.questions[number].images, tuple(some))] for number, some in works.items()]

    def shared_logits(self, number: int, work: Work) -> torch.Tensor:
        """Logits of a solution's shared steps, [steps, 2]."""
        question = self.questions[number]
        places = {position: place for place, position in enumerate(question.shared_positions)}
        return self.logits[number][[places[each] for each in work.prompt.positions if each < question.shared]]


class Passes:
    """Runs passes of one checkpoint.

    Args:
        checkpoint: A loaded reward model.
        labels: Token ids of ``+`` and ``-``.
    """

    def __init__(self, checkpoint: LoadedCheckpoint, labels: tuple[int, int]) -> None:
        self._checkpoint = checkpoint
        self._decoder = Decoder(checkpoint)
        # Two rows instead of the whole vocabulary, and in float32 whatever the model's precision.
        self._labels = checkpoint.model.lm_head.weight[list(labels)].float()

    @torch.inference_mode()
    def begin(self, questions: Sequence[Question], features: Sequence[torch.Tensor]) -> Beginnings:
        """Reads what the solutions to each question share.

        Args:
            questions: The questions of the batch.
            features: Features of all their images in order, each [tokens, hidden size].

        Raises:
            InputError: When the prompts have more or fewer image tokens than there are features.
        """
        ids = [token for question in questions for token in question.works[0].prompt.ids[: question.shared]]
        pieces = [Piece(question.shared, question.shared_positions) for question in questions]
        keep = any(work.length > question.shared for question in questions for work in question.works)
        hidden, kept = self._decoder.run(self._embedded(ids, features), pieces, keep=keep)
        logits = torch.split(self._logits(hidden), [len(question.shared_positions) for question in questions])
        return Beginnings(questions, logits, kept)

    @torch.inference_mode()
    def finish(self, endings: Sequence[Ending], beginnings: Beginnings) -> list[torch.Tensor]:
        """Reads how solutions go on.

        Args:
            endings: The solutions of the batch, those of a question after each other.
            beginnings: Of their questions.

        Returns:
            The labels' logits at all scored positions of each, float32 [T, 2].
        """
        numbers = list(dict.fromkeys(number for number, _ in endings))
        ids: list[int] = []
        pieces: list[Piece] = []
        for number, work in endings:
            shared = beginnings.questions[number].shared
            ids += work.prompt.ids[shared : work.length]
            scored = tuple(place - shared for place in work.prompt.positions if place >= shared)
            pieces.append(Piece(work.length - shared, scored, shared, numbers.index(number)))
        prefixes = [beginnings.prefixes[number] for number in numbers]
        hidden, _ = self._decoder.run(self._embedded(ids), pieces, prefixes)
        own = torch.split(self._logits(hidden), [len(piece.scored) for piece in pieces])
        return [
            torch.cat([beginnings.shared_logits(number, work), logits])
            for (number, work), logits in zip(endings, own, strict=True)
        ]

    def _embedded(self, ids: Sequence[int], features: Sequence[torch.Tensor] = ()) -> torch.Tensor:
        return embed(self._checkpoint, torch.tensor([ids], device=self._checkpoint.device), features)[0]

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = hidden.float() @ self._labels.T
        return logits
