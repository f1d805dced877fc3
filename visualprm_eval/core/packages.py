"""Versions of this project and of installed packages."""

from __future__ import annotations

VERSION = "0.2.0"
"""Of this project; the same as in pyproject.toml."""
PACKAGES = (
    "visualprm-eval", "ms-vlmeval", "torch", "transformers", "tokenizers", "sentencepiece", "pillow", "numpy", "pandas",
)  # fmt: skip
"""What facts, or results, may depend on."""

_HOST = ("ms-vlmeval", "vlmeval")
"""The host's package and what it is called in an import."""


def installed(package: str) -> str:
    """The version of a package here, in words where there is none, or where a checkout of the host stands before it."""
    import importlib.metadata
    from contextlib import suppress
    from importlib.util import find_spec
    from pathlib import Path

    try:
        found = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:  # Run from a checkout, or a host installed from its repository.
        return "not installed as a package"
    if package == _HOST[0]:
        own = Path(str(found.locate_file(_HOST[1]))) / "__init__.py"
        with suppress(ImportError, ValueError):  # Somebody put something odd in its place.
            spec = find_spec(_HOST[1])
            if spec is not None and spec.origin is not None and Path(spec.origin).resolve() != own.resolve():
                return f"{found.version} (not used: another {_HOST[1]} stands before it)"
    return found.version


def versions_here() -> str:
    """The versions of all of ``PACKAGES`` in this environment."""
    return ", ".join(f"{package} {installed(package)}" for package in PACKAGES)
