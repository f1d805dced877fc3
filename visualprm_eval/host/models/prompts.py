"""How problems are put to a policy: ``--prompt cot``, ``direct`` or ``host``.

``host`` is what the host would show the policy: the prompt of its model class where the class has one for the
benchmark, else the dataset's own. ``cot`` and ``direct`` are the same question for every policy: the prompts of the
host's InternVLChat, with chain of thought and without. The host asks an environment variable for that (``USE_COT``); it
is set, or removed, here only, for as long as a prompt is made, so that nobody's environment changes a result. What a
benchmark asks of the answer outside of its questions, which InternVLChat drops, follows the question (see
``Task.answer_request``).
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.config import PROMPTS
from visualprm_eval.core.error_text import error_text
from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Part, Problem, digest
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.models.internvl_code import told_kind
from visualprm_eval.host.models.internvl_prompts import bare_model
from visualprm_eval.tasks import TASKS, Task

if TYPE_CHECKING:
    from visualprm_eval.host.benchmark import Benchmark

_PROBES = ("MMMU_DEV_VAL", "HallusionBench", "MathVista_MINI", "MathVerse_MINI", "TextVQA_VAL", "GQA_TestDev_Balanced")
"""Benchmarks of the kinds between which InternVLChat tells."""
_ANSWER_TYPES = ("float", "multiple choice", "free-form")
"""Kinds of answers between which requests tell."""


def unheeded_prompts(name: str, dataset: Any) -> tuple[str, ...]:
    """The values of ``--prompt`` that change nothing for a benchmark: policies read the dataset's own prompt.

    It is so for all of them where a dataset says that no model may put its questions differently, and for those that
    are made of InternVLChat's prompts where the class has none for the benchmark.

    Args:
        name: The benchmark.
        dataset: The host's dataset object.
    """
    if _insists(dataset):
        return PROMPTS
    with at_work():
        return () if _internvl_has_prompt(name) else tuple(prompt for prompt in PROMPTS if prompt != "host")


def _insists(dataset: Any) -> bool:
    return bool(getattr(dataset, "force_use_dataset_prompt", False))


def _internvl_has_prompt(name: str) -> bool:
    from vlmeval.vlm import InternVLChat

    # A model that renounces prompts of its own is still asked like all others.
    return bool(InternVLChat.use_custom_prompt(SimpleNamespace(_use_custom_prompt=True), name))


def put_problems(benchmark: Benchmark, problems: Iterable[Problem], prompt: str, asked: Any = None) -> list[Problem]:
    """Problems with the parts that a policy is shown; ids stay.

    Args:
        benchmark: Where the problems come from.
        problems: Some of its problems.
        prompt: ``"cot"``, ``"direct"`` or ``"host"``.
        asked: The host's model object, which may have prompts of its own; ``None`` for a policy that the host has not.

    Raises:
        PolicyError: When the model's class cannot make the prompt of a row.
    """
    dataset, name = benchmark.dataset, benchmark.name
    with at_work(environment={"USE_COT": None}):
        maker = None if _insists(dataset) else _maker(name, prompt, asked)
        if maker is None:
            return list(problems)
        rows = {str(index): place for place, index in enumerate(dataset.data["index"])}
        writer = _Writer(maker, name, prompt, getattr(dataset, "TYPE", "VQA"))
        put = []
        for problem in problems:
            row = dataset.data.iloc[rows[problem.index]]
            if prompt != "host":
                row = _with_request(row, benchmark.task)
            parts = writer.parts(row, benchmark.pictures.get(problem.index, problem.images))
            put.append(replace(problem, parts=parts if maker is asked else _pictures_first(parts, dataset)))
    return put


def prompt_fingerprint(prompt: str, keywords: Mapping[str, Any] | None = None) -> str:
    """Names the wording of ``prompt``, so that samples of another version's wording are never taken for this one's.

    Args:
        prompt: ``"cot"``, ``"direct"`` or ``"host"``, as InternVLChat does it.
        keywords: Those of the host's entry of an InternVL model.
    """
    load_host()
    from vlmeval.dataset import DATASET_TYPE

    row = {"index": 0, "question": "Q?", "A": "a", "B": "b"}
    with at_work(environment={"USE_COT": None}):
        writers = [_Writer(bare_model(keywords), name, prompt, DATASET_TYPE(name)) for name in _PROBES]
        words = [[part.value for part in writer.parts(row, ())] for writer in writers]
    if prompt != "host":
        words += [[task.answer_request({"answer_type": kind}) for kind in _ANSWER_TYPES]
                  for task in TASKS.values() if task.answer_request is not None]  # fmt: skip
    return digest(words)


def _with_request(row: Any, task: Task) -> Any:
    """A row of the host's table whose question is followed by what the benchmark asks of the answer."""
    if task.answer_request is None:
        return row
    asking = row.copy()
    asking["question"] = f"{row['question']}\n{task.answer_request(row)}"
    return asking


def _maker(name: str, prompt: str, asked: Any) -> Any:
    """The model object whose class makes the prompts; ``None`` when the dataset's own are used."""
    from vlmeval.vlm import InternVLChat

    if prompt == "host":
        custom = getattr(asked, "use_custom_prompt", None)
        return asked if custom is not None and custom(name) else None
    if not _internvl_has_prompt(name):
        return None
    return asked if type(asked) is InternVLChat else bare_model()


@dataclass(frozen=True)
class _Writer:
    """Lets a class of the host write prompts.

    Attributes:
        maker: The model object.
        name: The benchmark.
        prompt: ``"cot"``, ``"direct"`` or ``"host"``.
        kind: The dataset's ``TYPE``.
    """

    maker: Any
    name: str
    prompt: str
    kind: str

    def parts(self, row: Any, pictures: tuple[str, ...]) -> tuple[Part, ...]:
        """The message for a row with these picture files; the environment must be one's own to change."""
        cot = self.prompt == "cot"
        parts = self._built(row, pictures, cot=cot)
        if not cot or getattr(self.maker, "use_mpo_prompt", False) or parts != self._built(row, pictures, cot=False):
            return parts
        # The class has no chain of thought for this benchmark; the host has the words for it.
        return tuple(
            replace(part, value=self._reasoned(row, part.value)) if part.kind == "text" else part for part in parts
        )

    def _built(self, row: Any, pictures: tuple[str, ...], *, cot: bool) -> tuple[Part, ...]:
        """What the class makes of a row, with or without chain of thought."""
        os.environ["USE_COT"] = "1" if cot else "0"
        self.maker.set_dump_image(lambda _line: list(pictures))
        kind = None
        if self.prompt != "host":
            self.maker.use_cot, self.maker._use_custom_prompt = cot, True  # noqa: SLF001 - the host's attribute
            kind = self.kind  # The host takes every table of a user's own for multiple choice.
        try:
            with told_kind(kind):
                message = self.maker.build_prompt(copy.deepcopy(row), dataset=self.name)
        except Exception as error:  # The host's classes raise whatever they stumble over.
            raise PolicyError(
                f"{self.name}: the host's {type(self.maker).__name__} cannot make the prompt of row {row['index']} "
                f"({error_text(error)}); try --prompt host"
            ) from error
        return tuple(Part(item["type"], str(item["value"])) for item in message if item["type"] in {"text", "image"})

    def _reasoned(self, row: Any, text: str) -> str:
        """A question with the host's request to think step by step."""
        from vlmeval.vlm.internvl import utils

        build = {"Y/N": utils.build_yesorno_cot_prompt, "MCQ": utils.build_mcq_cot_prompt}.get(self.kind)
        return str(utils.build_qa_cot_prompt(row, str(row["question"])) if build is None else build(row, text))


def _pictures_first(parts: tuple[Part, ...], dataset: Any) -> tuple[Part, ...]:
    """The pictures before the text, as datasets have them; where the text has places for them (MMMU), in those."""
    ordered = [{"type": part.kind, "value": part.value} for part in sorted(parts, key=lambda part: part.kind == "text")]
    split = getattr(dataset, "split_MMMU", list)
    return tuple(Part(item["type"], item["value"]) for item in split(ordered))
