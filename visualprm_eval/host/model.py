"""A model of the host in a process of its own."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import HostDiedError, PolicyError
from visualprm_eval.core.types import Candidate, Problem
from visualprm_eval.host import toolkit

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.host.models.host_model import ModelFacts
    from visualprm_eval.host.models.sampling_settings import SamplingSettings

_MOST_DEATHS = 3
"""So often in a row its process may die without one sample in between."""


def model_facts(name: str) -> ModelFacts:
    """What is known of a model of the host by its name; it is not built.

    Raises:
        UnknownNameError: When the host does not know the name.
    """
    facts: ModelFacts = toolkit.host_process().call("facts_of_model", name)
    return facts


class HostModel:
    """A model of the host; it is built with the first request, and its process ends when nobody needs it any more.

    Args:
        name: The host's name of the model.
        settings: How it samples unless said otherwise.
        retry: Tries per request of an API model.
        allow_remote_code: Let its class run code that ships with a checkpoint.
        cot: What classes are told that ask the environment whether chain of thought is wanted.
    """

    def __init__(
        self, name: str, settings: SamplingSettings, *, retry: int, allow_remote_code: bool, cot: bool
    ) -> None:
        self.name = name
        self._process = toolkit.new_process()
        self._arguments = (name, settings)
        self._options = {"retry": retry, "allow_remote_code": allow_remote_code, "cot": cot}
        self._is_built = self._is_api = False
        weakref.finalize(self, self._process.stop)

    def _build(self) -> None:
        """Builds the model unless it is there.

        Raises:
            PolicyError: When the host cannot build it here.
        """
        if self._is_built:
            return
        try:
            self._is_api = self._process.call("build_model", *self._arguments, **self._options)
        except HostDiedError as error:
            raise PolicyError(f"{self.name}: {error}, while it built the model. {error.output}".rstrip()) from error
        self._is_built = True

    def put_problems(self, benchmark: Benchmark, problems: Iterable[Problem], prompt: str) -> list[Problem]:
        """Problems with the parts that this model is shown, whose class may have prompts of its own; ids stay.

        Raises:
            PolicyError: When its class cannot make the prompt of a row.
        """
        self._build()
        ids = [problem.id for problem in problems]
        put: list[Problem] = self._process.call("put_for_model", benchmark.dataset, ids, prompt)
        return put

    def sample(
        self, requests: Sequence[tuple[Problem, int]], settings: SamplingSettings, *, seed: int, nproc: int
    ) -> Iterator[Any]:
        """Draws a candidate per request; yields each as it is done, and sentences on how far its settings are heeded.

        A local model whose process dies costs the sample that it was at, which is a failure; the rest is drawn by a
        new one.

        Raises:
            PolicyError: When temperature or top-p do not reach the model, or its process dies again and again.
        """
        waiting, deaths = {(problem.id, rank): (problem, rank) for problem, rank in requests}, 0
        while waiting:
            self._build()
            try:
                for each in self._process.stream("sample", list(waiting.values()), settings, seed, nproc):
                    if isinstance(each, Candidate):
                        waiting.pop((each.problem_id, each.rank), None)
                        deaths = 0
                    if each is not None:  # What the call returns at last.
                        yield each
            except HostDiedError as error:
                self._is_built, deaths = False, deaths + 1
                if deaths >= _MOST_DEATHS:
                    raise PolicyError(
                        f"{self.name}: {error}, {deaths} times in a row without a sample. {error.output}".rstrip()
                    ) from error
                if not self._is_api:
                    problem, rank = waiting.pop(next(iter(waiting)))
                    yield Candidate(problem.id, rank, "", error=f"the host's process died over it: {error.reason}")
            else:
                return
