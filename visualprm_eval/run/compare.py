"""Two rerankers, or the same rerankers in two work dirs, on the same problems: a paired comparison in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.baselines import GREEDY, ROWS
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.evaluate.fact_columns import Columns
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.stats.coverage import missing_of
from visualprm_eval.evaluate.stats.final_picks import Finals, finals
from visualprm_eval.evaluate.stats.gains import Split
from visualprm_eval.evaluate.stats.paired_comparisons import compare, corrected, side_of
from visualprm_eval.evaluate.stats.rows import Comparison
from visualprm_eval.evaluate.study import Study
from visualprm_eval.evaluate.withheld import lost_critics
from visualprm_eval.store import STORE_FILE

if TYPE_CHECKING:
    from visualprm_eval.core.config import RunConfig

_Sampling = tuple[str, str, str, bool]
"""Policy, benchmark and split, and whether it is the one sample at temperature 0 beside others."""


def compare_rerankers(config: RunConfig, first: str, second: str) -> list[Comparison]:
    """Two rerankers of one work dir, on every policy and benchmark that it holds.

    Args:
        config: The work dir and what to leave out, see ``visualprm_eval.run.plan_report``.
        first: The name of a reranker, or of a baseline: ``"mean"`` is what ``random`` is worth at k = N.
        second: The name of another.

    Raises:
        StoreError: There is no sound store, or nothing in it.
        ConfigError: A name that nobody knows, the same name twice, or no value to compare.
    """
    if ROWS.get(first, first) == ROWS.get(second, second):
        raise ConfigError(f"{first} and {second} are one reranker; name two, or two work dirs")
    rows = []
    places: dict[tuple[str, str, str], list[tuple[Split, _Called]]] = {}
    asked = {name: ROWS.get(name, name) for name in (first, second)}
    for found, called in _all_finals(config, tuple(asked.values())):
        if len({called(row) for row in asked.values()}) == 1:
            raise ConfigError(
                f"{first} and {second} are one reranker, which is called {called(asked[first])}; name two"
            )
        places.setdefault(found.place, []).append((found, called))
    for samplings in places.values():
        sides = {
            name: side_of(found, called(row), name if name in ROWS else called(row))
            for found, called in samplings for name, row in asked.items() if _has(found, called(row))
        }  # fmt: skip
        if len(sides) == 2:
            notes = dict.fromkeys(found.note for found, _ in samplings if found.note)
            rows.append(replace(compare(sides[first], sides[second]), note="; ".join(notes)))
    if not rows:
        raise ConfigError(
            f"{config.work_dir} has no finished policy and benchmark with values of both {first} and {second}; "
            f"`visualprm_eval report --work-dir {config.work_dir}` says what there is and what is missing"
        )
    return corrected(rows)


def compare_work_dirs(first: RunConfig, second: RunConfig, rerankers: Sequence[str]) -> list[Comparison]:
    """The same rerankers in two work dirs, on every benchmark that both hold.

    Policies are paired by name; where each work dir has one only, those two are.

    Args:
        first: One work dir and what to leave out.
        second: The other.
        rerankers: Their names; none for all that both have. No others are compared, nor corrected for.

    Raises:
        StoreError: There is no sound store, or nothing in it.
        ConfigError: They have nothing in common.
    """
    ours, theirs = (_by_place(config, rerankers) for config in (first, second))
    policies = [list(dict.fromkeys(policy for policy, *_ in side)) for side in (ours, theirs)]
    lone = all(len(names) == 1 for names in policies)
    rows = []
    for (policy, benchmark, split, is_greedy), (found, called) in ours.items():
        place = (policies[1][0] if lone else policy, benchmark, split, is_greedy)
        if place not in theirs:
            continue
        other, called_there = theirs[place]
        for asked in rerankers or [each.name for each in found.asked]:
            names = called(asked), called_there(asked)
            if _has(found, names[0]) and _has(other, names[1]):
                sides = [
                    side_of(each, name, f"{name} in {config.work_dir}")
                    for each, name, config in zip((found, other), names, (first, second), strict=True)
                ]
                notes = dict.fromkeys(each.note for each in (found, other) if each.note)
                rows.append(replace(compare(sides[0], sides[1]), note="; ".join(notes)))
    if not rows:
        raise ConfigError(
            f"{first.work_dir} and {second.work_dir} have no policy, benchmark and reranker in common; they have "
            f"{_listed(ours)} and {_listed(theirs)}"
        )
    return corrected(rows)


def is_work_dir(name: str) -> bool:
    """Whether a name on the command line is a folder with a store."""
    return (Path(name) / STORE_FILE).is_file()


def in_words(row: Comparison) -> str:
    """The outcome as a sentence with its numbers."""
    place = f"{row.policy} on {row.benchmark} {row.split}".rstrip() + (f" ({row.note})" if row.note else "")
    ks = f"k = {row.k}" + ("" if row.baseline_k is None else f" against k = {row.baseline_k}")
    interval = "" if row.low is None or row.high is None else f", 95% interval {row.low:+.1f} to {row.high:+.1f}"
    # A winner's sentence names both.
    sides = "" if row.baseline in row.verdict else f"{row.reranker} against {row.baseline}: "
    p = "" if row.p is None else f"; p {_chance(row.p)}"
    if row.p_corrected is not None and row.p_corrected != row.p:
        p += f", corrected {_chance(row.p_corrected)}"
    return (
        f"{place}, {row.n_problems:,} problems, {ks}: {sides}{row.verdict} "
        f"({row.difference:+.1f} points{interval}; better on {row.better:,}, worse on {row.worse:,}{p})"
    )


def _chance(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}"


def _listed(found: Mapping[_Sampling, object]) -> str:
    return ", ".join(dict.fromkeys(f"{policy} on {name}" for policy, name, *_ in found)) or "no finished policy"


def _has(found: Split, name: str) -> bool:
    return any(one.name == name for one in found.asked)


_Called = Callable[[str], str]
"""A reranker's name as somebody asked for it, to the name that it has in a work dir."""


def _by_place(config: RunConfig, rerankers: Sequence[str]) -> dict[_Sampling, tuple[Split, _Called]]:
    return {
        (*found.place, _has(found, ROWS[GREEDY])): (found, called) for found, called in _all_finals(config, rerankers)
    }


def _all_finals(config: RunConfig, rerankers: Sequence[str]) -> Iterator[tuple[Split, _Called]]:
    """The picks of a work dir at k = N, and what rerankers are called there; of what is unfinished it tells."""
    from visualprm_eval.run.plan_report import plan_report
    from visualprm_eval.stages.experiment_values import read_study
    from visualprm_eval.stages.grade.metric_notes import metric_of
    from visualprm_eval.store.soundness import open_sound, up_to_date

    with open_sound(up_to_date(config.work_dir / STORE_FILE)) as store:
        plan = plan_report(config, store, rerankers)
        for experiment in plan.experiments:
            if experiment.greedy and ROWS[GREEDY] not in rerankers:
                continue
            if metric_of(store, experiment).whole:
                print(
                    f"note: left out: {experiment.label}: its values are of whole tables, so problems cannot be paired"
                )
                continue
            study = read_study(store, experiment, plan.equalities)
            for gap in _gaps(study):
                print(f"note: unfinished: {gap}")
            for found in finals(study):
                if isinstance(found, Finals):
                    yield found.picks, lambda name: plan.called.get(name, name)
                else:
                    print(f"note: left out: {found}")


def _gaps(study: Study) -> Iterator[str]:
    """What is still to be done before its picks can be compared."""
    columns, where = Columns.of(study.facts), f"{study.policy} on {study.benchmark}"
    yield from missing_of(study, grade_all=study.grade_all)
    for said in lost_critics(columns, needed_critics(study.rerankers), study.n).values():
        yield f"{where}: {said}"
