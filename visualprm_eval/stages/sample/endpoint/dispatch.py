"""Deals requests to endpoints: never more than allowed at a time, each to the one that has least to do."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace

from visualprm_eval.core.errors import InputError, PolicyError
from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.stages.sample.endpoint.client import Kind, TroubleError
from visualprm_eval.stages.sample.endpoint.dialect import Dialect
from visualprm_eval.stages.sample.endpoint.endpoint_health import Endpoint
from visualprm_eval.stages.sample.endpoint.reply import Reply

MOST_CHOICES = 32
"""Samples asked for at a time: what a kill can cost per request in flight."""

_LONG_WAIT_S = 30.0
"""A user is told of waits from this length on."""


@dataclass(frozen=True, slots=True)
class Job:
    """Samples that are still to be drawn for one problem.

    Attributes:
        problem: The problem.
        ranks: Ranks of the samples, ascending; one request may bring several.
        failures: Requests of it that failed.
        avoid: The endpoint that failed last.
        alone_at: Where its first sample was asked for alone when a request for several failed.
    """

    problem: Problem
    ranks: tuple[int, ...]
    failures: int = 0
    avoid: Endpoint | None = None
    alone_at: Endpoint | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A request in flight.

    Attributes:
        job: What it is for.
        ranks: Which of the job's samples it asks for: all, or the first one.
        endpoint: Who was asked.
        dialect: In which terms.
        at: When it was sent.
    """

    job: Job
    ranks: tuple[int, ...]
    endpoint: Endpoint
    dialect: Dialect
    at: float


Ask = Callable[[Endpoint, Problem, tuple[int, ...], Dialect], Coroutine[None, None, Reply]]
"""Sends one request for samples of these ranks; raises ``TroubleError`` or ``InputError``."""

_TURNS = 10
"""Turns of the event loop in which a reply that has arrived is taken in."""


def jobs_of(requests: Iterable[tuple[Problem, int]]) -> list[Job]:
    """Requests for single samples as jobs of at most ``MOST_CHOICES`` samples of one problem, in the order given."""
    wanted: dict[str, tuple[Problem, list[int]]] = {}
    for problem, rank in requests:
        wanted.setdefault(problem.id, (problem, []))[1].append(rank)
    return [
        Job(problem, tuple(sorted(ranks)[start : start + MOST_CHOICES]))
        for problem, ranks in wanted.values()
        for start in range(0, len(ranks), MOST_CHOICES)
    ]


class Dispatcher:
    """Sends jobs and settles what comes back; used within one event loop.

    Args:
        name: The policy's name, for messages.
        jobs: What is to be drawn.
        endpoints: Whom to ask; their state is kept in them.
        ask: Sends a request.
        nproc: Requests in flight at a time.
        warn: Takes what a user should know at once.
    """

    def __init__(
        self, name: str, jobs: Sequence[Job], endpoints: Sequence[Endpoint], ask: Ask, *, nproc: int,
        warn: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._name, self._endpoints, self._ask, self._nproc, self._warn = name, endpoints, ask, nproc, warn
        self._ready = deque(jobs)
        self._later: list[tuple[float, int, Job]] = []
        self._turn = itertools.count()
        self._in_flight: dict[asyncio.Task[Reply], Sent] = {}
        self._doubtful: defaultdict[Endpoint, list[tuple[Job, str]]] = defaultdict(list)
        for endpoint in endpoints:
            endpoint.in_flight = 0

    async def step(self) -> list[Candidate]:
        """Waits until samples are settled and returns them, failures included; ``[]`` when all are.

        Raises:
            PolicyError: When no endpoint is left. What came before was returned by earlier calls.
        """
        settled: list[Candidate] = []
        while not settled:
            self._send()
            if self._in_flight or self._ready or self._later:
                self._check_alive()
                settled = await self._wait()
            elif self._doubtful:
                settled = self._decide()
            else:
                break
        return settled

    async def close(self) -> None:
        """Gives up what is in flight."""
        for task in self._in_flight:
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _check_alive(self) -> None:
        if self._in_flight or any(endpoint.gone is None for endpoint in self._endpoints):
            return
        reasons = "; ".join(f"{endpoint.url}: {endpoint.gone}" for endpoint in self._endpoints)
        raise PolicyError(
            f"{self._name}: no endpoint is left to ask ({reasons}). All samples that came until then are stored; "
            "mend the server or the options and run the same command again"
        )

    def _send(self) -> None:
        """Puts as many jobs in flight as may be."""
        now = self._now()
        while self._later and self._later[0][0] <= now:
            self._ready.appendleft(heapq.heappop(self._later)[2])
        while self._ready and len(self._in_flight) < self._nproc:
            job = self._ready[0]
            free = [one for one in self._endpoints if one.gone is None and one.paused_until <= now]
            if not free:
                return
            endpoint = min(free, key=lambda one: (one is job.avoid, one.in_flight))
            self._ready.popleft()
            if not endpoint.dialect.n and len(job.ranks) > 1:
                self._ready.appendleft(replace(job, ranks=job.ranks[1:]))
                job = replace(job, ranks=job.ranks[:1])
            self._launch(job, endpoint, endpoint.dialect)

    def _launch(self, job: Job, endpoint: Endpoint, dialect: Dialect, *, alone: bool = False) -> None:
        ranks = job.ranks if dialect.n and not alone else job.ranks[:1]
        task = asyncio.create_task(self._ask(endpoint, job.problem, ranks, dialect))
        self._in_flight[task] = Sent(job, ranks, endpoint, dialect, self._now())
        endpoint.in_flight += 1

    async def _wait(self) -> list[Candidate]:
        """Sleeps until a reply comes or something may be sent again; settles all replies that are there."""
        wake = self._wake_s()
        if not self._in_flight:
            await asyncio.sleep(wake or 0.0)
            return []
        came, _ = await asyncio.wait(self._in_flight, timeout=wake, return_when=asyncio.FIRST_COMPLETED)
        # Replies that lie in the sockets by now come along, so that they are stored together.
        for _ in range(_TURNS if came else 0):
            await asyncio.sleep(0)
        done = [task for task in self._in_flight if task.done()]
        return [candidate for task in done for candidate in self._settle(task)]

    def _wake_s(self) -> float | None:
        """Seconds until something may be sent though nothing comes back; ``None`` when only a reply can change that."""
        if len(self._in_flight) >= self._nproc:
            return None
        times = [self._later[0][0]] if self._later else []
        if self._ready:
            times += [one.paused_until for one in self._endpoints if one.gone is None]
        return max(min(times) - self._now(), 0.0) if times else None

    def _settle(self, task: asyncio.Task[Reply]) -> list[Candidate]:
        sent = self._in_flight.pop(task)
        sent.endpoint.in_flight -= 1
        try:
            reply = task.result()
        except InputError as error:
            return _failures(sent.job, str(error))
        except TroubleError as trouble:
            if self._asked_otherwise(sent, trouble):
                return []
            if trouble.kind in {Kind.REFUSED, Kind.UNSERVED}:
                return self._refused(sent, trouble)
            return self._failed(sent, trouble)
        return self._succeeded(sent, reply)

    def _asked_otherwise(self, sent: Sent, trouble: TroubleError) -> bool:
        """Asks again at once where the server may take the request in other terms; says whether it did."""
        job, endpoint, dialect = sent.job, sent.endpoint, sent.dialect
        if endpoint.gone is not None or not trouble.may_be_refusal:
            return False
        simpler = dialect.after_refusal(str(trouble)) if trouble.is_lesson else None
        if simpler is not None and simpler.left_out == dialect.left_out:
            self._launch(job, endpoint, simpler)
            return True
        if simpler is not None and not (endpoint.knows_fields or endpoint.worked):
            endpoint.gone = (
                f"it refuses a field with which samples of this key are drawn ({trouble}); run the same command again "
                "to have it left out for all"
            )
            self._ready.appendleft(replace(job, avoid=endpoint))
            self._give_up(endpoint)
            return True
        about_n = trouble.kind is Kind.REFUSED or not endpoint.gave_several
        if len(sent.ranks) > 1 and about_n and job.alone_at is not endpoint:
            known = replace(dialect, n=False) if trouble.is_lesson else dialect
            self._launch(replace(job, alone_at=endpoint), endpoint, known, alone=True)
            return True
        return False

    def _succeeded(self, sent: Sent, reply: Reply) -> list[Candidate]:
        job, endpoint = sent.job, sent.endpoint
        endpoint.succeeded()
        endpoint.gave_several = endpoint.gave_several or len(reply.choices) > 1
        self._learn(sent, ignores_n=len(sent.ranks) > 1 and len(reply.choices) == 1)
        settled = _candidates(sent, reply, self._now() - sent.at)
        if lacking := job.ranks[len(settled) :]:
            self._ready.appendleft(Job(job.problem, lacking))
        return settled + self._refused_for_good(endpoint)  # It is sound.

    def _refused_for_good(self, endpoint: Endpoint) -> list[Candidate]:
        return [failure for doubt in self._doubtful.pop(endpoint, ()) for failure in _failures(*doubt)]

    def _learn(self, sent: Sent, *, ignores_n: bool) -> None:
        """Remembers in which terms the endpoint can be asked."""
        endpoint, known = sent.endpoint, sent.endpoint.dialect
        endpoint.dialect = known.joined(replace(sent.dialect, n=sent.dialect.n and not ignores_n))
        if known.n and not endpoint.dialect.n:
            self._warn(f"{endpoint.url} gives one sample per request; it is asked for each one by itself")

    def _refused(self, sent: Sent, trouble: TroubleError) -> list[Candidate]:
        job, endpoint = sent.job, sent.endpoint
        if endpoint.gone is not None:
            self._ready.appendleft(replace(job, avoid=endpoint))
        elif endpoint.refused(trouble, job.problem.id):
            self._ready.appendleft(replace(job, avoid=endpoint))
            self._give_up(endpoint)
        elif endpoint.worked:
            return _failures(job, str(trouble))
        else:
            self._doubtful[endpoint].append((job, str(trouble)))
        return []

    def _decide(self) -> list[Candidate]:
        """Settles the last jobs: refused by an endpoint of which nobody knows whether it is sound."""
        endpoint, doubts = next(reversed(self._doubtful.items()))
        if not any(one.worked and one.gone is None for one in self._endpoints):
            return self._refused_for_good(endpoint)
        endpoint.gone = doubts[-1][1]
        self._give_up(endpoint)
        return []

    def _failed(self, sent: Sent, trouble: TroubleError) -> list[Candidate]:
        job, endpoint, now = replace(sent.job, avoid=sent.endpoint), sent.endpoint, self._now()
        given_up_before, rested = endpoint.gone is not None, endpoint.paused_until <= now
        away = trouble.kind is Kind.UNREACHABLE and endpoint.in_a_row == 0
        if endpoint.failed(trouble, job.problem.id, sent_at=sent.at, now=now):
            self._ready.appendleft(job)
            if not given_up_before:
                self._give_up(endpoint)
            return []
        if rested and (away or (trouble.wait_s or 0.0) >= _LONG_WAIT_S):
            self._warn(f"{endpoint.url}: {trouble}; trying again in {max(endpoint.paused_until - now, 0.0):.0f} s")
        if trouble.kind is Kind.UNREACHABLE:  # It never saw the request; the endpoint's pause is wait enough.
            self._ready.appendleft(job)
            return []
        failures = job.failures + 1
        if failures >= endpoint.most_tries(trouble):
            return _failures(job, f"{trouble} ({failures} tries)")
        wait_s = endpoint.patience.wait_s(failures)
        if trouble.wait_s is not None and all(one is endpoint or one.gone is not None for one in self._endpoints):
            wait_s = trouble.wait_s  # Nobody else would take it sooner.
        half = len(job.ranks) // 2 if trouble.timed_out else 0  # Fewer samples at a time take less time.
        for ranks in filter(None, (job.ranks[:half], job.ranks[half:])):
            again = replace(job, ranks=ranks, failures=failures)
            heapq.heappush(self._later, (now + wait_s, next(self._turn), again))
        return []

    def _give_up(self, endpoint: Endpoint) -> None:
        self._ready.extendleft(job for job, _ in self._doubtful.pop(endpoint, ()))
        left = sum(one.gone is None for one in self._endpoints)
        rest = f"the work goes on at {left} other endpoint{'s' * (left > 1)}" if left else "no other is left"
        self._warn(f"{endpoint.url} is given up: {endpoint.gone}; {rest}")


def _failures(job: Job, message: str) -> list[Candidate]:
    return [Candidate(job.problem.id, rank, "", error=message) for rank in job.ranks]


def _candidates(sent: Sent, reply: Reply, seconds: float) -> list[Candidate]:
    """The candidates that a reply brings, by rank in the server's order; choices that nobody asked for are dropped."""
    tokens = reply.usage.completion_tokens if len(reply.choices) == 1 and reply.usage else None
    asked = list(zip(sent.ranks, reply.choices, strict=False))
    # A failed candidate may be drawn again, and then what it bears would be forgotten.
    bearer = next((place for place, (_, choice) in enumerate(asked) if choice.error is None), 0)
    return [
        Candidate(
            sent.job.problem.id, rank, choice.text, choice.error, choice.finish, tokens,
            seconds=seconds / len(reply.choices), usage=reply.usage if place == bearer else None,
            reasoning=choice.reasoning,
        )
        for place, (rank, choice) in enumerate(asked)
    ]  # fmt: skip
