"""A language model as a critic: it is shown a solution and says of every step whether it is correct.

Any policy can be asked: a model of the host, one behind an endpoint, a checkpoint. Its reply must have one JSON object
with a truth value for every step; what cannot be read is asked for again with the reason, a few times, and is then a
failure. Every reply is stored as soon as it came, so that a run which is broken off pays for none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from visualprm_eval.core.config import NEUTRAL, SERVERS_OWN
from visualprm_eval.core.errors import CriticError, InputError, PolicyError
from visualprm_eval.core.steps import split_steps
from visualprm_eval.core.types import JSONValue, Part, Problem, StepScores, digest
from visualprm_eval.stages.sample.endpoint import EndpointPolicy
from visualprm_eval.stages.sample.endpoint.reply import quoted
from visualprm_eval.stages.sample.policy import PolicyOptions
from visualprm_eval.tasks.process_bench.judge_prompt import TASK, judge_prompt, question_text
from visualprm_eval.tasks.process_bench.verdicts import parse_verdicts

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.stages.sample.policy import Policy
    from visualprm_eval.store import Replies, Store

UNREADABLE = "the judge's reply cannot be read"
"""How the error begins of scores that could not be read off replies."""
TRIES = 3
"""How often a judge is asked before an unreadable reply is a failure."""
_QUOTED = 100
"""Characters of an unreadable reply that are quoted."""
LEAST_TOKENS = 4096
"""Tokens that a judge may write at least, whatever ``--max-tokens`` allows policies."""


_AGAIN = "\n\nAn earlier reply to this could not be read: {reason}. Reply with the JSON object alone."


@dataclass(frozen=True)
class Asked:
    """One solution in the judge's hands.

    Attributes:
        place: Its place among all.
        problem: The question.
        steps: Its steps, [T].
        reason: Why the last reply could not be read; ``""`` when it is asked about for the first time.
    """

    place: int
    problem: Problem
    steps: tuple[str, ...]
    reason: str = ""

    def request(self) -> Problem:
        """What is asked, as a problem of its own."""
        text = judge_prompt(question_text(self.problem), self.steps)
        if self.reason:
            text += _AGAIN.format(reason=self.reason)
        parts = (*(part for part in self.problem.parts if part.kind == "image"), Part("text", text))
        # The problem's id stands for the content of its pictures.
        asked = digest({"judged": self.problem.id, "text": text})
        return Problem(self.problem.benchmark, self.problem.index, self.problem.split, parts, "", asked)


def _key(settings: Mapping[str, JSONValue], request_id: str) -> str:
    """What a reply is kept under.

    Replies were kept before settings spoke of what no request set: it was the server's own.
    """
    told = {name: each for name, each in settings.items() if name not in NEUTRAL or each != SERVERS_OWN}
    return digest(["step judge", told, request_id])


class JudgeCritic:
    """A policy that is asked about steps; a step's score is 1 when it is called correct, else 0.

    Args:
        make: Builds the policy, which answers greedily.
        max_steps: Most steps per solution when it has to be split; ``None`` for no limit.
        tries: How often it is asked before an unreadable reply is a failure.
        retry_failed: Whether stored replies that cannot be read are asked for again.

    Attributes:
        came: How the last reply began that could not be read, as one printable line; ``""`` without one.
        replies: Where replies are kept; ``None`` while nowhere.
    """

    def __init__(
        self, make: Callable[[], Policy], max_steps: int | None, *, tries: int = TRIES, retry_failed: bool = False
    ) -> None:
        self._make, self._max_steps, self._tries, self._retry_failed = make, max_steps, tries, retry_failed
        self.came = ""
        self.replies: Replies | None = None

    @cached_property
    def policy(self) -> Policy:
        """Who is asked."""
        return self._make()

    @property
    def served(self) -> EndpointPolicy | None:
        """The policy where it is behind servers."""
        return self.policy if isinstance(self.policy, EndpointPolicy) else None

    def release(self) -> None:
        """Frees what the policy holds in memory; what is known of servers takes none."""
        if self.served is None:
            self.__dict__.pop("policy", None)

    def settings(self) -> Mapping[str, JSONValue]:
        """The policy's settings, the wording of the request and the step rule."""
        wording = digest([TASK, _AGAIN])
        return {
            "critic": "judge", "wording of the request": wording, "tries": self._tries, "max_steps": self._max_steps,
            "judge": dict(self.policy.settings()),
        }  # fmt: skip

    def split(self, text: str) -> list[str]:
        """The response cut at blank lines and merged to at most ``max_steps``."""
        return split_steps(text, self._max_steps)

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        """Asks about every solution; what cannot be read after all tries is a failure.

        Raises:
            CriticError: When the policy cannot be asked at all. Replies that came until then are stored.
        """
        outcomes: dict[int, StepScores] = {}
        waiting = [Asked(place, problem, tuple(steps)) for place, (problem, steps) in enumerate(items)]
        for number in range(self._tries):
            last, again = number + 1 == self._tries, []
            for asked, reply, error in self._replies_to(waiting, number):
                if error is not None:
                    outcomes[asked.place] = StepScores((), asked.steps, error)
                    continue
                try:
                    verdicts = parse_verdicts(reply, len(asked.steps))
                except InputError as reason:
                    if last:
                        self.came = quoted(reply[:_QUOTED].encode("utf-8", "replace"))
                        said = f"{UNREADABLE}: {reason} ({self._tries} tries)"
                        outcomes[asked.place] = StepScores((), asked.steps, said)
                    else:
                        again.append(Asked(asked.place, asked.problem, asked.steps, str(reason)))
                else:
                    outcomes[asked.place] = StepScores(tuple(map(float, verdicts)), asked.steps)
            waiting = again
        return [outcomes[place] for place in range(len(items))]

    def unanswered(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[Asked]:
        """Solutions that the policy would be asked about first, each request once; without those of stored replies."""
        settings = dict(self.policy.settings()) if items else {}
        asked: dict[str, Asked] = {}
        for place, (problem, steps) in enumerate(items):
            next_one = Asked(place, problem, tuple(steps))
            for attempt in range(self._tries):
                request_id = next_one.request().id
                reply = self._known(_key(settings, request_id), attempt, len(steps))
                if reply is None:
                    asked[request_id] = next_one
                    break
                try:
                    parse_verdicts(reply, len(steps))
                    break
                except InputError as reason:
                    next_one = Asked(place, problem, tuple(steps), str(reason))
        return list(asked.values())

    def _replies_to(self, waiting: Sequence[Asked], attempt: int) -> Iterator[tuple[Asked, str, str | None]]:
        """Each solution with the reply to it, or why there is none."""
        if not waiting:
            return
        by_id: dict[str, list[Asked]] = {}
        settings = self.policy.settings() if self.replies is not None else {}
        requests: dict[str, Problem] = {}
        for asked in waiting:
            request = asked.request()
            by_id.setdefault(request.id, []).append(asked)
            requests[request.id] = request
        keys = {request_id: _key(settings, request_id) for request_id in requests}
        for request_id in list(requests):
            known = self._known(keys[request_id], attempt, len(by_id[request_id][0].steps))
            if known is not None:
                del requests[request_id]
                yield from ((asked, known, None) for asked in by_id[request_id])
        try:
            for batch in self.policy.sample([(request, attempt) for request in requests.values()]):
                for candidate in batch:
                    if candidate.error is None and self.replies is not None:
                        self.replies.put(keys[candidate.problem_id], attempt, candidate.text)
                    found = by_id[candidate.problem_id]
                    yield from ((asked, candidate.text, candidate.error) for asked in found)
        except PolicyError as error:
            raise CriticError(f"the judge cannot be asked: {error}") from error

    def _known(self, key: str, attempt: int, number: int) -> str | None:
        """The stored reply to a request."""
        reply = None if self.replies is None else self.replies.get(key, attempt)
        if reply is None or not self._retry_failed:
            return reply
        try:
            parse_verdicts(reply, number)
        except InputError:
            return None
        return reply


def judge_policy(text: str, config: RunConfig) -> Policy:
    """The policy that is asked about steps, see :func:`judge_options`.

    Args:
        text: As for ``--model``.
        config: The run.

    Raises:
        ConfigError: When the name cannot be read.
        UnknownNameError: When nobody knows it.
    """
    from visualprm_eval.stages.sample.find_policy import find_policy

    return find_policy(text, judge_options(config))


def judge_options(config: RunConfig) -> PolicyOptions:
    """How a model is asked about steps: greedily, and in the words of this module alone.

    It is behind the endpoints of ``--critic-base-url``, else of ``--base-url``.
    """
    sampling = replace(
        config.sampling.greedy(), engine="auto", prompt="host", num_samples=1, asked_for=frozenset(),
        max_tokens=max(LEAST_TOKENS, config.sampling.max_tokens),
    )  # fmt: skip
    return PolicyOptions.of(replace(config, sampling=sampling, api=config.judges_api))


@contextmanager
def kept_by(critic: object, store: Store) -> Iterator[None]:
    """While it lasts, a critic that is paid per reply takes known ones from the store and puts new ones there."""
    if not isinstance(critic, JudgeCritic):
        yield
        return
    try:
        with store.replies() as critic.replies:
            yield
    finally:
        critic.replies = None
