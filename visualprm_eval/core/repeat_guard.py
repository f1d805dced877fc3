"""Watches the first samples for a policy that does not sample.

Some servers ignore the temperature silently (``transformers serve`` does for checkpoints whose generation config does
not say ``do_sample``), and so do some model classes of the host. Best-of-N of N equal texts would be wasted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Candidate, JSONValue

_REPEATS = 8
_LENGTH = 40
"""Shorter texts are not counted: an option letter repeats itself honestly."""
_PROBLEMS = 3
"""Problems whose samples must repeat where the sampler is this project's own: one may be easy, or the policy sure."""
_OWN_ENGINES = ("native", "transformers")


class Watch:
    """One pair of different samples of a problem ends it, for all benchmarks.

    Args:
        name: The policy's name.
        settings: The key of its candidates; at temperature 0 equal samples are meant.
    """

    def __init__(self, name: str, settings: Mapping[str, JSONValue]) -> None:
        self._name, self._watching, self._repeats = name, bool(settings.get("temperature")), 0
        self._problems = _PROBLEMS if settings.get("engine") in _OWN_ENGINES else 1
        self._first: dict[str, str] = {}
        self._repeating: set[str] = set()

    def see(self, candidates: Iterable[Candidate]) -> None:
        """Looks at some more samples.

        Raises:
            PolicyError: When ``_REPEATS`` samples repeated an earlier one of their problem and none differed; of an
                engine of this project's own on ``_PROBLEMS`` problems or more.
        """
        for candidate in candidates if self._watching else ():
            first = self._first.get(candidate.problem_id)
            if candidate.error is not None:
                continue
            if first is None:
                self._first[candidate.problem_id] = candidate.text
            elif first == candidate.text:
                if len(first) >= _LENGTH:
                    self._repeats += 1
                    self._repeating.add(candidate.problem_id)
            else:
                self._watching = False
                self._first.clear()
                return
        if self._watching and self._repeats >= _REPEATS and len(self._repeating) >= self._problems:
            raise PolicyError(
                f"{self._name}: {self._repeats} samples repeat an earlier one word by word at a temperature above 0, "
                "none differs: the model ignores the temperature (of a server see its settings and the checkpoint's "
                "generation config; some classes of the host ignore it). What came is stored; use --temperature 0 "
                "with -n 1 if that is meant, or sample elsewhere and pass the texts with --candidates"
            )
