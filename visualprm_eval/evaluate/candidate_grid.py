"""The candidates that every reranker may choose from, of many problems at once, as arrays, [P, N].

The rules, which hold for every reranker alike:

- A candidate without a text, without a score of any critic in play, or whose verdict failed cannot be chosen. When only
  picks are graded no verdict matters here, see ``visualprm_eval.evaluate.study``.
- A candidate of which nothing failed and something is lacking is not known yet: best-of-k of its problem would be a
  guess from then on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress, pairwise
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from visualprm_eval.core.types import Problem, StepScores, Verdict
from visualprm_eval.core.words import counted, listed, part_of
from visualprm_eval.evaluate.fact_columns import AnswerFn, Candidates, Columns, Graded, ProblemFacts, Said
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray, exact_sums

_T = TypeVar("_T", np.float64, np.int64, np.bool_)


@dataclass(frozen=True)
class Pool:
    """The candidates of one problem that every reranker chooses from, by ascending rank.

    Attributes:
        problem_id: ``Problem.id``.
        ranks: Their ranks, ascending and distinct, [N]; failed candidates leave gaps.
        texts: What the policy wrote, [N].
        answers: Their votes, ``None`` for an abstention, [N].
        scores: Critic label to the step scores of each candidate, [N][T].
        verdicts: 1.0 right, 0.0 wrong (or the host's fraction), [N]; ``None`` unless all were graded.

    Raises:
        ValueError: The sizes differ or the ranks do not ascend.
    """

    problem_id: str
    ranks: tuple[int, ...]
    texts: tuple[str, ...]
    answers: tuple[str | None, ...]
    scores: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    verdicts: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        columns: list[Sequence[Any]] = [self.texts, self.answers, *self.scores.values()]
        if self.verdicts is not None:
            columns.append(self.verdicts)
        if any(len(column) != len(self.ranks) for column in columns):
            raise ValueError(f"pool of problem {self.problem_id}: its columns differ in length")
        if any(low >= high for low, high in pairwise(self.ranks)):
            raise ValueError(f"pool of problem {self.problem_id}: ranks {self.ranks} do not ascend")

    def __len__(self) -> int:
        """N, the number of candidates."""
        return len(self.ranks)

    def only(self, ranks: Collection[int]) -> Pool:
        """The candidates that have one of these ranks: what the pool would be had only they been sampled."""
        kept = [rank in ranks for rank in self.ranks]

        def part(column: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(compress(column, kept))

        scores = {label: part(rows) for label, rows in self.scores.items()}
        verdicts = None if self.verdicts is None else part(self.verdicts)
        return Pool(self.problem_id, part(self.ranks), part(self.texts), part(self.answers), scores, verdicts)

    def head(self, k: int) -> Pool:
        """The candidates with a rank below ``k``."""
        return self.only(range(k))


@dataclass(frozen=True)
class Grid:
    """P problems with N candidates each, a column per rank.

    Attributes:
        columns: Where their facts are.
        critics: Labels of all critics in play, sorted.
        answer: The local answer of a text.
        graded: Whether all texts are graded, or only picks.
        rows: The place of each problem in ``columns``, [P].
        cells: The place of each candidate in ``columns``; -1 where none was sampled, [P, N].
        known: Whether all is known of the candidate, be it that it failed, [P, N].
        texts: The number of its text in ``columns``; -1 where there is no candidate to choose, [P, N].
    """

    columns: Columns
    critics: tuple[str, ...]
    answer: AnswerFn
    graded: bool
    rows: IntArray = field(repr=False)
    cells: IntArray = field(repr=False)
    known: BoolArray = field(repr=False)
    texts: IntArray = field(repr=False)

    @classmethod
    def of(cls, columns: Columns, critics: Iterable[str], answer: AnswerFn, n: int, *, graded: bool) -> Grid:
        """Arranges all problems.

        Args:
            columns: What is known of them.
            critics: Labels of all critics in play; their order does not matter.
            answer: The local answer of a text.
            n: N; candidates of later ranks are left out.
            graded: Whether a candidate must have a verdict.
        """
        labels, candidates = tuple(sorted(set(critics))), columns.candidates
        failed, known = np.zeros(len(columns.values), dtype=bool), np.ones(len(columns.values), dtype=bool)
        needed: list[Said | Graded] = [columns.graded] if graded else []
        for facts in (*needed, *map(columns.critic, labels)):
            failed |= facts.failed
            known &= facts.known
        # A candidate without a text has failed, whatever is said of the last text, which -1 points at.
        out = np.append(failed, True)[candidates.texts]
        waiting = ~out & ~np.append(known, True)[candidates.texts]
        chosen = np.flatnonzero(candidates.ranks < n)
        cells = np.full((len(columns), n), -1, dtype=np.int64)
        cells[candidates.owners[chosen], candidates.ranks[chosen]] = chosen
        texts = np.append(np.where(out | waiting, -1, candidates.texts), -1)[cells]
        return cls(
            columns, labels, answer, graded, np.arange(len(columns)), cells, np.append(~waiting, False)[cells], texts
        )

    @classmethod
    def of_pool(cls, pool: Pool) -> Grid:
        """One problem, with the candidates of a pool at their ranks."""

        def votes(*_: object) -> None:
            """Never asked: the votes of a pool are known."""

        size, n = len(pool), pool.ranks[-1] + 1
        numbers = np.full(n, -1, dtype=np.int64)
        numbers[list(pool.ranks)] = np.arange(size)
        owners = np.zeros(n, dtype=np.int64)
        candidates = Candidates(owners, np.arange(n), numbers, {}, [""] * n, *[[None] * n] * 4)
        said = {label: Said.of([StepScores(steps) for steps in rows]) for label, rows in pool.scores.items()}
        graded = Graded.of([Verdict(value) for value in pool.verdicts or ()] or [None] * size)
        problem = Problem("", "", "", (), "", pool.problem_id)
        known_votes: dict[AnswerFn, list[str | None]] = {votes: list(pool.answers)}
        columns = Columns(
            (problem,), candidates, pool.texts, pool.texts, owners[:size], said, graded, votes=known_votes
        )
        grid = cls.of(columns, (), votes, n, graded=False)
        return replace(grid, critics=tuple(sorted(said)), graded=pool.verdicts is not None)

    @property
    def n(self) -> int:
        """N."""
        return int(self.texts.shape[1])

    def __len__(self) -> int:
        """P."""
        return len(self.rows)

    @cached_property
    def problems(self) -> list[Problem]:
        """The problems, [P]."""
        return [self.columns.problems[row] for row in self.rows.tolist()]

    @cached_property
    def usable(self) -> BoolArray:
        """Whether there is a candidate to choose, [P, N]."""
        return self.texts >= 0

    @cached_property
    def verdicts(self) -> FloatArray:
        """1.0 right, 0.0 wrong (or the host's fraction), NaN where nothing is usable or graded, [P, N]."""
        return self.spread(self.columns.graded.values)

    @cached_property
    def cut(self) -> BoolArray:
        """Which candidates have a text that ended at the token limit, whether they can be chosen or not, [P, N]."""
        candidates = self.columns.candidates
        cut = np.fromiter((finish == "length" for finish in candidates.finishes), bool, len(candidates))
        return np.append(cut & (candidates.texts >= 0), False)[self.cells]

    def unscored(self, critic: str, k: int) -> int:
        """How many of the first k candidates have a text that a critic failed on."""
        failed = np.append(self.columns.critic(critic).failed, False)[self.columns.candidates.texts]
        return int(np.append(failed, False)[self.cells[:, :k]].sum())

    @cached_property
    def empty(self) -> BoolArray:
        """Which candidates are empty replies, [P, N]."""
        return self.spread(self.columns.empty, gap=False)

    @cached_property
    def unread(self) -> BoolArray:
        """Which candidates say something that has no final answer, as far as votes can tell, [P, N]."""
        return self.usable & ~self.empty & (self.votes < 0)

    def unread_remark(self, k: int) -> str:
        """A warning of exact matching where most of the first k candidates have no final answer, ``""`` elsewhere."""
        total = int((self.usable & ~self.empty)[:, :k].sum())
        unread = int(self.unread[:, :k].sum())
        if 2 * unread <= total:
            return ""
        return (
            f"warning: exact matching found no final answer in {part_of(unread, total, 'candidate')}, so a low value "
            "may say nothing of the policy: grade with a judge (--judge)"
        )

    @cached_property
    def votes(self) -> IntArray:
        """A number per distinct answer of a problem, from 0; -1 for an abstention or a gap, [P, N]."""
        return self.spread(self.columns.answer_codes(self.answer), gap=-1)

    @cached_property
    def pools(self) -> tuple[Pool, ...]:
        """The same problem by problem, [P], for rerankers of which only their own code is known."""
        return tuple(map(self.pool, range(len(self))))

    def pool(self, row: int) -> Pool:
        """What there is to choose from of one problem."""
        ranks = np.flatnonzero(self.usable[row])
        texts = self.texts[row, ranks].tolist()
        answers, columns = self.columns.answers(self.answer), self.columns
        return Pool(
            self.problems[row].id,
            tuple(ranks.tolist()),
            tuple(columns.values[text] for text in texts),
            tuple(answers[text] for text in texts),
            {label: tuple(columns.said[label].steps(text) for text in texts) for label in self.critics},
            tuple(columns.graded.values[texts].tolist()) if self.graded else None,
        )

    def complete(self, k: int) -> BoolArray:
        """Of which problems all is known of the first k candidates, [P]; else best-of-k would be a guess."""
        return np.logical_and.reduce(self.known[:, :k], axis=1) if k <= self.n else np.zeros(len(self), dtype=bool)

    def lacking(self, k: int) -> str:
        """What is still to be made of the first k candidates, each kind with its number; failures are not lacking.

        Scores and verdicts are counted by distinct text.
        """
        cells, facts = self.cells[:, :k], self.columns
        waiting = cells[(cells >= 0) & ~self.known[:, :k]]
        texts = np.unique(facts.candidates.texts[waiting])
        counts = {("candidate", "candidates"): int((cells < 0).sum()) + max(0, k - self.n) * len(self)}
        for label in self.critics:
            said = facts.said.get(label)
            unscored = len(texts) if said is None else int((~said.known[texts]).sum())
            counts[f"score of {label}", f"scores of {label}"] = unscored
        if self.graded:
            counts["verdict", "verdicts"] = int((~facts.graded.known[texts]).sum())
        return listed(counted(count, *nouns) for nouns, count in counts.items() if count)

    def take(self, rows: IntArray | BoolArray) -> Grid:
        """Some of the problems, by their places here."""
        arrays = {name: getattr(self, name)[rows] for name in ("rows", "cells", "known", "texts")}
        return replace(self, **arrays)

    def without(self, texts: BoolArray) -> Grid:
        """The same without candidates that have one of these texts, [S]; what is known stays known."""
        return replace(self, texts=np.where(self.spread(texts, gap=False), -1, self.texts))

    def spread(self, facts: npt.NDArray[_T], gap: float = np.nan) -> npt.NDArray[_T]:
        """What is known of each text, [S], for each candidate, [P, N]; ``gap`` where there is no usable one."""
        return np.append(facts, gap).astype(facts.dtype, copy=False)[self.texts]

    def responses(self, critic: str | None, how: str) -> FloatArray:
        """The score of each response by a critic, see ``AGGREGATES``, [P, N]; NaN where nothing is usable."""
        return self.spread(self.columns.critic(critic).aggregate(how))

    def texts_at(self, ranks: IntArray) -> IntArray:
        """The numbers of the texts of the candidates of these ranks, [P, R]; -1 for -1."""
        return np.where(ranks < 0, -1, np.take_along_axis(self.texts, np.maximum(ranks, 0), axis=1))

    def worth(self, ranks: IntArray) -> FloatArray:
        """The verdicts of the candidates of these ranks, [P, R]; NaN for -1 and where there is no verdict."""
        return np.append(self.columns.graded.values, np.nan)[self.texts_at(ranks)]

    def mean_worth(self, k: int) -> FloatArray:
        """What a random pick from the first k candidates is worth on average, [P]; NaN where there is none to pick."""
        usable = self.usable[:, :k]
        sizes = usable.sum(axis=1)
        sums = exact_sums(self.verdicts[:, :k][usable], np.nonzero(usable)[0], len(self))
        return np.where(sizes > 0, sums / np.maximum(sizes, 1), np.nan)


def build_pool(facts: ProblemFacts, critics: Iterable[str], answer: AnswerFn, *, require_verdicts: bool) -> Pool:
    """The candidates of one problem that every reranker may choose from.

    Args:
        facts: What is known of the problem.
        critics: Labels of all critics in play; their order does not matter.
        answer: The local answer of a text.
        require_verdicts: A candidate whose verdict failed or is missing leaves the pool too, and the pool holds the
            verdicts. Without it no verdict matters, and the pool holds none.

    Returns:
        The pool by ascending rank, possibly empty.
    """
    columns = Columns.of([facts])
    n = int(columns.candidates.ranks.max(initial=0)) + 1
    return Grid.of(columns, critics, answer, n, graded=require_verdicts).pool(0)
