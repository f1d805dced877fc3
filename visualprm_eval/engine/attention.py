"""Attention of sequences that share a prefix, on any device: a split softmax.

What follows a shared prefix attends to it without a mask, all continuations in one call, and to itself causally; the
two are merged by their log-sum-exp ("Hydragen", arXiv 2402.05099). Nothing is copied, padded or masked. Tensors are
packed: tokens of several sequences follow each other, [tokens, heads, head size].
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Any, Protocol

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

_LOG = logging.getLogger(__name__)

KeysValues = tuple[torch.Tensor, torch.Tensor]
"""Keys and values, each [tokens, key-value heads, head size]."""
Weighted = tuple[torch.Tensor, torch.Tensor]
"""What queries read [tokens, heads, head size], and the log-sum-exp of their scores [tokens, heads] in float32."""

SCORES_AT_ONCE = 1 << 24
"""Most attention scores that the plain kernel holds at a time: 64 MiB."""


@dataclass(frozen=True)
class Lengths:
    """Lengths of sequences that follow each other.

    Attributes:
        values: Tokens of each.
        device: Where the kernels run.
    """

    values: tuple[int, ...]
    device: torch.device

    @cached_property
    def ranges(self) -> list[tuple[int, int]]:
        """First and last token (exclusive) of each."""
        return list(pairwise((0, *accumulate(self.values))))

    @cached_property
    def bounds(self) -> torch.Tensor:
        """Where each begins, and where the last one ends, int32 [sequences + 1]."""
        return torch.tensor([0, *accumulate(self.values)], dtype=torch.int32, device=self.device)

    @cached_property
    def longest(self) -> int:
        """Tokens of the longest."""
        return max(self.values)


class Attention(Protocol):
    """One way to compute attention of packed sequences."""

    def causal(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: Lengths) -> Weighted:
        """Each sequence attends to itself, causally."""

    def full(self, query: torch.Tensor, lengths: Lengths, contexts: Sequence[KeysValues]) -> Weighted:
        """Each run of queries attends to all tokens of its own context.

        Args:
            query: [tokens, heads, head size].
            lengths: Of the runs.
            contexts: One per run.
        """


class PlainAttention:
    """Matrix products and a softmax in float32, a block of queries at a time: works everywhere."""

    def causal(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: Lengths) -> Weighted:
        """See ``Attention``."""
        out, log_sum = _empty(query)
        for begin, end in lengths.ranges:
            for first, last in _blocks(begin, end, query.shape[1]):
                seen = torch.arange(first - begin + 1, last - begin + 1, device=query.device)
                block = attend(query[first:last], key[begin:last], value[begin:last], seen)
                out[first:last], log_sum[first:last] = block
        return out, log_sum

    def full(self, query: torch.Tensor, lengths: Lengths, contexts: Sequence[KeysValues]) -> Weighted:
        """See ``Attention``."""
        out, log_sum = _empty(query)
        for (begin, end), (key, value) in zip(lengths.ranges, contexts, strict=True):
            for first, last in _blocks(begin, end, query.shape[1], len(key)):
                out[first:last], log_sum[first:last] = attend(query[first:last], key, value)
        return out, log_sum


class CPUAttention:
    """torch's flash kernel for processors, a private operator: it gives the log-sum-exp and needs no repeated keys."""

    def __init__(self) -> None:
        # No public operator gives the log-sum-exp.
        self._kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001

    def causal(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: Lengths) -> Weighted:
        """See ``Attention``."""
        parts = [
            self._one(query[begin:end], key[begin:end], value[begin:end], causal=True) for begin, end in lengths.ranges
        ]
        return _joined(parts)

    def full(self, query: torch.Tensor, lengths: Lengths, contexts: Sequence[KeysValues]) -> Weighted:
        """See ``Attention``."""
        runs = zip(lengths.ranges, contexts, strict=True)
        return _joined([self._one(query[begin:end], key, value, causal=False) for (begin, end), (key, value) in runs])

    def _one(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool) -> Weighted:
        heads_first = (tensor.transpose(0, 1)[None] for tensor in (query, key, value))
        out, log_sum = self._kernel(*heads_first, 0.0, causal, scale=query.shape[-1] ** -0.5)
        return out[0].transpose(0, 1), log_sum[0].transpose(0, 1)


class VarlenAttention:
    """torch's attention of variable lengths (flash or cuDNN kernels): one call for all sequences, on GPUs.

    Args:
        kernel: ``torch.nn.attention.varlen.varlen_attn``.
        request: Its ``AuxRequest(lse=True)``.
    """

    def __init__(self, kernel: Callable[..., Any], request: object) -> None:
        self._kernel, self._request = kernel, request

    def causal(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: Lengths) -> Weighted:
        """See ``Attention``."""
        return self._call((query, key, value), lengths, lengths, (-1, 0))

    def full(self, query: torch.Tensor, lengths: Lengths, contexts: Sequence[KeysValues]) -> Weighted:
        """See ``Attention``."""
        key, value = contexts[0] if len(contexts) == 1 else map(torch.cat, zip(*contexts, strict=True))
        sizes = Lengths(tuple(len(keys) for keys, _ in contexts), lengths.device)
        return self._call((query, key, value), lengths, sizes, (-1, -1))

    def _call(
        self, tensors: tuple[torch.Tensor, ...], asked: Lengths, read: Lengths, window: tuple[int, int]
    ) -> Weighted:
        query, key, _ = tensors
        out, log_sum = self._kernel(
            *tensors, asked.bounds, read.bounds, asked.longest, read.longest, return_aux=self._request,
            scale=query.shape[-1] ** -0.5, window_size=window, enable_gqa=query.shape[1] != key.shape[1],
        )  # fmt: skip
        return out, log_sum.transpose(0, 1)


@dataclass(frozen=True, slots=True)
class Heads:
    """Attention heads of a model.

    Attributes:
        queries: Number of query heads.
        groups: Number of key-value heads.
        size: Width of a head.
    """

    queries: int
    groups: int
    size: int


def choose_attention(device: torch.device, dtype: torch.dtype, kind: str, heads: Heads) -> Attention:
    """The best kernels for a device: the first that give what plain arithmetic gives.

    Args:
        device: Where the model is.
        dtype: The model's number type.
        kind: How the model was loaded; ``"eager"`` asks for plain arithmetic.
        heads: The model's heads.

    Returns:
        On a GPU in half precision, torch's attention of variable lengths; on a processor, its flash kernel; plain
        arithmetic where there is neither.
    """
    candidates: Iterator[Attention] = iter(())
    if kind != "eager" and device.type == "cpu":
        candidates = _cpu_kernels()
    elif kind != "eager" and device.type == "cuda" and dtype in {torch.float16, torch.bfloat16}:
        candidates = _varlen_kernels()
    return next((each for each in candidates if agrees(each, device, dtype, heads)), PlainAttention())


def _cpu_kernels() -> Iterator[Attention]:
    with suppress(AttributeError):  # A version of torch without the operator.
        yield CPUAttention()


def _varlen_kernels() -> Iterator[Attention]:
    """What this version of torch chooses itself (cuDNN or flash), then flash alone."""
    try:
        from torch.nn.attention.varlen import AuxRequest, varlen_attn
    except ImportError:
        return
    yield VarlenAttention(varlen_attn, AuxRequest(lse=True))

    def flash(*args: Any, **options: Any) -> Any:
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            return varlen_attn(*args, **options)

    yield VarlenAttention(flash, AuxRequest(lse=True))


@torch.inference_mode()
def agrees(attention: Attention, device: torch.device, dtype: torch.dtype, heads: Heads) -> bool:
    """Whether kernels work here and give what plain arithmetic gives, on a few random tokens."""
    random = torch.Generator().manual_seed(0)
    lengths, sizes = Lengths((5, 130), device), (70, 3)
    shapes = [(135, heads.queries), (135, heads.groups), (135, heads.groups)]
    shapes += [(size, heads.groups) for size in sizes for _ in range(2)]
    drawn = [torch.randn(*shape, heads.size, generator=random).to(device, dtype) for shape in shapes]
    contexts = [(drawn[3], drawn[4]), (drawn[5], drawn[6])]
    results = []
    for each in (attention, PlainAttention()):
        try:
            own = each.causal(drawn[0], drawn[1], drawn[2], lengths)
            results.append([*own, *each.full(drawn[0], lengths, contexts)])
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            _LOG.warning("%s does not work here: %s", type(each).__name__, error)
            return False
    tolerance = 1e-5 if dtype == torch.float32 else 0.1
    return all(
        one.shape == other.shape and torch.allclose(one.float(), other.float(), rtol=0, atol=tolerance)
        for one, other in zip(*results, strict=True)
    )


def merged(own: Weighted, context: Weighted) -> torch.Tensor:
    """One softmax over two sets of keys, from what queries read of each; the first is overwritten."""
    share = torch.sigmoid(context[1] - own[1]).to(own[0].dtype)
    return own[0].lerp_(context[0], share[..., None])


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, seen: torch.Tensor | None = None
) -> Weighted:  # fmt: skip
    """Plain attention.

    Args:
        query: [tokens, heads, head size].
        key: [keys, key-value heads, head size].
        value: As ``key``.
        seen: How many keys, from the first, each query may look at, [tokens]; ``None`` for all.
    """
    tokens, heads, size = query.shape
    groups = key.shape[1]
    grouped = query.reshape(tokens, groups, heads // groups, size).permute(1, 2, 0, 3).flatten(1, 2)
    scores = (grouped @ key.permute(1, 2, 0)).float().mul_(size**-0.5)
    if seen is not None:
        hidden = torch.arange(len(key), device=query.device) >= seen[:, None]
        scores.view(groups, -1, tokens, len(key)).masked_fill_(hidden, -torch.inf)
    log_sum = scores.logsumexp(dim=-1)
    read = scores.sub_(log_sum[..., None]).exp_().to(value.dtype) @ value.transpose(0, 1)
    out = read.view(groups, -1, tokens, size).permute(2, 0, 1, 3).reshape(tokens, heads, size)
    return out, log_sum.view(heads, tokens).transpose(0, 1)


def _blocks(begin: int, end: int, heads: int, keys: int | None = None) -> list[tuple[int, int]]:
    """Ranges of queries whose scores fit; without ``keys`` there are as many as queries."""
    size = max(1, SCORES_AT_ONCE // (heads * (keys or end - begin)))
    return [(first, min(first + size, end)) for first in range(begin, end, size)]


def _empty(query: torch.Tensor) -> Weighted:
    return torch.empty_like(query), query.new_empty(query.shape[:2], dtype=torch.float32)


def _joined(parts: Sequence[Weighted]) -> Weighted:
    if len(parts) == 1:
        return parts[0]
    out, log_sum = zip(*parts, strict=True)
    return torch.cat(out), torch.cat(log_sum)
