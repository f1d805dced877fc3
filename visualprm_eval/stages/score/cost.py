"""What scoring may cost: texts, what a reward model reads of them, and what a judge of steps is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from visualprm_eval.stages.cost import Estimate, Tiling, tokens_in
from visualprm_eval.stages.score.critics import VisualPRMCritic
from visualprm_eval.stages.score.judge_critic import LEAST_TOKENS, JudgeCritic, kept_by
from visualprm_eval.tasks.process_bench.judge_prompt import TASK

if TYPE_CHECKING:
    from visualprm_eval.stages.cost import Questions
    from visualprm_eval.stages.experiment import Work
    from visualprm_eval.stages.score.critics import Critic
    from visualprm_eval.store import Store

_SYSTEM_TOKENS = 70
"""Of what a conversation with VisualPRM begins with, before the question."""
_TURN_TOKENS = 11
"""Of the marks around one step and the reply to it."""
_STEP_MARK_CHARACTERS = 25
"""Of the marks around one step that a judge is shown."""
_REPLY_TOKENS_PER_STEP = 30
"""What a judge writes of a step that gives a short reason as it is asked to."""


@dataclass(frozen=True, slots=True)
class NewTexts:
    """Texts that are not sampled yet.

    Attributes:
        problem_ids: Of each text, in any order.
        tokens: Of each text: what such texts had, else the most that a policy may write.
        steps: Of each text.
    """

    problem_ids: Sequence[str] = ()
    tokens: float = 0.0
    steps: float = 0.0


def scoring_cost(
    store: Store, critic: Critic, questions: Questions, work: Sequence[Work], new: NewTexts, *, max_tokens: int,
    read: Callable[[str], str] = str,
) -> Estimate | None:  # fmt: skip
    """What scoring may cost; ``None`` for a critic of a third party, of which nobody here knows.

    Args:
        store: One that may be written to; replies that it has are asked for by nobody.
        critic: Who scores.
        questions: The problems.
        work: Stored texts without scores.
        new: Texts to come; distinct ones are fewer.
        max_tokens: Most tokens that policies may write.
        read: What the critic gets of a text.
    """
    texts = [(problem_id, read(text)) for problem_id, _, text in work]
    if isinstance(critic, JudgeCritic):
        with kept_by(critic, store):
            return _judge_cost(critic, questions, texts, new, max(LEAST_TOKENS, max_tokens))
    if not isinstance(critic, VisualPRMCritic):
        return None
    tiling, tokens = Tiling.of(critic.checkpoint), 0
    for problem_id in {*(problem_id for problem_id, _ in texts), *new.problem_ids}:  # Each beginning is read once.
        tokens += questions.tokens(problem_id, tiling) + _SYSTEM_TOKENS
    for _, text in texts:
        steps = critic.split(text)
        tokens += tokens_in(sum(map(len, steps))) + _TURN_TOKENS * len(steps)
    tokens += round(len(new.problem_ids) * (new.tokens + _TURN_TOKENS * (1 if critic.orm else new.steps)))
    return Estimate(len(texts) + len(new.problem_ids), tokens)


def _judge_cost(
    judge: JudgeCritic, questions: Questions, texts: Sequence[tuple[str, str]], new: NewTexts, most_tokens: int
) -> Estimate:
    items = [(questions.problems[problem_id], judge.split(text)) for problem_id, text in texts if text.strip()]
    asked = judge.unanswered(items)
    pictures = {problem_id: questions.picture_tokens(problem_id) for problem_id in questions.problems}
    read = sum(pictures[each.problem.id] + tokens_in(len(each.request().question)) for each in asked)
    written = sum(len(each.steps) for each in asked) * _REPLY_TOKENS_PER_STEP
    beside = len(TASK) + new.steps * _STEP_MARK_CHARACTERS
    for problem_id in new.problem_ids:
        read += pictures[problem_id] + round(new.tokens) + tokens_in(questions.characters(problem_id) + beside)
    written += round(len(new.problem_ids) * new.steps * _REPLY_TOKENS_PER_STEP)
    requests = len(asked) + len(new.problem_ids)
    return Estimate(requests, read, written, requests * most_tokens)
