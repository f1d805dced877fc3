"""Sampling from a chat policy in the InternVL layout, in batches across problems.

The noise of a candidate depends on (seed, problem, rank) only, so that batch size, order and restarts do not matter
(up to rounding: a batch of another shape adds up in another order).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from visualprm_eval.core.config import SamplingOptions
from visualprm_eval.core.errors import ConfigError, InputError
from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.engine.image_features import ImageEncoder, ImageShelf, embed
from visualprm_eval.engine.images import Picture
from visualprm_eval.engine.kv_cache import growing_cache
from visualprm_eval.engine.noise import choose_tokens, stream_key
from visualprm_eval.engine.out_of_memory import ran_out
from visualprm_eval.engine.prompt import ImageSlot, Prompt, PromptFormat
from visualprm_eval.engine.tokenizer import IM_END

if TYPE_CHECKING:
    from transformers.cache_utils import Cache

    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

WINDOW_BATCHES = 8
"""Requests are sorted by length among so many batches at a time."""
LIVE_SHARE = 0.9
"""A batch is copied without its finished rows when fewer than this share of them are still being written."""


Shown = tuple[str | Picture, ...]
"""A user's turn: text and pictures in order."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One sample that is wanted.

    Attributes:
        problem: What to answer.
        rank: Its place among the samples of the problem.
        prefix: What is already written of the answer; the sample goes on from there and does not repeat it.
        shown: How the problem is put to the policy; ``None`` puts its parts as they are, see ``problem_shown``.
    """

    problem: Problem
    rank: int
    prefix: str = ""
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """A request made ready: its prompt, the most tokens it may get, and the stream of its noise."""

    request: GenerationRequest
    prompt: Prompt
    pictures: tuple[Picture, ...]
    limit: int
    noise: int


def generate(
    checkpoint: LoadedCheckpoint, requests: Sequence[GenerationRequest], sampling: SamplingOptions, *, stop: bool = True
) -> Iterator[list[Candidate]]:
    """Draws one candidate per request.

    Args:
        checkpoint: The policy.
        requests: What is wanted; requests of one problem that follow each other share its image and its prompt.
        sampling: How; only the numbers count, from the temperature to the batch size.
        stop: Whether a sample ends where the policy ends it; without, each is as long as it may be (for benchmarks).

    Yields:
        Candidates as they are done; ``text`` is what was written after the prefix. A request whose picture cannot be
        read or whose prompt is too long gives a candidate with ``error``.

    Raises:
        ConfigError: When an option makes no sense.
    """
    batch_size = sampling.batch_size
    if sampling.temperature < 0 or not 0 < sampling.top_p <= 1 or sampling.max_tokens < 1 or batch_size < 1:
        raise ConfigError("expected temperature >= 0, 0 < top_p <= 1, max_tokens >= 1 and batch_size >= 1")
    writer = _BatchWriter(checkpoint, sampling, stop=stop)
    for start in range(0, len(requests), batch_size * WINDOW_BATCHES):
        shelf, jobs, failed = ImageShelf(writer.encoder), [], []
        for request in requests[start : start + batch_size * WINDOW_BATCHES]:
            try:
                jobs.append(writer.prepare(request, shelf))
            except InputError as error:
                failed.append(Candidate(request.problem.id, request.rank, "", error=str(error)))
        if failed:
            yield failed
        jobs.sort(key=lambda job: (len(job.prompt.ids), job.prompt.ids))
        for first in range(0, len(jobs), batch_size):
            yield from writer.write(jobs[first : first + batch_size], shelf)


class _BatchWriter:
    """Writes one batch of samples at a time."""

    def __init__(self, checkpoint: LoadedCheckpoint, sampling: SamplingOptions, *, stop: bool) -> None:
        self.checkpoint, self.sampling = checkpoint, sampling
        self.format = PromptFormat(checkpoint.tokenizer, checkpoint.config)
        self.encoder = ImageEncoder(checkpoint)
        self.context = checkpoint.config.language.max_position_embeddings
        self.stops = {self.format.control[IM_END], checkpoint.tokenizer.eos_id} if stop else set()

    def prepare(self, request: GenerationRequest, shelf: ImageShelf) -> _Job:
        """Reads the pictures and writes the prompt.

        Raises:
            InputError: When a picture cannot be read, or the prompt leaves no room for a reply.
        """
        problem = request.problem
        shown = problem_shown(problem) if request.shown is None else request.shown
        pictures = tuple(part for part in shown if isinstance(part, Picture))
        content = [part if isinstance(part, str) else ImageSlot(shelf.count(part)) for part in shown]
        prompt = self.format.chat(content, request.prefix)
        room = self.context - len(prompt.ids)
        if room < 1:
            raise InputError(f"the prompt fills the model's context of {self.context} tokens")
        prefix = [request.prefix] if request.prefix else []
        noise = stream_key(self.sampling.seed, problem.id, request.rank, *prefix)
        return _Job(request, prompt, pictures, min(room, self.sampling.max_tokens), noise)

    @torch.inference_mode()
    def write(self, jobs: Sequence[_Job], shelf: ImageShelf) -> Iterator[list[Candidate]]:
        """Samples a batch to its end and gives each sample as soon as it is done; out of memory, it halves them."""
        waiting = dict(enumerate(jobs))
        seconds = [0.0] * len(jobs)
        last = time.perf_counter()
        try:
            for finished in self._sample(self._prefill(jobs, shelf), jobs):
                now = time.perf_counter()
                for row in waiting:
                    seconds[row] += (now - last) / len(waiting)
                last = now
                if finished:
                    yield [self._candidate(waiting.pop(row), ids, seconds[row]) for row, ids in finished]
        except RuntimeError as error:
            if not ran_out(error):
                raise
            if len(waiting) == 1:
                (request,) = (job.request for job in waiting.values())
                yield [Candidate(request.problem.id, request.rank, "", error="too long for this device's memory")]
                return
        # What is drawn again comes out as before: the noise belongs to the sample.
        rest = list(waiting.values())
        for half in (rest[: len(rest) // 2], rest[len(rest) // 2 :]):
            if half:
                yield from self.write(half, shelf)

    def _candidate(self, job: _Job, ids: list[int], seconds: float) -> Candidate:
        stopped = ids[-1] in self.stops
        text_ids = ids[:-1] if stopped else ids
        return Candidate(
            problem_id=job.request.problem.id,
            rank=job.request.rank,
            text=self.checkpoint.tokenizer.decode(text_ids),
            finish="stop" if stopped else "length",
            tokens=len(text_ids),
            seconds=seconds,
        )

    def _prefill(self, jobs: Sequence[_Job], shelf: ImageShelf) -> _State:
        """Reads every distinct prompt once, padded on the left, and gives each sample a copy of its state."""
        distinct: dict[tuple[Prompt, tuple[Picture, ...]], int] = {}
        rows = [distinct.setdefault((job.prompt, job.pictures), len(distinct)) for job in jobs]
        longest = max(len(prompt.ids) for prompt, _ in distinct)
        padding = self.format.control[IM_END]
        padded = [[padding] * (longest - len(prompt.ids)) + list(prompt.ids) for prompt, _ in distinct]
        device = self.checkpoint.device
        lengths = torch.tensor([len(prompt.ids) for prompt, _ in distinct], device=device)
        places = torch.arange(longest, device=device)[None] - (longest - lengths)[:, None]
        features = shelf.features([picture for _, pictures in distinct for picture in pictures])
        embeddings = embed(self.checkpoint, torch.tensor(padded, device=device), features)
        state = _State(growing_cache(), embeddings[:, -1], (places >= 0).long(), lengths)
        state.hidden = _forward(self.checkpoint, state, embeddings, places.clamp(min=0))
        state.select(torch.tensor(rows, device=device))
        return state

    def _sample(self, state: _State, jobs: Sequence[_Job]) -> Iterator[list[tuple[int, list[int]]]]:
        """Writes token after token; rows that are done leave the batch, several at a time.

        Yields:
            After each token the jobs that it finished: place in ``jobs`` and token ids, with the one that stopped it.
        """
        model, sampling = self.checkpoint.model, self.sampling
        written: list[list[int]] = [[] for _ in jobs]
        rows: list[int | None] = list(range(len(jobs)))  # Which job a row of the batch writes, None for a finished one.
        keys = torch.tensor([job.noise for job in jobs], device=state.hidden.device)
        for step in range(max(job.limit for job in jobs)):
            tokens = choose_tokens(model.lm_head(state.hidden), keys, step, sampling.temperature, sampling.top_p)
            finished = []
            for place, token in enumerate(tokens.tolist()):
                if (row := rows[place]) is not None:
                    written[row].append(token)
                    if token in self.stops or step + 1 == jobs[row].limit:
                        rows[place] = None
                        finished.append((row, written[row]))
            yield finished
            live = [place for place, row in enumerate(rows) if row is not None]
            if not live:
                return
            if len(live) < LIVE_SHARE * len(rows):
                kept = torch.tensor(live, device=keys.device)
                rows, keys, tokens = [rows[place] for place in live], keys[kept], tokens[kept]
                state.select(kept)
            state.mask = torch.nn.functional.pad(state.mask, (0, 1), value=1)
            embeddings = model.get_input_embeddings()(tokens[:, None])
            state.hidden = _forward(self.checkpoint, state, embeddings, state.lengths[:, None])
            state.lengths = state.lengths + 1


@dataclass
class _State:
    """What the language model remembers of a batch.

    Attributes:
        cache: Keys and values.
        hidden: Last hidden state of each row [B, H].
        mask: 1 where a token is, 0 where padding is [B, L].
        lengths: Tokens of each row so far, padding not counted [B].
    """

    cache: Cache
    hidden: torch.Tensor
    mask: torch.Tensor
    lengths: torch.Tensor

    def select(self, rows: torch.Tensor) -> None:
        """Keeps these rows, in this order; a row may be taken several times."""
        self.cache.batch_select_indices(rows)
        self.hidden, self.mask, self.lengths = self.hidden[rows], self.mask[rows], self.lengths[rows]


def problem_shown(problem: Problem, *, as_is: bool = True) -> Shown:
    """A problem's prompt with its pictures: before the text when there is one, else where the benchmark puts them.

    Args:
        problem: The problem.
        as_is: Whether its pictures are as they are meant to be seen, or as somebody wanted them; see ``Picture``.
    """
    pictures = [Picture(path, as_is=as_is) for path in problem.images]
    if len(pictures) <= 1:
        text = "\n".join(part.value for part in problem.parts if part.kind == "text")
        return (*(part for picture in pictures for part in (picture, "\n")), text)
    shown: list[str | Picture] = []
    for part in problem.parts:
        shown += [part.value] if part.kind == "text" else [Picture(part.value, as_is=as_is), "\n"]
    return tuple(shown)


def _forward(
    checkpoint: LoadedCheckpoint, state: _State, embeddings: torch.Tensor, positions: torch.Tensor
) -> torch.Tensor:
    """Last hidden states [B, H] after reading embeddings [B, L, H] at positions [B, L]; the cache grows."""
    output = checkpoint.model.model.language_model(
        inputs_embeds=embeddings,
        attention_mask=state.mask,
        position_ids=positions,
        past_key_values=state.cache,
        use_cache=True,
    )
    hidden: torch.Tensor = output.last_hidden_state[:, -1]
    return hidden
