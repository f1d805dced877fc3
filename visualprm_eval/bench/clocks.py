"""Seconds and peak memory of a piece of work, on processors and GPUs."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

CLOCKS = ("wall", "cpu")
PRODUCTS = 3
_T = TypeVar("_T")


class Stopwatch:
    """Times work on a device.

    Args:
        device: Where the work is done.
        clock: ``"wall"``, or ``"cpu"`` for this process's processor seconds per thread: what others take from a busy
            machine's processors does not count then.
    """

    def __init__(self, device: torch.device, clock: str) -> None:
        self._device, self._clock = device, clock

    def measure(self, work: Callable[[], _T]) -> tuple[float, int | None, _T]:
        """How long ``work`` takes, its peak memory in bytes beside what there was, and what it returns.

        The memory is ``None`` where it cannot be told.
        """
        before = self._reset_peak()
        begin = self._now()
        result = work()
        seconds = self._now() - begin
        return seconds, None if before is None else self._peak() - before, result

    def _reset_peak(self) -> int | None:
        """Makes the peak what there is now, and returns that."""
        import torch

        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return torch.cuda.memory_allocated(self._device)
        try:
            ctypes.CDLL(None).malloc_trim(0)  # Else freed memory that libc has kept would hide what is taken.
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
            return _status("VmRSS")
        except (OSError, AttributeError):
            return None

    def _peak(self) -> int:
        import torch

        return torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else _status("VmHWM")

    def matrix_peak(self, dtype: torch.dtype) -> float:
        """Operations per second of one large matrix product, the fastest of a few."""
        import torch

        size = 8192 if self._device.type == "cuda" else 1024
        # Random numbers: a GPU multiplies equal ones faster than any model's.
        one, other = (torch.randn(size, size, device=self._device).to(dtype) for _ in range(2))
        seconds = []
        for _ in range(PRODUCTS):
            begin = self._now()
            one @ other
            seconds.append(self._now() - begin)
        return 2 * size**3 / min(seconds)

    def _now(self) -> float:
        import torch

        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        if self._clock == "cpu":
            return time.process_time() / torch.get_num_threads()
        return time.perf_counter()


def _status(key: str) -> int:
    """A figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:"))
