"""Which critics a store has scores of, under the names that a run would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.config import GIVEN, ModelSource
from visualprm_eval.registry import BUILTIN_CRITICS, JUDGE, critic_label
from visualprm_eval.sample.endpoint.options import served_model
from visualprm_eval.types import Spec

if TYPE_CHECKING:
    from visualprm_eval.store import Store

__all__ = ["StoredCritics", "stored_critics"]

_MANNER = ("critic", "checkpoint")


@dataclass(frozen=True)
class StoredCritics:
    """The critics of a store.

    Attributes:
        scorings: The key of each critic's scores, by label; labels that would be equal carry their checkpoint or key.
        prms: The reward models behind those of them that are ours, each once.
        also_called: Other names of prompted judges: what a run may call them, to their labels here.
    """

    scorings: Mapping[str, Spec]
    prms: tuple[ModelSource, ...]
    also_called: Mapping[str, str]


def stored_critics(store: Store) -> StoredCritics:
    """Reads off a store whose scores it holds; scores of steps that came with labels are of no candidate."""
    specs = [spec for spec in store.specs("scoring") if spec.settings.get("steps") != GIVEN]
    sources = {note["fingerprint"]: note for note in store.notes("fingerprint")}
    own = [spec for spec in specs if spec.settings.get("critic") in BUILTIN_CRITICS]
    prms = {spec.id: _prm(spec, own, sources) for spec in own}
    names = list(dict.fromkeys(prm.name for prm in prms.values()))
    scorings: dict[str, Spec] = {}
    also_called: dict[str, str] = {}
    for spec in specs:
        label = critic_label(_critic(spec), prms[spec.id].name, names) if spec.id in prms else _critic(spec)
        label = label if label not in scorings else f"{label}-{spec.id[:6]}"
        scorings[label] = spec
        if isinstance(judge := spec.settings.get("judge"), Mapping):
            also_called.setdefault(f"{JUDGE}{judge.get('policy')}", label)
    return StoredCritics(scorings, tuple(dict.fromkeys(prms.values())), also_called)


def _critic(spec: Spec) -> str:
    """The critic's name; a prompted judge's is spelled as for ``--reranker``."""
    judge = spec.settings.get("judge")
    if not isinstance(judge, Mapping):
        return str(spec.settings.get("critic") or spec.settings.get("name") or "critic")
    name, model = str(judge.get("policy")), judge.get("model")
    if not isinstance(model, str):
        return f"{JUDGE}{name}"
    return f"{JUDGE}{model}" if served_model(model)[0] == name else f"{JUDGE}{name}={model}"


def _prm(spec: Spec, specs: Sequence[Spec], sources: Mapping[Any, Mapping[str, Any]]) -> ModelSource:
    """A scoring's reward model, whose name has its key where one model scored in several ways."""
    checkpoint = spec.settings.get("checkpoint")
    source = str(sources.get(checkpoint, {}).get("source") or checkpoint)
    name = Path(source).name.replace("@", "-").replace(":", "-")
    alike = [one for one in specs if all(one.settings.get(key) == spec.settings.get(key) for key in _MANNER)]
    return ModelSource(f"{name}-{spec.id[:6]}" if len(alike) > 1 else name, source)
