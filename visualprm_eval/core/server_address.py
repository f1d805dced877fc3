"""Addresses, keys and model names of OpenAI-compatible servers."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from visualprm_eval.core.errors import ConfigError

KEY_VARIABLE = "OPENAI_API_KEY"

_REPLY_PATH = "/chat/completions"


def base_url(text: str) -> str:
    """The address under which ``/chat/completions`` lies: ``/v1`` is added to a bare host.

    Raises:
        ConfigError: When it is no plain HTTP address.
    """
    try:
        parts = urlsplit(text)
        plain = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        parts, plain = urlsplit(""), False
    if plain and "@" in parts.netloc:  # Not repeated in the message: it may hold a password.
        raise ConfigError("--base-url: leave user and password out of the address; the key goes into --key")
    if not plain or parts.query or parts.fragment:
        shown = text.partition("?")[0]
        raise ConfigError(f"--base-url {shown}: expected http://HOST[:PORT][/PATH] (or https), such as .../v1")
    path = parts.path.rstrip("/").removesuffix(_REPLY_PATH) or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def origin(url: str) -> str:
    """An address without its path."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def completed(text: str) -> str:
    """An address of a judge in the same way; one that the host may understand otherwise stays as it is.

    Such are addresses with a query. No address that ever worked is changed: it is in the key of verdicts.
    """
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        return text
    if parts.path in {"", "/"}:
        return f"{parts.scheme}://{parts.netloc}/v1"
    return text.rstrip("/").removesuffix(_REPLY_PATH) if parts.path.rstrip("/").endswith(_REPLY_PATH) else text


def api_key(given: str | None) -> str | None:
    """The key that ``--key`` gives, else the environment's; without blanks around it.

    Raises:
        ConfigError: When it cannot be sent. The message does not repeat it.
    """
    source, key = ("--key", given) if given is not None else (KEY_VARIABLE, os.environ.get(KEY_VARIABLE))
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ConfigError(f"the key in {source} has blanks or other characters that no key has; copy it again")
    return key or None


def served_model(text: str) -> tuple[str, str]:
    """The policy's name and the model's name at the server, from ``[NAME=]MODEL``."""
    name, equals, model = text.partition("=")
    if equals and name and model and "/" not in name:
        return name, model
    return text.rstrip("/").rpartition("/")[2] or text, text
