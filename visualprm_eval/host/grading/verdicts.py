"""Verdicts out of the files that the host's graders leave behind."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import NoVerdictsError
from visualprm_eval.core.types import Verdict
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.data.usable import MATCHED_TYPES, host_type
from visualprm_eval.host.grading.verdict_readers import (
    UNGRADED,
    UNREAD,
    drawn_at_random,
    gave_up,
    reader_of,
    tables_beside,
    verdict_of,
)

_VERDICT_COLUMNS = ("score", "correct")
"""Columns that most other graders leave. Whether they are what the host counts its primary metric shows."""


def leaves_verdicts(benchmark: Benchmark) -> bool:
    """Whether the dataset's class is one of those whose graders leave verdicts on single texts that are understood."""
    from vlmeval.dataset import ImageVQADataset

    from visualprm_eval.host.data.demo_dataset import DemoWorld

    understood = isinstance(benchmark.dataset, ImageVQADataset | DemoWorld) or reader_of(benchmark.dataset) is not None
    return understood or host_type(benchmark.dataset) in MATCHED_TYPES


def read_verdicts(
    benchmark: Benchmark, predictions: Path, indices: Sequence[str], *, judged: bool, unread: Collection[str] = ()
) -> dict[str, Verdict]:
    """The verdicts of one graded table.

    The host's graders have no common result format. Understood are a table with a row per index and either ``hit``
    (multiple choice, the bundled benchmark), ``eval_match`` (short answers), or ``score`` or ``correct`` (yes or no,
    and most others).

    Args:
        benchmark: Whose grader wrote them.
        predictions: The graded prediction file; results lie beside it.
        indices: The rows that were to be graded.
        judged: Whether a judge helped.
        unread: Rows of which it gave no reply that can be read; what the host says of them is void.

    Returns:
        A verdict for every index; one without a value where the host did not grade the row, or guessed.

    Raises:
        NoVerdictsError: When no file has verdicts that are understood.
        GradingError: When a verdict is not between 0 and 1.
    """
    reader = reader_of(benchmark.dataset)
    graded = _graded(benchmark, predictions) if reader is None else reader(predictions, judged)
    if graded is None:
        kind = f"{type(benchmark.dataset).__name__}, type {host_type(benchmark.dataset)}"
        raise NoVerdictsError(
            f"{benchmark.name}: the host's grader ({kind}) left no verdict per row that is understood; its files are "
            f"in {predictions.parent}"
        )
    # The host counts a row as wrong of which it read no reply, or rolls dice.
    return {index: UNREAD if index in unread else graded.get(index, UNGRADED) for index in indices}


def _graded(benchmark: Benchmark, predictions: Path) -> dict[str, Verdict] | None:
    """The verdicts of the first table that has some, of a benchmark without a reader of its own."""
    for table in tables_beside(predictions):
        values = _values(benchmark, table) if "index" in table else None
        if values is not None:
            logs = map(str, table["log"]) if "log" in table else [""] * len(table)
            return {str(index): _verdict(*found) for index, *found in zip(table["index"], values, logs, strict=True)}
    return None


def rows_drawn(predictions: Path) -> int:
    """For how many rows of a graded table the host drew an option at random, as far as its logs tell."""
    logs = [table["log"] for table in tables_beside(predictions) if "log" in table]
    return max((sum(drawn_at_random(str(log)) for log in each) for each in logs), default=0)


def _values(benchmark: Benchmark, table: Any) -> Sequence[Any] | None:
    """The column of a table that has verdicts."""
    if "hit" in table:
        return table["hit"]  # type: ignore[no-any-return]
    if "eval_match" in table:
        return _hits(benchmark.name, table["eval_match"])
    columns = (table[name] for name in _VERDICT_COLUMNS if name in table)
    return next((column for column in columns if host_type(benchmark.dataset) == "Y/N" or _are_verdicts(column)), None)


def _are_verdicts(column: Any) -> bool:
    """Whether a column holds nothing but numbers from 0 to 1 and gaps."""
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce")
    return bool(numbers.notna().equals(column.notna()) and numbers.dropna().between(0, 1).all())


def _hits(name: str, matches: Sequence[str]) -> list[float]:
    """The host's verdicts on short answers, made from their matches by its own rule for the dataset."""
    from vlmeval.dataset.utils.vqa_eval import hit_calculate

    return [float(hit) for hit in hit_calculate([{"match": ast.literal_eval(match)} for match in matches], name)]


def _verdict(value: Any, log: str) -> Verdict:
    if drawn_at_random(log):
        return Verdict(None, "the judge gave no reply that can be read, and the host drew an option at random")
    return UNREAD if gave_up(log) else verdict_of(value)
