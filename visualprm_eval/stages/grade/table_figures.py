"""Benchmarks without a task of their own whose value is the host's figure of whole tables of picks.

The value of such a benchmark is the host's primary metric. Mostly that is the mean of the host's verdicts on single
texts, and values come from these as everywhere. But some graders say nothing of single texts, and some metrics are no
mean over the rows. Then the host evaluates the picks of each reranker at each k as one table, as if they were a model's
only answers, and its figure is the value. What needs verdicts on texts that were not picked (the oracle, random,
expected values) or draws problems again has no value there.

Which of the two it is, and what the host calls its metric, is noted in the store, see ``metric_notes``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from visualprm_eval.core.errors import GraderStumbledError
from visualprm_eval.core.progress import track
from visualprm_eval.evaluate.pools import needs_all_verdicts
from visualprm_eval.stages.experiment import read_facts
from visualprm_eval.stages.experiment_values import evaluate_experiment
from visualprm_eval.stages.grade.bisect_tables import texts_not_taken
from visualprm_eval.stages.grade.grader import Grader, judge_replies
from visualprm_eval.stages.grade.metric_notes import (
    REFERENCE,
    TRIED,
    explained,
    has_verdicts,
    keep_figure,
    known_figure,
    note_metric,
    notes_on_metric,
    stored_figures,
)
from visualprm_eval.store.package_versions import note_versions

if TYPE_CHECKING:
    from visualprm_eval.evaluate.benchmark_values import TableFigure
    from visualprm_eval.evaluate.fact_columns import Columns
    from visualprm_eval.host.grading.host_figures import HostFigure
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store

__all__ = ["grade_tables", "try_out", "unseen_tables"]


def unseen_tables(store: Store, experiment: Experiment, facts: Columns) -> list[Mapping[str, str]]:
    """The tables of picks that the host has still to evaluate; none where values come from verdicts on texts."""
    unseen: list[Mapping[str, str]] = []
    known = stored_figures(store, experiment)
    if known is None:
        return unseen

    def note(texts: Mapping[str, str]) -> float | None:
        figure = known(texts)
        if figure is None:
            unseen.append(texts)
        return figure

    evaluate_experiment(store, experiment, facts, experiment.ks, whole=note)
    return unseen


def try_out(store: Store, experiment: Experiment, grader: Grader) -> None:
    """Finds out on a table of reference answers what a grader leaves, before samples are paid for.

    Multiple-choice benchmarks that ask each question several times leave one verdict for all its rows, for example. The
    first problems may not show that, so a grader is tried again when there are more.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    benchmark, grading = experiment.benchmark, experiment.grading
    if not benchmark.task.note or not _is_to_try(store, experiment):
        return
    from visualprm_eval.host.grading.whole import try_grader

    with judge_replies(store, experiment) as replies:
        trial = try_grader(benchmark, grader.directory, experiment.judge, replies)
    metric = trial.figure.metric if trial.figure is not None else ""
    if trial.figure is not None:  # Before the note, after which nothing is tried any more.
        store.put_host_figure(grading.id, REFERENCE, trial.figure.value)
    tried = len(benchmark.problems)
    note_metric(store, grading, metric, whole=not trial.verdicts, verdicts=trial.verdicts, tried=tried)
    if not trial.verdicts:
        print(
            f"note: {benchmark.name}: the host's grader leaves no verdict per row that is understood. "
            f"{explained(metric)}",
            file=sys.stderr,
        )


def _is_to_try(store: Store, experiment: Experiment) -> bool:
    """Whether more problems than a trial had may show something else than it did."""
    notes = notes_on_metric(store, experiment)
    tried = max((note.get(TRIED, 0) for note in notes), default=0)
    return all(note["verdicts"] for note in notes) and tried < len(experiment.benchmark.problems)


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
    from visualprm_eval.host.grading.whole import whole_table_figure

    benchmark, grading = experiment.benchmark, experiment.grading
    facts = read_facts(store, experiment, grader.equalities)
    choosers = [reranker for reranker in experiment.rerankers if not needs_all_verdicts(reranker)]
    splits = len({problem.split for problem in facts.problems})
    verdicts = has_verdicts(store, experiment)
    with (
        track(f"grade {experiment.label}, whole tables", len(choosers) * len(experiment.ks) * splits) as tracker,
        judge_replies(store, experiment) as replies,
    ):

        def ask(texts: Mapping[str, str]) -> HostFigure:
            return whole_table_figure(benchmark, texts, grader.directory, experiment.judge, replies, tally=grader.tally)

        def figure(texts: Mapping[str, str]) -> float | None:
            known = known_figure(store, experiment, texts)
            if known is None:
                try:
                    said = ask(texts)
                except GraderStumbledError as error:
                    raise _StumbledError(texts) from error
                note_metric(store, grading, said.metric, whole=True, verdicts=verdicts)
                note_versions(store, grading)
                keep_figure(store, experiment, texts, said.value)
                known = said.value
            tracker.advance()
            return known

        while (table := _stumbling_table(store, experiment, facts, figure)) is not None:
            # What the grader cannot take leaves its pool, so that rerankers may now pick other texts.
            failed = [
                store.put_verdicts(grading.id, [failure])
                for failure in texts_not_taken(benchmark.problems, table.texts, ask)
            ]
            if not any(failed) and table.__cause__ is not None:
                raise table.__cause__  # It raises over this table as a whole alone.
            facts = read_facts(store, experiment, grader.equalities)


def _stumbling_table(
    store: Store, experiment: Experiment, facts: Columns, figure: TableFigure
) -> _StumbledError | None:
    """The first table of picks over which the host's grader raises; ``None`` when it has taken all."""
    try:
        evaluate_experiment(store, experiment, facts, experiment.ks, whole=figure)
    except _StumbledError as stumbled:
        return stumbled
    return None


class _StumbledError(Exception):
    """The host's grader raised over a table of picks.

    Args:
        texts: The table.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__("the host's grader raised")
        self.texts = texts
