"""One policy on one benchmark, and what stages must know of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from visualprm_eval.core.types import JSONValue, Spec

if TYPE_CHECKING:
    from visualprm_eval.core.config import JudgeOptions, RunConfig
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.store import Store

__all__ = ["Cell", "RunState", "settings_of"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy on one benchmark: where its facts are.

    Attributes:
        policy: The policy's name.
        sampling: The key of its candidates.
        benchmark: The benchmark with its problems.
        n: Candidates per problem.
        greedy: Whether it is the policy's one sample at temperature 0 beside its others.
    """

    policy: str
    sampling: Spec
    benchmark: Benchmark
    n: int
    greedy: bool = False

    @property
    def label(self) -> str:
        """Policy and benchmark, for messages."""
        return f"{self.policy} on {self.benchmark.name}" + (" (greedy)" if self.greedy else "")

    @property
    def problem_ids(self) -> list[str]:
        """Ids of the benchmark's problems in order."""
        return [problem.id for problem in self.benchmark.problems]

    @property
    def answer(self) -> Callable[[str, Mapping[str, str]], str | None]:
        """How the benchmark reads the answer of a text, for votes."""
        return self.benchmark.task.answer


def settings_of(sampling: Spec) -> Mapping[str, JSONValue]:
    """The settings of a sampling; a pack of candidates keeps the original ones, where it has them, one level deeper."""
    original = sampling.settings.get("sampling")
    return {**(original if isinstance(original, Mapping) else {}), **sampling.settings}


class RunState(Protocol):
    """What the grading stage and the values of a cell need of a run.

    Attributes:
        config: What was asked for.
        store: Where facts are.
        cells: What the run is about: one per policy and benchmark.
        unconfirmed: Cells for which the host has another figure than ours, or none where it should.
        ungraded: Benchmarks that could not be graded.
    """

    config: RunConfig
    store: Store
    cells: list[Cell]
    unconfirmed: list[str]
    ungraded: list[str]

    @property
    def judge(self) -> JudgeOptions:
        """How the host's judge is reached."""

    @property
    def asked(self) -> Asked:
        """What became of the requests to judges."""

    def rerankers_of(self, cell: Cell) -> list[Reranker]:
        """The rerankers that a cell has values for."""

    def ks(self, cell: Cell) -> tuple[int, ...]:
        """The k of best-of-k to tabulate for a cell."""

    def grading(self, cell: Cell) -> Spec:
        """The key of a cell's verdicts."""

    def is_judged(self, cell: Cell) -> bool:
        """Whether a language model helps to grade a cell."""

    def grades_all(self, cell: Cell) -> bool:
        """Whether every distinct text of a cell is graded, or only what some reranker picks."""

    def facts(self, cell: Cell, *, with_scores: bool = True) -> Columns:
        """Everything known of one policy on one benchmark."""

    def missing_verdicts(self, cell: Cell, *, retry_failed: bool) -> list[tuple[str, str, str]]:
        """Problem ids, text ids and texts that need a verdict and have none."""
