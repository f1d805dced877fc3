"""Prediction files that the host reads back as they were meant.

They are UTF-8, which has no lone surrogates. How the host's reader is kept from guessing is in
``visualprm_eval.host.data.texts``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from pathlib import Path

from visualprm_eval.core.errors import GradingError
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.data.texts import texts_kept

EMPTY = "\ufffd"
"""Stands for a blank text: a character that no answer matches."""

REFUSED_OPTION = "Cannot determine the answer"
"""Stands for a blank text where a judge would be asked which option it means: the host takes it for none of them."""

_UNWRITABLE = re.compile("[\ud800-\udfff\x00]")


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
    from vlmeval.smp import load

    data = benchmark.dataset.data
    rows = data[data["index"].astype(str).isin(texts)].copy()
    if len(rows) != len(texts):
        unknown = sorted(set(texts) - set(rows["index"].astype(str)))
        raise GradingError(f"{benchmark.name} has no rows {', '.join(unknown[:5])}")
    rows["prediction"] = [sanitise(texts[str(index)]) for index in rows["index"]]
    file = folder / f"candidates_{benchmark.name}.tsv"
    rows.to_csv(file, sep="\t", index=False, encoding="utf-8", quoting=csv.QUOTE_ALL)
    with texts_kept(text_columns(benchmark)):
        read = load(str(file))["prediction"]
    if list(read) != list(rows["prediction"]):
        raise GradingError(f"{benchmark.name}: the host would read other texts from {file} than were written there")
    return file


def text_columns(benchmark: Benchmark) -> frozenset[str]:
    """The columns of a benchmark's table that hold texts, which a part of the table may not show."""
    data = benchmark.dataset.data
    kinds = {str(name): {type(value) for value in data[name]} - {float} for name in data}
    return frozenset(name for name, found in kinds.items() if found == {str})
