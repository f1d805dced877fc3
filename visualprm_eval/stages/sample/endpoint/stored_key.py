"""The key of what a model behind servers made or is to make: the store's, or that of the servers' dialect.

Whether a server is asked at all depends on what lacks, so stored keys are looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from visualprm_eval.core.thoughts import SCORED
from visualprm_eval.core.types import JSONValue, Spec
from visualprm_eval.core.visible import tell
from visualprm_eval.stages.sample.endpoint.dialect import is_alike
from visualprm_eval.store.scopes import scopes

if TYPE_CHECKING:
    from visualprm_eval.stages.sample.endpoint.policy import EndpointPolicy
    from visualprm_eval.store import Store


def stored_keys(store: Store, kind: str, settings: Mapping[str, JSONValue]) -> list[Spec]:
    """Keys of a store that differ from a policy's in nothing but what servers refused; those of the last runs first.

    Args:
        store: Where facts are.
        kind: ``"sampling"`` or ``"scoring"``, whose settings hold the policy's own as ``judge``.
        settings: Those at a server that takes every field.
    """
    found = [spec for spec in store.specs(kind) if _is_alike(spec.settings, settings) and store.has_facts(spec.id)]
    latest = {key: number for number, (key, _) in enumerate(scopes(store))}
    return sorted(found, key=lambda spec: latest.get(spec.id, -1))[::-1]


def _is_alike(stored: Mapping[str, JSONValue], settings: Mapping[str, JSONValue]) -> bool:
    theirs, own = stored.get("judge"), settings.get("judge")
    if isinstance(theirs, Mapping) and isinstance(own, Mapping):
        apart = dict.fromkeys(("judge", *SCORED))
        return {**stored, **apart} == {**settings, **apart} and is_alike(theirs, own)
    return is_alike(stored, settings)


@runtime_checkable
class Served(Protocol):
    """A policy, or a critic, that may ask servers."""

    @property
    def served(self) -> EndpointPolicy | None:
        """Who asks them; ``None`` when it asks none."""

    def settings(self) -> Mapping[str, JSONValue]:
        """What can change what it makes."""


def key_at_servers(
    kind: str, maker: Served, policy: EndpointPolicy, store: Store, enough: Callable[[Spec], bool], *, ask: bool
) -> Spec:
    """The key of what is made at servers; the policy then asks in its terms.

    Args:
        kind: ``"sampling"`` or ``"scoring"``.
        maker: Whose key it is.
        policy: Who asks for it.
        store: Where facts are.
        enough: Whether a stored key will do; of a critic each does, so that no text is paid for twice.
        ask: Whether servers are asked when none does; else the one of the last run is taken.

    Raises:
        PolicyError: Servers had to be asked, and are of no use.
    """
    stored = [spec for spec in stored_keys(store, kind, maker.settings()) if policy.heeds(spec.settings)]
    fitting = next((spec for spec in stored if enough(spec)), None if ask else next(iter(stored), None))
    if fitting is not None:
        settings = fitting.settings.get("judge", fitting.settings)
        policy.adopt(settings if isinstance(settings, Mapping) else {})
    elif ask:
        policy.learn()
    return Spec(kind, maker.settings())


def tell_other_keys(store: Store, maker: Served, key: Spec, wanted: int, lacking: Callable[[Spec], int]) -> None:
    """Says how many candidates stay under keys of other fields, and why they are not those of this run.

    Args:
        store: Where candidates are.
        maker: Whose they are.
        key: That of this run.
        wanted: How many candidates it is about.
        lacking: How many of these lack under a key.
    """
    for other in stored_keys(store, key.kind, maker.settings()):
        if other == key or not (count := wanted - lacking(other)):
            continue
        fields = [name for name, value in other.settings.items() if key.settings.get(name) != value]
        how = "; ".join(f"{name}: theirs {other.settings[name]}, here {key.settings.get(name)}" for name in fields)
        tell(
            f"note: {count:,} stored candidates of {key.settings.get('policy')} are not used, since they were drawn "
            f"with other settings ({how}); they stay in the store under their own key"
        )
