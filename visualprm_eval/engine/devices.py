"""Which device and which precision the options of a run come to; torch is imported when it is asked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.loading import loading

if TYPE_CHECKING:
    import torch


def resolve_device(device: str) -> torch.device:
    """``"auto"`` is the GPU when there is one.

    Raises:
        ConfigError: When the name is no device, or this machine has none of it.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", device):
        raise ConfigError(f"unknown device {device!r}; expected auto, cpu, mps, cuda or cuda:N")
    with loading("torch", "torch"):
        import torch
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    wanted = torch.device(device)
    if wanted.type == "cuda" and (wanted.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {device!r} is not there ({torch.cuda.device_count()} GPUs seen); try auto or cpu")
    if wanted.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device 'mps' is not there; try auto or cpu")
    return wanted


def resolve_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """``"auto"`` is bfloat16 on a GPU and float32 elsewhere.

    Raises:
        ConfigError: When the name is unknown.
    """
    import torch

    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if dtype not in known:
        raise ConfigError(f"unknown dtype {dtype!r}; expected auto, {', '.join(known)}")
    return known[dtype]
