"""The score stage: every distinct text that a critic has not seen yet is scored and stored."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from visualprm_eval.errors import CriticError, VisualPRMEvalError
from visualprm_eval.progress import track
from visualprm_eval.score.judge import JudgeCritic, kept_by
from visualprm_eval.types import Problem, Spec, StepScores

if TYPE_CHECKING:
    from visualprm_eval.score.critics import Critic
    from visualprm_eval.store import Store

Work = tuple[str, str, str]
"""A problem's id, a text's id, the text."""

FIRST_ITEMS, MOST_ITEMS = 8, 64
"""Solutions handed to a critic at a time, in the beginning and at most: enough to fill batches."""

PATIENCE_S = 10.0
"""What a crash may cost, in seconds of a critic's time: chunks that take longer are made smaller."""


def score_missing(
    store: Store, critic: Critic, scoring: Spec, problems: Mapping[str, Problem], work: Sequence[Work], *, label: str
) -> None:
    """Scores ``work`` and stores each chunk as soon as it is done.

    Args:
        store: Where scores go.
        critic: Who scores.
        scoring: The key of the scores.
        problems: Problems by id.
        work: What the store said is missing, ordered by problem.
        label: What to call this work in the progress display.

    Raises:
        CriticError: When the critic breaks its contract.
    """
    if not work:
        return
    store.put_spec(scoring)
    # A judge's replies are stored one by one, so that large chunks, which keep its servers busy, put none at risk.
    pace = Pace(MOST_ITEMS, fixed=True) if isinstance(critic, JudgeCritic) else Pace()
    with kept_by(critic, store), track(label, len(work)) as tracker:
        for chunk in _chunks(work, pace):
            start = time.monotonic()
            outcomes = _scores(critic, problems, chunk, label)
            store.put_scores(scoring.id, _facts(chunk, outcomes))
            pace.took(time.monotonic() - start)
            tracker.advance(len(chunk))


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


def _scores(critic: Critic, problems: Mapping[str, Problem], chunk: Sequence[Work], label: str) -> list[StepScores]:
    try:
        outcomes = critic.score([(problems[problem_id], critic.split(text)) for problem_id, _, text in chunk])
    except VisualPRMEvalError:
        raise
    except Exception as error:  # Whatever a critic, perhaps a third party's, stumbles over.
        raise CriticError(f"{label} failed: {type(error).__name__}: {error}; all scores until then are kept") from error
    if len(outcomes) != len(chunk):
        raise CriticError(f"{label}: {len(outcomes)} scores came back for {len(chunk)} solutions")
    return outcomes


def _facts(chunk: Sequence[Work], outcomes: Sequence[StepScores]) -> Iterator[tuple[str, str, StepScores]]:
    for (problem_id, text_id, _), outcome in zip(chunk, outcomes, strict=True):
        yield problem_id, text_id, _checked(outcome)


def _checked(outcome: StepScores) -> StepScores:
    """A score that is no number is a failure, which reports count; it must not slip into a mean."""
    if outcome.error is None and not all(map(math.isfinite, outcome.scores)):
        return StepScores((), error=f"the critic gave {outcome.scores}, which are not all finite numbers")
    return outcome


def _chunks(work: Sequence[Work], pace: Pace) -> Iterator[list[Work]]:
    """Whole problems together where they fit, so that a critic can share a problem's image and prompt."""
    chunk: list[Work] = []
    for _, group in groupby(work, key=lambda item: item[0]):
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
