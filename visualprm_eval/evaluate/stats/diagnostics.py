"""Where rerankers lose: what they missed, what their scores go with, and what the candidates are like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray
from visualprm_eval.evaluate.rerankers import Oracle, StepAggregate
from visualprm_eval.evaluate.stats.best_of_k import mean_value
from visualprm_eval.evaluate.stats.final_picks import Finals
from visualprm_eval.evaluate.stats.rows import Diagnosis, PoolFacts, StepScoreHistogram

_BINS = 20


def _compact(usable: BoolArray, *arrays: FloatArray) -> Iterator[tuple[FloatArray, ...]]:
    """The usable numbers of problems that have equally many, [M, n] each, for every such n of at least 2."""
    counts = usable.sum(axis=1)
    for size in np.unique(counts[counts >= 2]):
        rows = counts == size
        yield tuple(array[rows][usable[rows]].reshape(-1, size) for array in arrays)


def centred_ranks(numbers: FloatArray, usable: BoolArray) -> list[FloatArray]:
    """Ranks within problems less their mean, an array [M, n] for every number n of usable candidates."""
    from scipy.stats import rankdata

    ranked = [rankdata(each, axis=1) for (each,) in _compact(usable, numbers)]
    return [each - each.mean(axis=1, keepdims=True) for each in ranked]


def mean_correlation(first: Sequence[FloatArray], second: Sequence[FloatArray]) -> float | None:
    """Spearman's rank correlation within problems, averaged over those where both vary.

    Args:
        first: A number per candidate, as of :func:`centred_ranks`.
        second: Another.

    Returns:
        From -1 to 1; ``None`` where no problem has both varying.
    """
    correlations: list[FloatArray] = []
    for x, y in zip(first, second, strict=True):
        scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
        correlations.append((x * y).sum(axis=1)[scale > 0] / scale[scale > 0])
    return _mean(correlations)


def ranking(scores: FloatArray, verdicts: FloatArray, usable: BoolArray) -> float | None:
    """The chance that a right candidate scores above a wrong one of the same problem, ties as one half.

    It is the area under the ROC curve of each problem, averaged over the problems that have both kinds; candidates that
    are neither right nor wrong do not count.

    Returns:
        From 0 to 1; ``None`` where no problem has both.
    """
    from scipy.stats import rankdata

    parts: list[FloatArray] = []
    decided = usable & np.isin(verdicts, (0.0, 1.0))
    for score, verdict in _compact(decided, scores, verdicts):
        right = verdict.sum(axis=1)
        wrong = verdict.shape[1] - right
        both = (right > 0) & (wrong > 0)
        sums = (rankdata(score, axis=1) * verdict).sum(axis=1)
        parts.append(((sums - right * (right + 1) / 2)[both]) / (right * wrong)[both])
    return _mean(parts)


def _mean(parts: Sequence[FloatArray]) -> float | None:
    values = np.concatenate(parts) if parts else np.empty(0)
    return float(values.mean()) if len(values) else None


def diagnoses(finals: Finals, numbers: FloatArray) -> Iterator[Diagnosis]:
    """Where each reranker loses: what the oracle would gain, ties, and what its scores go along with.

    Args:
        finals: The picks.
        numbers: The value of each reranker, in percent, [R].
    """
    study, grid = finals.study, finals.grid
    oracle = grid.worth(Oracle("oracle").in_prefixes(grid, [grid.n]))[:, 0]
    solvable = oracle == 1
    best, chance = finals.measure.value(oracle), finals.measure.value(mean_value(grid.verdicts, grid.usable))
    ranks = _Ranks(grid)
    for place, reranker in enumerate(finals.rerankers):
        if isinstance(reranker, Oracle):
            continue
        number = float(numbers[place])
        missed = None if reranker.expectation else int((solvable & (finals.values[:, place] < 1)).sum())
        recovered = None if best - chance < 1e-9 else 100 * (number - chance) / (best - chance)
        scored = ranks.scored(reranker) if isinstance(reranker, StepAggregate) else {}
        yield Diagnosis(
            study.policy, study.benchmark, finals.split, reranker.name, study.n, best, best - number,
            int(solvable.sum()), missed, recovered, note=finals.note, **scored,
        )  # fmt: skip


@dataclass(frozen=True)
class _Ranks:
    """What scores may go with, as ranks within problems, each worked out once."""

    grid: Grid
    _of_steps: dict[str, list[FloatArray]] = field(default_factory=dict)

    @cached_property
    def length(self) -> list[FloatArray]:
        """By characters of the text."""
        texts = self.grid.columns.values
        return centred_ranks(self.grid.spread(np.fromiter(map(len, texts), np.float64, len(texts))), self.grid.usable)

    @cached_property
    def position(self) -> list[FloatArray]:
        """By the candidates' ranks."""
        places = np.broadcast_to(np.arange(self.grid.n, dtype=np.float64), self.grid.usable.shape)
        return centred_ranks(places, self.grid.usable)

    def steps(self, critic: str) -> list[FloatArray]:
        """By the number of a critic's steps."""
        if critic not in self._of_steps:
            counts = self.grid.columns.said[critic].sizes.astype(np.float64)
            self._of_steps[critic] = centred_ranks(self.grid.spread(counts), self.grid.usable)
        return self._of_steps[critic]

    def scored(self, reranker: StepAggregate) -> dict[str, float | None]:
        """What the scores of a critic go with, as fields of a diagnosis."""
        grid, scores = self.grid, reranker.scores(self.grid)
        ranks = centred_ranks(scores, grid.usable)
        hits = ranking(scores, grid.verdicts, grid.usable)
        return {
            "ties": 100 * tied_share(grid, scores),
            "ranking": None if hits is None else 100 * hits,
            "with_length": mean_correlation(ranks, self.length),
            "with_steps": mean_correlation(ranks, self.steps(reranker.critic or "")),
            "with_position": mean_correlation(ranks, self.position),
        }


def tied_share(grid: Grid, utilities: FloatArray) -> float:
    """The part of problems whose greatest score several different texts share, so that the rank decides."""
    best = np.where(grid.usable, utilities, -np.inf).max(axis=1, keepdims=True)
    at_top = grid.usable & (utilities == best)
    lowest = np.where(at_top, grid.texts, np.iinfo(np.int64).max).min(axis=1)
    highest = np.where(at_top, grid.texts, -1).max(axis=1)
    return int((lowest != highest).sum()) / len(grid)


def pool_facts(finals: Finals) -> PoolFacts:
    """What the candidates of a split are like."""
    study, grid = finals.study, finals.grid
    right = np.where(grid.usable, grid.verdicts, 1.0).min(axis=1) == 1
    none = np.where(grid.usable, grid.verdicts, 0.0).max(axis=1) < 1
    usable, texts = int(grid.usable.sum()), np.count_nonzero(np.bincount(grid.texts[grid.usable]))
    return PoolFacts(
        study.policy, study.benchmark, finals.split, grid.n, len(grid), usable, finals.n_left_out,
        100 * (1 - texts / usable if usable else 0.0), 100 * float(right.mean()), 100 * float(none.mean()),
        finals.note, int((grid.usable & grid.empty).sum()),
    )  # fmt: skip


def step_scores(finals: Finals, critic: str) -> StepScoreHistogram:
    """The distribution of a critic's step scores over right and wrong candidates, in 20 bins."""
    study, grid = finals.study, finals.grid
    where = f"{study.benchmark} {finals.split}".rstrip() + (f" ({finals.note})" if finals.note else "")
    said, verdicts = grid.columns.said[critic], grid.columns.graded.values
    # A text counts as often as there are candidates that wrote it.
    times = np.bincount(grid.texts[grid.usable], minlength=len(verdicts))
    sides = [np.repeat(np.where(verdicts == verdict, times, 0), said.sizes) for verdict in (1, 0)]
    counted = said.numbers[(sides[0] > 0) | (sides[1] > 0)]
    # Chances; a third party's scores may go beyond.
    edges = np.linspace(counted.min(initial=0.0), counted.max(initial=1.0), _BINS + 1)
    bins = np.minimum(np.searchsorted(edges, said.numbers, side="right") - 1, _BINS - 1)  # The last has both its edges.
    counts = [tuple(np.bincount(bins[side > 0], side[side > 0], _BINS).astype(int).tolist()) for side in sides]
    return StepScoreHistogram(study.policy, where, critic, tuple(edges.tolist()), *counts)
