"""Which rank this process is, and which GPUs are its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visualprm_eval.core.errors import ConfigError

_COUNTS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_HIDDEN = (*_COUNTS, "GROUP_RANK", "GROUP_WORLD_SIZE", "ROLE_RANK", "ROLE_WORLD_SIZE")
"""What would make the host and transformers look for other processes to talk to."""
_GPUS = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True, slots=True)
class Launch:
    """The place of this process among those that ``torchrun`` started.

    Attributes:
        rank: From 0.
        size: How many ranks there are.
        token: The same for all ranks of one start, and for no other ranks.
    """

    rank: int
    size: int
    token: str


def launched(environment: MutableMapping[str, str], device: str) -> Launch | None:
    """Reads what ``torchrun`` tells its processes, and hides it from everybody else in this one.

    Each rank gets as many of the GPUs as there are for it, as in the host; nobody else's can be seen.

    Args:
        environment: The process's, which is changed.
        device: ``--device``.

    Returns:
        ``None`` for a process that is alone.

    Raises:
        ConfigError: The ranks are on several machines, or more than the GPUs, or ``--device`` names one GPU for all.
    """
    if "LOCAL_WORLD_SIZE" not in environment:
        return None
    rank, size, local_rank, local_size = (_count(environment, name) for name in _COUNTS)
    for name in _HIDDEN:
        environment.pop(name, None)
    if size != local_size:
        raise ConfigError(
            f"torchrun started {size} ranks, {local_size} of them here: ranks of several machines cannot share a "
            "store; give each machine a --work-dir of its own, and bring the stores together with "
            "`visualprm_eval merge`"
        )
    if size == 1:
        return None
    if device.startswith("cuda:"):
        raise ConfigError(f"--device {device} conflicts with {size} ranks: each takes its own GPU; leave it out")
    if device in {"auto", "cuda"} and (gpus := _gpus(environment)):
        environment[_GPUS] = ",".join(share(gpus, local_rank, local_size))
    return Launch(rank, size, _token(environment))


def share(gpus: Sequence[str], local_rank: int, local_size: int) -> Sequence[str]:
    """The GPUs of one rank.

    Raises:
        ConfigError: There are fewer GPUs than ranks.
    """
    each = len(gpus) // local_size
    if each == 0:
        raise ConfigError(
            f"{local_size} ranks, but {len(gpus)} GPUs: start torchrun with --nproc-per-node={len(gpus)}, "
            "or run on the CPU with --device cpu"
        )
    return gpus[local_rank * each : (local_rank + 1) * each]


def _count(environment: MutableMapping[str, str], name: str) -> int:
    try:
        return int(environment[name])
    except (KeyError, ValueError) as error:
        raise ConfigError(
            f"LOCAL_WORLD_SIZE is set, as torchrun does, but {name} is {environment.get(name)!r}; start the ranks with "
            "torchrun, or unset LOCAL_WORLD_SIZE"
        ) from error


def _gpus(environment: MutableMapping[str, str]) -> list[str]:
    """Names of the GPUs that may be used; without torch, which may only start when this is settled."""
    if _GPUS in environment:
        return [name.strip() for name in environment[_GPUS].split(",") if name.strip()]
    try:
        done = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, _ in enumerate(line for line in done.stdout.splitlines() if line.startswith("GPU"))]


def _token(environment: MutableMapping[str, str]) -> str:
    """Names the process that started the ranks, by more than its number, which another one may get later."""
    parent = os.getppid()
    try:
        started = Path(f"/proc/{parent}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        started = ""
    said = [environment.get(f"TORCHELASTIC_{name}", "") for name in ("RUN_ID", "RESTART_COUNT")]
    return "-".join([str(parent), started, *said])
