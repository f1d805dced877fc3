"""Who judges given steps: the critics of the main job, prompted judges, and two baselines that look at nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.core.types import JSONValue, Problem, StepScores, digest
from visualprm_eval.evaluate.reranker_registry import JUDGE, critic_label, critic_names
from visualprm_eval.stages.sample.find_policy import check_host_name
from visualprm_eval.stages.score.critics import Critic, StreamingCritic, VisualPRMCritic, build_critics
from visualprm_eval.stages.score.judge_critic import JudgeCritic, judge_options, judge_policy
from visualprm_eval.store.sound import SCORE_RANGE
from visualprm_eval.tasks.process_bench.data import ProcessSample, steps_of
from visualprm_eval.tasks.process_bench.judge_prompt import question_text

RANDOM, ALL_CORRECT = "random", "all-correct"
_TAG = "<image>"


@dataclass(frozen=True)
class Judging:
    """One critic of a run.

    Attributes:
        label: What results call it.
        critic: Who scores; ``None`` for a baseline, which is arithmetic.
        labels_only: Whether it gives verdicts and no scores in between.
    """

    label: str
    critic: Critic | None
    labels_only: bool


def build(names: Sequence[str], config: RunConfig) -> list[Judging]:
    """The critics of a run.

    Args:
        names: ``visualprm``, with ``@PRM`` for one of several reward models, a third party's critic, ``random``,
            ``all-correct``, or a model to be prompted, as ``judge:[NAME=]MODEL`` or plainly ``[NAME=]MODEL``.
        config: The run.

    Returns:
        Each label once, in the order of the names.

    Raises:
        ConfigError: When a name makes no sense here.
        UnknownNameError: When nobody knows a name.
    """
    built: dict[str, Judging] = {}
    for name in names:
        for judging in _build(name, config):
            built.setdefault(judging.label, judging)
    return list(built.values())


def model_to_prompt(name: str, config: RunConfig) -> str | None:
    """The model that a name of a critic stands for, to be prompted; ``None`` for all other critics.

    Args:
        name: As for :func:`build`.
        config: The run.

    Raises:
        ConfigError: When the name makes no sense here.
        UnknownNameError: When nobody knows the reward model.
    """
    base, at, prm = name.partition("@")
    prms = [source.name for source in config.scoring.prms]
    if base == "visualorm":
        raise ConfigError("--critic visualorm: it scores whole responses, and here single steps are judged")
    if base == "visualprm" and at and prm not in prms:
        raise UnknownNameError("reward model", prm, prms, where=f"in critic 'visualprm@{prm}'")
    is_known = base == "visualprm" or name in {RANDOM, ALL_CORRECT, *critic_names()}
    return None if is_known else name.removeprefix(JUDGE)


def check_model_name(name: str, config: RunConfig) -> None:
    """Looks whether the host knows the model that a critic's name stands for, if it is one of the host's.

    Raises:
        UnknownNameError: When nobody knows the name, neither as a critic nor as a model.
        ConfigError: When the name makes no sense here.
        HostError: When the host's names cannot be had.
    """
    model = model_to_prompt(name, config)
    if model is None:
        return
    try:
        check_host_name(model, judge_options(config))
    except UnknownNameError as error:
        if name.startswith(JUDGE):
            raise
        known = [*critic_names(), RANDOM, ALL_CORRECT]
        raise UnknownNameError("critic", name, known, hint=f"(as a model to be prompted: {error})") from error


def _build(name: str, config: RunConfig) -> list[Judging]:
    model = model_to_prompt(name, config)
    if name in {RANDOM, ALL_CORRECT}:
        return [Judging(name, None, labels_only=True)]
    if model is None:
        base, at, prm = name.partition("@")
        prms = [source.name for source in config.scoring.prms]
        labels = [critic_label(base, one, prms) for one in ([prm] if at else prms)] if base == "visualprm" else [name]
        critics = {label: build_critics([label], config)[label] for label in labels}
        return [Judging(label, _of_given_steps(critic), labels_only=False) for label, critic in critics.items()]
    check_model_name(name, config)
    judge = GivenJudge(lambda: judge_policy(model, config), None, retry_failed=config.retry_failed)
    return [Judging(judge.policy.name if "=" in model else model, judge, labels_only=True)]


def _of_given_steps(inner: Critic) -> Critic:
    """A critic of the main job over steps exactly as they are given."""
    if isinstance(inner, VisualPRMCritic):
        return GivenVisualPRM(inner.checkpoint, inner.options)
    return GivenSteps(inner)


def baseline(name: str, sample: ProcessSample, seed: int) -> StepScores:
    """What a baseline says of a sample: nothing depends on the pictures or the steps' texts.

    Args:
        name: ``RANDOM``, whose labels are drawn 50/50, or ``ALL_CORRECT``.
        sample: The sample; its place among others makes no difference.
        seed: Of the draws.
    """
    if name == ALL_CORRECT:
        return StepScores((1.0,) * len(sample.steps), sample.steps)
    rng = np.random.default_rng(int(digest([RANDOM, seed, *sample.key]), 16))
    return StepScores(tuple(map(float, rng.integers(0, 2, len(sample.steps)))), sample.steps)


class _AsGiven:
    """A critic that does not split."""

    def split(self, text: str) -> list[str]:
        """The given steps."""
        return steps_of(text)


@dataclass(frozen=True)
class GivenVisualPRM(_AsGiven, VisualPRMCritic):
    """VisualPRM over steps exactly as they are given: neither split nor merged.

    The question's text stays as it is too, but where it spells ``<image>`` more or less often than there are pictures:
    nobody could tell which of them stands where.
    """

    def manner(self) -> Mapping[str, JSONValue]:
        """How the checkpoint is asked."""
        return {"critic": "visualprm", "steps": "given", "special_tokens": "text"}

    def question(self, problem: Problem) -> str:
        """Tags that are not one per picture are spelled ``< image>``, and pictures come first."""
        text = question_text(problem)
        return text if text.count(_TAG) == len(problem.images) else text.replace(_TAG, "< image>")


class GivenSteps(_AsGiven):
    """A third party's critic over given steps; it takes all work at once where the critic does.

    Args:
        inner: The critic.
    """

    def __init__(self, inner: Critic) -> None:
        self._inner, self.score, self.score_range = inner, inner.score, getattr(inner, SCORE_RANGE, None)
        if isinstance(inner, StreamingCritic):
            self.stream = inner.stream

    def settings(self) -> Mapping[str, JSONValue]:
        """The critic's own, and that the steps are given."""
        return {**self._inner.settings(), "steps": "given"}


class GivenJudge(_AsGiven, JudgeCritic):
    """A prompted judge over given steps."""

    def settings(self) -> Mapping[str, JSONValue]:
        """Those of the judge, and that the steps are given."""
        return {**super().settings(), "steps": "given"}
