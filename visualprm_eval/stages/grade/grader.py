"""What a run grades with."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from visualprm_eval.core.answers.asking import Equalities
    from visualprm_eval.host.grading.grade_table import Evaluation
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Replies, Store


@dataclass(frozen=True, slots=True)
class Grader:
    """How the host grades the experiments of a run.

    Attributes:
        directory: Where the host may write; each table gets a folder of its own there.
        equalities: Which formulas are one answer.
        retry_failed: Whether stored failures are tried again.
        tally: Counts the requests to judges.
    """

    directory: Path
    equalities: Equalities
    retry_failed: bool
    tally: Asked

    def evaluate(
        self, experiment: Experiment, texts: Mapping[str, str], replies: Replies | None, *, known: bool = False,
        done: Callable[[int], None] = lambda _: None,
    ) -> Evaluation:  # fmt: skip
        """What the host makes of a table of texts, see ``host.toolkit.evaluate_table``."""
        from visualprm_eval.host.toolkit import evaluate_table

        benchmark, judge = experiment.benchmark, experiment.judge
        return evaluate_table(
            benchmark, texts, self.directory, judge, replies, tally=self.tally, known=known, done=done
        )

    def versions(self) -> str:
        """The versions that verdicts are made with, where another Python runs the host; else ``""``."""
        from visualprm_eval.host.toolkit import versions_elsewhere

        return versions_elsewhere()


def judge_replies(
    store: Store, experiment: Experiment, since: float = 0.0
) -> AbstractContextManager[Replies | None]:  # fmt: skip
    """Where replies of an experiment's judge are kept, see ``Store.replies``; nowhere when none is asked."""
    return store.replies(since) if experiment.judge.used else nullcontext()
