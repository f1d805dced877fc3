"""One policy on one benchmark, with all that decides where its facts are, and what the store lacks of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.core.types import JSONValue, Problem, Spec

if TYPE_CHECKING:
    from visualprm_eval.core.answers.asking import Equalities
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.evaluate.rerankers import Reranker
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.store import Store

Work = tuple[str, str, str]
"""A problem's id, a text's id, the text."""


@dataclass(frozen=True, slots=True)
class Samples:
    """The candidates of one policy on one benchmark.

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
    def problems(self) -> dict[str, Problem]:
        """The benchmark's problems in order, by id."""
        return {problem.id: problem for problem in self.benchmark.problems}

    @property
    def answer(self) -> Callable[[str, Mapping[str, str]], str | None]:
        """How the benchmark reads the answer of a text, for votes."""
        return self.benchmark.task.answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment(Samples):
    """Samples, and what scores, picks and grades them; every key is resolved.

    Attributes:
        ks: Best of how many, ascending.
        rerankers: Those that have values here.
        scorings: The key of each critic's scores, by label; nobody looks at greedy samples.
        judge: How the host grades: its judge, if it asks one, and what it is shown of a text.
        grading: The key of the verdicts.
        grade_all: Whether every distinct text is to be graded, or only what some reranker picks; it is only that where
            values are figures of whole tables, see ``stages.experiment_values.grades_all``.
    """

    ks: tuple[int, ...]
    rerankers: Sequence[Reranker]
    scorings: Mapping[str, Spec]
    judge: JudgeOptions
    grading: Spec
    grade_all: bool


def settings_of(sampling: Spec) -> Mapping[str, JSONValue]:
    """The settings of a sampling; a pack of candidates keeps the original ones, where it has them, one level deeper."""
    original = sampling.settings.get("sampling")
    return {**(original if isinstance(original, Mapping) else {}), **sampling.settings}


def missing_candidates(store: Store, samples: Samples, *, retry_failed: bool) -> list[tuple[str, int]]:
    """Problem ids and ranks of the candidates that are still to be drawn."""
    return store.missing_candidates(samples.sampling.id, samples.problems, samples.n, retry_failed=retry_failed)


def missing_scores(store: Store, experiment: Experiment, label: str, *, retry_failed: bool) -> list[Work]:
    """The texts that a critic has still to score.

    Nothing is left of an empty reply, whatever stands in its thoughts: it is one step, which is empty; but for critics
    that read thoughts.
    """
    scoring = experiment.scorings[label]
    missing = store.missing_scores(
        scoring.id, experiment.sampling.id, experiment.problems, experiment.n, retry_failed=retry_failed
    )
    if scoring.settings.get("thoughts") == "score":
        return missing
    return [(problem_id, key, "" if is_empty_reply(text) else text) for problem_id, key, text in missing]


def known_equalities(store: Store) -> Equalities:
    """Which formulas are one answer: what the store knows of this machine's math-verify, and what that says."""
    from visualprm_eval.core.answers.asking import Equalities, MathVerify

    ask = MathVerify()
    return Equalities(store.equalities(ask.version), ask)


def keep_equalities(store: Store, equalities: Equalities) -> None:
    """Keeps what was found out of formulas, so that a report from the store alone comes to the same votes."""
    from visualprm_eval.core.answers.asking import MathVerify

    if new := equalities.taken():
        store.put_equalities(MathVerify().version, new)
