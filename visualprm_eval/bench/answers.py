"""How often the vote of a text is the answer that it ends in, on a file of texts with their answers; and how fast.

A row of the file has ``text``, ``answer`` and ``choices`` (option letters to option texts, empty for an open question),
and may have ``source`` (else ``benchmark``), by which the shares are told apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from visualprm_eval.bench.machine import machine
from visualprm_eval.bench.report_store import made_up
from visualprm_eval.core.answers import AnswerKey, answer, normalise
from visualprm_eval.core.answers.equality import leaders
from visualprm_eval.core.errors import InputError
from visualprm_eval.core.json_rows import RowError, parse_row

HELP = "whether votes are the answers that texts end in, for a file of such texts, and how fast votes are"

ABSTAIN, EQUAL, WRONG = "abstain", "equal", "wrong"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one row.

    Attributes:
        source: Whose text it is.
        what: ``EQUAL``, ``WRONG`` or ``ABSTAIN``.
        mistake: The kind of mistake, ``""`` for none.
        row: The row of the file.
        vote: The vote; ``None`` for an abstention.
    """

    source: str
    what: str
    mistake: str
    row: Mapping[str, Any]
    vote: str | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this benchmark."""
    parser.add_argument("file", type=Path, help="rows of text, answer and choices, as JSON lines")
    parser.add_argument(
        "--problems", type=int, default=10_000, help="made-up problems for the speed of votes (%(default)s)"
    )
    parser.add_argument("--samples", type=int, default=8, help="made-up candidates per problem (%(default)s)")
    parser.add_argument(
        "--misses", type=Path, help="write the rows that are not equal, with their votes, here (nowhere)"
    )


def measure(arguments: argparse.Namespace) -> str:
    """Measures and returns the figures in words.

    Raises:
        InputError: The file cannot be read.
    """
    rows = list(_rows(arguments.file))
    start = time.perf_counter()
    outcomes = [outcome(row) for row in rows]
    seconds = time.perf_counter() - start
    if arguments.misses is not None:
        arguments.misses.write_text("".join(map(_spelled, outcomes)), encoding="utf-8")
    lines = [f"{len(rows):,} texts: {_shares(outcomes)}"]
    sources = dict.fromkeys(each.source for each in outcomes)
    if len(sources) > 1:
        lines += [f"  {name}: {_shares([one for one in outcomes if one.source == name])}" for name in sources]
    mistakes = Counter(each.mistake for each in outcomes if each.mistake)
    lines += [f"  {name}: {_percent(count, len(rows))}" for name, count in mistakes.most_common()]
    lines.append(f"{len(rows) / seconds:,.0f} texts a second of this file; {_speed(arguments)}; on {machine()}")
    return "\n".join(lines)


def _speed(arguments: argparse.Namespace) -> str:
    """How long votes of made-up candidates take, grouped by problem."""
    problems, texts = made_up(arguments.problems, arguments.samples)
    start = time.perf_counter()
    for problem, own in zip(problems, texts, strict=True):
        leaders([answer(text, problem.choices) for text in own], problem.choices)
    seconds = time.perf_counter() - start
    return f"{arguments.problems:,} x {arguments.samples} made-up votes in {seconds:.2f} s"


def outcome(row: Mapping[str, Any]) -> Outcome:
    """What the vote of a row's text is beside the row's answer."""
    choices, source = row.get("choices") or {}, str(row.get("source") or row.get("benchmark") or "")
    vote = answer(row["text"], choices)
    if vote is None:
        return Outcome(source, ABSTAIN, "no answer is found", row, None)
    expected, found = normalise(str(row["answer"]), choices), normalise(vote, choices)
    if expected is not None and found is not None and same(found, expected):
        return Outcome(source, EQUAL, "", row, vote)
    return Outcome(source, WRONG, _mistake(found, expected), row, vote)


def same(found: AnswerKey, expected: AnswerKey) -> bool:
    """Whether a vote is the answer; a unit does not matter where the answer has none."""
    if found.kind == expected.kind == "number" and not expected.unit:
        found = replace(found, unit="")
    return str(found) == str(expected)


def _mistake(found: AnswerKey | None, expected: AnswerKey | None) -> str:
    if found is None or expected is None:
        return "an answer that cannot be named"
    if found.kind == expected.kind:
        return f"another {found.kind}"
    return f"{found.kind} instead of {expected.kind}"


def _shares(outcomes: Sequence[Outcome]) -> str:
    counts = Counter(each.what for each in outcomes)
    return ", ".join(f"{what} {_percent(counts[what], len(outcomes))}" for what in (EQUAL, WRONG, ABSTAIN))


def _percent(count: int, total: int) -> str:
    return f"{100 * count / max(1, total):.1f}%"


def _spelled(outcome: Outcome) -> str:
    if outcome.what == EQUAL:
        return ""
    return json.dumps({**outcome.row, "vote": outcome.vote, "mistake": outcome.mistake}, ensure_ascii=False) + "\n"


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # no other line end: JSON may hold those
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path} ({error}); expected JSON lines of text, answer and choices") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = parse_row(line.encode())
            except RowError as error:
                raise InputError(f"{path}, line {number}: {error}") from error
            if not isinstance(row.get("text"), str) or "answer" not in row:
                raise InputError(f"{path}, line {number}: expected an object with text, answer and choices")
            yield row
