"""The language model over packed sequences that may go on from kept prefixes: transformers' layers, our attention.

Only what the scored positions need is computed: in the last layer keys and values of all tokens, all else of the scored
ones alone; no vocabulary head.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from transformers.models.llama.modeling_llama import rotate_half

from visualprm_eval.engine.attention import (
    Attention,
    Heads,
    KeysValues,
    Lengths,
    Weighted,
    attend,
    choose_attention,
    merged,
)

if TYPE_CHECKING:
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint

CPU_BLOCK_BYTES, GPU_BLOCK_BYTES = 4 << 20, 128 << 20
"""Size of one activation of the MLP. On a processor it should stay in the cache; over 32 MiB each is mapped anew."""

Prefix = Sequence[KeysValues]
"""Keys and values of a prefix, layer by layer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One sequence of a pass.

    Attributes:
        length: Its tokens.
        scored: Places among them whose hidden states are wanted.
        first: Position of its first token: the length of what it goes on from.
        prefix: What it goes on from: a place in the pass's list of prefixes; ``None`` for nothing.
    """

    length: int
    scored: tuple[int, ...] = ()
    first: int = 0
    prefix: int | None = None


class Decoder:
    """Runs a checkpoint's language model.

    Args:
        checkpoint: A loaded checkpoint of one of the native classes (Llama for InternLM2, Qwen2).
    """

    def __init__(self, checkpoint: LoadedCheckpoint) -> None:
        self._model = checkpoint.model.model.language_model
        self._device = checkpoint.device
        config = checkpoint.config.language
        self._size = config.head_size
        kind = self._model.config._attn_implementation  # noqa: SLF001 - transformers has no public getter
        heads = Heads(config.num_attention_heads, config.num_key_value_heads, config.head_size)
        self.attention: Attention = choose_attention(self._device, self._model.dtype, kind, heads)
        block_bytes = CPU_BLOCK_BYTES if self._device.type == "cpu" else GPU_BLOCK_BYTES
        self._block = max(64, block_bytes // (config.intermediate_size * self._model.dtype.itemsize))

    @torch.inference_mode()
    def run(
        self, embeddings: torch.Tensor, pieces: Sequence[Piece], prefixes: Sequence[Prefix] = (), *, keep: bool = False
    ) -> tuple[torch.Tensor, list[KeysValues]]:
        """One pass.

        Args:
            embeddings: What is read, [tokens, hidden size], piece after piece; it is overwritten.
            pieces: The sequences; those that go on from one prefix follow each other, in the order of the prefixes, and
                either all go on from one or none does.
            prefixes: Prefixes that earlier passes kept.
            keep: Whether to return keys and values.

        Returns:
            Hidden states of the scored tokens in order [scored, hidden size], and per layer the keys and values of all
            tokens (empty without ``keep``).
        """
        plan = _Plan(self.attention, pieces, len(prefixes), self._device)
        positions = torch.cat([torch.arange(each.first, each.first + each.length) for each in pieces])
        angles = self._model.rotary_emb(embeddings, position_ids=positions.to(self._device)[None])
        rotation = (angles[0][0], angles[1][0])
        hidden, kept = embeddings, []
        layers = self._model.layers
        for number, layer in enumerate(layers):
            last = number == len(layers) - 1
            rows = plan.scored_rows if last else None
            normed = layer.input_layernorm(hidden)
            query, key, value = self._project(layer.self_attn, normed, rotation, rows)
            del normed
            if keep:
                kept.append((key, value))
            contexts = [prefix[number] for prefix in prefixes]
            read = plan.read(query, key, value, contexts, scored=last)
            hidden = hidden if rows is None else hidden[rows]
            hidden += layer.self_attn.o_proj(read.flatten(1))
            for block in torch.split(hidden, self._block):
                block += layer.mlp(layer.post_attention_layernorm(block))  # noqa: PLW2901 - a view, written in place
        return self._model.norm(hidden), kept

    def _project(
        self, module: Any, normed: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor], rows: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries of ``rows`` (``None``: of all), keys and values of all tokens, each [tokens, heads, head size]."""
        key = _rotated(module.k_proj(normed).unflatten(-1, (-1, self._size)), rotation)
        value = module.v_proj(normed).unflatten(-1, (-1, self._size))
        if rows is not None:
            normed, rotation = normed[rows], (rotation[0][rows], rotation[1][rows])
        return _rotated(module.q_proj(normed).unflatten(-1, (-1, self._size)), rotation), key, value


class _Plan:
    """Which token of a pass reads what."""

    def __init__(self, attention: Attention, pieces: Sequence[Piece], prefixes: int, device: torch.device) -> None:
        self._attention, self._pieces = attention, pieces
        self._own = Lengths(tuple(each.length for each in pieces), device)
        self._runs = _runs(pieces, [each.length for each in pieces], prefixes, device)
        self._scored_runs = _runs(pieces, [len(each.scored) for each in pieces], prefixes, device)
        rows = [
            begin + place for (begin, _), each in zip(self._own.ranges, pieces, strict=True) for place in each.scored
        ]
        self.scored_rows = torch.tensor(rows, dtype=torch.long, device=device)

    def read(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, contexts: Sequence[KeysValues],
        *, scored: bool,
    ) -> torch.Tensor:  # fmt: skip
        """What every token reads; or the scored ones, from queries of these alone [tokens, heads, head size]."""
        if not len(query):
            return query
        if scored:
            out, log_sum = zip(*self._each_scored(query, key, value), strict=True)
            own = (torch.cat(out), torch.cat(log_sum))
        else:
            own = self._attention.causal(query, key, value, self._own)
        if not contexts:
            return own[0]
        lengths, chosen = self._scored_runs if scored else self._runs
        return merged(own, self._attention.full(query, lengths, [contexts[number] for number in chosen]))

    def _each_scored(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor) -> Iterator[Weighted]:
        """Scored tokens are few: plain arithmetic, piece by piece."""
        done = 0
        for (begin, _), each in zip(self._own.ranges, self._pieces, strict=True):
            if not each.scored:
                continue
            end = begin + max(each.scored) + 1
            seen = torch.tensor(each.scored, device=query.device) + 1
            yield attend(query[done : done + len(seen)], key[begin:end], value[begin:end], seen)
            done += len(seen)


def _runs(
    pieces: Sequence[Piece], counts: Sequence[int], prefixes: int, device: torch.device
) -> tuple[Lengths, list[int]]:
    """Numbers of tokens that go on from the same prefix, and which; prefixes that nothing goes on from are left out."""
    totals = [0] * prefixes
    for each, count in zip(pieces, counts, strict=True):
        if each.prefix is not None:
            totals[each.prefix] += count
    chosen = [number for number, total in enumerate(totals) if total]
    return Lengths(tuple(totals[number] for number in chosen), device), chosen


def slice_prefix(kept: Prefix, begin: int, end: int) -> Prefix:
    """The keys and values of some tokens of a pass; views."""
    return [(key[begin:end], value[begin:end]) for key, value in kept]


def _rotated(states: torch.Tensor, rotation: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Queries or keys [tokens, heads, head size] turned by cosines and sines, each [tokens, head size]."""
    cos, sin = rotation
    return (states * cos[:, None]).add_(rotate_half(states) * sin[:, None])
