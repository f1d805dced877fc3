"""What an examination says beside values: where rerankers lose, what candidates are like, what stages took."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Cost", "Diagnosis", "PoolFacts", "StepScoreHistogram", "Tally"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
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

    policy: str
    benchmark: str
    split: str
    reranker: str
    k: int
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
class PoolFacts:
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

    policy: str
    benchmark: str
    split: str
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


@dataclass(frozen=True, slots=True)
class Tally:
    """A problem's candidates: how many can be chosen, and how many of them are right."""

    usable: int
    right: int
