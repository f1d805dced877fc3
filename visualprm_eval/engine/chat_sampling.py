"""N samples of a chat model in one batch, by noise of our own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import LogitsProcessor

from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.errors import ContextLengthError, PolicyError
from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.engine.chat_model import ChatModel
from visualprm_eval.engine.images import Picture, load_image
from visualprm_eval.engine.noise import choose_tokens, stream_key
from visualprm_eval.engine.out_of_memory import ran_out

Choose = Callable[[int, torch.Tensor], torch.Tensor]
"""Says each row's next token [B] for a step and its logits [B, V]."""


@torch.inference_mode()
def draw(chat: ChatModel, problem: Problem, ranks: Sequence[int], sampling: SamplingOptions) -> list[Candidate]:
    """Draws samples of one problem in one batch; the noise of each depends on (seed, problem, rank) only.

    Args:
        chat: The policy.
        problem: What to answer.
        ranks: The samples that are wanted.
        sampling: How to draw.

    Returns:
        One candidate per rank; with ``error`` when the prompt cannot be made, or the model's class raised for this
        sample alone, too.

    Raises:
        PolicyError: When the model's class does not ask our sampler, or the device failed.
    """
    begin = time.perf_counter()
    try:
        inputs, room = prepare(chat, problem, sampling.max_tokens)
    except Exception as error:  # noqa: BLE001 - processors refuse pictures with errors of any kind: a fact of the problem
        return [Candidate(problem.id, rank, "", error=f"{type(error).__name__}: {error}") for rank in ranks]
    try:
        rows = _samples(chat, inputs, [stream_key(sampling.seed, problem.id, rank) for rank in ranks], sampling, room)
    except PolicyError:
        raise
    except Exception as error:
        full = isinstance(error, RuntimeError) and ran_out(error)
        if isinstance(error, torch.AcceleratorError) and not full:  # On that device all else would fail, too.
            raise PolicyError(
                f"the device failed ({error}); what came is stored: run the same command again"
            ) from error
        reason = "too long for this device's memory" if full else f"{type(error).__name__}: {error}"
        size = max(1, len(ranks) // 2) if full else 1  # Classes that cannot write several samples can write one.
    else:
        seconds = (time.perf_counter() - begin) / len(ranks)
        return [_candidate(chat, problem, rank, row, seconds) for rank, row in zip(ranks, rows, strict=True)]
    if len(ranks) == 1:
        return [Candidate(problem.id, ranks[0], "", error=reason)]
    # Here, since the error holds what did not fit as long as it is being handled.
    parts = [ranks[start : start + size] for start in range(0, len(ranks), size)]
    return [each for part in parts for each in draw(chat, problem, part, sampling)]


def prepare(chat: ChatModel, problem: Problem, max_tokens: int) -> tuple[Any, int]:
    """Token ids and pixels of a problem, and how many tokens a reply may have.

    Raises:
        ContextLengthError: When the prompt fills the model's context.
        Exception: Whatever a processor raises over a picture.
    """
    inputs = _inputs(chat, problem)
    length = inputs["input_ids"].shape[1]
    room = max_tokens if chat.context is None else min(max_tokens, chat.context - length)
    if room < 1:
        raise ContextLengthError(f"the prompt has {length} tokens, the model's context {chat.context}")
    return inputs, room


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


def _samples(
    chat: ChatModel, inputs: Any, keys: Sequence[int], sampling: SamplingOptions, room: int
) -> list[list[int]]:
    """Token ids of each reply; those after the one that ends it mean nothing."""
    streams = torch.tensor(keys if sampling.temperature else keys[:1], device=chat.model.device)

    def choose(step: int, scores: torch.Tensor) -> torch.Tensor:
        return choose_tokens(scores, streams, step, sampling.temperature, sampling.top_p)

    rows: list[list[int]] = write(chat, inputs, len(streams), room, choose).tolist()
    return rows if sampling.temperature else rows * len(keys)  # All greedy samples are one.


def write(chat: ChatModel, inputs: Any, rows: int, room: int, choose: Choose) -> torch.Tensor:
    """Goes on with a prompt in several rows of one batch.

    Args:
        chat: The model.
        inputs: The prompt's token ids and pixels.
        rows: How many samples B.
        room: Most tokens of each.
        choose: Says each row's next token.

    Returns:
        What was chosen, [B, T]; after a row's stop token the rest means nothing.

    Raises:
        PolicyError: When what the model's class wrote is not what was chosen.
        Exception: Whatever the class raises.
    """
    sampler = _Sampler(choose)
    output = chat.model.generate(
        **inputs, max_new_tokens=room, num_return_sequences=rows, do_sample=True, top_k=0, top_p=1.0, temperature=1.0,
        logits_processor=[sampler],
    )  # fmt: skip
    steps, length = len(sampler.chosen), inputs["input_ids"].shape[1]
    if steps and output.shape in {(rows, steps), (rows, length + steps)}:
        chosen = torch.stack(sampler.chosen, dim=1)
        stops = torch.isin(chosen, torch.tensor(chat.stop_ids, device=chosen.device)).int()
        ended = stops.cumsum(dim=1) - stops > 0
        if bool((ended | (output[:, -steps:] == chosen)).all()):
            return chosen
    name = type(chat.model).__name__
    raise PolicyError(
        f"transformers' class {name} does not ask our sampler for every token: temperature, top-p and seed would not "
        "reach the samples. Run the model with --engine host under the host's name of it, serve it and give "
        "--base-url, or sample elsewhere and pass the texts with --candidates"
    )


class _Sampler(LogitsProcessor):  # type: ignore[misc]  # transformers is not typed
    """Leaves transformers one token per row, and notes which."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self.chosen: list[torch.Tensor] = []

    def __call__(self, _ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [B, V] in which one token per row is possible."""
        tokens = self._choose(len(self.chosen), scores)
        self.chosen.append(tokens)
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
