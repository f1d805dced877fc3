"""Who judges given steps: the critics of the main job, prompted judges, and two baselines that look at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.core.config import ComputeOptions, ScoringOptions
from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.core.types import JSONValue, Problem, StepScores, digest
from visualprm_eval.evaluate.reranker_registry import JUDGE, critic_label, critic_names
from visualprm_eval.stages.score.critics import Critic, StreamingCritic, VisualPRMCritic, build_critics
from visualprm_eval.stages.score.judge_critic import JudgeCritic, PromptedJudges
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


def build(
    names: Sequence[str], scoring: ScoringOptions, compute: ComputeOptions, judges: PromptedJudges
) -> list[Judging]:
    """The critics of a run.

    Args:
        names: ``visualprm``, with ``@PRM`` for one of several reward models, a third party's critic, ``random``,
            ``all-correct``, or a model to be prompted, as ``judge:[NAME=]MODEL`` or plainly ``[NAME=]MODEL``.
        scoring: The reward models, and how they score.
        compute: Where they run.
        judges: How language models are asked.

    Returns:
        Each label once, in the order of the names.

    Raises:
        ConfigError: When a name makes no sense here.
        UnknownNameError: When nobody knows a name.
    """
    prms = [prm.name for prm in scoring.prms]

    def critic_of(label: str) -> Critic:
        return build_critics([label], scoring, compute, judges)[label]

    built: dict[str, Judging] = {}
    for name in names:
        for judging in _build(name, prms, critic_of, judges):
            built.setdefault(judging.label, judging)
    return list(built.values())


def _build(name: str, prms: Sequence[str], critic_of: Callable[[str], Critic], judges: PromptedJudges) -> list[Judging]:
    base, at, prm = name.partition("@")
    if name in {RANDOM, ALL_CORRECT}:
        return [Judging(name, None, labels_only=True)]
    if base == "visualorm":
        raise ConfigError("--critic visualorm: it scores whole responses, and here single steps are judged")
    if base == "visualprm" and at and prm not in prms:
        raise UnknownNameError("reward model", prm, prms, where=f"in critic 'visualprm@{prm}'")
    if base == "visualprm" or name in critic_names():
        labels = [critic_label(base, one, prms) for one in ([prm] if at else prms)] if base == "visualprm" else [name]
        return [Judging(label, _of_given_steps(critic_of(label)), labels_only=False) for label in labels]
    model = name.removeprefix(JUDGE)
    judge = GivenJudge(lambda: judges.policy(model), None, retry_failed=judges.retry_failed)
    try:
        _ = judge.policy
    except UnknownNameError as error:
        if name.startswith(JUDGE):
            raise
        known = [*critic_names(), RANDOM, ALL_CORRECT]
        raise UnknownNameError("critic", name, known, hint=f"(as a model to be prompted: {error})") from error
    return [Judging(judge.policy.name if "=" in model else model, judge, labels_only=True)]


def _of_given_steps(inner: Critic) -> Critic:
    """A critic of the main job over steps exactly as they are given."""
    if isinstance(inner, VisualPRMCritic):
        return GivenVisualPRM(inner.checkpoint, inner.options)
    return StreamedSteps(inner, inner) if isinstance(inner, StreamingCritic) else GivenSteps(inner)


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


@dataclass(frozen=True)
class GivenVisualPRM(VisualPRMCritic):
    """VisualPRM over steps exactly as they are given: neither split nor merged.

    The question's text stays as it is too, but where it spells ``<image>`` more or less often than there are pictures:
    nobody could tell which of them stands where.
    """

    def manner(self) -> Mapping[str, JSONValue]:
        """How the checkpoint is asked."""
        return {"critic": "visualprm", "steps": "given", "special_tokens": "text"}

    def split(self, text: str) -> list[str]:
        """The given steps."""
        return steps_of(text)

    def question(self, problem: Problem) -> str:
        """Tags that are not one per picture are spelled ``< image>``, and pictures come first."""
        text = question_text(problem)
        return text if text.count(_TAG) == len(problem.images) else text.replace(_TAG, "< image>")


class GivenSteps:
    """A third party's critic over given steps.

    Args:
        inner: The critic.
    """

    def __init__(self, inner: Critic) -> None:
        self._inner = inner
        self.score_range = getattr(inner, SCORE_RANGE, None)

    def settings(self) -> Mapping[str, JSONValue]:
        """The critic's own, and that the steps are given."""
        return {**self._inner.settings(), "steps": "given"}

    def split(self, text: str) -> list[str]:
        """The given steps."""
        return steps_of(text)

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        """What the critic says."""
        return self._inner.score(items)


class StreamedSteps(GivenSteps):
    """A third party's critic over given steps that takes all work at once.

    Args:
        inner: The critic.
        stream: Its method.
    """

    def __init__(self, inner: Critic, stream: StreamingCritic) -> None:
        super().__init__(inner)
        self._stream = stream

    def stream(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> Iterator[list[tuple[int, StepScores]]]:
        """What the critic says, as it says it."""
        return self._stream.stream(items)


class GivenJudge(JudgeCritic):
    """A prompted judge over given steps."""

    def settings(self) -> Mapping[str, JSONValue]:
        """Those of the judge, and that the steps are given."""
        return {**super().settings(), "steps": "given"}

    def split(self, text: str) -> list[str]:
        """The given steps."""
        return steps_of(text)
