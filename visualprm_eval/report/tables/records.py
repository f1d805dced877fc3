"""Tables of single records: every pick, how values came about, and what failed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING

from visualprm_eval.core.visible import visible_name
from visualprm_eval.core.words import digits
from visualprm_eval.report.render.text import verdict_word
from visualprm_eval.report.table import Column, Table, columns
from visualprm_eval.report.tables.summary import final_picks

if TYPE_CHECKING:
    from visualprm_eval.core.types import JSONValue
    from visualprm_eval.evaluate.result_rows import Failure, Fingerprint, Pick
    from visualprm_eval.evaluate.stats.rows import Tally


def picks(records: Iterable[Pick], tallies: Mapping[tuple[str, str, str], Tally]) -> Table:
    """Every problem with what each reranker picked at its largest k; the rows are made one by one.

    Args:
        records: The picks.
        tallies: (policy, benchmark, problem id) to how many candidates are right.
    """
    titles = (
        Column("policy", width=18), Column("benchmark", width=18), Column("split", width=8), Column("index", width=8),
        Column("question", "text", 50), Column("reference answer", "text", 20), Column("reranker", width=22),
        Column("k", "count", 6), Column("rank (from 0)", "count", 9), Column("final answer", "text", 20),
        Column("verdict", width=17), Column("critic", width=14), Column("response score (mean)", "score", 12),
        Column("step scores", width=34), Column("picked text", "text", 90), Column("right candidates", width=16),
    )  # fmt: skip
    # Picked texts show their first line until a reader makes the row higher.
    rows = (_pick(pick, tallies) for pick in final_picks(records))
    return Table("", titles, rows, name="problems", frozen=4, is_flat=True)


def _pick(pick: Pick, tallies: Mapping[tuple[str, str, str], Tally]) -> tuple[object, ...]:
    scores = pick.step_scores
    tally = tallies.get((pick.policy, pick.benchmark, pick.problem_id))
    return (
        pick.policy, pick.benchmark, pick.split, pick.index, pick.question,
        pick.answer, pick.reranker, pick.k, pick.rank,
        pick.final_answer, pick.note or verdict_word(pick.verdict),
        pick.critic, math.fsum(scores) / len(scores) if scores else None,
        None if scores is None else "  ".join(f"{score:.4f}" for score in scores), pick.text,
        None if tally is None else f"{tally.right} of {tally.usable}",
    )  # fmt: skip


def failures(records: Sequence[Failure], limit: int = 0) -> Table:
    """What failed on the way; the first ``limit`` where that is not 0, and a note on how many more there are."""
    rows = [astuple(failure) for failure in records[: limit or None]]
    more = len(records) - len(rows)
    notes = [f"and {more:,} more: sheet failures of results.xlsx."] if more else []
    titles = columns(
        ("stage", "name"), ("benchmark", "name"), ("index", "name"), ("rank (from 0)", "count"), ("message", "message"),
    )  # fmt: skip
    return Table("What failed", titles, rows, notes, name="failures")


def protocol(settings: Mapping[str, JSONValue]) -> Table:
    """How the results came about: nested settings as dotted keys; its texts are names, though long ones."""
    rows = [
        (visible_name(key), visible_name(value) if isinstance(value, str) else value) for key, value in _flat(settings)
    ]
    return Table("", columns(("key", "text"), ("value", "text")), rows, name="protocol")


def _flat(value: Mapping[str, JSONValue], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Keys with values; lists of plain values as one text."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{name}.")
        elif isinstance(item, list | tuple) and all(isinstance(part, str | int | float) for part in item):
            yield name, ", ".join(map(_plain, item))
        elif isinstance(item, str | int | float):
            yield name, float(_plain(item)) if isinstance(item, float) else item
        else:
            yield name, json.dumps(item, ensure_ascii=False, default=str)


def _plain(value: str | float) -> str:
    return digits(value) if isinstance(value, float) else str(value)


def fingerprints(prints: Iterable[Fingerprint]) -> Table:
    """The protocol of every value; no columns where there is none."""
    rows = list(prints)
    titles = [Column(title) for title in (rows[0] if rows else ())]
    cells = [tuple(values.values()) for values in rows]
    return Table("The protocol of every value", titles, cells, name="fingerprints", frozen=2, is_folded=True)
