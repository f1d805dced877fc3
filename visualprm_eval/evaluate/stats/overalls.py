"""The mean over a policy's benchmarks, with its gain over one kind of baseline for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

import numpy as np

from visualprm_eval.core.baselines import MEAN, ROWS, chosen
from visualprm_eval.core.groups import grouped
from visualprm_eval.evaluate.overall import beyond_percent
from visualprm_eval.evaluate.result_rows import OVERALL, ResultRow
from visualprm_eval.evaluate.stats.bootstrap import interval
from visualprm_eval.evaluate.stats.final_picks import OF_PROBLEMS
from visualprm_eval.evaluate.stats.gains import Draws, Gains, Place, WholeTables, with_gain
from visualprm_eval.evaluate.stats.rows import Baseline, Mean, Standing
from visualprm_eval.tasks.base import UNJUDGED
from visualprm_eval.tasks.primary_figures import LOWER

Places = Mapping[Place, Gains | WholeTables]


def overall_baselines(places: Places, asked: str | None) -> dict[Place, Baseline]:
    """What the gains of each policy's means are over: one kind, which all of its benchmarks have.

    Args:
        places: All that was worked out.
        asked: The kind that was asked for; ``None`` for the first that there is.
    """
    baselines = {}
    for policy, members in _by_policy(places).items():
        known = set.intersection(*(each.kinds for each in members.values()))
        baselines[policy, OVERALL, ""] = Baseline(chosen(asked, known, max(each.n for each in members.values())), asked)
    return baselines


def _by_policy(places: Places) -> dict[str, Places]:
    return {policy: dict(items) for policy, items in grouped(places.items(), lambda item: item[0][0]).items()}


def overall_means(places: Places) -> dict[Place, Mean]:
    """The mean of all N samples, over the benchmarks of each policy, where all of them have one at the same N."""
    means = {}
    for policy, members in _by_policy(places).items():
        known = [each.mean for each in members.values() if each.mean is not None]
        if len({benchmark for _, benchmark, _ in members}) < len(members):
            continue  # No mean may mix splits.
        if len(known) == len(members) > 1 and len({mean.k for mean in known}) == 1:
            means[policy, OVERALL, ""] = Mean(
                float(np.mean([mean.value for mean in known])), known[0].k, sum(mean.n_problems for mean in known),
                sum(mean.n_failed for mean in known),
            )  # fmt: skip
    return means


def overalls(places: Places, baselines: Mapping[Place, Baseline]) -> Iterator[Standing]:
    """Plain means over the benchmarks of each policy, for rerankers that have a value on each of them at one N.

    There is none where a benchmark counts in other units than percent, or less of its metric is better.

    Args:
        places: What was worked out of the policies that may have overalls.
        baselines: See :func:`overall_baselines`.
    """
    values = [row for each in places.values() for row, *_ in each.standings(None)]
    other_units = beyond_percent((row.benchmark, row.value) for row in values)
    other_units |= {row.benchmark for row in values if LOWER in row.note}
    for policy, members in _by_policy(places).items():
        kind = baselines[policy, OVERALL, ""].kind
        rows = [row for each in members.values() for row in each.standings(kind)]
        benchmarks = list(dict.fromkeys(row.benchmark for row, *_ in rows))
        if len(benchmarks) < 2 or other_units & set(benchmarks):
            continue
        for parts in grouped(rows, lambda part: part[0].reranker).values():
            if [row.benchmark for row, *_ in parts] == benchmarks and len({row.k for row, *_ in parts}) == 1:
                yield _overall(parts, kind or "")


def _overall(parts: Sequence[tuple[Standing, Draws, Draws]], kind: str) -> Standing:
    """The mean of the values of one reranker on several benchmarks, whose gains are over one kind of baseline."""
    rows = [row for row, *_ in parts]
    low, high = interval(_mean([values for _, values, _ in parts]))
    result = replace(
        rows[0], benchmark=OVERALL, split="", value=float(np.mean([row.value for row in rows])), low=low, high=high,
        gain=None, gain_low=None, gain_high=None, note=_note([row.note for row in rows]),
    )  # fmt: skip
    gains = [row.gain for row in rows if row.gain is not None]
    if len(gains) == len(rows):
        return with_gain(result, float(np.mean(gains)), _mean([gains for *_, gains in parts]))
    return result if rows[0].reranker == ROWS.get(kind) else replace(result, baseline="")


def _note(notes: Sequence[str]) -> str:
    """What must be said of a mean over benchmarks, in short: each benchmark's own number says it in full."""
    said = [UNJUDGED] if any(UNJUDGED in note for note in notes) else []
    if any(OF_PROBLEMS in note for note in notes):
        said.append("of parts of benchmarks")
    return ", ".join(said)


def _mean(resamples: Sequence[Draws]) -> Draws:
    known = [each for each in resamples if each is not None]
    return np.mean(known, axis=0) if len(known) == len(resamples) else None


def lacking_means(rows: Sequence[ResultRow], means: Mapping[tuple[str, str, str], Mean]) -> Iterator[ResultRow]:
    """The means of all samples as rows, where nobody asked for these.

    Args:
        rows: What was asked for.
        means: By policy, benchmark and split.
    """
    alike = {row.place: row for row in rows}
    there = {(*row.place, row.k) for row in rows if row.reranker == ROWS[MEAN]}
    for place, mean in means.items():
        if place in alike and (*place, mean.k) not in there:
            yield replace(alike[place], reranker=ROWS[MEAN], note="", **asdict(mean))
