"""Where a number was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path


def machine(*packages: str) -> str:
    """The processor, the interpreter and the versions of packages, in one line."""
    versions = [f"{package} {importlib.metadata.version(package)}" for package in packages]
    return ", ".join([_processor(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *versions])


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
