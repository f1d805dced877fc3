"""The host's own ``evaluate``: one table of predictions in, a verdict per row and a figure of the table out."""

from __future__ import annotations

import math
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from visualprm_eval.core.config import EXACT_MATCHING, JudgeOptions
from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import (
    GraderRefusedError,
    GraderStumbledError,
    GradingError,
    JudgeError,
    NoVerdictsError,
)
from visualprm_eval.core.types import Verdict
from visualprm_eval.core.visible import tell
from visualprm_eval.core.words import counted
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.data.data_view import readable_again
from visualprm_eval.host.data.texts import texts_kept
from visualprm_eval.host.data.usable import MATCHED_TYPES, host_type
from visualprm_eval.host.grading.host_figures import (
    FigureError,
    HostFigure,
    figures_in,
    host_figure_of,
    listed_figures,
)
from visualprm_eval.host.grading.judge import (
    check_still_there,
    forget,
    has_answered,
    judge_environment,
    judge_keywords,
    judge_secrets,
    probe_once,
    way_to,
)  # fmt: skip
from visualprm_eval.host.grading.judge_replies import Asked, Replies, kept_replies, no_requests
from visualprm_eval.host.grading.prediction_file import EMPTY, REFUSED_OPTION, text_columns, write_predictions
from visualprm_eval.host.grading.reasons import reason_of
from visualprm_eval.host.grading.reference_answers import (
    EXACT,
    JUDGED_SLACK,
    MATCHED_SLACK,
    UNKNOWN,
    lacking_part,
    reference_answers,
    shortfall,
)
from visualprm_eval.host.grading.verdict_readers import UNGRADED
from visualprm_eval.host.grading.verdicts import leaves_verdicts, read_verdicts, rows_drawn
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.sandbox.eval_guard import guarded
from visualprm_eval.host.sandbox.grader_fixes import keeps_to
from visualprm_eval.host.sandbox.latex_helper import check_latex

LOG_NAME = "host.log"
"""What the host printed and logged while it graded a table."""

_WITHOUT_JUDGE = "will use exact matching for evaluation"
"""The host's warning when it goes on without a judge that does not answer."""


_SEE = "The traceback is in"

_CANNOT_COUNT = {"Dynamath": (KeyError,), "WeMath": (ZeroDivisionError, KeyError, ValueError, TypeError)}
"""What the host's graders raise when they count a table that is a part of the benchmark; each row is graded by then."""
_ANY_COUNT = (ArithmeticError, LookupError, TypeError, ValueError)
"""The same for benchmarks without a task of their own."""
_NO_TEXTS_FAULT = (NotImplementedError, ImportError, OSError, MemoryError)
"""What the host's graders raise whatever the texts say: they are not there, lack a package, or the machine is full."""
_JUDGED_ROWS = 8
"""Rows of the table by which a grader with a paid judge is tried out."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the host made of a table.

    Attributes:
        folder: The table's files and the host's log.
        verdicts: By index, one for every row, without a value where the host did not grade it; why there are none;
            ``None`` where they were known before.
        figure: The host's figure of the whole table; why it means nothing; ``None`` where the host has none.
        no_figure: What is to be said where that is needed.
        figures: All numbers of the host's result, by the names that it gives them.
    """

    folder: Path
    verdicts: dict[str, Verdict] | GradingError | None
    figure: HostFigure | GradingError | None
    no_figure: GradingError
    figures: Mapping[str, float] = field(default_factory=dict)

    def take_verdicts(self) -> dict[str, Verdict]:
        """The verdicts; the folder goes when every row has one, else it stays, because the log explains why not.

        Raises:
            GraderStumbledError: The host's grader raised, perhaps because of one text.
            NoVerdictsError: It says nothing of single rows that is understood; where it raised before, that is the
                cause.
            GradingError: The host cannot grade the table, or its judge does not answer.
        """
        if not isinstance(self.verdicts, dict):
            raise self.verdicts or NoVerdictsError("the verdicts were known before")
        if all(verdict.value is not None for verdict in self.verdicts.values()):
            self._clear()
        return self.verdicts

    def take_figure(self) -> HostFigure | None:
        """The figure, ``None`` where the host has none; the folder goes when there is one.

        Raises:
            GraderStumbledError: The host's grader raised, perhaps because of one text.
            GradingError: The host cannot evaluate the table, its judge left requests unanswered, or the figure is not
                where it is expected.
        """
        if isinstance(self.figure, GradingError):
            raise self.figure
        if self.figure is not None:
            self._clear()
        return self.figure

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)  # A folder that cannot be removed must not cost its verdicts.


class _Ran(NamedTuple):
    """What the host left of a table.

    Attributes:
        file: The prediction file; what the host left lies beside it.
        asked: What the judge was asked.
        result: What the host returned; ``None`` for a table that it cannot count.
        uncounted: What it raised then.
    """

    file: Path
    asked: Asked
    result: Any
    uncounted: Exception | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a table of reference answers showed of a grader.

    Attributes:
        figure: The host's primary metric of it; ``None`` where a few problems did not show it.
        verdicts: Whether it left a verdict on each row.
        remark: What is to be said of the figure, ``""`` for nothing.
    """

    figure: HostFigure | None
    verdicts: bool
    remark: str = ""


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
    _check_class(benchmark)
    judge = benchmark.task.judged_by(judge)
    if benchmark.task.needs_judge and not judge.used:
        raise GradingError(f"{benchmark.name} cannot be graded without a judge: name one with --judge")
    if judge.used and not has_answered(judge):
        with at_work(environment=judge_environment(judge), secrets=judge_secrets(judge)):
            probe_once(judge)


def _check_class(benchmark: Benchmark) -> None:
    """Refuses what the host has no grader for, such as a user's own table of free answers.

    Raises:
        GradingError: It says what to do.
    """
    evaluate = getattr(type(benchmark.dataset).evaluate, "__code__", None)
    if evaluate is None or evaluate.co_names != (NotImplementedError.__name__,):
        return
    from vlmeval.dataset.image_vqa import CustomVQADataset

    leave = "leave out the grading (--stages sample score)"
    if not isinstance(benchmark.dataset, CustomVQADataset):
        raise GradingError(f"{benchmark.name}: the host has no grader for it; {leave}")
    place = benchmark.name if benchmark.file is None else benchmark.file.path
    raise GradingError(
        f"{benchmark.name}: {place} has no options, and of a user's own tables the host grades multiple choice alone. "
        f"Give its rows options (columns A, B ...) and the letter of the right one (column answer), or {leave}"
    )


def evaluate_table(
    benchmark: Benchmark, predictions: Mapping[str, str], directory: Path, judge: JudgeOptions,
    replies: Replies | None = None, *, known: bool = False, tally: Asked | None = None,
    done: Callable[[int], None] = lambda _: None, folder: Path | None = None,
) -> Evaluation:  # fmt: skip
    """Lets the host evaluate one text per problem.

    Args:
        benchmark: Whose ``evaluate``.
        predictions: Texts by the index of their row; the benchmark's task says what of them the host gets.
        directory: Where the host may write. Each table gets a new folder in it, since the host would answer with the
            scores of an older table of the same name. Its output is in that folder's ``host.log``.
        judge: Who helps the host to read answers.
        replies: Where each reply of the judge is kept as soon as it came; what is there is not asked again.
        known: Whether every text has a verdict, so that the judge's replies are known and only the figure is wanted.
        tally: Counts the requests to the judge, also of a table over which the host stumbles.
        done: Told how many rows a judge has helped with, each time that it has with some, by any thread.
        folder: The new folder, where somebody has made it already.

    Raises:
        GradingError: The host cannot work in the directory. Whatever goes wrong later is in what is returned.
    """
    load_host()
    judge = benchmark.task.judged_by(judge)
    folder = folder or new_folder(directory)
    try:
        ran = _run(benchmark, predictions, folder, judge, replies, known=known, tally=tally, done=done)
    except GradingError as error:
        return Evaluation(folder, error, error, error)
    indices, no_figure = list(predictions), _no_figure(benchmark, judge, ran)
    return Evaluation(
        folder,
        None if known else _verdicts(benchmark, judge, ran, indices),
        (None if known else _void(benchmark, judge, ran)) or _figure(benchmark, ran, indices, judge.metric),
        # Where the host raised, one text may be why.
        GradingError(no_figure) if ran.uncounted is None
        else GraderStumbledError(no_figure, folder, type(ran.uncounted).__name__),
        figures_in(ran.result) if benchmark.task.note else {},
    )  # fmt: skip


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
    asks = judge.used and host_type(benchmark.dataset) not in MATCHED_TYPES
    problems = benchmark.problems[:_JUDGED_ROWS] if asks else benchmark.problems
    tables = reference_answers(benchmark, problems)
    trials: list[tuple[float, int, dict[str, str], Evaluation]] = []
    for answers in (tables or [{problem.index: UNKNOWN for problem in problems}])[: 1 if asks else None]:
        table = evaluate_table(benchmark, answers, directory, judge, replies)
        part = lacking_part(table.figure) if isinstance(table.figure, HostFigure) else math.inf
        trials.append((part, len(trials), answers, table))
        if part <= EXACT:
            break
    part, _, answers, table = min(trials)
    has_verdicts = isinstance(table.verdicts, dict) and UNGRADED not in table.verdicts.values()
    if table.figure is None and table.figures:
        raise _unnamed(benchmark, table)
    figure = table.no_figure if table.figure is None and not has_verdicts else table.figure
    if not isinstance(figure, GradingError):
        remark = _short(benchmark, judge, table, answers, part, asks=asks) if tables and EXACT < part < math.inf else ""
        for _, _, _, tried in trials:
            shutil.rmtree(tried.folder, ignore_errors=True)
        return Trial(figure, has_verdicts, remark)
    if isinstance(figure, GraderRefusedError):
        raise figure
    if leaves_verdicts(benchmark):
        return Trial(None, verdicts=True)
    # Without its judge a grader shows nothing of itself.
    is_final = isinstance(figure, JudgeError) or isinstance(figure.__cause__, NotImplementedError)
    if is_final or len(problems) == len(benchmark.problems):
        raise figure
    return Trial(None, verdicts=False)


def _unnamed(benchmark: Benchmark, table: Evaluation) -> GradingError:
    """For benchmarks of which nobody says which figure of the host's result is their value."""
    known = benchmark.task.figure
    why = known.refusal if known is not None else (
        "the host's rule takes what is called overall, accuracy or score, and its result has none or several of these"
    )  # fmt: skip
    return GradingError(
        f"{benchmark.name}: no figure of the host's result is known to be the one that counts: {why}. The reference "
        f"answers come to {listed_figures(table.figures)}. Choose one with --metric {benchmark.name}=NAME "
        f"(--metric {benchmark.name}=lower:NAME where less is better), or leave out the grading (--stages sample "
        f"score). The host's files are in {table.folder}"
    )


def _short(
    benchmark: Benchmark, judge: JudgeOptions, table: Evaluation, answers: Mapping[str, str], part: float, *, asks: bool
) -> str:
    """What is to be said of reference answers that do not come to the greatest value.

    Raises:
        GradingError: They are matched, not rated by a judge, much is lacking, and nobody chose the figure.
    """
    assert isinstance(table.figure, HostFigure)
    spread = 0.0 if benchmark.task.figure is None else benchmark.task.figure.spread
    if part <= max(JUDGED_SLACK if asks else 0.0, spread):
        return ""
    verdicts = table.verdicts if isinstance(table.verdicts, dict) else {}
    said = f"{benchmark.name}: {shortfall(table.figure, answers, _shown(benchmark, answers, judge), verdicts)}"
    if asks or judge.metric or part <= MATCHED_SLACK:
        return said
    raw = "" if judge.prediction == "raw" else "show whole texts with --prediction raw, "
    raise GradingError(
        f"{said}. So its values would say little of a policy's. Choose another of its figures with --metric "
        f"{benchmark.name}=NAME ({listed_figures(table.figures)}), {raw}leave out the grading (--stages sample score), "
        f"or go on all the same with --metric {benchmark.name}={table.figure.metric}. The host's files are in "
        f"{table.folder}"
    )


def _run(
    benchmark: Benchmark, predictions: Mapping[str, str], folder: Path, judge: JudgeOptions, replies: Replies | None,
    *, known: bool, tally: Asked | None, done: Callable[[int], None],
) -> _Ran:  # fmt: skip
    """Lets the host evaluate a table in its folder, within the bounds of ``host.sandbox``.

    Raises:
        GraderStumbledError: When the host's grader raises, perhaps because of one text.
        GradingError: When the host cannot evaluate the table, or its judge does not answer.
    """
    log, secrets = folder / LOG_NAME, judge_secrets(judge)
    result, uncounted = None, None
    with ExitStack() as stack:
        stack.enter_context(at_work(log, environment=_environment(benchmark, judge), secrets=secrets))
        if benchmark.view is not None:
            stack.enter_context(readable_again(type(benchmark.dataset), benchmark.file, benchmark.view))
        stack.enter_context(texts_kept(text_columns(benchmark)))
        stack.enter_context(keeps_to(folder))
        if judge.used and not known:
            probe_once(judge)
        file = write_predictions(benchmark, _shown(benchmark, predictions, judge), folder)
        random.seed(0)  # The host rolls dice where it cannot read a judge's reply; those rows become failures.
        asked = stack.enter_context(kept_replies(replies, secrets=secrets, done=done) if judge.used else no_requests())
        if tally is not None:
            stack.callback(tally.add, asked)
        try:
            with guarded(folder, benchmark.name) if benchmark.task.note else nullcontext():
                result = benchmark.dataset.evaluate(str(file), **_keywords(benchmark, judge))
        except GradingError:  # The guard's, which says what the grader must not do.
            raise
        except _CANNOT_COUNT.get(type(benchmark.dataset).__name__, _ANY_COUNT if benchmark.task.note else ()) as error:
            _log(error)
            uncounted = error
        except Exception as error:  # Whatever the host's code stumbles over.
            _log(error)
            if asked.unanswered:
                raise _unanswered(benchmark, judge, asked, folder) from error
            reason, why = error_text(error, secrets), reason_of(error, benchmark, judge, secrets)
            said = f"{benchmark.name}: the host could not grade: {why}. {_SEE} {log}"
            if isinstance(error, _NO_TEXTS_FAULT):
                raise GradingError(said) from error
            raise GraderStumbledError(said, folder, reason) from error
    check_latex()
    if judge.used:
        _check_judge(benchmark, judge, log, asked)
    return _Ran(file, asked, result, uncounted)


def _environment(benchmark: Benchmark, judge: JudgeOptions) -> dict[str, str | None]:
    """The judge's variables, and the folder from which graders read tables."""
    return {**judge_environment(judge), **({} if benchmark.view is None else {"LMUData": str(benchmark.view)})}


def _log(error: Exception) -> None:
    """Leaves a traceback in the log that the standard streams lead into."""
    tell("".join(traceback.format_exception(error)))


def _no_figure(benchmark: Benchmark, judge: JudgeOptions, ran: _Ran) -> str:
    """What is to be said where the host has neither a figure of a table nor verdicts on its rows."""
    said, log = f"{benchmark.name}: ", ran.file.parent / LOG_NAME
    if ran.uncounted is not None:
        why = reason_of(ran.uncounted, benchmark, judge, judge_secrets(judge))
        said += f"the host could not count the table: {why}. {_SEE} {log}. There is"
    elif ran.result is None:
        said += "the host's grader gave back nothing, and there is"
    else:
        said += "the host names no single primary metric, and there is"
    said += " no verdict per row that is understood; leave the benchmark out, or leave out the grading"
    return said if ran.uncounted is not None else f"{said}. The host's output is in {log}"


def _keywords(benchmark: Benchmark, judge: JudgeOptions) -> dict[str, Any]:
    """What the host's ``evaluate`` gets; two classes must be told how they are to work."""
    own: dict[str, dict[str, Any]] = {
        "PhyX": {"valid_type": "LLM" if judge.used else "STR"},
        "TDBenchGrounding": {} if judge.used else {"model": "centroid"},  # Its own default; a judge is none there.
    }
    return {**judge_keywords(judge), **own.get(type(benchmark.dataset).__name__, {})}


def _check_judge(benchmark: Benchmark, judge: JudgeOptions, log: Path, asked: Asked) -> None:
    """Whether the judge was there to the end; one that refuses some texts makes them failures.

    Raises:
        JudgeError: It was not.
    """
    if _WITHOUT_JUDGE in log.read_text("utf-8", errors="replace"):
        forget(judge)
        raise JudgeError(
            f"{benchmark.name}: the judge {judge.name}{way_to(judge)} stopped answering and the host went on without "
            f"it; no verdict was stored. Its output is in {log}"
        )
    if asked.unanswered:
        check_still_there(judge, log)


def _verdicts(
    benchmark: Benchmark, judge: JudgeOptions, ran: _Ran, indices: Sequence[str]
) -> dict[str, Verdict] | GradingError:
    """The verdicts that the host left, or why there are none."""
    file, asked, _, uncounted = ran
    if asked.unplaced or (asked.unread and not leaves_verdicts(benchmark)):
        return _unanswered(benchmark, judge, asked, file.parent)
    log = file.parent / LOG_NAME
    at = at_work(log, environment=judge_environment(judge), secrets=judge_secrets(judge))
    with at, texts_kept(text_columns(benchmark)):
        try:
            return read_verdicts(benchmark, file, indices, judged=judge.used, unread=asked.unread)
        except GradingError as error:
            if isinstance(error, NoVerdictsError):
                error.__cause__ = uncounted
            return error
        except Exception as error:  # noqa: BLE001 - whatever the host's own rules stumble over
            _log(error)
            cause, secrets = uncounted or error, judge_secrets(judge)
            reason = error_text(cause, secrets)
            why = reason_of(cause, benchmark, judge, secrets)
            said = f"{benchmark.name}: the host's verdicts cannot be read: {why}. {_SEE} {log}"
            stumbled = GraderStumbledError(said, file.parent, reason)
            stumbled.__cause__ = cause
            return stumbled


def _void(benchmark: Benchmark, judge: JudgeOptions, ran: _Ran) -> GradingError | None:
    """Why a figure means nothing: it counts rows of which the judge gave no reply that can be read."""
    if ran.asked.unread or ran.asked.unplaced:
        return _unanswered(benchmark, judge, ran.asked, ran.file.parent)
    if drawn := rows_drawn(ran.file):
        return GradingError(
            f"{benchmark.name}: the judge {judge.name} gave no reply that can be read to {counted(drawn, 'row')}, for "
            "which the host drew an option at random, so what it says of the table is void; try another judge, or "
            f"--judge {EXACT_MATCHING}. The host's files are in {ran.file.parent}"
        )
    return None


def _figure(
    benchmark: Benchmark, ran: _Ran, indices: Sequence[str], metric: str | None
) -> HostFigure | GradingError | None:
    if ran.result is None:  # A part of the benchmark that the host cannot count.
        return None
    try:
        return host_figure_of(benchmark, ran.result, indices, metric)
    except FigureError as error:
        return GradingError(f"{benchmark.name}: {error}; the host's files are in {ran.file.parent}")


def _shown(benchmark: Benchmark, predictions: Mapping[str, str], judge: JudgeOptions) -> dict[str, str]:
    """What the host gets of texts, by index."""
    # Where a table has its options in one list, the host's graders read the answer as it stands.
    lettered, how = "A" in benchmark.dataset.data, judge.prediction or "raw"
    choices = {problem.index: problem.choices for problem in benchmark.problems if lettered}
    shown = {index: benchmark.task.shown(text, how, choices.get(index)) for index, text in predictions.items()}
    # Of an option that is read from nothing a judge may say anything, and the host might draw one.
    empty = REFUSED_OPTION if judge.used and host_type(benchmark.dataset) == "MCQ" else EMPTY
    return {index: text if text.strip() else empty for index, text in shown.items()}


def _unanswered(benchmark: Benchmark, judge: JudgeOptions, asked: Asked, folder: Path) -> JudgeError:
    """For graders that count rows without a reply as they like, so that nobody sees which they are."""
    return JudgeError(
        f"{benchmark.name}: the judge {judge.name}{way_to(judge)} left {counted(asked.unanswered, 'request')} "
        f"unanswered and gave no reply that can be read to {counted(len(asked.unread) + asked.unplaced, 'question')}, "
        "so what the host says of the table is void; all replies are stored: run again, or take another judge. The "
        f"host's output is in {folder}"
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
