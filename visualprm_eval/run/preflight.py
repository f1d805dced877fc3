"""What is looked at before anything is paid for: whether checkpoints are there, and whether verdicts can be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.core.errors import ConfigError, GradingError
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.stages.checkpoint_source import CheckpointUser
from visualprm_eval.stages.grade.table_figures import lacks_figures, try_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.run.plan_run import Session
    from visualprm_eval.stages.experiment import Cell

__all__ = ["check"]


def check(session: Session) -> None:
    """Finds checkpoints and graders, and notes the content of the checkpoints in the store.

    Args:
        session: What is about to run; it has gathered its cells.

    Raises:
        CheckpointError: When samples or scores are wanted and a checkpoint is missing or damaged.
        TokenizerError: When its tokenizer lacks what is needed.
        ConfigError: When a judge's address is given and no judge would be asked.
        GradingError: When verdicts are wanted and the host or its judge cannot give them.
    """
    stages = session.config.stages
    if "grade" in stages:
        _check_grading(session)
    made: list[object] = [*session.policies.values()] if "sample" in stages else []
    if "score" in stages:
        _ = session.scorings
        made += session.critics.values()
    for maker in made:
        if isinstance(maker, CheckpointUser):
            maker.checkpoint.inspect()
            maker.checkpoint.record(session.store)


def _check_grading(session: Session) -> None:
    from visualprm_eval.host.grading.grade_table import check_gradable
    from visualprm_eval.host.grading.judge_replies import counted_requests

    judge = session.config.judge
    asked = any(cell.benchmark.task.judged_by(session.judge).used for cell in session.cells)
    if (judge.base_url or judge.key) and not asked:
        names = ", ".join(dict.fromkeys(cell.benchmark.name for cell in session.cells))
        raise ConfigError(
            f"--judge-base-url and --judge-key would not be used, since {names} is graded without a judge by default; "
            "name the judge with --judge, or leave them out"
        )
    # Where all verdicts are there already, the judge need not be.
    waiting = {cell.benchmark.name: cell for cell in session.cells if _awaits_verdicts(session, cell)}
    _check_judges([cell.benchmark for cell in waiting.values()], session.judge)
    with counted_requests(session.asked):
        for cell in waiting.values():
            check_gradable(cell.benchmark, session.judge)
            try_out(session, cell)


def _check_judges(benchmarks: Sequence[Benchmark], judge: JudgeOptions) -> None:
    """Names all benchmarks at once that need a judge, where none is to be asked."""
    lacking = [each.name for each in benchmarks if each.task.needs_judge and not each.task.judged_by(judge).used]
    if lacking:
        raise GradingError(f"{', '.join(lacking)} cannot be graded without a judge: name one with --judge")


def _awaits_verdicts(session: Session, cell: Cell) -> bool:
    """Whether the stages may come to texts without a verdict."""
    stages = session.config.stages
    if "sample" in stages and session.policies and session.missing_candidates(cell):
        return True
    picks_may_change = "score" in stages and not cell.greedy and not session.grades_all(cell)
    if picks_may_change and any(session.missing_scores(cell, label) for label in session.scorings):
        return True
    ungraded = session.missing_verdicts(cell, retry_failed=session.config.retry_failed)
    return not all(is_empty_reply(text) for *_, text in ungraded) or lacks_figures(session, cell)
