"""Where weights come from, and which stored facts are theirs where the weights themselves are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from visualprm_eval.core.config import DEMO_POLICY, DEMO_PRM
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.steps import STEP_RULE
from visualprm_eval.core.thoughts import SCORED
from visualprm_eval.core.types import JSONValue, Spec
from visualprm_eval.core.visible import tell
from visualprm_eval.stages.sample.endpoint.stored_key import Served, key_at_servers

if TYPE_CHECKING:
    from visualprm_eval.store import Store

_DEMO = {DEMO_POLICY: "policy", DEMO_PRM: "prm"}
CHECKPOINT = "checkpoint"
"""The kind of notes on the sources that weights came from, by their fingerprint."""
_WEIGHTS = ("checkpoint", "dtype")
"""Settings that only the machine with the weights can tell."""
_FREE = frozenset({*_WEIGHTS, *SCORED, STEP_RULE})
"""These, and what a run adds to a critic's own settings."""


_DOUBTS = {
    True: "config.json does not say that it is a reward model (InternVLRewardModel in architectures or auto_map). The "
    "scores of a policy's checkpoint say nothing; whether these tell right from wrong, the report says after grading",
    False: "config.json says that it is a reward model, which was not trained to write solutions",
}
"""What is said of a checkpoint that seems to be in the wrong place, by whether it was to score."""


class CheckpointSource:
    """A checkpoint by the name that a user gave it.

    Args:
        source: A directory, a hub id, or the name of a bundled checkpoint.
        revision: Commit, tag or branch on the hub.
        device: Where to compute.
        dtype: In what precision; ``"auto"`` depends on the device.
    """

    scores = False
    """Whether it was given as a reward model, not as a policy."""

    def __init__(self, source: str, revision: str | None, device: str, dtype: str) -> None:
        self.source, self.revision, self.device, self.dtype = source, revision, device, dtype
        self._named: dict[str, JSONValue] = {"source": source, "revision": revision}

    @property
    def location(self) -> str:
        """A directory or a hub id."""
        if self.source in _DEMO:
            from visualprm_eval.tasks.demo_world.assets import demo_path

            return str(demo_path(_DEMO[self.source]))
        return self.source

    @cached_property
    def model(self) -> Any:
        """What computes, loaded when it is first asked for and shared by all that have this source.

        Raises:
            CheckpointError: When it cannot be loaded faithfully.
        """
        return self.load()

    def load(self) -> Any:
        """Loads a checkpoint in the InternVL layout, as it is."""
        from visualprm_eval.engine.checkpoint import load_checkpoint

        return load_checkpoint(self.location, self.device, self.dtype, self.revision)

    def release(self) -> None:
        """Frees the memory; who asks for the model next loads it again."""
        self.__dict__.pop("model", None)

    @property
    def at_hand(self) -> bool:
        """Whether it is a directory of this machine."""
        return Path(self.location).is_dir()

    @property
    def on_hub(self) -> bool:
        """Whether only the hub can tell what it is."""
        from visualprm_eval.engine.checkpoint_folder import is_hub_name

        return is_hub_name(self.location)

    @cached_property
    def fingerprint(self) -> str:
        """Names the weights by their content.

        Raises:
            CheckpointError: When there is no such checkpoint.
        """
        from visualprm_eval.engine.checkpoint import fingerprint

        return fingerprint(self.location, revision=self.revision)

    @cached_property
    def number_type(self) -> str:
        """The precision that ``device`` and ``dtype`` come to, such as ``"float32"``.

        Raises:
            ConfigError: When the device is not there.
        """
        from visualprm_eval.engine.devices import resolve_device, resolve_dtype

        return str(resolve_dtype(self.dtype, resolve_device(self.device))).removeprefix("torch.")

    def settings(self) -> dict[str, JSONValue]:
        """Its part of the key of the facts that it makes."""
        return {"checkpoint": self.fingerprint, "dtype": self.number_type}

    def look(self) -> bool:
        """Looks at what can be told in seconds, without torch: all files of a directory, config.json of one on the hub.

        Returns:
            Whether nothing is left for :meth:`inspect` to look at.

        Raises:
            CheckpointError, TokenizerError: As for :meth:`inspect`.
        """
        from visualprm_eval.engine.checkpoint_check import look_at_layout

        look_at_layout(self.location, self.revision)
        return self.at_hand

    def inspect(self) -> None:
        """Looks at the files, so that a damaged checkpoint is told before its first turn comes.

        One that seems to be in the wrong place is warned of: its files need not say what it was trained for.

        Raises:
            CheckpointError: When there is no such checkpoint, or it is damaged or of an unknown architecture.
            TokenizerError: When its tokenizer lacks what is needed.
        """
        from visualprm_eval.engine.checkpoint_check import inspect_checkpoint

        if inspect_checkpoint(self.location, self.revision) != self.scores:
            tell(f"WARNING: {self.source}: {_DOUBTS[self.scores]}")

    def record(self, store: Store) -> None:
        """Notes the content behind the name, for machines that have the store and not the weights."""
        store.put_note(CHECKPOINT, self.fingerprint, self._named)

    def is_known(self, store: Store) -> bool:
        """Whether a store has facts that were made with a checkpoint of this name."""
        return any(named == self._named for _, named in store.notes(CHECKPOINT))

    def may_be(self, settings: Mapping[str, JSONValue], store: Store) -> bool:
        """Whether stored facts may be of this checkpoint: of its content, and of its precision if that was named."""
        known = {fingerprint for fingerprint, named in store.notes(CHECKPOINT) if named == self._named}
        if self.at_hand:
            known = {self.fingerprint}
        return settings.get("checkpoint") in known and self.dtype in {"auto", settings.get("dtype")}


@runtime_checkable
class CheckpointUser(Protocol):
    """A policy or a critic that computes with a checkpoint."""

    checkpoint: CheckpointSource

    def manner(self) -> Mapping[str, JSONValue]:
        """Its settings without those of the checkpoint."""

    def settings(self) -> Mapping[str, JSONValue]:
        """How the checkpoint is asked, its content and its precision.

        Raises:
            CheckpointError: When there is no such checkpoint here.
        """
        return {**self.manner(), **self.checkpoint.settings()}


def spec_of(
    kind: str, maker: object, store: Store, *, will_make: bool, dry_run: bool = False,
    enough: Callable[[Spec], bool] = lambda _: True,
) -> Spec:  # fmt: skip
    """The key of the facts that a policy or critic makes or made.

    What is stored can be used where the weights are not, or where ``--dtype auto`` would come to something else.

    Args:
        kind: ``"sampling"`` or ``"scoring"``.
        maker: The policy or the critic.
        store: Where its facts are.
        will_make: Whether it will make facts, and so needs its weights.
        dry_run: Nothing is fetched to tell what is missing; of an unknown checkpoint everything is.
        enough: Whether a stored key of what servers make will do; else they are asked what they take.

    Raises:
        CheckpointError: When the checkpoint is needed and not here.
        ConfigError: When the store has facts of several such checkpoints or precisions.
        PolicyError: When servers have to be asked, and are of no use.
    """
    if isinstance(maker, Served) and (served := maker.served) is not None:
        return key_at_servers(kind, maker, served, store, enough, ask=will_make and not dry_run)
    if not isinstance(maker, CheckpointUser) or (will_make and not dry_run):
        return Spec(kind, maker.settings())  # type: ignore[attr-defined]  # policies and critics have it
    manner, checkpoint = dict(maker.manner()), maker.checkpoint
    free = dict.fromkeys(_FREE)
    alike = [spec for spec in store.specs(kind) if {**spec.settings, **free} == {**manner, **free}]
    alike = [spec for spec in alike if checkpoint.may_be(spec.settings, store)]
    if checkpoint.at_hand and (will_make or not alike):
        return Spec(kind, {**manner, **checkpoint.settings()})
    weights = list(dict.fromkeys(tuple(spec.settings.get(name) for name in _WEIGHTS) for spec in alike))
    if len(weights) > 1:
        found = ", ".join(f"{content} in {dtype}" for content, dtype in weights)
        raise ConfigError(f"the store has {kind} facts of {checkpoint.source} by {found}; choose with --dtype")
    if weights:
        return Spec(kind, {**manner, **dict(zip(_WEIGHTS, weights[0], strict=True))})
    return Spec(kind, manner if dry_run else {**manner, **checkpoint.settings()})
