"""Do temperature and top-p reach a model behind an API? What its class sends tells.

The host has some fifty API classes, each with its own way to put a request together. Samples of an API are paid for, so
none is drawn to find out: the first request is looked at as it leaves.
"""

from __future__ import annotations

import functools
import importlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import JSONValue
from visualprm_eval.host.models.sampling_settings import SamplingSettings
from visualprm_eval.host.patching import held, patch

_SENDERS = (("requests", "Session"), ("httpx2", "Client"), ("httpx", "Client"))
"""Libraries that API classes and the vendors' packages send with, and the class whose ``send`` all requests pass."""

_TEMPERATURE, _TOP_P = frozenset({"temperature"}), frozenset({"top_p", "topP", "topp"})


_call = SimpleNamespace(looks=())
"""``looks``: all that look at requests."""


@functools.cache
def apply() -> None:
    """Lets the libraries look at what holds for the present call."""
    for library, sender in _SENDERS:
        with suppress(ImportError):  # Who is not installed sends nothing.
            patch(getattr(importlib.import_module(library), sender), "send", _send)


@contextmanager
def noted() -> Iterator[list[JSONValue]]:
    """While it lasts, the JSON of every request of this process is noted; not for several threads at once."""
    bodies: list[JSONValue] = []

    def note(request: Any) -> None:
        with suppress(ValueError, TypeError, RecursionError):  # No JSON, or no body at all.
            bodies.append(json.loads(request.body if hasattr(request, "body") else request.read()))

    with watched(note):
        yield bodies


def watched(look: Callable[[Any], None]) -> AbstractContextManager[None]:
    """While it lasts, every request of this process is looked at before it leaves; not for several threads at once.

    Args:
        look: Called with each request, which is one of the sending library's.
    """
    return held(_call, "looks", (*_call.looks, look))


def _send(send: Any, client: Any, request: Any, /, *arguments: Any, **options: Any) -> Any:
    for look in _call.looks:
        look(request)
    return send(client, request, *arguments, **options)


def verify_requests(name: str, bodies: Sequence[JSONValue], settings: SamplingSettings) -> str:
    """Compares what was sent with what was asked for.

    Args:
        name: The policy's name.
        bodies: What ``noted`` noted of a sample.
        settings: What the sample was to be drawn with.

    Returns:
        What is known now, in words.

    Raises:
        PolicyError: When a request went out without the temperature, or with another temperature or top-p.
    """
    if not bodies:
        return "unverified: its class sends in a way that cannot be looked at"
    temperatures, nuclei = (_numbers(bodies, names) for names in (_TEMPERATURE, _TOP_P))
    if not temperatures or not all(math.isclose(found, settings.temperature) for found in temperatures):
        raise _unreached(name, "temperature", settings.temperature, temperatures)
    # Without a top-p servers keep all.
    if (settings.top_p < 1 and not nuclei) or not all(math.isclose(found, settings.top_p) for found in nuclei):
        raise _unreached(name, "top-p", settings.top_p, nuclei)
    return "seen in its requests"


def _unreached(name: str, what: str, wanted: float, found: Sequence[float]) -> PolicyError:
    sent = f"with {found[0]:g}" if found else "without one"
    return PolicyError(
        f"{name}: the {what} does not reach the model: {wanted:g} was asked for, and its class in the host sent its "
        f"first request {sent}. What came is stored; use another policy or engine (--base-url, if the server speaks "
        "OpenAI's protocol), or sample elsewhere and pass the texts with --candidates"
    )


def _numbers(value: JSONValue, names: frozenset[str]) -> list[float]:
    """All numbers under these names, however deep."""
    if isinstance(value, dict):
        mine = [float(item) for name, item in value.items() if name in names and isinstance(item, int | float)]
        return mine + _numbers(list(value.values()), names)
    if isinstance(value, list):
        return [number for item in value for number in _numbers(item, names)]
    return []
