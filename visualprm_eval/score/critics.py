"""What loads weights or calls an API to score steps: the critics.

Third parties add theirs through the entry-point group ``visualprm_eval.critics``; the object is called with a
``CriticOptions`` and returns a ``Critic``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from visualprm_eval.config import DEMO_PRM, PRMSource, RunConfig
from visualprm_eval.registry import BUILTIN_CRITICS, load_critic, split_label
from visualprm_eval.steps import split_steps
from visualprm_eval.types import JSONValue, Problem, Spec, StepScores

if TYPE_CHECKING:
    from visualprm_eval.prm.visualprm import VisualPRM
    from visualprm_eval.store import Store


@dataclass(frozen=True, slots=True)
class CriticOptions:
    """What a run tells its critics.

    Attributes:
        max_steps: Most steps per solution.
        device: Where to compute.
        dtype: In what precision.
        token_budget: Tokens scored at a time.
    """

    max_steps: int
    device: str = "auto"
    dtype: str = "auto"
    token_budget: int = 16_384


class Critic(Protocol):
    """Scores the steps of solutions."""

    def settings(self) -> Mapping[str, JSONValue]:
        """Everything that can change a score: the key under which scores are kept."""

    def split(self, text: str) -> list[str]:
        """A solution's steps, [T], as this critic wants them."""

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        """Scores each item's steps; what cannot be scored is an error of that item alone."""


class VisualPRMWeights:
    """A checkpoint that is loaded when the first score is asked for, shared by its step and whole-response critics."""

    def __init__(self, source: PRMSource, options: CriticOptions) -> None:
        self.source, self.options = source, options

    @cached_property
    def fingerprint(self) -> str:
        """Names the weights by their content.

        Raises:
            CheckpointError: When there is no such checkpoint.
        """
        from visualprm_eval.prm.checkpoint import fingerprint

        return fingerprint(self._location, revision=self.source.revision)

    @cached_property
    def model(self) -> VisualPRM:
        """The loaded model.

        Raises:
            CheckpointError: When it cannot be loaded faithfully.
        """
        from visualprm_eval.prm.visualprm import VisualPRM

        return VisualPRM.from_pretrained(
            self._location, device=self.options.device, dtype=self.options.dtype, revision=self.source.revision
        )

    @property
    def at_hand(self) -> bool:
        """Whether the checkpoint is a directory of this machine."""
        return Path(self._location).is_dir()

    @property
    def _location(self) -> str:
        if self.source.source == DEMO_PRM:
            from visualprm_eval.demo.assets import demo_path

            return str(demo_path("prm"))
        return self.source.source


@dataclass(frozen=True)
class VisualPRMCritic:
    """VisualPRM over the steps of a solution, or over the whole response as one step (ORM).

    Attributes:
        weights: The checkpoint.
        orm: Score the whole response as one step.
    """

    weights: VisualPRMWeights
    orm: bool = False

    def settings(self) -> Mapping[str, JSONValue]:
        """The checkpoint's fingerprint and how it is asked.

        Raises:
            CheckpointError: When there is no such checkpoint here.
        """
        return {**self._manner, "checkpoint": self.weights.fingerprint}

    def may_have_made(self, settings: Mapping[str, JSONValue]) -> bool:
        """Whether stored scores are of a critic that asks like this one, whatever its checkpoint."""
        return {name: value for name, value in settings.items() if name != "checkpoint"} == self._manner

    @property
    def _manner(self) -> dict[str, JSONValue]:
        return {
            "critic": "visualorm" if self.orm else "visualprm",
            "max_steps": 1 if self.orm else self.weights.options.max_steps,
            "special_tokens": "text",
        }

    def split(self, text: str) -> list[str]:
        """The response cut at blank lines and merged to at most ``max_steps``, or whole for the ORM."""
        return [text] if self.orm else split_steps(text, self.weights.options.max_steps)

    def score(self, items: Sequence[tuple[Problem, Sequence[str]]]) -> list[StepScores]:
        """One batched call of ``VisualPRM.score_items``."""
        triples = [(problem.question, list(steps), problem.images) for problem, steps in items]
        return self.weights.model.score_items(triples, batch_tokens=self.weights.options.token_budget)


def scoring_of(critic: Critic, store: Store, *, will_score: bool, dry_run: bool = False) -> Spec:
    """The key of a critic's scores.

    Scores can be selected by and reported where the weights are not: then the store must hold those of one such
    checkpoint only.

    Args:
        critic: Who scores.
        store: Where scores are.
        will_score: Whether the critic will score, and so needs its weights anyway.
        dry_run: Only the number of missing scores is asked for: nothing is fetched, an unknown checkpoint has none.

    Raises:
        CheckpointError: When the checkpoint is not here and the store cannot tell which one is meant.
    """
    if not isinstance(critic, VisualPRMCritic) or critic.weights.at_hand or (will_score and not dry_run):
        return Spec("scoring", critic.settings())
    alike = [spec for spec in store.specs("scoring") if critic.may_have_made(spec.settings)]
    if len(alike) == 1:
        return alike[0]
    return Spec("scoring", {"checkpoint": None} if dry_run else critic.settings())


def build_critics(labels: Sequence[str], config: RunConfig) -> dict[str, Critic]:
    """The critics of a run.

    Args:
        labels: ``visualprm`` or ``visualorm``, with ``@PRM`` when there are several reward models, or the name of a
            third party's critic.
        config: The run.

    Returns:
        Critics by label; those of one checkpoint share its weights, which are loaded when first needed.

    Raises:
        ConfigError: When a third party's critic cannot be imported.
    """
    options = CriticOptions(config.max_steps, config.device, config.dtype, config.token_budget)
    weights = {prm.name: VisualPRMWeights(prm, options) for prm in config.prms}
    critics: dict[str, Critic] = {}
    for label in labels:
        base, prm = split_label(label)
        if base in BUILTIN_CRITICS:
            critics[label] = VisualPRMCritic(weights[prm or config.prms[0].name], orm=base == "visualorm")
        else:
            critics[label] = load_critic(base)(options)
    return critics
