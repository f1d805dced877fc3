"""The score stage: every distinct text that a critic has not seen yet is scored and stored."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import CriticError, UnreadableJudgeError, VisualPRMEvalError
from visualprm_eval.core.progress import track
from visualprm_eval.core.types import Problem, Spec, StepScores
from visualprm_eval.core.visible import tell
from visualprm_eval.core.words import counted
from visualprm_eval.stages.experiment import Work, missing_scores
from visualprm_eval.stages.score.critics import StreamingCritic, critic_text, release
from visualprm_eval.stages.score.judge_critic import UNREADABLE, JudgeCritic, kept_by
from visualprm_eval.store import sound
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.stages.score.critics import Critic
    from visualprm_eval.store import Store

FIRST_ITEMS, MOST_ITEMS = 8, 64
"""Solutions handed to a critic at a time, in the beginning and at most: enough to fill batches."""

_NOTHING_TO_JUDGE = StepScores((0.0,), ("",))
"""What step judges say of an empty reply, without being asked."""

PATIENCE_S = 10.0
"""What a crash may cost, in seconds of a critic's time: chunks that take longer are made smaller."""


def score(
    store: Store, experiments: Sequence[Experiment], critics: Mapping[str, Critic], *, retry_failed: bool
) -> list[str]:
    """Scores the candidates that a critic has not seen, one checkpoint after the other.

    Args:
        store: Where scores go.
        experiments: Whose candidates are scored.
        critics: Who scores, by label; those of one checkpoint stand together.
        retry_failed: Whether stored failures are tried again.

    Returns:
        Labels of judges of whose replies none could be read; the reasons are printed.

    Raises:
        CriticError: When a critic breaks its contract.
    """
    unread, last = [], None
    for label, critic in critics.items():
        if last is not None and getattr(critic, "checkpoint", None) is not getattr(last, "checkpoint", None):
            release(last)
        last = critic
        try:
            for experiment in experiments:
                if (scoring := experiment.scorings.get(label)) is not None:
                    work = missing_scores(store, experiment, label, retry_failed=retry_failed)
                    said = f"score {experiment.label} with {label}"
                    read = functools.partial(critic_text, scoring=scoring.settings)
                    score_missing(store, critic, scoring, experiment.problems, work, label=said, read=read)
        except UnreadableJudgeError as error:  # It costs its own rows and nobody else's.
            tell(f"error: {error}")
            unread.append(label)
    if last is not None:
        release(last)
    return unread


def score_missing(
    store: Store, critic: Critic, scoring: Spec, problems: Mapping[str, Problem], work: Sequence[Work], *, label: str,
    read: Callable[[str], str] = str,
) -> None:  # fmt: skip
    """Scores ``work`` and stores each chunk as soon as it is done.

    Args:
        store: Where scores go.
        critic: Who scores.
        scoring: The key of the scores.
        problems: Problems by id.
        work: What the store said is missing, ordered by problem; an empty reply as a blank text, which step judges are
            not asked about.
        label: What to call this work in the progress display.
        read: What the critic gets of a text.

    Raises:
        CriticError: When the critic breaks its contract.
        UnreadableJudgeError: When none of the first replies of a judge can be read; they are kept.
    """
    if not work:
        return
    allowed = sound.range_of(scoring.settings)
    work = [(problem_id, text_id, read(text)) for problem_id, text_id, text in work]
    store.put_spec(scoring)
    if isinstance(critic, JudgeCritic):
        store.put_scores(scoring.id, [(*item[:2], _NOTHING_TO_JUDGE) for item in work if not item[2].strip()])
        work = [item for item in work if item[2].strip()]
    with kept_by(critic, store), track(label, len(work)) as tracker:
        start = time.monotonic()
        for number, (part, outcomes) in enumerate(_scored(critic, problems, work, label)):
            _insist_on_scores(outcomes, label)
            if number == 0:
                _insist_on_range(outcomes, allowed, label)
                note_versions(store, scoring)
            share = (time.monotonic() - start) / max(1, len(part))
            store.put_scores(scoring.id, _facts(part, outcomes, share, allowed))
            tracker.advance(len(part))
            if number == 0 and isinstance(critic, JudgeCritic):
                asked = [outcome for (_, _, text), outcome in zip(part, outcomes, strict=True) if text.strip()]
                _insist_on_readable(critic, asked, len(work) - len(part), label)
            start = time.monotonic()


def _scored(
    critic: Critic, problems: Mapping[str, Problem], work: Sequence[Work], label: str
) -> Iterator[tuple[list[Work], list[StepScores]]]:
    """All work with its scores, some at a time, as soon as they are made."""
    missing = set(range(len(work)))
    with _failing(label):
        if isinstance(critic, StreamingCritic):
            stream = critic.stream(_items(critic, problems, work))
        else:
            stream = _chunked(critic, problems, work, label)
        for told in stream:
            places = [place for place, _ in told]
            if len(set(places) & missing) < len(places):
                raise CriticError(f"{label}: scores came back for solutions that were not asked for, or twice")
            missing.difference_update(places)
            yield [work[place] for place in places], [outcome for _, outcome in told]
    if missing:
        raise CriticError(
            f"{label}: {counted(len(work) - len(missing), 'score')} came back for {counted(len(work), 'solution')}"
        )


def _chunked(
    critic: Critic, problems: Mapping[str, Problem], work: Sequence[Work], label: str
) -> Iterator[list[tuple[int, StepScores]]]:
    """As ``StreamingCritic.stream``, by a critic that scores chunks."""
    # A judge's replies are stored one by one, so that large chunks, which keep its servers busy, put none at risk.
    pace = Pace(MOST_ITEMS, fixed=True) if isinstance(critic, JudgeCritic) else Pace()
    for chunk in _chunks(work, pace):
        start = time.monotonic()
        outcomes = critic.score(_items(critic, problems, [work[place] for place in chunk]))
        if len(outcomes) != len(chunk):
            raise CriticError(
                f"{label}: {counted(len(outcomes), 'score')} came back for {counted(len(chunk), 'solution')}"
            )
        yield list(zip(chunk, outcomes, strict=True))
        pace.took(time.monotonic() - start)


def _items(critic: Critic, problems: Mapping[str, Problem], work: Sequence[Work]) -> list[tuple[Problem, list[str]]]:
    return [(problems[problem_id], critic.split(text)) for problem_id, _, text in work]


@contextmanager
def _failing(label: str) -> Iterator[None]:
    """Whatever a critic, perhaps a third party's, stumbles over is a critic's error."""
    try:
        yield
    except VisualPRMEvalError:
        raise
    except (Exception, SystemExit) as error:
        raise CriticError(f"{label} failed: {type(error).__name__}: {error}; all scores until then are kept") from error


@dataclass
class Pace:
    """How many solutions a critic gets at a time.

    Attributes:
        items: Solutions in the next chunk.
        fixed: Whether that never changes.
    """

    items: int = FIRST_ITEMS
    fixed: bool = False

    def took(self, seconds: float) -> None:
        """Learns from the time that the last chunk took."""
        if self.fixed:
            return
        if seconds > PATIENCE_S:
            self.items = max(1, self.items // 2)
        elif seconds < PATIENCE_S / 4:
            self.items = min(MOST_ITEMS, 2 * self.items)


def _insist_on_scores(outcomes: Sequence[StepScores], label: str) -> None:
    strange = next((type(each).__name__ for each in outcomes if not isinstance(each, StepScores)), None)
    if strange is not None:
        raise CriticError(f"{label}: the critic gave {strange}, expected StepScores; all scores until then are kept")


def _insist_on_range(outcomes: Sequence[StepScores], allowed: sound.ScoreRange, label: str) -> None:
    """A critic whose first scores are beyond its range has declared none, and all that it gives would be failures."""
    for outcome in outcomes:
        if all(map(math.isfinite, outcome.scores)) and (wrong := sound.wrong_with_numbers(outcome.scores, allowed)):
            raise CriticError(
                f"{label}: {wrong}; let the critic declare its range as an attribute, such as {sound.SCORE_RANGE} = "
                "(-1, 1), with None where there is no bound"
            )


def _insist_on_readable(judge: JudgeCritic, outcomes: Sequence[StepScores], rest: int, label: str) -> None:
    """Stops paying a judge of whose first replies none can be read."""
    reasons = [each.error or "" for each in outcomes]
    if not reasons or not all(reason.startswith(UNREADABLE) for reason in reasons):
        return
    said = (
        f"{label}: of {counted(len(outcomes), 'solution')} none got a reply that can be read ({reasons[-1]}; of "
        f"the last one: {judge.came}). The replies are stored; take another judge, or ask this one again with "
        "--retry-failed"
    )
    if rest:
        raise UnreadableJudgeError(f"{said}. It is not asked about the other {rest:,}")
    tell(f"note: {said}")


def _facts(
    chunk: Sequence[Work], outcomes: Sequence[StepScores], seconds: float, allowed: sound.ScoreRange
) -> Iterator[tuple[str, str, StepScores]]:
    """Facts for the store, each with its share of the time that they took together."""
    for (problem_id, text_id, _), outcome in zip(chunk, outcomes, strict=True):
        yield problem_id, text_id, replace(_checked(outcome, allowed), seconds=seconds)


def _checked(outcome: StepScores, allowed: sound.ScoreRange) -> StepScores:
    """Scores that are no numbers of the critic's range, or none at all, are a failure, which reports count."""
    if outcome.error is None and not outcome.scores:
        return StepScores((), error="the critic gave no scores")
    if outcome.error is None and (wrong := sound.wrong_with_numbers([*map(float, outcome.scores)], allowed)):
        return StepScores((), error=f"the critic gave {outcome.scores}: {wrong}")
    return outcome


def _chunks(work: Sequence[Work], pace: Pace) -> Iterator[list[int]]:
    """Places of work, those of whole problems together where they fit: a critic can share a problem's image."""
    chunk: list[int] = []
    for _, group in groupby(range(len(work)), key=lambda place: work[place][0]):
        rest = list(group)
        if chunk and len(chunk) + len(rest) > pace.items:
            yield chunk
            chunk = []
        while len(rest) > pace.items:
            size = pace.items
            yield rest[:size]
            rest = rest[size:]
        chunk += rest
    if chunk:
        yield chunk
