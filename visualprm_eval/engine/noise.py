"""Random numbers that depend on a name and a place only, not on what was drawn before or beside them."""

from __future__ import annotations

import hashlib

import torch

from visualprm_eval.core.types import JSONValue, canonical_json

_GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as a signed number
_MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
_MIX_2 = -7723592293110705685  # 0x94D049BB133111EB
_STRIDE = 1 << 24
"""More than any vocabulary has tokens, so that the places of two positions never meet."""


def stream_key(*names: JSONValue) -> int:
    """The key of a stream of random numbers: 63 bits of SHA-256 over its name."""
    value = hashlib.sha256(canonical_json(names).encode("ascii")).digest()
    return int.from_bytes(value[:8], "big") >> 1


def gumbel(keys: torch.Tensor, positions: torch.Tensor, size: int) -> torch.Tensor:
    """Standard Gumbel noise: adding it to logits makes the largest a sample from their softmax.

    The generator is SplitMix64 (Steele, Lea and Flood, 2014), whose n-th number is had without the others.

    Args:
        keys: One stream per row, int64 [B].
        positions: Where in its stream each row is, int64 [B].
        size: Numbers per row V.

    Returns:
        float64 [B, V], the same for a row whatever the other rows are.
    """
    places = positions[:, None] * _STRIDE + torch.arange(size, device=keys.device)
    bits = keys[:, None] + (places + 1) * _GOLDEN
    bits = (bits ^ _shift(bits, 30)) * _MIX_1
    bits = (bits ^ _shift(bits, 27)) * _MIX_2
    bits = bits ^ _shift(bits, 31)
    uniform = _shift(bits, 11).double().add_(0.5).mul_(2.0**-53)
    return uniform.log_().neg_().log_().neg_()


def choose_tokens(
    logits: torch.Tensor, keys: torch.Tensor, step: int, temperature: float, top_p: float
) -> torch.Tensor:
    """Samples one token per row.

    Args:
        logits: [B, V].
        keys: The stream of each row's noise, int64 [B].
        step: How many tokens the rows have already.
        temperature: 0 takes the most likely token.
        top_p: Probability mass of the most likely tokens that are kept; 1 keeps all.

    Returns:
        Token ids [B].
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    scores = logits.double() / temperature
    if top_p < 1:
        ordered, order = scores.sort(dim=-1, descending=True)
        chances = ordered.softmax(dim=-1)
        # A token is kept when those before it do not fill the nucleus yet; the first one always is.
        dropped = chances.cumsum(dim=-1) - chances >= top_p
        scores = scores.masked_fill(dropped.scatter(1, order, dropped), -torch.inf)
    return (scores + gumbel(keys, torch.full_like(keys, step), scores.shape[-1])).argmax(dim=-1)


def _shift(bits: torch.Tensor, count: int) -> torch.Tensor:
    """A logical shift to the right; torch's own copies the sign."""
    return (bits >> count) & ((1 << (64 - count)) - 1)
