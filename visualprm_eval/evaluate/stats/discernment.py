"""Whether a critic's final scores tell right candidates from wrong ones, on what is graded.

A policy's checkpoint that is taken for a reward model scores, too, and its picks look like those of a weak one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray
from visualprm_eval.evaluate.rerankers import StepAggregate
from visualprm_eval.evaluate.stats.bootstrap import percentiles, replicates
from visualprm_eval.evaluate.stats.diagnostics import areas
from visualprm_eval.evaluate.stats.final_picks import Finals

FEWEST = 30
"""Fewest problems with right and wrong candidates of which anything is said."""
NEAR = 0.55
"""An area below which scores are of little use for picking."""


@dataclass(frozen=True, slots=True)
class Discernment:
    """Areas under the ROC curve, from 0 to 1, of scores for right against wrong candidates; chance is one half.

    Attributes:
        within: Of the candidates of a problem, averaged over problems that have both kinds.
        low: Lower end of its 95% interval, from resampled problems.
        high: Upper end.
        pooled: Of all candidates of these problems together.
        problems: How many problems have both kinds.
    """

    within: float
    low: float
    high: float
    pooled: float
    problems: int

    @property
    def at_chance(self) -> bool:
        """Whether the scores do not tell right from wrong.

        Its interval must reach down to chance and end before what is of use. So few problems, whose interval is wide,
        are no sign, and neither is a weak critic whose interval lies above chance.
        """
        return self.problems >= FEWEST and self.low <= 0.5 and self.high < NEAR


def discernment(
    scores: FloatArray, verdicts: FloatArray, usable: BoolArray, groups: IntArray, *, seed: int = 0
) -> Discernment | None:
    """What final scores tell.

    Args:
        scores: [P, N].
        verdicts: 1 for right, 0 for wrong, [P, N]; candidates with another do not count.
        usable: Which candidates there are, [P, N].
        groups: The number of the group that each problem is resampled with, [P].
        seed: Of the resamples.

    Returns:
        ``None`` where no problem has right and wrong candidates.
    """
    from scipy.stats import rankdata

    places, within = areas(scores, verdicts, usable)
    if not len(places):
        return None
    sizes = np.bincount(groups[places])
    sums = np.bincount(groups[places], within).astype(np.float64)[sizes > 0]
    (low,), (high,) = percentiles(replicates(sums[:, None], sizes[sizes > 0].astype(np.float64), seed=seed))
    decided = usable[places] & np.isin(verdicts[places], (0.0, 1.0))
    right = verdicts[places][decided] == 1
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    beaten = float(rankdata(scores[places][decided])[right].sum()) - n_right * (n_right + 1) / 2
    return Discernment(float(within.mean()), float(low), float(high), beaten / (n_right * n_wrong), len(places))


def scores_at_chance(finals: Finals) -> Iterator[str]:
    """The rerankers whose scores do not tell right from wrong, one sentence each."""
    picks, grid = finals.picks, finals.grid
    for reranker in picks.asked:
        if not isinstance(reranker, StepAggregate):
            continue
        scores, measure = reranker.scores(grid), picks.measure
        found = discernment(scores, grid.verdicts, grid.usable, measure.groups, seed=measure.seed)
        if found is not None and found.at_chance:
            where = "{} on {} {}".format(*picks.place).rstrip()
            hard = ", so at most hard problems are told from easy ones" if found.pooled >= NEAR else ""
            yield (
                f"{where}: by {reranker.name} a right candidate outscores a wrong one of its problem in "
                f"{found.within:.1%} of the cases (95% interval {100 * found.low:.1f} to {100 * found.high:.1f}, "
                f"{found.problems:,} problems), one of any problem in {found.pooled:.1%}{hard}"
            )
