"""Which critics a store has scores of, under the names that runs gave them.

The key of scores does not hold the reward model's name, so that one checkpoint under two names shares its scores. Each
run notes the names; all of them are understood, and the last one is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.config import GIVEN, ModelSource
from visualprm_eval.core.server_address import served_model
from visualprm_eval.core.types import Spec
from visualprm_eval.evaluate.reranker_registry import BUILTIN_CRITICS, JUDGE, critic_label, split_label
from visualprm_eval.stages.checkpoint_source import CHECKPOINT
from visualprm_eval.store.names import Claim, told_apart

if TYPE_CHECKING:
    from visualprm_eval.store import Store

_NAME = "name"
"""The kind of notes on scorings: what a run called the reward model, and whether somebody gave it that name."""


@dataclass(frozen=True)
class StoredCritics:
    """The critics of a store.

    Attributes:
        scorings: The key of each critic's scores, by label; of those that would have one label the former ones carry
            their key.
        models: The reward model behind each of them that is ours, by the key.
        also_called: Labels with other names that runs gave them, to their labels here.
        path: The store.
    """

    scorings: Mapping[str, Spec]
    models: Mapping[str, ModelSource]
    also_called: Mapping[str, str]
    path: Path

    @property
    def prms(self) -> tuple[ModelSource, ...]:
        """The reward models, each once."""
        return tuple({prm.name: prm for prm in self.models.values()}.values())


def note_names(store: Store, scorings: Mapping[str, Spec], prms: Sequence[ModelSource]) -> None:
    """Notes what a run calls its critics.

    Args:
        store: Where their scores go.
        scorings: The key of each critic's scores, by label.
        prms: The run's reward models.
    """
    by_name = {prm.name: prm for prm in prms}
    for label, spec in scorings.items():
        critic, name = split_label(label)
        if critic in BUILTIN_CRITICS:
            prm = by_name[name] if name is not None else prms[0]
            store.put_note(_NAME, spec.id, {"name": prm.name, "given": prm.is_named})
        else:
            store.put_note(_NAME, spec.id, {"name": label, "given": False})


def known_prm(store: Store, prm: ModelSource) -> ModelSource:
    """A reward model that is only called by the name that a former run gave it, with the source that it had then.

    Args:
        store: What runs noted.
        prm: The reward model as it was asked for; one that names a source is returned as it is.
    """
    if prm.is_named or prm.source != prm.name or Path(prm.source).exists():
        return prm
    own = {spec.id: spec for spec in store.specs("scoring") if spec.settings.get("critic") in BUILTIN_CRITICS}
    for key, note in reversed(store.notes(_NAME)):
        if key in own and note == {"name": prm.name, "given": True}:
            named = store.last_note(CHECKPOINT, str(own[key].settings.get("checkpoint")))
            if named is not None:
                return ModelSource(prm.name, named["source"], named["revision"], is_named=True)
    return prm


def stored_critics(store: Store) -> StoredCritics:
    """Reads off a store whose scores it holds; scores of steps that came with labels are of no candidate."""
    specs = [spec for spec in store.specs("scoring") if spec.settings.get("steps") != GIVEN]
    own = [spec for spec in specs if spec.settings.get("critic") in BUILTIN_CRITICS]
    others = [spec for spec in specs if spec not in own]
    said = _Names(store)
    claims = [_claim(spec, said) for spec in own]
    called = dict(zip([spec.id for spec in own], told_apart(claims, "{name}-{key}"), strict=True))
    names = list(dict.fromkeys(called.values()))
    claims = [Claim(_critic(spec), "", "", spec.id, said.last(spec, -1 - place)) for place, spec in enumerate(others)]
    labels = dict(zip([spec.id for spec in others], told_apart(claims, "{name}-{key}"), strict=True))
    labels |= {spec.id: critic_label(_critic(spec), called[spec.id], names) for spec in own}
    models = {spec.id: ModelSource(called[spec.id], said.source(spec)) for spec in own}
    return StoredCritics(
        {labels[spec.id]: spec for spec in specs}, models, dict(_others(specs, said, labels)), store.path
    )


class _Names:
    """What runs called reward models, and where these came from."""

    def __init__(self, store: Store) -> None:
        notes = store.notes(_NAME)
        self._said: dict[str, dict[str, int]] = {}
        """Names by the key of scores, those that were derived from a source before those that were given."""
        for given in (False, True):
            for place, (key, note) in enumerate(notes):
                if note["given"] is given:
                    own = self._said.setdefault(key, {})
                    own.pop(note["name"], None)
                    own[note["name"]] = place
        self._sources = {fingerprint: str(named["source"]) for fingerprint, named in store.notes(CHECKPOINT)}

    def all(self, spec: Spec) -> dict[str, int]:
        """The names that runs gave, the one to show last, with the place of each among all that were given."""
        return self._said.get(spec.id, {})

    def last(self, spec: Spec, otherwise: float) -> float:
        """When it got the name to show: a greater number is later."""
        return next(reversed(list(self.all(spec).values())), otherwise)

    def source(self, spec: Spec) -> str:
        """Where its weights came from last, or what stands for them in its key."""
        checkpoint = str(spec.settings.get("checkpoint"))
        return self._sources.get(checkpoint, checkpoint)

    def shown(self, spec: Spec) -> str:
        """Its name; the last part of its source when no run told one."""
        derived = Path(self.source(spec)).name.replace("@", "-").replace(":", "-")
        return next(reversed(self.all(spec)), derived)


def _claim(spec: Spec, said: _Names) -> Claim:
    model = str(spec.settings.get("checkpoint") or "")
    return Claim(said.shown(spec), _critic(spec), model, spec.id, said.last(spec, -1))


def _others(specs: Sequence[Spec], said: _Names, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Labels with other names, to the labels that are shown; of one name the last holder counts, being told last."""
    called = [(at, name, spec) for spec in specs for name, at in said.all(spec).items()]
    for _, name, spec in sorted(called, key=lambda each: each[0]):
        critic = _critic(spec)
        yield (f"{critic}@{name}" if critic in BUILTIN_CRITICS else name), labels[spec.id]
    for spec in specs:
        if isinstance(judge := spec.settings.get("judge"), Mapping):
            yield f"{JUDGE}{judge.get('policy')}", labels[spec.id]


def _critic(spec: Spec) -> str:
    """The critic's name; a prompted judge's is spelled as for ``--reranker``."""
    judge = spec.settings.get("judge")
    if not isinstance(judge, Mapping):
        return str(spec.settings.get("critic") or spec.settings.get("name") or "critic")
    name, model = str(judge.get("policy")), judge.get("model")
    if not isinstance(model, str):
        return f"{JUDGE}{name}"
    return f"{JUDGE}{model}" if served_model(model)[0] == name else f"{JUDGE}{name}={model}"
