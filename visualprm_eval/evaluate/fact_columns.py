"""All that is known of one policy on one benchmark, as columns: candidates, and their distinct texts.

A million candidates are a million rows of a few arrays here, not a million objects. Equal texts of a problem are one
text, which its candidates share, as they share its scores and its verdict.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from visualprm_eval.core.answers.equality import FormulasEqual, leaders, unasked
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.core.types import Candidate, Problem, StepScores, Verdict
from visualprm_eval.evaluate.fsum_arrays import BoolArray, FloatArray, IntArray, exact_sums

AnswerFn = Callable[[str, Mapping[str, str]], str | None]
"""A text and the problem's options to the text's vote, ``None`` for an abstention."""

_OWNER = operator.itemgetter(0)


def _means(numbers: FloatArray, starts: IntArray) -> FloatArray:
    """Means, [S]; each sum is rounded once, so that the order of the steps does not decide a tie."""
    sizes = np.diff(starts)
    return exact_sums(numbers, np.repeat(np.arange(len(sizes)), sizes), len(sizes)) / sizes


def _products(numbers: FloatArray, starts: IntArray) -> FloatArray:
    """Products, [S]; sorted, so that the order of the steps does not decide a tie."""
    steps = numbers.tolist()
    return np.array([math.prod(sorted(steps[start:end])) for start, end in itertools.pairwise(starts.tolist())])


AGGREGATES: Mapping[str, Callable[[FloatArray, IntArray], FloatArray]] = {
    "mean": _means,
    "min": lambda numbers, starts: np.minimum.reduceat(numbers, starts[:-1]),
    "max": lambda numbers, starts: np.maximum.reduceat(numbers, starts[:-1]),
    "last": lambda numbers, starts: numbers[starts[1:] - 1],
    "product": _products,
}
"""How the step scores of S responses, one after the other, become scores of responses, [S].

The steps of each begin at its start; there is at least one, and the last start is where all end, [S + 1].
"""


@dataclass(frozen=True, slots=True)
class ProblemFacts:
    """All that is known of one policy on one problem.

    Attributes:
        problem: The problem.
        candidates: Its samples, failed ones included.
        scores: Critic label to text id to what that critic said.
        verdicts: Text id to what the host said.
    """

    problem: Problem
    candidates: tuple[Candidate, ...]
    scores: Mapping[str, Mapping[str, StepScores]]
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True)
class Candidates:
    """C candidates by problem, then by rank; failed ones included.

    Attributes:
        owners: The place of each one's problem, ascending, [C].
        ranks: Its rank, [C].
        texts: The number of its text; -1 when it failed, [C].
        errors: Why those that failed have no text, by their place here.
        finishes: How each ended, such as ``"stop"``, [C].
        tokens: Tokens written, ``None`` when unknown, [C].
        seconds: Its share of the time, ``None`` when unknown, [C].
        prompt_tokens: What its reply read, on the first candidate of each reply of an API, [C].
        completion_tokens: What its reply wrote, likewise, [C].
        reasoned: The places here of those that came with reasoning beside the text.
    """

    owners: IntArray
    ranks: IntArray
    texts: IntArray
    errors: Mapping[int, str]
    finishes: Sequence[str]
    tokens: Sequence[int | None]
    seconds: Sequence[float | None]
    prompt_tokens: Sequence[int | None]
    completion_tokens: Sequence[int | None]
    reasoned: frozenset[int] = field(default=frozenset(), kw_only=True)

    def __len__(self) -> int:
        """C."""
        return len(self.ranks)


@dataclass(frozen=True)
class Said:
    """What one critic said of S texts.

    Attributes:
        known: Whether it has looked at the text, [S].
        errors: Why it gave no scores, by the text's number.
        numbers: The step scores of all texts, one after the other.
        starts: Where each text's begin, and where the last one's end, [S + 1].
        seconds: Each text's share of the time, ``None`` when unknown, [S].
    """

    known: BoolArray
    errors: Mapping[int, str]
    numbers: FloatArray
    starts: IntArray
    seconds: Sequence[float | None]
    _aggregated: dict[str, FloatArray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, scores: Sequence[StepScores | None]) -> Said:
        """From what the critic said of each text, [S]; ``None`` where it has not looked yet."""
        found = [() if one is None else one.scores for one in scores]
        return cls(
            np.array([one is not None for one in scores], dtype=bool),
            {number: one.error for number, one in enumerate(scores) if one is not None and one.error is not None},
            np.fromiter(itertools.chain.from_iterable(found), np.float64),
            np.cumsum([0, *map(len, found)], dtype=np.int64),
            [None if one is None else one.seconds for one in scores],
        )

    @property
    def sizes(self) -> IntArray:
        """T, the number of scores of each text, [S]."""
        return np.diff(self.starts)

    @property
    def sound(self) -> BoolArray:
        """Of which texts it gave numbers to work with, [S]."""
        infinite = np.concatenate([[0], np.cumsum(~np.isfinite(self.numbers))])
        sound: BoolArray = (self.sizes > 0) & (infinite[self.starts[1:]] == infinite[self.starts[:-1]])
        sound[list(self.errors)] = False
        return sound

    @property
    def failed(self) -> BoolArray:
        """Which texts it looked at in vain, [S]."""
        return self.known & ~self.sound

    def steps(self, number: int) -> tuple[float, ...]:
        """The step scores of a text, [T]."""
        return tuple(self.numbers[self.starts[number] : self.starts[number + 1]].tolist())

    def aggregate(self, how: str) -> FloatArray:
        """The score of each text as a response, see ``AGGREGATES``, [S]; NaN where there is no sound one."""
        if how not in self._aggregated:
            sound, scores = self.sound, np.full(len(self.sizes), np.nan)
            if sound.any():
                starts = np.append(0, np.cumsum(self.sizes[sound]))
                scores[sound] = AGGREGATES[how](self.numbers[np.repeat(sound, self.sizes)], starts)
            self._aggregated[how] = scores
        return self._aggregated[how]


@dataclass(frozen=True)
class Graded:
    """Verdicts on S texts.

    Attributes:
        known: Whether the text was graded, in vain or not, [S].
        values: 1.0 right, 0.0 wrong (or the host's fraction); NaN where there is no verdict or it failed, [S].
        errors: Why a text could not be graded, by its number.
        seconds: Each text's share of the time, ``None`` when unknown, [S].
    """

    known: BoolArray
    values: FloatArray
    errors: Mapping[int, str]
    seconds: Sequence[float | None]

    @classmethod
    def of(cls, verdicts: Sequence[Verdict | None]) -> Graded:
        """From the verdict on each text, [S]; ``None`` where there is none yet."""
        sound = [None if one is None or one.error is not None else one.value for one in verdicts]
        return cls(
            np.array([one is not None for one in verdicts], dtype=bool),
            np.array([np.nan if value is None else value for value in sound], dtype=np.float64),
            {number: one.error for number, one in enumerate(verdicts) if one is not None and one.error is not None},
            [None if one is None else one.seconds for one in verdicts],
        )

    @property
    def failed(self) -> BoolArray:
        """Which texts were graded in vain, [S]."""
        return self.known & np.isnan(self.values)


@dataclass(frozen=True)
class Columns:
    """P problems with their candidates, texts, scores and verdicts.

    Attributes:
        problems: The problems, [P].
        candidates: Their candidates.
        values: The texts by problem, then by their lowest rank, [S].
        ids: Their ids, [S].
        owners: The place of each one's problem, ascending, [S].
        said: Critic label to what that critic said of the texts.
        graded: Their verdicts.
        votes: The votes that are worked out already, [S] each.
        formulas_equal: Asked whether votes that are formulas of different spelling are one answer.
    """

    problems: Sequence[Problem]
    candidates: Candidates
    values: Sequence[str]
    ids: Sequence[str]
    owners: IntArray
    said: Mapping[str, Said]
    graded: Graded
    formulas_equal: FormulasEqual = field(default=unasked, repr=False, compare=False)
    votes: dict[AnswerFn, list[str | None]] = field(default_factory=dict, repr=False, compare=False)
    _codes: dict[AnswerFn, IntArray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, facts: Sequence[ProblemFacts] | Columns) -> Columns:
        """From what is known problem by problem; itself when it is arranged already.

        Raises:
            ValueError: Two candidates of a problem have one rank.
        """
        if isinstance(facts, Columns):
            return facts
        labels = dict.fromkeys(label for each in facts for label in each.scores)
        ordered = [(place, one) for place, each in enumerate(facts) for one in _by_rank(each)]
        numbers: dict[tuple[int, str], int] = {}
        texts = [
            -1 if one.error is not None else numbers.setdefault((place, one.text_id), len(numbers))
            for place, one in ordered
        ]
        values = dict(zip(texts, (one.text for _, one in ordered), strict=True))
        candidates = Candidates(
            np.array([place for place, _ in ordered], dtype=np.int64),
            np.array([one.rank for _, one in ordered], dtype=np.int64),
            np.array(texts, dtype=np.int64),
            {number: one.error for number, (_, one) in enumerate(ordered) if one.error is not None},
            [one.finish for _, one in ordered],
            [one.tokens for _, one in ordered],
            [one.seconds for _, one in ordered],
            [None if one.usage is None else one.usage.prompt_tokens for _, one in ordered],
            [None if one.usage is None else one.usage.completion_tokens for _, one in ordered],
            reasoned=frozenset(number for number, (_, one) in enumerate(ordered) if one.reasoning),
        )
        return cls(
            tuple(each.problem for each in facts), candidates,
            [values[number] for number in range(len(numbers))],
            [key for _, key in numbers],
            np.array([place for place, _ in numbers], dtype=np.int64),
            {
                label: Said.of([facts[place].scores.get(label, {}).get(key) for place, key in numbers])
                for label in labels
            },
            Graded.of([facts[place].verdicts.get(key) for place, key in numbers]),
        )  # fmt: skip

    def __len__(self) -> int:
        """P."""
        return len(self.problems)

    def answers(self, answer: AnswerFn) -> list[str | None]:
        """The vote of each text, ``None`` for an abstention, [S]; each is worked out once.

        Votes of a problem that are one answer, see ``core.answers.equality``, are spelled as the first of them.
        """
        if answer not in self.votes:
            found: list[str | None] = []
            for place, texts in itertools.groupby(zip(self.owners.tolist(), self.values, strict=True), _OWNER):
                choices = self.problems[place].choices
                votes = [answer(text, choices) for _, text in texts]
                spelled = leaders(votes, choices, self.formulas_equal)
                found += [None if vote is None else spelled[vote] for vote in votes]
            self.votes[answer] = found
        return self.votes[answer]

    def answer_codes(self, answer: AnswerFn) -> IntArray:
        """A number per distinct vote of a problem, from 0, for each text; -1 for an abstention, [S]."""
        if answer not in self._codes:
            codes: list[int] = []
            for _, votes in itertools.groupby(zip(self.owners.tolist(), self.answers(answer), strict=True), _OWNER):
                numbers: dict[str | None, int] = {None: -1}
                codes += [numbers.setdefault(vote, len(numbers) - 1) for _, vote in votes]
            self._codes[answer] = np.array(codes, dtype=np.int64)
        return self._codes[answer]

    @cached_property
    def empty(self) -> BoolArray:
        """Which texts are empty replies, [S]."""
        return np.fromiter(map(is_empty_reply, self.values), bool, len(self.values))

    def critic(self, label: str | None) -> Said:
        """What a critic said of the texts, be it nothing."""
        return self.said.get(label or "") or Said.of([None] * len(self.values))

    def key(self, number: int) -> tuple[str, str]:
        """Problem id and text id of a text."""
        return self.problems[self.owners[number]].id, self.ids[number]

    @cached_property
    def writers(self) -> IntArray:
        """The place of the first candidate that wrote each text, [S]."""
        texts = self.candidates.texts
        found, places = np.unique(texts, return_index=True)
        return places[found >= 0]

    def below(self, n: int) -> tuple[BoolArray, BoolArray]:
        """Which candidates have a rank below ``n``, [C], and which texts are theirs, [S]."""
        chosen: BoolArray = self.candidates.ranks < n
        theirs = np.zeros(len(self.values), dtype=bool)
        theirs[self.candidates.texts[chosen & (self.candidates.texts >= 0)]] = True
        return chosen, theirs


def _by_rank(facts: ProblemFacts) -> list[Candidate]:
    """A problem's candidates by ascending rank.

    Raises:
        ValueError: Two of them have one rank.
    """
    found = sorted(facts.candidates, key=lambda one: one.rank)
    if any(low.rank >= high.rank for low, high in itertools.pairwise(found)):
        raise ValueError(f"problem {facts.problem.id}: ranks {[one.rank for one in found]} do not ascend")
    return found
