"""Prediction files that the host reads back as they were meant.

The host reads tables with pandas, which turns ``None`` and ``NA`` into nothing and a column of numbers into numbers;
and they are UTF-8, which has no lone surrogates.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from visualprm_eval.errors import GradingError
from visualprm_eval.host.benchmarks import Benchmark

__all__ = ["EMPTY", "sanitise", "write_predictions"]

EMPTY = "\ufffd"
"""Stands for a blank text: a character that no answer matches."""

_UNWRITABLE = re.compile("[\ud800-\udfff\x00]")
_GUARD = "\u00a0"
"""A blank to Python, which strips it, but not to pandas' reader of numbers."""


def sanitise(text: str) -> str:
    """A text as a cell of the host's tables.

    Lone surrogates and NUL become the replacement character, a blank text becomes :data:`EMPTY`, and a text that pandas
    takes for a missing value gets a blank before it.
    """
    from pandas._libs.parsers import STR_NA_VALUES

    text = _UNWRITABLE.sub("\ufffd", text)
    if not text.strip():
        return EMPTY
    return f" {text}" if text in STR_NA_VALUES else text


def write_predictions(benchmark: Benchmark, texts: Mapping[str, str], folder: Path) -> Path:
    """Writes the host's prediction file: the dataset's columns without pictures, and ``prediction``.

    Args:
        benchmark: Whose rows they are.
        texts: What the host is to grade, by index.
        folder: Where the file goes.

    Returns:
        The file, ``candidates_BENCHMARK.tsv``.

    Raises:
        GradingError: When an index is none of the benchmark's, or the host would read other texts than were written.
    """
    data = benchmark.dataset.data
    rows = data[data["index"].astype(str).isin(texts)].copy()
    if len(rows) != len(texts):
        unknown = sorted(set(texts) - set(rows["index"].astype(str)))
        raise GradingError(f"{benchmark.name} has no rows {', '.join(unknown[:5])}")
    rows["prediction"] = [sanitise(texts[str(index)]) for index in rows["index"]]
    file = folder / f"candidates_{benchmark.name}.tsv"
    _write(rows, file)
    for column in ("prediction", "answer"):
        if column in rows and not _reads_back(file, column, rows[column]):
            # All cells look like numbers. With one that does not, pandas leaves the whole column alone.
            rows[column] = [str(value) for value in rows[column]]
            rows.iloc[0, rows.columns.get_loc(column)] += _GUARD
            _write(rows, file)
    if not _reads_back(file, "prediction", rows["prediction"]):
        raise GradingError(f"{benchmark.name}: the host would read other texts from {file} than were written there")
    return file


def _write(rows: Any, file: Path) -> None:
    rows.to_csv(file, sep="\t", index=False, encoding="utf-8", quoting=csv.QUOTE_ALL)


def _reads_back(file: Path, column: str, meant: Sequence[Any]) -> bool:
    """Whether the host's reader finds in a column what was meant."""
    from vlmeval.smp import load

    return [str(value) for value in load(str(file))[column]] == [str(value) for value in meant]
