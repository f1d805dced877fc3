"""How problems are put to policies: by the host, or as it put them when they were exported.

What ``--prompt`` asks for is made by the host's own code (``host.models.prompts``). For machines without the
host, :func:`export_prompts` keeps what it makes in the store of the problems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import BenchmarkError, HostError, PolicyError
from visualprm_eval.core.folders import picture_here
from visualprm_eval.core.json_text import parsed
from visualprm_eval.core.types import JSONValue, Part, Problem, Prompt
from visualprm_eval.core.visible import tell
from visualprm_eval.store import STORE_FILE, Store
from visualprm_eval.store.shapes import is_prompt

if TYPE_CHECKING:
    from visualprm_eval.engine.generate import Shown
    from visualprm_eval.host.benchmark import Benchmark

_FOLDER = "prompts"
"""Folder of a work dir where older versions kept the prompts of its problems."""

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
        from visualprm_eval.host.toolkit import prompt_fingerprint

        try:
            return prompt_fingerprint(self.prompt, keywords)
        except HostError as error:
            if keywords:  # Only the host knows models by such names.
                raise
            wordings = {prompt.wording for name in self.benchmarks for prompt in self._stored(name, error).values()}
        if len(wordings) > 1:
            raise BenchmarkError(
                f"the prompts in {self.work_dir} were made by several versions of the host; export the problems "
                "anew, all at once"
            )
        return wordings.pop()

    def put(self, benchmark: Benchmark, problems: Sequence[Problem], policy: object) -> list[Problem]:
        """Problems with the parts that a policy is shown; ids stay.

        Args:
            benchmark: Where the problems come from.
            problems: Some of its problems.
            policy: Who is asked; its ``put``, if it has one, is the way of a model of the host, and its
                ``internvl_prompts`` say how the host's InternVLChat puts them.

        Raises:
            HostError: There is no host, and the work dir has no prompts that it made.
            PolicyError: The class of a model cannot make the prompt of a row.
        """
        if benchmark.dataset is not None:
            from visualprm_eval.host.toolkit import put_problems

            if (own := getattr(policy, "put", None)) is not None:
                put: list[Problem] = own(benchmark, problems)
                return put
            return put_problems(benchmark, problems, self.prompt, getattr(policy, "internvl_prompts", None))
        if self.prompt == "host":  # The dataset's own prompt is what a problem says.
            return list(problems)
        prompts, place = self._stored(benchmark.name), partial(picture_here, self.work_dir)
        return [
            replace(problem, parts=tuple(Part(*part) for part in _placed(_known(prompts, problem).parts, place)))
            for problem in problems
        ]

    def shown_native(self, problems: Iterable[Problem]) -> dict[str, Shown]:
        """What a native policy reads and sees of problems where the host is not, by id.

        Raises:
            HostError: The work dir has no prompts that the host made.
            PolicyError: The host's prompt for InternVL has fewer places for pictures than pictures.
        """
        from visualprm_eval.engine.images import Picture

        place, stored = partial(picture_here, self.work_dir), cache(self._stored)
        shown: dict[str, Shown] = {}
        for problem in problems:
            turn = _known(stored(problem.benchmark), problem).shown
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

    def _stored(self, name: str, why: HostError | None = None) -> Mapping[str, Prompt]:
        """The prompts of a benchmark that the work dir has, by problem."""
        path, prompts = self.work_dir / STORE_FILE, {}
        if path.exists():
            with Store.open(path, write=False) as store:
                prompts = store.prompts(name, self.prompt)
        if not prompts:
            because = f"{why}. " if why else ""
            raise HostError(
                f"{because}There are no prompts of {name} in {self.work_dir}: where the host toolkit is, run "
                f"`visualprm_eval export-problems --data {name} --prompt {self.prompt} -o FOLDER`, and make a copy of "
                "that folder the --work-dir here"
            ) from why
        return prompts


def export_prompts(store: Store, benchmark: Benchmark, prompt: str, place: Place) -> None:
    """Keeps what the host makes of a benchmark's problems.

    Args:
        store: Where the problems are; prompts are added to those of earlier exports.
        benchmark: The problems.
        prompt: ``"cot"``, ``"direct"`` or ``"host"``.
        place: Where the work dir has a picture.
    """
    from visualprm_eval.host.toolkit import prompt_fingerprint, put_problems

    wording = prompt_fingerprint(prompt)
    put_generally = put_problems(benchmark, benchmark.problems, prompt)
    prompts = {
        problem.id: Prompt(wording, _placed([(part.kind, part.value) for part in problem.parts], place), shown)
        for problem, shown in zip(put_generally, _shown_by_host(benchmark, prompt, place), strict=True)
    }
    store.put_prompts(benchmark.name, prompt, prompts)


def absorb_prompt_files(store: Store, work_dir: Path) -> None:
    """Takes over the prompts that older versions kept as files, which go then; one that cannot be read stays."""
    for path in sorted((work_dir / _FOLDER).glob("*.*.json")):
        name, _, prompt = path.name.removesuffix(".json").rpartition(".")
        try:
            content = parsed(path.read_bytes())
            prompts = {
                problem_id: Prompt(content["wording"], parts, content["shown"].get(problem_id))
                for problem_id, parts in content["put"].items()
            }
            is_sound = all(is_prompt(each.wording, each.parts, each.shown) for each in prompts.values())
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            is_sound = False
        if not is_sound:
            said = "cannot be read and stays; export the problems again if they are needed"
            tell(f"note: {path} {said}")
            continue
        store.put_prompts(name, prompt, prompts)
        path.unlink()
        tell(f"note: {len(prompts):,} prompts of {name} ({prompt}) moved from {path} to the store")
    with suppress(OSError):  # It is not there, or not empty.
        (work_dir / _FOLDER).rmdir()


def note_unheeded(store: Store, benchmark: Benchmark) -> None:
    """Notes, where the host is, which values of ``--prompt`` change nothing for a benchmark; the last word counts."""
    store.put_note(_UNHEEDED, benchmark.name, list(benchmark.unheeded))


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


def _shown_by_host(benchmark: Benchmark, prompt: str, place: Place) -> list[list[JSONValue] | None]:
    from visualprm_eval.host.toolkit import InternVLPrompts, put_problems, turns_or_none

    prompts = InternVLPrompts({}, cot=prompt == "cot")
    turns = turns_or_none(put_problems(benchmark, benchmark.problems, prompt, prompts), prompts)

    def placed(part: JSONValue) -> JSONValue:
        return part if isinstance(part, str) else [place(part[0]), *part[1:]]

    return [None if turn is None else [*map(placed, turn)] for turn in turns]


def _known(prompts: Mapping[str, Prompt], problem: Problem) -> Prompt:
    if problem.id not in prompts:
        raise HostError(
            f"{problem.benchmark}: row {problem.index} has no prompt in the work dir; export the problems again"
        )
    return prompts[problem.id]


def _placed(parts: Iterable[Sequence[str]], place: Place) -> list[tuple[str, str]]:
    """Kinds and values of parts, with pictures where they are."""
    return [(kind, place(value) if kind == "image" else value) for kind, value in parts]
