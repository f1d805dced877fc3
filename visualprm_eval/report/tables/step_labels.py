"""The tables of the reports as titles, headers and rows of plain values; nothing here knows a file format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.published.tables import published_rows
from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment
from visualprm_eval.evaluate.step_labels.metrics import BoolArray
from visualprm_eval.evaluate.step_labels.results import ProcessResults
from visualprm_eval.evaluate.step_labels.values import CROSS_VALIDATED, MACRO_F1, METRICS, PLAIN_MEAN, STEP_WEIGHTED
from visualprm_eval.tasks.process_bench import released
from visualprm_eval.tasks.process_bench.data import CORRECT, INCORRECT, NEUTRAL

__all__ = [
    "Kind",
    "Sheet",
    "breakdowns",
    "calibration",
    "comparisons",
    "f1_by_threshold",
    "per_source",
    "steps",
    "table_3",
    "thresholds",
]

Value = str | int | float | None
Kind = str
"""What a column holds: ``"text"``, ``"count"``, ``"percent"`` or ``"score"``."""

STEP_GROUPS = tuple(range(1, 21))
"""Steps that have a line of their own; later ones share one."""
LENGTH_GROUPS = ((1, 3), (4, 6), (7, 9), (10, 12), (13, 16), (17, 10**9))
"""Numbers of steps that share a line."""

THRESHOLD_LINES = 200
"""Lines of the table over thresholds, spread evenly over those that make a difference."""

_LABELS = {CORRECT: "correct", NEUTRAL: "neutral", INCORRECT: "incorrect"}


PARTIAL = "partial set"
"""Stands in every line of every table when the set is not the whole released one."""


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        title: What it shows.
        columns: Title and kind of each column.
        rows: Values; percents are from 0 to 100.
    """

    title: str
    columns: Sequence[tuple[str, Kind]]
    rows: Sequence[Sequence[Value]]

    def marked(self, results: ProcessResults) -> Sheet:
        """The same table; of a partial set, with a last column that says so in every line."""
        if not results.remarks:
            return self
        return Sheet(self.title, (*self.columns, ("set", "text")), [[*row, PARTIAL] for row in self.rows])


def table_3(results: ProcessResults) -> Sheet:
    """Macro F1 per source and pooled, in the layout of the paper's table 3, with the published rows below ours."""
    whole = results.process_set.name == released.NAME
    sources = list(released.RELEASED) if whole else [part.name for part in results.assessments[0].sources]
    columns = [
        ("critic", "text"),
        *((source, "percent") for source in sources),
        ("Overall", "percent"),
        ("from", "text"),
    ]
    rows: list[list[Value]] = []
    marked = f"this run, {PARTIAL}" if results.remarks else "this run"
    for one in results.assessments:
        critic, threshold = one.opinion.critic, f", threshold {one.opinion.threshold:g}"
        rows.append(_line(results, critic, MACRO_F1, sources, marked + ("" if one.opinion.labels_only else threshold)))
        if one.cross_validated is not None:
            rows.append(_line(results, critic, CROSS_VALIDATED, sources, f"{marked}, cross-validated threshold"))
    for row in published_rows("table3_visualprocessbench") if whole else ():
        values = [row.values.get(source) for source in (*sources, "Overall")]
        rows.append([row.labels["critic"], *values, f"published: {row.paper}, {row.table}"])
    return Sheet("table 3", columns, rows)


def _line(results: ProcessResults, critic: str, metric: str, sources: Sequence[str], origin: str) -> list[Value]:
    return [critic, *(results.value(critic, split, metric) for split in (*sources, POOLED)), origin]


def per_source(results: ProcessResults) -> Sheet:
    """All metrics of every source and overall."""
    columns = [("critic", "text"), ("split", "text"), *((metric, "percent") for metric in METRICS)]
    rows: list[list[Value]] = []
    for one in results.assessments:
        splits = [*(part.name for part in one.sources), POOLED, STEP_WEIGHTED, PLAIN_MEAN]
        critic = one.opinion.critic
        rows += [[critic, split, *(results.value(critic, split, metric) for metric in METRICS)] for split in splits]
    return Sheet("per source", columns, rows).marked(results)


def breakdowns(results: ProcessResults) -> list[Sheet]:
    """By author, by place of the step, by number of steps."""
    authors = list(dict.fromkeys(sample.policy for sample in results.process_set.samples))

    def of_author(one: Assessment) -> Iterator[tuple[str, BoolArray]]:
        names = np.array([sample.policy for sample in one.samples])[one.sample_of]
        return ((author, names == author) for author in authors)

    def of_step(one: Assessment) -> Iterator[tuple[str, BoolArray]]:
        last = STEP_GROUPS[-1]
        yield from ((str(step), one.step_of == step) for step in STEP_GROUPS)
        yield f"{last + 1} and more", one.step_of > last

    def of_length(one: Assessment) -> Iterator[tuple[str, BoolArray]]:
        lengths = np.array([len(sample.steps) for sample in one.samples])[one.sample_of]
        for low, high in LENGTH_GROUPS:
            name = f"{low} to {high}" if high < 10**9 else f"{low} and more"
            yield name, (lengths >= low) & (lengths <= high)

    return [
        _breakdown(results, "by policy", "policy", of_author),
        _breakdown(results, "by step", "step", of_step),
        _breakdown(results, "by length", "steps of the solution", of_length),
    ]


Groups = Callable[[Assessment], Iterator[tuple[str, BoolArray]]]


def _breakdown(results: ProcessResults, title: str, what: str, groups: Groups) -> Sheet:
    columns = [
        ("critic", "text"), (what, "text"), ("labelled steps", "count"), ("error rate", "percent"),
        ("F1 correct", "percent"), ("F1 incorrect", "percent"), (MACRO_F1, "percent"),
    ]  # fmt: skip
    rows: list[list[Value]] = []
    for one in results.assessments:
        confusion = metrics.confusion(one.correct, one.verdicts)
        for name, inside in groups(one):
            if not inside.any():
                continue
            counts = confusion[inside].sum(axis=0)
            values = (metrics.f1_correct(counts), metrics.f1_incorrect(counts), metrics.macro_f1(counts))
            rate = 100 * float((~one.correct[inside]).mean())
            rows.append([one.opinion.critic, name, int(inside.sum()), rate, *(_percent(float(v)) for v in values)])
    return Sheet(title, columns, rows).marked(results)


def thresholds(results: ProcessResults) -> Sheet:
    """Macro F1 at the critic's threshold, at the cross-validated ones, and at the best one on these labels."""
    columns = [("critic", "text"), ("threshold", "text"), ("chosen", "text"), ("macro F1, pooled", "percent")]
    rows: list[list[Value]] = []
    for one in results.assessments:
        critic = one.opinion.critic
        if one.curve is None:
            continue
        rows.append([critic, f"{one.opinion.threshold:g}", "before (--threshold)", results.value(critic, POOLED)])
        if one.cross_validated is not None:
            chosen = ", ".join(f"{each:.3g}" for each in one.cross_validated.thresholds)
            how = f"by {len(one.cross_validated.thresholds)}-fold cross-validation over questions"
            rows.append([critic, chosen, how, results.value(critic, POOLED, CROSS_VALIDATED)])
        best = _percent(float(np.max(one.curve.macro_f1, initial=-1.0, where=~np.isnan(one.curve.macro_f1))))
        rows.append([critic, f"{one.curve.best:.3g}", "on these labels (test-tuned: an upper bound)", best])
    return Sheet("thresholds", columns, rows).marked(results)


def f1_by_threshold(results: ProcessResults) -> Sheet:
    """Both F1 and their mean at thresholds from end to end; the figure shows the same."""
    columns = [
        ("critic", "text"), ("threshold above", "score"), ("F1 correct", "percent"), ("F1 incorrect", "percent"),
        (MACRO_F1, "percent"),
    ]  # fmt: skip
    rows: list[list[Value]] = []
    for one in results.assessments:
        if one.curve is None:
            continue
        for place in np.unique(np.linspace(0, len(one.curve.thresholds) - 1, THRESHOLD_LINES).astype(int)).tolist():
            counts = one.curve.counts[place]
            values = (metrics.f1_correct(counts), metrics.f1_incorrect(counts), metrics.macro_f1(counts))
            at = float(one.curve.thresholds[place])
            rows.append([one.opinion.critic, at, *(_percent(float(value)) for value in values)])
    return Sheet("f1 by threshold", columns, rows).marked(results)


def calibration(results: ProcessResults) -> Sheet:
    """How often steps are correct whose scores lie in one bin."""
    columns = [
        ("critic", "text"), ("P(+) from", "score"), ("to", "score"), ("steps", "count"), ("mean P(+)", "percent"),
        ("correct", "percent"),
    ]  # fmt: skip
    rows: list[list[Value]] = []
    for one in results.assessments:
        if one.is_probability:
            table = metrics.reliability(one.correct, one.scores)
            rows += [[one.opinion.critic, low, high, n, 100 * mean, 100 * part] for low, high, n, mean, part in table]
    return Sheet("calibration", columns, rows).marked(results)


def comparisons(results: ProcessResults) -> Sheet:
    """Every pair of critics on the samples that both of them scored."""
    columns = [
        ("critic", "text"), ("against", "text"), ("split", "text"), ("difference", "percent"), ("95% from", "percent"),
        ("95% to", "percent"), ("better", "count"), ("worse", "count"), ("samples", "count"),
        ("p (bootstrap)", "score"), ("p corrected", "score"), ("in words", "text"),
    ]  # fmt: skip
    rows = [
        [row.reranker, row.baseline, row.split, None if np.isnan(row.difference) else row.difference, row.low, row.high,
         row.better, row.worse, row.n_problems, row.p, row.p_corrected, row.verdict]
        for row in results.comparisons
    ]  # fmt: skip
    return Sheet("comparisons", columns, rows).marked(results)


STEP_COLUMNS = (
    ("critic", "text"), ("line", "count"), ("source", "text"), ("policy", "text"), ("step", "count"),
    ("label", "text"), ("score", "score"), ("verdict", "text"), ("agrees", "text"), ("step text", "text"),
)  # fmt: skip


def steps(results: ProcessResults) -> Iterator[Sequence[Value]]:
    """Every step with its label, score and verdict, as rows of ``STEP_COLUMNS``."""
    for one in results.assessments:
        opinion = one.opinion
        for sample, outcome in zip(one.samples, opinion.outcomes, strict=True):
            scores = () if outcome is None else outcome.scores
            lacking = "not scored yet" if outcome is None else "failed"
            for place, (step, label) in enumerate(zip(sample.steps, sample.labels, strict=True)):
                score = scores[place] if scores else None
                verdict = lacking if score is None else _LABELS[CORRECT if score > opinion.threshold else INCORRECT]
                told = "" if score is None or label == NEUTRAL else ("yes" if verdict == _LABELS[label] else "no")
                yield (
                    opinion.critic, sample.line, sample.source, sample.policy, place + 1, _LABELS[label], score,
                    verdict, told, step,
                )  # fmt: skip


def _percent(value: float) -> float | None:
    return None if np.isnan(value) or value < 0 else 100 * value
