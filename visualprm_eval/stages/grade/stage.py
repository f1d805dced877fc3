"""Stage 3: the host says which texts are right.

The host grades tables of one prediction per problem. Several distinct texts of a problem therefore go to several
tables, each in a directory of its own, since the host would otherwise answer with the scores of an older table. Empty
replies are wrong without asking it: an empty cell makes some of its graders roll dice and others drop the row. A text
over which a grader stumbles is found by bisection, see ``visualprm_eval.stages.grade.bisect_tables``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from visualprm_eval.core.errors import GraderStumbledError, GradingError, NoVerdictsError
from visualprm_eval.core.progress import Rows, track
from visualprm_eval.core.thoughts import is_empty_reply
from visualprm_eval.core.types import Problem, Verdict
from visualprm_eval.core.visible import say, tell
from visualprm_eval.core.words import counted
from visualprm_eval.stages.experiment import Work, keep_equalities
from visualprm_eval.stages.experiment_values import read_study, wanted_texts
from visualprm_eval.stages.grade.bisect_tables import graded_in_parts
from visualprm_eval.stages.grade.confirm import confirm
from visualprm_eval.stages.grade.grader import Grader, judge_replies
from visualprm_eval.stages.grade.metric_notes import metric_of, note_metric
from visualprm_eval.stages.grade.table_figures import grade_tables
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.evaluate.study import Study
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

MOST_JUDGED_ROWS = 128
"""Rows of a table that a judge helps to grade: small enough to see that it goes on, and to have verdicts early."""

ENOUGH_FAILURES = 8
"""From so many texts on, all of them without a verdict, a judge is not asked about more of the same benchmark."""

EMPTY_IS_WRONG = Verdict(0.0, seconds=0.0)
"""On an empty reply; no verdict of the host takes no time."""


def grade(store: Store, experiments: Sequence[Experiment], grader: Grader) -> tuple[list[str], list[str]]:
    """Lets the host grade the texts of a run that have no verdict yet, and confirm the values that come of them.

    A benchmark that cannot be graded stops no other; the reasons are printed.

    Returns:
        Names of benchmarks that could not be graded, and labels of experiments for which the host has another figure
        than ours.
    """
    ungraded, unconfirmed = dict[str, None](), []
    # What led to a failure is asked anew, but not what was paid for since, in a retry that was broken off.
    since = {
        each.grading.id: store.last_failed_verdict(each.grading.id) if grader.retry_failed else 0.0
        for each in experiments
    }
    for experiment in experiments:
        if not metric_of(store, experiment).verdicts:
            continue
        with _told(experiment, ungraded):
            study = _graded(store, experiment, grader, since[experiment.grading.id])
            if not metric_of(store, experiment).whole and not confirm(store, experiment, study, grader):
                unconfirmed.append(experiment.label)
        keep_equalities(store, grader.equalities)
    # Now it is known whose values are figures of whole tables. One that the host cannot evaluate must not cost
    # another policy its own.
    for experiment in [each for each in experiments if each.benchmark.name not in ungraded]:
        if metric_of(store, experiment).whole:
            with _told(experiment, ungraded):
                grade_tables(store, experiment, grader)
    tally = grader.tally
    if tally.sent or tally.saved:
        say(f"judge: {counted(tally.sent, 'request')} made, {tally.saved:,} saved, since their replies were stored")
    return list(ungraded), unconfirmed


@contextmanager
def _told(experiment: Experiment, ungraded: dict[str, None]) -> Iterator[None]:
    """Prints why a benchmark could not be graded, and keeps its name."""
    try:
        yield
    except GradingError as error:
        tell(f"error: {error}")
        ungraded[experiment.benchmark.name] = None


def _graded(store: Store, experiment: Experiment, grader: Grader, replies_since: float) -> Study:
    """All that is known of an experiment when every wanted text has a verdict.

    Raises:
        GradingError: When the host cannot grade.
    """
    study = read_study(store, experiment, grader.equalities)
    work = missing_verdicts(store, experiment, study, retry_failed=grader.retry_failed)
    try:
        while work:
            grade_missing(store, experiment, work, grader, replies_since=replies_since)
            # A text without a verdict leaves the pool, so that rerankers may now pick texts not yet graded.
            study = read_study(store, experiment, grader.equalities)
            work = missing_verdicts(store, experiment, study, retry_failed=False)
    except NoVerdictsError as error:
        if not experiment.benchmark.task.note:
            raise
        tell(f"note: {error}; its figures of whole tables are the values")
        note_metric(store, experiment.grading, "", whole=True, verdicts=False)
    return study


def missing_verdicts(store: Store, experiment: Experiment, study: Study, *, retry_failed: bool) -> list[Work]:
    """The texts that need a verdict and have none, ordered by problem, then by rank."""
    if not metric_of(store, experiment).verdicts:
        return []
    facts, wanted = study.columns, wanted_texts(study, experiment.ks)
    lacking = ~facts.graded.known | (facts.graded.failed if retry_failed else False)
    work = {facts.key(text): facts.values[text] for text in np.flatnonzero(lacking).tolist()}
    return [(*key, text) for key, text in work.items() if wanted is None or key in wanted]


def grade_missing(
    store: Store, experiment: Experiment, work: Sequence[Work], grader: Grader, *, replies_since: float = 0.0
) -> None:
    """Grades ``work`` table by table and stores each table's verdicts as soon as the host gave them.

    What a judge replies is stored reply by reply, so that a table which was broken off is not paid for again.

    Args:
        store: Where verdicts go.
        experiment: Whose grader and judge to use.
        work: Distinct texts without a verdict.
        grader: What grades.
        replies_since: Replies of a judge that are not younger than this time are asked for anew, in seconds since 1970.

    Raises:
        GradingError: When the host cannot grade, or no text has a verdict because the judge's replies cannot be read;
            verdicts of finished tables are kept.
    """
    problems, grading, judged = experiment.problems, experiment.grading, experiment.judge.used
    store.put_spec(grading)
    empty = [item for item in work if is_empty_reply(item[2])]
    work = [item for item in work if not is_empty_reply(item[2])]
    store.put_verdicts(grading.id, ((problem_id, text_id, EMPTY_IS_WRONG) for problem_id, text_id, _ in empty))
    if not work:
        return
    known = [*store.verdicts(grading.id, problems).values()] if judged else []
    known = [verdict for verdict in known if verdict.seconds != EMPTY_IS_WRONG.seconds]
    works = store.any_verdict(grading.id)
    if not replies_since:
        _check_any_read(experiment, known)
    with (
        track(f"grade {experiment.label}", len(work)) as tracker,
        judge_replies(store, experiment, replies_since) as replies,
    ):
        rows = Rows(tracker)

        def grade(part: Sequence[Work]) -> list[tuple[str, str, Verdict]]:
            start = time.monotonic()
            texts = {problems[problem_id].index: text for problem_id, _, text in part}
            with rows.part(len(part), experiment.benchmark.task.judge_requests) as done:
                verdicts = grader.evaluate(experiment, texts, replies, done=done).take_verdicts()
            return _facts(part, problems, verdicts, (time.monotonic() - start) / len(part))

        def takes_answers(part: Sequence[Work]) -> bool:
            answers = {problems[problem_id].index: problems[problem_id].answer or "unknown" for problem_id, *_ in part}
            with suppress(GraderStumbledError, NoVerdictsError):
                grader.evaluate(experiment, answers, replies).take_verdicts()
                return True
            return False

        for table in tables(work, MOST_JUDGED_ROWS if judged else len(work)):
            found: list[Verdict] = []
            for facts in graded_in_parts(table, grade, works=works, takes_answers=takes_answers):
                note_versions(store, grading, grader.versions())
                store.put_verdicts(grading.id, facts)
                rows.finish(len(facts))
                found += [verdict for *_, verdict in facts]
            works = works or any(verdict.value is not None for verdict in found)
            if judged and not any(verdict.value is not None for verdict in known):
                known += found
                _check_any_read(experiment, known)


def _check_any_read(experiment: Experiment, verdicts: Sequence[Verdict]) -> None:
    """Stops paying a judge of whose replies none can be read.

    Raises:
        GradingError: There are enough verdicts to tell, and all of them are failures.
    """
    if len(verdicts) < ENOUGH_FAILURES or any(verdict.value is not None for verdict in verdicts):
        return
    reason = Counter(verdict.error for verdict in verdicts).most_common(1)[0][0]
    raise GradingError(
        f"{experiment.benchmark.name}: with the judge {experiment.judge.name} none of {counted(len(verdicts), 'text')} "
        f"got a verdict ({reason}), so it is not asked about more of them. Look at what it replies, or take another "
        "judge; --retry-failed asks this one again"
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
