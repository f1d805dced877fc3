"""How the host and its libraries are changed: functions once and for good, and what these look at for a while.

A function that is put in the place of another one looks at what holds for the present call, which :func:`held` sets.
When nothing is held it does what the other one did.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any


def patch(owner: Any, name: str, stand_in: Callable[..., Any]) -> None:
    """Puts a function in the place of one of a class or module, for good.

    Args:
        owner: The class or module.
        name: What the function is called there; of a class no class or static method.
        stand_in: Called with the other function, which is ``__wrapped__`` of what is put there, and the arguments.
    """
    original = getattr(owner, name)

    @functools.wraps(original)
    def patched(*arguments: Any, **options: Any) -> Any:
        return stand_in(original, *arguments, **options)

    setattr(owner, name, patched)


@contextmanager
def held(owner: Any, name: str, value: Any) -> Iterator[None]:
    """While it lasts, an attribute has another value; not for several threads at once."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


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
