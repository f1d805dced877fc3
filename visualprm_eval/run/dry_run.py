"""What a run would do, for ``--dry-run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.stages.grade.judge_cost import estimate
from visualprm_eval.stages.grade.metric_notes import is_whole
from visualprm_eval.stages.grade.table_figures import to_grade

if TYPE_CHECKING:
    from visualprm_eval.run.plan_run import Session

__all__ = ["print_plan"]


def print_plan(session: Session) -> None:
    """Prints what is missing: what a run would sample, score and grade."""
    judges: list[str] = []
    for cell in session.cells:
        stages = session.config.stages
        print(f"{cell.label}, {len(cell.benchmark.problems)} problems x {cell.n}:")
        new = len(session.missing_candidates(cell)) if "sample" in stages else 0
        if "sample" in stages:
            print(f"  sample: {new:,} candidates")
        unscored = 0
        for label in session.critics if "score" in stages and not cell.greedy else ():
            known = len(session.missing_scores(cell, label))
            unscored = max(unscored, known)
            print(f"  score with {label}: {known:,} stored texts{_and_new(new)}")
        if "grade" in stages:
            texts = to_grade(session, cell)
            # Which texts rerankers pick is known only when they are scored.
            unknown = new if session.grades_all(cell) else new + unscored
            tables = ", in tables of each reranker's picks" if is_whole(session, cell) else ""
            print(f"  grade: {len(texts):,} stored texts{_and_new(unknown)}{tables}")
            cost = estimate(cell, session.judge, texts, unknown, session.config.sampling.max_tokens)
            if cost.requests:
                name = cell.benchmark.task.judged_by(session.judge).name
                judges.append(str(name))
                print(
                    f"  judge {name}: at most {cost.requests:,} requests, about {cost.prompt_tokens:,} tokens to read "
                    f"and {cost.reply_tokens:,} to write if it is brief ({cost.most_reply_tokens:,} at most); replies "
                    "that are stored are not asked for again"
                )
    for name in dict.fromkeys(judges):
        print(f"judge {name}: one request more, to see whether it answers")


def _and_new(count: int) -> str:
    return f", and at most {count:,} new ones" if count else ""
