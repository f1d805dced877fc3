"""Scores of many solutions to many questions for little more than what is different about each.

Solutions to one question are gathered; what they all begin with (image, question, perhaps first steps) is read once and
kept while the rest of each is read. Batches hold as many tokens as the budget allows, of whatever questions. The next
batch's pictures and prompts are made ready in a thread meanwhile.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch

from visualprm_eval.core.errors import ConfigError, InputError
from visualprm_eval.core.groups import grouped
from visualprm_eval.engine.image_features import ImageEncoder, ImageShelf
from visualprm_eval.engine.out_of_memory import ran_out
from visualprm_eval.engine.prefetch import one_ahead
from visualprm_eval.engine.prefix_batches import Beginnings, Passes
from visualprm_eval.engine.prompt import Prompt, PromptFormat, question_content
from visualprm_eval.engine.question_groups import Item, Question, Work, batches, by_question

if TYPE_CHECKING:
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)

CPU_TOKENS = 4096
"""Most tokens of a batch on a processor: more gain nothing there, and a kill loses what a batch has not finished."""

Outcome = tuple[float, ...] | str
"""The step scores [T], or why there are none."""
Outcomes = list[tuple[int, Outcome]]
"""Outcomes, each with its item's place."""


@dataclass
class Budget:
    """How many tokens a pass may hold.

    Attributes:
        tokens: The limit; it only shrinks.
    """

    tokens: int

    def halve(self, tried: int) -> None:
        """Learns that ``tried`` tokens were too many."""
        self.tokens = max(1, min(self.tokens, tried) // 2)
        _LOG.warning("memory ran out at %d tokens; going on with %d at a time", tried, self.tokens)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A question, or several, with their pictures, and those of their items that cannot be scored."""

    questions: list[Question]
    shelf: ImageShelf
    failed: Outcomes

    @property
    def tokens(self) -> int:
        """How many are read in one pass, and kept."""
        return sum(question.shared for question in self.questions)


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
        self.passes = Passes(checkpoint, (self.format.plus_id, self.format.minus_id))
        self._encoder = ImageEncoder(checkpoint)

    def score(self, items: Sequence[Item], *, special_tokens: str, batch_tokens: int) -> Iterator[Outcomes]:
        """Scores every item; trouble with one does not touch the others.

        Args:
            items: What to score, in any order.
            special_tokens: ``"text"`` or ``"original"``.
            batch_tokens: Most tokens of a batch (``CPU_TOKENS`` at most on a processor); a longer sequence is a batch
                of its own. A batch for which memory does not suffice halves it for the rest of the call.

        Yields:
            What each pass brings as soon as it is there; each item's outcome comes once.

        Raises:
            ConfigError: When ``batch_tokens`` is below 1.
        """
        if batch_tokens < 1:
            raise ConfigError(f"a batch of {batch_tokens} tokens holds nothing; expected at least 1")
        on_cpu = self.checkpoint.device.type == "cpu"
        budget = Budget(min(batch_tokens, CPU_TOKENS) if on_cpu else batch_tokens)
        prepared = (self._prepare(items, indices, special_tokens) for indices in by_question(items))
        for wave in one_ahead(self._waves(prepared, budget)):
            if wave.failed:
                yield wave.failed
            yield from self._score_wave(wave, budget)

    def _waves(self, prepared: Iterator[_Prepared], budget: Budget) -> Iterator[_Prepared]:
        """Questions whose shared tokens, and with them what is kept of these, fit the budget; pictures are cut."""
        for batch in batches(prepared, lambda each: each.tokens, lambda: budget.tokens):
            wave = _Prepared([], ImageShelf(self._encoder), [])
            for each in batch:
                wave.questions.extend(each.questions)
                wave.failed.extend(each.failed)
                if each.questions:
                    wave.shelf.take_over(each.shelf)
            wave.shelf.cut()
            yield wave

    def _prepare(self, items: Sequence[Item], indices: Sequence[int], special_tokens: str) -> _Prepared:
        """Opens the pictures of one question and writes the prompts of its solutions."""
        question, _, images = items[indices[0]]
        shelf = ImageShelf(self._encoder)
        prompts: dict[tuple[str, ...], Prompt] = {}
        places = grouped(indices, lambda index: tuple(items[index][1]))
        failed: Outcomes = []
        for steps, equal in places.items():
            try:
                content = question_content(question, [shelf.count(image) for image in images])
                prompts[steps] = self.format.prm(content, steps, special_tokens)
            except InputError as error:
                failed += [(index, str(error)) for index in equal]
        works = tuple(Work(tuple(places[steps]), prompt) for steps, prompt in prompts.items())
        return _Prepared([Question(tuple(images), works)] if works else [], shelf, failed)

    def _score_wave(self, wave: _Prepared, budget: Budget) -> Iterator[Outcomes]:
        """Scores questions whose shared tokens are read in one pass; in several when memory runs out."""
        waiting = [wave.questions] if wave.questions else []
        while waiting:
            part = waiting.pop()
            beginnings = _or_none(lambda part=part: self.begin(part, wave.shelf))  # type: ignore[misc]  # a bound default
            if beginnings is not None:
                waiting += yield from self._score_endings(beginnings, budget)
                del beginnings  # What was kept must be gone before the next questions are read.
                continue
            budget.halve(sum(question.shared for question in part))
            if len(part) > 1:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            else:
                yield _too_long(part[0].works)

    def begin(self, questions: Sequence[Question], shelf: ImageShelf) -> Beginnings:
        """Reads what the solutions to each question share, pictures first.

        Args:
            questions: One batch.
            shelf: Where their pictures are.

        Raises:
            InputError: When a picture's features do not fit the prompt.
        """
        return self.passes.begin(questions, shelf.features([image for each in questions for image in each.images]))

    def _score_endings(self, beginnings: Beginnings, budget: Budget) -> Generator[Outcomes, None, list[list[Question]]]:
        """Scores all solutions to questions whose shared tokens were read.

        Returns:
            Questions to read again, one by one, with solutions for which memory did not suffice beside the others.
        """
        ready = [
            told
            for number, question in enumerate(beginnings.questions)
            for work in question.works
            if work.length == question.shared
            for told in _told(work, beginnings.shared_logits(number, work))
        ]
        if ready:
            yield ready
        waiting = beginnings.endings()
        while waiting:
            batch = next(batches(waiting, beginnings.tokens, lambda: budget.tokens))
            logits = _or_none(lambda batch=batch: self.passes.finish(batch, beginnings))  # type: ignore[misc]
            if logits is None:
                budget.halve(sum(map(beginnings.tokens, batch)))
                if len(batch) > 1:
                    continue
                if len(beginnings.questions) > 1:
                    return beginnings.only(waiting)
                yield _too_long([work for _, work in batch])
            else:
                yield [told for (_, work), rows in zip(batch, logits, strict=True) for told in _told(work, rows)]
            del waiting[: len(batch)]
        return []


def _or_none(attempt: Callable[[], _T]) -> _T | None:
    """What an attempt gives; ``None`` when memory runs out. Its tensors are free again by then."""
    try:
        return attempt()
    except RuntimeError as error:
        if not ran_out(error):
            raise
        return None


def _told(work: Work, logits: torch.Tensor) -> Outcomes:
    """The step scores of a solution from logits [T, 2], for each of its items."""
    scores = tuple(logits.softmax(dim=-1)[:, 0].tolist())
    outcome: Outcome = scores if all(map(math.isfinite, scores)) else "the model's logits are not finite numbers"
    return [(index, outcome) for index in work.indices]


def _too_long(works: Sequence[Work]) -> Outcomes:
    return [
        (index, f"{work.length} tokens are too much for this device's memory")
        for work in works
        for index in work.indices
    ]
