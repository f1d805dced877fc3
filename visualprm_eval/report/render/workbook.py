"""``results.xlsx``: the summary, all values, every pick, the protocol and the failures.

Sheets are streamed (openpyxl's write-only mode), so that the memory does not grow with the number of picks.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from io import BytesIO
from typing import TYPE_CHECKING

from openpyxl import Workbook

from visualprm_eval.report.render.csv import COLUMNS, GAIN_COLUMNS, rows_with_gains
from visualprm_eval.report.render.insight_sheets import (
    glossary_table,
    insight_tables,
    write_benchmark_sheets,
    write_curve_charts,
)
from visualprm_eval.report.render.summary_sheet import write_summary
from visualprm_eval.report.render.text import verdict_word
from visualprm_eval.report.render.xlsx import (
    COUNT,
    GAIN,
    LINE_HEIGHT,
    MAX_SHEET_ROWS,
    PERCENT,
    PLAIN,
    SCORE,
    WRAPPED,
    Field,
    Table,
    add_styles,
    write_table,
)
from visualprm_eval.report.tables.published import by_value
from visualprm_eval.report.tables.summary import final_picks, summarise

if TYPE_CHECKING:
    from pathlib import Path

    from visualprm_eval.core.types import JSONValue
    from visualprm_eval.evaluate.published.comparison import Comparison
    from visualprm_eval.evaluate.result_rows import Pick
    from visualprm_eval.evaluate.stats.rows import Insight
    from visualprm_eval.report.results import Results


def workbook_bytes(results: Results) -> bytes:
    """The spreadsheet as the content of a file."""
    stream = BytesIO()
    write_workbook(stream, results)
    return stream.getvalue()


def write_workbook(path: Path | BytesIO, results: Results, max_rows: int = MAX_SHEET_ROWS) -> None:
    """Writes the spreadsheet.

    Args:
        path: The file to write, or what takes its content.
        results: What to show.
        max_rows: Rows that a sheet may hold; more go on in sheets called ``problems 2`` and so on.

    Raises:
        OSError: The file cannot be written.
    """
    book = Workbook(write_only=True)
    add_styles(book)
    insight = results.insight
    write_summary(book, summarise(results.rows, insight), insight.banner, by_value(results.comparisons))
    for table in insight_tables(insight):
        write_table(book, table, max_rows, insight.banner)
    write_curve_charts(book, insight)
    write_benchmark_sheets(book, insight)
    failures = (astuple(failure) for failure in results.failures)
    # Picked texts show their first line until a reader makes the row higher.
    rows = (_pick_row(pick, insight) for pick in final_picks(results.picks))
    picks = Table("problems", PICK_FIELDS, rows, 4, LINE_HEIGHT)
    for table in (
        Table("all values", VALUE_FIELDS, rows_with_gains(results), gains=[_GAIN_PLACES]),
        picks,
        *_tables_on_provenance(results),
        Table("protocol", PROTOCOL_FIELDS, flat(results.protocol)),
        Table("failures", FAILURE_FIELDS, failures),
        glossary_table(),
    ):
        write_table(book, table, max_rows, insight.banner)
    book.save(path)


_VALUE_WIDTHS = {
    "policy": 28,
    "benchmark": 24,
    "split": 12,
    "reranker": 24,
    "metric": 22,
    "value": 10,
    "note": 90,
    "reading": 32,
}
_VALUE_STYLES = {
    "k": COUNT, "value": PERCENT, **dict.fromkeys(GAIN_COLUMNS[1:4], GAIN),
    **dict.fromkeys(("n_problems", "n_failed", "n_total"), COUNT),
}  # fmt: skip
_VALUE_COLUMNS = (*COLUMNS, *GAIN_COLUMNS)
VALUE_FIELDS = tuple(
    Field(title, _VALUE_WIDTHS.get(title, 12), _VALUE_STYLES.get(title, PLAIN)) for title in _VALUE_COLUMNS
)
_GAIN_PLACES = (len(COLUMNS) + 1, len(COLUMNS) + 2, len(COLUMNS) + 3)
PICK_FIELDS = (
    Field("policy", 18),
    Field("benchmark", 18),
    Field("split", 8),
    Field("index", 8),
    Field("question", 50, WRAPPED),
    Field("reference answer", 20, WRAPPED),
    Field("reranker", 22),
    Field("k", 6, COUNT),
    Field("rank (from 0)", 9, COUNT),
    Field("final answer", 20, WRAPPED),
    Field("verdict", 17),
    Field("critic", 14),
    Field("response score (mean)", 12, SCORE),
    Field("step scores", 34),
    Field("picked text", 90, WRAPPED),
    Field("right candidates", 16),
)
PROTOCOL_FIELDS = (Field("key", 60, WRAPPED), Field("value", 100, WRAPPED))
COMPARISON_FIELDS = (
    *(Field(title, _VALUE_WIDTHS[title]) for title in ("policy", "benchmark", "split", "reranker")),
    Field("k", 6, COUNT),
    Field("ours", 10, PERCENT),
    Field("published", 11, PERCENT),
    Field("difference", 11, GAIN),
    Field("source", 28),
    Field("not the same", 60),
    Field("gain over greedy", 11, GAIN),
    Field("published gain", 11, GAIN),
)
FAILURE_FIELDS = (
    Field("stage", 10),
    Field("benchmark", 24),
    Field("index", 12),
    Field("rank (from 0)", 9, COUNT),
    Field("message", 110),
)


def _tables_on_provenance(results: Results) -> Iterator[Table]:
    """Published figures beside ours, and the protocol of every value, where there are any."""
    if results.comparisons:
        yield Table("published", COMPARISON_FIELDS, map(_comparison_row, results.comparisons), 4)
    if results.fingerprints:
        fields = tuple(
            Field(name, 60 if name.endswith(" with") or name == "parts" else 18) for name in results.fingerprints[0]
        )
        yield Table("fingerprints", fields, (tuple(each.values()) for each in results.fingerprints), 2)


def _comparison_row(each: Comparison) -> tuple[object, ...]:
    row = each.row
    return (
        row.policy, row.benchmark, row.split, row.reranker, row.k, row.value, each.published, each.difference,
        each.source, each.remarks or None, each.gain, each.published_gain,
    )  # fmt: skip


def _pick_row(pick: Pick, insight: Insight) -> tuple[object, ...]:
    scores = pick.step_scores
    tally = insight.tallies.get((pick.policy, pick.benchmark, pick.problem_id))
    return (
        pick.policy, pick.benchmark, pick.split, pick.index, pick.question,
        pick.answer, pick.reranker, pick.k, pick.rank,
        pick.final_answer, pick.note or verdict_word(pick.verdict),
        pick.critic, math.fsum(scores) / len(scores) if scores else None,
        None if scores is None else "  ".join(f"{score:.4f}" for score in scores), pick.text,
        None if tally is None else f"{tally.right} of {tally.usable}",
    )  # fmt: skip


def flat(value: Mapping[str, JSONValue], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Nested settings as dotted keys; lists of plain values as one text."""
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and item:
            yield from flat(item, f"{name}.")
        elif isinstance(item, list | tuple) and all(isinstance(part, str | int | float) for part in item):
            yield name, ", ".join(map(str, item))
        elif isinstance(item, str | int | float):
            yield name, item
        else:
            yield name, json.dumps(item, ensure_ascii=False, default=str)
