"""Says that a heavy package is being imported, which may take from seconds to a minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from visualprm_eval.core.visible import tell

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
    tell(f"loading {called} ...")
    start = time.monotonic()
    yield
    if (elapsed := time.monotonic() - start) > _LONG_S:
        tell(f"{called} loaded after {elapsed:.0f} s")
