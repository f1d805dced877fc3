"""Every way to compute attention gives one softmax over all that a token may see; torch's GPU kernel is acted."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch.nn.attention.varlen import AuxRequest, varlen_attn

from tests.unit.engine.conftest import load
from visualprm_eval.engine import attention
from visualprm_eval.engine.attention import (
    CPUAttention,
    Heads,
    Lengths,
    PlainAttention,
    VarlenAttention,
    agrees,
    choose_attention,
    merged,
)

CPU, HEADS = torch.device("cpu"), Heads(4, 2, 16)
SIGNATURE = inspect.signature(varlen_attn)


def varlen_stand_in(*args, **options):
    """What torch documents of its kernel, in plain words; it takes only calls that the kernel takes."""
    given = SIGNATURE.bind(*args, **options)
    given.apply_defaults()
    asked = given.arguments
    query, key, value = asked["query"], asked["key"], asked["value"]
    bounds, read = asked["cu_seq_q"], asked["cu_seq_k"]
    assert bounds.dtype == read.dtype == torch.int32
    assert int(bounds[-1]) == len(query) and int(read[-1]) == len(key) == len(value) and len(bounds) == len(read)
    assert asked["max_q"] == int(bounds.diff().max()) and asked["max_k"] == int(read.diff().max())
    assert asked["enable_gqa"] == (query.shape[1] != key.shape[1]) and asked["return_aux"].lse
    out, log_sum = torch.empty_like(query), torch.empty(query.shape[1], len(query))
    for a, b, c, d in zip(bounds[:-1], bounds[1:], read[:-1], read[1:], strict=True):
        keys, values = (x[c:d].repeat_interleave(query.shape[1] // x.shape[1], 1) for x in (key, value))
        scores = torch.einsum("qhd,khd->hqk", query[a:b], keys).float() * asked["scale"]
        if asked["window_size"] == (-1, 0):
            scores += torch.full_like(scores, -torch.inf).triu(1)
        else:
            assert asked["window_size"] == (-1, -1)
        log_sum[:, a:b] = scores.logsumexp(-1)
        out[a:b] = torch.einsum("hqk,khd->qhd", scores.softmax(-1).to(values.dtype), values)
    return out, log_sum


WAYS = [PlainAttention(), CPUAttention(), VarlenAttention(varlen_stand_in, AuxRequest(lse=True))]


def whole(query, key, value, first):
    """Causal attention of tokens that stand after ``first`` others: torch's own, with a mask."""
    seen = torch.arange(len(key)) <= torch.arange(len(query))[:, None] + first
    heads_first = (x.transpose(0, 1)[None] for x in (query, key, value))
    out = torch.nn.functional.scaled_dot_product_attention(*heads_first, attn_mask=seen, enable_gqa=True)
    return out[0].transpose(0, 1)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
@pytest.mark.parametrize("scores_at_once", [1, 100, 1 << 24])
def test_two_parts_make_one_softmax(way, scores_at_once, monkeypatch):
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", scores_at_once)
    torch.manual_seed(0)
    contexts = [(torch.randn(size, 2, 16) * 3, torch.randn(size, 2, 16)) for size in (33, 1)]
    lengths = (7, 1, 12, 3)  # Two go on from the first context, two from the second.
    query, key, value = torch.randn(23, 4, 16) * 3, torch.randn(23, 2, 16) * 3, torch.randn(23, 2, 16)
    own = way.causal(query, key, value, Lengths(lengths, CPU))
    full = way.full(query, Lengths((8, 15), CPU), contexts)
    result = merged((own[0].clone(), own[1]), full)
    for (begin, end), (keys, values) in zip(
        Lengths(lengths, CPU).ranges, contexts[:1] * 2 + contexts[1:] * 2, strict=True
    ):
        expected = whole(
            query[begin:end], torch.cat([keys, key[begin:end]]), torch.cat([values, value[begin:end]]), len(keys)
        )
        assert torch.allclose(result[begin:end], expected, atol=1e-5)
        assert torch.allclose(
            own[0][begin:end], whole(query[begin:end], key[begin:end], value[begin:end], 0), atol=1e-5
        )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_kernels_are_tried_before_they_are_trusted(dtype):
    class Wrong(PlainAttention):
        def full(self, *args):
            out, log_sum = super().full(*args)
            return out, log_sum + 1

    class Broken(PlainAttention):
        def causal(self, *_args):
            raise RuntimeError("no kernel image")

    assert all(agrees(way, CPU, dtype, HEADS) for way in WAYS)
    assert not agrees(Wrong(), CPU, dtype, HEADS)
    assert not agrees(Broken(), CPU, dtype, HEADS)


def test_each_device_gets_its_kernels(monkeypatch):
    def chosen(device, dtype, kind="sdpa"):
        return type(choose_attention(torch.device(device), dtype, kind, HEADS))

    assert chosen("cpu", torch.float32) is CPUAttention
    assert chosen("cpu", torch.float32, "eager") is PlainAttention
    monkeypatch.setattr(attention, "agrees", lambda *_: True)
    assert chosen("cuda", torch.bfloat16) is chosen("cuda", torch.float16, "flash_attention_2") is VarlenAttention
    assert chosen("cuda", torch.float32) is chosen("mps", torch.float16) is PlainAttention
    assert chosen("cuda", torch.bfloat16, "eager") is PlainAttention
    monkeypatch.setattr(attention, "agrees", lambda *_: False)
    assert chosen("cpu", torch.float32) is chosen("cuda", torch.bfloat16) is PlainAttention


@pytest.mark.parametrize("way", WAYS, ids=lambda way: type(way).__name__)
def test_scores_do_not_depend_on_the_way(prm, monkeypatch, way):
    items = [(question, ("a b", "c" * size), ()) for question in ("What is x?", "Why?") for size in range(1, 9, 2)]
    expected = prm.score_items(items)
    monkeypatch.setattr(prm._scorer.passes._decoder, "attention", way)
    for outcome, known in zip(prm.score_items(items), expected, strict=True):
        assert outcome.error is None
        assert outcome.scores == pytest.approx(known.scores, abs=1e-5)


def test_the_tiny_models_run_on_the_kernel(name):
    assert isinstance(load(name)._scorer.passes._decoder.attention, CPUAttention)
