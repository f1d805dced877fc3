"""The rules of pools, picks and values by plain loops over one problem after the other.

Written a second time on purpose: what is worked out on arrays must come to the same rows and picks, word for word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from visualprm_eval.core.answers.numbers import is_measure
from visualprm_eval.core.types import Candidate, Problem, StepScores, text_id
from visualprm_eval.evaluate import withheld
from visualprm_eval.evaluate.benchmark_values import Metric
from visualprm_eval.evaluate.fact_columns import AnswerFn, ProblemFacts
from visualprm_eval.evaluate.pools import needs_all_verdicts
from visualprm_eval.evaluate.reranker_registry import needed_critics
from visualprm_eval.evaluate.rerankers import Pool, Reranker, pick
from visualprm_eval.evaluate.result_rows import Pick, ResultRow
from visualprm_eval.tasks.base import no_remark, row_mean


def build_pool(
    facts: ProblemFacts,
    critics: Iterable[str],
    answer: AnswerFn,
    *,
    require_verdicts: bool,
    without: Collection[str] = (),
) -> Pool:
    """The candidates of one problem that every reranker may choose from.

    Args:
        facts: What is known of the problem.
        critics: Labels of all critics in play; their order does not matter.
        answer: The local answer of a text.
        require_verdicts: A candidate whose verdict failed or is missing leaves the pool too, and the pool holds the
            verdicts. Without it no verdict matters, and the pool holds none.
        without: Ids of texts that leave the pool whatever is known of them.

    Returns:
        The pool by ascending rank, possibly empty.
    """
    labels = sorted(set(critics))
    standings = _standings(facts, labels, require_verdicts=require_verdicts)
    sound = [each for each, standing in standings if standing == "sound" and each.text_id not in without]
    return _pool(facts, sound, labels, answer, require_verdicts=require_verdicts)


def _pool(
    facts: ProblemFacts, kept: Sequence[Candidate], labels: Sequence[str], answer: AnswerFn, *, require_verdicts: bool
) -> Pool:
    """Candidates by ascending rank, all of whose facts are there, as a pool."""
    ids = [candidate.text_id for candidate in kept]
    votes = votes_by_rank(facts, answer)
    return Pool(
        problem_id=facts.problem.id,
        ranks=tuple(candidate.rank for candidate in kept),
        texts=tuple(candidate.text for candidate in kept),
        answers=tuple(votes[candidate.rank] for candidate in kept),
        scores={label: tuple(facts.scores[label][key].scores for key in ids) for label in labels},
        verdicts=tuple(verdict_value(facts, key) for key in ids) if require_verdicts else None,
    )


def votes_by_rank(facts: ProblemFacts, answer: AnswerFn) -> dict[int, str | None]:
    """The vote of each candidate that has a text: the first one, by rank, that is the same answer."""
    votes: dict[int, str | None] = {}
    groups: list[list[str]] = []
    for candidate in sorted(facts.candidates, key=lambda candidate: candidate.rank):
        if candidate.error is not None:
            continue
        vote = answer(candidate.text, facts.problem.choices)
        group = next((group for group in groups if vote is not None and _joins(vote, group)), None)
        if group is None and vote is not None:
            groups.append([vote])
        elif group is not None and vote is not None:
            group.append(vote)
        votes[candidate.rank] = vote if group is None else group[0]
    return votes


def _joins(vote: str, group: Sequence[str]) -> bool:
    """Whether a vote is the answer of a group: spelled alike, or the same number with no other unit of measure."""
    if vote in group:
        return True
    keys = [getattr(one, "key", None) for one in (vote, *group)]
    if any(key is None or key.kind != "number" or key.value != keys[0].value for key in keys):
        return False
    return len({key.unit for key in keys if key.unit and is_measure(key.unit)}) <= 1


_Standing = Literal["sound", "failed", "unknown"]


def _standings(
    facts: ProblemFacts, labels: Iterable[str], *, require_verdicts: bool
) -> list[tuple[Candidate, _Standing]]:
    """The candidates by ascending rank, with whether each has all its facts, has one that failed, or lacks one."""
    scores = [facts.scores.get(label, {}) for label in labels]
    by_rank = sorted(facts.candidates, key=lambda candidate: candidate.rank)
    return [(each, _standing(facts, each, scores, require_verdicts=require_verdicts)) for each in by_rank]


def _standing(
    facts: ProblemFacts, candidate: Candidate, scores: Iterable[Mapping[str, StepScores]], *, require_verdicts: bool
) -> _Standing:
    if candidate.error is not None:
        return "failed"
    key = candidate.text_id
    lacking = require_verdicts and key not in facts.verdicts
    if require_verdicts and not lacking and math.isnan(verdict_value(facts, key)):
        return "failed"
    for known in scores:
        scored = known.get(key)
        if scored is None:
            lacking = True
        elif not _is_sound(scored):
            return "failed"
    return "unknown" if lacking else "sound"


def _is_sound(scored: StepScores) -> bool:
    """Whether a critic gave numbers to work with."""
    if scored.error is not None or not scored.scores:
        return False
    # A finite sum is one of finite numbers; an infinite one may be so too.
    return math.isfinite(sum(scored.scores)) or all(map(math.isfinite, scored.scores))


def _has_failed(facts: ProblemFacts, key: str) -> bool:
    """Whether a text was graded in vain."""
    return key in facts.verdicts and math.isnan(verdict_value(facts, key))


def verdict_value(facts: ProblemFacts, key: str) -> float:
    """The verdict of a text by its id, NaN when there is none or it failed."""
    verdict = facts.verdicts.get(key)
    return math.nan if verdict is None or verdict.value is None or verdict.error is not None else verdict.value


@dataclass(frozen=True, slots=True)
class Case:
    """One problem with its full pool.

    Attributes:
        facts: What is known of the problem.
        pool: The candidates to choose from.
        known: Ranks of the candidates of which all is known, be it a failure.
        picked: When only picks are graded: ids of the texts whose verdicts decide the pool and the results.
    """

    facts: ProblemFacts
    pool: Pool
    known: frozenset[int]
    picked: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        facts: ProblemFacts,
        rerankers: Sequence[Reranker],
        critics: Collection[str],
        ks: Iterable[int],
        answer: AnswerFn,
        *,
        grade_all: bool,
    ) -> Case:
        """Builds the pool of a problem, see :func:`build_pool`.

        When only picks are graded, a pick whose verdict failed leaves the pool and another takes its place, until no
        pick is a failure. No other verdict matters: what else was ever graded changes no result.

        Args:
            facts: What is known of the problem.
            rerankers: Those of the run that read no critic but these.
            critics: Those of which a candidate needs scores.
            ks: Best of how many.
            answer: The local answer of a text.
            grade_all: Whether all texts are graded, or only picks.
        """
        labels = sorted(critics)
        standings = _standings(facts, labels, require_verdicts=grade_all)
        known = frozenset(each.rank for each, standing in standings if standing != "unknown")
        sound = [each for each, standing in standings if standing == "sound"]
        case = cls(facts, _pool(facts, sound, labels, answer, require_verdicts=grade_all), known)
        return case if grade_all else case._without_failed_picks(rerankers, labels, sorted(set(ks)), answer)

    def _without_failed_picks(
        self, rerankers: Sequence[Reranker], critics: Sequence[str], ks: Sequence[int], answer: AnswerFn
    ) -> Case:
        """Itself with what is picked, after picks whose verdicts failed have given way to others."""
        case = self
        choosers = [reranker for reranker in rerankers if not needs_all_verdicts(reranker)]
        picked: set[str] = set()
        failed: set[str] = set()
        while chosen := case._choices(choosers, ks):
            picked |= chosen
            failures = {key for key in chosen if _has_failed(self.facts, key)}
            # Which picks come next is only certain once all of these are graded.
            if not failures or chosen - self.facts.verdicts.keys():
                break
            failed |= failures
            pool = build_pool(self.facts, critics, answer, require_verdicts=False, without=failed)
            case = replace(case, pool=pool)
        return replace(case, picked=frozenset(picked))

    def complete(self, k: int) -> bool:
        """Whether all is known of the first k candidates; otherwise best-of-k would be a guess from a part of them."""
        return all(rank in self.known for rank in range(k))

    def _choices(self, choosers: Sequence[Reranker], ks: Iterable[int]) -> set[str]:
        """Ids of the texts that rerankers pick from the pool at every complete k."""
        heads = [head for head in (self.pool.head(k) for k in ks if self.complete(k)) if len(head)]
        places = [(head, pick(reranker, head)) for head in heads for reranker in choosers]
        return {text_id(head.texts[place]) for head, place in places if place is not None}


def picked_texts(
    facts: Iterable[ProblemFacts], rerankers: Sequence[Reranker], ks: Sequence[int], answer: AnswerFn
) -> set[tuple[str, str]]:
    """The texts whose verdicts decide the results when only picks are graded.

    A pick whose verdict fails leaves its pool and another takes its place, so ask again after grading until nothing
    new comes.

    Args:
        facts: What is known of each problem.
        rerankers: All rerankers of the run; those that need all verdicts pick nothing here.
        ks: Best of how many.
        answer: The local answer of a text.

    Returns:
        Pairs of problem id and text id, whether graded already or not; picks whose verdict failed are among them.
    """
    facts = list(facts)
    lost = lost_critics(facts, rerankers, max(ks))
    heard, critics = _in_play(rerankers, lost)
    cases = (Case.of(each, heard, critics, ks, answer, grade_all=False) for each in facts)
    return {(case.facts.problem.id, key) for case in cases for key in case.picked}


def lost_critics(facts: Sequence[ProblemFacts], rerankers: Sequence[Reranker], n: int) -> dict[str, str]:
    """The critics that lack a score of what the first n candidates wrote, or failed on more than 1% of it, and why."""
    lost: dict[str, str] = {}
    for critic in needed_critics(rerankers):
        total = lacking = failed = 0
        for each in facts:
            known = each.scores.get(critic, {})
            for key in {one.text_id for one in each.candidates if one.error is None and one.rank < n}:
                total += 1
                lacking += key not in known
                failed += key in known and not _is_sound(known[key])
        if lacking:
            lost[critic] = f"withheld without its critic: {lacking} of {total} texts are not scored by {critic}"
        elif failed > withheld.MAX_UNSCORED * total:
            lost[critic] = f"withheld without its critic: {failed} of {total} texts failed to be scored by {critic}"
    return lost


def _in_play(rerankers: Sequence[Reranker], lost: Mapping[str, str]) -> tuple[list[Reranker], list[str]]:
    """The rerankers that have values, and the critics of which a candidate needs scores."""
    heard = [reranker for reranker in rerankers if reranker.critic not in lost]
    return heard, needed_critics(heard)


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
) -> tuple[list[ResultRow], list[Pick]]:
    """As ``visualprm_eval.evaluate.benchmark_values.evaluate_benchmark``."""
    sizes = sorted(set(ks))
    lost = lost_critics(facts, rerankers, sizes[-1])
    heard, critics = _in_play(rerankers, lost)
    splits: dict[str, list[Case]] = {}
    for each in facts:
        case = Case.of(each, heard, critics, sizes, answer, grade_all=grade_all)
        splits.setdefault(each.problem.split, []).append(case)
    total = n_total if len(splits) == 1 else None
    rounds = [
        _Round(policy, benchmark, split, metric, k, cases, critics, lost, grade_all, aggregate, remark, total)
        for split, cases in splits.items()
        for k in sizes
    ]
    rows: list[ResultRow] = []
    picks: list[Pick] = []
    for reranker in rerankers:
        for each_round in rounds:
            values, chosen = each_round.outcomes(reranker)
            rows.append(each_round.row(reranker, values))
            picks.extend(chosen)
    return rows, picks


@dataclass(frozen=True)
class _Round:
    """All problems of one split at one k.

    Attributes:
        cases: Its problems, [P].
        critics: Those of which a candidate needs scores; picks whose reranker has no critic show those of the first.
        lost: The others, and why.
    """

    policy: str
    benchmark: str
    split: str
    metric: str
    k: int
    cases: Sequence[Case]
    critics: Sequence[str]
    lost: Mapping[str, str]
    grade_all: bool
    aggregate: Metric
    remark: Callable[[Sequence[Problem]], str]
    n_total: int | None

    @cached_property
    def heads(self) -> list[Pool | None]:
        """Each problem's pool at k, [P]; ``None`` where not all is known of the first k candidates."""
        return [case.pool.head(self.k) if case.complete(self.k) else None for case in self.cases]

    @cached_property
    def kept(self) -> list[tuple[Problem, Pool]]:
        """The problems that have something to choose from, each with its pool at k."""
        pairs = zip(self.cases, self.heads, strict=True)
        return [(case.facts.problem, head) for case, head in pairs if head]

    def outcomes(self, reranker: Reranker) -> tuple[list[float], list[Pick]]:
        """The value of each problem in ``kept``, NaN where a verdict is missing, and a pick per problem, [P]."""
        values: list[float] = []
        picks: list[Pick] = []
        if (needs_all_verdicts(reranker) and not self.grade_all) or reranker.critic in self.lost:
            return values, picks
        for case, head in zip(self.cases, self.heads, strict=True):
            place = pick(reranker, head) if head else None
            if head and place is not None:
                picks.append(self._pick(reranker, case.facts, head, place))
                values.append(verdict_value(case.facts, text_id(head.texts[place])))
            elif head:
                values.append(math.fsum(head.verdicts or ()) / len(head))
            elif not reranker.expectation:
                lacking = "incomplete: candidates, scores or verdicts are lacking"
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
        critic = reranker.critic or next(iter(self.critics), None)
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

    def row(self, reranker: Reranker, values: Sequence[float]) -> ResultRow:
        """The benchmark's number from the values of its problems, or why there is none."""
        n_problems, n_kept, n_incomplete = len(self.cases), len(self.kept), self.heads.count(None)
        n_failed = n_problems - n_incomplete - n_kept
        n_ungraded = sum(map(math.isnan, values))
        value: float | None = None
        if reranker.critic in self.lost:
            note = self.lost[reranker.critic]
        elif n_incomplete:
            note = f"incomplete: {n_incomplete} of {n_problems} problems lack candidates, scores or verdicts"
        elif n_failed / n_problems > withheld.MAX_FAILED:
            note = f"withheld: {n_failed} of {n_problems} problems failed"
        elif needs_all_verdicts(reranker) and not self.grade_all:
            note = "needs --grade all"
        elif n_ungraded:
            note = f"incomplete: {n_ungraded} of {n_kept} picks are not graded"
        else:
            value, note = self._counted(values)
        if value is not None and "answers" in reranker.needs:
            note = "; ".join(filter(None, (note, self._abstained())))
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
            n_left_out=0 if n_incomplete else self.k * len(self.cases) - sum(len(head) for _, head in self.kept),
            critics=tuple(sorted(self.critics)),
        )

    def _counted(self, values: Sequence[float]) -> tuple[float | None, str]:
        """The number, and what must be said of it."""
        problems = [problem for problem, _ in self.kept]
        number, remark = self.aggregate(problems, values), self.remark(problems)
        if math.isnan(number):
            return None, f"withheld: {remark or 'the metric has nothing to be taken over'}"
        partial = self.n_total is not None and self.n_total > len(self.cases)
        subset = f"{len(self.cases):,} of {self.n_total:,} problems" if partial else ""
        return 100 * number, "; ".join(filter(None, (subset, remark, self._remarks())))

    def _abstained(self) -> str:
        votes = [vote for _, head in self.kept for vote in head.answers]
        count = sum(vote is None for vote in votes)
        if not count:
            return ""
        share = f"{100 * count / len(votes):.1f}%"
        said = f"{count:,} of {len(votes):,} candidates abstain ({share}): no answer is found in them"
        return f"WARNING: {said}" if count > len(votes) / 10 else said

    def _remarks(self) -> str:
        """What a reader of a value must know of its candidates."""
        n_all = self.k * len(self.cases)
        n_cut = sum(
            candidate.finish == "length" and candidate.error is None and candidate.rank < self.k
            for case in self.cases
            for candidate in case.facts.candidates
        )
        counts = {
            "left out": n_all - sum(len(head) for _, head in self.kept),
            **{f"not scored by {critic}": self._unscored(critic) for critic in sorted(self.critics)},
            "cut at the token limit": n_cut,
        }
        return "; ".join(f"{count} of {n_all} candidates {what}" for what, count in counts.items() if count)

    def _unscored(self, critic: str) -> int:
        """How many of the first k candidates have a text that a critic failed on."""
        return sum(
            one.error is None and one.rank < self.k and one.text_id in known and not _is_sound(known[one.text_id])
            for case in self.cases
            for known in [case.facts.scores.get(critic, {})]
            for one in case.facts.candidates
        )
