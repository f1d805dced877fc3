"""The host's own word on the values that count: it evaluates the whole table of picks behind each of them.

Values are made from verdicts on single texts. For every reranker that picks, at the largest k, the host also evaluates
the picks as one table, as if they were a model's only answers, and its figure must be ours. Where a judge helped, its
replies are known by then, so this asks nothing new. Empty replies are wrong without the host, which might roll dice for
an empty cell: they stay out of the table, with what the metric counts together with them, and our value is taken over
the same rest. Of a benchmark without a task of its own the host's figure decides:
where it is not the mean of the verdicts, all values become figures of whole tables (``stages.grade.table_figures``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from visualprm_eval.core.errors import GradingError
from visualprm_eval.core.progress import QUIET_S, Rows, track
from visualprm_eval.core.visible import tell
from visualprm_eval.stages.experiment_values import Headline, evaluate, headlines
from visualprm_eval.stages.grade.grader import Grader, judge_replies
from visualprm_eval.stages.grade.metric_notes import (
    explained,
    keep_figure,
    known_figure,
    metric_of,
    note_metric,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from visualprm_eval.evaluate.study import Study
    from visualprm_eval.stages.experiment import Experiment
    from visualprm_eval.store import Store


def confirm(store: Store, experiment: Experiment, study: Study, grader: Grader) -> bool:
    """Lets the host evaluate the tables of picks that it has not seen yet, and compares.

    Args:
        store: Where figures are.
        experiment: One whose texts are graded.
        study: All that is known of it.
        grader: What grades.

    Returns:
        Whether every figure is ours; of others the reasons are printed.
    """
    confirmed = True
    values, picks = evaluate(store, experiment, study, experiment.ks[-1:])
    shown = list(headlines(values, picks, experiment.benchmark))
    total = sum(len(headline.texts) for headline in shown)
    with track(f"{experiment.label}: the host's own figures of picks, rows", total, after_s=QUIET_S) as tracker:
        rows = Rows(tracker)
        for headline in shown:
            try:
                with rows.part(len(headline.texts), experiment.benchmark.task.judge_requests) as done:
                    _check(store, experiment, headline, grader, done)
            except GradingError as error:
                tell(f"error: {error}")
                confirmed = False
            rows.finish(len(headline.texts))
    return confirmed


def _check(
    store: Store, experiment: Experiment, headline: Headline, grader: Grader, done: Callable[[int], None]
) -> None:
    """One value against the host's figure, which is asked for once.

    Raises:
        GradingError: They differ, or the host has no figure where it should.
    """
    from visualprm_eval.host.grading.host_figures import countable, tolerance

    benchmark, grading, row = experiment.benchmark, experiment.grading, headline.row
    figure = known_figure(store, experiment, headline.texts)
    if figure is None:
        texts = {index: headline.texts[index] for index in countable(benchmark, list(headline.texts))}
        with judge_replies(store, experiment) as replies:
            said = grader.evaluate(experiment, texts, replies, known=True, done=done).take_figure()
        if said is None:
            return
        if benchmark.task.note:
            note_metric(store, grading, said.metric, whole=False)
        keep_figure(store, experiment, headline.texts, said.value)
        figure = said.value
    near = tolerance(benchmark, list(headline.texts))
    same = [figure, 100 * figure] if benchmark.task.note else [figure]  # Some classes of the host count in parts.
    if any(abs(each - headline.value) <= near for each in same):
        return
    if not benchmark.task.note:
        raise GradingError(
            f"{experiment.label}: {row.reranker} at k = {row.k} is {headline.value:.3f} by the verdicts on its texts, "
            f"but the host's own figure of the whole table is {figure:.3f}; do not use either, and report this"
        )
    metric = metric_of(store, experiment)
    if not metric.whole:
        note_metric(store, grading, metric.name, whole=True)
        tell(
            f"note: {benchmark.name}: the host's figure of {row.reranker} at k = {row.k} is {figure:.3f}, the "
            f"mean over the rows {headline.value:.3f}. {explained(metric.name)}"
        )
