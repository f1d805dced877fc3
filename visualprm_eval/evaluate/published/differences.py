"""How published figures were made, and where ours were made otherwise.

Another temperature or prompt does not make ours another thing, but a difference is then not the reranker's alone. The
figures of arXiv:2503.10291v1 are of samples at temperature 0.7 with chain of thought, of at most 12 steps; its pass@1,
like that of other papers, is greedy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from visualprm_eval.core.baselines import MEAN, ROWS
from visualprm_eval.core.types import JSONValue

__all__ = ["PASS_AT_1", "differences"]

PASS_AT_1 = "pass@1"  # noqa: S105 - no password
"""What papers call one sample per problem."""

_NOT_STATED = "not stated"
_TEMPERATURE, _MOST_STEPS, _PROMPT = 0.7, 12, "cot"
_PROMPTS = {"cot": "chain of thought", "direct": "direct", "host": "the host's"}


@dataclass(frozen=True, slots=True)
class _Stated:
    """What a paper says of its best-of-N."""

    temperature: str = _NOT_STATED
    prompt: str = _NOT_STATED
    most_steps: str = _NOT_STATED


_PAPERS = {"arXiv:2503.10291v1": _Stated(str(_TEMPERATURE), _PROMPTS[_PROMPT], str(_MOST_STEPS))}


def differences(ours: Mapping[str, JSONValue], selector: str, paper: str) -> list[str]:
    """What differs between how one of our figures and a published one were made, each in a few words.

    Args:
        ours: The protocol of ours, see ``visualprm_eval.run.protocol``; without what nobody recorded.
        selector: What the paper calls the reranker.
        paper: The paper that printed the other figure.
    """
    stated = _PAPERS.get(paper, _Stated())
    known = {name: value for name, value in ours.items() if value not in ("", None)}
    found = list(_of_one_sample(known) if selector == PASS_AT_1 else _of_best_of_n(known, stated))
    if known.get("top_p", 1) != 1:
        found.append(f"top-p: ours {known['top_p']}, published {_NOT_STATED}")
    unknown = [name for name in ("prompt", "temperature") if name not in known]
    return [*found, f"{' and '.join(unknown)} of ours not recorded"] if unknown else found


def _of_one_sample(known: Mapping[str, JSONValue]) -> Iterator[str]:
    is_mean = known.get("reranker") == ROWS[MEAN]
    if known.get("prompt", _PROMPT) != _PROMPT:
        yield f"prompt: ours {_spelled(known['prompt'])}, published {_NOT_STATED}"
    if known.get("temperature", 0) != 0:
        ours = f"the mean of {known.get('N', 'all')} samples" if is_mean else "one sample"
        yield f"ours is {ours} at temperature {known['temperature']}, published greedy"


def _of_best_of_n(known: Mapping[str, JSONValue], stated: _Stated) -> Iterator[str]:
    if known.get("prompt", _PROMPT) != _PROMPT:
        yield f"prompt: ours {_spelled(known['prompt'])}, published {stated.prompt}"
    if known.get("temperature", _TEMPERATURE) != _TEMPERATURE:
        yield f"temperature: ours {known['temperature']}, published {stated.temperature}"
    if known.get("max_steps", _MOST_STEPS) != _MOST_STEPS:
        yield f"steps at most: ours {known['max_steps']}, published {stated.most_steps}"


def _spelled(prompt: JSONValue) -> str:
    return _PROMPTS.get(str(prompt), str(prompt))
