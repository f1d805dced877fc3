"""What the last run on a store was asked to show, so that a report from the store alone shows the same.

Facts do not tell it: `visualprm:min` needs the same scores as `visualprm`. So a run leaves a note in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from visualprm_eval.registry import BUILTIN_CRITICS
from visualprm_eval.types import Spec

if TYPE_CHECKING:
    from visualprm_eval.rerankers import Reranker
    from visualprm_eval.store import Store

__all__ = ["last_asked", "note_asked"]


def note_asked(store: Store, rerankers: Sequence[Reranker], scorings: Mapping[str, Spec]) -> None:
    """Keeps what a run showed, unless the last one showed the same.

    Args:
        store: Where the run's facts are.
        rerankers: What selected.
        scorings: The key of each critic's scores, by label.
    """
    shown = {
        "rerankers": [[one.name, one.critic] for one in rerankers],
        "scorings": {label: spec.id for label, spec in scorings.items()},
    }
    notes = store.notes("rerankers")
    # Notes are kept once: without its number a note that came back would not be the last one.
    if not notes or {name: notes[-1][name] for name in shown} != shown:
        store.put_note({**shown, "number": len(notes) + 1})


def last_asked(store: Store, scorings: Mapping[str, Spec]) -> list[str] | None:
    """Names of the rerankers that the last run showed.

    Args:
        store: Where the run's facts are.
        scorings: The key of each critic's scores, by the label that it has now.

    Returns:
        Their names as they are spelled with these labels; ``None`` without a note, and where scores are lacking.
    """
    notes = store.notes("rerankers")
    if not notes:
        return None
    now = {spec.id: label for label, spec in scorings.items()}
    then: Mapping[str, str] = notes[-1]["scorings"]
    names = []
    for name, critic in notes[-1]["rerankers"]:
        label = None if critic is None else now.get(then.get(critic, ""))
        if critic is not None and label is None:
            return None
        names.append(name if critic is None or label is None else _renamed(name, critic, label))
    return names


def _renamed(name: str, critic: str, label: str) -> str:
    """A reranker's name, with the label that its critic has now: reward models may be called otherwise."""
    kind, *model = critic.partition("@")
    if kind in BUILTIN_CRITICS:
        return name.removesuffix("".join(model)) + "".join(label.partition("@")[1:])
    return label + name.removeprefix(critic)
