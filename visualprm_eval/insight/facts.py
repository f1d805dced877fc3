"""What an examination comes to, as frozen rows; every view shows these and adds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from visualprm_eval.insight.banner import banner_of
from visualprm_eval.insight.losses import Cost, Diagnosis, PoolFacts, StepScoreHistogram, Tally

__all__ = [
    "Comparison",
    "Cost",
    "CurvePoint",
    "Diagnosis",
    "Insight",
    "PoolFacts",
    "PublishedPoint",
    "Standing",
    "StepScoreHistogram",
    "Tally",
]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The value of best-of-k for one reranker and k.

    Attributes:
        policy: Who wrote the candidates.
        benchmark: The benchmark's name.
        split: Its split, ``""`` when it has one only.
        metric: The metric's name.
        reranker: The reranker's label.
        k: Best of how many.
        estimator: How ``value`` was estimated, in the glossary's words.
        value: The expected value over subsets of k of the N candidates, in percent.
        low: Lower end of its 95% interval; ``None`` where there is none.
        high: Upper end.
        sampling_error: Standard error from drawing subsets, in points; 0 where nothing was drawn.
        prefix: The value from the first k candidates, in percent, which is what published figures are.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
        n_problems: Of how many problems, those left out included; of a mean, of all its benchmarks together.
    """

    policy: str
    benchmark: str
    split: str
    metric: str
    reranker: str
    k: int
    estimator: str
    value: float
    low: float | None
    high: float | None
    sampling_error: float
    prefix: float
    note: str = ""
    n_problems: int = 0


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """A published best-of-k that a figure shows beside our curve.

    Attributes:
        policy: Our name of the policy.
        benchmark: The benchmark's name.
        split: The split of our curve.
        reranker: Our label of what selected; the first candidate stands for pass@1.
        k: Best of how many.
        value: In percent, of the whole benchmark.
        source: The paper and the table.
    """

    policy: str
    benchmark: str
    split: str
    reranker: str
    k: int
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A reranker's value at k = N, with its gain over pass@1 (the first candidate).

    Attributes:
        value: In percent: the value of the results table.
        low: Lower end of its 95% interval; ``None`` where there is none.
        high: Upper end.
        gain: In points, on the same problems; ``None`` for the first candidate itself.
        gain_low: Lower end of its 95% interval.
        gain_high: Upper end.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
    """

    policy: str
    benchmark: str
    split: str
    reranker: str
    k: int
    value: float
    low: float | None
    high: float | None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    note: str = ""

    @property
    def gain_is_shown(self) -> bool:
        """Whether the gain's interval leaves out 0."""
        return self.gain_low is not None and self.gain_high is not None and not self.gain_low <= 0 <= self.gain_high


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rerankers on the same problems at k = N.

    Attributes:
        difference: Value of ``reranker`` less that of ``baseline``, in points.
        low: Lower end of its 95% interval; ``None`` where there is none.
        high: Upper end.
        p: Two-sided p-value of the sign-flip test.
        p_corrected: After Holm's correction over all rerankers that are compared with this baseline.
        better: Problems on which ``reranker`` did better.
        worse: Problems on which it did worse.
        n_problems: All problems compared.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
        baseline_k: Best of how many ``baseline`` is, where that is not ``k``.
    """

    policy: str
    benchmark: str
    split: str
    k: int
    reranker: str
    baseline: str
    difference: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float
    better: int
    worse: int
    n_problems: int
    note: str = ""
    baseline_k: int | None = None

    @property
    def verdict(self) -> str:
        """The outcome in words."""
        names = (self.reranker, self.baseline)
        winner, loser = names if self.difference > 0 else names[::-1]
        if self.p_corrected <= 0.05:
            return f"{winner} is better than {loser}"
        if self.low is not None and self.high is not None and not self.low <= 0 <= self.high:
            return f"{winner} may be better than {loser}, but not beyond doubt"
        return "no difference is shown"


@dataclass(frozen=True, slots=True)
class Insight:
    """Everything that the reports show beside the plain values.

    Attributes:
        points: Curves over k.
        standings: Values and gains at k = N with intervals, overalls last.
        comparisons: Paired tests at k = N.
        diagnoses: Where rerankers lose.
        pools: What candidates are like.
        histograms: Distributions of step scores.
        costs: What stages took.
        missing: What the store still lacks or what failed, one sentence each; their policies have no overalls then.
        tallies: (policy, benchmark, problem id) to how many candidates are right.
        published: Published figures for the curves.
        lost: Where too many candidates failed for an overall, one sentence each, of policies that might have one.
    """

    points: tuple[CurvePoint, ...] = ()
    standings: tuple[Standing, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    pools: tuple[PoolFacts, ...] = ()
    histograms: tuple[StepScoreHistogram, ...] = ()
    costs: tuple[Cost, ...] = ()
    missing: tuple[str, ...] = ()
    tallies: Mapping[tuple[str, str, str], Tally] = field(default_factory=dict)
    published: tuple[PublishedPoint, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def banner(self) -> str:
        """One line that says what is missing and what failed, for every page; ``""`` for nothing."""
        return banner_of(self.missing, self.costs, self.lost)
