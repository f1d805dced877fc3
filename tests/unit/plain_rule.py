"""Best-of-N as README tells it, by plain loops over one candidate after the other: what the package is compared with.

It uses nothing of the package; what it is given are plain records with the attributes that it reads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace as Facts
from typing import Any

FINE, BROKEN, OPEN = "fine", "broken", "open"
LOST, UNSAMPLED, EMPTIED, UNASKED, UNGRADED, EMPTY_METRIC = (
    "its critic is lost", "open candidates", "too many empty problems", "needs verdicts", "ungraded picks", "no metric",
)  # fmt: skip
"""Why there is no value."""

SUMMARIES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": lambda steps: math.fsum(steps) / len(steps),
    "min": lambda steps: -max(-step for step in steps),
    "max": lambda steps: -min(-step for step in steps),
    "last": lambda steps: steps[len(steps) - 1],
    "product": lambda steps: math.prod(sorted(steps)),
}


@dataclass
class Entry:
    """One candidate.

    Attributes:
        rank: Its rank.
        text: What it says.
        key: The id of that.
        vote: The answer that it counts for.
        steps: Its step scores by critic.
        right: What it is worth; ``None`` where nobody knows.
        graded: Whether a grader looked at it.
        state: Whether it can be chosen, cannot, or is not known enough to say.
    """

    rank: int
    text: str
    key: str
    vote: str | None = None
    steps: dict[str, Sequence[float]] = field(default_factory=dict)
    right: float | None = None
    graded: bool = False
    state: str = FINE


@dataclass
class Rule:
    """How to choose: one of README's names, or a function of the entries that gives one number for each.

    Attributes:
        name: ``"first"``, ``"visualprm:min"`` and so on.
        critic: Whose scores it reads.
        numbers: For a third party's rule.
    """

    name: str
    critic: str | None = None
    numbers: Callable[[Sequence[Entry]], Sequence[float]] | None = None

    @property
    def wants_verdicts(self) -> bool:
        return self.name in {"random", "oracle"}


@dataclass
class Result:
    """A value in percent, or why there is none, with the chosen entry of each problem by its id."""

    value: float | None
    why: str | None
    n_problems: int
    n_empty: int
    n_left_out: int
    chosen: dict[str, Entry | None] | None


def choose(rule: Rule, entries: Sequence[Entry]) -> Entry:
    """The entry that a rule takes out of some, given by ascending rank."""
    if rule.name in {"self-consistency", "weighted-vote"}:
        return _by_vote(rule, entries)
    if rule.numbers is not None:
        numbers = list(rule.numbers(entries))
    elif rule.name == "first":
        numbers = [-float(entry.rank) for entry in entries]
    elif rule.name == "oracle":
        numbers = [-1.0 if entry.right is None else entry.right for entry in entries]
    else:
        summary = SUMMARIES[rule.name.partition(":")[2] or "mean"]
        numbers = [summary(entry.steps[rule.critic or ""]) for entry in entries]
    winner = entries[0]
    greatest = numbers[0]
    for entry, number in zip(entries, numbers, strict=True):
        if number > greatest:
            winner, greatest = entry, number
    return winner


def _by_vote(rule: Rule, entries: Sequence[Entry]) -> Entry:
    """Every entry with an answer votes for it; the strongest answer wins, then its strongest entry."""
    strength = {
        entry.rank: SUMMARIES["mean"](entry.steps[rule.critic]) if rule.critic else 1.0
        for entry in entries
        if entry.vote is not None
    }
    totals: dict[str, float] = {}
    for entry in entries:
        if entry.vote is not None and entry.vote not in totals:
            totals[entry.vote] = math.fsum(strength[other.rank] for other in entries if other.vote == entry.vote)
    if not totals:
        return entries[0]
    strongest = next(vote for vote, total in totals.items() if total == max(totals.values()))
    voters = [entry for entry in entries if entry.vote == strongest]
    return min(voters, key=lambda entry: (-strength[entry.rank], entry.rank))


class World:
    """One policy on one benchmark.

    Args:
        facts: Records with ``problem``, ``candidates``, ``scores`` and ``verdicts``.
        rules: All rules of the run.
        n: N.
        vote: A text and the problem's options to an answer.
        grade_all: Whether every text is graded, or only what is chosen.
        joins: Whether a vote is the answer of earlier ones; spelled alike unless told otherwise.
        most_failed: The greatest part that may have failed, of a critic's texts and of problems.
    """

    def __init__(
        self, facts: Sequence[Any], rules: Sequence[Rule], n: int, vote: Callable[[str, Any], str | None], *,
        grade_all: bool, joins: Callable[[str, Sequence[str]], bool] | None = None, most_failed: float = 0.01,
    ) -> None:  # fmt: skip
        self.facts, self.rules, self.n, self.vote, self.grade_all = facts, rules, n, vote, grade_all
        self.joins = joins or (lambda one, others: one in others)
        self.most_failed = most_failed
        self.critics = {rule.critic: self._loss(rule.critic) for rule in rules if rule.critic is not None}
        self.in_play = [critic for critic, loss in self.critics.items() if loss is None]
        self.entries = [self._entries(record) for record in facts]
        self.wanted: list[set[str]] = [set() for _ in facts]

    def _loss(self, critic: str) -> str | None:
        """Why a critic is out: it lacks a score of what the first n wrote, or failed too often on it."""
        marks = []
        for record in self.facts:
            known = record.scores.get(critic, {})
            written = {one.text_id for one in record.candidates if one.error is None and one.rank < self.n}
            marks += [_mark(known.get(key)) for key in written]
        if OPEN in marks:
            return OPEN
        return BROKEN if marks.count(BROKEN) > self.most_failed * len(marks) else None

    def _entries(self, record: Any) -> list[Entry]:
        """All candidates of a problem by rank; a candidate is as good as the worst that is known of it."""
        entries: list[Entry] = []
        groups: list[list[str]] = []
        for one in sorted(record.candidates, key=lambda candidate: candidate.rank):
            entry = Entry(one.rank, one.text, one.text_id)
            entries.append(entry)
            if one.error is not None:
                entry.state = BROKEN
                continue
            if (vote := self.vote(one.text, record.problem.choices)) is not None:
                group = next((group for group in groups if self.joins(vote, group)), None)
                if group is None:
                    group = []
                    groups.append(group)
                group.append(vote)
                entry.vote = group[0]
            verdict = record.verdicts.get(one.text_id)
            entry.graded = verdict is not None
            entry.right = verdict.value if verdict is not None and verdict.error is None else None
            marks = [_mark(record.scores.get(critic, {}).get(one.text_id)) for critic in self.in_play]
            if self.grade_all:
                marks.append(OPEN if verdict is None else BROKEN if entry.right is None else FINE)
            entry.state = BROKEN if BROKEN in marks else OPEN if OPEN in marks else FINE
            for critic in self.in_play:
                if _mark(record.scores.get(critic, {}).get(one.text_id)) == FINE:
                    entry.steps[critic] = record.scores[critic][one.text_id].scores
        return entries

    def settle(self, ks: Iterable[int]) -> World:
        """Where only picks are graded: picks that were graded in vain go, until the rest are sound or not graded."""
        if self.grade_all:
            return self
        for number, entries in enumerate(self.entries):
            while True:
                chosen = self._choices(entries, ks)
                self.wanted[number] |= {entry.key for entry in chosen}
                vain = {entry.key for entry in chosen if entry.graded and entry.right is None}
                if not vain or any(not entry.graded for entry in chosen):
                    break
                for entry in entries:
                    if entry.key in vain:
                        entry.state = BROKEN
        return self

    def _choices(self, entries: Sequence[Entry], ks: Iterable[int]) -> list[Entry]:
        rules = [rule for rule in self.rules if not rule.wants_verdicts and self.critics.get(rule.critic or "") is None]
        heads = [head for k in ks if (head := self.head(entries, k))]
        return [choose(rule, head) for head in heads for rule in rules]

    def head(self, entries: Sequence[Entry], k: int) -> list[Entry] | None:
        """What can be chosen of the first k; ``None`` where one of them is open or was not sampled."""
        first = [entry for entry in entries if entry.rank < k]
        if len(first) < k or any(entry.state == OPEN for entry in first):
            return None
        return [entry for entry in first if entry.state == FINE]

    def picked(self, ks: Iterable[int]) -> set[tuple[str, str]]:
        """Problem and text ids of what is to be graded where only picks are."""
        self.settle(ks)
        return {(record.problem.id, key) for record, keys in zip(self.facts, self.wanted, strict=True) for key in keys}

    def results(
        self, ks: Sequence[int], metric: Callable[[list[Any], list[float]], float]
    ) -> dict[tuple[str, str, int], Result]:
        """A result for each split, rule and k."""
        self.settle(ks)
        splits = dict.fromkeys(record.problem.split for record in self.facts)
        return {
            (split, rule.name, k): self._result(split, rule, k, metric)
            for split in splits for rule in self.rules for k in ks
        }  # fmt: skip

    def _result(self, split: str, rule: Rule, k: int, metric: Callable[[list[Any], list[float]], float]) -> Result:
        members = [
            Facts(problem=record.problem, head=self.head(entries, k))
            for record, entries in zip(self.facts, self.entries, strict=True)
            if record.problem.split == split
        ]
        n_open = sum(member.head is None for member in members)
        filled = [member for member in members if member.head]
        n_empty = len(members) - n_open - len(filled)
        left_out = 0 if n_open else sum(k - len(member.head) for member in members)
        chosen: dict[str, Entry | None] | None = None
        out = rule.critic is not None and self.critics[rule.critic] is not None
        if not out and rule.name != "random" and (self.grade_all or not rule.wants_verdicts):
            chosen = {member.problem.id: choose(rule, member.head) if member.head else None for member in members}
        value, why = None, None
        if out:
            why = LOST
        elif n_open:
            why = UNSAMPLED
        elif n_empty > self.most_failed * len(members):
            why = EMPTIED
        elif rule.wants_verdicts and not self.grade_all:
            why = UNASKED
        else:
            worths = [
                [entry.right for entry in member.head] if chosen is None else [chosen[member.problem.id].right]
                for member in filled
            ]
            if any(None in worth for worth in worths):
                why = UNGRADED
            else:
                values = [math.fsum(worth) / len(worth) for worth in worths]
                value = 100 * metric([member.problem for member in filled], values)
                value, why = (None, EMPTY_METRIC) if math.isnan(value) else (value, None)
        return Result(value, why, len(members), n_empty, left_out, chosen)


def _mark(scored: Any) -> str:
    """Whether a critic has said nothing yet, nothing that counts, or something."""
    if scored is None:
        return OPEN
    sound = scored.error is None and len(scored.scores) > 0 and all(math.isfinite(step) for step in scored.scores)
    return FINE if sound else BROKEN


def entries_of(pool: Any) -> list[Entry]:
    """The candidates of a pool, which are all fine."""
    rights = pool.verdicts or [None] * len(pool.ranks)
    rows = zip(pool.ranks, pool.texts, pool.answers, rights, strict=True)
    return [
        Entry(rank, text, text, vote, {critic: steps[place] for critic, steps in pool.scores.items()}, right)
        for place, (rank, text, vote, right) in enumerate(rows)
    ]


def rule_of(reranker: Any, numbers: Callable[[Sequence[Entry]], Sequence[float]] | None = None) -> Rule:
    """The rule that a reranker of the package claims to follow, by its name."""
    return Rule(reranker.name, reranker.critic, numbers)
