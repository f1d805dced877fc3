"""Which rerankers a report from the store alone shows: those of the last run, those asked for, or all that there are.

Facts do not tell what the last run showed: `visualprm:min` needs the same scores as `visualprm`. So runs leave notes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.baselines import Baseline
from visualprm_eval.core.errors import ConfigError, UnknownNameError
from visualprm_eval.core.types import Spec
from visualprm_eval.core.visible import tell
from visualprm_eval.evaluate.fact_columns import AGGREGATES
from visualprm_eval.evaluate.reranker_registry import BUILTIN_CRITICS, build_rerankers, needed_critics, split_label
from visualprm_eval.evaluate.rerankers import Greedy, Reranker, StepAggregate
from visualprm_eval.run.export_problems import origin_of
from visualprm_eval.run.stored_critics import StoredCritics, note_names, stored_critics
from visualprm_eval.store.scopes import Scope, put_scope, scopes

if TYPE_CHECKING:
    from visualprm_eval.core.config import ModelSource, RunConfig
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

_ASKED = "asked"
"""The kind of notes on what runs showed; their subject is the whole store."""


@dataclass(frozen=True)
class Choice:
    """What a report shows.

    Attributes:
        rerankers: What selects.
        scorings: The key of the scores of each critic that they read, by label.
        prms: The reward models behind those of them that are ours, each once.
        greedy: Whether samples at temperature 0 are shown beside others; ``None`` where nobody said.
        baseline: What gains are measured against, as for ``RunConfig``.
        called: What was asked for by another name, to the name that it has here.
    """

    rerankers: Sequence[Reranker]
    scorings: Mapping[str, Spec]
    prms: Sequence[ModelSource]
    greedy: bool | None = None
    baseline: Baseline | None = None
    called: Mapping[str, str] = field(default_factory=dict)


def note_run(config: RunConfig, store: Store, choice: Choice, experiments: Sequence[Experiment]) -> None:
    """Keeps what a run is about, for later ones and for reports from the store alone."""
    stages = set(config.stages)
    for one in experiments:
        name = one.benchmark.name
        former = scopes(store, one.sampling, name).get((one.sampling.id, name))
        grading = one.grading.settings if {"grade", "report"} & stages else former.grading if former else None
        scope = Scope(
            one.policy, one.greedy, [*one.problems], one.n, one.ks, config.grade, grading, origin_of(one.benchmark)
        )
        put_scope(store, one.sampling, name, scope)
    if {"score", "report"} & stages:
        note_names(store, choice.scorings, choice.prms)
    if "report" in stages:
        note_asked(store, choice)


def note_asked(store: Store, choice: Choice) -> None:
    """Keeps what a run shows, beside the facts that it is of."""
    rerankers = [[one.name, one.critic] for one in choice.rerankers if not isinstance(one, Greedy)]
    scorings = {label: spec.id for label, spec in choice.scorings.items()}
    note = {"rerankers": rerankers, "scorings": scorings, "greedy": choice.greedy, "baseline": choice.baseline}
    store.put_note(_ASKED, "", note)


def choose(store: Store, names: Sequence[str]) -> Choice:
    """What a report shows.

    Args:
        store: What it is of.
        names: Rerankers that were asked for, by any of the names that runs gave to reward models; none for what the
            last run showed, or all that the stored scores serve.

    Raises:
        ConfigError: The store has no scores for one of them, or a name is not understood.
        UnknownNameError: A reranker, aggregate or reward model that nobody knows.
    """
    critics = stored_critics(store)
    last = _last(store, critics)
    if not names:
        if last is None:
            return _everything(critics)
        read = {spec.id for spec in last.scorings.values()}
        if others := [label for label, spec in critics.scorings.items() if spec.id not in read]:
            shown_before = f"as in the last run, without {', '.join(others)}"
            tell(f"note: {shown_before}; --reranker shows what it names")
        return last
    wanted = [name for name in names if name != "greedy"]
    shown = {one.name: one for one in last.rerankers} if last is not None else {}
    if last is not None and {"first", *wanted} <= shown.keys():  # They mean what they meant there.
        return _of_critics([shown[name] for name in dict.fromkeys(("first", *wanted))], last.scorings, last.prms)
    return _named(critics, wanted, last)


def _of_critics(
    rerankers: Sequence[Reranker], scorings: Mapping[str, Spec], prms: Sequence[ModelSource], **others: Any
) -> Choice:
    read = needed_critics(rerankers)
    return Choice(rerankers, {label: spec for label, spec in scorings.items() if label in read}, prms, **others)


def _everything(critics: StoredCritics) -> Choice:
    labels, prms = list(critics.scorings), [prm.name for prm in critics.prms]
    own = [label for label in labels if split_label(label)[0] in BUILTIN_CRITICS]
    votes = [f"weighted-vote{label.removeprefix('visualprm')}" for label in own if label.startswith("visualprm")]
    others = [StepAggregate(label, label) for label in labels if label not in own]
    rerankers = [
        *build_rerankers(["first", "random", "self-consistency", *own, *votes], prms), *others,
        *build_rerankers(["oracle"], prms),
    ]  # fmt: skip
    return _of_critics(rerankers, critics.scorings, critics.prms)


def _last(store: Store, critics: StoredCritics) -> Choice | None:
    """What the last run showed, as it called it; ``None`` where that is not known, or cannot be shown any more."""
    note = store.last_note(_ASKED, "")
    if note is None:
        return None
    known = {spec.id: spec for spec in critics.scorings.values()}
    labels = {label: known[key] for label, key in note["scorings"].items() if key in known}
    if not {critic for _, critic in note["rerankers"]} <= {None, *labels}:
        return None
    own = {label: spec for label, spec in labels.items() if spec.id in critics.models}
    lone = next((critics.models[spec.id].name for spec in own.values()), "")  # Of labels that name no reward model.
    names = {split_label(label)[1] or lone: spec for label, spec in own.items()}
    prms = tuple(replace(critics.models[spec.id], name=name) for name, spec in names.items())
    plain = f"@{prms[0].name}" if len(prms) == 1 else ""  # Where the scores of the other one are elsewhere.
    try:
        shown = [
            each for name, _ in note["rerankers"] for each in _built(name.removesuffix(plain), labels, list(names))
        ]
    except (ConfigError, UnknownNameError):  # A third party's that is not installed here.
        return None
    labels = {label.removesuffix(plain): spec for label, spec in labels.items()}
    return _of_critics(shown, labels, prms, greedy=note.get("greedy"), baseline=note.get("baseline"))


def _named(critics: StoredCritics, names: Sequence[str], last: Choice | None) -> Choice:
    """What was asked for, with each reward model by the name that the store has for it."""
    called = {name: _called(name, critics, last) for name in names}
    prms = [prm.name for prm in critics.prms]
    rerankers: dict[str, Reranker] = {}
    for name in ("first", *called.values()):
        built = _built(name, critics.scorings, prms)
        there = [one for one in built if one.critic in {None, *critics.scorings}]
        if not there:
            raise ConfigError(
                f"{critics.path} has no scores for {', '.join(one.name for one in built)}; it has those of "
                f"{', '.join(critics.scorings) or 'no critic'}"
            )
        rerankers |= {one.name: one for one in there}
    return _of_critics(list(rerankers.values()), critics.scorings, critics.prms, called=called)


def _called(name: str, critics: StoredCritics, last: Choice | None) -> str:
    """A reranker's name with the label that its critic has here, by whatever name it was asked for."""
    head, at, prm = name.partition("@")
    critic = "visualorm" if head == "visualorm" else "visualprm"
    if name in critics.scorings:
        return name
    if name in critics.also_called:
        return critics.also_called[name]
    if at and (label := critics.also_called.get(f"{critic}@{prm}")):
        return head + label.removeprefix(critic)
    if last is not None and not at:  # A bare name means what it meant in the last run.
        for one in last.rerankers:
            if one.name == name and one.critic in BUILTIN_CRITICS:
                label = next(label for label, spec in critics.scorings.items() if spec == last.scorings[one.critic])
                return name + label.removeprefix(one.critic)
    return name


def _built(name: str, labels: Collection[str], prms: Sequence[str]) -> list[Reranker]:
    """The rerankers of one name: over the step scores of a critic with that label, or as a run would build them."""
    for label in labels:
        how = name.removeprefix(label).removeprefix(":") or "mean"
        if split_label(label)[0] not in BUILTIN_CRITICS and name in {label, f"{label}:{how}"} and how in AGGREGATES:
            return [StepAggregate(name, label, how=how)]
    return build_rerankers([name], prms)
