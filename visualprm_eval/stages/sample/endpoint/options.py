"""How an endpoint is asked: addresses, the key, what a request says, and how long to be patient."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from visualprm_eval.core.secrets import blanked, redacted


@dataclass(frozen=True, slots=True)
class Patience:
    """How failures are waited out.

    Attributes:
        tries: Tries per request; a server that only asks to slow down gets twice as many.
        first_s: The wait after the first failure, in seconds; each further one doubles it.
        longest_s: The longest such wait.
        longest_asked_s: The longest wait that a server may ask for (``Retry-After``); more is not waited.
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
        asked_for: Which of temperature, top_p and seed somebody asked for: a server that refuses these is of no use.
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
    asked_for: frozenset[str] = frozenset()

    def redacted(self, text: str) -> str:
        """A sample without the key, which some servers repeat."""
        return redacted(text, (self.key,))

    def blanked(self, text: str) -> str:
        """What a server says beside its samples, without the key, however short that is."""
        return blanked(text, (self.key,), "[key]")
