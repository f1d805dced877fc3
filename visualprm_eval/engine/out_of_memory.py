"""Telling that memory ran out, which torch says in several ways."""

from __future__ import annotations

import torch

_SIGNS = ("DefaultCPUAllocator: can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
"""What errors without a class of their own say: the processor's allocator, the driver, cuBLAS."""


def ran_out(error: RuntimeError) -> bool:
    """Whether an error means that memory did not suffice: less work at a time may do then."""
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in _SIGNS)
