"""What best-of-8 gains on the benchmark with the models of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.answers import answer
from visualprm_eval.core.progress import track
from visualprm_eval.demo.training.montecarlo import is_right, sample_solutions
from visualprm_eval.evaluate.candidate_grid import Pool
from visualprm_eval.evaluate.reranker_registry import build_rerankers
from visualprm_eval.evaluate.rerankers import pick

if TYPE_CHECKING:
    from visualprm_eval.core.types import Problem
    from visualprm_eval.engine.checkpoint import LoadedCheckpoint
    from visualprm_eval.engine.visualprm import VisualPRM

RERANKERS = (
    "first", "random", "self-consistency", "visualprm", "visualprm:min", "visualorm", "weighted-vote", "oracle",
)  # fmt: skip


def accuracies(
    policy: LoadedCheckpoint, prm: VisualPRM, problems: Sequence[Problem], count: int, seed: int
) -> dict[str, float]:
    """Percent of problems that each reranker gets right.

    Args:
        policy: Samples the candidates.
        prm: Scores their steps, and each whole text as one step.
        problems: The problems, [P].
        count: Candidates per problem.
        seed: Seed of the sampling.

    Returns:
        Reranker to accuracy.
    """
    solutions = sample_solutions(policy, problems, count, seed, f"candidates, seed {seed}")
    with track(f"scores, seed {seed}", len(problems)) as tracker:
        pools = []
        for problem, texts in zip(problems, solutions, strict=True):
            pools.append(_pool(prm, problem, texts))
            tracker.advance()
    shares = {}
    for reranker in build_rerankers(RERANKERS, ["visualprm"]):
        right = []
        for pool in pools:
            verdicts, chosen = pool.verdicts or (), pick(reranker, pool)
            # "random" is the mean over all candidates.
            right.append(float(np.mean(verdicts)) if chosen is None else verdicts[chosen])
        shares[reranker.name] = 100 * float(np.mean(right))
    return shares


def _pool(prm: VisualPRM, problem: Problem, texts: Sequence[str]) -> Pool:
    images = [Path(path) for path in problem.images]
    scores = {
        label: tuple(
            tuple(scored.step_scores)
            for scored in prm.score(problem.question, list(texts), images, max_steps=12, orm=label == "visualorm")
        )
        for label in ("visualprm", "visualorm")
    }
    return Pool(
        problem_id=problem.id,
        ranks=tuple(range(len(texts))),
        texts=tuple(texts),
        answers=tuple(answer(text) for text in texts),
        scores=scores,
        verdicts=tuple(float(is_right(text, problem)) for text in texts),
    )
