"""Prediction files that the host reads back as they were meant.

They are UTF-8, which has no lone surrogates. How the host's reader is kept from guessing is in
``visualprm_eval.host.data.texts``.
"""

from __future__ import annotations

import csv
import functools
import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from visualprm_eval.core.errors import GraderStumbledError, GradingError
from visualprm_eval.core.words import first_few
from visualprm_eval.host.benchmark import Benchmark
from visualprm_eval.host.data.texts import texts_kept

EMPTY = "\ufffd"
"""Stands for a blank text: a character that no answer matches."""

REFUSED_OPTION = "Cannot determine the answer"
"""Stands for a blank text where a judge would be asked which option it means: the host takes it for none of them."""

LONGEST_CELL = 32_767
"""Characters of a text in a spreadsheet."""

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
        The file, ``candidates_BENCHMARK.tsv``, or ``.xlsx`` for a grader that insists on a spreadsheet.

    Raises:
        GraderStumbledError: When a spreadsheet cannot hold a text.
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
    dataset_class: Any = type(benchmark.dataset)
    if insists_on_spreadsheet(dataset_class):
        file = file.with_name(f"{file.stem}.xlsx")  # The name may have a dot in it.
        _check_lengths(benchmark, rows)
    with texts_kept(text_columns(benchmark)):
        if file.suffix == ".xlsx":
            rows.to_excel(file, index=False, engine="xlsxwriter")
        else:
            rows.to_csv(file, sep="\t", index=False, encoding="utf-8", quoting=csv.QUOTE_ALL)
        read = load(str(file))["prediction"]
    other = [
        str(index) for index, *pair in zip(rows["index"], read, rows["prediction"], strict=True) if pair[0] != pair[1]
    ]
    if other and file.suffix == ".xlsx":
        raise _not_held(benchmark, other, "cannot hold this text")
    if other:
        raise GradingError(f"{benchmark.name}: the host would read other texts from {file} than were written there")
    return file


_INSISTS = re.compile(
    r"""eval_file\s*\.\s*(?:endswith|replace)\(\s*f?['"]\.xlsx['"](?!\s*,\s*['"]\.tsv)|read_excel\(\s*eval_file"""
)
"""Code of graders that read no other prediction file, or make names of other files of its ending: they would overwrite
it."""


@functools.cache
def insists_on_spreadsheet(dataset_class: Any) -> bool:
    """Whether the graders of a class of the host take a spreadsheet alone, as their code tells."""
    grades = next((each for each in dataset_class.__mro__ if "evaluate" in vars(each)), dataset_class)
    with suppress(OSError):  # There is no source.
        return bool(_INSISTS.search(inspect.getsource(grades)))
    return False


def _check_lengths(benchmark: Benchmark, rows: Any) -> None:
    """Refuses texts that a spreadsheet would cut.

    Raises:
        GraderStumbledError: It names their rows.
    """
    texts = rows.select_dtypes(exclude="number").astype(str)
    long = texts.apply(lambda column: column.str.len()).max(axis=1) > LONGEST_CELL
    if found := list(rows["index"][long].astype(str)):
        raise _not_held(benchmark, found, f"holds {LONGEST_CELL:,} characters")


def _not_held(benchmark: Benchmark, indices: list[str], what: str) -> GraderStumbledError:
    reason = f"a cell of a spreadsheet, which the host's grader insists on, {what}"
    return GraderStumbledError(f"{benchmark.name}: row {first_few(indices, 5)}: {reason}", None, reason)


def text_columns(benchmark: Benchmark) -> frozenset[str]:
    """The columns of a benchmark's table that hold texts, which a part of the table may not show."""
    data = benchmark.dataset.data
    kinds = {str(name): {type(value) for value in data[name]} - {float} for name in data}
    return frozenset(name for name, found in kinds.items() if found == {str})
