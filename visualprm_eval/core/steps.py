r"""A solution's steps, the rules that find them, and the solution of steps.

A step rule cuts a solution into steps and has a name:

- ``original``: VisualPRM's own, at every ``\n\n``. Nothing is stripped and empty pieces are kept, so that joining gives
  the solution back. A solution with CRLF line ends, or with blanks in its blank lines, is one step; a doubled blank
  line makes an empty one.
- ``lines``: at every line break, be it LF, CRLF, CR or Unicode's NEL (U+0085), LS (U+2028) and PS (U+2029). Blank lines
  and blanks at the end of a line are dropped. A line without a letter or a digit (``\[``, ``$$``, a row of dashes, a
  closing brace) is no step of its own: it goes with the step before it, on a line of its own, or with the first one. No
  step is empty, but the only one of a text of blanks. So steps do not depend on how a policy spells line ends and
  paragraphs, and a solution whose lines all stand apart by ``\n\n`` has the steps that ``original`` finds, but for
  lines without words. VT and FF are no line breaks: they are what is left of ``\vec`` and ``\frac`` where JSON was
  read twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from visualprm_eval.core.errors import ConfigError
from visualprm_eval.core.types import JSONValue

SEPARATOR = "\n\n"
"""What stands between two steps."""
StepRule = Literal["original", "lines"]
"""A step rule by name."""
ORIGINAL: StepRule = "original"
STEP_RULE = "step_rule"
"""The name of the rule in the key of scores, which has it where it is another than ``ORIGINAL``."""
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_WORD = re.compile(r"[^\W_]")


def _at_line_breaks(response: str) -> list[str]:
    steps: list[list[str]] = []
    begun = True  # Whether a line with a word stands in the last step.
    for line in map(str.rstrip, _LINE_BREAK.split(response)):
        has_word = _WORD.search(line) is not None
        if line and (not steps or (has_word and begun)):
            steps.append([line])
            begun = has_word
        elif line:
            steps[-1].append(line)
            begun |= has_word
    return ["\n".join(lines) for lines in steps] or [""]


STEP_RULES: Mapping[str, Callable[[str], list[str]]] = {
    ORIGINAL: lambda response: response.split(SEPARATOR),
    "lines": _at_line_breaks,
}
"""The rules by name, each from a response to its steps, [T] with T >= 1; no step has ``SEPARATOR`` in it."""


def split_steps(response: str, max_steps: int | None = None, rule: StepRule = ORIGINAL) -> list[str]:
    """Cuts a response into steps.

    Args:
        response: The solution as the policy wrote it.
        max_steps: When there are more pieces, neighbours are merged evenly, ceil(pieces / max_steps) at a time, so that
            there may be fewer than ``max_steps`` in the end; ``None`` merges nothing.
        rule: Where steps begin and end, see above.

    Returns:
        The steps, [T] with T >= 1; of rule ``original`` ``join_steps`` gives the response back.

    Raises:
        ConfigError: When ``max_steps`` is below 1.
    """
    if max_steps is not None and max_steps < 1:
        raise ConfigError(f"max_steps is {max_steps}; expected at least 1, or None for no limit")
    pieces = STEP_RULES[rule](response)
    if max_steps is None or len(pieces) <= max_steps:
        return pieces
    size = math.ceil(len(pieces) / max_steps)
    return [SEPARATOR.join(pieces[start : start + size]) for start in range(0, len(pieces), size)]


def join_steps(steps: Sequence[str]) -> str:
    """The inverse of ``split_steps``."""
    return SEPARATOR.join(steps)


def with_steps_apart(response: str, rule: StepRule) -> str:
    """The response with ``SEPARATOR`` between its steps and nowhere else: critics that split there find them."""
    return join_steps(STEP_RULES[rule](response))


def rule_of(scoring: Mapping[str, JSONValue]) -> StepRule:
    """The step rule in the settings of a scoring."""
    return "lines" if scoring.get(STEP_RULE) == "lines" else ORIGINAL
