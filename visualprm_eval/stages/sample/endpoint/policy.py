"""A model behind one or several OpenAI-compatible endpoints as a policy."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

from visualprm_eval.core.types import Candidate, JSONValue, Problem
from visualprm_eval.core.visible import tell
from visualprm_eval.stages.sample.endpoint.client import Client
from visualprm_eval.stages.sample.endpoint.dialect import Dialect
from visualprm_eval.stages.sample.endpoint.dispatch import Dispatcher, jobs_of
from visualprm_eval.stages.sample.endpoint.endpoint_health import Endpoint
from visualprm_eval.stages.sample.endpoint.first_contact import greet, learned_dialects
from visualprm_eval.stages.sample.endpoint.options import EndpointOptions
from visualprm_eval.stages.sample.endpoint.reply import Choice, Reply
from visualprm_eval.stages.sample.endpoint.request import request_body

Settings = Mapping[str, JSONValue]


def _warn(message: str) -> None:
    tell(f"warning: {message}")


class EndpointPolicy:
    """Asks servers for samples, several at a time; needs neither torch nor the host.

    What is learned of a server (that it refuses several samples per request, that it is gone) holds as long as the
    object does.

    Args:
        name: What results call it.
        options: Whom to ask and how.
        settings: The key under which its candidates are kept, or what gives it when it is asked for.
        warn: Takes what a user should know at once; standard error by default.
    """

    def __init__(
        self, name: str, options: EndpointOptions, settings: Settings | Callable[[], Settings],
        warn: Callable[[str], None] = _warn,
    ) -> None:  # fmt: skip
        self.name, self._options, self._settings, self._warn = name, options, settings, warn
        self._endpoints = [Endpoint(url, options.patience) for url in options.urls]
        self._left_out = Dialect()

    @property
    def model(self) -> str:
        """The model's name at the servers."""
        return self._options.model

    @property
    def served(self) -> Self:
        """Itself: it asks servers."""
        return self

    def settings(self) -> Mapping[str, JSONValue]:
        """Everything that can change a sample; not the addresses, which change with every start of a server.

        Of what a server refuses it says so, as far as that is known: see ``learn`` and ``adopt``.
        """
        settings = self._settings() if callable(self._settings) else self._settings
        return {**settings, **self._left_out.settings()}

    def heeds(self, settings: Mapping[str, JSONValue]) -> bool:
        """Whether nothing that somebody asked for was left out where samples with these settings were drawn."""
        return not Dialect.of(settings).left_out & self._options.asked_for

    def greet(self) -> None:
        """Looks whether the servers are there and know the model; takes seconds, and costs nothing as a rule.

        Raises:
            PolicyError: None of them is, or one of them does not know it.
        """
        greet(self.name, self._options, self._warn)

    def learn(self) -> None:
        """Learns which fields the servers take, by a request for one token to each; from then on all get the same.

        Raises:
            PolicyError: They refuse what somebody asked for, or the request as a whole, or none can be reached.
        """
        dialects = learned_dialects(self.name, self._options, self._warn)
        self._left_out = Dialect(left_out=frozenset().union(*(known.left_out for known in dialects.values())))
        for endpoint in self._endpoints:
            known = dialects.get(endpoint.url)
            endpoint.knows_fields = known is not None
            endpoint.dialect = self._left_out.joined(known or Dialect())

    def adopt(self, settings: Mapping[str, JSONValue]) -> None:
        """Leaves out of requests what was left out where samples with these settings were drawn."""
        self._left_out = Dialect.of(settings)
        for endpoint in self._endpoints:
            endpoint.dialect = endpoint.dialect.joined(self._left_out)

    def sample(self, requests: Sequence[tuple[Problem, int]]) -> Iterator[Sequence[Candidate]]:
        """Draws one candidate per (problem, rank); yields them as replies arrive.

        Samples of one problem are asked for together. The event loop runs only while the next candidates are waited
        for, so nothing is drawn that the caller has not been given time to store.

        Raises:
            PolicyError: When no endpoint is left.
        """
        with asyncio.Runner() as runner:
            client = runner.run(self._connected())
            ask = functools.partial(self._ask, client)
            jobs, nproc = jobs_of(requests), self._options.nproc
            dispatcher = Dispatcher(self.name, jobs, self._endpoints, ask, nproc=nproc, warn=self._warn)
            try:
                while batch := runner.run(dispatcher.step()):
                    yield batch
            finally:
                runner.run(dispatcher.close())
                runner.run(client.close())

    async def _connected(self) -> Client:
        return Client(self._options)

    async def _ask(
        self, client: Client, endpoint: Endpoint, problem: Problem, ranks: tuple[int, ...], dialect: Dialect
    ) -> Reply:
        options = self._options
        reply = await client.ask(endpoint.url, request_body(options, dialect, problem.parts, problem.id, ranks))
        choices = [
            Choice(
                options.redacted(one.text), one.error and options.blanked(one.error), options.blanked(one.finish),
                options.redacted(one.reasoning),
            )
            for one in reply.choices
        ]  # fmt: skip
        return Reply(tuple(choices), reply.usage)
