"""What an examination comes to, as frozen rows; every view shows these and adds nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from visualprm_eval.core.baselines import LACKING, MEAN, ROWS
from visualprm_eval.core.words import part_of
from visualprm_eval.evaluate.abstentions import MANY
from visualprm_eval.evaluate.result_rows import MAX_LEFT_OUT, RerankerRow, SplitRow

if TYPE_CHECKING:
    from visualprm_eval.evaluate.stats.step_counts import StepCounts

_FAILED = {"sample": ("candidate", "sampled"), "grade": ("text", "graded")}


@dataclass(frozen=True, slots=True)
class CurvePoint(RerankerRow):
    """The value of best-of-k for one reranker and k.

    Attributes:
        metric: The metric's name.
        estimator: How ``value`` was estimated, in the glossary's words.
        value: The expected value over subsets of k of the N candidates, in percent.
        low: Lower end of its 95% interval; ``None`` where there is none.
        high: Upper end.
        sampling_error: Standard error from drawing subsets, in points; 0 where nothing was drawn.
        prefix: The value from the first k candidates, in percent, which is what published figures are.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
        n_problems: Of how many problems, those left out included; of a mean, of all its benchmarks together.
    """

    metric: str
    estimator: str
    value: float
    low: float | None
    high: float | None
    sampling_error: float
    prefix: float
    note: str = ""
    n_problems: int = 0


@dataclass(frozen=True, slots=True)
class PublishedPoint(RerankerRow):
    """A published best-of-k that a figure shows beside our curve, by our label of what selected.

    The first candidate stands for pass@1.

    Attributes:
        value: In percent, of the whole benchmark.
        source: The paper and the table.
    """

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Standing(RerankerRow):
    """A reranker's value at k = N, with its gain over the baseline.

    Attributes:
        value: In percent: the value of the results table.
        low: Lower end of its 95% interval; ``None`` where there is none.
        high: Upper end.
        gain: In points, on the same problems; ``None`` for the baseline itself, and without one.
        gain_low: Lower end of its 95% interval; ``None`` where there is none, and of an upper bound.
        gain_high: Upper end.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
        baseline: What the gain is over, one of ``visualprm_eval.core.baselines.BASELINES``; ``""`` without one.
        is_bound: Whether it looks at verdicts, as the oracle does: an upper bound, of which there is nothing to test.
    """

    value: float
    low: float | None
    high: float | None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    note: str = ""
    baseline: str = ""
    is_bound: bool = False

    @property
    def is_baseline(self) -> bool:
        """Whether it is what gains are measured against."""
        return bool(self.baseline) and self.gain is None and self.reranker == ROWS[self.baseline]

    @property
    def gain_is_shown(self) -> bool:
        """Whether the gain's interval leaves out 0."""
        return self.gain_low is not None and self.gain_high is not None and not self.gain_low <= 0 <= self.gain_high


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the gains of a policy on a benchmark are measured against.

    Attributes:
        kind: One of ``BASELINES``; ``None`` where there is none of the kind asked for.
        asked: The kind that was asked for; ``None`` for the default.
    """

    kind: str | None
    asked: str | None = None

    @property
    def head(self) -> str:
        """What the head of a column of gains says."""
        return f"gain over {self.kind}" if self.kind else f"no gain: {LACKING[self.asked or MEAN]}"


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of all N samples, where every one of them has a verdict.

    Attributes:
        value: In percent.
        k: N.
        n_problems: P, the problems of the run, those left out included.
        n_failed: How many of them were left out.
    """

    value: float
    k: int
    n_problems: int
    n_failed: int


@dataclass(frozen=True, slots=True)
class Comparison(RerankerRow):
    """Two rerankers on the same problems at k = N.

    Attributes:
        difference: Value of ``reranker`` less that of ``baseline``, in points.
        low: Lower end of its 95% interval; ``None`` where there is none.
        high: Upper end.
        p: Two-sided: of the sign-flip test where both pick, of picks by chance where one is their mean; ``None`` where
            nothing is tested: two means, or an upper bound.
        p_corrected: After Holm's correction over all rerankers that are compared with this baseline.
        better: Problems on which ``reranker`` did better.
        worse: Problems on which it did worse.
        n_problems: All problems compared.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
        baseline_k: Best of how many ``baseline`` is, where that is not ``k``.
    """

    baseline: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    p_corrected: float | None
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
        if self.p_corrected is None:
            return "not tested"
        if self.p_corrected <= 0.05:
            return f"{winner} is better than {loser}"
        if self.low is not None and self.high is not None and not self.low <= 0 <= self.high:
            return f"{winner} may be better than {loser}, but not beyond doubt"
        return "no difference is shown"


@dataclass(frozen=True, slots=True)
class Diagnosis(RerankerRow):
    """Where one reranker loses at k = N.

    Attributes:
        oracle: pass@k, in percent.
        gap: Oracle less the reranker's value, in points: the regret.
        solvable: Problems with a right candidate.
        missed: Of these, those whose pick is not right; ``None`` for a random pick's expectation.
        recovered: What part of the way from a random pick to the oracle it goes, in percent; ``None`` where they agree.
        ties: Problems whose greatest score several different texts share, in percent; ``None`` for votes.
        ranking: How often a right candidate outscores a wrong one of its problem, in percent; ``None`` without such.
        with_length: Rank correlation of score and length in characters within problems, averaged over problems.
        with_steps: The same with the number of steps.
        with_position: The same with the candidate's rank.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
    """

    oracle: float
    gap: float
    solvable: int
    missed: int | None
    recovered: float | None
    ties: float | None = None
    ranking: float | None = None
    with_length: float | None = None
    with_steps: float | None = None
    with_position: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PoolFacts(SplitRow):
    """What the candidates of a policy on a benchmark are like.

    Attributes:
        n: N, candidates per problem.
        problems: Problems with something to choose from.
        candidates: Candidates that can be chosen.
        left_out: Candidates that failed at some stage.
        empty: Empty replies among those that can be chosen; they are wrong.
        identical: Candidates whose text an earlier one of the same problem has, in percent.
        all_right: Problems all of whose candidates are right, in percent.
        none_right: Problems none of whose candidates is right, in percent.
        note: What must be said beside the numbers, such as that they are of a part of the problems; ``""`` for nothing.
    """

    n: int
    problems: int
    candidates: int
    left_out: int
    identical: float
    all_right: float
    none_right: float
    note: str = ""
    empty: int = 0


@dataclass(frozen=True, slots=True)
class StepScoreHistogram:
    """How a critic's step scores are distributed.

    Attributes:
        edges: Edges of the bins, one more than bins.
        right: Steps of right candidates per bin.
        wrong: Steps of wrong candidates per bin.
    """

    policy: str
    benchmark: str
    critic: str
    edges: tuple[float, ...]
    right: tuple[int, ...]
    wrong: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one stage took, as far as the store knows.

    Attributes:
        stage: ``"sample"``, ``"score"`` or ``"grade"``.
        what: Whose: the sampling, or the critic.
        items: Candidates written, or distinct texts scored or graded.
        failed: Of these, those that failed.
        tokens: Tokens written; ``None`` where nobody recorded them.
        seconds: Wall-clock time; ``None`` where nobody recorded it.
        prompt_tokens: Tokens read, those of pictures included; ``None`` where nobody recorded them.
    """

    policy: str
    benchmark: str
    stage: str
    what: str
    items: int
    failed: int
    tokens: int | None = None
    seconds: float | None = None
    prompt_tokens: int | None = None

    @property
    def failures(self) -> str:
        """How many items failed, in words."""
        noun, how = _FAILED.get(self.stage, ("text", f"scored by {self.what}"))
        return f"{self.policy} on {self.benchmark}: {part_of(self.failed, self.items, noun)} failed to be {how}"


@dataclass(frozen=True, slots=True)
class Tally:
    """A problem's candidates: how many can be chosen, and how many of them are right."""

    usable: int
    right: int


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
        baselines: (policy, benchmark, split) to what its gains are measured against.
        means: (policy, benchmark, split) to the mean of all N samples, where there is one.
        unheard: Critics whose own rows are withheld, since they lack scores or failed too often, one sentence each.
        abstaining: Where so many candidates have no answer that votes say little, one sentence each.
        at_chance: Rerankers whose scores do not tell right from wrong, one sentence each.
        steps: How candidates fall into steps.
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
    baselines: Mapping[tuple[str, str, str], Baseline] = field(default_factory=dict)
    means: Mapping[tuple[str, str, str], Mean] = field(default_factory=dict)
    unheard: tuple[str, ...] = ()
    abstaining: tuple[str, ...] = ()
    at_chance: tuple[str, ...] = ()
    steps: tuple[StepCounts, ...] = ()

    @property
    def banner(self) -> str:
        """One line for every page: what is missing, failed, rests on few votes or on chance; ``""`` for nothing."""
        said = [f"UNFINISHED: {'; '.join(self.missing)}. Overalls are withheld."] if self.missing else []
        if self.unheard:
            unheard = "; ".join(self.unheard)
            said.append(f"WITHOUT A CRITIC: {unheard}. The rows that read it are withheld, and no others.")
        if failed := [cost.failures for cost in self.costs if cost.failed]:
            said.append(f"FAILED: {'; '.join(failed)}. The failures are listed with their reasons.")
        if self.lost:
            many = f"more than {MAX_LEFT_OUT:.0%} of the candidates failed"
            said.append(f"Overalls are withheld where {many}: {'; '.join(self.lost)}.")
        if self.abstaining:
            few = f"votes count less than {1 - MANY:.0%} of the candidates"
            said.append(f"WARNING: {few}: {'; '.join(self.abstaining)}.")
        if self.at_chance:
            doubt = "scores do not tell right from wrong, as those of a checkpoint that is no reward model would"
            said.append(f"WARNING: {doubt}: {'; '.join(self.at_chance)}.")
        return " ".join(said)
