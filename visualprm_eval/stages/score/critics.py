"""What loads weights or calls an API to score steps: the critics.

Third parties add theirs through the entry-point group ``visualprm_eval.critics``; the object is called with a
``CriticOptions`` and returns a ``Critic``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from visualprm_eval.core.config import RunConfig
from visualprm_eval.core.errors import CriticError
from visualprm_eval.core.steps import ORIGINAL, STEP_RULE, StepRule, rule_of, split_steps, with_steps_apart
from visualprm_eval.core.thoughts import SCORED, response
from visualprm_eval.core.types import JSONValue, Problem, Spec, StepScores, canonical_json
from visualprm_eval.evaluate.reranker_registry import BUILTIN_CRITICS, JUDGE, build_critic, split_label
from visualprm_eval.stages.checkpoint_source import CheckpointSource, CheckpointUser
from visualprm_eval.stages.score.judge_critic import JudgeCritic, judge_policy
from visualprm_eval.store.sound import SCORE_RANGE, UNIT, range_of

if TYPE_CHECKING:
    from visualprm_eval.engine.images import Picture
    from visualprm_eval.engine.visualprm import VisualPRM


@dataclass(frozen=True, slots=True)
class CriticOptions:
    """What a run tells its critics.

    Attributes:
        max_steps: Most steps per solution.
        device: Where to compute.
        dtype: In what precision.
        token_budget: Most tokens that the reward model reads at a time.
    """

    max_steps: int
    device: str = "auto"
    dtype: str = "auto"
    token_budget: int = 16_384


def shown_images(problem: Problem) -> list[Picture]:
    """A problem's pictures for the reward model: as their files are, which is how the problem's id knows them."""
    from visualprm_eval.engine.images import Picture

    return [Picture(path, as_is=True) for path in problem.images]


class Critic(Protocol):
    """Scores the steps of solutions: numbers from 0 to 1, unless it has another ``score_range = (LEAST, GREATEST)``."""

    def settings(self) -> Mapping[str, JSONValue]:
        """Everything that can change a score: the key under which scores are kept."""

    def split(self, text: str) -> list[str]:
        """A solution's steps, [T], as this critic wants them.

        The step rule of a run (``--steps``) is applied before: where it is not the original one, the steps that it
        finds stand apart by one blank line each, and there are no others.
        """

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        """Scores each item's steps; what cannot be scored is an error of that item alone."""


@runtime_checkable
class StreamingCritic(Protocol):
    """What a critic may do besides: take all work at once, batch it as it likes, tell scores as it makes them."""

    def stream(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> Iterator[list[tuple[int, StepScores]]]:
        """As ``Critic.score``, some at a time: each item's place comes once with its scores, in any order."""


class VisualPRMSource(CheckpointSource):
    """A reward model's checkpoint, shared by its step and whole-response critics."""

    scores = True

    def load(self) -> VisualPRM:
        """Loads the model that scores."""
        from visualprm_eval.engine.visualprm import VisualPRM

        return VisualPRM.from_pretrained(self.location, device=self.device, dtype=self.dtype, revision=self.revision)


@dataclass(frozen=True)
class VisualPRMCritic(CheckpointUser):
    """VisualPRM over the steps of a solution, or over the whole response as one step (ORM).

    Attributes:
        checkpoint: The reward model.
        options: What the run says.
        orm: Score the whole response as one step.
    """

    checkpoint: CheckpointSource
    options: CriticOptions
    orm: bool = False

    def manner(self) -> Mapping[str, JSONValue]:
        """How the checkpoint is asked."""
        name, max_steps = ("visualorm", 1) if self.orm else ("visualprm", self.options.max_steps)
        return {"critic": name, "max_steps": max_steps, "special_tokens": "text"}

    def question(self, problem: Problem) -> str:
        """The question's text as the model reads it."""
        return problem.question

    def split(self, text: str) -> list[str]:
        """The response cut at blank lines and merged to at most ``max_steps``, or whole for the ORM."""
        return [text] if self.orm else split_steps(text, self.options.max_steps)

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        """One batched call of ``VisualPRM.score_items``."""
        scored = dict(chain.from_iterable(self.stream(items)))
        return [scored[place] for place in range(len(items))]

    def stream(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> Iterator[list[tuple[int, StepScores]]]:
        """One call of ``VisualPRM.score_stream``: batches hold candidates of as many problems as fit."""
        triples = [(self.question(problem), list(steps), shown_images(problem)) for problem, steps in items]
        model: VisualPRM = self.checkpoint.model
        return model.score_stream(triples, batch_tokens=self.options.token_budget)

    def release(self) -> None:
        """Frees the memory; the next score loads again."""
        self.checkpoint.release()


def release(critic: Critic) -> None:
    """Frees the weights of one of our critics; third parties' look after themselves."""
    if isinstance(critic, VisualPRMCritic | JudgeCritic):
        critic.release()


def build_critics(labels: Sequence[str], config: RunConfig) -> dict[str, Critic]:
    """The critics of a run.

    Args:
        labels: ``visualprm`` or ``visualorm``, with ``@PRM`` when there are several reward models, ``judge:MODEL``, or
            the name of a third party's critic.
        config: The run.

    Returns:
        Critics by label. Those of one checkpoint stand together and share its weights, which are loaded when needed.

    Raises:
        ConfigError: When a third party's critic cannot be imported or built.
    """
    scoring, compute = config.scoring, config.compute
    options = CriticOptions(scoring.max_steps, compute.device, compute.dtype, scoring.token_budget)
    place = (compute.device, compute.dtype)
    sources = {prm.name: VisualPRMSource(prm.source, prm.revision, *place) for prm in scoring.prms}
    critics: dict[str, Critic] = {}
    for label in sorted(labels, key=lambda label: split_label(label)[1] or ""):
        base, prm = split_label(label)
        if label.startswith(JUDGE):
            make = functools.partial(judge_policy, label.removeprefix(JUDGE), config)
            critics[label] = JudgeCritic(make, scoring.max_steps, retry_failed=config.retry_failed)
        elif base in BUILTIN_CRITICS:
            critics[label] = VisualPRMCritic(sources[prm or scoring.prms[0].name], options, orm=base == "visualorm")
        else:
            critics[label] = build_critic(base, options)
    return critics


def named_scoring(label: str, scoring: Spec, *, thoughts: str = "skip", steps: StepRule = ORIGINAL) -> Spec:
    """The key of a critic's scores with the critic's name in it, and with what else a run decides of what it reads.

    Ours name themselves. Two of third parties may have equal settings, even none, and must not share scores. What is as
    usual is not in the key.

    Args:
        label: The critic's label.
        scoring: What it says of itself.
        thoughts: Whether it gets thoughts, too, one of the choices of ``--thoughts``.
        steps: The step rule; ``visualorm`` reads whole responses, whatever that is.

    Raises:
        CriticError: When its settings are no JSON object.
    """
    if thoughts == "score":
        scoring = Spec(scoring.kind, {**scoring.settings, **SCORED})
    base = split_label(label)[0]
    if steps != ORIGINAL and base != "visualorm":
        scoring = Spec(scoring.kind, {**scoring.settings, STEP_RULE: steps})
    if base in BUILTIN_CRITICS or label.startswith(JUDGE):
        return scoring
    try:
        named = Spec(scoring.kind, {**scoring.settings, "critic": base})
        canonical_json(dict(named.settings))
    except (TypeError, ValueError) as error:
        raise CriticError(
            f"critic {base!r} has settings that are no JSON object ({error}); they are the key of its scores"
        ) from error
    return named


def critic_text(text: str, scoring: Mapping[str, JSONValue]) -> str:
    """What a critic of candidates gets of a text, which it then splits.

    Args:
        text: What a policy wrote.
        scoring: The settings of the scores: whether they are of thoughts, too, and the step rule.

    Returns:
        ``""``, one empty step, for a text whose thought never closes where thoughts are not scored.
    """
    read = text if scoring.get("thoughts") == "score" else response(text)
    rule = rule_of(scoring)
    return read if rule == ORIGINAL else with_steps_apart(read, rule)


def ranged_scoring(scoring: Spec, critic: object) -> Spec:
    """The key of a critic's scores with the range of its scores in it, where that is not 0 to 1.

    Args:
        scoring: What it says of itself.
        critic: The critic; a third party's declares a range as an attribute, such as ``score_range = (-1, None)``.

    Raises:
        CriticError: What it declares is no range.
    """
    declared = scoring.settings.get(SCORE_RANGE, getattr(critic, SCORE_RANGE, None))
    if declared is None:
        return scoring
    try:
        low, high = range_of({SCORE_RANGE: declared})
    except ValueError as error:
        raise CriticError(f"a critic's {error}, such as (-1, None) for scores from -1 on") from error
    if (low, high) == UNIT:
        return scoring
    bounds = [None if math.isinf(bound) else bound for bound in (low, high)]
    return Spec(scoring.kind, {**scoring.settings, SCORE_RANGE: bounds})
