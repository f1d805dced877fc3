"""Verdicts of the paper's benchmarks: each of their graders leaves its own kind of table.

Where the table has the judge's replies only, the host's own rule, by which it counts them, makes verdicts of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visualprm_eval.core.types import Verdict

__all__ = ["UNREAD", "Reader", "Reading", "drawn_at_random", "gave_up", "reader_of"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader must know of how a table was graded.

    Attributes:
        judged: Whether a judge helped.
        unread: Rows, by index, of which it gave no reply that can be read; what the host says of them is void.
    """

    judged: bool = False
    unread: Collection[str] = ()


Reader = Callable[[Path, Reading], dict[str, Verdict] | None]
"""Gives verdicts by index of a graded prediction file; ``None`` when the host left no table."""

_MATCHED = "Match Log: "
_RANDOM = "Failed to predict, thus randomly generate one. "
"""The host's remark when it drew an option at random because it could not read the judge's reply."""
_GAVE_UP, _NOT_JUDGED = "All 5 retries failed.", "Fail to Judge"
"""The host's last words on a row when no reply could be read; it counts such rows as wrong."""
UNREAD = Verdict(None, "the judge gave no reply that can be read")


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

    readers: dict[type, Reader] = {
        MathVista: _read_mathvista, MathVision: _read_mathvision, MathVerse: _read_mathverse, Dynamath: _read_dynamath,
        WeMath: _read_wemath, LogicVista: _read_logicvista,
    }  # fmt: skip
    return next((reader for kind, reader in readers.items() if isinstance(dataset, kind)), None)


def _rows(predictions: Path, *columns: str) -> Iterator[Any] | None:
    """The rows of the first table beside the predictions that has the columns, as the host would load them."""
    from vlmeval.smp import load

    for file in sorted(predictions.parent.glob(f"{predictions.stem}_*.tsv")):
        table = load(str(file))
        if {"index", *columns} <= set(table):
            return (row for _, row in table.iterrows())
    return None


def _verdicts(rows: Iterator[Any] | None, verdict: Callable[[Any], Verdict]) -> dict[str, Verdict] | None:
    return None if rows is None else {str(row["index"]): verdict(row) for row in rows}


def _hit(value: Any) -> Verdict:
    number = float(value)
    return Verdict(None, "the host did not grade this row") if math.isnan(number) else Verdict(number)


def gave_up(log: Any) -> bool:
    """Whether the host's log of a row says that no reply of the judge could be read; it counts such rows as wrong."""
    # What a policy wrote stands in the log of failed tries: only the end is the host's.
    return str(log).rstrip().endswith((_GAVE_UP, _NOT_JUDGED))


def _read_mathvista(predictions: Path, how: Reading) -> dict[str, Verdict] | None:
    del how  # The log tells of each row.
    from vlmeval.dataset.utils.mathvista import post_check

    def verdict(row: Any) -> Verdict:
        return UNREAD if gave_up(row["log"]) else _hit(post_check(row, prefetch=False))

    return _verdicts(_rows(predictions, "res", "log"), verdict)


def _read_mathvision(predictions: Path, how: Reading) -> dict[str, Verdict] | None:
    del how
    from vlmeval.dataset.utils.mathv import post_check

    def verdict(row: Any) -> Verdict:
        return UNREAD if gave_up(row["log"]) else _hit(post_check(row, prefetch=False))

    return _verdicts(_rows(predictions, "res", "log"), verdict)


def _read_mathverse(predictions: Path, how: Reading) -> dict[str, Verdict] | None:
    del how

    def verdict(row: Any) -> Verdict:
        return UNREAD if gave_up(row["log_extract"]) or gave_up(row["log_score"]) else _hit(row["score"])

    return _verdicts(_rows(predictions, "log_extract", "log_score", "score"), verdict)


def _read_logicvista(predictions: Path, how: Reading) -> dict[str, Verdict] | None:
    del how
    return _verdicts(
        _rows(predictions, "res", "log", "hit"), lambda row: UNREAD if gave_up(row["log"]) else _hit(row["hit"])
    )


def _read_dynamath(predictions: Path, how: Reading) -> dict[str, Verdict] | None:
    del how
    return _verdicts(_rows(predictions, "parse", "extracted", "correct"), lambda row: _hit(row["correct"]))


def _read_wemath(predictions: Path, how: Reading) -> dict[str, Verdict] | None:
    rows = _rows(predictions, "hit", "log")
    if rows is None and how.judged:  # The host stumbled before it wrote what the judge said.
        return None
    if rows is None:  # By exact matching: the host matches when it counts, and leaves no table.
        from vlmeval.dataset.utils.wemath import load_and_process_data

        table = load_and_process_data(str(predictions))
        return _verdicts((row for _, row in table.iterrows()), lambda row: _hit(row["joker"]))
    return _verdicts(rows, lambda row: UNREAD if drawn_at_random(str(row["log"])) else _hit(row["hit"]))
