"""Verdicts from the host's own ``evaluate``: one table of predictions in, one verdict per row out."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from visualprm_eval.core.config import JudgeOptions
from visualprm_eval.core.errors import GraderStumbledError, GradingError, JudgeError, NoVerdictsError
from visualprm_eval.core.secrets import blanked
from visualprm_eval.core.types import Verdict
from visualprm_eval.host.data.benchmarks import Benchmark
from visualprm_eval.host.grading.host_figures import FigureError, HostFigure, host_figure_of
from visualprm_eval.host.grading.judge import (
    check_still_there,
    forget,
    has_answered,
    judge_environment,
    judge_keywords,
    judge_secrets,
    probe_once,
)  # fmt: skip
from visualprm_eval.host.grading.judge_replies import Asked, kept_replies, no_requests
from visualprm_eval.host.grading.prediction_file import EMPTY, REFUSED_OPTION, text_columns, write_predictions
from visualprm_eval.host.grading.verdict_readers import Reading
from visualprm_eval.host.grading.verdicts import leaves_verdicts, read_verdicts
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.sandbox.eval_guard import guarded
from visualprm_eval.host.sandbox.grader_fixes import tamed_graders
from visualprm_eval.store import Replies

__all__ = ["Evaluated", "check_gradable", "evaluate_table", "grade_table", "host_figure", "new_folder", "unanswered"]

LOG_NAME = "host.log"
"""What the host printed and logged while it graded a table."""

_WITHOUT_JUDGE = "will use exact matching for evaluation"
"""The host's warning when it goes on without a judge that does not answer."""


_CANNOT_COUNT = {"Dynamath": (KeyError,), "WeMath": (ZeroDivisionError, KeyError, ValueError, TypeError)}
"""What the host's graders raise when they count a table that is a part of the benchmark; each row is graded by then."""
_ANY_COUNT = (ArithmeticError, LookupError, TypeError, ValueError)
"""The same for benchmarks without a task of their own."""
_NO_TEXTS_FAULT = (NotImplementedError, ImportError, OSError, MemoryError)
"""What the host's graders raise whatever the texts say: they are not there, lack a package, or the machine is full."""


class Evaluated(NamedTuple):
    """What became of a table.

    Attributes:
        file: The prediction file; what the host left lies beside it.
        asked: What the judge was asked.
        result: What the host returned; ``None`` for a table that it cannot count.
        uncounted: What it raised then.
    """

    file: Path
    asked: Asked
    result: Any
    uncounted: Exception | None = None


def check_gradable(benchmark: Benchmark, judge: JudgeOptions) -> None:
    """Finds out, before samples are paid for, whether a benchmark's verdicts can be had; cheap to ask again.

    Args:
        benchmark: What is to be graded.
        judge: Who helps the host to read answers; asked for one short reply when it is the first time.

    Raises:
        GradingError: When it has no answers, a judge is needed and none is to be asked, or the judge does not answer.
    """
    load_host()
    if benchmark.answerless:
        raise GradingError(
            f"{benchmark.answerless}: there are no answers in it, as in test sets, so nothing can be graded. Take a "
            "file that has them, or leave out the grading (--stages sample score)"
        )
    judge = benchmark.task.judged_by(judge)
    if benchmark.task.needs_judge and not judge.used:
        raise GradingError(f"{benchmark.name} cannot be graded without a judge: name one with --judge")
    if judge.used and not has_answered(judge):
        with at_work(environment=judge_environment(judge), secrets=judge_secrets(judge)):
            probe_once(judge)


def grade_table(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    directory: Path,
    judge: JudgeOptions,
    replies: Replies | None = None,
    *,
    tally: Asked | None = None,
) -> dict[str, Verdict]:
    """Lets the host grade one text per problem.

    Args:
        benchmark: Whose ``evaluate`` grades.
        predictions: Texts by the index of their row; the benchmark's task says what of them the host gets.
        directory: Where the host may write. Each table gets a new folder in it, since the host would answer with the
            scores of an older table of the same name. Its output is in that folder's ``host.log``. The folder goes
            when every row has a verdict; else it stays, because the log explains why not.
        judge: Who helps the host to read answers.
        replies: Where each reply of the judge is kept as soon as it came; what is there is not asked again.
        tally: Counts the requests to the judge.

    Returns:
        A verdict for every index; one without a value where the host did not grade the row.

    Raises:
        GraderStumbledError: When the host's grader raises, perhaps because of one text.
        NoVerdictsError: When the host's grader says nothing of single rows that is understood; where it raised before,
            that is its cause.
        GradingError: When the host cannot grade the table, or its judge does not answer.
    """
    load_host()
    if not predictions:
        return {}
    judge = benchmark.task.judged_by(judge)
    folder = new_folder(directory)
    file, asked, _, uncounted = evaluate_table(benchmark, predictions, folder, judge, replies, tally=tally)
    if asked.unplaced or (asked.unread and not leaves_verdicts(benchmark)):
        raise unanswered(benchmark, judge, asked, folder)
    log = folder / LOG_NAME
    with at_work(log, environment=judge_environment(judge)), tamed_graders(text_columns(benchmark)):
        how = Reading(judged=judge.used, unread=asked.unread)
        try:
            verdicts = read_verdicts(benchmark, file, list(predictions), how)
        except NoVerdictsError as error:
            raise error from uncounted
        except GradingError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the host's own rules stumble over
            reason = blanked(f"{type(uncounted or error).__name__}: {uncounted or error}", judge_secrets(judge))
            raise GraderStumbledError(
                f"{benchmark.name}: the host's verdicts cannot be read ({reason}); its output is in {log}",
                folder,
                reason,
            ) from (uncounted or error)
    if all(verdict.value is not None for verdict in verdicts.values()):
        shutil.rmtree(folder, ignore_errors=True)  # A folder that cannot be removed must not cost its verdicts.
    return verdicts


def host_figure(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    directory: Path,
    judge: JudgeOptions,
    replies: Replies | None = None,
    *,
    tally: Asked | None = None,
) -> HostFigure | None:
    """The host's own figure of a whole table of texts that have verdicts, from its ``evaluate``.

    Args:
        benchmark: Whose ``evaluate`` counts.
        predictions: One text for each problem that counts, by the index of its row.
        directory: As for :func:`grade_table`.
        judge: Who helped to grade the texts.
        replies: Its replies; a table of graded texts asks it nothing new.
        tally: Counts the requests to the judge.

    Returns:
        The benchmark's metric; ``None`` where the host has no such figure.

    Raises:
        GradingError: As for :func:`grade_table`, or the host's figure is not where it is expected.
    """
    load_host()
    judge = benchmark.task.judged_by(judge)
    folder = new_folder(directory)
    result = evaluate_table(benchmark, predictions, folder, judge, replies, check=False, tally=tally).result
    if result is None:  # A part of the benchmark that the host cannot count.
        return None
    try:
        figure = host_figure_of(benchmark, result, list(predictions))
    except FigureError as error:
        raise GradingError(f"{benchmark.name}: {error}; the host's files are in {folder}") from error
    shutil.rmtree(folder, ignore_errors=True)
    return figure


def evaluate_table(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    folder: Path,
    judge: JudgeOptions,
    replies: Replies | None,
    *,
    check: bool = True,
    tally: Asked | None = None,
) -> Evaluated:
    """Lets the host evaluate a table in a new folder; its judge must be resolved.

    Args:
        benchmark: Whose ``evaluate``.
        predictions: One text per problem, by the index of its row.
        folder: An empty folder for the host's files and its log.
        judge: Who helps the host to read answers.
        replies: Where each reply of the judge is kept.
        check: Whether the judge must answer; not where all its replies are known.
        tally: Counts the requests to the judge, also of a table over which the host stumbles.

    Raises:
        GraderStumbledError: When the host's grader raises, perhaps because of one text.
        GradingError: When the host cannot evaluate the table, or its judge does not answer.
    """
    log = folder / LOG_NAME
    result, uncounted = None, None
    with (
        at_work(log, environment=judge_environment(judge), secrets=judge_secrets(judge)),
        tamed_graders(text_columns(benchmark)),
    ):
        if judge.used and check:
            probe_once(judge)
        file = write_predictions(benchmark, _shown(benchmark, predictions, judge), folder)
        state = random.getstate()
        random.seed(0)  # The host rolls dice where it cannot read a judge's reply; those rows become failures.
        requests = kept_replies(replies, secrets=judge_secrets(judge)) if judge.used else no_requests()
        guard = guarded(folder, benchmark.name) if benchmark.task.note else nullcontext()
        try:
            with requests as asked, _added(asked, tally), guard:
                result = benchmark.dataset.evaluate(str(file), **judge_keywords(judge))
        except GradingError:  # The guard's, which says what the grader must not do.
            raise
        except _CANNOT_COUNT.get(type(benchmark.dataset).__name__, _ANY_COUNT if benchmark.task.note else ()) as error:
            print(f"a part of {benchmark.name} is not counted ({type(error).__name__}: {error})")  # Into the log.
            uncounted = error
        except Exception as error:  # Whatever the host's code stumbles over.
            if asked.unanswered:
                raise unanswered(benchmark, judge, asked, folder) from error
            reason = blanked(f"{type(error).__name__}: {error}", judge_secrets(judge))
            said = f"{benchmark.name}: the host could not grade ({reason}); its output is in {log}" + _judge_hint(
                benchmark, judge
            )
            if isinstance(error, _NO_TEXTS_FAULT):
                raise GradingError(said) from error
            raise GraderStumbledError(said, folder, reason) from error
        finally:
            random.setstate(state)
    if judge.used and _WITHOUT_JUDGE in log.read_text("utf-8", errors="replace"):
        forget(judge)
        raise JudgeError(
            f"{benchmark.name}: the judge {judge.name} stopped answering and the host went on without it; "
            f"no verdict was stored. Its output is in {log}"
        )
    if asked.unanswered:
        check_still_there(judge, log)
    return Evaluated(file, asked, result, uncounted)


def _shown(benchmark: Benchmark, predictions: Mapping[str, str], judge: JudgeOptions) -> dict[str, str]:
    """What the host gets of texts, by index."""
    # Where a table has its options in one list, the host's graders read the answer as it stands.
    lettered = "A" in benchmark.dataset.data
    choices = {problem.index: problem.choices for problem in benchmark.problems if lettered}
    how = judge.prediction or "raw"
    shown = {index: benchmark.task.shown(text, how, choices.get(index)) for index, text in predictions.items()}
    # Of an option that is read from nothing a judge may say anything, and the host might draw one.
    empty = REFUSED_OPTION if judge.used and benchmark.dataset.TYPE == "MCQ" else EMPTY
    return {index: text if text.strip() else empty for index, text in shown.items()}


@contextmanager
def _added(asked: Asked, tally: Asked | None) -> Iterator[None]:
    """Adds what was asked to the whole, however it ends."""
    try:
        yield
    finally:
        if tally is not None:
            tally.add(asked)


def unanswered(benchmark: Benchmark, judge: JudgeOptions, asked: Asked, folder: Path) -> JudgeError:
    """For graders that count rows without a reply as they like, so that nobody sees which they are."""
    return JudgeError(
        f"{benchmark.name}: the judge {judge.name} left {asked.unanswered:,} requests unanswered and gave no reply "
        f"that can be read to {len(asked.unread) + asked.unplaced:,} questions, so what the host says of the table is "
        f"void; all replies are stored: run again, or take another judge. The host's output is in {folder}"
    )


def new_folder(directory: Path) -> Path:
    """A new folder for one table.

    Raises:
        GradingError: It cannot be made, or the host could not work in it.
    """
    if ".tsv" in str(directory):
        raise GradingError(
            f"{directory}: the host cannot work in a folder with .tsv in its path; choose another work dir"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="table-", dir=directory))
    except OSError as error:
        raise GradingError(f"cannot write to {directory}: {error}") from error


def _judge_hint(benchmark: Benchmark, judge: JudgeOptions) -> str:
    if benchmark.task.needs_judge and not judge.used:
        return f". {benchmark.name} needs a judge: name one with --judge"
    return ""
