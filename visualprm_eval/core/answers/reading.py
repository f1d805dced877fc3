"""What a text concludes with, and the vote that this is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from operator import attrgetter

from visualprm_eval.core.answers.cues import cues
from visualprm_eval.core.answers.keys import AnswerKey, Options, Vote, normalise
from visualprm_eval.core.answers.marks import MAX_LENGTH, undecorated
from visualprm_eval.core.answers.sentences import read_sentence, refuses
from visualprm_eval.core.answers.spans import LONGEST_REST, Found, as_found
from visualprm_eval.core.answers.spans import announced as announced_by
from visualprm_eval.core.answers.tags import last_boxed, last_hashes, tagged
from visualprm_eval.core.thoughts import after_thoughts

_SHORT = 60  # characters of a reply that can be an answer and nothing else
_WINDOWS = (600, 6_000)  # characters from the end that are looked at first
_END_MARKS = re.compile(
    r"(?:\s|</s>|<\|(?:im_end|eot_id|endoftext|end|return)\|>|<eos>|<end_of_turn>|<\|end▁of▁sentence\|>){1,40}\Z"
)
_LAST_SENTENCE = 400


def answer(text: str, choices: Mapping[str, str] | None = None) -> Vote | None:
    """The vote of a text.

    A short reply that is nothing but an answer needs no "Answer:" before it.

    Args:
        text: What the policy wrote.
        choices: Option letters to option texts; empty or ``None`` for an open question.

    Returns:
        The canonical spelling of its final answer, ``None`` when it has none and therefore abstains.
    """
    response, options = _response(text), Options(choices or {})
    if response is None:
        return None
    found = _conclusion(response, options)
    if found is not None:
        return None if found.key is None or (options and _is_lone_letter(found.key)) else Vote.of(found.key)
    short = response.strip()
    # A box that was never closed holds half an answer.
    if len(short) > _SHORT or "boxed" in short or "\n" in short or refuses(short):
        return None
    key = normalise(short, options)
    if key is None or (key.kind == "text" and options):  # none of the options
        return None
    return Vote.of(key)


def _is_lone_letter(key: AnswerKey) -> bool:
    """Whether a text is a letter that the problem does not have."""
    letter = key.value.strip("()[].")
    return key.kind == "text" and len(letter) == 1 and letter.isascii() and letter.isalpha()


def final_answer(text: str, choices: Mapping[str, str] | None = None) -> str | None:
    r"""What a text concludes with, as it stands there.

    Thoughts do not count. An answer in tags is the answer; else the last ``\boxed{...}`` or announced answer ("the
    answer is", "Answer:", "option B is correct", in nine languages); else what the last sentence comes to.

    Args:
        text: What the policy wrote.
        choices: Option letters to option texts, which help to tell an answer from other words.

    Returns:
        The answer without Markdown and mathematics delimiters around it, ``None`` when there is none.
    """
    response = _response(text)
    found = None if response is None else _conclusion(response, Options(choices or {}))
    return None if found is None else found.span


def announced_answer(text: str, choices: Mapping[str, str] | None = None) -> str | None:
    """What a text sets apart or announces as its answer; ``None`` where only its last sentence might come to one.

    Args:
        text: What a model wrote.
        choices: Option letters to option texts.
    """
    response = _response(text)
    found = None if response is None else _conclusion(response, Options(choices or {}), announced=True)
    return None if found is None else found.span


def _response(text: str) -> str | None:
    """What follows the thoughts, without the marks that end it."""
    response = after_thoughts(text)
    if response is None:
        return None
    response = response.rstrip()
    end = _END_MARKS.search(response, max(0, len(response) - 400)) if response.endswith(">") else None
    return response if end is None else response[: end.start()]


def _conclusion(text: str, options: Options, *, nested: bool = False, announced: bool = False) -> Found | None:
    content = None if nested else tagged(text)
    if content is not None:
        return _conclusion(content, options, nested=True, announced=announced) or _whole(content, options)
    hashes = last_hashes(text)
    if hashes is not None and (found := _whole(hashes, options)) is not None and found.crisp:
        return found
    box = last_boxed(text)
    announced_at, found = _last_announced(text, 0 if box is None else box[1], options)
    if found is not None and found.crisp and (box is not None or "\n\n" not in text[announced_at:].strip()):
        return found
    if box is not None:
        return _boxed(text[box[0] : box[1]], options)
    if announced:
        return found
    crisp = found is not None and found.crisp
    # What words announced and what was worked on since: the later of two conclusions counts.
    first = None if crisp else _first_line(text, options)
    return _from_end(text, options, only_so=crisp or first is not None) or first or found


_LETTER_ALONE = re.compile(r"[*_(\[]{0,4}([A-Z])(?:[)\].:*_]{1,4}|\s{0,3}$)")


def _first_line(text: str, options: Options) -> Found | None:
    """An option that stands alone before its explanation."""
    line, _, rest = text.lstrip()[: _SHORT + 1].partition("\n")
    letter = _LETTER_ALONE.match(line)
    found = _whole(line, options) if rest and letter is not None and len(line) <= _SHORT else None
    return found if found is not None and found.key == AnswerKey("option", letter[1] if letter else "") else None


def _boxed(content: str, options: Options) -> Found | None:
    """What a box holds: an answer, or words that announce one."""
    found = _whole(content, options)
    if found is None or found.crisp:
        return found
    inner = _last_announced(undecorated(content), 0, options)[1]
    return inner if inner is not None and inner.crisp else found


def _whole(content: str, options: Options) -> Found | None:
    """A text that is an answer and nothing else."""
    return as_found(content, options) if len(content) <= MAX_LENGTH else None


Place = tuple[int, Found | None]
"""Where an announced answer begins, and what it is."""


def _last_announced(text: str, start: int, options: Options) -> Place:
    """Where the last answer that words announce behind a place begins, and what it is.

    One that is an option, a number or a formula goes before all others, which count in the last paragraph only.
    """
    # First the last line, which many candidates share.
    begin = max(start, text.rfind("\n", start) + 1)
    last, vague = _announced_in_line(text[begin:], options)
    words: Place = (-1 if vague[1] is None else vague[0] + begin, vague[1])
    sizes = iter((*_WINDOWS, len(text)))
    while last[1] is None and begin > start:
        end = max(start, len(text) - next(sizes))
        begin = max(start, text.rfind("\n", start, end) + 1)
        last, vague = _announced_in(text[begin:], options)
        if vague[1] is not None and vague[0] + begin > words[0]:
            words = (vague[0] + begin, vague[1])
    return words if last[1] is None else (last[0] + begin, last[1])


def _announced_in(part: str, options: Options) -> tuple[Place, Place]:
    """The last answer that a part of a text announces, and the last one in words."""
    words: Place = (-1, None)
    last_paragraph = part.rstrip().rfind("\n\n")
    for cue in sorted(cues(part), key=_END, reverse=True):
        found = _cued(part, cue.end, cue.letter, options, comma=cue.comma)
        if found is None or (cue.heading and len(found.span) > _SHORT):
            continue
        if found.crisp:
            return (cue.end, found), words
        if words[1] is None and cue.end > last_paragraph:
            words = (cue.end, found)
    return (-1, None), words


_END = attrgetter("end")
_announced_in_line = lru_cache(maxsize=8192)(_announced_in)


def _cued(text: str, end: int, letter: str, options: Options, *, comma: bool) -> Found | None:
    if letter:
        if options and letter not in options:
            return None
        return Found(letter, AnswerKey("option", letter), crisp=True)
    return announced_by(text[end : end + LONGEST_REST], options, comma)


_SENTENCES = re.compile(r"(?<=[.!?。！？])[*_\"'”)\]]{0,3}\s+(?=\S)|[\n。！？]")
_CHATTER = re.compile(
    r"\s{0,3}[*_]{0,2}(?:i hope|hope this|let me know|please (?:let|note|feel)|feel free|if you have|"
    r"is there anything|good luck|希望|如果您|如有|何か|도움이|espero|j['’]espère|ich hoffe|надеюсь)\b",
    re.IGNORECASE,
)
_SO = re.compile(
    r"\s{0,3}[*_#>-]{0,4}\s?(?:therefore|thus|so|hence|in conclusion|finally|in summary|as a result|"
    r"consequently|overall|total|final|因此|所以|综上|故|よって|したがって|ゆえに|따라서|그러므로|"
    r"por lo tanto|por tanto|así|donc|ainsi|somit|daher|folglich|"
    r"следовательно|таким образом|итак|итого|إذن|لذلك|بالتالي)\b",
    re.IGNORECASE,
)


def _from_end(text: str, options: Options, *, only_so: bool = False) -> Found | None:
    """What the last sentence comes to; else the last of the three before it that begins with "therefore".

    Args:
        text: A text without thoughts.
        options: Option letters to option texts.
        only_so: Whether the last sentence must begin with "therefore", too.
    """
    tail = text.rstrip()[-3 * _LAST_SENTENCE :]
    sentences = [one for one in _SENTENCES.split(tail) if one and one.strip(" *_#`-") and not _CHATTER.match(one)]
    for place, sentence in enumerate(reversed(sentences[-1 if only_so else -4 :])):
        if ((place or only_so) and not _SO.match(sentence)) or "boxed" in sentence:
            continue  # a box that never closes holds half an answer
        read = read_sentence(sentence[-_LAST_SENTENCE:], options)
        if read is not None and (read.strong or not only_so):
            return Found(read.span, read.key, crisp=True)
    for option in () if only_so else ("yes", "no"):
        if re.match(rf"\s{{0,3}}[*_]{{0,2}}{option}[*_]{{0,2}}(?:[,.:;!]|\s{{0,3}}$)", text[:40], re.IGNORECASE):
            return _whole(option, options)
    return None
