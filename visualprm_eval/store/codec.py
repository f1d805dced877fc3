"""Facts to rows and back, exactly.

Texts of models may hold anything, NUL characters and lone surrogates included, which SQLite's TEXT cannot keep
faithfully. Such a text is stored as a BLOB of its UTF-8 bytes (surrogates passed through), every other one as TEXT.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from visualprm_eval.core.errors import StoreError
from visualprm_eval.core.types import (
    Candidate,
    JSONValue,
    Part,
    Problem,
    Prompt,
    Spec,
    StepScores,
    Usage,
    Verdict,
    canonical_json,
)
from visualprm_eval.core.types import text_id as id_of_text
from visualprm_eval.store import sound

if TYPE_CHECKING:
    from collections.abc import Sequence

SQLText = str | bytes
UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError)
"""What reading a stored value that was damaged may raise."""


def pack_text(text: str) -> SQLText:
    """What SQLite keeps of a text; :func:`unpack_text` is the inverse."""
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return data if "\0" in text else text


def unpack_text(value: SQLText) -> str:
    """The text behind a stored value."""
    return value if isinstance(value, str) else value.decode("utf-8", "surrogatepass")


def pack_optional(text: str | None) -> SQLText | None:
    """Like :func:`pack_text`, with ``None`` for SQL's NULL."""
    return None if text is None else pack_text(text)


def unpack_optional(value: SQLText | None) -> str | None:
    """Like :func:`unpack_text`, with ``None`` for SQL's NULL."""
    return None if value is None else unpack_text(value)


def pack_json(value: JSONValue) -> SQLText:
    """What SQLite keeps of a JSON value; :func:`unpack_json` is the inverse.

    Surrogates are not escaped: from two neighbouring escapes one character would come back.
    """
    return pack_text(json.dumps(value, ensure_ascii=False))


def unpack_json(value: SQLText) -> JSONValue:
    """The JSON value behind a stored value."""
    return json.loads(unpack_text(value))


def problem_row(problem: Problem, now: float) -> tuple[Any, ...]:
    """(id, benchmark, row_index, split, parts, answer, choices, groups, created_at)."""
    names = map(pack_text, (problem.benchmark, problem.index, problem.split))
    parts = pack_json([[part.kind, part.value] for part in problem.parts])
    options, groups = pack_json(dict(problem.choices)), pack_json(dict(problem.groups))
    return (problem.id, *names, parts, pack_text(problem.answer), options, groups, now)


def problem_of(row: Sequence[Any]) -> Problem:
    """The inverse of :func:`problem_row`, without ``created_at``."""
    problem_id, benchmark, index, split, parts, answer, choices, groups = row
    names = (unpack_text(benchmark), unpack_text(index), unpack_text(split))
    return Problem(
        *names, tuple(Part(*part) for part in unpack_json(parts)), unpack_text(answer), problem_id,
        unpack_json(choices), {} if groups is None else unpack_json(groups),
    )  # fmt: skip


def prompt_row(problem_id: str, name: str, prompt: Prompt, now: float) -> tuple[Any, ...]:
    """(problem_id, prompt, wording, parts, shown, created_at); ``name`` is the value of ``--prompt``."""
    return (problem_id, name, prompt.wording, pack_json(prompt.parts), pack_json(prompt.shown), now)


def candidate_row(spec_id: str, candidate: Candidate, text_id: str, now: float) -> tuple[Any, ...]:
    """(spec_id, problem_id, rank, text_id, error, finish, tokens, seconds, created_at, usage, reasoning_id)."""
    usage = candidate.usage
    counts = (candidate.tokens, usage and usage.prompt_tokens, usage and usage.completion_tokens)
    if wrong := sound.wrong_with_rank(candidate.rank) or sound.wrong_with_costs(candidate.seconds, *counts):
        raise StoreError(f"a candidate of problem {candidate.problem_id}: {wrong}")
    key = (spec_id, candidate.problem_id, candidate.rank, text_id)
    said = (pack_optional(candidate.error), pack_text(candidate.finish))
    reasoning_id = id_of_text(candidate.reasoning) if candidate.reasoning else None
    return (*key, *said, counts[0], candidate.seconds, now, *counts[1:], reasoning_id)


def candidate_of(row: Sequence[Any]) -> Candidate:
    """From (problem_id, rank, text, error, finish, tokens, seconds, prompt_tokens, completion_tokens, reasoning)."""
    problem_id, rank, text, error, finish, tokens, seconds, *cost, reasoning = row
    usage = None if None in cost else Usage(*cost)
    known = (unpack_text(text), unpack_optional(error), unpack_text(finish))
    return Candidate(problem_id, rank, *known, tokens, seconds, usage, unpack_optional(reasoning) or "")


def digest_of_steps(stored: SQLText) -> bytes:
    """What addresses a stored list of steps: 16 bytes of the SHA-256 of its bytes."""
    data = stored.encode("utf-8") if isinstance(stored, str) else stored
    return hashlib.sha256(data).digest()[:16]


def step_list_row(steps: Sequence[str], text: str) -> tuple[bytes, SQLText]:
    """(digest, steps): where each step begins and ends in its text, so that no solution is stored twice.

    Steps that are not parts of the text in order are spelled out.
    """
    cuts: list[int] = []
    for step in steps:
        start = text.find(step, cuts[-1] if cuts else 0)
        if start < 0:
            break
        cuts += [start, start + len(step)]
    stored = pack_json(cuts if len(cuts) == 2 * len(steps) else steps)
    return digest_of_steps(stored), stored


def steps_of(stored: SQLText, text: str) -> tuple[str, ...]:
    """The steps of a stored list in a text, see :func:`step_list_row`."""
    values = unpack_json(stored)
    if not values or isinstance(values[0], str):
        return tuple(values)
    return tuple(text[start:end] for start, end in zip(values[::2], values[1::2], strict=True))


def scores_row(
    key: Sequence[str], scores: StepScores, digest: bytes, now: float, *, allowed: sound.ScoreRange
) -> tuple[Any, ...]:
    """(spec_id, problem_id, text_id, error, step_scores, digest of the steps, created_at, seconds).

    JSON spells a float exactly.

    Args:
        key: The first three.
        scores: What the critic said.
        digest: See :func:`step_list_row`.
        now: When it is stored.
        allowed: The critic's range.
    """
    numbers, failed = [float(score) for score in scores.scores], scores.error is not None
    wrong = sound.wrong_with_scores(numbers, scores.steps if numbers else (), allowed, failed=failed)
    if wrong := wrong or sound.wrong_with_costs(scores.seconds):
        raise StoreError(f"scores of text {key[2]} of problem {key[1]}: {wrong}")
    return (*key, pack_optional(scores.error), json.dumps(numbers), digest, now, scores.seconds)


def scores_of(
    error: SQLText | None, step_scores: str, steps: SQLText, text: SQLText, seconds: float | None = None
) -> StepScores:
    """From the stored values of one row; ``steps`` is ``"[]"`` when they were not asked for."""
    numbers = tuple(json.loads(step_scores))
    return StepScores(numbers, steps_of(steps, unpack_text(text)), unpack_optional(error), seconds)


def verdict_row(spec_id: str, problem_id: str, text_id: str, verdict: Verdict, now: float) -> tuple[Any, ...]:
    """(spec_id, problem_id, text_id, error, value, created_at, seconds)."""
    wrong = sound.wrong_with_verdict(verdict.value, failed=verdict.error is not None)
    if wrong := wrong or sound.wrong_with_costs(verdict.seconds):
        raise StoreError(f"verdict on text {text_id} of problem {problem_id}: {wrong}")
    return (spec_id, problem_id, text_id, pack_optional(verdict.error), verdict.value, now, verdict.seconds)


def verdict_of(error: SQLText | None, value: float | None, seconds: float | None = None) -> Verdict:
    """From the stored values of one row."""
    return Verdict(value, unpack_optional(error), seconds)


def note_row(kind: str, subject: str, value: JSONValue, now: float) -> tuple[Any, ...]:
    """(kind, subject, value, created_at); equal values are spelled alike."""
    return (kind, pack_text(subject), canonical_json(value), now)


def spec_row(spec: Spec, now: float) -> tuple[Any, ...]:
    """(id, kind, settings, created_at)."""
    return (spec.id, spec.kind, pack_json(dict(spec.settings)), now)


def spec_of(kind: str, settings: SQLText) -> Spec:
    """From the stored kind and settings."""
    return Spec(kind, unpack_json(settings))
