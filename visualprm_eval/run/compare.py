"""Two rerankers, or the same rerankers in two work dirs, on the same problems: a paired comparison in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.baselines import GREEDY, ROWS
from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.visible import say
from visualprm_eval.core.words import counted
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

_Side = tuple[Split, str, str]
"""The picks of all rerankers of a split, the name of one of them, and what the comparison calls it."""


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
    asked = {name: ROWS.get(name, name) for name in (first, second)}
    if asked[first] == asked[second]:
        raise ConfigError(f"{first} and {second} are one reranker; name two, or two work dirs")
    everything, called = _all_finals(config, [*asked.values()])
    names = {name: called.get(row, row) for name, row in asked.items()}
    if everything and names[first] == names[second]:
        raise ConfigError(f"{first} and {second} are one reranker, which is called {names[first]}; name two")
    sides: dict[tuple[str, str, str], dict[str, _Side]] = {}
    for picks in everything:
        own = sides.setdefault(picks.place, {})
        shown = {each: name if each not in ROWS else each for each, name in names.items() if _has(picks, name)}
        own |= {each: (picks, names[each], label) for each, label in shown.items()}
    rows = [_compared(own[first], own[second]) for own in sides.values() if len(own) == 2]
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
    (ours, called), (theirs, called_there) = (_all_finals(config, rerankers) for config in (first, second))
    policies = [{picks.place[0] for picks in side} for side in (ours, theirs)]
    lone = all(len(names) == 1 for names in policies)
    others = {_place(picks, lone=lone): picks for picks in theirs}
    rows = []
    for picks in ours:
        other = others.get(_place(picks, lone=lone))
        for asked in rerankers or [each.name for each in picks.asked]:
            own, there = called.get(asked, asked), called_there.get(asked, asked)
            if other is not None and _has(picks, own) and _has(other, there):
                side = picks, own, f"{own} in {first.work_dir}"
                rows.append(_compared(side, (other, there, f"{there} in {second.work_dir}")))
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
        f"{place}, {counted(row.n_problems, 'problem')}, {ks}: {sides}{row.verdict} "
        f"({row.difference:+.1f} points{interval}; better on {row.better:,}, worse on {row.worse:,}{p})"
    )


def _chance(p: float) -> str:
    return "< 0.0001" if p < 0.0001 else f"= {p:.4f}"


def _listed(side: Sequence[Split]) -> str:
    places = dict.fromkeys(f"{picks.place[0]} on {picks.place[1]}" for picks in side)
    return ", ".join(places) or "no finished policy"


def _has(picks: Split, name: str) -> bool:
    return any(reranker.name == name for reranker in picks.asked)


def _place(picks: Split, *, lone: bool) -> tuple[str, str, str, bool]:
    """What pairs picks of two work dirs; the sample at temperature 0 beside others is one of its own.

    A lone policy's name does not count.
    """
    policy, benchmark, split = picks.place
    return "" if lone else policy, benchmark, split, _has(picks, ROWS[GREEDY])


def _compared(first: _Side, second: _Side) -> Comparison:
    notes = dict.fromkeys(picks.note for picks, *_ in (first, second) if picks.note)
    return replace(compare(side_of(*first), side_of(*second)), note="; ".join(notes))


def _all_finals(config: RunConfig, rerankers: Sequence[str]) -> tuple[list[Split], Mapping[str, str]]:
    """The picks of a work dir at k = N, and what rerankers are called there; of what is unfinished it tells."""
    from visualprm_eval.run.plan_report import plan_report
    from visualprm_eval.stages.experiment_values import read_study
    from visualprm_eval.stages.grade.metric_notes import metric_of
    from visualprm_eval.store.soundness import open_sound, up_to_date

    told: list[Split] = []
    with open_sound(up_to_date(config.work_dir / STORE_FILE)) as store:
        plan = plan_report(config, store, rerankers)
        for experiment in plan.experiments:
            if experiment.greedy and ROWS[GREEDY] not in rerankers:
                continue
            if metric_of(store, experiment).whole:
                values = "its values are of whole tables, so problems cannot be paired"
                say(f"note: left out: {experiment.label}: {values}")
                continue
            study = read_study(store, experiment, plan.equalities)
            for gap in _gaps(study):
                say(f"note: unfinished: {gap}")
            for found in finals(study):
                if isinstance(found, Finals):
                    told.append(found.picks)
                else:
                    say(f"note: left out: {found}")
    return told, plan.called


def _gaps(study: Study) -> Iterator[str]:
    """What is still to be done before its picks can be compared."""
    columns, where = Columns.of(study.facts), f"{study.policy} on {study.benchmark}"
    yield from missing_of(study, grade_all=study.grade_all)
    for said in lost_critics(columns, needed_critics(study.rerankers), study.n).values():
        yield f"{where}: {said}"
