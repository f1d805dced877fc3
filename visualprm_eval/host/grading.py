"""Verdicts from the host's own ``evaluate``: one table of predictions in, one verdict per row out."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from visualprm_eval.errors import GradingError
from visualprm_eval.host.benchmarks import Benchmark
from visualprm_eval.host.bridge import at_work, load_host
from visualprm_eval.host.figures import FigureError, HostFigure, host_figure_of
from visualprm_eval.host.hazards import tamed_graders
from visualprm_eval.host.judging import Asked, kept_replies, no_requests
from visualprm_eval.host.tables import write_predictions
from visualprm_eval.host.verdicts import leaves_verdicts, read_verdicts
from visualprm_eval.redact import blanked
from visualprm_eval.store import Replies
from visualprm_eval.tasks import EXACT_MATCHING, Task
from visualprm_eval.types import JSONValue, Verdict

__all__ = ["Judge", "check_gradable", "evaluate_table", "grade_table", "host_figure", "new_folder", "probe_judge",
           "unanswered"]  # fmt: skip

LOG_NAME = "host.log"
"""What the host printed and logged while it graded a table."""

_PROBE_TIMEOUT_S = 60
_WITHOUT_JUDGE = "will use exact matching for evaluation"
"""The host's warning when it goes on without a judge that does not answer."""


@dataclass(frozen=True, slots=True)
class Judge:
    """How the host's judge, a language model behind an OpenAI-compatible address, is reached.

    Attributes:
        name: The model; ``None`` for what the benchmark's task says, ``"exact_matching"`` for no judge.
        base_url: The address up to ``/v1``; ``None`` for what the host takes from its environment.
        key: Its key; never printed, logged or stored. ``None`` for what the host takes from its environment.
        nproc: Requests at a time.
        retry: Tries per request.
        timeout_s: Longest wait for one reply, in seconds.
        prediction: What the host gets of a text, ``"raw"`` (all) or ``"final"`` (its final answer); ``None`` for what
            the benchmark's task says.
    """

    name: str | None = None
    base_url: str | None = None
    key: str | None = field(default=None, repr=False)
    nproc: int = 4
    retry: int = 6
    timeout_s: int = 600
    prediction: Literal["raw", "final"] | None = None

    def resolve(self, task: Task) -> Judge:
        """This judge with the name, and the way to show texts, that a benchmark's task falls back on."""
        named = dataclasses.replace(self, name=self.name or task.judge)
        return dataclasses.replace(named, prediction=self.prediction or task.shows(judged=named.used))

    @property
    def used(self) -> bool:
        """Whether a language model is asked."""
        return self.name not in {None, EXACT_MATCHING}

    def spec(self) -> dict[str, JSONValue]:
        """What of it can change a verdict."""
        if not self.used:
            return {"judge": self.name or "default"}
        return {"judge": self.name, "judge_url": _shown_address(self.base_url or os.environ.get("OPENAI_API_BASE", ""))}

    def options(self) -> dict[str, Any]:
        """Keyword arguments for the host's ``evaluate``."""
        # The host builds file names from the judge's name, and folders from a slash in it.
        model = (self.name or EXACT_MATCHING).replace("/", "--")
        options: dict[str, Any] = {"model": model, "nproc": self.nproc}
        if self.used:
            options |= {"retry": self.retry, "timeout": self.timeout_s}
            if self.base_url:
                options["api_base"] = f"{self.base_url.rstrip('/')}/chat/completions"
            if self.key:
                options["key"] = self.key
        return options

    def environment(self) -> dict[str, str | None]:
        """Variables that the host must see: TSV files, and the served name of a judge that has a slash in it.

        Excel files would drop what begins with ``=`` and cut long texts. Without a slash ``LOCAL_LLM`` is removed: it
        would silently replace the judge.
        """
        slash = self.used and self.name is not None and "/" in self.name
        return {"PRED_FORMAT": "tsv", "EVAL_FORMAT": "csv", "LOCAL_LLM": self.name if slash else None}

    def secrets(self) -> tuple[str, ...]:
        """What the host's log must not hold."""
        return tuple(key for key in (self.key, os.environ.get("OPENAI_API_KEY")) if key)


_answering: set[Judge] = set()
"""Judges that answered a probe in this process."""

_CANNOT_COUNT = {"Dynamath": (KeyError,), "WeMath": (ZeroDivisionError, KeyError, ValueError, TypeError)}
"""What the host's graders raise when they count a table that is a part of the benchmark; each row is graded by then."""
_ANY_COUNT = (ArithmeticError, LookupError, TypeError, ValueError)
"""The same for benchmarks without a task of their own."""


def check_gradable(benchmark: Benchmark, judge: Judge) -> None:
    """Finds out, before samples are paid for, whether a benchmark's verdicts can be had; cheap to ask again.

    Args:
        benchmark: What is to be graded.
        judge: Who helps the host to read answers; asked for one short reply when it is the first time.

    Raises:
        GradingError: When a judge is needed and none is to be asked, or the judge does not answer.
    """
    load_host()
    judge = judge.resolve(benchmark.task)
    if benchmark.task.needs_judge and not judge.used:
        raise GradingError(f"{benchmark.name} cannot be graded without a judge: name one with --judge")
    if judge.used and not _has_answered(judge):
        with at_work(environment=judge.environment(), secrets=judge.secrets()):
            _probe_once(judge)


def grade_table(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    directory: Path,
    judge: Judge,
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
        NoVerdictsError: When the host's grader says nothing of single rows that is understood.
        GradingError: When the host cannot grade the table, or its judge does not answer.
    """
    load_host()
    if not predictions:
        return {}
    judge = judge.resolve(benchmark.task)
    folder = new_folder(directory)
    file, asked, _ = evaluate_table(benchmark, predictions, folder, judge, replies)
    if tally is not None:
        tally.add(asked)
    if asked.unanswered and not leaves_verdicts(benchmark):
        raise unanswered(benchmark, judge, asked, folder)
    with at_work(folder / LOG_NAME, environment=judge.environment()), tamed_graders():
        verdicts = read_verdicts(benchmark, file, list(predictions), unanswered=asked.unanswered > 0)
    if all(verdict.value is not None for verdict in verdicts.values()):
        shutil.rmtree(folder, ignore_errors=True)  # A folder that cannot be removed must not cost its verdicts.
    return verdicts


def host_figure(
    benchmark: Benchmark,
    predictions: Mapping[str, str],
    directory: Path,
    judge: Judge,
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
    judge = judge.resolve(benchmark.task)
    folder = new_folder(directory)
    _, asked, result = evaluate_table(benchmark, predictions, folder, judge, replies, check=False)
    if tally is not None:
        tally.add(asked)
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
    judge: Judge,
    replies: Replies | None,
    *,
    check: bool = True,
) -> tuple[Path, Asked, Any]:
    """Lets the host evaluate a table in a new folder; its judge must be resolved.

    Args:
        benchmark: Whose ``evaluate``.
        predictions: One text per problem, by the index of its row.
        folder: An empty folder for the host's files and its log.
        judge: Who helps the host to read answers.
        replies: Where each reply of the judge is kept.
        check: Whether the judge must answer; not where all its replies are known.

    Returns:
        The prediction file, what the judge was asked, and what the host returned (``None`` for a part of the benchmark
        that it cannot count).

    Raises:
        GradingError: When the host cannot evaluate the table, or its judge does not answer.
    """
    choices = {problem.index: problem.choices for problem in benchmark.problems}
    how = judge.prediction or "raw"
    shown = {index: benchmark.task.shown(text, how, choices.get(index)) for index, text in predictions.items()}
    log = folder / LOG_NAME
    result = None
    with at_work(log, environment=judge.environment(), secrets=judge.secrets()), tamed_graders():
        if judge.used and check:
            _probe_once(judge)
        file = write_predictions(benchmark, shown, folder)
        state = random.getstate()
        random.seed(0)  # The host rolls dice where it cannot read a judge's reply; those rows become failures.
        requests = kept_replies(replies, secrets=judge.secrets()) if judge.used else no_requests()
        try:
            with requests as asked:
                result = benchmark.dataset.evaluate(str(file), **judge.options())
        except _CANNOT_COUNT.get(type(benchmark.dataset).__name__, _ANY_COUNT if benchmark.task.note else ()) as error:
            print(f"a part of {benchmark.name} is not counted ({type(error).__name__}: {error})")  # Into the log.
        except Exception as error:  # Whatever the host's code stumbles over.
            reason = blanked(f"{type(error).__name__}: {error}", judge.secrets())
            raise GradingError(
                f"{benchmark.name}: the host could not grade ({reason}); its output is in {log}"
                + _judge_hint(benchmark, judge)
            ) from error
        finally:
            random.setstate(state)
    if judge.used and _WITHOUT_JUDGE in log.read_text("utf-8", errors="replace"):
        _answering.discard(_asked(judge))
        raise GradingError(
            f"{benchmark.name}: the judge {judge.name} stopped answering and the host went on without it; "
            f"no verdict was stored. Its output is in {log}"
        )
    if asked.unanswered:
        _check_still_there(judge, log)
    return file, asked, result


def unanswered(benchmark: Benchmark, judge: Judge, asked: Asked, folder: Path) -> GradingError:
    """For graders that count rows without a reply as they like, so that nobody sees which they are."""
    return GradingError(
        f"{benchmark.name}: the judge {judge.name} left {asked.unanswered:,} requests unanswered, so what the host "
        f"says of the table is void; the other replies are stored: run again. The host's output is in {folder}"
    )


def probe_judge(judge: Judge) -> None:
    """Asks the judge for one short reply, in the host's way; the host itself would go on without a word.

    Raises:
        GradingError: When it does not give one.
    """
    from vlmeval.dataset.utils import build_judge

    options = {**judge.options(), "retry": 1, "timeout": min(judge.timeout_s, _PROBE_TIMEOUT_S)}
    address = judge.base_url or os.environ.get("OPENAI_API_BASE") or "the host's default address"
    try:
        code, answer, response = build_judge(**options).generate_inner([{"type": "text", "value": "Reply with: OK"}])
    except Exception as error:  # noqa: BLE001 - connection, certificate, name, key: all mean that there is no judge
        reason = f"{type(error).__name__}: {error}"
    else:
        if code == 0 and answer.strip() and "Failed to obtain answer" not in answer:
            return
        reason = f"status {code}: {getattr(response, 'text', answer)[:200]}"
    reason = blanked(reason, judge.secrets())
    raise GradingError(
        f"the judge {judge.name} at {_shown_address(address)} does not answer ({reason}); "
        "check --judge, --judge-base-url and --judge-key"
    )


def _shown_address(address: str) -> str:
    """An address without the user, password and query in it, any of which may hold a key."""
    return address.partition("?")[0].rpartition("@")[2]


def _probe_once(judge: Judge) -> None:
    """Probes a judge unless it already answered in this process; to be called inside :func:`at_work`."""
    if not _has_answered(judge):
        probe_judge(judge)
        _answering.add(_asked(judge))


def _asked(judge: Judge) -> Judge:
    """The judge whatever it is shown of a text: that it answers, it need say only once."""
    return dataclasses.replace(judge, prediction=None)


def _has_answered(judge: Judge) -> bool:
    return _asked(judge) in _answering


def _check_still_there(judge: Judge, log: Path) -> None:
    """After failed requests: a judge that is gone is an error; one that refuses some texts makes them failures.

    Raises:
        GradingError: When it does not answer any more.
    """
    _answering.discard(_asked(judge))
    with at_work(log, environment=judge.environment(), secrets=judge.secrets()):
        _probe_once(judge)


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


def _judge_hint(benchmark: Benchmark, judge: Judge) -> str:
    if benchmark.task.needs_judge and not judge.used:
        return f". {benchmark.name} needs a judge: name one with --judge"
    return ""
