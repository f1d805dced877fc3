"""The data of the viewer in ``report.html``: problems with their candidates, within limits on their size.

Everything here ends up as JSON that the page shows as text; nothing is markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from visualprm_eval.core.groups import grouped
from visualprm_eval.core.visible import visible_name, visible_text
from visualprm_eval.evaluate.fact_columns import Columns
from visualprm_eval.report.viewer.thumbnails import Thumbnails

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem, StepScores
    from visualprm_eval.evaluate.fact_columns import AnswerFn, ProblemFacts
    from visualprm_eval.evaluate.result_rows import Pick

PAGE = 25
"""Problems that the page decodes at a time."""
SHOWN: Mapping[str, str] = {
    "all": "all problems",
    "missed": "the reranker is wrong though a right one existed",
    "disagree": "rerankers disagree: one is right, one is not",
    "failed": "something failed",
    "unsolvable": "no candidate is right",
}
"""What the viewer can be told to show, by the names of its filters, in words."""
_EXCERPT = 300
_LONGEST = 20_000
_LEAST = 2_000
_CEILING = "oracle"
"""Who knows the verdicts, and so differs from every reranker that errs."""

_Scored = Mapping[tuple[str, str], "StepScores"]
StepsOf = Callable[[str, Collection[tuple[str, str]]], _Scored]
"""A critic's label, and problem and text ids, to what it said of these texts, steps included."""

ReasoningsOf = Callable[[Iterable[tuple[str, int]]], Mapping[tuple[str, int], str]]
"""Problem ids and ranks to what came of the model's thoughts beside the texts of these candidates."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """What the viewer shows.

    Attributes:
        rerankers: Labels of all rerankers or critics, in order; the index refers to them by number.
        index: One entry per policy and problem, for the list, filters and search.
        pages: JSON of ``PAGE`` problems each, in the order of the index.
        pictures: Data URLs.
        notes: What had to be left out.
        shown: The filters in words.
        chooser: Whose errors a filter asks for: what ``rerankers`` are.
    """

    rerankers: Sequence[str] = ()
    index: Sequence[Mapping[str, Any]] = ()
    pages: Sequence[str] = ()
    pictures: Sequence[str] = ()
    notes: Sequence[str] = ()
    shown: Mapping[str, str] = field(default_factory=lambda: SHOWN)
    chooser: str = "reranker"


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
        self._entries: list[str] = []
        self._purse, self._left_out, self._cut, self._unshown = 0, 0, 0, 0

    def add(
        self, facts: Sequence[ProblemFacts] | Columns, picks: Sequence[Pick], steps: StepsOf, answer: AnswerFn,
        policy: str, *, reasonings: ReasoningsOf = lambda _: {},
    ) -> None:  # fmt: skip
        """Adds the problems of a policy on a benchmark.

        Args:
            facts: What is known of each problem.
            picks: What rerankers chose at their largest k.
            steps: Where the steps are.
            answer: The local answer of a text.
            policy: The policy's name.
            reasonings: Where the reasoning beside texts is.
        """
        columns = Columns.of(facts)
        reasoned = set(_reasoned(columns))
        entries = list(_entries(columns, grouped(picks, lambda pick: pick.problem_id)))
        limits, thoughts = [], []
        for entry in entries:
            ordered = entry.ordered()
            room = self.limits([len(columns.values[text]) for text in ordered])
            limits.append(dict(zip(ordered, room, strict=False)))
            shown_ranks = [(entry.problem.id, rank) for text in limits[-1] for rank in entry.ranks[text]]
            known = reasonings([key for key in shown_ranks if key in reasoned])
            thoughts.append({rank: cut(said, room) for (_, rank), said, room in self._with_room(known)})
        keys = [columns.key(text) for shown in limits for text in shown]
        told = _Texts(columns, {critic: steps(critic, keys) for critic in columns.said}, columns.answers(answer))
        for entry, shown, beside in zip(entries, limits, thoughts, strict=True):
            texts = [told.shown(text, entry.ranks[text], limit) for text, limit in shown.items()]
            for text in texts:
                if own := [[rank, beside[rank]] for rank in text["r"] if rank in beside]:
                    text["h"] = own
            self._add(entry, texts, policy)

    def viewer(self) -> Viewer:
        """Everything that was added."""
        starts = range(0, len(self._entries), PAGE)
        pages = [f"[{','.join(self._entries[start : start + PAGE])}]" for start in starts]
        counts = {
            "candidates are left out here to keep this file small; the store has them": self._left_out,
            "texts are cut here to keep this file small; the store has the whole": self._cut,
            "texts of reasoning are cut or left out here to keep this file small; the store has them": self._unshown,
            "pictures are not here, unreadable, or left out to save room": self.thumbnails.left_out,
        }
        notes = [f"{count:,} {remark}" for remark, count in counts.items() if count]
        return Viewer([*map(visible_name, self._rerankers)], self._index, pages, self.thumbnails.urls, notes)

    def _add(self, entry: _Entry, texts: Sequence[Mapping[str, Any]], policy: str) -> None:
        for pick in entry.picks:
            self._rerankers.setdefault(pick.reranker, len(self._rerankers))
        wrong = [pick for pick in entry.picks if pick.verdict is not None and pick.verdict < 1]
        missed = [self._rerankers[pick.reranker] for pick in wrong] if entry.solvable else []
        verdicts = {pick.verdict for pick in entry.picks if pick.reranker != _CEILING}
        problem, left_out = entry.problem, sum(map(len, entry.ranks.values())) - sum(len(text["r"]) for text in texts)
        self._left_out += left_out
        self.put(problem, {
            "p": policy, "b": problem.benchmark, "s": problem.split, "i": problem.index, "m": missed,
            "d": len(verdicts) > 1, "f": entry.failed, "u": entry.unsolvable,
        }, {
            "k": [
                {
                    "n": visible_name(pick.reranker), "r": pick.rank, "v": pick.verdict, "k": pick.k,
                    "o": visible_name(pick.note),
                }
                for pick in entry.picks
            ],
            "t": texts, "l": left_out,
            "e": [{"r": rank, "e": visible_name(cut(error, 500))} for rank, error in entry.failures],
        })  # fmt: skip

    def put(self, problem: Problem, row: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        """Adds one entry.

        Args:
            problem: What was asked.
            row: For the list and its filters: policy ``p``, benchmark ``b``, split ``s``, index ``i``, numbers of those
                who err ``m``, whether they disagree ``d``, whether anything failed ``f`` and what else can be filtered
                ``u``.
            entry: What is shown of it: picks ``k``, texts ``t``, how many are left out ``l`` and failures ``e``.
        """
        seen = {key: visible_name(value) if isinstance(value, str) else value for key, value in row.items()}
        self._index.append({**seen, "q": cut(problem.question, _EXCERPT), "a": cut(problem.answer, 80)})
        asked = {
            "q": visible_text(problem.question), "a": visible_text(problem.answer),
            "c": {visible_name(key): visible_text(value) for key, value in problem.choices.items()},
            "g": [self.thumbnails.place_of(path) for path in problem.images],
        }  # fmt: skip
        self._entries.append(json.dumps({**asked, **entry}, separators=(",", ":")))

    def limits(self, sizes: Iterable[int]) -> list[int]:
        """How many characters there is room for of each of the next entry's texts, but those that there is none for.

        A text of more is counted as cut.
        """
        self._purse += self.budget // max(1, self.n_problems)
        limits: list[int] = []
        for size in sizes:
            if limits and size > self._purse:
                break
            limits.append(min(_LONGEST, max(_LEAST, self._purse)))
            self._cut += size > limits[-1]
            self._purse = max(0, self._purse - min(limits[-1], size))
        return limits

    def _with_room(self, known: Mapping[tuple[str, int], str]) -> Iterator[tuple[tuple[str, int], str, int]]:
        """Reasoning, and how many characters of it the entry's texts have left room for."""
        for key, said in known.items():
            room = min(_LONGEST, self._purse)
            self._unshown += len(said) > room
            if room > 0:
                self._purse -= min(room, len(said))
                yield key, said, room


@dataclass(frozen=True)
class _Entry:
    """One policy on one problem.

    Attributes:
        problem: The problem.
        ranks: The number of each of its texts to the ranks of the candidates that wrote it, lowest first.
        failures: Ranks of candidates without a text, and why.
        solvable: Whether one of its texts is right.
        unsolvable: Whether all of them are known not to be.
        failed: Whether anything failed at any stage.
        picks: What rerankers chose.
    """

    problem: Problem
    ranks: Mapping[int, Sequence[int]]
    failures: Sequence[tuple[int, str]]
    solvable: bool
    unsolvable: bool
    failed: bool
    picks: Sequence[Pick]

    def ordered(self) -> list[int]:
        """Its texts: those that somebody picked, then the others, each by lowest rank."""
        picked = {pick.rank for pick in self.picks}
        return sorted(self.ranks, key=lambda text: picked.isdisjoint(self.ranks[text]))


def _entries(columns: Columns, picks: Mapping[str, Sequence[Pick]]) -> Iterator[_Entry]:
    """An entry per problem; picks are by the problem's id."""
    candidates, count = columns.candidates, len(columns)
    right = np.bincount(columns.owners[columns.graded.values == 1], minlength=count)
    ungraded = np.bincount(columns.owners[np.isnan(columns.graded.values)], minlength=count)
    broken = set(columns.graded.errors).union(*(said.errors for said in columns.said.values()))
    ends = np.searchsorted(candidates.owners, np.arange(count + 1))
    ranks, texts = candidates.ranks.tolist(), candidates.texts.tolist()
    for place, problem in enumerate(columns.problems):
        own: dict[int, list[int]] = {}
        failures = []
        for number in range(ends[place], ends[place + 1]):
            if texts[number] < 0:
                failures.append((ranks[number], candidates.errors[number]))
            else:
                own.setdefault(texts[number], []).append(ranks[number])
        failed = bool(failures) or not broken.isdisjoint(own)
        unsolvable = bool(own) and not right[place] and not ungraded[place]  # Of what is not graded nobody knows.
        yield _Entry(problem, own, failures, bool(right[place]), unsolvable, failed, picks.get(problem.id, ()))


def _reasoned(columns: Columns) -> Iterator[tuple[str, int]]:
    """Problem ids and ranks of the candidates that came with reasoning."""
    candidates = columns.candidates
    for place in candidates.reasoned:
        yield columns.problems[candidates.owners[place]].id, int(candidates.ranks[place])


@dataclass(frozen=True)
class _Texts:
    """What the page shows of texts.

    Attributes:
        columns: All texts.
        scored: Critic label to what it said of the shown ones, steps included.
        answers: The vote of each text.
    """

    columns: Columns
    scored: Mapping[str, _Scored]
    answers: Sequence[str | None]

    def shown(self, number: int, ranks: Sequence[int], limit: int) -> dict[str, Any]:
        """One text, cut to ``limit`` characters."""
        columns, key, text = self.columns, self.columns.key(number), self.columns.values[number]
        verdict, vote = float(columns.graded.values[number]), self.answers[number]
        shown: dict[str, Any] = {
            "r": list(ranks), "v": None if math.isnan(verdict) else verdict, "f": vote and cut(vote, 200),
            "n": columns.candidates.finishes[columns.writers[number]], "s": {}, "e": [],
        }  # fmt: skip
        if number in columns.graded.errors:
            shown["e"].append(f"not graded: {visible_name(cut(columns.graded.errors[number], 300))}")
        known_as: dict[tuple[str, ...], str] = {}
        for label, known in self.scored.items():
            critic, said = visible_name(label), known.get(key)
            if said is None:
                continue
            if (error := failure_of(said)) is not None:
                shown["e"].append(f"{critic}: {error}")
                continue
            steps = said.steps if all(said.steps) and said.steps else (text,)
            parts: str | list[str] | None = None  # The whole text as one step is not kept twice.
            if len(steps) > 1 and len(steps) == len(said.scores):  # Nor are steps that an earlier critic scored too.
                owner = known_as.setdefault(steps, critic)
                parts = owner if owner != critic else cut_steps(steps, limit)
            shown["s"][critic] = [parts, [round(score, 4) for score in said.scores]]
        whole = cut(text, limit)
        first = next((parts for parts, _ in shown["s"].values() if parts is not None), ())
        shown["t"] = None if first and "\n\n".join(first) == whole else whole
        return shown


def cut_steps(steps: Sequence[str], limit: int) -> list[str]:
    """Steps until their characters come to ``limit``; later ones are empty but keep their scores."""
    shown, room = [], limit
    for step in steps:
        shown.append(cut(step, room) if room > 0 else "…")
        room -= len(step)
    return shown


def cut(text: str, limit: int) -> str:
    """Text of ``limit`` characters at most, with a mark where more of it follows."""
    return visible_text(text if len(text) <= limit else f"{text[:limit]} …")


def failure_of(said: StepScores) -> str | None:
    """Why a critic's scores cannot be shown; ``None`` where they can."""
    if said.error is None and all(map(math.isfinite, said.scores)):
        return None
    return visible_name(
        cut(said.error or "its scores are not all finite numbers", 300)
    )  # JSON has no word for such a number.
