"""Which part of a text is the response: what follows the model's thoughts.

Thoughts stand between tags (``<think>``, ``<thinking>``, ``<thought>``, ``<seed:think>``, ``[THINK]``, ``◁think▷``;
chat templates often keep the opening one to themselves) or in the channels of OpenAI's harmony format, of which only
``final`` is the response. The host's ``SPLIT_THINK`` knows ``</think>`` alone and is off by default.
"""

from __future__ import annotations

import re

SCORED = {"thoughts": "score"}
"""What the key of scores says besides when thoughts were scored, too."""

_NAMES = r"(?:seed:)?(?:think|thinking|thought)"
_TAG = re.compile(
    rf"<(?P<closing_angle>/?){_NAMES}\s{{0,3}}>|\[(?P<closing_square>/?)THINK\]|◁(?P<closing_triangle>/?)think▷",
    re.IGNORECASE,
)
_CHANNEL = re.compile(
    r"<\|channel\|>\s{0,3}(?P<name>\w{1,20})[^<\n]{0,80}(?:<\|constrain\|>[^<\n]{0,40})?<\|message\|>", re.IGNORECASE
)
_SIGNS = ("think", "thought", "<|channel|>", "analysis")
_END_OF_MESSAGE = re.compile(r"<\|(?:return|end|call)\|>|<\|start\|>", re.IGNORECASE)
# What is left of the channels where a server drops special tokens.
_BARE_CHANNELS = ("analysis", "assistantfinal")


def after_thoughts(text: str) -> str | None:
    """The response in a text: what follows the last closing tag, or the final channel.

    Args:
        text: What a model wrote.

    Returns:
        The text itself where it has no thoughts; ``None`` for a thought that never closes, which has no response.
        Linear in the text.
    """
    # Most texts have no sign of thoughts, which is seen sooner than looked for in lower case.
    if not ("<" in text or "[" in text or "◁" in text or text.startswith(_BARE_CHANNELS[0])):
        return text
    lowered = text.lower()
    if not any(sign in lowered for sign in _SIGNS):
        return text
    channels = list(_CHANNEL.finditer(text))
    if channels:
        final = next((match for match in reversed(channels) if match["name"].lower() == "final"), None)
        return None if final is None else _message(text, final.end())
    if text.startswith(_BARE_CHANNELS[0]) and _BARE_CHANNELS[1] in text:
        return text[text.rindex(_BARE_CHANNELS[1]) + len(_BARE_CHANNELS[1]) :]
    tags = [(match.end(), "/" in match[0]) for match in _TAG.finditer(text)]
    if not tags:
        return text
    end, closes = tags[-1]
    return text[end:] if closes else None


def is_empty_reply(text: str) -> bool:
    """Whether nothing but blanks is left of a text without its thoughts: a reply that came and holds no answer."""
    return not (after_thoughts(text) or "").strip()


def response(text: str) -> str:
    """What critics read of a text without its thoughts: :func:`after_thoughts`, ``""`` where that is nothing.

    The blank lines behind thoughts are no step.
    """
    found = after_thoughts(text)
    return "" if found is None else found if found == text else found.lstrip()


def _message(text: str, start: int) -> str:
    end = _END_OF_MESSAGE.search(text, start)
    return text[start:] if end is None else text[start : end.start()]
