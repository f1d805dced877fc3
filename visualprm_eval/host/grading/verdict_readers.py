"""Verdicts of the paper's benchmarks: each of their graders leaves its own kind of table.

Where the table has the judge's replies only, the host's own rule, by which it counts them, makes verdicts of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import GradingError
from visualprm_eval.core.types import Verdict

Reader = Callable[[Path, bool], dict[str, Verdict] | None]
"""Gives verdicts by index of a graded prediction file, told whether a judge helped; ``None`` when the host left no
table."""

_MATCHED = "Match Log: "
_RANDOM = "Failed to predict, thus randomly generate one. "
"""The host's remark when it drew an option at random because it could not read the judge's reply."""
_GAVE_UP, _NOT_JUDGED = "All 5 retries failed.", "Fail to Judge"
"""The host's last words on a row when no reply could be read; it counts such rows as wrong."""
UNREAD = Verdict(None, "the judge gave no reply that can be read")
UNGRADED = Verdict(None, "the host did not grade this row")
"""Of a row that the host's files say nothing of."""


def drawn_at_random(log: str) -> bool:
    """Whether the host's log of a row says that it drew an option at random.

    The log of a row that was matched quotes what the policy wrote, which may claim the same.
    """
    if log.startswith(_MATCHED):
        return log.strip() == f"{_MATCHED}{_RANDOM}. ".strip()
    return _RANDOM.strip() in log


def reader_of(dataset: Any) -> Reader | None:
    """Who reads the verdicts of a dataset; ``None`` for kinds that leave the common tables."""
    from vlmeval.dataset import Dynamath, LogicVista, MathVerse, MathVision, MathVista, WeMath
    from vlmeval.dataset.utils import mathv, mathvista

    readers: dict[type, Reader] = {
        MathVista: _reader(("res",), ("log",), lambda row: mathvista.post_check(row, prefetch=False)),
        MathVision: _reader(("res",), ("log",), lambda row: mathv.post_check(row, prefetch=False)),
        MathVerse: _reader(("score",), ("log_extract", "log_score"), lambda row: row["score"]),
        Dynamath: _reader(("parse", "extracted", "correct"), (), lambda row: row["correct"]),
        LogicVista: _reader(("res", "hit"), ("log",), lambda row: row["hit"]),
        WeMath: _read_wemath,
    }
    return next((reader for kind, reader in readers.items() if isinstance(dataset, kind)), None)


def _reader(columns: Sequence[str], logs: Sequence[str], value: Callable[[Any], Any]) -> Reader:
    """Reads the table that has the columns, and logs that tell of each row whether a judge was understood."""

    def verdict(row: Any) -> Verdict:
        return UNREAD if any(gave_up(row[log]) for log in logs) else verdict_of(value(row))

    return lambda predictions, _judged: _verdicts(_rows(predictions, *columns, *logs), verdict)


def tables_beside(predictions: Path) -> Iterator[Any]:
    """The tables that a grader left beside a prediction file, as the host would load them."""
    import pandas as pd

    for file in sorted(predictions.parent.glob(f"{predictions.stem}*.*")):
        if file != predictions and file.suffix in {".tsv", ".xlsx"}:
            yield pd.read_csv(file, sep="\t") if file.suffix == ".tsv" else pd.read_excel(file)


def _rows(predictions: Path, *columns: str) -> Iterator[Any] | None:
    """The rows of the first table beside the predictions that has the columns."""
    tables = (table for table in tables_beside(predictions) if {"index", *columns} <= set(table))
    table = next(tables, None)
    return None if table is None else (row for _, row in table.iterrows())


def _verdicts(rows: Iterator[Any] | None, verdict: Callable[[Any], Verdict]) -> dict[str, Verdict] | None:
    return None if rows is None else {str(row["index"]): verdict(row) for row in rows}


def verdict_of(value: Any) -> Verdict:
    """The verdict that the host wrote into a cell.

    Raises:
        GradingError: It is not between 0 and 1.
    """
    number = float(value)
    if math.isnan(number):
        return UNGRADED
    if not 0 <= number <= 1:
        raise GradingError(f"the host's verdict {number} is not between 0 and 1")
    return Verdict(number)


def gave_up(log: Any) -> bool:
    """Whether the host's log of a row says that no reply of the judge could be read; it counts such rows as wrong."""
    # What a policy wrote stands in the log of failed tries: only the end is the host's.
    return str(log).rstrip().endswith((_GAVE_UP, _NOT_JUDGED))


def _read_wemath(predictions: Path, judged: bool) -> dict[str, Verdict] | None:
    rows = _rows(predictions, "hit", "log")
    if rows is None and judged:  # The host stumbled before it wrote what the judge said.
        return None
    if rows is None:  # By exact matching: the host matches when it counts, and leaves no table.
        from vlmeval.dataset.utils.wemath import load_and_process_data

        table = load_and_process_data(str(predictions))
        return _verdicts((row for _, row in table.iterrows()), lambda row: verdict_of(row["joker"]))
    return _verdicts(rows, lambda row: UNREAD if drawn_at_random(str(row["log"])) else verdict_of(row["hit"]))
