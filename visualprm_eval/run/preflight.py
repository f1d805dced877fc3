"""What is looked at before anything is paid for: whether checkpoints are there, and whether verdicts can be had."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.run.judge_checks import refuse_lack_of_judge, refuse_unused_judge
from visualprm_eval.stages.checkpoint_source import CheckpointUser
from visualprm_eval.stages.experiment import missing_candidates, missing_scores
from visualprm_eval.stages.experiment_values import grades_all, read_study
from visualprm_eval.stages.grade.stage import missing_verdicts
from visualprm_eval.stages.grade.table_figures import try_out, unseen_tables
from visualprm_eval.stages.sample.endpoint.stored_key import Served, stored_keys

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.run.plan_run import Plan
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.stages.grade.grader import Grader
    from visualprm_eval.store import Store


def preflight(config: RunConfig, store: Store, plan: Plan, grader: Grader, sound: Collection[str] = ()) -> None:
    """Finds checkpoints and graders, and notes the content of the checkpoints in the store.

    Args:
        config: What was asked for.
        store: Where facts are.
        plan: What is about to run.
        grader: What grades.
        sound: Directories of checkpoints that need no further look.

    Raises:
        CheckpointError: When samples or scores are wanted and a checkpoint is missing or damaged.
        TokenizerError: When its tokenizer lacks what is needed.
        ConfigError: When a judge's address is given and no judge would be asked.
        GradingError: When verdicts are wanted and the host or its judge cannot give them.
        PolicyError: When a prompted judge's server is not there, or does not know the model.
    """
    if "grade" in config.stages:
        _check_grading(config, store, plan, grader)
    if "score" in config.stages:
        _greet_judges(config, store, plan)
    makers: list[object] = [*plan.policies.values()] if "sample" in config.stages else []
    makers += plan.critics.values() if "score" in config.stages else ()
    # The greedy twin of a policy shares its checkpoint, critics of one reward model theirs.
    for checkpoint in dict.fromkeys(maker.checkpoint for maker in makers if isinstance(maker, CheckpointUser)):
        if checkpoint.location not in sound:
            checkpoint.inspect()
        checkpoint.record(store)


def _greet_judges(config: RunConfig, store: Store, plan: Plan) -> None:
    """Looks whether servers of prompted judges are there that have more to score; those with no scores yet are greeted.

    Raises:
        PolicyError: A server is not there, or does not know the model.
    """
    retry_failed = config.retry_failed
    for label, critic in plan.critics.items():
        if not isinstance(critic, Served) or (served := critic.served) is None:
            continue
        scored = [each for each in plan.experiments if label in each.scorings]
        more = any(
            ("sample" in config.stages and plan.policies and missing_candidates(store, each, retry_failed=retry_failed))
            or missing_scores(store, each, label, retry_failed=retry_failed)
            for each in scored
        )
        if more and stored_keys(store, "scoring", critic.settings()):
            served.greet()


def _check_grading(config: RunConfig, store: Store, plan: Plan, grader: Grader) -> None:
    from visualprm_eval.host.toolkit import check_gradable

    refuse_unused_judge(config.judge, {each.benchmark.name: each.judge for each in plan.experiments})
    # Where all verdicts are there already, the judge need not be.
    waiting = {each.benchmark.name: each for each in plan.experiments if _awaits_verdicts(config, store, plan, each)}
    refuse_lack_of_judge(
        [name for name, each in waiting.items() if each.benchmark.task.needs_judge and not each.judge.used]
    )
    for experiment in waiting.values():
        check_gradable(experiment.benchmark, experiment.judge, grader.tally)
        try_out(store, experiment, grader)


def _awaits_verdicts(config: RunConfig, store: Store, plan: Plan, experiment: Experiment) -> bool:
    """Whether the stages may come to texts without a verdict."""
    stages, retry_failed, all_texts = config.stages, config.retry_failed, grades_all(store, experiment)
    if "sample" in stages and plan.policies and missing_candidates(store, experiment, retry_failed=retry_failed):
        return True
    picks_may_change = experiment.scorings if "score" in stages and not all_texts else ()
    if any(missing_scores(store, experiment, label, retry_failed=retry_failed) for label in picks_may_change):
        return True
    study = read_study(store, experiment, plan.equalities, with_scores=not all_texts)
    ungraded = missing_verdicts(store, experiment, study, retry_failed=retry_failed)
    return not all(is_empty_reply(text) for *_, text in ungraded) or bool(unseen_tables(store, experiment, study))
