"""How published figures were made, and where ours were made otherwise.

Another temperature or prompt does not make ours another thing, but a difference is then not the reranker's alone. The
figures of arXiv:2503.10291v1 are of samples at temperature 0.7 with chain of thought, of at most 12 steps; its pass@1,
like that of other papers, is greedy.
"""

from __future__ import annotations

from collections.abc import Mapping

from visualprm_eval.core.baselines import MEAN, ROWS
from visualprm_eval.core.steps import ORIGINAL
from visualprm_eval.core.types import JSONValue

PASS_AT_1 = "pass@1"  # noqa: S105 - no password
"""What papers call one sample per problem."""

_NOT_STATED = "not stated"
_TEMPERATURE, _MOST_STEPS, _PROMPT = 0.7, 12, "cot"
_RULES = {ORIGINAL: "at blank lines", "lines": "at line breaks"}
_PROMPTS = {"cot": "chain of thought", "direct": "direct", "host": "the host's"}


_SILENT = (_NOT_STATED,) * 4
_PAPERS = {"arXiv:2503.10291v1": (str(_TEMPERATURE), _PROMPTS[_PROMPT], str(_MOST_STEPS), _RULES[ORIGINAL])}
"""What papers say of their best-of-N: temperature, prompt, steps at most, and where these begin."""


def differences(ours: Mapping[str, JSONValue], selector: str, paper: str) -> list[str]:
    """What differs between how one of our figures and a published one were made, each in a few words.

    Args:
        ours: The protocol of ours, see ``visualprm_eval.run.protocol``; without what nobody recorded.
        selector: What the paper calls the reranker.
        paper: The paper that printed the other figure.
    """
    temperature, prompt, most_steps, rule = _SILENT if selector == PASS_AT_1 else _PAPERS.get(paper, _SILENT)
    known = {name: value for name, value in ours.items() if value not in ("", None)}
    found = []
    if known.get("prompt", _PROMPT) != _PROMPT:
        wording = str(known["prompt"])
        found.append(f"prompt: ours {_PROMPTS.get(wording, wording)}, published {prompt}")
    if selector == PASS_AT_1:
        if known.get("temperature", 0) != 0:
            is_mean = known.get("reranker") == ROWS[MEAN]
            drawn = f"the mean of {known.get('N', 'all')} samples" if is_mean else "one sample"
            found.append(f"ours is {drawn} at temperature {known['temperature']}, published greedy")
    else:
        if known.get("temperature", _TEMPERATURE) != _TEMPERATURE:
            found.append(f"temperature: ours {known['temperature']}, published {temperature}")
        if known.get("max_steps", _MOST_STEPS) != _MOST_STEPS:
            found.append(f"steps at most: ours {known['max_steps']}, published {most_steps}")
        if known.get("step rule", ORIGINAL) != ORIGINAL:
            found.append(f"steps: ours {_RULES[known['step rule']]}, published {rule}")
    if known.get("top_p", 1) != 1:
        found.append(f"top-p: ours {known['top_p']}, published {_NOT_STATED}")
    unknown = [name for name in ("prompt", "temperature") if name not in known]
    return [*found, f"{' and '.join(unknown)} of ours not recorded"] if unknown else found
