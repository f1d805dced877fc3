"""From pools to picks and values. Pure functions; nothing is read or written here.

The rules, which hold for every reranker alike:

- A candidate without a text, without a score of any critic in play, or whose verdict failed leaves the pool, see
  ``visualprm_eval.pools``. When only picks are graded, only verdicts of picks count.
- A problem whose pool is empty at k is left out of the values at k and counted as failed. Above 1% failed problems the
  value is withheld.
- A problem whose first k candidates were not all sampled, scored and graded yet is incomplete, and every value at k is
  withheld: nothing is averaged over what happens to exist.
- Splits of a benchmark are never mixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from visualprm_eval.outcomes import INCOMPLETE, OVERALL, Pick, ResultRow
from visualprm_eval.overall import overall_rows
from visualprm_eval.pools import Case, ProblemFacts, build_pool, needs_all_verdicts, picked_texts, verdict_value
from visualprm_eval.registry import needed_critics
from visualprm_eval.rerankers import Pool, pick
from visualprm_eval.tasks.base import no_remark, row_mean
from visualprm_eval.types import Problem, text_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from visualprm_eval.pools import AnswerFn
    from visualprm_eval.rerankers import Reranker

__all__ = [
    "MAX_FAILED",
    "OVERALL",
    "Metric",
    "Pick",
    "ProblemFacts",
    "ResultRow",
    "TableFigure",
    "build_pool",
    "evaluate_benchmark",
    "overall_rows",
    "picked_texts",
    "row_mean",
]

Metric = Callable[[Sequence[Problem], Sequence[float]], float]
"""Problems, [P], and the value of each, [P] from 0 to 1, to the benchmark's number from 0 to 1."""

TableFigure = Callable[[Mapping[str, str]], float | None]
"""Picked texts, by the index of their problem, to the host's figure of them as one table, in percent."""

MAX_FAILED = 0.01
"""The greatest part of problems that may be left out of a value."""


def evaluate_benchmark(
    facts: Sequence[ProblemFacts],
    rerankers: Sequence[Reranker],
    ks: Iterable[int],
    answer: AnswerFn,
    *,
    policy: str,
    benchmark: str,
    metric: str,
    grade_all: bool,
    aggregate: Metric = row_mean,
    remark: Callable[[Sequence[Problem]], str] = no_remark,
    n_total: int | None = None,
    whole: TableFigure | None = None,
) -> tuple[list[ResultRow], list[Pick]]:
    """The results of one policy on one benchmark.

    Args:
        facts: What is known of each problem, [P].
        rerankers: All rerankers of the run; a candidate must have the scores of all their critics.
        ks: Best of how many.
        answer: The local answer of a text.
        policy: The policy's name.
        benchmark: The benchmark's name.
        metric: The metric's name.
        grade_all: Whether all texts were graded, or only what :func:`picked_texts` names.
        aggregate: How the values of the problems become the benchmark's number.
        remark: What must be said of that number over the problems that it is taken over.
        n_total: How many problems the whole benchmark has; ``None`` when nobody knows.
        whole: Where values come from when verdicts on single texts do not make them; asked once for each table of picks
            that is complete.

    Returns:
        A row per split, reranker and k, and a pick per row and problem of those rerankers that pick.
    """
    sizes = sorted(set(ks))
    critic = next(iter(needed_critics(rerankers)), None)
    splits: dict[str, list[Case]] = {}
    for each in facts:
        case = Case.of(each, rerankers, sizes, answer, grade_all=grade_all)
        splits.setdefault(each.problem.split, []).append(case)
    total = n_total if len(splits) == 1 else None
    rounds = [
        _Round(policy, benchmark, split, metric, k, cases, critic, grade_all, aggregate, remark, total, whole)
        for split, cases in splits.items()
        for k in sizes
    ]
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    for reranker in rerankers:
        for each_round in rounds:
            values, chosen = each_round.outcomes(reranker)
            rows.append(each_round.row(reranker, values, chosen))
            picks.extend(chosen)
    return rows, picks


@dataclass(frozen=True)
class _Round:
    """All problems of one split at one k.

    Attributes:
        cases: Its problems, [P].
        critic: Whose step scores picks show when their reranker has no critic.
    """

    policy: str
    benchmark: str
    split: str
    metric: str
    k: int
    cases: Sequence[Case]
    critic: str | None
    grade_all: bool
    aggregate: Metric
    remark: Callable[[Sequence[Problem]], str]
    n_total: int | None
    whole: TableFigure | None

    @cached_property
    def heads(self) -> list[Pool | None]:
        """Each problem's pool at k, [P]; ``None`` where not all is known of the first k candidates."""
        return [case.pool.head(self.k) if case.complete(self.k) else None for case in self.cases]

    @cached_property
    def kept(self) -> list[tuple[Problem, Pool]]:
        """The problems that have something to choose from, each with its pool at k."""
        pairs = zip(self.cases, self.heads, strict=True)
        return [(case.facts.problem, head) for case, head in pairs if head]

    @cached_property
    def n_left_out(self) -> int:
        """How many of the first k candidates of all problems cannot be picked."""
        return self.k * len(self.cases) - sum(len(head) for _, head in self.kept)

    def outcomes(self, reranker: Reranker) -> tuple[list[float], list[Pick]]:
        """The value of each problem in ``kept``, NaN where a verdict is missing, and a pick per problem, [P]."""
        values: list[float] = []
        picks: list[Pick] = []
        if needs_all_verdicts(reranker) and not self.grade_all:
            return values, picks
        for case, head in zip(self.cases, self.heads, strict=True):
            place = pick(reranker, head) if head else None
            if head and place is not None:
                picks.append(self._pick(reranker, case.facts, head, place))
                values.append(verdict_value(case.facts, text_id(head.texts[place])))
            elif head:
                values.append(math.fsum(head.verdicts or ()) / len(head))
            elif not reranker.expectation:
                lacking = f"{INCOMPLETE}candidates, scores or verdicts are lacking"
                note = lacking if head is None else f"failed: none of the first {self.k} candidates can be used"
                picks.append(self._no_pick(reranker, case.facts.problem, note))
        return values, picks

    def _no_pick(self, reranker: Reranker, problem: Problem, note: str) -> Pick:
        return Pick(
            policy=self.policy,
            benchmark=self.benchmark,
            split=self.split,
            problem_id=problem.id,
            index=problem.index,
            question=problem.question,
            answer=problem.answer,
            reranker=reranker.name,
            k=self.k,
            rank=None,
            text="",
            critic=None,
            step_scores=None,
            verdict=None,
            final_answer=None,
            note=note,
        )

    def _pick(self, reranker: Reranker, facts: ProblemFacts, head: Pool, place: int) -> Pick:
        critic = reranker.critic or self.critic
        value = verdict_value(facts, text_id(head.texts[place]))
        return replace(
            self._no_pick(reranker, facts.problem, note=""),
            rank=head.ranks[place],
            text=head.texts[place],
            critic=critic,
            step_scores=None if critic is None else head.scores[critic][place],
            verdict=None if math.isnan(value) else value,
            final_answer=head.answers[place],
        )

    def row(self, reranker: Reranker, values: Sequence[float], picks: Sequence[Pick]) -> ResultRow:
        """The benchmark's number from the values of its problems or from the picks, or why there is none."""
        n_problems, n_kept, n_incomplete = len(self.cases), len(self.kept), self.heads.count(None)
        n_failed = n_problems - n_incomplete - n_kept
        n_ungraded = sum(map(math.isnan, values))
        value: float | None = None
        if n_incomplete:
            note = f"{INCOMPLETE}{n_incomplete:,} of {n_problems:,} problems lack candidates, scores or verdicts"
        elif n_failed / n_problems > MAX_FAILED:
            note = f"withheld: {n_failed:,} of {n_problems:,} problems failed"
        elif needs_all_verdicts(reranker) and not self.grade_all:
            note = "needs --grade all" if self.whole is None else "needs verdicts on single texts; there are none"
        elif self.whole is not None:
            value, note = self._figure(picks)
        elif n_ungraded:
            note = f"{INCOMPLETE}{n_ungraded:,} of {n_kept:,} picks are not graded"
        else:
            value, note = self._counted(values)
        return ResultRow(
            policy=self.policy,
            benchmark=self.benchmark,
            split=self.split,
            reranker=reranker.name,
            k=self.k,
            metric=self.metric,
            value=value,
            n_problems=n_problems,
            n_failed=n_failed,
            note=note,
            n_total=self.n_total,
            n_left_out=0 if n_incomplete else self.n_left_out,
        )

    def _figure(self, picks: Sequence[Pick]) -> tuple[float | None, str]:
        """The host's figure of the picks as one table, and what must be said of it."""
        texts = {each.index: each.text for each in picks if each.rank is not None}
        number = None if self.whole is None else self.whole(texts)
        if number is None:
            return None, f"{INCOMPLETE}the host has not evaluated this table of picks"
        return number, self._note(self.remark([problem for problem, _ in self.kept]))

    def _counted(self, values: Sequence[float]) -> tuple[float | None, str]:
        """The number, and what must be said of it."""
        problems = [problem for problem, _ in self.kept]
        number, remark = self.aggregate(problems, values), self.remark(problems)
        if math.isnan(number):
            return None, f"withheld: {remark or 'the metric has nothing to be taken over'}"
        return 100 * number, self._note(remark)

    def _note(self, remark: str) -> str:
        """What must be said of a number beside its metric's own remark."""
        partial = self.n_total is not None and self.n_total > len(self.cases)
        subset = f"{len(self.cases):,} of {self.n_total:,} problems" if partial else ""
        return "; ".join(filter(None, (subset, remark, self._remarks())))

    def _remarks(self) -> str:
        """What a reader of a value must know of its candidates."""
        n_all = self.k * len(self.cases)
        n_cut = sum(
            candidate.finish == "length" and candidate.error is None and candidate.rank < self.k
            for case in self.cases
            for candidate in case.facts.candidates
        )
        counts = {
            "left out": self.n_left_out,
            "cut at the token limit": n_cut,
        }
        return "; ".join(f"{count:,} of {n_all:,} candidates {what}" for what, count in counts.items() if count)
