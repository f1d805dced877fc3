"""What a store tells where the host toolkit is not: problems, how texts were graded, and whose samples it holds.

Samples need no host when the policy is behind an endpoint, nor do scores and reports. So that such a machine has
problems to work on, ``export_problems`` writes them, with their pictures, as a work dir that can be copied there.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.atomic_file import atomic_draft
from visualprm_eval.core.config import DEFAULT_PICTURES, RunConfig
from visualprm_eval.core.errors import BenchmarkError, ConfigError, HostError, MissingFilesError
from visualprm_eval.core.folders import PICTURES, check_folder, picture_here
from visualprm_eval.core.types import JSONValue, Part, Problem, Spec
from visualprm_eval.core.visible import say, tell
from visualprm_eval.run.expected_benchmarks import expected_benchmarks, told
from visualprm_eval.stages.sample.prompts import absorb_prompt_files, export_prompts, note_unheeded
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.scopes import Scope, scopes
from visualprm_eval.store.soundness import open_sound

if TYPE_CHECKING:
    from visualprm_eval.core.config import JudgeOptions
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.tasks import Task

_ORIGIN = "origin"
"""The kind of notes on what a benchmark is, see :func:`origin_of`."""
_OF_TASK = ("needs_judge", "judge", "host_judge", "prediction", "note")
"""What the host says of a benchmark without a task of its own."""


def load_benchmarks(config: RunConfig, store: Store) -> list[Benchmark]:
    """The benchmarks of a run, by the host, or from the store where there is no host and nothing is to be graded.

    The store knows their problems afterwards.

    A dry run fetches no files and writes none. Where a benchmark lacks its file it goes by the problems of the store,
    else by the known size, and it says so; one of unknown size is left out.

    Raises:
        HostError: There is no host and it is needed.
        MissingFilesError: Files are missing and cannot be fetched; the message names all of them.
        BenchmarkError: A benchmark's data is malformed.
    """
    from visualprm_eval.core.folders import use_data_dir
    from visualprm_eval.host.toolkit import load_benchmarks as load_from_host
    from visualprm_eval.host.worker.process import set_verbose

    set_verbose(config.verbose)
    use_data_dir(config.data_dir)
    expected = list(expected_benchmarks(config.data, config.limit, store)) if config.dry_run else []
    by_size = {benchmark.name: benchmark for benchmark in expected}
    names = [name for name in config.data if name not in by_size]
    benchmarks: list[Benchmark] = []
    missing: Mapping[str, str] = {}
    try:
        if names:
            benchmarks, missing = load_from_host(
                names, config.limit, fetch=not config.dry_run, pictures=config.pictures, write=not config.dry_run
            )
    except HostError as error:
        if "grade" in config.stages:
            hint = "Only grading needs it: name the other stages, such as --stages sample"
            raise HostError(f"{error}. {hint}") from error
        tell(f"note: {error}. The problems are those of the store in {config.work_dir}")
        stored = [stored_benchmark(store, name, config) for name in names]
        for benchmark in stored if {"sample", "score"} & set(config.stages) and not config.dry_run else ():
            _check_pictures(benchmark, config.work_dir)
        return [*stored, *_by_size(expected, config)]
    if missing and not config.dry_run:
        raise MissingFilesError(missing.values())
    for benchmark in benchmarks:
        store.put_problems(benchmark.problems)
        store.put_note(_ORIGIN, benchmark.name, origin_of(benchmark))
        note_unheeded(store, benchmark)
        tell_shown(benchmark.name, benchmark.shown)
        if benchmark.task.note:
            tell(f"note: {benchmark.task.note}")
    benchmarks += [*_without_file(missing, store, config), *_by_size(expected, config)]
    return sorted(benchmarks, key=lambda benchmark: config.data.index(benchmark.name))


def _by_size(expected: Sequence[Benchmark], config: RunConfig) -> list[Benchmark]:
    """Benchmarks of which only the size is known; which candidates of a pack are theirs nobody can tell."""
    known = config.candidates is None
    for benchmark in expected:
        plan = "this plan goes by that number" if known else "this plan is made without it"
        say(f"{told(benchmark)}; a run would try to fetch it, and {plan}")
    return list(expected) if known else []


def _without_file(missing: Mapping[str, str], store: Store, config: RunConfig) -> Iterator[Benchmark]:
    """Benchmarks of a dry run that lack files and that the store has problems of; the others are told."""
    for name, lack in missing.items():
        if known := store.current_problems(name):
            say(f"{lack}; a run would try to fetch it, and this plan goes by the {len(known):,} problems of the store")
            yield stored_benchmark(store, name, config)
        else:
            say(f"{lack}; how many problems it has is not known here: this plan is made without it")


def load_part(config: RunConfig, store: Store) -> list[Benchmark]:
    """The benchmarks of a run as far as a rank's store has their problems, which rank 0 put there.

    Only who samples needs the host's own dataset, for the prompts that some policies get.
    """
    names = [name for name in config.data if name in store.benchmarks()]
    if "sample" in config.stages:
        from visualprm_eval.core.folders import use_data_dir
        from visualprm_eval.host.toolkit import load_benchmarks as load_from_host
        from visualprm_eval.host.toolkit import use_host_python

        use_data_dir(config.data_dir)
        use_host_python(config.host_python)
        with suppress(HostError):
            whole, _ = load_from_host(names, config.limit, fetch=False, pictures=config.pictures)
            ids = {problem.id for name in names for problem in store.problems(name)}
            return [replace(each, problems=[one for one in each.problems if one.id in ids]) for each in whole]
    return [stored_benchmark(store, name, config) for name in names]


def stored_benchmark(store: Store, name: str, config: RunConfig, scope: Scope | None = None) -> Benchmark:
    """A benchmark of the problems that a store holds; it cannot be graded.

    Of a problem that changed since, what was put last counts.

    Args:
        store: Where the problems are.
        name: The benchmark.
        config: The run; with a limit the first problems, though the scope may have fewer.
        scope: What a run had of it; without one all problems.

    Raises:
        BenchmarkError: The store has no problems of it.
    """
    from visualprm_eval.host.benchmark import Benchmark
    from visualprm_eval.host.data.files import DataFile

    known = store.current_problems(name)
    if not known:
        raise BenchmarkError(
            f"{store.path} has no problems of {name}: where the host toolkit is, run `visualprm_eval export-problems "
            f"--data {name} -o FOLDER`, and make a copy of that folder the --work-dir here"
        )
    problems, whole = _chosen_problems(store, name, known, scope, config.limit)
    origin: Mapping[str, Any] = (store.last_note(_ORIGIN, name) or {}) if scope is None else scope.origin
    task = _stored_task(store, name, origin.get("task"))
    total = task.size or origin.get("total")
    if total is None and len(problems) < whole:
        total = whole
    if total is not None and scope is None and task.size is None:
        total = max(total, whole)
    file = DataFile(Path(origin["file"]), origin["md5"], origin["expected"]) if "file" in origin else None
    here = [_with_pictures(problem, lambda value: picture_here(config.work_dir, value)) for problem in problems]
    left_out, shown = origin.get("left out", {}), str(origin.get("pictures", ""))
    return Benchmark(
        name, task, None, here, total=total, file=file, left_out=left_out, surplus=origin.get("surplus", 0), shown=shown
    )


def tell_shown(benchmark: str, shown: str) -> None:
    """Tells of pictures that are shown in another way than their files are."""
    from visualprm_eval.core.pictures import AS_THEY_ARE

    if shown not in {"", AS_THEY_ARE}:
        rule = "They are problems of their own; --pictures raw leaves pictures as they are"
        tell(f"note: {benchmark}: {shown}. {rule}")


def _chosen_problems(
    store: Store, name: str, known: Sequence[Problem], scope: Scope | None, limit: int | None
) -> tuple[Sequence[Problem], int]:
    """The problems that a report is of, and of how many they are the first."""
    if scope is None:
        return known[:limit], len(known)
    by_id = {problem.id: problem for problem in store.problems(name)}
    own = [by_id[each] for each in scope.problems if each in by_id]
    if limit is None:
        return own, len(own)
    indices = {problem.index for problem in own}
    wider = [*own, *(problem for problem in known if problem.index not in indices)]
    return wider[:limit], len(wider)


def origin_of(benchmark: Benchmark) -> dict[str, JSONValue]:
    """What only the host's side knows of a benchmark.

    That is how many problems it has, which file they come from, and how the host would grade one without a task of its
    own.
    """
    file, task = benchmark.file, benchmark.task
    origin: dict[str, JSONValue] = {"total": benchmark.total}
    if benchmark.left_out:
        origin["left out"] = dict(benchmark.left_out)
    if benchmark.surplus:
        origin["surplus"] = benchmark.surplus
    if file is not None:
        origin |= {"file": file.path.name, "md5": file.md5, "expected": file.expected}
    if benchmark.shown:
        origin["pictures"] = benchmark.shown
    if task.note:
        origin["task"] = {name: getattr(task, name) for name in _OF_TASK}
    return origin


def stored_grading(store: Store, benchmark: Benchmark, judge: JudgeOptions) -> Spec:
    """The key of a benchmark's verdicts where no host can tell its version: of the last run, else of the last stored.

    Raises:
        ConfigError: They were given by several judges, and no run said which it had.
    """
    found = [
        spec
        for spec in _gradings(store, benchmark.name)
        if judge.name in {None, spec.settings.get("judge")}
        and judge.prediction in {None, spec.settings.get("prediction")}
    ]
    runs = [scope.graded for (_, name), scope in scopes(store).items() if name == benchmark.name]
    if noted := [spec for spec in runs if spec in found]:
        return noted[-1]
    judges = list(dict.fromkeys(str(spec.settings.get("judge")) for spec in found))
    if len(judges) > 1:
        raise ConfigError(f"{benchmark.name} was graded by {', '.join(judges)}; choose with --judge")
    if found:
        return found[-1]
    how = benchmark.task.judged_by(judge).prediction
    return Spec("grading", {"benchmark": benchmark.name, "prediction": how, "host": "none"})


def export_problems(
    names: Sequence[str], output: Path, *, prompt: str, limit: int | None, pictures: str = DEFAULT_PICTURES
) -> None:
    """Writes problems, prompts and pictures as a work dir for a machine without the host; needs the host here.

    Args:
        names: Benchmarks by their host names.
        output: The work dir; problems are added to one that exists.
        prompt: How problems are put to policies there, as for ``RunConfig``.
        limit: Only the first problems of each benchmark.
        pictures: How pictures are shown there, as for ``RunConfig``.

    Raises:
        ConfigError: The work dir cannot be written to, or nobody knows a benchmark.
        BenchmarkError: A benchmark's data is missing or malformed, or the pictures cannot be written.
        HostError: There is no host.
    """
    from visualprm_eval.host.data.known import check_benchmark_names, missing_files
    from visualprm_eval.host.toolkit import load_benchmark

    check_folder(output, "-o")
    check_benchmark_names(names)
    if missing := missing_files(names, fetch=True):
        raise MissingFilesError(missing.values())

    def copied(value: str) -> str:
        return _copied(Path(value), output)

    with open_sound(output / STORE_FILE, write=True) as store:
        absorb_prompt_files(store, output)
        for name in names:
            benchmark = load_benchmark(name, limit=limit, pictures=pictures)
            try:
                store.put_problems([_with_pictures(problem, copied) for problem in benchmark.problems])
                store.put_note(_ORIGIN, benchmark.name, origin_of(benchmark))
                note_unheeded(store, benchmark)
                export_prompts(store, benchmark, prompt, copied)
            except OSError as error:
                raise BenchmarkError(f"cannot write {name} to {output} ({error.strerror})") from error
            say(f"{output}: {len(benchmark.problems):,} problems of {name}")
            tell_shown(name, benchmark.shown)


def _gradings(store: Store, name: str) -> list[Spec]:
    return [spec for spec in store.specs("grading") if spec.settings.get("benchmark") == name]


def _stored_task(store: Store, name: str, noted: Mapping[str, Any] | None) -> Task:
    """The benchmark's task.

    For one without a file of its own it is what the host said, or what the last grading tells where that was not noted.
    """
    from visualprm_eval.tasks import EXACT_MATCHING, TASKS, Task

    if name in TASKS:
        return TASKS[name]
    if noted is not None:
        return Task(name=name, host_dataset=name, **noted)
    last: dict[str, Any] = dict(gradings[-1].settings) if (gradings := _gradings(store, name)) else {}
    judge = str(last.get("judge") or EXACT_MATCHING)
    return Task(
        name=name,
        host_dataset=name,
        needs_judge=judge != EXACT_MATCHING,
        judge=judge,
        prediction=last.get("prediction", "raw"),
        note=f"{name} has no task of its own: its value is the host's primary metric",
    )


def _copied(picture: Path, output: Path) -> str:
    """A picture's name by its content, under which it is copied; one that is missing here fails there as well."""
    if not picture.is_file():
        return str(picture)
    with picture.open("rb") as file:
        name = hashlib.file_digest(file, "sha256").hexdigest()[:32] + picture.suffix
    copy = output / PICTURES / name
    if not copy.is_file():
        with atomic_draft(copy, durable=False) as draft:
            shutil.copyfile(picture, draft)
    return f"{PICTURES}/{name}"


def _with_pictures(problem: Problem, place: Callable[[str], str]) -> Problem:
    """The problem with each of its pictures at another place."""
    parts = tuple(Part(part.kind, place(part.value)) if part.kind == "image" else part for part in problem.parts)
    return replace(problem, parts=parts)


def _check_pictures(benchmark: Benchmark, work_dir: Path) -> None:
    """Tells of missing pictures before they become failures; one that nobody had is such a failure."""
    pictures = [value for problem in benchmark.problems for value in problem.images]
    missing = [value for value in pictures if not Path(value).is_file()]
    exported = [value for value in missing if not Path(value).is_absolute()]
    if exported or (missing and len(missing) == len(pictures)):
        raise BenchmarkError(
            f"{len(missing):,} of {len(pictures):,} pictures of {benchmark.name} are not here, such as "
            f"{(exported or missing)[0]}: copy the folder that `visualprm_eval export-problems` made, with its "
            f"{PICTURES}/, and make it the --work-dir (now {work_dir})"
        )
