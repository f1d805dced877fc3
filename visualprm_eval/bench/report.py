"""How long the arithmetic of a report takes, on made-up candidates of many problems."""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence

from visualprm_eval.bench.machine import machine
from visualprm_eval.insight.finals import Study
from visualprm_eval.insight.study import Examiner
from visualprm_eval.pools import ProblemFacts
from visualprm_eval.registry import build_rerankers
from visualprm_eval.types import Candidate, Part, Problem, StepScores, Verdict

_NAMES = ("first", "random", "self-consistency", "visualprm", "visualprm:min", "weighted-vote", "oracle")
_STEPS = 6


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("--problems", type=int, default=10_000, help="problems (%(default)s)")
    parser.add_argument("--samples", type=int, default=128, help="candidates per problem (%(default)s)")


def measure(arguments: argparse.Namespace) -> str:
    """Measures and returns the figures in words."""
    facts = _facts(arguments.problems, arguments.samples)
    study = Study(
        "policy", "benchmark", "accuracy", facts, build_rerankers(_NAMES, ["prm"]), arguments.samples,
        lambda text, _: text.rpartition(" ")[2], grade_all=True,
    )  # fmt: skip
    wall, busy = time.perf_counter(), time.process_time()
    examiner = Examiner()
    examiner.add(study)
    insight = examiner.insight()
    wall_s, busy_s = time.perf_counter() - wall, time.process_time() - busy
    return (
        f"curves, intervals, comparisons and diagnoses of {len(_NAMES)} rerankers, {arguments.problems:,} problems x "
        f"{arguments.samples} candidates: {wall_s:.1f} s ({busy_s:.1f} s of processor time), "
        f"{len(insight.points):,} points of curves\n  on {machine('numpy', 'scipy')}"
    )


def _facts(n_problems: int, n: int) -> Sequence[ProblemFacts]:
    """Problems of different difficulty, candidates that differ, scores that are right more often than not."""
    draw = random.Random(0)  # noqa: S311 - made-up candidates
    facts = []
    for number in range(n_problems):
        problem = Problem("benchmark", str(number), "", (Part("text", "?"),), "1", str(number))
        chance = draw.random()
        candidates, scores, verdicts = [], {}, {}
        for rank in range(n):
            right = draw.random() < chance
            candidate = Candidate(problem.id, rank, f"{rank}: the answer is {1 if right else draw.randint(2, 9)}")
            key = candidate.text_id
            candidates.append(candidate)
            scores[key] = StepScores(tuple(min(1.0, draw.random() + 0.2 * right) for _ in range(_STEPS)))
            verdicts[key] = Verdict(float(right))
        facts.append(ProblemFacts(problem, tuple(candidates), {"visualprm": scores}, verdicts))
    return facts
