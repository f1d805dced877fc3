"""The tables of critics against labelled steps; of a partial set, every row of every one says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from visualprm_eval.core.visible import visible_name
from visualprm_eval.evaluate.fsum_arrays import IntArray
from visualprm_eval.evaluate.published.tables import published_rows
from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.evaluate.step_labels.values import CROSS_VALIDATED, MACRO_F1, METRICS, PLAIN_MEAN, STEP_WEIGHTED
from visualprm_eval.report.table import Column, Fields, Kind, Table, columns, of_fields
from visualprm_eval.tasks.process_bench import released
from visualprm_eval.tasks.process_bench.data import CORRECT, INCORRECT, NEUTRAL

STEP_GROUPS = tuple(range(1, 21))
"""Steps that have a line of their own; later ones share one."""
LENGTH_GROUPS = (1, 4, 7, 10, 13, 17)
"""Numbers of steps from which on solutions share a line."""
THRESHOLD_LINES = 200
"""Lines of the table over thresholds, spread evenly over those that make a difference."""
LABELS = {CORRECT: "correct", NEUTRAL: "neutral", INCORRECT: "incorrect"}
PARTIAL = "partial set"
"""Stands in every line of every table when the set is not the whole released one."""

_COUNTED = {"F1 correct": metrics.f1_correct, "F1 incorrect": metrics.f1_incorrect, MACRO_F1: metrics.macro_f1}


def _table(
    results: ProcessResults, title: str, name: str, columns: Mapping[str, Kind], rows: Iterable[Sequence[object]]
) -> Table:
    """A table whose first column names critics; of a partial set, with a last column that says so in every line."""
    marks: Mapping[str, Kind] = {"set": "name"} if results.remarks else {}
    marked = [(*row, *([PARTIAL] * len(marks))) for row in rows]
    return Table(title, [Column(*column) for column in {**columns, **marks}.items()], marked, name=name, frozen=1)


def table_3(results: ProcessResults) -> Table:
    """Macro F1 per source and pooled, in the layout of the paper's table 3, with the published rows below ours."""
    whole = results.process_set.name == released.NAME
    sources = list(released.RELEASED) if whole else [part.name for part in results.assessments[0].sources]
    columns = [Column("critic"), *(Column(split, "percent") for split in (*sources, "Overall")), Column("from")]
    rows: list[Sequence[object]] = []
    marked = f"this run, {PARTIAL}" if results.remarks else "this run"
    for one in results.assessments:
        threshold = "" if one.opinion.labels_only else f", threshold {one.opinion.threshold:g}"
        origins = {MACRO_F1: f"{marked}{threshold}"}
        if one.cross_validated is not None:
            origins[CROSS_VALIDATED] = f"{marked}, cross-validated threshold"
        for metric, origin in origins.items():
            values = [results.value(one.opinion.critic, split, metric) for split in (*sources, POOLED)]
            rows.append((one.opinion.critic, *values, origin))
    for row in published_rows("table3_visualprocessbench") if whole else ():
        values = [row.values.get(split) for split in (*sources, "Overall")]
        rows.append((row.labels["critic"], *values, f"published: {row.paper}, {row.table}"))
    return Table("Macro F1 in percent, Overall over all steps", columns, rows, name="table 3", frozen=1)


def per_source(results: ProcessResults) -> Table:
    """All metrics of every source and overall."""
    rows = [
        (one.opinion.critic, split, *(results.value(one.opinion.critic, split, metric) for metric in METRICS))
        for one in results.assessments
        for split in (*(part.name for part in one.sources), POOLED, STEP_WEIGHTED, PLAIN_MEAN)
    ]
    return _table(results, "Overalls and other metrics", "per source", {
        "critic": "name", "split": "name", **dict.fromkeys(METRICS, "percent")
    }, rows)  # fmt: skip


Numbers = Callable[[Assessment], IntArray]
"""The number of the group of each of a critic's steps, [n]."""


def breakdowns(results: ProcessResults) -> list[Table]:
    """By author, by place of the step, by number of steps."""
    authors = list(dict.fromkeys(sample.policy for sample in results.process_set.samples))
    steps = [*map(str, STEP_GROUPS), f"{len(STEP_GROUPS) + 1} and more"]
    lengths = [f"{low} to {high - 1}" for low, high in pairwise(LENGTH_GROUPS)] + [f"{LENGTH_GROUPS[-1]} and more"]

    def of_author(one: Assessment) -> IntArray:
        return np.array([authors.index(sample.policy) for sample in one.samples])[one.sample_of]

    def of_length(one: Assessment) -> IntArray:
        return np.digitize([len(sample.steps) for sample in one.samples], LENGTH_GROUPS)[one.sample_of] - 1

    return [
        _breakdown(results, "by policy", "policy", authors, of_author),
        _breakdown(results, "by step", "step", steps, lambda one: np.minimum(one.step_of, len(steps)) - 1),
        _breakdown(results, "by length", "steps of the solution", lengths, of_length),
    ]


def _breakdown(results: ProcessResults, name: str, what: str, groups: Sequence[str], numbers: Numbers) -> Table:
    rows: list[Sequence[object]] = []
    for one in results.assessments:
        confusion, numbered = metrics.confusion(one.correct, one.verdicts), numbers(one)
        for number, group in enumerate(groups):
            if (inside := numbered == number).any():
                rate = 100 * float((~one.correct[inside]).mean())
                values = _percents(confusion[inside].sum(axis=0))
                rows.append((one.opinion.critic, group, int(inside.sum()), rate, *values))
    return _table(results, name.capitalize(), name, {
        "critic": "name", what: "name", "labelled steps": "count", "error rate": "percent",
        **dict.fromkeys(_COUNTED, "percent"),
    }, rows)  # fmt: skip


def _percents(counts: IntArray) -> list[float | None]:
    """The metrics that counts have, in percent."""
    return [_percent(float(metric(counts))) for metric in _COUNTED.values()]


def _percent(value: float) -> float | None:
    return None if np.isnan(value) else 100 * value


def thresholds(results: ProcessResults) -> Table:
    """Macro F1 at the critic's threshold, at the cross-validated ones, and at the best one on these labels."""
    rows: list[Sequence[object]] = []
    for one in results.assessments:
        critic = one.opinion.critic
        if one.curve is None:
            continue
        rows.append((critic, f"{one.opinion.threshold:g}", "before (--threshold)", results.value(critic, POOLED)))
        if one.cross_validated is not None:
            chosen = ", ".join(f"{each:.3g}" for each in one.cross_validated.thresholds)
            how = f"by {len(one.cross_validated.thresholds)}-fold cross-validation over questions"
            rows.append((critic, chosen, how, results.value(critic, POOLED, CROSS_VALIDATED)))
        best = _percent(one.curve.greatest)
        rows.append((critic, f"{one.curve.best:.3g}", "on these labels (test-tuned: an upper bound)", best))
    return _table(results, "Thresholds", "thresholds", {
        "critic": "name", "threshold": "name", "chosen": "name", "macro F1, pooled": "percent"
    }, rows)  # fmt: skip


def f1_by_threshold(results: ProcessResults) -> Table:
    """Both F1 and their mean at thresholds from end to end; the figure shows the same."""
    rows: list[Sequence[object]] = []
    for one in results.assessments:
        if one.curve is not None:
            for place in spread(len(one.curve.thresholds), THRESHOLD_LINES).tolist():
                values = _percents(one.curve.counts[place])
                rows.append((one.opinion.critic, float(one.curve.thresholds[place]), *values))
    columns: Mapping[str, Kind] = {"critic": "name", "threshold above": "score", **dict.fromkeys(_COUNTED, "percent")}
    return replace(_table(results, "F1 by threshold", "f1 by threshold", columns, rows), is_folded=True)


def spread(count: int, most: int) -> IntArray:
    """At most so many of ``count`` places, evenly, both ends among them."""
    return np.unique(np.linspace(0, count - 1, most).astype(np.int64))


def calibration(results: ProcessResults) -> Table:
    """How often steps are correct whose scores lie in one bin."""
    rows = [
        (one.opinion.critic, low, high, number, 100 * mean, 100 * part)
        for one in results.assessments if one.is_probability
        for low, high, number, mean, part in metrics.reliability(one.correct, one.scores)
    ]  # fmt: skip
    return _table(results, "Calibration", "calibration", {
        "critic": "name", "P(+) from": "score", "to": "score", "steps": "count", "mean P(+)": "percent",
        "correct": "percent",
    }, rows)  # fmt: skip


def comparisons(results: ProcessResults) -> Table:
    """Every pair of critics on the samples that both of them scored."""
    marks: Fields = {"set": ("name", lambda _: PARTIAL)} if results.remarks else {}
    return of_fields(results.comparisons, {
        "critic": ("name", "reranker"), "against": ("name", "baseline"), "split": ("name", "split"),
        "difference": ("gain", "difference"), "from": ("gain", "low"), "to": ("gain", "high"),
        "better": ("count", "better"), "worse": ("count", "worse"), "samples": ("count", "n_problems"),
        "p": ("chance", "p"), "p corrected": ("chance", "p_corrected"), "in words": ("words", "verdict"), **marks,
    }, "Comparisons by macro F1", name="comparisons", frozen=1)  # fmt: skip


def steps(results: ProcessResults) -> Table:
    """Every step with its label, score and verdict; rows are made one by one."""
    titles = columns(
        ("critic", "name"), ("line", "count"), ("source", "name"), ("policy", "name"), ("step", "count"),
        ("label", "name"), ("score", "score"), ("verdict", "name"), ("agrees", "name"), ("step text", "text"),
    )  # fmt: skip
    widths = {"count": 10.0, "score": 12.0, "name": 22.0, "text": 90.0}
    sized = [column._replace(width=widths[column.kind]) for column in titles]
    # Long texts show their first line until a reader makes the row higher.
    return Table("", sized, _steps(results), name="steps", frozen=2, is_flat=True)


def _steps(results: ProcessResults) -> Iterator[Sequence[object]]:
    for one in results.assessments:
        opinion = one.opinion
        for sample, outcome in zip(one.samples, opinion.outcomes, strict=True):
            scores = () if outcome is None else outcome.scores
            lacking = "not scored yet" if outcome is None else "failed"
            for place, (step, label) in enumerate(zip(sample.steps, sample.labels, strict=True)):
                score = scores[place] if scores else None
                verdict = lacking if score is None else LABELS[CORRECT if score > opinion.threshold else INCORRECT]
                agrees = "" if score is None or label == NEUTRAL else ("yes" if verdict == LABELS[label] else "no")
                yield (
                    opinion.critic, sample.line, sample.source, sample.policy, place + 1, LABELS[label], score,
                    verdict, agrees, step,
                )  # fmt: skip


def bad_lines(results: ProcessResults) -> Table:
    """Lines of the file that cannot be used."""
    columns = (Column("line", "count", 10), Column("reason", "text", 100))
    rows = [(bad.line, visible_name(bad.reason)) for bad in results.process_set.bad]
    return Table("Lines that cannot be used", columns, rows, name="bad lines")
