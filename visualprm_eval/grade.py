"""Stage 3: the host says which texts are right.

The host grades tables of one prediction per problem. Several distinct texts of a problem therefore go to several
tables, each in a directory of its own, since the host would otherwise answer with the scores of an older table.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.progress import track
from visualprm_eval.types import Problem, Spec, Verdict
from visualprm_eval.versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.host.benchmarks import Benchmark
    from visualprm_eval.host.judge import Judge
    from visualprm_eval.host.judging import Asked
    from visualprm_eval.store import Store

Work = tuple[str, str, str]
"""A problem's id, a text's id, the text."""

MOST_JUDGED_ROWS = 128
"""Rows of a table that a judge helps to grade: small enough to see that it goes on, and to have verdicts early."""


def grade_missing(
    store: Store,
    benchmark: Benchmark,
    judge: Judge,
    grading: Spec,
    work: Sequence[Work],
    *,
    directory: Path,
    replies_since: float = 0.0,
    tally: Asked | None = None,
) -> None:
    """Grades ``work`` table by table and stores each table's verdicts as soon as the host gave them.

    What a judge replies is stored reply by reply, so that a table which was broken off is not paid for again.

    Args:
        store: Where verdicts go.
        benchmark: Whose grader to use.
        judge: How the host's judge is reached.
        grading: The key of the verdicts.
        work: Distinct texts without a verdict.
        directory: Where the host may write; each table gets a folder of its own there.
        tally: Counts the requests to the judge.
        replies_since: Replies of a judge that are not younger than this time are asked for anew, in seconds since 1970.

    Raises:
        GradingError: When the host cannot grade; verdicts of finished tables are kept.
    """
    if not work:
        return
    from visualprm_eval.host.grading import grade_table

    store.put_spec(grading)
    problems = {problem.id: problem for problem in benchmark.problems}
    judged = judge.resolve(benchmark.task).used
    with (
        track(f"grade {benchmark.name}", len(work)) as tracker,
        store.replies(replies_since) if judged else nullcontext() as replies,
    ):
        for table in tables(work, MOST_JUDGED_ROWS if judged else len(work)):
            predictions = {problems[problem_id].index: text for problem_id, _, text in table}
            start = time.monotonic()
            verdicts = grade_table(benchmark, predictions, directory, judge, replies, tally=tally)
            share = (time.monotonic() - start) / len(table)
            note_versions(store, grading)
            store.put_verdicts(grading.id, _facts(table, problems, verdicts, share))
            tracker.advance(len(table))


def tables(work: Sequence[Work], most_rows: int) -> list[list[Work]]:
    """Deals texts to few tables of at most ``most_rows`` rows, none with two texts of one problem."""
    dealt: list[list[Work]] = []
    seen: Counter[str] = Counter()
    for item in work:
        if seen[item[0]] == len(dealt):
            dealt.append([])
        dealt[seen[item[0]]].append(item)
        seen[item[0]] += 1
    return [table[start : start + most_rows] for table in dealt for start in range(0, len(table), most_rows)]


def _facts(
    table: Sequence[Work], problems: Mapping[str, Problem], verdicts: Mapping[str, Verdict], seconds: float
) -> list[tuple[str, str, Verdict]]:
    """Facts for the store, each with its share of the time that they took together."""
    missing = Verdict(None, "the host returned no verdict for this row")
    return [
        (problem_id, text_id, replace(verdicts.get(problems[problem_id].index, missing), seconds=seconds))
        for problem_id, text_id, _ in table
    ]
