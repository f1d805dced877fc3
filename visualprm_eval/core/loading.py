"""Says that a heavy package is being imported, which may take from seconds to a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LONG_S = 5.0


@contextmanager
def loading(package: str, called: str) -> Iterator[None]:
    """While the block imports a package for the first time in this process: a line on standard error says so.

    Args:
        package: The package's name for ``import``.
        called: What people call it.
    """
    if package in sys.modules:
        yield
        return
    print(f"loading {called} ...", file=sys.stderr, flush=True)
    start = time.monotonic()
    yield
    if (elapsed := time.monotonic() - start) > _LONG_S:
        print(f"{called} loaded after {elapsed:.0f} s", file=sys.stderr, flush=True)
