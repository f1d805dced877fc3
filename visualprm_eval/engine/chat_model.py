"""Any picture-and-text chat model that transformers has a class for: loading, and N samples in one batch.

Only transformers' own classes run, only safetensors are read. A checkpoint's chat template is Jinja, which transformers
renders in a sandbox.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, GenerationConfig, LogitsProcessor

from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.errors import CheckpointError, ContextLengthError
from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.engine.checkpoint import DOWNLOADS, content_name, locate
from visualprm_eval.engine.checkpoint_check import inspect_weights
from visualprm_eval.engine.devices import resolve_device, resolve_dtype
from visualprm_eval.engine.images import Picture, load_image
from visualprm_eval.engine.noise import choose_tokens, stream_key
from visualprm_eval.engine.out_of_memory import ran_out

CHAT_DOWNLOADS = (*DOWNLOADS, "*.jinja", "*.model", "vocab.txt")
"""What is fetched from the hub: nothing that could be run outside of a sandbox."""

_LOCAL: Mapping[str, Any] = MappingProxyType({"trust_remote_code": False, "local_files_only": True})


@dataclass(frozen=True)
class ChatModel:
    """A chat model with all that belongs to it.

    Attributes:
        model: The model, in evaluation mode.
        processor: Makes token ids and pixels of messages.
        stop_ids: Tokens that end a reply.
        context: Most tokens of prompt and reply together; ``None`` when the checkpoint does not say.
        controls: Finds spellings of control tokens.
    """

    model: Any
    processor: Any
    stop_ids: tuple[int, ...]
    context: int | None
    controls: re.Pattern[str] | None

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer


def load_chat_model(path_or_id: str, device: str, dtype: str, revision: str | None = None) -> ChatModel:
    """Loads a checkpoint into transformers' own class for it.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        device: As for ``load_checkpoint``.
        dtype: As for ``load_checkpoint``.
        revision: Branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: When transformers has no class for it, a weight is missing, there are no safetensors, or there
            is no chat template.
        ConfigError: When an option is unknown, or the device is not there.
    """
    target = resolve_device(device)
    path = locate(path_or_id, revision, CHAT_DOWNLOADS)
    processor = _processor(path)
    with _told(path):
        model, info = AutoModelForImageTextToText.from_pretrained(
            path, dtype=resolve_dtype(dtype, target), use_safetensors=True, output_loading_info=True, **_LOCAL
        )
    lacking = sorted(map(str, [*info["missing_keys"], *info["mismatched_keys"]]))
    if lacking:
        raise CheckpointError(
            f"{path}: {len(lacking)} weights are missing or of another shape: {', '.join(lacking[:5])}"
        )
    return _made(path, model.to(target).eval().requires_grad_(requires_grad=False), processor)


def inspect_chat_model(path_or_id: str, revision: str | None = None) -> None:
    """Looks at a checkpoint's files before anything is paid for that its weights are to work on.

    Args:
        path_or_id: A directory, or the name of a repository on the hub.
        revision: Branch, tag or commit of a hub repository.

    Raises:
        CheckpointError: When it is not there, transformers has no processor for it, there is no chat template, or a
            file of its weights is missing or was cut off.
    """
    path = locate(path_or_id, revision, CHAT_DOWNLOADS)
    with _told(path):
        AutoConfig.from_pretrained(path, **_LOCAL)
    _processor(path)
    inspect_weights(path)


def _processor(path: Path) -> Any:
    with _told(path):
        processor = AutoProcessor.from_pretrained(path, **_LOCAL)
    tokenizer = getattr(processor, "tokenizer", None)
    if tokenizer is None or not (processor.chat_template or tokenizer.chat_template):
        raise CheckpointError(f"{path} has no chat template; expected a chat model (chat_template.jinja)")
    return processor


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Says what was expected where transformers raises whatever its hundreds of classes stumble over."""
    try:
        yield
    except Exception as error:
        raise CheckpointError(
            f"{path}: transformers' own classes cannot load it ({type(error).__name__}: {str(error)[:600]}); expected "
            "a model for pictures and text with safetensors. Code that ships with a checkpoint runs only in a class "
            "of the host, with --allow-remote-code"
        ) from error


def _made(path: Path, model: Any, processor: Any) -> ChatModel:
    tokenizer = processor.tokenizer
    if model.config.is_encoder_decoder:
        raise CheckpointError(
            f"{path} reads and writes with two networks; expected a model that goes on with its prompt"
        )
    said = model.generation_config.eos_token_id
    stops = {tokenizer.eos_token_id, *(said if isinstance(said, list) else [said])} - {None}
    if not stops:
        raise CheckpointError(f"{path} does not say which token ends a reply; expected eos_token_id in its files")
    # What else the file says (a penalty, a top-k) would change samples behind the user's back.
    pad = tokenizer.pad_token_id
    model.generation_config = GenerationConfig(
        eos_token_id=sorted(stops), pad_token_id=min(stops) if pad is None else pad, do_sample=False
    )
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    extra = {str(token) for token in getattr(tokenizer, "all_special_tokens", [])}
    spellings = extra | {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    longest = sorted((each for each in spellings if len(each) > 1), key=len, reverse=True)
    controls = re.compile("|".join(map(re.escape, longest))) if longest else None
    return ChatModel(model, processor, tuple(sorted(stops)), context, controls)


def chat_fingerprint(path_or_id: str, revision: str | None = None) -> str:
    """Names a checkpoint by its content, byte for byte, chat template and image processor included.

    Raises:
        CheckpointError: When there is no such checkpoint.
    """
    path = locate(path_or_id, revision, CHAT_DOWNLOADS)
    files = {file.name for pattern in CHAT_DOWNLOADS for file in path.glob(pattern) if file.is_file()}
    return content_name(path, files)


@torch.inference_mode()
def draw(chat: ChatModel, problem: Problem, ranks: Sequence[int], sampling: SamplingOptions) -> list[Candidate]:
    """Draws samples of one problem in one batch; the noise of each depends on (seed, problem, rank) only.

    Args:
        chat: The policy.
        problem: What to answer.
        ranks: The samples that are wanted.
        sampling: How to draw.

    Returns:
        One candidate per rank; with ``error`` when the prompt cannot be made.
    """
    begin = time.perf_counter()
    try:
        inputs = _inputs(chat, problem)
        length = inputs["input_ids"].shape[1]
        room = sampling.max_tokens if chat.context is None else min(sampling.max_tokens, chat.context - length)
        if room < 1:
            raise ContextLengthError(f"the prompt has {length} tokens, the model's context {chat.context}")  # noqa: TRY301
    except Exception as error:  # noqa: BLE001 - processors refuse pictures with errors of any kind: a fact of the problem
        return [Candidate(problem.id, rank, "", error=f"{type(error).__name__}: {error}") for rank in ranks]
    try:
        keys = [stream_key(sampling.seed, problem.id, rank) for rank in ranks]
        rows = _generate(chat, inputs, keys, sampling, room)
    except RuntimeError as error:
        if not ran_out(error):
            raise
        if len(ranks) == 1:
            return [Candidate(problem.id, ranks[0], "", error="too long for this device's memory")]
    else:
        seconds = (time.perf_counter() - begin) / len(ranks)
        return [_candidate(chat, problem, rank, row, seconds) for rank, row in zip(ranks, rows, strict=True)]
    # Here, since the error holds what did not fit as long as it is being handled.
    half = len(ranks) // 2
    return draw(chat, problem, ranks[:half], sampling) + draw(chat, problem, ranks[half:], sampling)


def _inputs(chat: ChatModel, problem: Problem) -> Any:
    """Token ids and pixels of a problem."""
    content = [
        {"type": "image", "image": load_image(Picture(part.value, as_is=True))}
        if part.kind == "image"
        else {"type": "text", "text": _as_data(chat, part.value)}
        for part in problem.parts
    ]
    inputs = chat.processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )  # fmt: skip
    return inputs.to(chat.model.device, dtype=chat.model.dtype)


def _as_data(chat: ChatModel, text: str) -> str:
    """A text in which no control token is spelled: a blank goes after the first character of each."""
    controls = chat.controls
    return text if controls is None else controls.sub(lambda match: f"{match[0][0]} {match[0][1:]}", text)


def _generate(
    chat: ChatModel, inputs: Any, keys: Sequence[int], sampling: SamplingOptions, room: int
) -> list[list[int]]:
    """Token ids of each reply, padding included."""
    length = inputs["input_ids"].shape[1]
    if sampling.temperature == 0:  # All samples are one.
        (row,) = chat.model.generate(**inputs, max_new_tokens=room)[:, length:].tolist()
        return [row] * len(keys)
    noise = torch.tensor(keys, device=chat.model.device)
    output = chat.model.generate(
        **inputs, max_new_tokens=room, num_return_sequences=len(keys), do_sample=True, top_k=0, top_p=1.0,
        temperature=1.0, logits_processor=[_Choice(noise, length, sampling)],
    )  # fmt: skip
    rows: list[list[int]] = output[:, length:].tolist()
    return rows


class _Choice(LogitsProcessor):  # type: ignore[misc]  # transformers is not typed
    """Chooses each row's token by its own noise and leaves transformers no other."""

    def __init__(self, keys: torch.Tensor, length: int, sampling: SamplingOptions) -> None:
        self._keys, self._length, self._sampling = keys, length, sampling

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [B, V] in which one token per row is possible."""
        step = input_ids.shape[1] - self._length
        tokens = choose_tokens(scores, self._keys, step, self._sampling.temperature, self._sampling.top_p)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens[:, None], 0.0)


def _candidate(chat: ChatModel, problem: Problem, rank: int, row: list[int], seconds: float) -> Candidate:
    end = next((place for place, index in enumerate(row) if index in chat.stop_ids), None)
    ids = row if end is None else row[:end]
    return Candidate(
        problem_id=problem.id,
        rank=rank,
        text=chat.tokenizer.decode(ids, skip_special_tokens=True),
        finish="length" if end is None else "stop",
        tokens=len(ids),
        seconds=seconds,
    )
