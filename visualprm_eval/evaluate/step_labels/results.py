"""From critics' words to the rows of ``results.csv``, comparisons, and what failed. Pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from visualprm_eval.core.types import JSONValue
from visualprm_eval.evaluate.result_rows import Failure, ResultRow
from visualprm_eval.evaluate.stats.step_label_bootstrap import REPEATS, Difference, difference, draws, interval
from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.assess import POOLED, Assessment, Opinion, Part
from visualprm_eval.evaluate.step_labels.metrics import FloatArray
from visualprm_eval.evaluate.step_labels.values import (
    COUNTED,
    CROSS_VALIDATED,
    MACRO_F1,
    METRICS,
    PLAIN_MEAN,
    STEP_WEIGHTED,
    values_of,
)
from visualprm_eval.tasks.process_bench import released
from visualprm_eval.tasks.process_bench.data import ProcessSet

__all__ = ["ALL_POLICIES", "Comparison", "ProcessResults", "evaluate"]

ALL_POLICIES = "all"
"""The policy's name in rows that stand for the solutions of all policies."""
TEST_TUNED = "macro F1, test-tuned threshold"
CALIBRATION = "calibration error"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two critics on the samples that both of them scored.

    Attributes:
        first: The label of the one.
        second: The label of the other.
        split: A source, or one of the overalls.
        samples: Number of samples.
        macro_f1: The macro F1 of each, from 0 to 1.
        difference: The first less the second; ``None`` where there is no value.
    """

    first: str
    second: str
    split: str
    samples: int
    macro_f1: tuple[float, float]
    difference: Difference | None


@dataclass(frozen=True)
class ProcessResults:
    """Everything that the reports show.

    Attributes:
        process_set: The samples that were looked at.
        remarks: How the set differs from the released one; empty when it is whole, or has no published counts.
        assessments: The critics, in the order of the command line.
        rows: Values as in the main job's results.
        comparisons: Every pair of critics.
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
    protocol: Mapping[str, JSONValue], repeats: int = REPEATS,
) -> ProcessResults:  # fmt: skip
    """Compares critics' words with the labels.

    Args:
        process_set: The samples, [S].
        opinions: What each critic said of them.
        seed: Of the folds and of the bootstrap.
        remarks: How the set differs from what it should be.
        protocol: What the reports tell of how it came about.
        repeats: Resamples behind intervals.
    """
    assessments = [Assessment(opinion, process_set.samples, seed) for opinion in opinions]
    mark = f"partial set: {'; '.join(remarks)}" if remarks else ""
    rows = [row for one in assessments for row in _Rows(process_set.name, one, mark, repeats).all()]
    return ProcessResults(
        process_set, remarks, assessments, rows, list(_comparisons(assessments, seed, repeats)),
        [failure for one in assessments for failure in _failures(process_set.name, one)], protocol,
    )  # fmt: skip


def resampled(assessment: Assessment, names: Sequence[str], repeats: int) -> dict[tuple[str, str], FloatArray]:
    """Values over resamples of the samples, by split and metric, [B]."""
    chunks = [
        values_of(assessment, weights, names) for weights in draws(len(assessment.samples), assessment.seed, repeats)
    ]
    return {key: np.concatenate([chunk[key] for chunk in chunks]) for key in chunks[0]}


@dataclass(frozen=True)
class _Rows:
    """The rows of one critic."""

    benchmark: str
    assessment: Assessment
    mark: str
    repeats: int

    def all(self) -> Iterator[ResultRow]:
        one = self.assessment
        values = values_of(one, np.ones((1, len(one.samples))))
        over = resampled(one, list(METRICS), self.repeats)
        parts = {part.name: part for part in (*one.sources, one.whole)}
        for split in (*parts, STEP_WEIGHTED, PLAIN_MEAN):
            part = parts.get(split, one.whole)
            for metric in METRICS:
                if metric == CROSS_VALIDATED and one.cross_validated is None:
                    continue
                note = self._remarks(metric, interval(over[split, metric]))
                yield self._row(part, metric, float(values[split, metric][0]), note, split=split)
        yield from self._pooled_only()
        yield from self._by_policy()

    def _pooled_only(self) -> Iterator[ResultRow]:
        one = self.assessment
        if one.curve is not None:
            best, value = (
                one.curve.best,
                float(np.max(one.curve.macro_f1, initial=-1.0, where=~np.isnan(one.curve.macro_f1))),
            )
            note = f"threshold {best:.4g}, chosen on these very labels: an upper bound, not a result"
            yield self._row(one.whole, TEST_TUNED, value if value >= 0 else float("nan"), note)
        if one.is_probability:
            error = metrics.calibration_error(one.correct, one.scores)
            yield self._row(one.whole, CALIBRATION, error, "expected calibration error, 10 bins of equal width")

    def _by_policy(self) -> Iterator[ResultRow]:
        one = self.assessment
        ones = np.ones((1, len(one.samples)))
        for part in one.parts(lambda sample: sample.policy):
            for metric, value in COUNTED.items():
                note = self._remarks(metric, None)
                yield self._row(part, metric, float(value(one, part, ones)[0]), note, split=POOLED, policy=part.name)

    def _row(
        self, part: Part, metric: str, value: float, note: str, *, split: str | None = None, policy: str = ALL_POLICIES
    ) -> ResultRow:
        """A value, or why there is none."""
        one = self.assessment
        number, n_failed = int(part.inside.sum()), int((part.inside & one.failed).sum())
        lacking = number - n_failed - int((part.inside & one.scored).sum())
        withheld = f"incomplete: {lacking} of {number} samples are not scored yet" if lacking else ""
        if not withheld and np.isnan(value):
            withheld = "no value: a class of steps is missing"
        failed = f"{n_failed} of {number} samples failed" if n_failed else ""
        notes = [self.mark, withheld or note, failed]
        whole = None if part.name == POOLED else part.name
        return ResultRow(
            policy=policy,
            benchmark=self.benchmark,
            split=part.name if split is None else split,
            reranker=one.opinion.critic,
            k=1,
            metric=metric,
            value=None if withheld else 100 * value,
            n_problems=number,
            n_failed=n_failed,
            note="; ".join(filter(None, notes)),
            n_total=None if policy != ALL_POLICIES else released.total(self.benchmark, whole),
        )

    def _remarks(self, metric: str, ends: tuple[float, float] | None) -> str:
        """At which threshold, and how far the value would move with other samples."""
        one = self.assessment
        said = []
        if metric == CROSS_VALIDATED and one.cross_validated is not None:
            chosen = ", ".join(f"{each:.3g}" for each in one.cross_validated.thresholds)
            said.append(f"thresholds {chosen}, each chosen without the questions that it judges")
        elif metric not in {"AUROC", "average precision"} and not one.opinion.labels_only:
            said.append(f"threshold {one.opinion.threshold:g}")
        if ends is not None:
            said.append(f"95% interval {100 * ends[0]:.1f} to {100 * ends[1]:.1f} (bootstrap over samples)")
        return ", ".join(said)


def _comparisons(assessments: Sequence[Assessment], seed: int, repeats: int) -> Iterator[Comparison]:
    for first, second in itertools.combinations(assessments, 2):
        common = np.flatnonzero(first.scored & second.scored).tolist()
        if not common:
            continue
        pair = [
            Assessment(each.opinion.of(common), [each.samples[place] for place in common], seed)
            for each in (first, second)
        ]
        ones = np.ones((1, len(common)))
        numbers = {part.name: int(part.inside.sum()) for part in pair[0].sources}
        values = [values_of(each, ones, [MACRO_F1]) for each in pair]
        over = [resampled(each, [MACRO_F1], repeats) for each in pair]
        for key in values[0]:
            one, two = float(values[0][key][0]), float(values[1][key][0])
            yield Comparison(
                first.opinion.critic, second.opinion.critic, key[0], numbers.get(key[0], len(common)),
                (one, two),
                difference(one - two, over[0][key], over[1][key]),
            )  # fmt: skip


def _failures(benchmark: str, assessment: Assessment) -> Iterator[Failure]:
    for sample, outcome in zip(assessment.samples, assessment.opinion.outcomes, strict=True):
        if outcome is not None and outcome.error is not None:
            message = f"{assessment.opinion.critic}: {outcome.error}"
            yield Failure("score", benchmark, f"line {sample.line}", None, message)
