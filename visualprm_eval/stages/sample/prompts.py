"""How problems are put to policies: by the host, or as it put them when they were exported.

What ``--prompt`` asks for is made by the host's own code (``host.models.prompts``). For machines without the
host, :func:`export_prompts` writes what it makes beside the problems: a file per benchmark and prompt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.atomic_file import write_atomically
from visualprm_eval.core.errors import BenchmarkError, HostError, PolicyError
from visualprm_eval.core.types import JSONValue, Part, Problem

if TYPE_CHECKING:
    from visualprm_eval.engine.generate import Shown
    from visualprm_eval.host.data.benchmarks import Benchmark
    from visualprm_eval.store import Store

__all__ = ["PromptSource", "export_prompts", "note_unheeded", "prompt_of"]

FOLDER = "prompts"
"""Folder of a work dir with the prompts of its problems."""

_UNHEEDED = "unheeded prompts"
"""The kind of notes on which values of ``--prompt`` change nothing for a benchmark."""

Place = Callable[[str], str]
"""Where a picture is on the machine that reads or writes."""


@dataclass(frozen=True, slots=True)
class PromptSource:
    """The host where it is here, else the prompts in a work dir that it made elsewhere.

    Attributes:
        prompt: The value of ``--prompt``.
        work_dir: The work dir.
        benchmarks: The run's benchmarks.
    """

    prompt: str
    work_dir: Path
    benchmarks: tuple[str, ...]

    def wording(self, keywords: Mapping[str, Any] | None = None) -> str:
        """Names the wording of the prompts, a part of the key of samples.

        Args:
            keywords: Those of the host's entry of an InternVL model.

        Raises:
            HostError: There is no host, and the work dir has no prompts that it made.
        """
        from visualprm_eval.host.models.prompts import prompt_fingerprint

        try:
            return prompt_fingerprint(self.prompt, keywords)
        except HostError as error:
            if keywords:  # Only the host knows models by such names.
                raise
            wordings = {self._read(name, error).wording for name in self.benchmarks}
        if len(wordings) > 1:
            raise BenchmarkError(
                f"the prompts in {self.work_dir / FOLDER} were made by several versions of the host; export the "
                "problems anew, all at once"
            )
        return wordings.pop()

    def put(self, benchmark: Benchmark, problems: Sequence[Problem], policy: object) -> list[Problem]:
        """Problems with the parts that a policy is shown; ids stay.

        Args:
            benchmark: Where the problems come from.
            problems: Some of its problems.
            policy: Who is asked; its ``prompt_model``, if it has one, is the host's object with prompts of its own.

        Raises:
            HostError: There is no host, and the work dir has no prompts that it made.
            PolicyError: The class of a model cannot make the prompt of a row.
        """
        if benchmark.dataset is not None:
            from visualprm_eval.host.models.prompts import put_problems

            asked = getattr(policy, "prompt_model", lambda: None)()
            return put_problems(benchmark, problems, self.prompt, asked)
        if self.prompt == "host":  # The dataset's own prompt is what a problem says.
            return list(problems)
        travelled = self._read(benchmark.name).put
        place = _here(self.work_dir)
        return [replace(problem, parts=_parts(travelled, problem, place)) for problem in problems]

    def shown_native(self, problems: Iterable[Problem]) -> dict[str, Shown]:
        """What a native policy reads and sees of problems where the host is not, by id.

        Raises:
            HostError: The work dir has no prompts that the host made.
            PolicyError: The host's prompt for InternVL has fewer places for pictures than pictures.
        """
        from visualprm_eval.engine.images import Picture

        place = _here(self.work_dir)
        shown: dict[str, Shown] = {}
        files: dict[str, _Travelled] = {}
        for problem in problems:
            if problem.benchmark not in files:
                files[problem.benchmark] = self._read(problem.benchmark)
            turn = _known(files[problem.benchmark].shown, problem)
            if turn is None:
                raise PolicyError(
                    f"{problem.benchmark}: the host's prompt for InternVL has too few places for the pictures of row "
                    f"{problem.index}; leave the benchmark out, or use another policy"
                )
            shown[problem.id] = tuple(
                part if isinstance(part, str) else Picture(place(part[0]), part[1], part[2], as_is=True)
                for part in turn
            )
        return shown

    def _read(self, name: str, why: HostError | None = None) -> _Travelled:
        path = _path(self.work_dir, name, self.prompt)
        if not path.is_file():
            because = f"{why}. " if why else ""
            raise HostError(
                f"{because}There are no prompts of {name} in {self.work_dir}: where the host toolkit is, run "
                f"`visualprm_eval export-problems --data {name} --prompt {self.prompt} -o FOLDER`, and make a copy of "
                "that folder the --work-dir here"
            ) from why
        return _load(path)


def export_prompts(benchmark: Benchmark, prompt: str, output: Path, place: Place) -> None:
    """Writes what the host makes of a benchmark's problems.

    Args:
        benchmark: The problems.
        prompt: ``"cot"``, ``"direct"`` or ``"host"``.
        output: The work dir; prompts are added to those of earlier exports.
        place: Where the work dir has a picture.
    """
    from visualprm_eval.host.models.prompts import prompt_fingerprint, put_problems

    ids = [problem.id for problem in benchmark.problems]
    put_generally = put_problems(benchmark, benchmark.problems, prompt)
    parts = [[[part.kind, place(part.value) if part.kind == "image" else part.value] for part in one.parts]
             for one in put_generally]  # fmt: skip
    new = _Travelled(
        prompt_fingerprint(prompt),
        dict(zip(ids, parts, strict=True)),
        dict(zip(ids, _shown_by_host(benchmark, prompt, place), strict=True)),
    )
    path = _path(output, benchmark.name, prompt)
    if path.is_file() and (there := _load(path)).wording == new.wording:
        new = _Travelled(new.wording, {**there.put, **new.put}, {**there.shown, **new.shown})
    write_atomically(path, json.dumps({"wording": new.wording, "put": new.put, "shown": new.shown}))


def note_unheeded(store: Store, benchmark: Benchmark) -> None:
    """Notes, where the host is, which values of ``--prompt`` change nothing for a benchmark; the last word counts."""
    from visualprm_eval.host.models.prompts import unheeded_prompts

    store.put_note(_UNHEEDED, benchmark.name, list(unheeded_prompts(benchmark.name, benchmark.dataset)))


def prompt_of(store: Store, name: str, asked: str) -> str:
    """How the problems of a benchmark were put, when a ``--prompt`` was asked for.

    Args:
        store: One that knows the benchmark's problems.
        name: The benchmark.
        asked: The value of ``--prompt``; ``""`` where nobody knows.

    Returns:
        That value; words that name it where it changed nothing.
    """
    unheeded = store.last_note(_UNHEEDED, name) or []
    return f"the dataset's own ({asked} changes nothing there)" if asked in unheeded else asked


@dataclass(frozen=True, slots=True)
class _Travelled:
    """A file of prompts.

    Attributes:
        wording: Names the wording.
        put: Kind and value of the parts that most policies are shown, by problem.
        shown: What a native policy reads and sees, by problem: text, or a picture with its tiles and whether it is
            enlarged; ``None`` where the host cannot show it.
    """

    wording: str
    put: Mapping[str, Any]
    shown: Mapping[str, Any]


def _shown_by_host(benchmark: Benchmark, prompt: str, place: Place) -> list[list[JSONValue] | None]:
    from visualprm_eval.host.models.internvl_prompts import bare_model, shown
    from visualprm_eval.host.models.prompts import put_problems

    model = bare_model(cot=prompt == "cot")
    turns: list[list[JSONValue] | None] = []
    for problem in put_problems(benchmark, benchmark.problems, prompt, model):
        try:
            (turn,) = shown(model, [problem])
        except PolicyError:
            turns.append(None)
            continue
        turns.append(
            [one if isinstance(one, str) else [place(str(one.source)), one.max_tiles, one.upscale] for one in turn]
        )
    return turns


def _load(path: Path) -> _Travelled:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _Travelled(content["wording"], content["put"], content["shown"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BenchmarkError(f"{path} cannot be read ({error!r}); export the problems again") from error


def _path(work_dir: Path, name: str, prompt: str) -> Path:
    return work_dir / FOLDER / f"{name}.{prompt}.json"


def _known(travelled: Mapping[str, Any], problem: Problem) -> Any:
    if problem.id not in travelled:
        raise HostError(
            f"{problem.benchmark}: row {problem.index} has no prompt in the work dir; export the problems again"
        )
    return travelled[problem.id]


def _parts(travelled: Mapping[str, Any], problem: Problem, place: Place) -> tuple[Part, ...]:
    return tuple(Part(kind, place(value) if kind == "image" else value) for kind, value in _known(travelled, problem))


def _here(work_dir: Path) -> Place:
    from visualprm_eval.core.folders import picture_here

    return lambda value: picture_here(work_dir, value)
