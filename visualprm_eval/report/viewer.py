"""The data of the viewer in ``report.html``: problems with their candidates, within limits on their size.

Everything here ends up as JSON that the page shows as text; nothing is markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from visualprm_eval.report.text import visible_text
from visualprm_eval.report.thumbnails import Thumbnails

if TYPE_CHECKING:
    from visualprm_eval.outcomes import Pick
    from visualprm_eval.pools import AnswerFn, ProblemFacts
    from visualprm_eval.types import Candidate, StepScores

__all__ = ["Viewer", "ViewerBuilder"]

PAGE = 25
"""Problems that the page decodes at a time."""
_EXCERPT = 300
_LONGEST = 20_000
_LEAST = 2_000
_CEILING = "oracle"
"""Who knows the verdicts, and so differs from every reranker that errs."""

StepsOf = Callable[[str], Mapping[tuple[str, str], "StepScores"]]
"""A critic's label to what it said, steps included, by problem and text id."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """What the viewer shows.

    Attributes:
        rerankers: Labels of all rerankers, in order; the index refers to them by number.
        index: One entry per policy and problem, for the list, filters and search.
        pages: JSON of ``PAGE`` problems each, in the order of the index.
        pictures: Data URLs.
        notes: What had to be left out.
    """

    rerankers: tuple[str, ...] = ()
    index: tuple[Mapping[str, Any], ...] = ()
    pages: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class ViewerBuilder:
    """Takes one policy on one benchmark after the other.

    Attributes:
        n_problems: How many entries there will be, which share the room for texts.
        budget: Characters of candidates' texts for all entries together.
        thumbnails: Who makes pictures small.
    """

    n_problems: int
    budget: int = 40_000_000
    thumbnails: Thumbnails = field(default_factory=Thumbnails)

    def __post_init__(self) -> None:
        self._rerankers: dict[str, int] = {}
        self._index: list[dict[str, Any]] = []
        self._entries: list[dict[str, Any]] = []
        self._pages: list[str] = []
        self._purse, self._left_out, self._cut = 0, 0, 0

    def add(
        self, facts: Sequence[ProblemFacts], picks: Sequence[Pick], steps: StepsOf, answer: AnswerFn, policy: str
    ) -> None:
        """Adds the problems of a policy on a benchmark.

        Args:
            facts: What is known of each problem.
            picks: What rerankers chose at their largest k.
            steps: Where the steps are.
            answer: The local answer of a text.
            policy: The policy's name.
        """
        chosen: dict[str, list[Pick]] = {}
        for pick in picks:
            chosen.setdefault(pick.problem_id, []).append(pick)
        scored = {critic: steps(critic) for critic in dict.fromkeys(label for fact in facts for label in fact.scores)}
        for fact in facts:
            self._add(_Entry(fact, chosen.get(fact.problem.id, []), scored, answer, policy))

    def viewer(self) -> Viewer:
        """Everything that was added."""
        self._turn_page()
        notes = []
        if self._left_out:
            notes.append(f"{self._left_out:,} candidates are left out here to keep this file small; the store has them")
        if self._cut:
            notes.append(f"{self._cut:,} texts are cut here to keep this file small; the store has the whole")
        if self.thumbnails.left_out:
            notes.append(f"{self.thumbnails.left_out:,} pictures are not here, unreadable, or left out to save room")
        return Viewer(
            tuple(self._rerankers), tuple(self._index), tuple(self._pages), tuple(self.thumbnails.urls), tuple(notes)
        )

    def _add(self, entry: _Entry) -> None:
        missed = []
        for pick in entry.picks:
            number = self._rerankers.setdefault(pick.reranker, len(self._rerankers))
            if entry.solvable and pick.verdict is not None and pick.verdict < 1:
                missed.append(number)
        verdicts = {pick.verdict for pick in entry.picks if pick.reranker != _CEILING}
        problem = entry.facts.problem
        self._index.append({
            "p": visible_text(entry.policy), "b": visible_text(problem.benchmark), "s": visible_text(problem.split),
            "i": visible_text(problem.index), "q": _cut(problem.question, _EXCERPT), "a": _cut(problem.answer, 80),
            "m": missed, "d": len(verdicts) > 1, "f": entry.failed, "u": entry.unsolvable,
        })  # fmt: skip
        self._entries.append(self._shown(entry))
        if len(self._entries) == PAGE:
            self._turn_page()

    def _turn_page(self) -> None:
        if self._entries:
            self._pages.append(json.dumps(self._entries, separators=(",", ":")))
            self._entries = []

    def _shown(self, entry: _Entry) -> dict[str, Any]:
        problem = entry.facts.problem
        self._purse += self.budget // max(1, self.n_problems)
        texts = []
        ordered = entry.distinct()
        for place, (candidate, ranks) in enumerate(ordered):
            if place and len(candidate.text) > self._purse:
                self._left_out += sum(len(each) for _, each in ordered[place:])
                break
            limit = min(_LONGEST, max(_LEAST, self._purse))
            self._cut += len(candidate.text) > limit
            self._purse = max(0, self._purse - min(limit, len(candidate.text)))
            texts.append(entry.text(candidate, ranks, limit))
        return {
            "q": visible_text(problem.question), "a": visible_text(problem.answer),
            "c": {visible_text(key): visible_text(value) for key, value in problem.choices.items()},
            "g": [self.thumbnails.place_of(path) for path in problem.images],
            "k": [
                {"n": pick.reranker, "r": pick.rank, "v": pick.verdict, "k": pick.k, "o": visible_text(pick.note)}
                for pick in entry.picks
            ],
            "t": texts, "l": sum(len(each) for _, each in ordered[len(texts):]),
            "e": [{"r": one.rank, "e": _cut(one.error or "", 500)} for one in entry.failures],
        }  # fmt: skip


class _Entry:
    """One policy on one problem."""

    def __init__(
        self,
        facts: ProblemFacts,
        picks: Sequence[Pick],
        scored: Mapping[str, Mapping[tuple[str, str], StepScores]],
        answer: AnswerFn,
        policy: str,
    ) -> None:
        self.facts, self.picks, self.policy = facts, picks, policy
        self._scored, self._answer = scored, answer
        self.failures = [one for one in facts.candidates if one.error is not None]
        sound = [one for one in facts.candidates if one.error is None]
        self._texts: dict[str, tuple[Candidate, list[int]]] = {}
        for one in sorted(sound, key=lambda candidate: candidate.rank):
            self._texts.setdefault(one.text_id, (one, []))[1].append(one.rank)
        verdicts = [facts.verdicts[key] for key in self._texts if key in facts.verdicts]
        self.solvable = any(verdict.value == 1 for verdict in verdicts)
        # Of a text that is not graded nobody knows.
        known = len(verdicts) == len(self._texts) > 0 and all(verdict.value is not None for verdict in verdicts)
        self.unsolvable = known and not self.solvable
        said = [facts.scores[label][key] for label in facts.scores for key in self._texts if key in facts.scores[label]]
        unscored, ungraded = (any(one.error is not None for one in rows) for rows in (said, verdicts))
        self.failed = bool(self.failures) or unscored or ungraded

    def distinct(self) -> list[tuple[Candidate, list[int]]]:
        """Its distinct texts with their ranks: those that somebody picked, then the others, each by lowest rank."""
        picked = {pick.rank for pick in self.picks}
        return sorted(self._texts.values(), key=lambda pair: (picked.isdisjoint(pair[1]), pair[1][0]))

    def text(self, candidate: Candidate, ranks: Sequence[int], limit: int) -> dict[str, Any]:
        """What the page shows of a text, cut to ``limit`` characters."""
        key = candidate.text_id
        verdict = self.facts.verdicts.get(key)
        shown: dict[str, Any] = {
            "r": list(ranks), "v": None if verdict is None else verdict.value,
            "f": _optional(self._answer(candidate.text, self.facts.problem.choices)), "n": candidate.finish,
            "s": {}, "e": [],
        }  # fmt: skip
        if verdict is not None and verdict.error is not None:
            shown["e"].append(f"not graded: {_cut(verdict.error, 300)}")
        known_as: dict[tuple[str, ...], str] = {}
        for critic, known in self._scored.items():
            said = known.get((self.facts.problem.id, key))
            if said is None or said.error is not None:
                shown["e"] += [f"{critic}: {_cut(said.error or '', 300)}"] if said is not None else []
                continue
            if not all(map(math.isfinite, said.scores)):  # JSON has no word for such a number.
                shown["e"].append(f"{critic}: its scores are not all finite numbers")
                continue
            steps = said.steps if all(said.steps) and said.steps else (candidate.text,)
            parts: str | list[str] | None = None  # The whole text as one step is not kept twice.
            if len(steps) > 1 and len(steps) == len(said.scores):  # Nor are steps that an earlier critic scored too.
                owner = known_as.setdefault(steps, critic)
                parts = owner if owner != critic else _cut_steps(steps, limit)
            shown["s"][critic] = [parts, [round(score, 4) for score in said.scores]]
        shown["t"] = _cut(candidate.text, limit)
        if any(parts[0] is not None for parts in shown["s"].values()):
            first = next(critic for critic, parts in shown["s"].items() if parts[0] is not None)
            shown["t"] = None if "\n\n".join(shown["s"][first][0]) == shown["t"] else shown["t"]
        return shown


def _cut_steps(steps: Sequence[str], limit: int) -> list[str]:
    """Steps until their characters come to ``limit``; later ones are empty but keep their scores."""
    shown, room = [], limit
    for step in steps:
        shown.append(_cut(step, room) if room > 0 else "…")
        room -= len(step)
    return shown


def _cut(text: str, limit: int) -> str:
    return visible_text(text if len(text) <= limit else f"{text[:limit]} …")


def _optional(text: str | None) -> str | None:
    return None if text is None else _cut(text, 200)
