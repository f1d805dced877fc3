"""Verdicts out of the files that the host's graders leave behind."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visualprm_eval.errors import GradingError, NoVerdictsError
from visualprm_eval.host.benchmarks import Benchmark
from visualprm_eval.host.readers import drawn_at_random, reader_of
from visualprm_eval.types import Verdict

__all__ = ["leaves_verdicts", "read_verdicts"]

_UNGRADED = Verdict(None, "the host did not grade this row")

_MATCHED_TYPES = ("MCQ", "Y/N")


def leaves_verdicts(benchmark: Benchmark) -> bool:
    """Whether the dataset's class is one of those whose graders leave verdicts on single texts that are understood."""
    from vlmeval.dataset import ImageVQADataset

    from visualprm_eval.host.demo_dataset import DemoWorld

    understood = isinstance(benchmark.dataset, ImageVQADataset | DemoWorld) or reader_of(benchmark.dataset) is not None
    return understood or benchmark.dataset.TYPE in _MATCHED_TYPES


def read_verdicts(
    benchmark: Benchmark, predictions: Path, indices: Sequence[str], *, unanswered: bool = False
) -> dict[str, Verdict]:
    """The verdicts of one graded table.

    The host's graders have no common result format. Understood are a table with a row per index and either ``hit``
    (multiple choice, the bundled benchmark), ``eval_match`` (short answers) or, for yes or no, ``score``.

    Args:
        benchmark: Whose grader wrote them.
        predictions: The graded prediction file; results lie beside it.
        indices: The rows that were to be graded.
        unanswered: Whether requests to the judge failed. A yes or no that the host does not know is then a failure;
            the host would count it as wrong.

    Returns:
        A verdict for every index; one without a value where the host did not grade the row, or guessed.

    Raises:
        NoVerdictsError: When no file has verdicts that are understood.
        GradingError: When a verdict is not between 0 and 1.
    """
    reader = reader_of(benchmark.dataset)
    if reader is not None:
        rows = reader(predictions, unanswered=unanswered)
        if rows is None:
            raise _no_verdicts(benchmark, predictions)
        return {index: rows.get(index, _UNGRADED) for index in indices}
    found = _result_table(benchmark, predictions)
    if found is None:
        raise _no_verdicts(benchmark, predictions)
    table, values = found
    if unanswered and "extracted" in table:
        values = [
            math.nan if known == "Unknown" else value for known, value in zip(table["extracted"], values, strict=True)
        ]
    logs = [str(log) for log in table["log"]] if "log" in table else [""] * len(table)
    graded = {str(index): _verdict(value, log) for index, value, log in zip(table["index"], values, logs, strict=True)}
    return {index: graded.get(index, _UNGRADED) for index in indices}


def _no_verdicts(benchmark: Benchmark, predictions: Path) -> NoVerdictsError:
    kind = f"{type(benchmark.dataset).__name__}, type {benchmark.dataset.TYPE}"
    return NoVerdictsError(
        f"{benchmark.name}: the host's grader ({kind}) left no verdict per row that is understood; its files are in "
        f"{predictions.parent}"
    )


def _result_table(benchmark: Benchmark, predictions: Path) -> tuple[Any, list[Any]] | None:
    """The first table beside the predictions that has verdicts, and its verdicts."""
    import pandas as pd

    for file in sorted(predictions.parent.glob(f"{predictions.stem}*.tsv")):
        if file == predictions:
            continue
        table = pd.read_csv(file, sep="\t")
        if "index" not in table:
            continue
        if "hit" in table:
            return table, list(table["hit"])
        if "eval_match" in table:
            return table, _hits(benchmark.name, table["eval_match"])
        if "score" in table and benchmark.dataset.TYPE == "Y/N":
            return table, list(table["score"])
    return None


def _hits(name: str, matches: Sequence[str]) -> list[float]:
    """The host's verdicts on short answers, made from their matches by its own rule for the dataset."""
    from vlmeval.dataset.utils.vqa_eval import hit_calculate

    return [float(hit) for hit in hit_calculate([{"match": ast.literal_eval(match)} for match in matches], name)]


def _verdict(value: Any, log: str) -> Verdict:
    if drawn_at_random(log):
        return Verdict(None, "the judge gave no reply that can be read, and the host drew an option at random")
    number = float(value)
    if math.isnan(number):
        return _UNGRADED
    if not 0 <= number <= 1:
        raise GradingError(f"the host's verdict {number} is not between 0 and 1")
    return Verdict(number)
