"""The first contact with servers: whether they are there, know the model, and take the fields of our requests.

A server that is not there, or a mistyped name, is found in seconds, before anything heavy is loaded or paid for.
"""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from visualprm_eval.core.config import NEUTRAL
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Part
from visualprm_eval.core.words import first_few
from visualprm_eval.stages.sample.endpoint.client import Client, Kind, TroubleError
from visualprm_eval.stages.sample.endpoint.dialect import Dialect
from visualprm_eval.stages.sample.endpoint.request import request_body

if TYPE_CHECKING:
    from visualprm_eval.stages.sample.endpoint.options import EndpointOptions

_CONNECT_S = 3.0
_LIST_S = 10.0
"""Longest wait for a list of models."""
_TRY_S = 120.0
"""Longest wait for one token: some servers load the model when it is asked for."""
_PAUSE_S = 0.2
"""Before the second look at a server that cannot be reached."""
_SHOWN = 5
_NOT_ALLOWED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})
_NOT_THERE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_UNKNOWN_MODEL = re.compile(
    r"\bmodel\b.*(not found|not exist|unknown|not available|no such)|(unknown|invalid|no such) model\b", re.IGNORECASE
)
_TRIAL = (Part("text", "Hi"),)
_OPTIONS = {"temperature": "--temperature", "top_p": "--top-p", "seed": "--seed"}

Warn = Callable[[str], None]
_Said = TypeVar("_Said")


def greet(name: str, options: EndpointOptions, warn: Warn) -> None:
    """Looks whether servers are there and know the model: by their lists of models, else by a request for one token.

    Args:
        name: The policy's name, for messages.
        options: Whom to ask.
        warn: Takes what a user should know at once.

    Raises:
        PolicyError: None can be reached, or one of them does not know the model or refuses the key.
    """
    found = asyncio.run(_all(options, _LIST_S, lambda client, url: _greeted(client, options, url, warn)))
    _insist_on_one(name, options, found, warn)


def learned_dialects(name: str, options: EndpointOptions, warn: Warn) -> dict[str, Dialect]:
    """The dialects of servers, by address; those that cannot be reached, or are too busy to tell, have none.

    Args:
        name: The policy's name, for messages.
        options: Whom to ask.
        warn: Takes what a user should know at once.

    Raises:
        PolicyError: None can be reached, one of them refuses the request, or a field that somebody asked for.
    """
    found = asyncio.run(_all(options, _TRY_S, lambda client, url: _dialect(client, options, url)))
    _insist_on_one(name, options, found, lambda _: None)  # Whoever greets warns.
    dialects = {}
    for url, known in found.items():
        if isinstance(known, TroubleError):
            continue
        dialect, refusal = known
        if expected := [_OPTIONS[field] for field in _OPTIONS if field in dialect.left_out & options.asked_for]:
            raise PolicyError(
                f"{name}: {url} refuses what {' and '.join(expected)} asked for ({refusal}). Leave that out to sample "
                "with what the server has for it (the reranker greedy asks for temperature 0), or use another server"
            )
        if dialect.left_out:
            fields = ", ".join(sorted(dialect.left_out))
            warn(f"{url} refuses {fields} ({refusal}); samples are drawn with the server's own, and their key says so")
        dialects[url] = dialect
    return dialects


async def _all(
    options: EndpointOptions, timeout_s: float, ask: Callable[[Client, str], Coroutine[None, None, _Said]]
) -> dict[str, _Said | TroubleError]:
    """What every address says, or why it says nothing; any other exception ends it."""
    client = Client(replace(options, timeout_s=min(options.timeout_s, timeout_s)), _CONNECT_S)

    async def asked(url: str) -> _Said | TroubleError:
        try:
            return await ask(client, url)
        except TroubleError as trouble:
            return trouble

    async def asked_twice(url: str) -> _Said | TroubleError:
        said = await asked(url)
        if isinstance(said, TroubleError) and said.kind is Kind.UNREACHABLE:
            await asyncio.sleep(_PAUSE_S)
            said = await asked(url)
        return said

    try:
        return dict(zip(options.urls, await asyncio.gather(*map(asked_twice, options.urls)), strict=True))
    finally:
        await client.close()


def _insist_on_one(name: str, options: EndpointOptions, found: Mapping[str, object], warn: Warn) -> None:
    """Warns of servers that cannot be reached; an error when none can."""
    troubles = {url: said for url, said in found.items() if isinstance(said, TroubleError)}
    dead = {url: trouble for url, trouble in troubles.items() if trouble.kind is Kind.UNREACHABLE}
    reasons = "; ".join(f"{url} {trouble} (tried twice)" for url, trouble in dead.items())
    if len(dead) == len(options.urls):
        raise PolicyError(f"{name}: {reasons}. Start the server, or mend the address (--base-url, --critic-base-url)")
    if dead:
        warn(f"{name}: {reasons}; it is asked again when the work begins")


async def _greeted(client: Client, options: EndpointOptions, url: str, warn: Warn) -> None:
    try:
        listed, why = await client.models(url), "what it sends is no list"
    except TroubleError as trouble:
        _raise_if_hopeless(options, url, trouble)
        if trouble.kind is Kind.UNREACHABLE:
            raise
        listed, why = None, str(trouble)
    if listed is not None and {options.model, f"{options.model}:latest"} & set(listed):  # Ollama's default tag.
        return
    if listed is not None and not Path(options.model).is_absolute():  # Some load any folder, and list none.
        raise PolicyError(_unlisted(options, url, listed))
    warn(f"{url} does not say which models it has ({why}); it is asked for one token instead")
    await _dialect(client, options, url)


def _unlisted(options: EndpointOptions, url: str, listed: Sequence[str]) -> str:
    close = difflib.get_close_matches(options.model, listed, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]}? " if close else ""
    return options.blanked(
        f"{url} has no model {options.model}: {meant}GET {url}/models lists {first_few(listed, _SHOWN)}; name "
        "one of these (NAME=MODEL gives it another name in results)"
    )


def _raise_if_hopeless(options: EndpointOptions, url: str, trouble: TroubleError) -> None:
    if trouble.status in _NOT_ALLOWED or trouble.kind is Kind.UNSERVED:
        key = "the key is refused" if options.key else "it asks for a key"
        raise PolicyError(f"{url}: {trouble}: {key}; give the right one (--key, --critic-key or $OPENAI_API_KEY)")


async def _dialect(client: Client, options: EndpointOptions, url: str) -> tuple[Dialect, str]:
    """The dialect of a server, by requests for one token, and its last refusal of a field that is left out.

    Raises:
        TroubleError: It cannot be reached, or tells nothing now.
        PolicyError: It does not know the model, or refuses the key.
    """
    dialect, refusal = Dialect(), ""
    while (trouble := await _trouble(client, options, url, dialect)) is not None:
        simpler = dialect.after_refusal(str(trouble)) if trouble.is_lesson else None
        if simpler is None:
            break
        if simpler.left_out != dialect.left_out:  # Another field for the token limit is no loss.
            refusal = str(trouble)
        dialect = simpler
    # A refusal of the single token, or of a text without a picture, is no matter.
    if trouble is None or dialect != Dialect():
        return dialect, refusal
    if trouble.kind is not Kind.REFUSED:
        raise trouble
    # It does not say what it refuses: perhaps fields that only some servers know.
    plain = Dialect(left_out=frozenset(NEUTRAL))
    taken = await _trouble(client, options, url, plain) is None
    return (plain, str(trouble)) if taken else (dialect, "")


async def _trouble(client: Client, options: EndpointOptions, url: str, dialect: Dialect) -> TroubleError | None:
    """What goes wrong with a request for one token."""
    body = request_body(replace(options, max_tokens=1), dialect, _TRIAL, "first contact", (0,))
    try:
        await client.ask(url, body)
    except TroubleError as trouble:
        _raise_if_hopeless(options, url, trouble)
        if trouble.status in _NOT_THERE or (trouble.kind is Kind.REFUSED and _UNKNOWN_MODEL.search(str(trouble))):
            raise PolicyError(
                f"{url} takes no request for the model {options.model} ({trouble}); check the address, and the name "
                "under which the server has the model"
            ) from None
        return trouble
    return None
