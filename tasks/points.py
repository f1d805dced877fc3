"""Answers that are places in a picture: JSON that a grader reads as a whole, of which a number alone says nothing."""

from __future__ import annotations

import json
import re

from visualprm_eval.core.answers import final_answer
from visualprm_eval.core.thoughts import response

_PLACE = re.compile(r'"(?:point|point_2d|bbox|bbox_2d)"\s{0,5}:')
"""The keys by which prompts of pointing and grounding benchmarks, and the models trained for them, name places."""
_TAIL = 4_000
"""Characters from the end that may hold the JSON."""
_MOST_STARTS = 200


def concluded(text: str) -> str | None:
    """What a text concludes with: the last JSON that names places, as it stands there, else its final answer."""
    return _last_places(response(text)[-_TAIL:]) or final_answer(text)


def _last_places(text: str) -> str | None:
    keys = [found.start() for found in _PLACE.finditer(text)]
    decoder = json.JSONDecoder()
    end = 0
    found = None
    for start in [place.start() for place in re.finditer(r"[\[{]", text)][:_MOST_STARTS] if keys else ():
        if start < end:
            continue  # Inside of what was found.
        try:
            _, stop = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        end = stop
        if any(start < key < stop for key in keys):
            found = text[start:stop]
    return found
