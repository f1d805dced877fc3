"""How an endpoint is asked: addresses, the key, what a request says, and how long to be patient."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from visualprm_eval.errors import ConfigError
from visualprm_eval.redact import blanked, redacted

KEY_VARIABLE = "OPENAI_API_KEY"

_REPLY_PATH = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Patience:
    """How failures are waited out.

    Attributes:
        tries: Tries per request; a server that only asks to slow down gets twice as many.
        first_s: The wait after the first failure, in seconds; each further one doubles it.
        longest_s: The longest such wait.
        longest_asked_s: The longest wait that a server may ask for (``Retry-After``); beyond it, it is dropped.
        jitter: Numbers from 0 to 1 that spread the waits of many clients.
    """

    tries: int = 6
    first_s: float = 1.0
    longest_s: float = 60.0
    longest_asked_s: float = 600.0
    jitter: Callable[[], float] = random.random

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row: between half of the doubled wait and all of it."""
        full = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return full * (0.5 + 0.5 * self.jitter())


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """Everything that reaches a request, and how requests are sent.

    Attributes:
        urls: Base addresses, checked by :func:`base_url`; all serve the same model.
        model: The model's name at the server.
        key: The API key, ``None`` for none; in no representation.
        temperature: Sampling temperature; 0 is greedy.
        top_p: Nucleus of sampling; 1 keeps all.
        max_tokens: Longest sample, in tokens.
        seed: The run's seed, see ``request.request_seed``.
        nproc: Requests in flight at a time, over all addresses together.
        timeout_s: Longest wait for one reply, in seconds.
        patience: How failures are waited out.
    """

    urls: tuple[str, ...]
    model: str
    key: str | None = field(default=None, repr=False)
    temperature: float = 0.7
    top_p: float = 1.0
    max_tokens: int = 4096
    seed: int = 0
    nproc: int = 4
    timeout_s: float = 600.0
    patience: Patience = Patience()

    def redacted(self, text: str) -> str:
        """A sample without the key, which some servers repeat."""
        return redacted(text, (self.key,))

    def blanked(self, text: str) -> str:
        """What a server says beside its samples, without the key, however short that is."""
        return blanked(text, (self.key,), "[key]")


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
