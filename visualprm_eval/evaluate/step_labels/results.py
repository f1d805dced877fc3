"""From critics' words to the rows of ``results.csv``, comparisons, and what failed. Pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from visualprm_eval.core.types import JSONValue
from visualprm_eval.core.words import part_of
from visualprm_eval.evaluate.result_rows import Failure, ResultRow
from visualprm_eval.evaluate.stats.bootstrap import DRAWS, interval, resample_counts, tail_p
from visualprm_eval.evaluate.stats.paired_comparisons import by_baseline
from visualprm_eval.evaluate.stats.rows import Comparison
from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment, Opinion, Part
from visualprm_eval.evaluate.step_labels.values import (
    COUNTED,
    CROSS_VALIDATED,
    MACRO_F1,
    METRICS,
    PLAIN_MEAN,
    STEP_WEIGHTED,
    Values,
    values_of,
)
from visualprm_eval.tasks.process_bench import released
from visualprm_eval.tasks.process_bench.data import ProcessSet

ALL_POLICIES = "all"
"""The policy's name in rows that stand for the solutions of all policies."""
TEST_TUNED = "macro F1, test-tuned threshold"
CALIBRATION = "calibration error"
_TOGETHER = 50
"""Resamples at a time: every step has a weight in each of them."""


@dataclass(frozen=True)
class ProcessResults:
    """Everything that the reports show.

    Attributes:
        process_set: The samples that were looked at.
        remarks: How the set differs from the released one; empty when it is whole, or has no published counts.
        assessments: The critics, in the order of the command line.
        rows: Values as in the main job's results.
        comparisons: Every pair of critics, on the samples that both of them scored.
        failures: What could not be scored; ``index`` is the line in the file.
        protocol: How the results came about.
    """

    process_set: ProcessSet
    remarks: Sequence[str]
    assessments: Sequence[Assessment]
    rows: Sequence[ResultRow]
    comparisons: Sequence[Comparison]
    failures: Sequence[Failure] = ()
    protocol: Mapping[str, JSONValue] = field(default_factory=dict)

    def value(self, critic: str, split: str, metric: str = MACRO_F1) -> float | None:
        """A value of all policies in percent; ``None`` where it is withheld or there is none."""
        wanted = (ALL_POLICIES, critic, split, metric)
        found = (row for row in self.rows if (row.policy, row.reranker, row.split, row.metric) == wanted)
        return next((row.value for row in found), None)


def evaluate(
    process_set: ProcessSet, opinions: Sequence[Opinion], *, seed: int, remarks: Sequence[str],
    protocol: Mapping[str, JSONValue], draws: int = DRAWS,
) -> ProcessResults:  # fmt: skip
    """Compares critics' words with the labels.

    Args:
        process_set: The samples, [S].
        opinions: What each critic said of them.
        seed: Of the folds and of the bootstrap.
        remarks: How the set differs from what it should be.
        protocol: What the reports tell of how it came about.
        draws: Resamples behind intervals.
    """
    assessments = [Assessment(opinion, process_set.samples, seed) for opinion in opinions]
    mark = f"partial set: {'; '.join(remarks)}" if remarks else ""
    rows = [row for one in assessments for row in _rows(process_set.name, one, mark, draws)]
    return ProcessResults(
        process_set, remarks, assessments, rows, by_baseline(_comparisons(process_set.name, assessments, draws)),
        [failure for one in assessments for failure in _failures(process_set.name, one)], protocol,
    )  # fmt: skip


def resampled(assessment: Assessment, names: Sequence[str], draws: int) -> Values:
    """Values over resamples of the samples, by split and metric, [B]."""
    resamples = resample_counts(len(assessment.samples), draws=draws, seed=assessment.seed, together=_TOGETHER)
    chunks = [values_of(assessment, weights, names) for weights in resamples]
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}


def _rows(benchmark: str, one: Assessment, mark: str, draws: int) -> Iterator[ResultRow]:
    """The rows of one critic."""
    row, ones = partial(_row, benchmark=benchmark, one=one, mark=mark), np.ones((1, len(one.samples)))
    values, over = values_of(one, ones), resampled(one, list(METRICS), draws)
    parts = {part.name: part for part in (*one.sources, one.whole)}
    for split in (*parts, STEP_WEIGHTED, PLAIN_MEAN):
        for metric in METRICS:
            if metric != CROSS_VALIDATED or one.cross_validated is not None:
                note = _remarks(one, metric, *interval(over[split, metric]))
                yield row(parts.get(split, one.whole), metric, float(values[split, metric][0]), note, split=split)
    if one.curve is not None:
        note = f"threshold {one.curve.best:.4g}, chosen on these very labels: an upper bound, not a result"
        yield row(one.whole, TEST_TUNED, one.curve.greatest, note)
    if one.is_probability:
        error = metrics.calibration_error(one.correct, one.scores)
        yield row(one.whole, CALIBRATION, error, "expected calibration error, 10 bins of equal width")
    for part in one.parts(lambda sample: sample.policy):
        for metric, value in COUNTED.items():
            number = float(value(one, part, ones)[0])
            yield row(part, metric, number, _remarks(one, metric), split=POOLED, policy=part.name)


def _row(
    part: Part, metric: str, value: float, note: str, *, benchmark: str, one: Assessment, mark: str,
    split: str | None = None, policy: str = ALL_POLICIES,
) -> ResultRow:  # fmt: skip
    """A value, or why there is none."""
    number, n_failed = int(part.inside.sum()), int((part.inside & one.failed).sum())
    lacking = number - n_failed - int((part.inside & one.scored).sum())
    withheld = f"incomplete: {part_of(lacking, number, 'sample')} not scored yet" if lacking else ""
    if not withheld and np.isnan(value):
        withheld = "no value: a class of steps is missing"
    failed = f"{part_of(n_failed, number, 'sample')} failed" if n_failed else ""
    whole = None if part.name == POOLED else part.name
    return ResultRow(
        policy=policy,
        benchmark=benchmark,
        split=part.name if split is None else split,
        reranker=one.opinion.critic,
        k=1,
        metric=metric,
        value=None if withheld else 100 * value,
        n_problems=number,
        n_failed=n_failed,
        note="; ".join(filter(None, [mark, withheld or note, failed])),
        n_total=None if policy != ALL_POLICIES else released.total(benchmark, whole),
    )


def _remarks(one: Assessment, metric: str, low: float | None = None, high: float | None = None) -> str:
    """At which threshold, and how far the value would move with other samples."""
    said = []
    if metric == CROSS_VALIDATED and one.cross_validated is not None:
        chosen = ", ".join(f"{each:.3g}" for each in one.cross_validated.thresholds)
        said.append(f"thresholds {chosen}, each chosen without the questions that it judges")
    elif metric not in {"AUROC", "average precision"} and not one.opinion.labels_only:
        said.append(f"threshold {one.opinion.threshold:g}")
    if low is not None and high is not None:
        said.append(f"95% interval {100 * low:.1f} to {100 * high:.1f} (bootstrap over samples)")
    return ", ".join(said)


def _comparisons(benchmark: str, assessments: Sequence[Assessment], draws: int) -> Iterator[Comparison]:
    """Every pair of critics on the samples that both of them scored, by macro F1."""
    for first, second in itertools.combinations(assessments, 2):
        common = np.flatnonzero(first.scored & second.scored).tolist()
        if not common:
            continue
        pair = [each.of(common) for each in (first, second)]
        value, other = (values_of(each, np.ones((1, len(common))), [MACRO_F1]) for each in pair)
        resamples, others = (resampled(each, [MACRO_F1], draws) for each in pair)
        right, rights = (each.counts[:, [0, 3]].sum(axis=1) for each in pair)  # Steps called what they are.
        inside = {part.name: part.inside for part in pair[0].sources}
        for key in value:
            split = key[0]
            samples = inside.get(split, pair[0].whole.inside)
            difference, moved = 100 * float((value[key] - other[key])[0]), (right - rights)[samples]
            apart = 100 * (resamples[key] - others[key])
            p = None if np.isnan(difference) else tail_p(apart)
            yield Comparison(
                ALL_POLICIES, benchmark, split, first.opinion.critic, 1, second.opinion.critic, difference,
                *((None, None) if p is None else interval(apart)), p, p, int((moved > 0).sum()),
                int((moved < 0).sum()), int(samples.sum()),
            )  # fmt: skip


def _failures(benchmark: str, assessment: Assessment) -> Iterator[Failure]:
    for sample, outcome in zip(assessment.samples, assessment.opinion.outcomes, strict=True):
        if outcome is not None and outcome.error is not None:
            message = f"{assessment.opinion.critic}: {outcome.error}"
            yield Failure("score", benchmark, f"line {sample.line}", None, message)
