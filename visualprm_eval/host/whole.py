"""The host's primary metric of whole tables, for benchmarks that have no other value."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from visualprm_eval.errors import GradingError
from visualprm_eval.host.benchmarks import Benchmark
from visualprm_eval.host.bridge import load_host
from visualprm_eval.host.figures import HostFigure, host_figure_of
from visualprm_eval.host.grading import Judge, evaluate_table, new_folder
from visualprm_eval.host.judging import Asked
from visualprm_eval.store import Replies

__all__ = ["whole_table_figure", "whole_table_metric"]

_JUDGED_ROWS = 8
"""Rows of the table by which a grader with a paid judge is tried out."""


def whole_table_figure(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    directory: Path,
    judge: Judge,
    replies: Replies | None = None,
    *,
    tally: Asked | None = None,
) -> HostFigure:
    """The host's primary metric of a table.

    Args:
        benchmark: Whose ``evaluate`` counts.
        predictions: One text per problem that counts, by the index of its row.
        directory: Where the host may write; the folder of a table goes when its figure is known.
        judge: Who helps the host to read answers.
        replies: Where each reply of the judge is kept as soon as it came; what is there is not asked again.
        tally: Counts the requests to the judge.

    Raises:
        GradingError: The host cannot evaluate the table, its judge left requests unanswered, or it names no single
            primary metric.
    """
    load_host()
    judge = judge.resolve(benchmark.task)
    folder = new_folder(directory)
    _, asked, result = evaluate_table(benchmark, predictions, folder, judge, replies)
    if tally is not None:
        tally.add(asked)
    if asked.unanswered:  # The host counts such rows as it likes, and nobody sees which they are.
        raise GradingError(
            f"{benchmark.name}: the judge {judge.name} left {asked.unanswered:,} requests unanswered, so the host's "
            f"figure of the table does not count; the other replies are stored: run again. The host's output is in {folder}"
        )
    figure = host_figure_of(benchmark, result, list(predictions))
    if figure is None:
        raise GradingError(
            f"{benchmark.name}: the host's result has no single primary metric, and its grader leaves no verdict per row "
            f"that is understood; leave the benchmark out, or leave out the grading. Its files are in {folder}"
        )
    shutil.rmtree(folder, ignore_errors=True)
    return figure


def whole_table_metric(
    benchmark: Benchmark, directory: Path, judge: Judge, replies: Replies | None = None, *, tally: Asked | None = None
) -> str:
    """What the host calls its primary metric, found out on a table of reference answers.

    Without a judge all problems are in the table; with one a few, which a grader may not be made for.

    Args:
        benchmark: What is to be graded.
        directory: Where the host may write.
        judge: Who helps the host to read answers.
        replies: Where replies of the judge are kept.
        tally: Counts the requests to the judge.

    Returns:
        The name; ``""`` where a few problems did not show it.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    judged = judge.resolve(benchmark.task).used
    problems = benchmark.problems[:_JUDGED_ROWS] if judged else benchmark.problems
    answers = {problem.index: problem.answer or "unknown" for problem in problems}
    try:
        return whole_table_figure(benchmark, answers, directory, judge, replies, tally=tally).metric
    except GradingError as error:
        if judged and len(problems) < len(benchmark.problems) and not isinstance(error.__cause__, NotImplementedError):
            return ""
        raise
