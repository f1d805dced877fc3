"""The facts of the domain as frozen dataclasses.

Sizes, used in every docstring of the package: P problems, N candidates of one problem, T steps of one candidate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSONValue = Any


def canonical_json(value: JSONValue) -> str:
    """One spelling per value: sorted keys, no blanks, UTF-8 (lone surrogates escaped)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: JSONValue) -> str:
    """A short stable name of a JSON value: 16 hexadecimal digits of SHA-256 over its canonical spelling."""
    return hashlib.sha256(canonical_json(value).encode("ascii")).hexdigest()[:16]


def text_id(text: str) -> str:
    """The stable name of a candidate's text; equal texts share scores and verdicts."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a prompt in the host's order.

    Attributes:
        kind: ``"text"`` or ``"image"``.
        value: The text, or the path of an image file.
    """

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a benchmark, as the policy sees it.

    Attributes:
        benchmark: The benchmark's name in the host.
        index: The host's index of the row, as text.
        split: The split of the row, ``""`` when the benchmark has one only.
        parts: The prompt in the host's order.
        answer: The reference answer as text, ``""`` when the benchmark keeps it elsewhere.
        choices: Option letters to option texts, empty for an open question.
        id: What results are kept under: a digest of the prompt, the images' bytes, answer, benchmark and index.
        groups: By what the benchmark's metric groups its rows: columns of its table and what the row has there.
    """

    benchmark: str
    index: str
    split: str
    parts: tuple[Part, ...]
    answer: str
    id: str
    choices: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def question(self) -> str:
        """The prompt's text; several images are marked where they stand with ``<image>``.

        Tags that the text itself has are spelled ``< image>`` where there would be more tags than images.
        """
        images, texts = len(self.images), [part.value for part in self.parts if part.kind == "text"]
        if images == 0 or (images == 1 and sum(text.count("<image>") for text in texts) <= 1):
            return "\n".join(texts)
        plain = [
            part.value.replace("<image>", "< image>") if part.kind == "text" else "<image>\n" for part in self.parts
        ]
        return "".join(plain)

    @property
    def images(self) -> tuple[str, ...]:
        """Paths of the prompt's images in order."""
        return tuple(part.value for part in self.parts if part.kind == "image")


@dataclass(frozen=True, slots=True)
class Prompt:
    """How the host puts a problem to policies, kept for machines without the host.

    Attributes:
        wording: Names the wording, which is the host's of some version.
        parts: Kind and value of the parts that most policies are shown.
        shown: What a native policy reads and sees: text, or a picture with its tiles and whether it is enlarged;
            ``None`` where the host cannot show it.
    """

    wording: str
    parts: Sequence[Sequence[str]]
    shown: Sequence[JSONValue] | None


@dataclass(frozen=True, slots=True)
class Spec:
    """What produced a fact: the settings of a sampling, a scoring or a grading.

    Attributes:
        kind: ``"sampling"``, ``"scoring"`` or ``"grading"``.
        settings: Everything that can change the outcome, as JSON values.
    """

    kind: str
    settings: Mapping[str, JSONValue]

    @property
    def id(self) -> str:
        """The key of the facts that this spec produced."""
        return digest({"kind": self.kind, **self.settings})


@dataclass(frozen=True, slots=True)
class Usage:
    """What an API's reply, or several of them, cost.

    Attributes:
        prompt_tokens: Tokens read, those of pictures included.
        completion_tokens: Tokens written, those of thoughts included.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sample of a policy.

    Attributes:
        problem_id: ``Problem.id``.
        rank: Its place among the samples of its problem, from 0.
        text: What the policy wrote, perhaps nothing: a reply that came is an answer. ``""`` when it failed.
        error: Why no reply came; ``None`` when one did.
        finish: ``"stop"``, ``"length"`` (cut at the token limit), another word of a server's, or ``""`` (unknown).
        tokens: Number of tokens written, ``None`` when unknown.
        seconds: Its share of the wall-clock time, ``None`` when unknown.
        usage: What the API's reply cost that it came with. The first sound one of a reply's candidates bears it for all
            of them, so that sums over candidates are sums over replies; ``None`` for the others, and when unknown.
        reasoning: What a server sent of the model's thoughts beside the text, ``""`` for nothing. It is data: no part
            of the text or its id, never scored, never graded.
    """

    problem_id: str
    rank: int
    text: str
    error: str | None = None
    finish: str = ""
    tokens: int | None = None
    seconds: float | None = None
    usage: Usage | None = None
    reasoning: str = ""
    _text_id: str = field(default="", init=False, repr=False, compare=False)

    @property
    def text_id(self) -> str:
        """The key of its text, worked out once."""
        if not self._text_id:
            object.__setattr__(self, "_text_id", text_id(self.text))
        return self._text_id


@dataclass(frozen=True, slots=True)
class StepScores:
    """What a critic said of one solution.

    Attributes:
        scores: One number per step, [T]; empty when it failed.
        error: Why there are no scores; ``None`` when there are.
        steps: The steps that were scored, [T].
        seconds: Its share of the wall-clock time, ``None`` when unknown; says nothing of the scores.
    """

    scores: tuple[float, ...]
    steps: tuple[str, ...] = ()
    error: str | None = None
    seconds: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the host said of one text.

    Attributes:
        value: 1.0 right, 0.0 wrong (or the host's fraction); ``None`` when it failed.
        error: Why there is no value; ``None`` when there is one.
        seconds: Its share of the wall-clock time, ``None`` when unknown; says nothing of the value.
    """

    value: float | None
    error: str | None = None
    seconds: float | None = field(default=None, compare=False)
