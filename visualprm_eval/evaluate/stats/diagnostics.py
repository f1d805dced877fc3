"""Where rerankers lose: what they missed, what their scores go with, and what the candidates are like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from visualprm_eval.evaluate.candidate_grid import Grid
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray
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


def areas(scores: FloatArray, verdicts: FloatArray, usable: BoolArray) -> tuple[IntArray, FloatArray]:
    """The chance that a right candidate scores above a wrong one of the same problem, ties as one half.

    It is the area under the ROC curve of each problem that has both kinds; candidates that are neither right nor wrong
    do not count.

    Returns:
        The places of these problems, [M], and their areas from 0 to 1, [M].
    """
    from scipy.stats import rankdata

    places: list[IntArray] = [np.empty(0, np.int64)]
    parts: list[FloatArray] = [np.empty(0)]
    decided = usable & np.isin(verdicts, (0.0, 1.0))
    rows = np.broadcast_to(np.arange(len(scores), dtype=np.float64)[:, None], scores.shape)
    for score, verdict, place in _compact(decided, scores, verdicts, rows):
        right = verdict.sum(axis=1)
        wrong = verdict.shape[1] - right
        both = (right > 0) & (wrong > 0)
        sums = (rankdata(score, axis=1) * verdict).sum(axis=1)
        parts.append(((sums - right * (right + 1) / 2)[both]) / (right * wrong)[both])
        places.append(place[both, 0].astype(np.int64))
    return np.concatenate(places), np.concatenate(parts)


def _mean(parts: Sequence[FloatArray]) -> float | None:
    values = np.concatenate(parts) if parts else np.empty(0)
    return float(values.mean()) if len(values) else None


def diagnoses(finals: Finals) -> Iterator[Diagnosis]:
    """Where each reranker loses: what the oracle would gain, ties, and what its scores go along with."""
    study, picks, grid = finals.study, finals.picks, finals.grid
    oracle = grid.worth(Oracle("oracle").in_prefixes(grid, [grid.n]))[:, 0]
    solvable = oracle == 1
    best, chance = picks.measure.value(oracle), picks.measure.value(mean_value(grid.verdicts, grid.usable))
    ranks = _ranks(grid) if any(isinstance(one, StepAggregate) for one in picks.asked) else {}
    for place, reranker in enumerate(picks.asked):
        if isinstance(reranker, Oracle):
            continue
        number = float(picks.numbers[place])
        missed = None if reranker.expectation else int((solvable & (picks.values[:, place] < 1)).sum())
        recovered = None if best - chance < 1e-9 else 100 * (number - chance) / (best - chance)
        scored = _scored(grid, reranker, ranks) if isinstance(reranker, StepAggregate) else {}
        yield Diagnosis(
            study.policy, study.benchmark, picks.place[2], reranker.name, study.n, best, best - number,
            int(solvable.sum()), missed, recovered, note=picks.note, **scored,
        )  # fmt: skip


def _ranks(grid: Grid) -> dict[str, list[FloatArray]]:
    """What scores may go with, as ranks within problems: the length, the rank, and the steps of each critic."""
    steps = {f"steps of {critic}": grid.columns.said[critic].sizes for critic in grid.critics}
    facts = {"length": list(map(len, grid.columns.values)), **steps}
    numbers = {name: grid.spread(np.asarray(column, np.float64)) for name, column in facts.items()}
    numbers["position"] = np.broadcast_to(np.arange(grid.n, dtype=np.float64), grid.usable.shape)
    return {name: centred_ranks(column, grid.usable) for name, column in numbers.items()}


def _scored(grid: Grid, reranker: StepAggregate, others: Mapping[str, Sequence[FloatArray]]) -> dict[str, float | None]:
    """What the scores of a critic go with, as fields of a diagnosis."""
    scores = reranker.scores(grid)
    ranks, hits = centred_ranks(scores, grid.usable), _mean([areas(scores, grid.verdicts, grid.usable)[1]])
    return {
        "ties": 100 * tied_share(grid, scores),
        "ranking": None if hits is None else 100 * hits,
        "with_length": mean_correlation(ranks, others["length"]),
        "with_steps": mean_correlation(ranks, others[f"steps of {reranker.critic}"]),
        "with_position": mean_correlation(ranks, others["position"]),
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
    picks, grid = finals.picks, finals.grid
    right = np.where(grid.usable, grid.verdicts, 1.0).min(axis=1) == 1
    none = np.where(grid.usable, grid.verdicts, 0.0).max(axis=1) < 1
    usable, texts = int(grid.usable.sum()), np.count_nonzero(np.bincount(grid.texts[grid.usable]))
    return PoolFacts(
        *picks.place, grid.n, len(grid), usable, finals.left_out(grid.n)[0],
        100 * (1 - texts / usable if usable else 0.0), 100 * float(right.mean()), 100 * float(none.mean()),
        picks.note, int((grid.usable & grid.empty).sum()),
    )  # fmt: skip


def step_scores(finals: Finals, critic: str) -> StepScoreHistogram:
    """The distribution of a critic's step scores over right and wrong candidates, in 20 bins."""
    (policy, benchmark, split), note, grid = finals.picks.place, finals.picks.note, finals.grid
    where = f"{benchmark} {split}".rstrip() + (f" ({note})" if note else "")
    said, verdicts = grid.columns.said[critic], grid.columns.graded.values
    # A text counts as often as there are candidates that wrote it.
    times = np.bincount(grid.texts[grid.usable], minlength=len(verdicts))
    sides = [np.repeat(np.where(verdicts == verdict, times, 0), said.sizes) for verdict in (1, 0)]
    counted = said.numbers[(sides[0] > 0) | (sides[1] > 0)]
    # Chances; a third party's scores may go beyond.
    edges = np.linspace(counted.min(initial=0.0), counted.max(initial=1.0), _BINS + 1)
    bins = np.minimum(np.searchsorted(edges, said.numbers, side="right") - 1, _BINS - 1)  # The last has both its edges.
    counts = [tuple(np.bincount(bins[side > 0], side[side > 0], _BINS).astype(int).tolist()) for side in sides]
    return StepScoreHistogram(policy, where, critic, tuple(edges.tolist()), *counts)
