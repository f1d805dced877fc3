"""A key-value cache that is written in place; transformers' own copies itself whole for every token."""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

GROWTH = 64
"""Tokens of room that are added when there is none left."""


class GrowingLayer(DynamicLayer):  # type: ignore[misc]  # transformers is not typed
    """One layer's keys and values [B, heads, L, head size], at the front of tensors with room for more tokens."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._key_room: torch.Tensor | None = None
        self._value_room: torch.Tensor | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Adds the keys and values of new tokens, and returns all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        length = self.get_seq_length()
        self._key_room = _written(self._key_room, length, key_states)
        self._value_room = _written(self._value_room, length, value_states)
        self._show(length + key_states.shape[-2])
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keeps these rows, in this order; a row may be taken several times."""
        if self._key_room is not None and self._value_room is not None:
            length = self.get_seq_length()
            self._key_room, self._value_room = self._key_room[indices], self._value_room[indices]
            self._show(length)

    def _show(self, length: int) -> None:
        assert self._key_room is not None and self._value_room is not None  # noqa: PT018 - both or none
        self.keys, self.values = self._key_room[..., :length, :], self._value_room[..., :length, :]


def growing_cache() -> Cache:
    """An empty cache for any number of layers."""
    return Cache(layer_class_to_replicate=GrowingLayer)


def _written(room: torch.Tensor | None, length: int, new: torch.Tensor) -> torch.Tensor:
    """A tensor that holds ``new`` after the first ``length`` tokens: the same one if there is room."""
    end = length + new.shape[-2]
    if room is None or end > room.shape[-2]:
        larger = new.new_empty((*new.shape[:-2], end + GROWTH, new.shape[-1]))
        if room is not None:
            larger[..., :length, :] = room[..., :length, :]
        room = larger
    room[..., length:end, :] = new
    return room
