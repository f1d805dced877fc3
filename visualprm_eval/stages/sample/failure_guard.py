"""Holds failures back until something of a policy succeeded: of one that cannot work at all nothing is stored.

So a run that was started with a wrong key or model name stops with an error, and goes on as if nothing had been when
that is mended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from visualprm_eval.core.error_text import in_short
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Candidate, Problem

_ALIKE = 3
"""Problems that have to fail with the same message before the policy is to blame, and not a problem of its own kind."""
_OTHERWISE = 8
"""Problems that have to fail with messages of their own, which may hold numbers of requests and the like."""
_LONGEST = 500


class FailureGuard:
    """What came of one policy, as long as all of it failed.

    A problem with a picture that cannot be read fails through its own fault, and says nothing of the policy.

    Args:
        name: The policy's name.
        problems: The problems by id.
        proven: Whether it ever succeeded.
    """

    def __init__(self, name: str, problems: Mapping[str, Problem], *, proven: bool) -> None:
        self._name, self._problems, self._proven = name, problems, proven
        self._held: list[Candidate] = []
        self._failing: dict[str, str] = {}
        self._has_pictures = cache(_has_pictures)

    def passed(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """What may be stored now that these came: nothing, or all that was held back with them.

        Raises:
            PolicyError: When so much failed that the policy is to blame.
        """
        if self._proven:
            return candidates
        self._held += candidates
        if any(one.error is None for one in candidates):
            return self._let_go()
        for one in candidates:
            if one.problem_id not in self._failing and self._has_pictures(self._problems[one.problem_id].images):
                self._failing[one.problem_id] = one.error or ""
        alike = len(set(self._failing.values())) == 1
        if len(self._failing) >= (_ALIKE if alike else _OTHERWISE):
            raise self._error()
        return ()

    def rest(self, *, strict: bool = True) -> Sequence[Candidate]:
        """What is still held back when nothing more is to come: failures of problems through their own fault.

        Args:
            strict: Whether a problem that failed without such a fault is an error, however few there are.

        Raises:
            PolicyError: There is such a problem.
        """
        if strict and self._failing and not self._proven:
            raise self._error()
        return self._let_go()

    def _let_go(self) -> Sequence[Candidate]:
        held, self._held, self._proven = self._held, [], True
        return held

    def _error(self) -> PolicyError:
        reasons = Counter(one.error or "" for one in self._held if one.problem_id in self._failing)
        (reason, _), *others = reasons.most_common()
        more = f", and {len(others):,} other reasons" if others else ""
        return PolicyError(
            f"{self._name}: no sample came of {len(self._held):,} that were asked for: "
            f"{in_short(reason)[:_LONGEST]}{more}. Nothing of this is stored. Mend what it names (the model's name, "
            "its key, the server, an option) and run the same command again; --verbose shows what host classes say"
        )


def _has_pictures(paths: tuple[str, ...]) -> bool:
    """Whether all pictures of a problem can be read."""
    from PIL import Image

    try:
        for path in paths:
            with Image.open(path) as image:
                image.load()
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError):
        return False
    return True
