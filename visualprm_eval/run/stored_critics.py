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
from visualprm_eval.core.steps import ORIGINAL, rule_of
from visualprm_eval.core.types import Spec
from visualprm_eval.evaluate.reranker_registry import BUILTIN_CRITICS, JUDGE, critic_label, split_label
from visualprm_eval.stages.checkpoint_source import CHECKPOINT
from visualprm_eval.store.names import Claim, told_apart

if TYPE_CHECKING:
    from visualprm_eval.store import Store

_NAME = "name"
"""The kind of notes on scorings: what a run called the reward model, and whether somebody gave it that name."""
_APART = "{name}-{key}"
"""How a critic is called that is not the only one of its name."""


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
    names, sources = _names(store), {key: str(named["source"]) for key, named in store.notes(CHECKPOINT)}
    own: dict[str, Claim] = {}
    others: dict[str, Claim] = {}
    models: dict[str, str] = {}
    for place, spec in enumerate(specs):
        critic, weights, said = _critic(spec), spec.settings.get("checkpoint"), names.get(spec.id, {})
        last = next(reversed(said.values()), None)
        if critic in BUILTIN_CRITICS:
            models[spec.id] = sources.get(str(weights), str(weights))
            derived = Path(models[spec.id]).name.replace("@", "-").replace(":", "-")
            name = _of_rule(next(reversed(said), derived), spec)
            own[spec.id] = Claim(name, critic, str(weights or ""), spec.id, -1 if last is None else last)
        else:
            others[spec.id] = Claim(_of_rule(critic, spec), "", "", spec.id, -1 - place if last is None else last)
    called, labels = (dict(zip(each, told_apart([*each.values()], _APART), strict=True)) for each in (own, others))
    prms = list(dict.fromkeys(called.values()))
    labels |= {key: critic_label(claim.place, called[key], prms) for key, claim in own.items()}
    return StoredCritics(
        {labels[spec.id]: spec for spec in specs},
        {key: ModelSource(called[key], source) for key, source in models.items()},
        dict(_others(specs, names, labels)),
        store.path,
    )


def _names(store: Store) -> dict[str, dict[str, int]]:
    """What runs called reward models, by the key of scores, the name to show last, with the place among all names.

    Those that were derived from a source stand before those that were given.
    """
    names: dict[str, dict[str, int]] = {}
    for place, (key, note) in sorted(enumerate(store.notes(_NAME)), key=lambda item: bool(item[1][1]["given"])):
        own = names.setdefault(key, {})
        own.pop(note["name"], None)
        own[note["name"]] = place
    return names


def _others(
    specs: Sequence[Spec], names: Mapping[str, Mapping[str, int]], labels: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Labels with other names, to the labels that are shown; of one name the last holder counts, being told last."""
    called = [(at, name, spec) for spec in specs for name, at in names.get(spec.id, {}).items()]
    for _, name, spec in sorted(called, key=lambda each: each[0]):
        critic = _critic(spec)
        yield (f"{critic}@{name}" if critic in BUILTIN_CRITICS else name), labels[spec.id]
    for spec in specs:
        if isinstance(judge := spec.settings.get("judge"), Mapping):
            yield f"{JUDGE}{judge.get('policy')}", labels[spec.id]


def _of_rule(name: str, spec: Spec) -> str:
    """What a critic is called by the step rule of its scores, so that those of two rules never have one name."""
    rule = rule_of(spec.settings)
    return name if rule == ORIGINAL else f"{name}-{rule}"


def _critic(spec: Spec) -> str:
    """The critic's name; a prompted judge's is spelled as for ``--reranker``."""
    judge = spec.settings.get("judge")
    if not isinstance(judge, Mapping):
        return str(spec.settings.get("critic") or spec.settings.get("name") or "critic")
    name, model = str(judge.get("policy")), judge.get("model")
    if not isinstance(model, str):
        return f"{JUDGE}{name}"
    return f"{JUDGE}{model}" if served_model(model)[0] == name else f"{JUDGE}{name}={model}"
