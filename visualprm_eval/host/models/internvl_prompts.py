"""What the host's InternVLChat shows its model, found out by the host's own code and without its weights.

The class keeps its rules (the prompt of a benchmark, where images stand, how many tiles each may have, which of them is
enlarged) inside the method that also asks the model. So the method is run on an object that was never initialised,
with a model that only notes what it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import PolicyError
from visualprm_eval.core.types import Problem
from visualprm_eval.host.load.bridge import at_work, load_host
from visualprm_eval.host.models.internvl_code import none_opened

if TYPE_CHECKING:
    from visualprm_eval.engine.generate import Shown
    from visualprm_eval.engine.images import Picture

_TAG = "<image>"
_VERSION = "V2.0"
"""The class's version for all models since InternVL2."""


def native_keywords(name: str) -> Mapping[str, Any] | None:
    """The keywords of a host model that our native engine can stand in for; ``None`` for any other.

    Args:
        name: A name of the host's table of models.
    """
    load_host()
    from vlmeval.config import supported_VLM
    from vlmeval.vlm import InternVLChat

    entry = supported_VLM.get(name)
    if getattr(entry, "func", None) is not InternVLChat or entry.args:
        return None
    keywords: Mapping[str, Any] = entry.keywords
    plain = keywords.get("best_of_n", 1) == 1 and keywords.get("cot_prompt_version", "v1") == "v1"
    fits = plain and not keywords.get("use_lmdeploy", False) and keywords.get("version") == _VERSION
    return keywords if fits and "model_path" in keywords else None


def bare_model(keywords: Mapping[str, Any] | None = None, *, cot: bool = False) -> Any:
    """An InternVLChat of version V2.0 that has no model: it makes prompts.

    Args:
        keywords: Those of the host's entry; ``None`` for the class's defaults.
        cot: Whether it believes that chain of thought was asked for.
    """
    load_host()
    from vlmeval.vlm import InternVLChat

    given = keywords or {}
    model = InternVLChat.__new__(InternVLChat)
    model.use_mpo_prompt = given.get("use_mpo_prompt", False)
    model._use_custom_prompt = given.get("use_custom_prompt", True)  # noqa: SLF001 - the name of the host's attribute
    model.screen_parse = given.get("screen_parse", True)
    model.use_lmdeploy = model.use_postprocess = False
    model.system_prompt = model.cot_prompt = model.tokenizer = model.dump_image_func = None
    model.use_cot, model.cot_prompt_version, model.version = cot, "v1", _VERSION
    model.best_of_n, model.kwargs, model.device = 1, {}, "cpu"
    return model


def shown(model: Any, problems: Iterable[Problem]) -> list[Shown]:
    """What the model behind an InternVLChat gets to read and see.

    Args:
        model: What ``bare_model`` made.
        problems: Their parts are the message that the host would pass to the class.

    Returns:
        For each problem its text and pictures in order, without the words around a user's turn.

    Raises:
        PolicyError: When the host's prompt has fewer places for pictures than pictures, which no model can answer.
    """
    with at_work(), _noting(model) as (opened, asked):
        return [_shown(model, problem, opened, asked) for problem in problems]


def _shown(model: Any, problem: Problem, opened: list[Picture], asked: list[str]) -> Shown:
    from vlmeval.vlm.internvl.internvl_chat import reorganize_prompt

    message = [{"type": part.kind, "value": part.value} for part in problem.parts]
    if not problem.images:  # The host divides by their number.
        return (str(reorganize_prompt(message, 0, dataset=problem.benchmark)),)
    opened.clear()
    asked.clear()
    model.set_max_num(problem.benchmark)
    model.generate_v2(message, problem.benchmark)
    (question,) = asked
    if _TAG not in question:  # As the chat method of the checkpoints' own code does.
        question = f"{_TAG}\n{question}"
    pieces = question.split(_TAG, len(opened))
    if len(pieces) != len(opened) + 1:
        raise PolicyError(
            f"{problem.benchmark}: the host's prompt for InternVL has {len(pieces) - 1} places for the {len(opened)} "
            f"pictures of row {problem.index}; leave the benchmark out, or use another policy"
        )
    content: list[str | Picture] = [pieces[0]]
    for picture, piece in zip(opened, pieces[1:], strict=True):
        content += [picture, piece]
    return tuple(part for part in content if part != "")


@contextmanager
def _noting(model: Any) -> Iterator[tuple[list[Picture], list[str]]]:
    """While it lasts, the class opens no picture and asks no model: what it would open and ask is noted."""
    opened: list[Picture] = []
    asked: list[str] = []

    def chat(*_args: Any, question: str, **_kwargs: Any) -> str:
        asked.append(question)
        return ""

    model.model = SimpleNamespace(chat=chat)
    with none_opened(opened):
        yield opened, asked
