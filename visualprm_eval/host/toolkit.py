"""What this project asks of VLMEvalKit, as plain functions; the host itself runs in a process of its own.

One process loads benchmarks, puts prompts and grades. A model of the host has another one, see
``visualprm_eval.host.model``, so that what happens to it costs no verdicts.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.config import DEFAULT_PICTURES
from visualprm_eval.core.errors import ConfigError, GraderStumbledError, HostDiedError, HostError, MissingFilesError
from visualprm_eval.core.types import JSONValue, Problem
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.grading.grade_table import LOG_NAME, Evaluation, new_folder
from visualprm_eval.host.load.host_names import HOST, HostNames, host_folder, kept_names, read_tables
from visualprm_eval.host.load.lacks import host_error
from visualprm_eval.host.worker.process import HostProcess
from visualprm_eval.tasks import task_for

if TYPE_CHECKING:
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.engine.generate import Shown
    from visualprm_eval.host.grading.grade_table import Trial
    from visualprm_eval.host.grading.judge_replies import Asked
    from visualprm_eval.store import Replies


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is known of the host.

    Attributes:
        version: Its version; of a checkout with its commit.
        shown: How messages name it: with its kind and where it lies.
        packages: The versions of what is installed beside it, see ``core.packages.versions_here``.
    """

    version: str
    shown: str
    packages: str


@dataclass(frozen=True, slots=True)
class InternVLPrompts:
    """Prompts as the host's InternVLChat makes them for one of its models.

    Attributes:
        keywords: Those of the host's entry of the model; empty for the class's defaults.
        cot: Whether chain of thought is asked for.
    """

    keywords: Mapping[str, Any]
    cot: bool


_python: list[Path] = []
"""The Python that somebody named for the host."""


def use_host_python(python: Path | None) -> None:
    """Lets another Python run the host's processes from now on, or this one again (``None``).

    Raises:
        ConfigError: It is no program.
    """
    program = None if python is None else shutil.which(python)
    if python is not None and program is None:
        raise ConfigError(f"--host-python {python} is no program; name the python of the environment that has vlmeval")
    named = [] if program is None else [Path(program).absolute()]
    if named != _python:
        _python[:] = named
        if _started:
            _started.pop().stop()
        host.cache_clear()


def new_process() -> HostProcess:
    """A process that imports the host; it does not run yet.

    Raises:
        HostError: There is no host.
    """
    if not _python and host_folder() is None:
        raise host_error(ModuleNotFoundError(HOST))
    return HostProcess(_python[-1] if _python else None)


_started: list[HostProcess] = []


def host_process() -> HostProcess:
    """The process that loads benchmarks, puts prompts and grades.

    Raises:
        HostError: There is no host.
    """
    if not _started:
        _started.append(new_process())
    return _started[0]


def start() -> None:
    """Lets the host be imported while this process does other things; without a word where there is none."""
    try:
        host_process().start()
    except HostError:
        return  # It is said by whoever needs it.


@functools.cache
def host() -> HostFacts:
    """The host; its own settings file, if it has one, is read into the environment of this process, as users expect.

    Raises:
        HostError: There is none, or it cannot be imported.
    """
    version, shown, packages, settings = host_process().call("host")
    os.environ.update(settings)
    return HostFacts(version, shown, packages)


def versions_elsewhere() -> str:
    """The versions of packages in the environment of the Python that was named for the host; ``""`` where none was."""
    return host().packages if _python else ""


def has_names() -> bool:
    """Whether :func:`host_names` would start no process."""
    return HOST in sys.modules or (not _python and kept_names() is not None)


def host_names() -> HostNames:
    """The names of models and benchmarks that the host knows; it is asked only where no former import left them.

    Raises:
        HostError: It is missing or cannot be imported.
    """
    if HOST in sys.modules:  # This is the host's process; it may have names that nobody kept.
        return read_tables()
    names: HostNames | None = None if _python else kept_names()
    return names if names is not None else host_process().call("names")


# Benchmarks -----------------------------------------------------------------------------------------------------------


def load_benchmarks(
    names: Sequence[str], limit: int | None = None, *, fetch: bool = True, pictures: str = DEFAULT_PICTURES,
    write: bool = True,
) -> tuple[list[Benchmark], dict[str, str]]:  # fmt: skip
    """Loads benchmarks, and says of all files at once which are missing.

    Args:
        names: The host's names of the datasets.
        limit: Only the first rows of each; ``None`` for all.
        fetch: Whether files that are missing may be fetched.
        pictures: ``"upright"`` turns and scales pictures as they are meant to be seen; ``"raw"`` leaves them alone.
        write: Whether the pictures become files; their sizes are noted if not.

    Returns:
        The benchmarks, and a sentence on each one that lacks files, by name. When files may be fetched and one is
        missing all the same, nothing is loaded.

    Raises:
        HostError, UnknownNameError, BenchmarkError, ConfigError: The host, a name, a table or the limit cannot be used.
    """
    host()
    loaded, missing = host_process().call("load", list(names), limit, fetch=fetch, pictures=pictures, write=write)
    benchmarks = [
        Benchmark(
            name=each.key.name,
            task=task_for(each.key.name, host_type=each.host_type, host_judge=each.host_judge),
            dataset=each.key,
            **each.facts,
        )
        for each in loaded
    ]
    return benchmarks, missing


def load_benchmark(name: str, limit: int | None = None, *, pictures: str = DEFAULT_PICTURES) -> Benchmark:
    """Loads one benchmark, see :func:`load_benchmarks`.

    Raises:
        MissingFilesError: Its file is missing and cannot be fetched.
    """
    benchmarks, missing = load_benchmarks([name], limit, pictures=pictures)
    if missing:
        raise MissingFilesError(missing.values())
    return benchmarks[0]


# Prompts --------------------------------------------------------------------------------------------------------------


def put_problems(
    benchmark: Benchmark, problems: Iterable[Problem], prompt: str, asked: InternVLPrompts | None = None
) -> list[Problem]:
    """Problems with the parts that a policy is shown, see ``host.models.prompts``; ids stay.

    Args:
        benchmark: Where the problems come from.
        problems: Some of its problems.
        prompt: ``"cot"``, ``"direct"`` or ``"host"``.
        asked: Whose prompts are wanted; ``None`` for those of the datasets.

    Raises:
        PolicyError: When the model's class cannot make the prompt of a row.
    """
    ids = [problem.id for problem in problems]
    model = None if asked is None else {"keywords": dict(asked.keywords), "cot": asked.cot}
    put: list[Problem] = host_process().call("put", benchmark.dataset, ids, prompt, model)
    return put


def shown_native(
    problems: Iterable[Problem], prompts: InternVLPrompts, place: Callable[[str], str] = str
) -> list[Shown]:
    """What the model behind an InternVLChat gets to read and see.

    Args:
        problems: Their parts are the message that the host would pass to the class.
        prompts: How the class is set up.
        place: Where a picture is for who reads it.

    Returns:
        For each problem its text and pictures in order, without the words around a user's turn.

    Raises:
        PolicyError: When the host's prompt has fewer places for pictures than pictures, which no model can answer.
    """
    from visualprm_eval.engine.images import Picture

    return [
        tuple(part if isinstance(part, str) else Picture(place(part[0]), part[1], part[2], as_is=True) for part in turn)
        for turn in _turns(problems, prompts, strict=True)
        if turn is not None
    ]


def turns_or_none(problems: Iterable[Problem], prompts: InternVLPrompts) -> list[list[JSONValue] | None]:
    """The same as JSON: texts, and pictures as file, most tiles and whether they are enlarged.

    Returns:
        ``None`` for problems that no model can answer.
    """
    return _turns(problems, prompts, strict=False)


def _turns(problems: Iterable[Problem], prompts: InternVLPrompts, *, strict: bool) -> list[list[JSONValue] | None]:
    turns: list[list[JSONValue] | None] = host_process().call(
        "show_native", list(problems), dict(prompts.keywords), prompts.cot, strict
    )
    return turns


def prompt_fingerprint(prompt: str, keywords: Mapping[str, Any] | None = None) -> str:
    """Names the wording of ``prompt``, see ``host.models.prompts``.

    Args:
        prompt: ``"cot"``, ``"direct"`` or ``"host"``, as InternVLChat does it.
        keywords: Those of the host's entry of an InternVL model.
    """
    return str(host_process().call("prompt_fingerprint", prompt, None if keywords is None else dict(keywords)))


def native_keywords(name: str) -> Mapping[str, Any] | None:
    """The keywords of a host model that our native engine can stand in for; ``None`` for any other."""
    keywords: Mapping[str, Any] | None = host_process().call("native_keywords", name)
    return keywords


# Grading --------------------------------------------------------------------------------------------------------------


def check_gradable(benchmark: Benchmark, judge: JudgeOptions, tally: Asked) -> None:
    """Finds out, before samples are paid for, whether a benchmark's verdicts can be had; cheap to ask again.

    Args:
        benchmark: What is to be graded.
        judge: Who helps the host to read answers; asked for one short reply when it is the first time.
        tally: Counts the requests to the judge.

    Raises:
        GradingError: When it has no answers, a judge is needed and none is to be asked, or the judge does not answer.
    """
    host_process().call("check", benchmark.dataset, judge, count=tally.add)


def try_grader(
    benchmark: Benchmark, directory: Path, judge: JudgeOptions, replies: Replies | None = None, *, tally: Asked
) -> Trial:
    """Lets the host evaluate a table of reference answers, see ``host.grading.grade_table.try_grader``.

    Raises:
        GradingError: The host cannot evaluate such tables, or names no single primary metric.
    """
    try:
        trial: Trial = host_process().call(
            "try_out", benchmark.dataset, directory.absolute(), judge, _kept(replies), count=tally.add
        )
    except HostDiedError as error:
        raise _stumbled(benchmark, error, None) from error
    return trial


def evaluate_table(
    benchmark: Benchmark, predictions: Mapping[str, str], directory: Path, judge: JudgeOptions,
    replies: Replies | None = None, *, tally: Asked, known: bool = False, done: Callable[[int], None] = lambda _: None,
) -> Evaluation:  # fmt: skip
    """Lets the host evaluate one text per problem, see ``host.grading.grade_table.evaluate_table``.

    A table over which the host's process dies is one over which its grader stumbles.

    Args:
        benchmark: Whose ``evaluate``.
        predictions: Texts by the index of their row.
        directory: Where the host may write; each table gets a new folder in it.
        judge: Who helps the host to read answers.
        replies: Where each reply of the judge is kept before a grader sees it.
        tally: Counts the requests to the judge.
        known: Whether every text has a verdict, so that only the figure is wanted.
        done: Told how many rows a judge has helped with, each time that it has with some.

    Raises:
        GradingError: The host cannot work in the directory. Whatever goes wrong later is in what is returned.
    """
    folder = new_folder(directory).absolute()
    try:
        found: Evaluation = host_process().call(
            "evaluate", benchmark.dataset, dict(predictions), folder, judge, _kept(replies), count=tally.add,
            known=known, done=done,
        )  # fmt: skip
    except HostDiedError as error:
        stumbled = _stumbled(benchmark, error, folder)
        return Evaluation(folder, stumbled, stumbled, stumbled)
    return found


def probe_judge(judge: JudgeOptions) -> None:
    """Asks the judge for one short reply, in the host's way.

    Raises:
        JudgeError: When it does not give one.
        ConfigError: When the environment names a proxy or certificates that cannot be used.
    """
    host_process().call("probe", judge)


def _kept(replies: Replies | None) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    return None if replies is None else (replies.get, replies.put)


def _stumbled(benchmark: Benchmark, error: HostDiedError, folder: Path | None) -> GraderStumbledError:
    """The death of the host's process while it graded a table, as a grader's error; the log keeps its last words."""
    where = ""
    if folder is not None:
        where = f"; its output is in {folder / LOG_NAME}"
        with (folder / LOG_NAME).open("a", encoding="utf-8") as log:
            log.write(f"\n{error}\n{error.output}\n")
    return GraderStumbledError(
        f"{benchmark.name}: the host's process died while it graded a table ({error.reason}){where}", folder,
        f"the process of the host died: {error.reason}",
    )  # fmt: skip
