"""How many candidates have no answer that votes could count: what stands beside every value of a vote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.core.words import part_of, verb

if TYPE_CHECKING:
    from visualprm_eval.evaluate.fact_columns import AnswerFn, Columns
    from visualprm_eval.evaluate.rerankers import Reranker

MANY = 0.1
"""The part of candidates that abstain above which a vote says little of the policy."""


def is_vote(reranker: Reranker) -> bool:
    """Whether a reranker reads answers."""
    return "answers" in reranker.needs


def abstained(count: int, total: int) -> str:
    """What must be said of abstentions among candidates, ``""`` where there are none."""
    if not count:
        return ""
    warning = "WARNING: " if count > MANY * total else ""
    share = f"{100 * count / total:.1f}%"
    abstain = f"{part_of(count, total, 'candidate')} {verb(count, 'abstains', 'abstain')}"
    return f"{warning}{abstain} ({share}): no answer is found in {verb(count, 'it', 'them')}"


def abstaining(columns: Columns, answer: AnswerFn, n: int) -> tuple[int, int]:
    """How many candidates with a text and a rank below ``n`` abstain, and how many there are."""
    texts = columns.candidates.texts[(columns.candidates.ranks < n) & (columns.candidates.texts >= 0)]
    return int((columns.answer_codes(answer)[texts] < 0).sum()), len(texts)
