"""One critic's word on a set, as arrays; ``visualprm_eval.evaluate.step_labels.values`` makes values of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from visualprm_eval.core.types import StepScores
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray
from visualprm_eval.evaluate.step_labels import metrics
from visualprm_eval.evaluate.step_labels.metrics import Ranking
from visualprm_eval.evaluate.step_labels.threshold import CrossValidated, Curve, cross_validate, f1_curve
from visualprm_eval.tasks.process_bench.data import CORRECT, INCORRECT, NEUTRAL, ProcessSample

POOLED = "pooled"
"""What results call all steps together."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one critic said.

    Attributes:
        critic: Its label.
        outcomes: For each sample its step scores, or its failure; ``None`` where it was not asked yet, [S].
        threshold: A step is called correct when its score is above it.
        labels_only: Whether scores are verdicts (1 correct, 0 incorrect), so that no other threshold makes sense.
    """

    critic: str
    outcomes: tuple[StepScores | None, ...]
    threshold: float
    labels_only: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the samples: a source, an author, or all.

    Attributes:
        name: What results call it.
        inside: Which samples belong to it, [S].
    """

    name: str
    inside: BoolArray


@dataclass(frozen=True)
class Assessment:
    """A critic's word on samples, ready for arithmetic.

    Attributes:
        opinion: What it said.
        samples: Of what, [S].
        seed: Deals the folds of the cross-validation.
    """

    opinion: Opinion
    samples: Sequence[ProcessSample]
    seed: int = 0
    _rankings: dict[str, tuple[IntArray, Ranking]] = field(default_factory=dict, repr=False, compare=False)

    def of(self, places: Sequence[int]) -> Assessment:
        """The critic's word on some of the samples."""
        outcomes = tuple(self.opinion.outcomes[place] for place in places)
        samples = [self.samples[place] for place in places]
        return Assessment(replace(self.opinion, outcomes=outcomes), samples, self.seed)

    @cached_property
    def scored(self) -> BoolArray:
        """Which samples have scores, [S]."""
        return np.array([one is not None and one.error is None for one in self.opinion.outcomes], np.bool_)

    @cached_property
    def failed(self) -> BoolArray:
        """Which samples could not be scored, [S]."""
        return np.array([one is not None and one.error is not None for one in self.opinion.outcomes], np.bool_)

    @cached_property
    def _steps(self) -> FloatArray:
        """The sample, the place from 1, the label and the score of each labelled step that has a score, [4, n]."""
        rows = [
            (number, place, label, score)
            for number, (sample, outcome) in enumerate(zip(self.samples, self.opinion.outcomes, strict=True))
            if outcome is not None and outcome.error is None
            for place, (label, score) in enumerate(zip(sample.labels, outcome.scores, strict=True), 1)
            if label != NEUTRAL
        ]
        return np.array(rows, np.float64).reshape(-1, 4).T

    @cached_property
    def sample_of(self) -> IntArray:
        """The sample of each labelled step that has a score, [n]; neutral steps are none of them."""
        return np.asarray(self._steps[0], np.int64)

    @cached_property
    def step_of(self) -> IntArray:
        """Where each of these steps stands in its solution, from 1, [n]."""
        return np.asarray(self._steps[1], np.int64)

    @cached_property
    def correct(self) -> BoolArray:
        """Their labels, [n]."""
        return np.asarray(self._steps[2] == CORRECT)

    @cached_property
    def scores(self) -> FloatArray:
        """Their scores, [n]."""
        return np.ascontiguousarray(self._steps[3])

    @cached_property
    def verdicts(self) -> BoolArray:
        """What they are called at the opinion's threshold, [n]."""
        return self.scores > self.opinion.threshold

    @cached_property
    def groups(self) -> list[str]:
        """The question of each step, [n]."""
        return [self.samples[place].problem.id for place in self.sample_of.tolist()]

    @cached_property
    def curve(self) -> Curve | None:
        """All thresholds; ``None`` for verdicts, and without steps."""
        return None if self.opinion.labels_only or not len(self.scores) else f1_curve(self.correct, self.scores)

    @cached_property
    def cross_validated(self) -> CrossValidated | None:
        """Verdicts by thresholds that did not see their steps; ``None`` where there can be none."""
        if self.opinion.labels_only:
            return None
        return cross_validate(self.correct, self.scores, self.groups, seed=self.seed)

    @property
    def is_probability(self) -> bool:
        """Whether the scores can be read as probabilities of being correct."""
        unit = bool(len(self.scores)) and self.scores.min() >= 0 and self.scores.max() <= 1
        return not self.opinion.labels_only and unit

    @cached_property
    def counts(self) -> IntArray:
        """Confusion counts of each sample at the opinion's threshold, [S, 4]; zeros without scores."""
        return self.counts_of(self.verdicts)

    @cached_property
    def counts_wrong(self) -> IntArray:
        """The same, with all labelled steps of failed samples counted as wrong, [S, 4]."""
        counts = self.counts.copy()
        for place in np.flatnonzero(self.failed).tolist():
            labels = self.samples[place].labels
            counts[place] = (0, labels.count(CORRECT), labels.count(INCORRECT), 0)
        return counts

    @cached_property
    def first_errors(self) -> IntArray:
        """Counts of each sample for the first-error metrics, [S, 4]."""
        counts = np.zeros((len(self.samples), 4), np.int64)
        for place in np.flatnonzero(self.scored).tolist():
            own = slice(*np.searchsorted(self.sample_of, [place, place + 1]))
            counts[place] = metrics.first_error_counts(self.correct[own], self.verdicts[own])
        return counts

    def counts_of(self, verdicts: BoolArray) -> IntArray:
        """Confusion counts of each sample for some verdicts [n]: [S, 4]."""
        counts = np.zeros((len(self.samples), 4), np.int64)
        np.add.at(counts, self.sample_of, metrics.confusion(self.correct, verdicts))
        return counts

    def ranking(self, part: Part) -> tuple[IntArray, Ranking]:
        """The steps of a part as places in [n], and their ranking."""
        if part.name not in self._rankings:
            places = np.flatnonzero(part.inside[self.sample_of])
            self._rankings[part.name] = places, Ranking(self.correct[places], self.scores[places])
        return self._rankings[part.name]

    def parts(self, name_of: Callable[[ProcessSample], str]) -> list[Part]:
        """The samples by a name of theirs, in the order of first appearance."""
        names = [name_of(sample) for sample in self.samples]
        return [Part(name, np.array([each == name for each in names], np.bool_)) for name in dict.fromkeys(names)]

    @cached_property
    def sources(self) -> list[Part]:
        """The samples by source."""
        return self.parts(lambda sample: sample.source)

    @property
    def whole(self) -> Part:
        """All samples."""
        return Part(POOLED, np.ones(len(self.samples), np.bool_))
