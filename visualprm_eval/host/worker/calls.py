"""What the host's process is asked to do: plain data in, plain data out."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.packages import versions_here
from visualprm_eval.core.types import JSONValue, Problem
from visualprm_eval.host.benchmark import Benchmark, DatasetKey, LoadedDataset
from visualprm_eval.host.data.benchmarks import host_judge, load_benchmark, load_benchmarks
from visualprm_eval.host.data.usable import host_type
from visualprm_eval.host.grading.grade_table import Evaluation, Trial, check_gradable, evaluate_table, try_grader
from visualprm_eval.host.grading.judge import judge_environment, judge_secrets, probe_judge
from visualprm_eval.host.grading.judge_replies import Asked, counted_requests
from visualprm_eval.host.grading.verdicts import leaves_verdicts
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.load.host_names import HostNames, read_tables
from visualprm_eval.host.models.host_model import HostPolicy, ModelFacts, model_facts
from visualprm_eval.host.models.internvl_prompts import bare_model, native_keywords, shown
from visualprm_eval.host.models.prompts import prompt_fingerprint, put_problems, unheeded_prompts

if TYPE_CHECKING:
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.host.models.sampling_settings import SamplingSettings

Count = Callable[[Asked], None]
"""Takes how much a judge was asked."""

_NOT_SENT = frozenset({"name", "task", "dataset", "pictures", "has_verdicts", "unheeded"})
"""Attributes of a benchmark that do not leave the process, or not as they are."""

_loaded: dict[DatasetKey, Benchmark] = {}
_models: list[HostPolicy] = []
"""The model of a process that samples; it has one."""


class RemoteReplies:
    """The judge's replies that the main process keeps; it has each one before a grader sees it.

    Args:
        get: Asks it for a reply.
        put: Lets it store one.
        check: Raises when no more requests are to be made.
    """

    def __init__(self, get: Callable[..., Any], put: Callable[..., Any], check: Callable[[], None]) -> None:
        self._get, self.put, self._check = get, put, check

    def get(self, request: str, attempt: int) -> str | None:
        """As ``Replies.get``; what must be asked for anew is not asked for when the run is to end."""
        reply: str | None = self._get(request, attempt)
        if reply is None:
            self._check()
        return reply


def host() -> tuple[str, str, str, dict[str, str]]:
    """The host's version, how messages name it, versions of packages, and the variables of its own file ``.env``."""
    from dotenv import dotenv_values

    facts = load_host()
    settings = Path(facts.folder).parent / ".env"
    variables = dotenv_values(settings) if settings.is_file() else {}
    return facts.version, facts.shown, versions_here(), {name: value for name, value in variables.items() if value}


def names() -> HostNames:
    """The names that the host knows."""
    return read_tables()


# Benchmarks -----------------------------------------------------------------------------------------------------------


def load(
    wanted: Sequence[str], limit: int | None, *, fetch: bool, pictures: str, write: bool
) -> tuple[list[LoadedDataset], dict[str, str]]:
    """As ``host.data.benchmarks.load_benchmarks``; what was loaded before of the same names is forgotten."""
    for key in [key for key in _loaded if key.name in wanted]:
        del _loaded[key]
    benchmarks, missing = load_benchmarks(wanted, limit, fetch=fetch, pictures=pictures, write=write)
    return [_told(benchmark, limit, pictures, write) for benchmark in benchmarks], missing


def _told(benchmark: Benchmark, limit: int | None, pictures: str, write: bool) -> LoadedDataset:
    key = DatasetKey(benchmark.name, limit, pictures, write, benchmark.file.md5 if benchmark.file is not None else None)
    _loaded[key] = benchmark
    names = (field.name for field in dataclasses.fields(benchmark) if field.name not in _NOT_SENT)
    facts = {name: getattr(benchmark, name) for name in names}
    facts |= {
        "has_verdicts": leaves_verdicts(benchmark),
        "unheeded": unheeded_prompts(benchmark.name, benchmark.dataset),
    }
    kind = host_type(benchmark.dataset)
    return LoadedDataset(key, kind, host_judge(benchmark.name, kind), facts)


def loaded_benchmark(key: DatasetKey) -> Benchmark:
    """A benchmark by its key; it is loaded again where that was done by a process that is no more.

    Raises:
        BenchmarkError: Its file is another one by now.
    """
    if key not in _loaded:
        benchmark = load_benchmark(key.name, key.limit, fetch=False, pictures=key.pictures, write=key.write)
        if benchmark.file is not None and benchmark.file.md5 != key.md5:
            from visualprm_eval.core.errors import BenchmarkError

            raise BenchmarkError(f"{benchmark.file.path} was changed while it was in use: run again")
        _loaded[key] = benchmark
    return _loaded[key]


# Prompts --------------------------------------------------------------------------------------------------------------


def put(key: DatasetKey, ids: Sequence[str], prompt: str, model: Mapping[str, Any] | None) -> list[Problem]:
    """Problems as policies are shown them.

    Args:
        key: The benchmark.
        ids: Some of its problems.
        prompt: ``"cot"``, ``"direct"`` or ``"host"``.
        model: Keywords of the host's entry of an InternVL model whose prompts are wanted, and ``cot``; ``None`` for a
            policy that the host has not.
    """
    asked = None if model is None else bare_model(model["keywords"], cot=model["cot"])
    return _put(key, ids, prompt, asked)


def put_for_model(key: DatasetKey, ids: Sequence[str], prompt: str) -> list[Problem]:
    """The same for the model that this process has, whose class may have prompts of its own."""
    return _put(key, ids, prompt, _models[0].model)


def _put(key: DatasetKey, ids: Sequence[str], prompt: str, asked: Any) -> list[Problem]:
    benchmark = loaded_benchmark(key)
    own = {problem.id: problem for problem in benchmark.problems}
    return put_problems(benchmark, [own[each] for each in ids], prompt, asked)


def show_native(
    problems: Sequence[Problem], keywords: Mapping[str, Any], cot: bool, strict: bool
) -> list[list[JSONValue] | None]:
    """What the model behind the host's InternVLChat reads and sees of each problem.

    Args:
        problems: Their parts are the message that the host would pass to the class.
        keywords: Those of the host's entry.
        cot: Whether it believes that chain of thought was asked for.
        strict: Whether a problem that it cannot show is an error.

    Returns:
        Of each problem its texts, and its pictures as lists: file, most tiles, whether it is enlarged; ``None`` for one
        that it cannot show.

    Raises:
        PolicyError: There is one that it cannot show.
    """
    from visualprm_eval.core.errors import PolicyError

    model, turns = bare_model(keywords, cot=cot), list[list[JSONValue] | None]()
    for problem in problems:
        try:
            (parts,) = shown(model, [problem])
        except PolicyError:
            if strict:
                raise
            turns.append(None)
            continue
        turns.append([one if isinstance(one, str) else [str(one.source), one.max_tiles, one.upscale] for one in parts])
    return turns


# Grading --------------------------------------------------------------------------------------------------------------


def check(key: DatasetKey, judge: JudgeOptions, *, count: Count) -> None:
    """As ``host.grading.grade_table.check_gradable``."""
    with _counted(count):
        check_gradable(loaded_benchmark(key), judge)


def evaluate(
    key: DatasetKey, predictions: Mapping[str, str], folder: Path, judge: JudgeOptions, replies: RemoteReplies | None,
    *, count: Count, known: bool, done: Callable[[int], None],
) -> Evaluation:  # fmt: skip
    """As ``host.grading.grade_table.evaluate_table``, in a folder that is there."""
    with _counted(count) as asked:
        return evaluate_table(
            loaded_benchmark(key), predictions, folder.parent, judge, replies, known=known, tally=asked, done=done,
            folder=folder,
        )  # fmt: skip


def try_out(
    key: DatasetKey, directory: Path, judge: JudgeOptions, replies: RemoteReplies | None, *, count: Count
) -> Trial:
    """As ``host.grading.grade_table.try_grader``."""
    with _counted(count):
        return try_grader(loaded_benchmark(key), directory, judge, replies)


@contextmanager
def _counted(count: Count) -> Iterator[Asked]:
    """Tells at the end, whatever it is, how much a judge was asked."""
    asked = Asked()
    try:
        with counted_requests(asked):
            yield asked
    finally:
        count(asked)


def probe(judge: JudgeOptions) -> None:
    """As ``host.grading.judge.probe_judge``."""
    with at_work(environment=judge_environment(judge), secrets=judge_secrets(judge)):
        probe_judge(judge)


# Models of the host ---------------------------------------------------------------------------------------------------


def build_model(name: str, settings: SamplingSettings, *, retry: int, allow_remote_code: bool, cot: bool) -> bool:
    """Builds the model of this process; whether it is behind an API."""
    model = HostPolicy(
        name, temperature=settings.temperature, top_p=settings.top_p, max_tokens=settings.max_tokens, retry=retry,
        allow_remote_code=allow_remote_code, cot=cot,
    )  # fmt: skip
    _models[:] = [model]
    return model.is_api


def sample(requests: Sequence[tuple[Problem, int]], settings: SamplingSettings, seed: int, nproc: int) -> Iterator[Any]:
    """Draws a candidate per request, see ``host.models.sampling.drawn``."""
    from visualprm_eval.host.models.sampling import drawn

    return drawn(_models[0].at(settings), requests, seed, nproc)


def facts_of_model(name: str) -> ModelFacts:
    """What is known of a model of the host by its name; nothing is built."""
    return model_facts(name)


CALLS: Mapping[str, Callable[..., Any]] = {
    each.__name__: each
    for each in (
        host, names, load, put, put_for_model, show_native, check, evaluate, try_out, probe, build_model, sample,
        facts_of_model, native_keywords, prompt_fingerprint,
    )
}  # fmt: skip
"""By name, what a message may ask for."""


def remote_replies(value: Any, check: Callable[[], None]) -> Any:
    """Among the arguments of a message, the pair of functions that keeps a judge's replies becomes an object."""
    if isinstance(value, tuple) and len(value) == 2 and all(map(callable, value)):
        return RemoteReplies(*value, check)
    return value


# The process ----------------------------------------------------------------------------------------------------------

_imported: dict[str, str] = {}
"""Variables that the import of the host set."""


def keep_imported(variables: Mapping[str, str]) -> None:
    """Notes variables that the import of the host set: its classes read them later."""
    _imported.update(variables)


def set_environment(variables: Mapping[str, str]) -> None:
    """Gives the process the environment of the one that asks; what the host's import set stays.

    Args:
        variables: That environment, with the keys, which come by message only.
    """
    for name in os.environ.keys() - variables.keys() - _imported.keys():
        del os.environ[name]
    for name, value in {**variables, **_imported}.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    tempfile.tempdir = None  # It would remember the former TMPDIR.
