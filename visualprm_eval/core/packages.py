"""Versions of this project and of installed packages."""

from __future__ import annotations

VERSION = "0.2.0"
"""Of this project; the same as in pyproject.toml."""


def installed(package: str) -> str:
    """The version of a package here, in words where there is none."""
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # Run from a checkout, or a host installed from its repository.
        return "not installed as a package"
