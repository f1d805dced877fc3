"""Names of rerankers and critics: ours in literal tables, third parties' through entry points.

A third party's package declares in its ``pyproject.toml``::

    [project.entry-points."visualprm_eval.rerankers"]
    shortest = "their_package:Shortest"

    [project.entry-points."visualprm_eval.critics"]
    judge = "their_package:make_judge"

- A reranker's entry point is a factory ``factory(name: str, critic: str | None) -> Reranker``; a frozen dataclass
  derived from :class:`visualprm_eval.evaluate.rerankers.Reranker` is one as it stands. When the factory's ``needs``
  contains ``"scores"``, it is called once per process reward model, with that critic's label; otherwise once, with
  ``None``.
- A critic's entry point is a factory that the score stage calls. The critic's name is also the name of a reranker
  ``NAME[:aggregate]`` over its step scores.

Only a plugin that is asked for by name is imported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import ConfigError, UnknownNameError, VisualPRMEvalError
from visualprm_eval.core.visible import one_line
from visualprm_eval.evaluate.fact_columns import AGGREGATES
from visualprm_eval.evaluate.rerankers import (
    First,
    Greedy,
    Oracle,
    Random,
    Reranker,
    SelfConsistency,
    StepAggregate,
    WeightedVote,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

RERANKERS_GROUP = "visualprm_eval.rerankers"
CRITICS_GROUP = "visualprm_eval.critics"

# Name -> class and the built-in critic that it reads, if any.
_RERANKERS: Mapping[str, tuple[type[Reranker], str | None]] = {
    "first": (First, None),
    "greedy": (Greedy, None),
    "random": (Random, None),
    "self-consistency": (SelfConsistency, None),
    "visualprm": (StepAggregate, "visualprm"),
    "visualorm": (StepAggregate, "visualorm"),
    "weighted-vote": (WeightedVote, "visualprm"),
    "oracle": (Oracle, None),
}
BUILTIN_CRITICS = ("visualprm", "visualorm")
JUDGE = "judge:"
"""What stands before the name of a model that is prompted as a critic."""
_LONGEST = 300
"""Characters of what a third party's code says that messages repeat."""
_AGGREGATED = ("visualprm",)  # built-in rerankers that take ":min" and the like; an ORM has one step only


def reranker_names() -> list[str]:
    """All names that ``build_rerankers`` knows, ours first; without aggregates and reward models."""
    names = (*_RERANKERS, f"{JUDGE}MODEL", *_third_party(RERANKERS_GROUP), *_third_party(CRITICS_GROUP))
    return list(dict.fromkeys(names))


def critic_names() -> list[str]:
    """All names of critics, ours first."""
    return list(dict.fromkeys([*BUILTIN_CRITICS, *_third_party(CRITICS_GROUP)]))


def build_rerankers(names: Iterable[str], prm_names: Sequence[str]) -> list[Reranker]:
    """Rerankers from their names on the command line.

    Args:
        names: ``NAME[:aggregate][@PRM]``, or ``judge:MODEL``; without ``@PRM`` a reranker that reads a process reward
            model is built for each of them.
        prm_names: Names of the process reward models of the run. With one of them labels carry no ``@``.

    Returns:
        The rerankers in the order of the names, each label once.

    Raises:
        UnknownNameError: A reranker, aggregate or reward model that nobody knows.
        ConfigError: An aggregate or reward model where none belongs, no reward model where one is needed, one of their
            names twice, or a plugin that clashes or does not load.
    """
    if len(set(prm_names)) < len(prm_names):
        raise ConfigError(f"reward models need different names, got {', '.join(prm_names)}; write --prm NAME=PATH")
    built: dict[str, Reranker] = {}
    for name in names:
        for reranker in _build(name, prm_names):
            built.setdefault(reranker.name, reranker)
    return list(built.values())


def needed_critics(rerankers: Iterable[Reranker]) -> list[str]:
    """Labels of the critics that rerankers read, each once, in order."""
    return list(dict.fromkeys(reranker.critic for reranker in rerankers if reranker.critic is not None))


def unread_prms(rerankers: Iterable[Reranker], prm_names: Sequence[str]) -> list[str]:
    """Names of the process reward models that no reranker reads."""
    labels = map(split_label, needed_critics(rerankers))
    read = {prm or prm_names[0] for critic, prm in labels if critic in BUILTIN_CRITICS}
    return [name for name in prm_names if name not in read]


def critic_label(critic: str, prm: str, prm_names: Sequence[str]) -> str:
    """The label of a built-in critic on one reward model: ``"visualprm"``, or ``"visualprm@A"`` beside others."""
    return f"{critic}@{prm}" if len(prm_names) > 1 else critic


def split_label(label: str) -> tuple[str, str | None]:
    """The critic's name and the reward model's name (``None`` without a suffix) of a critic's label."""
    critic, _, prm = label.partition("@")
    return critic, prm or None


def build_critic(name: str, options: object) -> Any:
    """A third party's critic.

    Args:
        name: Its name, without suffix.
        options: What its factory is called with.

    Raises:
        UnknownNameError: Nobody declares it.
        ConfigError: The plugin clashes with another, does not load, or gives no critic.
    """
    point = _third_party(CRITICS_GROUP).get(name)
    if point is None:
        raise UnknownNameError("critic", name, critic_names())
    _refuse_clash(name)
    factory = _load(point)
    with _plugin(point, "built"):
        critic = factory(options)
        lacking = [method for method in ("settings", "split", "score") if not hasattr(critic, method)]
        if isinstance(critic, type) or lacking:
            what = "the class " if isinstance(critic, type) else "a "
            kind = critic.__name__ if isinstance(critic, type) else type(critic).__name__
            raise TypeError(f"it gave {what}{kind}, expected a critic with settings, split and score")
        critic.settings()
    return critic


def _build(full_name: str, prm_names: Sequence[str]) -> list[Reranker]:
    """The rerankers of one name: one, or one per reward model."""
    if full_name.startswith(JUDGE) and JUDGE.rstrip(":") not in _third_party(CRITICS_GROUP):
        if full_name == JUDGE:
            raise ConfigError("reranker 'judge:' lacks the model that judges; write judge:MODEL, such as judge:GPT4o")
        return [StepAggregate(full_name, full_name, how="mean")]  # A model's name may hold any signs.
    rest, at, prm = full_name.partition("@")
    name, colon, how = rest.partition(":")
    factory, critic, aggregates = _find(name)
    if colon and not aggregates:
        raise ConfigError(f"reranker {name!r} takes no aggregate; write {name!r} instead of {full_name!r}")
    if colon and how not in AGGREGATES:
        raise UnknownNameError("aggregate", how, AGGREGATES, where=f"in reranker {full_name!r}")
    how = how or "mean"
    label = name if how == "mean" else f"{name}:{how}"
    options = {"how": how} if aggregates else {}
    labels: list[tuple[str, str | None]] = [(label, critic)]
    if critic in BUILTIN_CRITICS:
        prms = _chosen_prms(full_name, prm if at else None, prm_names)
        labels = [(critic_label(label, each, prm_names), critic_label(critic, each, prm_names)) for each in prms]
    elif at:
        raise ConfigError(f"reranker {name!r} reads no process reward model; write it without {'@' + prm!r}")
    point = _third_party(RERANKERS_GROUP).get(name)
    if point is None:
        return [factory(*pair, **options) for pair in labels]
    with _plugin(point, "built"):
        return [_checked(factory(*pair), point) for pair in labels]


def _find(name: str) -> tuple[Callable[..., Any], str | None, bool]:
    """What builds a reranker, the critic that it reads, and whether it takes ``:min`` and the like."""
    _refuse_clash(name)
    if name in _RERANKERS:
        return *_RERANKERS[name], name in _AGGREGATED
    critics, rerankers = _third_party(CRITICS_GROUP), _third_party(RERANKERS_GROUP)
    if name in critics:
        _load(critics[name])  # so that a critic that cannot be imported is told before anything is sampled
        return StepAggregate, name, True
    if name in rerankers:
        factory = _load(rerankers[name])
        return factory, "visualprm" if "scores" in getattr(factory, "needs", ()) else None, False
    raise UnknownNameError("reranker", name, reranker_names())


def _chosen_prms(full_name: str, prm: str | None, prm_names: Sequence[str]) -> Sequence[str]:
    """The reward models that one name of a reranker asks for."""
    if not prm_names:
        raise ConfigError(f"reranker {full_name!r} needs a process reward model; give one with --prm PATH_OR_ID")
    if prm is None:
        return prm_names
    if prm not in prm_names:
        raise UnknownNameError("reward model", prm, prm_names, where=f"in reranker {full_name!r}")
    return [prm]


def _checked(reranker: Any, point: EntryPoint) -> Reranker:
    """The reranker, if a factory really built one."""
    if not isinstance(reranker, Reranker):
        raise ConfigError(
            f"plugin {_described(point)} of {point.name!r} gave a {type(reranker).__name__}; it must give a "
            "subclass of visualprm_eval.evaluate.rerankers.Reranker, see visualprm_eval.evaluate.reranker_registry"
        )
    return reranker


def _third_party(group: str) -> dict[str, EntryPoint]:
    """Entry points of a group by name, found but not imported; asked anew each time, since sys.path may have grown."""
    return {point.name: point for point in entry_points(group=group)}


def _refuse_clash(name: str) -> None:
    """Refuses a name that is declared twice, because whose results they are would depend on the installation."""
    points = [point for group in (RERANKERS_GROUP, CRITICS_GROUP) for point in entry_points(group=group, name=name)]
    owners = [_described(point) for point in dict.fromkeys(points)]
    if name in _RERANKERS or name in BUILTIN_CRITICS:
        owners.insert(0, "visualprm_eval itself")
    if len(owners) > 1:
        raise ConfigError(
            f"the name {name!r} is declared by {' and by '.join(owners)}; uninstall or rename one of them"
        )


def _load(point: EntryPoint) -> Any:
    """What an entry point names."""
    with _plugin(point, "imported"):
        found = point.load()
        if not callable(found):
            raise TypeError(f"it names a {type(found).__name__}, expected a class or a function")
    return found


@contextmanager
def _plugin(point: EntryPoint, done: str) -> Iterator[None]:
    """Whatever a third party's code stumbles over, or calls ``exit`` for, is an error that names it."""
    try:
        yield
    except VisualPRMEvalError:
        raise
    except (Exception, SystemExit) as error:
        said = one_line(f"{type(error).__name__}: {error}", _LONGEST)
        raise ConfigError(
            f"plugin {_described(point)} of {point.name!r} cannot be {done}: {said}; repair or uninstall it, or leave "
            "the name out"
        ) from error


def _described(point: EntryPoint) -> str:
    """An entry point for messages: what it names and the package that declares it."""
    return f"{point.value!r}" + (f" (package {point.dist.name})" if point.dist is not None else "")
