"""Our figures beside those that papers printed, where they are of the same thing; else what sets them apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from visualprm_eval.core.baselines import FIRST, GREEDY, MEAN, ROWS
from visualprm_eval.core.words import part_of
from visualprm_eval.evaluate.published.differences import PASS_AT_1, differences
from visualprm_eval.evaluate.published.tables import PublishedRow, published_rows
from visualprm_eval.evaluate.result_rows import OVERALL, ResultRow
from visualprm_eval.evaluate.stats.curve_points import MEAN_OF_SUITE
from visualprm_eval.evaluate.stats.overalls import lacking_means
from visualprm_eval.evaluate.stats.rows import Insight, PublishedPoint, Standing
from visualprm_eval.tasks import SUITES, TASKS, Published

if TYPE_CHECKING:
    from visualprm_eval.core.config import ModelSource
    from visualprm_eval.evaluate.result_rows import Fingerprint

_TABLES = ("table2_best_of_8", "table6_7_best_of_n", "internvl3_best_of_8")
"""Tables with figures of the seven benchmarks, the first one first."""
_SUITE = SUITES["table2"]
_OVERALL = Published("Overall", split="", metric="")
_ON_MEAN = replace(_OVERALL, metric=MEAN_OF_SUITE)


CurvePlace = tuple[str, str, str, str]
"""Policy, benchmark, split (``""`` where rows have none) and metric."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One of our figures and the published one of the same policy, benchmark, selector and k.

    Attributes:
        row: Ours.
        published: Theirs, in percent.
        source: The paper and the table.
        remark: What is not the same (split, metric, part of the problems); ``""`` when nothing is known to differ.
        manner: How ours was made otherwise (prompt, temperature, steps), which hides no difference; ``""`` likewise.
        gain: Our gain over a greedy sample, in points, which is what papers' pass@1 is of; ``None`` over anything else.
        published_gain: Theirs over their pass@1 of the same split; ``None`` where that is not printed.
    """

    row: ResultRow
    published: float
    source: str
    remark: str = ""
    manner: str = ""
    gain: float | None = None
    published_gain: float | None = None

    @property
    def remarks(self) -> str:
        """All that is known to differ, in words."""
        return "; ".join(filter(None, (self.remark, self.manner)))

    @property
    def difference(self) -> float | None:
        """Points of ours over theirs; ``None`` where they are not of the same thing, or ours is withheld."""
        if self.remark or self.row.value is None:
            return None
        return float(self.row.value - self.published)


def selectors(prms: Iterable[ModelSource]) -> dict[str, str]:
    """What papers call our rerankers: reranker to selector.

    Args:
        prms: The run's reward models. With several a reranker's label names its own. A reward model counts as a
            published one when the last part of its source is called so; fingerprints of those are not published.
    """
    prms = list(prms)
    known = _spellings("selector")
    names = {**dict.fromkeys(ROWS.values(), PASS_AT_1), "self-consistency": "self-consistency"}
    for prm in prms:
        selector = known.get(_plain(PurePath(prm.source).name))
        if selector is not None:
            names["visualprm" if len(prms) == 1 else f"visualprm@{prm.name}"] = selector
    return names


def published_name(policy: str) -> str | None:
    """What papers call a policy, found by its name without blanks and signs; ``None`` for one that they do not have."""
    plain = _plain(PurePath(policy).name)
    names = _spellings("policy")
    # Qwen2.5-VL has no other checkpoints; of InternVL3, those called Instruct are others than the papers'.
    return names.get(plain) or (names.get(plain.removesuffix("instruct")) if plain.startswith("qwen") else None)


def compare(
    rows: Sequence[ResultRow],
    names: Mapping[str, str],
    prints: Iterable[Fingerprint] = (),
    insight: Insight | None = None,
) -> list[Comparison]:
    """The published figures that stand beside ours.

    Beside a published pass@1, which is greedy, stands one sample at temperature 0, else the mean of all samples, else
    the first of them. Gains are compared where ours are over a greedy sample, too.

    Args:
        rows: Ours, with the overall ones.
        names: What papers call the rerankers, see :func:`selectors`.
        prints: The protocols of ours, which say how they were made.
        insight: Where means and gains are.
    """
    comparisons = []
    insight = insight or Insight()
    rows = [*rows, *lacking_means(rows, insight.means)]
    one_sample = _one_sample(rows, insight)
    gains = {(*one.place, one.reranker, one.k): one for one in insight.standings}
    by_protocol = {str(facts["protocol"]): facts for facts in prints}
    largest = {(*row.place, row.reranker): row.k for row in sorted(rows, key=lambda r: r.k)}
    for row in rows:
        selector, policy, place = names.get(row.reranker), published_name(row.policy), row.place
        if selector is None or policy is None:
            continue
        if selector == PASS_AT_1:  # The same sample at every k.
            is_beside = row.reranker == one_sample[place] and row.k == largest[*place, row.reranker]
        else:
            is_beside = row.k > 1  # Of one candidate every selector picks it: papers repeat pass@1 there.
        comparison = _comparison(row, policy, selector, rows, by_protocol) if is_beside else None
        if comparison is not None:
            comparisons.append(_with_gains(comparison, gains.get((*place, row.reranker, row.k)), policy, selector))
    return comparisons


def _one_sample(rows: Sequence[ResultRow], insight: Insight) -> dict[tuple[str, str, str], str]:
    """Which of our rows stands beside a published pass@1, by policy, benchmark and split."""
    known: dict[tuple[str, str, str], set[str]] = {row.place: {ROWS[FIRST]} for row in rows}
    for row in rows:
        if row.value is not None and (row.reranker != ROWS[MEAN] or row.place in insight.means):
            known[row.place].add(row.reranker)
    order = [ROWS[kind] for kind in (GREEDY, MEAN, FIRST)]
    return {place: next(name for name in order if name in names) for place, names in known.items()}


def _with_gains(comparison: Comparison, standing: Standing | None, policy: str, selector: str) -> Comparison:
    """The comparison with gains over a greedy sample, where papers and we have them on the same split."""
    task = TASKS.get(comparison.row.benchmark)
    about = task.published if task else None
    if standing is None or standing.baseline != GREEDY or selector == PASS_AT_1 or about is None or comparison.remark:
        return comparison
    theirs = _find(policy, PASS_AT_1, 1, about)
    if theirs is None or about.split_of(policy, selector) != about.split_of(policy, PASS_AT_1):
        return comparison
    gain = comparison.published - theirs.values[about.column]
    return replace(comparison, gain=standing.gain, published_gain=gain)


def published_points(place: CurvePlace, names: Mapping[str, str], n: int) -> list[PublishedPoint]:
    """The published best-of-k that belong into a figure of our curves, whether or not we tabulate the same k.

    Args:
        place: Of what our curves are; there are no points of another metric.
        names: What papers call the rerankers, see :func:`selectors`.
        n: N, where our curves end.
    """
    policy, benchmark, split, metric = place
    theirs, about = published_name(policy), _ON_MEAN if benchmark == OVERALL else None
    tasks = [TASKS[name] for name in (_SUITE if about is not None else (benchmark,)) if name in TASKS]
    if about is None and tasks:
        about = tasks[0].published
    if about is None or theirs is None or metric != about.metric:
        return []
    points: dict[tuple[str, int], PublishedPoint] = {}
    for reranker, selector in names.items():
        same_split = all(
            task.published is not None and task.published.split_of(theirs, selector) == task.split_label
            for task in tasks
        )
        if not same_split or (selector == PASS_AT_1 and reranker != ROWS[FIRST]):
            continue  # Curves show one pass@1.
        for k, row in _rows_of(theirs, selector, about):
            if k <= n and (k == 1) == (selector == PASS_AT_1):  # Of one candidate every selector picks it.
                source = f"{row.paper}, {row.table}"
                point = PublishedPoint(policy, benchmark, split, reranker, k, row.values[about.column], source)
                points.setdefault((reranker, k), point)
    return list(points.values())


def _comparison(
    row: ResultRow, policy: str, selector: str, rows: Sequence[ResultRow], prints: Mapping[str, Fingerprint]
) -> Comparison | None:
    task = TASKS.get(row.benchmark)
    about = _OVERALL if row.benchmark == OVERALL else task.published if task else None
    theirs = None if about is None else _find(policy, selector, row.k, about)
    if about is None or theirs is None:
        return None
    parts = [row]
    if task is None:
        benchmarks = {each.benchmark for each in rows if each.policy == row.policy} - {OVERALL}
        if benchmarks != set(_SUITE):
            return None
        place = (row.policy, row.reranker, row.k)
        parts = [each for each in rows if (each.policy, each.reranker, each.k) == place and each.benchmark in TASKS]
    remarks = {part.benchmark: _remark(part, policy, selector) for part in parts}
    named = [remark if task else f"{TASKS[name].name}: {remark}" for name, remark in remarks.items() if remark]
    made = [{**prints[part.protocol], "reranker": row.reranker} for part in parts if part.protocol in prints]
    manner = dict.fromkeys(said for facts in made for said in differences(facts, selector, theirs.paper))
    source = f"{theirs.paper}, {theirs.table}"
    return Comparison(row, theirs.values[about.column], source, "; ".join(named), "; ".join(manner))


def _published() -> list[PublishedRow]:
    return [row for table in _TABLES for row in published_rows(table)]


def _spellings(label: str) -> dict[str, str]:
    """What papers call policies or selectors, by the plain name."""
    return {_plain(row.labels[label]): row.labels[label] for row in _published()}


def _rows_of(policy: str, selector: str, about: Published) -> Iterator[tuple[int, PublishedRow]]:
    """The published rows of a policy and a selector that have a figure of a benchmark, each with its k."""
    for row in _published():
        if (row.labels["policy"], row.labels["selector"]) == (policy, selector) and about.column in row.values:
            yield int(row.labels["n"]), row


def _find(policy: str, selector: str, k: int, about: Published) -> PublishedRow | None:
    wanted = 1 if selector == PASS_AT_1 else k
    return next((row for n, row in _rows_of(policy, selector, about) if n == wanted), None)


def _remark(row: ResultRow, policy: str, selector: str) -> str:
    """What is not the same, of a row on one benchmark."""
    task = TASKS[row.benchmark]
    about = task.published
    if about is None:
        return ""
    split = about.split_of(policy, selector)
    differing = {
        f"other split: ours {task.split_label}, published {split}": task.split_label != split,
        f"other metric: ours {row.metric}, published {about.metric}": row.metric != about.metric,
        f"ours of {part_of(row.n_problems, row.n_total or 0, 'problem')}": row.is_partial,
    }
    return "; ".join(remark for remark, differs in differing.items() if differs)


def _plain(name: str) -> str:
    """A name without what its spellings differ in: InternVL2_5-8B and InternVL2.5-8B are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
