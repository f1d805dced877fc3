"""What a run would do and what that may cost, for ``--dry-run``."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visualprm_eval.core.types import text_id
from visualprm_eval.core.visible import say
from visualprm_eval.stages.cost import CHARACTERS_PER_TOKEN, INTERNVL, PICTURE_TILES, Estimate, Questions
from visualprm_eval.stages.experiment import missing_candidates, missing_scores
from visualprm_eval.stages.experiment_values import grades_all, read_study
from visualprm_eval.stages.grade.judge_cost import estimate
from visualprm_eval.stages.grade.metric_notes import metric_of
from visualprm_eval.stages.grade.stage import missing_verdicts
from visualprm_eval.stages.grade.table_figures import unseen_tables
from visualprm_eval.stages.sample.cost import measured_tokens, sampling_cost
from visualprm_eval.stages.sample.endpoint import EndpointPolicy
from visualprm_eval.stages.score.cost import NewTexts, scoring_cost
from visualprm_eval.stages.score.critics import critic_text
from visualprm_eval.stages.score.judge_critic import JudgeCritic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from visualprm_eval.core.config import RunConfig
    from visualprm_eval.run.plan_run import Plan
    from visualprm_eval.stages.experiment import Experiment, Work
    from visualprm_eval.stages.score.critics import Critic
    from visualprm_eval.store import Store

ASSUMED = (
    f"tokens are estimates: {CHARACTERS_PER_TOKEN} characters to a token; a picture as InternVL cuts it, "
    f"{INTERNVL.tokens} tokens to each tile of {INTERNVL.side} pixels ({PICTURE_TILES} tiles where it is not here); "
    "other models read pictures otherwise. Texts to come count as long as stored ones of the policy, else of the "
    "benchmark, else as long as --max-tokens allows. What fails and is tried again comes on top"
)
"""What must be known of the numbers."""
_IF_BRIEF, _AS_STORED = "if replies are brief", "if they are as long as stored ones"
_DIGITS = 3
"""Digits of numbers of tokens that say something."""


@dataclass
class Bill:
    """What models are asked, told line by line and summed up at the end.

    Attributes:
        config: What was asked for.
        store: What there is; one that may be written to.
        items: What each model is asked, in which unit, and what that costs, part by part.
    """

    config: RunConfig
    store: Store
    items: dict[tuple[str, str], list[Estimate]] = field(default_factory=dict)

    def add(self, what: str, unit: str, cost: Estimate) -> None:
        """Takes another part of what a model is asked for.

        Args:
            what: Which model does what.
            unit: What ``cost.requests`` counts.
            cost: The cost.
        """
        self.items.setdefault((what, unit), []).append(cost)

    def tell_scoring(
        self, label: str, critic: Critic, questions: Questions, *, work: Sequence[Work], new: NewTexts,
        read: Callable[[str], str] = str,
    ) -> None:  # fmt: skip
        """Tells what a critic is asked, see ``stages.score.cost.scoring_cost``."""
        most_tokens = self.config.sampling.max_tokens
        cost = scoring_cost(self.store, critic, questions, work, new, max_tokens=most_tokens, read=read)
        most = "at most " if new.problem_ids else ""
        if cost is None:
            say(f"    what {label} asks or reads for that is not known here")
        elif cost.requests and isinstance(critic, JudgeCritic):
            self.add(f"score with {label}", "requests", cost)
            stored = "; replies that are stored are not asked for again" if work else ""
            say(f"    {most}{cost.requests:,} requests, {_tokens(cost, _IF_BRIEF)}{stored}")
        elif cost.requests:
            self.add(f"score with {label}", "texts", cost)
            beginnings = len({*(problem_id for problem_id, *_ in work), *new.problem_ids})
            say(
                f"    {most}{cost.requests:,} texts, {_tokens(cost)}: {beginnings:,} questions with their pictures "
                "once each, and the steps of each text"
            )

    def print(self) -> None:
        """Says the sums of what has several parts, and what all numbers take for granted."""
        for (what, unit), costs in self.items.items():
            if len(costs) > 1:
                cost = sum(costs, Estimate())
                say(f"in all, {what}: {cost.requests:,} {unit}, {_tokens(cost)}")
        if self.items:
            say(f"note: {ASSUMED}")


def print_plan(config: RunConfig, store: Store, plan: Plan) -> None:
    """Prints what is missing, what a run would sample, score and grade, and what that may cost."""
    bill = Bill(config, store)
    for experiment in plan.experiments:
        known = ", by its known size" if experiment.benchmark.expected else ""
        say(f"{experiment.label}, {len(experiment.benchmark.problems):,} problems x {experiment.n}{known}:")
        questions = Questions.of(experiment.benchmark)
        new = _tell_sampling(bill, plan, experiment, questions)
        unscored = _tell_scoring(bill, plan, experiment, questions, new)
        if "grade" in config.stages:
            _tell_grading(bill, plan, experiment, new, unscored)
    for name in dict.fromkeys(each.judge.name for each in plan.experiments):
        if (f"judge {name}", "requests at most") in bill.items:
            say(f"judge {name}: one request more, to see whether it answers")
    bill.print()


def _tell_sampling(bill: Bill, plan: Plan, experiment: Experiment, questions: Questions) -> NewTexts:
    """Tells what would be sampled, and says what is known of it."""
    config, store = bill.config, bill.store
    if "sample" not in config.stages:
        return NewTexts()
    missing = missing_candidates(store, experiment, retry_failed=config.retry_failed)
    say(f"  sample: {len(missing):,} candidates")
    mean, most = measured_tokens(store, experiment.sampling, experiment.benchmark.name), config.sampling.max_tokens
    policy = plan.policies.get(experiment.sampling.id)
    if policy is not None and missing:
        cost = sampling_cost(policy, questions, missing, config.sampling, mean)
        unit = "requests" if isinstance(policy, EndpointPolicy) else "prompts"
        bill.add(f"sample {experiment.policy}", unit, cost)
        each = ""
        if unit == "requests" and cost.requests < len(missing):
            each = f" ({len(missing):,} where the server gives one sample per request, and as many prompts to read)"
        say(f"    {cost.requests:,} {unit}{each}, {_tokens(cost, _AS_STORED)}")
    tokens = most if mean is None else min(mean, most)
    return NewTexts([problem_id for problem_id, _ in missing], tokens, config.scoring.max_steps)


def _tell_scoring(bill: Bill, plan: Plan, experiment: Experiment, questions: Questions, new: NewTexts) -> int:
    """Tells what critics would score, and gives the number of stored texts that some critic lacks."""
    config, unscored = bill.config, 0
    for label, scoring in experiment.scorings.items() if "score" in config.stages else ():
        work = missing_scores(bill.store, experiment, label, retry_failed=config.retry_failed)
        unscored = max(unscored, len(work))
        say(f"  score with {label}: {len(work):,} stored texts{_and_new(len(new.problem_ids))}")
        read = functools.partial(critic_text, scoring=scoring.settings)
        bill.tell_scoring(label, plan.critics[label], questions, work=work, new=new, read=read)
    return unscored


def _tell_grading(bill: Bill, plan: Plan, experiment: Experiment, new: NewTexts, unscored: int) -> None:
    """Tells what the host would grade, and what its judge would be asked."""
    config, store = bill.config, bill.store
    texts = _ungraded(config, store, plan, experiment)
    # Which texts rerankers pick is known only when they are scored.
    unknown = len(new.problem_ids) + (0 if grades_all(store, experiment) else unscored)
    tables = ", in tables of each reranker's picks" if metric_of(store, experiment).whole else ""
    say(f"  grade: {len(texts):,} stored texts{_and_new(unknown)}{tables}")
    cost = estimate(experiment, texts, unknown, new.tokens or config.sampling.max_tokens)
    if cost.requests:
        bill.add(f"judge {experiment.judge.name}", "requests at most", cost)
        say(
            f"  judge {experiment.judge.name}: at most {cost.requests:,} requests, {_tokens(cost, _IF_BRIEF)}; replies "
            "that are stored are not asked for again"
        )


def _tokens(cost: Estimate, mostly: str = "") -> str:
    """The tokens of a cost in words, with the condition under which replies are as long as they mostly are."""
    words = f"about {_rounded(cost.prompt_tokens)} tokens to read"
    if not cost.most_reply_tokens:
        return words
    likely = f", about {_rounded(cost.reply_tokens)} {mostly}" if mostly and cost.reply_tokens is not None else ""
    return f"{words} and at most {cost.most_reply_tokens:,} to write{likely}"


def _rounded(number: int) -> str:
    digits = math.floor(math.log10(number)) + 1 if number else 0
    return f"{round(number, min(0, _DIGITS - digits)):,}"


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
