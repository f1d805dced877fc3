"""Benchmarks without a task of their own whose value is the host's figure of whole tables of picks.

The value of such a benchmark is the host's primary metric. Mostly that is the mean of the host's verdicts on single
texts, and values come from these as everywhere. But some graders say nothing of single texts, and some metrics are no
mean over the rows. Then the host evaluates the picks of each reranker at each k as one table, as if they were a model's
only answers, and its figure is the value. What needs verdicts on texts that were not picked (the oracle, random,
expected values) or draws problems again has no value there.

Which of the two it is, and what the host calls its metric, is noted in the store, see ``metric_notes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import GraderStumbledError
from visualprm_eval.core.progress import Rows, track
from visualprm_eval.core.visible import tell
from visualprm_eval.evaluate.benchmark_values import picked_tables
from visualprm_eval.stages.experiment_values import read_study
from visualprm_eval.stages.grade.bisect_tables import texts_not_taken
from visualprm_eval.stages.grade.grader import Grader, judge_replies
from visualprm_eval.stages.grade.metric_notes import (
    REFERENCE,
    explained,
    keep_figure,
    known_figure,
    metric_of,
    note_metric,
)
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.evaluate.study import Study
    from visualprm_eval.host.grading.host_figures import HostFigure
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store


def unseen_tables(store: Store, experiment: Experiment, study: Study) -> list[dict[str, str]]:
    """The tables of picks that the host has still to evaluate; none where values come from verdicts on texts."""
    if not metric_of(store, experiment).whole:
        return []
    tables = picked_tables(study, experiment.ks).values()
    return [texts for texts in tables if known_figure(store, experiment, texts) is None]


def try_out(store: Store, experiment: Experiment, grader: Grader) -> None:
    """Finds out on a table of reference answers what a grader leaves, before samples are paid for.

    Multiple-choice benchmarks that ask each question several times leave one verdict for all its rows, for example. The
    first problems may not show that, so a grader is tried again when there are more.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    benchmark, grading = experiment.benchmark, experiment.grading
    if not metric_of(store, experiment).untried:
        return
    from visualprm_eval.host.toolkit import try_grader

    with judge_replies(store, experiment) as replies:
        trial = try_grader(benchmark, grader.directory, experiment.judge, replies, tally=grader.tally)
    figure = trial.figure
    metric = figure.metric if figure is not None else ""
    if figure is not None:  # Before the note, after which nothing is tried any more.
        store.put_host_figure(grading.id, REFERENCE, figure.value)
    # A sum, or a figure of which less is better, is no mean of verdicts.
    is_mean = figure is None or (figure.greatest in {None, 100.0} and not figure.lower)
    note_metric(
        store, grading, metric, whole=not (trial.verdicts and is_mean), verdicts=trial.verdicts,
        tried=len(benchmark.problems), greatest=None if figure is None else figure.greatest,
    )  # fmt: skip
    if trial.remark:
        tell(f"note: {trial.remark}")
    if not trial.verdicts:
        tell(
            f"note: {benchmark.name}: the host's grader leaves no verdict per row that is understood. "
            f"{explained(metric)}"
        )
    elif not is_mean:
        tell(f"note: {benchmark.name}: its metric is no mean over the rows. {explained(metric)}")


def grade_tables(store: Store, experiment: Experiment, grader: Grader) -> None:
    """Lets the host evaluate the picks of each reranker at each k as one table; each figure is stored at once.

    A text that its grader cannot take becomes a failure.

    Args:
        store: Where figures go.
        experiment: One whose values are figures of whole tables; its picks have verdicts, where there are any.
        grader: What grades.

    Raises:
        GradingError: The host cannot, or names no single primary metric. Figures that are stored stay.
    """
    benchmark, grading = experiment.benchmark, experiment.grading
    tables = unseen_tables(store, experiment, read_study(store, experiment, grader.equalities))
    verdicts = metric_of(store, experiment).verdicts
    with (
        track(f"grade {experiment.label}, rows of whole tables", sum(map(len, tables))) as tracker,
        judge_replies(store, experiment) as replies,
    ):
        rows = Rows(tracker)

        def ask(texts: Mapping[str, str]) -> HostFigure:
            with rows.part(len(texts), benchmark.task.judge_requests) as done:
                table = grader.evaluate(experiment, texts, replies, done=done)
            figure = table.take_figure()
            if figure is None:
                raise table.no_figure
            return figure

        while tables:
            texts = tables.pop(0)
            if known_figure(store, experiment, texts) is None:  # Rerankers may pick the same.
                try:
                    said = ask(texts)
                except GraderStumbledError:
                    # What the grader cannot take leaves its pool, so that rerankers may now pick other texts.
                    failed = [
                        store.put_verdicts(grading.id, [failure])
                        for failure in texts_not_taken(benchmark.problems, texts, ask)
                    ]
                    if not any(failed):
                        raise  # It raises over this table as a whole alone.
                    tables = unseen_tables(store, experiment, read_study(store, experiment, grader.equalities))
                    continue
                note_metric(store, grading, said.metric, whole=True, verdicts=verdicts)
                note_versions(store, grading, grader.versions())
                keep_figure(store, experiment, texts, said.value)
            rows.finish(len(texts))
