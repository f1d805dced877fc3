"""Stage 3: the host says which texts are right.

The host grades tables of one prediction per problem. Several distinct texts of a problem therefore go to several
tables, each in a directory of its own, since the host would otherwise answer with the scores of an older table. Empty
replies are wrong without asking it: an empty cell makes some of its graders roll dice and others drop the row. A text
over which a grader stumbles is found by bisection, see ``visualprm_eval.stages.grade.bisect_tables``.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import GraderStumbledError, GradingError, NoVerdictsError
from visualprm_eval.core.progress import track
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.core.types import Problem, Spec, Verdict
from visualprm_eval.stages.grade.bisect_tables import graded_in_parts
from visualprm_eval.stages.grade.confirm import check_headlines
from visualprm_eval.stages.grade.metric_notes import note_metric
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.stages.experiment import RunState
    from visualprm_eval.store import Store

Work = tuple[str, str, str]
"""A problem's id, a text's id, the text."""

MOST_JUDGED_ROWS = 128
"""Rows of a table that a judge helps to grade: small enough to see that it goes on, and to have verdicts early."""

ENOUGH_FAILURES = 8
"""From so many texts on, all of them without a verdict, a judge is not asked about more of the same benchmark."""

EMPTY_IS_WRONG = Verdict(0.0, seconds=0.0)
"""On an empty reply; no verdict of the host takes no time."""


def grade_cells(session: RunState) -> None:
    """Lets the host grade the texts of a run that have no verdict yet.

    A benchmark that cannot be graded stops no other.
    """
    from visualprm_eval.host.grading.judge_replies import counted_requests

    gradings = [session.grading(cell) for cell in session.cells]
    retry_failed, tally = session.config.retry_failed, session.asked
    # What led to a failure is asked anew, but not what was paid for since, in a retry that was broken off.
    since = {one.id: session.store.last_failed_verdict(one.id) if retry_failed else 0.0 for one in gradings}
    with counted_requests(tally):
        for cell, grading in zip(session.cells, gradings, strict=True):
            try:
                work = session.missing_verdicts(cell, retry_failed=retry_failed)
                while work:
                    grade_missing(
                        session.store, cell.benchmark, session.judge, grading, work,
                        directory=session.config.work_dir / "grading", replies_since=since[grading.id], tally=tally,
                    )  # fmt: skip
                    # A text without a verdict leaves the pool, so that rerankers may now pick texts not yet graded.
                    work = session.missing_verdicts(cell, retry_failed=False)
            except GradingError as error:
                if isinstance(error, NoVerdictsError) and cell.benchmark.task.note:
                    print(f"note: {error}; its figures of whole tables are the values", file=sys.stderr)
                    note_metric(session.store, grading, "", whole=True, verdicts=False)
                    continue
                print(f"error: {error}", file=sys.stderr)
                session.ungraded.append(cell.benchmark.name)
        check_headlines(session, tally)
    if tally.sent or tally.saved:
        print(f"judge: {tally.sent:,} requests made, {tally.saved:,} saved, since their replies were stored")


def grade_missing(
    store: Store,
    benchmark: Benchmark,
    judge: JudgeOptions,
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
        GradingError: When the host cannot grade, or no text has a verdict because the judge's replies cannot be read;
            verdicts of finished tables are kept.
    """
    if not work:
        return
    from visualprm_eval.host.grading.grade_table import evaluate_table

    store.put_spec(grading)
    problems = {problem.id: problem for problem in benchmark.problems}
    judged = benchmark.task.judged_by(judge).used
    empty, work = _empty_apart(work)
    store.put_verdicts(grading.id, ((problem_id, text_id, EMPTY_IS_WRONG) for problem_id, text_id, _ in empty))
    if not work:
        return
    known = [*store.verdicts(grading.id, problems).values()] if judged else []
    known = [verdict for verdict in known if verdict.seconds != EMPTY_IS_WRONG.seconds]
    works = store.any_verdict(grading.id)
    if not replies_since:
        _check_any_read(benchmark, judge, known)
    with (
        track(f"grade {benchmark.name}", len(work)) as tracker,
        store.replies(replies_since) if judged else nullcontext() as replies,
    ):

        def grade(part: Sequence[Work]) -> list[tuple[str, str, Verdict]]:
            predictions = {problems[problem_id].index: text for problem_id, _, text in part}
            start = time.monotonic()
            table = evaluate_table(benchmark, predictions, directory, judge, replies, tally=tally)
            return _facts(part, problems, table.take_verdicts(), (time.monotonic() - start) / len(part))

        def takes_answers(part: Sequence[Work]) -> bool:
            answers = {problems[problem_id].index: problems[problem_id].answer or "unknown" for problem_id, *_ in part}
            with suppress(GraderStumbledError, NoVerdictsError):
                evaluate_table(benchmark, answers, directory, judge, replies, tally=tally).take_verdicts()
                return True
            return False

        for table in tables(work, MOST_JUDGED_ROWS if judged else len(work)):
            found: list[Verdict] = []
            for facts in graded_in_parts(table, grade, works=works, takes_answers=takes_answers):
                note_versions(store, grading)
                store.put_verdicts(grading.id, facts)
                tracker.advance(len(facts))
                found += [verdict for *_, verdict in facts]
            works = works or any(verdict.value is not None for verdict in found)
            if judged and not any(verdict.value is not None for verdict in known):
                known += found
                _check_any_read(benchmark, judge, known)


def _empty_apart(work: Sequence[Work]) -> tuple[list[Work], list[Work]]:
    """Empty replies, and the rest."""
    parts: tuple[list[Work], list[Work]] = ([], [])
    for item in work:
        parts[not is_empty_reply(item[2])].append(item)
    return parts


def _check_any_read(benchmark: Benchmark, judge: JudgeOptions, verdicts: Sequence[Verdict]) -> None:
    """Stops paying a judge of whose replies none can be read.

    Raises:
        GradingError: There are enough verdicts to tell, and all of them are failures.
    """
    if len(verdicts) < ENOUGH_FAILURES or any(verdict.value is not None for verdict in verdicts):
        return
    reason = Counter(verdict.error for verdict in verdicts).most_common(1)[0][0]
    raise GradingError(
        f"{benchmark.name}: with the judge {benchmark.task.judged_by(judge).name} none of {len(verdicts):,} texts got "
        f"a verdict ({reason}), so it is not asked about more of them. Look at what it replies, or take another judge; "
        "--retry-failed asks this one again"
    )


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
