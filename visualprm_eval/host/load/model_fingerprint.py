"""Names what stands behind an entry of the host's table of models."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from visualprm_eval.core.types import JSONValue, digest

_API_BASES = ("OPENAI_API_BASE", "LMDEPLOY_API_BASE")
"""Variables that tell the host's API classes whom to ask when the model's entry does not."""
_SECRET_WORDS = frozenset({"key", "apikey", "token", "secret", "password"})


def factory_fingerprint(factory: Callable[..., Any], version: str) -> str:
    """A digest of how a model is made; nothing is built.

    Weights and code that a keyword only points at are not looked into.

    Args:
        factory: The host's entry: most are partial objects of a class, ours and a user's own may be plain functions.
        version: The host's.

    Returns:
        16 hexadecimal digits over the version, the class, its keywords and, for an API, the address that the
        environment names. Keys, users and passwords are left out.
    """
    made = getattr(factory, "func", factory)
    facts: dict[str, JSONValue] = {
        "host": version,
        "class": _qualified_name(made),
        "arguments": plain(getattr(factory, "args", ())),
        "keywords": plain(getattr(factory, "keywords", {})),
    }
    if getattr(made, "is_api", False):
        facts["addresses"] = {name: without_credentials(os.environ.get(name, "")) for name in _API_BASES}
    return digest(facts)


def plain(value: Any) -> JSONValue:
    """A keyword's value as JSON without keys and passwords; the same in every process, unlike most ``repr``."""
    if isinstance(value, Mapping):
        # Words, so that max_tokens and tokenizer_name, which change samples, stay.
        return {str(k): plain(item) for k, item in value.items() if _SECRET_WORDS.isdisjoint(str(k).lower().split("_"))}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str | Path):
        return without_credentials(str(value))
    if value is None or isinstance(value, int | float):
        return value
    return _qualified_name(value if callable(value) else type(value))


def without_credentials(text: str) -> str:
    """An address without the user and password in it; any other text as it is."""
    scheme, mark, rest = text.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}" if mark else text


def _qualified_name(value: Any) -> str:
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"
