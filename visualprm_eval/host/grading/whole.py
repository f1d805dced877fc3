"""Graders of benchmarks without a task of their own: what they leave, and the host's primary metric of whole tables."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GraderRefusedError, GraderStumbledError, GradingError, JudgeError
from visualprm_eval.host.data.benchmarks import Benchmark
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.grading.grade_table import LOG_NAME, Evaluated, evaluate_table, new_folder, unanswered
from visualprm_eval.host.grading.host_figures import HostFigure, host_figure_of
from visualprm_eval.host.grading.judge_replies import Asked
from visualprm_eval.host.grading.prediction_file import text_columns
from visualprm_eval.host.grading.verdicts import MATCHED_TYPES, UNGRADED, leaves_verdicts, read_verdicts, rows_drawn
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.store import Replies
from visualprm_eval.tasks import EXACT_MATCHING

__all__ = ["Trial", "try_grader", "whole_table_figure"]

_JUDGED_ROWS = 8
"""Rows of the table by which a grader with a paid judge is tried out."""


def whole_table_figure(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    directory: Path,
    judge: JudgeOptions,
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
    judge = benchmark.task.judged_by(judge)
    folder = new_folder(directory)
    figure, evaluated = _evaluated(benchmark, predictions, folder, judge, replies, tally=tally)
    if figure is None:
        raise _no_figure(benchmark, folder, evaluated.uncounted)
    shutil.rmtree(folder, ignore_errors=True)
    return figure


def _evaluated(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    folder: Path,
    judge: JudgeOptions,
    replies: Replies | None,
    *,
    tally: Asked | None = None,
) -> tuple[HostFigure | None, Evaluated]:
    """The host's primary metric of a table, and what became of the table."""
    load_host()
    evaluated = evaluate_table(benchmark, predictions, folder, judge, replies, tally=tally)
    if evaluated.asked.unread or evaluated.asked.unplaced:
        raise unanswered(benchmark, judge, evaluated.asked, folder)
    if drawn := rows_drawn(evaluated.file):
        raise GradingError(
            f"{benchmark.name}: the judge {judge.name} gave no reply that can be read to {drawn:,} rows, for which the "
            "host drew an option at random, so what it says of the table is void; try another judge, or --judge "
            f"{EXACT_MATCHING}. The host's files are in {folder}"
        )
    return host_figure_of(benchmark, evaluated.result, list(predictions)), evaluated


def _no_figure(benchmark: Benchmark, folder: Path, uncounted: Exception | None) -> GradingError:
    """Why there is no figure; where the host raised, one text may be why."""
    said = (
        f"{benchmark.name}: the host could not count the table, or names no single primary metric, and left no verdict "
        "per row that is understood; leave the benchmark out, or leave out the grading. The reason may stand in "
        f"{folder / LOG_NAME}"
    )
    return GradingError(said) if uncounted is None else GraderStumbledError(said, folder, type(uncounted).__name__)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a table of reference answers showed of a grader.

    Attributes:
        figure: The host's primary metric of it; ``None`` where a few problems did not show it.
        verdicts: Whether it left a verdict on each row.
    """

    figure: HostFigure | None
    verdicts: bool


def try_grader(benchmark: Benchmark, directory: Path, judge: JudgeOptions, replies: Replies | None = None) -> Trial:
    """Lets the host evaluate a table of reference answers.

    All problems are in the table where that asks no judge; else a few, which a grader may not be made for.

    Args:
        benchmark: What is to be graded.
        directory: Where the host may write.
        judge: Who helps the host to read answers.
        replies: Where replies of the judge are kept.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    judge = benchmark.task.judged_by(judge)
    asks = judge.used and benchmark.dataset.TYPE not in MATCHED_TYPES
    problems = benchmark.problems[:_JUDGED_ROWS] if asks else benchmark.problems
    answers = {problem.index: problem.answer or "unknown" for problem in problems}
    folder = new_folder(directory)
    try:
        figure, evaluated = _evaluated(benchmark, answers, folder, judge, replies)
        verdicts = _leaves(benchmark, evaluated.file, list(answers), folder)
        if figure is None and not verdicts:
            raise _no_figure(benchmark, folder, evaluated.uncounted)
    except GradingError as error:
        if leaves_verdicts(benchmark) and not isinstance(error, GraderRefusedError):
            return Trial(None, verdicts=True)
        # Without its judge a grader shows nothing of itself.
        final = isinstance(error, GraderRefusedError | JudgeError) or isinstance(error.__cause__, NotImplementedError)
        if final or len(problems) == len(benchmark.problems):
            raise
        return Trial(None, verdicts=False)
    shutil.rmtree(folder, ignore_errors=True)
    return Trial(figure, verdicts)


def _leaves(benchmark: Benchmark, file: Path, indices: Sequence[str], folder: Path) -> bool:
    """Whether every row of an evaluated table has a verdict, or failed because of the judge."""
    try:
        with at_work(folder / LOG_NAME), texts_kept(text_columns(benchmark)):
            return UNGRADED not in read_verdicts(benchmark, file, indices).values()
    except GradingError:
        return False
