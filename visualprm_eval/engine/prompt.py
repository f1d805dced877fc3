"""Prompts as token ids: the conversation that VisualPRM scores, and the one that a policy answers.

Text that a model or a benchmark wrote is data: with ``special_tokens="text"`` no control token can come out of it, and
the positions to score are known from how the ids were put together. ``"original"`` spells the whole conversation as one
text and searches it, exactly as the original code does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from visualprm_eval.core.errors import ContextLengthError, InputError, TokenizerError
from visualprm_eval.engine.config import CheckpointConfig
from visualprm_eval.engine.tokenizer import (
    IM_END,
    IM_START,
    IMAGE_CONTEXT,
    IMAGE_END,
    IMAGE_START,
    REQUIRED_TOKENS,
    Tokenizer,
)

IMAGE_TAG = "<image>"
PLUS, MINUS = "+", "-"
SPECIAL_TOKENS = ("text", "original")

_SYSTEM, _USER, _ASSISTANT = "system\n", "user\n", "assistant\n"
_QUESTION, _SOLUTION = "### Question:\n", "\n\n### Solution Process:\n"


@dataclass(frozen=True, slots=True)
class ImageSlot:
    """Where an image stands in a content.

    Attributes:
        tiles: Number of its tiles.
    """

    tiles: int


Content = Sequence[str | ImageSlot]
"""Text and images in order."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids of a conversation.

    Attributes:
        ids: The tokens.
        positions: For each step, where the token stands whose logits give its score; empty in a policy's prompt.
    """

    ids: tuple[int, ...]
    positions: tuple[int, ...] = ()


def question_content(question: str, tiles: Sequence[int]) -> list[str | ImageSlot]:
    """A question with its images where ``<image>`` stands, or before it when it does not say.

    Args:
        question: The question; without images ``<image>`` is plain text.
        tiles: Number of tiles of each image.

    Raises:
        InputError: When it has tags, but not one per image.
    """
    if not tiles:
        return [question]
    pieces = question.split(IMAGE_TAG)
    if len(pieces) == 1:
        return [part for number in tiles for part in (ImageSlot(number), "\n")] + [question]
    if len(pieces) - 1 != len(tiles):
        raise InputError(
            f"the question has {len(pieces) - 1} {IMAGE_TAG} tags for {len(tiles)} images; "
            "expected one tag per image, or none"
        )
    content: list[str | ImageSlot] = [pieces[0]]
    for number, piece in zip(tiles, pieces[1:], strict=True):
        content += [ImageSlot(number), piece]
    return content


class PromptFormat:
    """How a checkpoint's conversations are written.

    Args:
        tokenizer: Its tokenizer.
        config: Its configuration.

    Raises:
        TokenizerError: When ``+``, ``-`` or a control token is not a single token of its own.
    """

    def __init__(self, tokenizer: Tokenizer, config: CheckpointConfig) -> None:
        self.tokenizer, self.config = tokenizer, config
        self.control = {token: tokenizer.id_of(token) for token in REQUIRED_TOKENS}
        self._header = [self.control[IM_START], *tokenizer.encode(_ASSISTANT)]
        self.plus_id, self.minus_id = self._label(PLUS), self._label(MINUS)
        self._turn = [*self._header, self.plus_id, self.control[IM_END]]
        if len({*self.control.values(), self.plus_id, self.minus_id}) != len(REQUIRED_TOKENS) + 2:
            raise TokenizerError(f"{PLUS}, {MINUS} and the control tokens share ids; expected an InternVL2.5 tokenizer")

    def prm(self, question: Content, steps: Sequence[str], special_tokens: str = "text") -> Prompt:
        """The conversation that VisualPRM scores: one user turn per step, ``+`` as every reply.

        Args:
            question: The question with its images.
            steps: The steps of the solution, [T].
            special_tokens: ``"text"`` or ``"original"``.

        Raises:
            InputError: When there is no step, or the original procedure would fail on it.
            ContextLengthError: When it is longer than the model's context.
        """
        if not steps:
            raise InputError("there are no steps to score; expected at least one (it may be empty)")
        if special_tokens not in SPECIAL_TOKENS:
            raise InputError(f"special_tokens is {special_tokens!r}; expected one of {', '.join(SPECIAL_TOKENS)}")
        turns: list[Content] = [[_QUESTION, *question, _SOLUTION, steps[0]], *([step] for step in steps[1:])]
        prompt = self._prm_from_parts(turns) if special_tokens == "text" else self._prm_from_text(turns)
        self._check_length(len(prompt.ids))
        return prompt

    def chat(self, question: Content, prefix: str = "") -> Prompt:
        """The conversation that a policy answers.

        Args:
            question: The question with its images.
            prefix: What the policy has already written of its answer.

        Raises:
            InputError: When the text cannot be written in this vocabulary.
            ContextLengthError: When it is longer than the model's context.
        """
        writer = _Writer(self)
        self._begin(writer)
        self._user_turn(writer, question)
        writer.control(IM_START)
        writer.text(_ASSISTANT + prefix)
        ids = writer.ids()
        self._check_length(len(ids))
        return Prompt(tuple(ids))

    def _label(self, label: str) -> int:
        """The token of a label where it stands: right after the assistant's header."""
        try:
            ids = [self.control[IM_START], *self.tokenizer.encode(_ASSISTANT + label)]
        except InputError:
            ids = []
        if len(ids) != len(self._header) + 1 or ids[:-1] != self._header:
            raise TokenizerError(
                f"the tokenizer has no token of its own for {label!r} after the assistant's header; "
                "expected the tokenizer of an InternVL2.5 checkpoint"
            )
        return ids[-1]

    def _prm_from_parts(self, turns: Sequence[Content]) -> Prompt:
        writer = _Writer(self)
        self._begin(writer)
        positions = []
        for turn in turns:
            self._user_turn(writer, turn)
            positions.append(len(writer.ids()) + len(self._header) - 1)
            writer.tokens(self._turn)
            writer.text("\n")
        return Prompt(tuple(writer.ids()), tuple(positions))

    def _prm_from_text(self, turns: Sequence[Content]) -> Prompt:
        """As the original: one text, in which control tokens and then the scored turns are searched."""
        reply = f"{IM_START}{_ASSISTANT}{PLUS}{IM_END}\n"
        text = f"{IM_START}{_SYSTEM}{self.config.system_message}{IM_END}\n"
        expected = 0
        for turn in turns:
            spelled = "".join(part if isinstance(part, str) else self._spell(part) for part in turn)
            text += f"{IM_START}{_USER}" + (f"{spelled}{IM_END}\n" if spelled else "") + reply
            expected += sum(part.tiles for part in turn if isinstance(part, ImageSlot)) * self.config.tokens_per_tile
        ids = self._bos() + self.tokenizer.encode(text, special=True)
        if (found := ids.count(self.control[IMAGE_CONTEXT])) != expected:
            raise InputError(f"the text spells {IMAGE_CONTEXT}: {found} image tokens for {expected} image features")
        target = self.tokenizer.encode(reply, special=True)
        starts = [i for i in range(len(ids) - len(target) + 1) if ids[i : i + len(target)] == target]
        if len(starts) != len(turns):
            raise InputError(f"the text spells scored turns of its own: {len(starts)} turns for {len(turns)} steps")
        return Prompt(tuple(ids), tuple(start + len(self._header) - 1 for start in starts))

    def _spell(self, slot: ImageSlot) -> str:
        return IMAGE_START + IMAGE_CONTEXT * (slot.tiles * self.config.tokens_per_tile) + IMAGE_END

    def _bos(self) -> list[int]:
        return [] if self.tokenizer.bos_id is None else [self.tokenizer.bos_id]

    def _begin(self, writer: _Writer) -> None:
        writer.tokens(self._bos())
        writer.control(IM_START)
        writer.text(_SYSTEM + self.config.system_message)
        writer.control(IM_END)
        writer.text(self.config.turn_gap)

    def _user_turn(self, writer: _Writer, content: Content) -> None:
        writer.control(IM_START)
        writer.text(_USER)
        for part in content:
            if isinstance(part, str):
                writer.text(part)
            else:
                writer.control(IMAGE_START)
                writer.tokens([self.control[IMAGE_CONTEXT]] * (part.tiles * self.config.tokens_per_tile))
                writer.control(IMAGE_END)
        # The original's template leaves a turn without content open.
        if any(content):
            writer.control(IM_END)
            writer.text(self.config.turn_gap)

    def _check_length(self, length: int) -> None:
        limit = self.config.language.max_position_embeddings
        if length > limit:
            raise ContextLengthError(f"the prompt has {length} tokens, the model's context {limit}; nothing was cut")


class _Writer:
    """Puts ids together; text between control tokens is tokenised as one, as the original does."""

    def __init__(self, form: PromptFormat) -> None:
        self._form = form
        self._ids: list[int] = []
        self._pending: list[str] = []

    def text(self, text: str) -> None:
        self._pending.append(text)

    def control(self, token: str) -> None:
        self.tokens([self._form.control[token]])

    def tokens(self, ids: Sequence[int]) -> None:
        self.ids().extend(ids)

    def ids(self) -> list[int]:
        """All ids so far; text that follows begins a token of its own."""
        if text := "".join(self._pending):
            self._ids.extend(self._form.tokenizer.encode(text))
        self._pending.clear()
        return self._ids
