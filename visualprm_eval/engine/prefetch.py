"""Doing the next piece of work in a thread while the last one is being used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


def one_ahead(source: Iterator[_T]) -> Iterator[_T]:
    """The elements of ``source``, each made in a thread while the one before it is used.

    What ``source`` raises is raised where its element would have come.
    """
    end = object()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, source, end)
        while (element := coming.result()) is not end:
            coming = pool.submit(next, source, end)
            yield element  # type: ignore[misc]  # not the end
