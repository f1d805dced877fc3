"""Changes the host's and its libraries' objects for a while; not for several threads at once."""

from __future__ import annotations

import random
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """While it lasts, an object, class or module has another attribute; afterwards one that was inherited is again."""
    own = vars(owner)
    was_own, before = name in own, own.get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if was_own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)


@contextmanager
def restored(mapping: MutableMapping[Any, Any]) -> Iterator[None]:
    """Puts a mapping back into its present state at the end, touching only what changed."""
    before = dict(mapping)
    try:
        yield
    finally:
        for key in [key for key in mapping if key not in before]:
            del mapping[key]
        for key, value in before.items():
            if key not in mapping or mapping[key] != value:
                mapping[key] = value


@contextmanager
def random_states_kept(devices: Sequence[int] = ()) -> Iterator[None]:
    """Puts the states of Python's, numpy's and torch's global generators back at the end.

    Args:
        devices: The GPUs whose generators are meant as well.
    """
    import numpy as np
    import torch

    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global state is meant
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002
