"""Tables of single records: how values came about, and what failed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING

from visualprm_eval.report.table import Column, Table

if TYPE_CHECKING:
    from visualprm_eval.core.types import JSONValue
    from visualprm_eval.evaluate.result_rows import Failure, Fingerprint

__all__ = ["failures", "fingerprints", "protocol"]


def failures(records: Iterable[Failure]) -> Table:
    """What failed on the way."""
    columns = (
        Column("stage", width=10), Column("benchmark", width=24), Column("index", width=12),
        Column("rank (from 0)", "count", 9), Column("message", "message", 110),
    )  # fmt: skip
    return Table("What failed", columns, [astuple(failure) for failure in records], name="failures")


def protocol(settings: Mapping[str, JSONValue]) -> Table:
    """How the results came about: nested settings as dotted keys."""
    return Table("", (Column("key", "text", 60), Column("value", "text", 100)), list(_flat(settings)), name="protocol")


def _flat(value: Mapping[str, JSONValue], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Keys with values; lists of plain values as one text."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{name}.")
        elif isinstance(item, list | tuple) and all(isinstance(part, str | int | float) for part in item):
            yield name, ", ".join(map(str, item))
        elif isinstance(item, str | int | float):
            yield name, item
        else:
            yield name, json.dumps(item, ensure_ascii=False, default=str)


def fingerprints(prints: Iterable[Fingerprint]) -> Table:
    """The protocol of every value; no columns where there is none."""
    rows = list(prints)
    titles = rows[0] if rows else ()
    columns = [Column(title, width=60 if title.endswith(" with") or title == "parts" else 18) for title in titles]
    cells = [tuple(values.values()) for values in rows]
    return Table("The protocol of every value", columns, cells, name="fingerprints", frozen=2, is_folded=True)
