"""What a run would do, for ``--dry-run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.core.types import text_id
from visualprm_eval.core.visible import say
from visualprm_eval.stages.experiment import missing_candidates, missing_scores
from visualprm_eval.stages.experiment_values import grades_all, read_study
from visualprm_eval.stages.grade.judge_cost import estimate
from visualprm_eval.stages.grade.metric_notes import metric_of
from visualprm_eval.stages.grade.stage import missing_verdicts
from visualprm_eval.stages.grade.table_figures import unseen_tables

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.run.plan_run import Plan
    from visualprm_eval.stages.experiment import Experiment, Work
    from visualprm_eval.store import Store


def print_plan(config: RunConfig, store: Store, plan: Plan) -> None:
    """Prints what is missing: what a run would sample, score and grade."""
    judges: dict[str | None, None] = {}
    stages, retry_failed = config.stages, config.retry_failed
    for experiment in plan.experiments:
        say(f"{experiment.label}, {len(experiment.benchmark.problems)} problems x {experiment.n}:")
        new = len(missing_candidates(store, experiment, retry_failed=retry_failed)) if "sample" in stages else 0
        if "sample" in stages:
            say(f"  sample: {new:,} candidates")
        unscored = 0
        for label in experiment.scorings if "score" in stages else ():
            known = len(missing_scores(store, experiment, label, retry_failed=retry_failed))
            unscored = max(unscored, known)
            say(f"  score with {label}: {known:,} stored texts{_and_new(new)}")
        if "grade" in stages:
            texts = _ungraded(config, store, plan, experiment)
            # Which texts rerankers pick is known only when they are scored.
            unknown = new if grades_all(store, experiment) else new + unscored
            tables = ", in tables of each reranker's picks" if metric_of(store, experiment).whole else ""
            say(f"  grade: {len(texts):,} stored texts{_and_new(unknown)}{tables}")
            cost = estimate(experiment, texts, unknown, config.sampling.max_tokens)
            if cost.requests:
                name = experiment.judge.name
                judges[name] = None
                say(
                    f"  judge {name}: at most {cost.requests:,} requests, about {cost.prompt_tokens:,} tokens to read "
                    f"and {cost.reply_tokens:,} to write if it is brief ({cost.most_reply_tokens:,} at most); replies "
                    "that are stored are not asked for again"
                )
    for name in judges:
        say(f"judge {name}: one request more, to see whether it answers")


def _ungraded(config: RunConfig, store: Store, plan: Plan, experiment: Experiment) -> list[Work]:
    """The texts that the host has still to look at, alone or in tables of picks."""
    study = read_study(store, experiment, plan.equalities, with_scores=not grades_all(store, experiment))
    work = missing_verdicts(store, experiment, study, retry_failed=config.retry_failed)
    texts = {(problem_id, key): text for problem_id, key, text in work}
    ids = {problem.index: problem.id for problem in experiment.benchmark.problems}
    for table in unseen_tables(store, experiment, study):
        texts |= {(ids[index], text_id(text)): text for index, text in table.items()}
    return [(*key, text) for key, text in texts.items()]


def _and_new(count: int) -> str:
    return f", and at most {count:,} new ones" if count else ""
