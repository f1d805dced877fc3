"""The health of endpoints: who may be asked now, who has to be left alone for a while, and who is given up."""

from __future__ import annotations

from dataclasses import dataclass, field

from visualprm_eval.stages.sample.endpoint.client import Kind, TroubleError
from visualprm_eval.stages.sample.endpoint.dialect import Dialect
from visualprm_eval.stages.sample.endpoint.options import Patience

_ENOUGH_PROBLEMS = 3
"""So many different problems have to fail before the endpoint is to blame, and not a problem that nobody can answer."""

_NOT_OURS = frozenset({403, 404, 405})
"""Statuses that say, as long as nothing else has worked, that the address, the model's name or the key is wrong."""

_SLOWED_DOWN = 2
"""A server that only asks to slow down gets so many times the tries."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """One endpoint. Times are those of a monotonic clock, in seconds.

    Many requests fail at the same moment when a server stumbles: only a failure of a request that was sent after the
    last counted failure is one more failure in a row.

    Attributes:
        url: Its base address.
        patience: How failures are waited out.
        dialect: Which fields its server takes, as far as we know.
        in_flight: Requests that it is at work on.
        gone: Why it is given up; ``None`` while it is not.
        paused_until: Nothing is sent before.
        worked: Whether a request has succeeded.
        knows_fields: Whether it has taken all fields that the key of the samples speaks of.
        gave_several: Whether it has given several samples for one request.
        in_a_row: Failures in a row, as explained above.
    """

    url: str
    patience: Patience
    dialect: Dialect = field(default_factory=Dialect)
    in_flight: int = 0
    gone: str | None = None
    paused_until: float = 0.0
    worked: bool = False
    knows_fields: bool = False
    gave_several: bool = False
    in_a_row: int = 0
    _last_counted: float = -1.0
    _failing: set[str] = field(default_factory=set)
    _refused: set[str] = field(default_factory=set)

    def most_tries(self, trouble: TroubleError) -> int:
        """How many tries a trouble of this kind deserves."""
        return self.patience.tries * (_SLOWED_DOWN if trouble.kind is Kind.THROTTLED else 1)

    def succeeded(self) -> None:
        """Notes a reply."""
        self.worked, self.in_a_row = True, 0
        self._failing.clear()
        self._refused.clear()

    def refused(self, trouble: TroubleError, problem_id: str) -> bool:
        """Notes that it will not take a request; says whether that ends it, as it does while nothing else has worked.

        Args:
            trouble: What it said.
            problem_id: Whose request it was.
        """
        self._refused.add(problem_id)
        hopeless = trouble.status in _NOT_OURS or len(self._refused) >= _ENOUGH_PROBLEMS
        if trouble.kind is Kind.UNSERVED or (hopeless and not self.worked):
            self.gone = str(trouble)
        return self.gone is not None

    def failed(self, trouble: TroubleError, problem_id: str, *, sent_at: float, now: float) -> bool:
        """Notes a failure that may pass, and pauses where that helps; says whether the endpoint is given up.

        Args:
            trouble: What went wrong.
            problem_id: Whose request it was.
            sent_at: When the request was sent.
            now: The time.
        """
        self._failing.add(problem_id)
        if trouble.wait_s is not None:
            self._pause(now + trouble.wait_s)
        if sent_at >= self._last_counted and self.gone is None:
            self._last_counted = now
            self.in_a_row += 1
            # One odd failure of a healthy server must not hold up everybody else.
            if trouble.kind is not Kind.PASSING or self.in_a_row > 1:
                self._pause(now + self.patience.wait_s(self.in_a_row))
            to_blame = trouble.kind is Kind.UNREACHABLE or len(self._failing) >= _ENOUGH_PROBLEMS
            if to_blame and self.in_a_row >= self.most_tries(trouble):
                self.gone = f"{trouble}, {self.in_a_row} times in a row"
        return self.gone is not None

    def _pause(self, until: float) -> None:
        self.paused_until = max(self.paused_until, until)
